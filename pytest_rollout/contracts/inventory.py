"""The declared inventory, looked at on all its networks at once, one block a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_rollout.contracts.code import Template, Uncomparable
from pytest_rollout.contracts.identity import code_at, implementation_at
from pytest_rollout.contracts.interface import keccak
from pytest_rollout.contracts.reading import Reading, read_networks, side_by_side, together
from pytest_rollout.contracts.records.record import Record
from pytest_rollout.contracts.states.subject import ZERO
from pytest_rollout.core.errors import ContractError, RolloutError
from pytest_rollout.core.inventory import Listed
from pytest_rollout.core.rollout import Rollout, Stage

if TYPE_CHECKING:
    from pytest_rollout.contracts.book import Contracts
    from pytest_rollout.contracts.books import Books
    from pytest_rollout.networks.port import Chain

Seen = dict[str, Any]


def observe(check: Listed, rollout: Rollout, stage: Stage, books: Books) -> tuple[Seen, str]:  # noqa: ARG001 - every room's door
    """What the chain says about one contract of the inventory; the first item that asks looks for all."""
    if books.looked is None:
        books.looked = look([each for each in stage.checks if isinstance(each, Listed)], books)
    seen = books.looked[check.name]
    if isinstance(seen, RolloutError):
        raise seen
    value, block = seen
    return value, f"{check.network} @ {block}"


def look(wanted: Sequence[Listed], books: Mapping[str, Contracts]) -> dict[str, tuple[Seen, int] | RolloutError]:
    """All of them by name, networks at the same time; what could not be looked at has its error."""
    found: dict[str, tuple[Seen, int] | RolloutError] = {}
    readings: dict[Chain, Callable[[str], Reading[list[Seen | RolloutError]]]] = {}
    by_chain: dict[Chain, list[Listed]] = {}
    for network in dict.fromkeys(each.network for each in wanted):
        here = [each for each in wanted if each.network == network]
        try:
            book = books[network]
        except RolloutError as error:
            found |= {each.name: error for each in here}
            continue
        by_chain[book.chain] = here
        readings[book.chain] = _reading(here, book)
    for chain, answer in read_networks(readings).items():
        for number, each in enumerate(by_chain[chain]):
            if isinstance(answer, RolloutError):
                found[each.name] = answer
                continue
            values, block = answer
            value = values[number]
            found[each.name] = value if isinstance(value, RolloutError) else (value, block)
    return found


def _reading(wanted: Sequence[Listed], book: Contracts) -> Callable[[str], Reading[list[Seen | RolloutError]]]:
    return lambda block: side_by_side([seen_of(book, each.contract, block) for each in wanted])


def seen_of(book: Contracts, name: str, block: str) -> Reading[Seen]:
    """One contract as ``Listed`` is judged by."""
    if name not in book:
        return {"known": False}
    record = book.record(name)
    seen: Seen = {"known": True, "chain_id": book.chain.chain_id}
    if record is not None and record.chain_id is not None:
        seen["recorded_chain_id"] = record.chain_id
    address = book.where(name)
    written, behind = yield from together([code_at(address, block), implementation_at(address, block)])
    code = bytes.fromhex(written)
    own: Seen = _place(address, code)
    seen["own"] = own
    if record is not None and record.address != address:
        own["compared"].append(_held("its recorded address", record.address, address))
    if record is not None and record.code_hash is not None:
        own["compared"].append(_held("its recorded hash", record.code_hash, own["hash"]))
    if behind == ZERO:
        if record is not None and record.implementation is not None and code:
            own["compared"].append({"with": "its record", "difference": "recorded as a proxy, and it is none"})
        own["compared"] += _compiled(book, name, record, address, code)
        return seen
    own["compared"] += _made_of_one(book, address, code)
    code = bytes.fromhex((yield from code_at(behind, block)))
    seen["behind"] = place = _place(behind, code)
    if record is not None and record.implementation is not None:
        place["compared"].append(_held("its recorded implementation", record.implementation.lower(), behind))
    if record is not None and record.implementation_hash is not None:
        place["compared"].append(_held("its recorded implementation hash", record.implementation_hash, place["hash"]))
    place["compared"] += _compiled(book, name, None, behind, code)
    return seen


def _made_of_one(book: Contracts, address: str, code: bytes) -> list[Seen]:
    """The own code of a proxy against the artifacts that the plan has for proxies; it must be one of them."""
    differences = []
    for name in book.proxies:
        runtime = book.artifact(name).runtime
        difference = "has no code to compare with" if runtime is None else _difference(runtime, code, address, {})
        if not difference:
            return [{"with": f"the proxy's artifact {name}", "difference": ""}]
        differences.append(f"{name} ({difference})")
    return (
        [{"with": "the proxies of the plan", "difference": f"is none of {', '.join(differences)}"}]
        if differences
        else []
    )


def _difference(template: Template, code: bytes, address: str, libraries: Mapping[str, str]) -> str:
    try:
        return template.difference(code, address=address, libraries=libraries)
    except Uncomparable as reason:
        return f"cannot be compared, {reason}"


def _place(address: str, code: bytes) -> Seen:
    return {"address": address, "size": len(code), "hash": "0x" + keccak(code).hex(), "compared": []}


def _held(what: str, wanted: str, found: str) -> Seen:
    return {"with": what, "difference": "" if wanted == found else f"{found}, not {wanted}"}


def _compiled(book: Contracts, name: str, record: Record | None, address: str, code: bytes) -> list[Seen]:
    """The code against the project's artifact or, without one, against the code in its record."""
    if not code:
        return []
    try:
        artifact = book.made_of(name)
    except ContractError:
        artifact = None
    template, what, libraries = None, "", dict[str, str]()
    if artifact is not None and artifact.runtime is not None:
        template, what = artifact.runtime, f"the artifact {artifact.name}"
    elif record is not None and record.runtime is not None:
        template, what, libraries = Template.of_hex(record.runtime), "the code in its record", dict(record.libraries)
    if template is None:
        return []
    for qualified in template.libraries:
        short = qualified.rpartition(":")[2]
        if short in book:
            libraries.setdefault(short, book.where(short))
    return [{"with": what, "difference": _difference(template, code, address, libraries)}]
