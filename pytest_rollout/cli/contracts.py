"""The book of each network, and what the chain says beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from pytest_rollout.contracts.book import Contracts
from pytest_rollout.contracts.checks import observe_all
from pytest_rollout.contracts.deployments import recorded
from pytest_rollout.contracts.inventory import look
from pytest_rollout.contracts.opening import open_contracts
from pytest_rollout.core.errors import ContractError, RolloutError, UsageError, listed, suggestion
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.inventory import Listed
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.rollout import ContractState, Network, Rollout
from pytest_rollout.networks.opening import open_network
from pytest_rollout.networks.port import Chain
from pytest_rollout.reporting.text import line

Opener = Callable[[Network], Chain]

_BESIDE = ("paused", "owner")
_LONGEST = 160


def books(
    rollouts: Sequence[Rollout], network: str | None, opened: Opener = open_network
) -> tuple[list[dict[str, Any]], bool]:
    """A document for each network with a record or an inventory, and whether any of them differs from its chain."""
    documents = [
        _document(rollout, rollout.networks[name], opened) for rollout in rollouts for name in _wanted(rollout, network)
    ]
    if not documents:
        names = [name for rollout in rollouts for name in rollout.networks]
        where = "no network" if network is None else f"no network '{network}'"
        raise UsageError(
            f"{where} with a record or an inventory; write contracts.deployments or contracts.inventory for one of "
            f"{listed(names)}.{suggestion(network or '', names)}"
        )
    return documents, any(each["differences"] for each in documents)


def text(documents: Sequence[Mapping[str, Any]]) -> str:
    """A line a contract below a line a network, and a line that counts."""
    lines: list[str] = []
    for document in documents:
        lines.append(f"{document['rollout']} · {document['network']}")
        for each in document["contracts"]:
            beside = "".join(f", {what} {value}" for what, value in each["states"].items())
            lines.append(line(f"  {each['outcome']:>12}  {each['name']}: {each['measured']}{beside}", _LONGEST))
        lines += [line(f"  {'':>12}  {difference}", _LONGEST) for difference in document["elsewhere"]]
        lines += [f"  left alone: {name}" for name in document["aside"]]
    contracts = sum(len(each["contracts"]) for each in documents)
    differences = sum(each["differences"] for each in documents)
    return "\n".join([*lines, f"{contracts} contracts on {len(documents)} networks, {differences} differences"])


def _wanted(rollout: Rollout, network: str | None) -> Iterator[str]:
    settings = rollout.contracts
    for name in rollout.networks:
        if network in {None, name} and (name in settings.deployments or name in settings.inventory):
            yield name


def _document(rollout: Rollout, network: Network, opened: Opener) -> dict[str, Any]:
    """One network's book; what keeps it from being read is a difference of every contract."""
    document: dict[str, Any] = {"rollout": rollout.name, "network": network.name, "aside": [], "elsewhere": []}
    names = list(rollout.contracts.inventory.get(network.name, ()))
    there: list[str] = []
    wanted = _listed(network, names)
    try:
        records = recorded(rollout.contracts, network.name, network.chain_id)
        there += [] if records is None else records.contracts
        wanted = _listed(network, [*names, *there])
        document["aside"] = [] if records is None else list(records.aside)
        if names:
            strangers = [name for name in there if name not in names]
            document["elsewhere"] = [f"{name} is recorded, and not in the inventory" for name in strangers]
        with closing(opened(network)) as chain:
            book = open_contracts(rollout.contracts, chain)
            found = look(wanted, {network.name: book})
            states = _states(book, chain, [each.contract for each in wanted])
    except RolloutError as error:
        found, states = dict.fromkeys((each.name for each in wanted), error), {}
        document["elsewhere"] += [] if wanted else [str(error)]
    document["contracts"] = [_contract(each, found[each.name], states.get(each.contract, {})) for each in wanted]
    wrong = [each for each in document["contracts"] if each["outcome"] != Outcome.PASS.value]
    document["differences"] = len(wrong) + len(document["elsewhere"])
    return document


def _listed(network: Network, names: Sequence[str]) -> list[Listed]:
    return [Listed(network=network.name, contract=each, chain_id=network.chain_id) for each in dict.fromkeys(names)]


def _contract(check: Listed, answer: Any, states: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(answer, RolloutError):
        about = {"outcome": Outcome.ERROR.value, "measured": str(answer), "seen": {}}
    else:
        value, block = answer
        finding = check.judge(check.name, Observation(item=check.name, value=value))
        about = {"outcome": finding.outcome.value, "measured": finding.measured, "seen": value | {"block": block}}
    return {"name": check.contract, "states": dict(states), **about}


def _states(book: Contracts, chain: Chain, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Whether each is paused and who owns it, where its artifact has such a view and the chain answers it."""
    asked: list[ContractState] = []
    for name in names:
        try:
            functions = book.interface(name).functions
        except ContractError:
            continue
        if name in book:
            asked += [ContractState(contract=name, what=what, expected="") for what in _BESIDE if what in functions]
    found: dict[str, dict[str, Any]] = {}
    for state, value in zip(asked, observe_all(asked, book, chain).seen.values(), strict=True) if asked else ():
        if not isinstance(value, RolloutError):
            shown = str(value).lower() if isinstance(value, bool) else value
            found.setdefault(state.contract, {})[state.what] = shown
    return found
