"""The contracts on one chain, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NewType

from pytest_rollout.contracts.addresses import Unfit, address
from pytest_rollout.contracts.arguments import Misfit, shown
from pytest_rollout.contracts.artifacts import Artifact, Artifacts, link, some
from pytest_rollout.contracts.attributes import Attributes, attributes
from pytest_rollout.contracts.call import Call
from pytest_rollout.contracts.contract import Contract
from pytest_rollout.contracts.interface import Interface
from pytest_rollout.contracts.reading import Reading, read_at_head
from pytest_rollout.contracts.records.record import Record
from pytest_rollout.contracts.transactions import WITHIN_SECONDS, Finality, Transactions
from pytest_rollout.core.errors import ContractError, RolloutError, listed, suggestion
from pytest_rollout.networks.port import Chain

Mark = NewType("Mark", Mapping[str, Contract])
"""Which contracts a book knew at one moment."""


class Contracts:
    """Contracts by name: ``contracts.SkillProfile.functions.paused().call()``.

    A name is known once it was deployed here, loaded by address, or is in the deployment record.
    What a contract refuses arrives as ``Reverted``, with the custom errors of every artifact told
    by name. ``height`` is the newest block this book knows of, ``proxies`` the artifacts that proxies
    may be made of.
    """

    def __init__(
        self,
        chain: Chain,
        artifacts: Artifacts,
        deployments: Mapping[str, str],
        records: Mapping[str, Record] | None = None,
        *,
        proxies: Sequence[str] = (),
    ) -> None:
        self.proxies = proxies
        self._chain = chain
        self._artifacts = artifacts
        self._recorded = dict(deployments)
        self._records = dict(records or {})
        self._known: dict[str, Contract] = {}
        self._made_of: dict[str, str] = {}
        self._interfaces: dict[str, Interface] = {}
        self.height: int | None = None
        chain.errors.learn_later(artifacts.abis)

    def __getattr__(self, name: str) -> Contract:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Contract:
        if name not in self._known and name in self._recorded:
            return self.at(name, self._recorded[name])
        if name not in self._known:
            raise self._unknown(name)
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._known or name in self._recorded

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.names()]

    def names(self) -> list[str]:
        """The names that stand for a contract on this chain, sorted."""
        return sorted({*self._known, *self._recorded})

    def where(self, name: str) -> str:
        """The address that stands for a name; raises ``ContractError``. Whether there is code is not asked."""
        if name in self._known:
            return self._known[name].address
        if name in self._recorded:
            return self._recorded[name]
        raise self._unknown(name)

    def interface(self, name: str) -> Interface:
        """What the contract of that name declares."""
        return self._known[name].interface if name in self._known else self._interface(name)

    def artifact(self, name: str) -> Artifact:
        """The artifact of that name; raises ``ContractError``."""
        return self._artifacts.get(name)

    def made_of(self, name: str) -> Artifact:
        """The artifact that a contract was deployed from or is called by; raises ``ContractError``."""
        return self._artifacts.get(self._made_of.get(name, name))

    @property
    def chain(self) -> Chain:
        """The chain they are on."""
        return self._chain

    def record(self, name: str) -> Record | None:
        """What the deployment record says about a contract, None where it says nothing."""
        return self._records.get(name)

    def deployed_in(self, name: str) -> int | None:
        """The block in which a recorded contract was deployed, None where its record does not say."""
        record = self.record(name)
        return record.block if record is not None and record.address == self.where(name) else None

    def deploy(
        self,
        name: str,
        *arguments: Any,
        sender: str | None = None,
        as_: str | None = None,
        libraries: Mapping[str, str] | None = None,
    ) -> Contract:
        """Deploy an artifact and know it by its name, or by ``as_``.

        ``sender`` is a role or an address, by default the deployer. ``libraries`` maps library
        names to addresses. Raises ``Reverted`` if the constructor refuses, ``ContractError`` if
        the artifact, its libraries or the arguments do not fit or no code is there afterwards.
        """
        artifact = self._artifacts.get(name)
        linked = {
            each: self._address(f"contract {name}: library {each}", where) for each, where in (libraries or {}).items()
        }
        code = link(artifact, linked)
        data = code + self._constructed(artifact, arguments).hex()
        receipt = self._sent({"from": self.sender(sender), "data": data})
        return self.at(as_ or name, str(receipt["contractAddress"]), artifact=name)

    def at(self, name: str, where: str, *, artifact: str | None = None) -> Contract:
        """Know the contract at an address by ``name``, with the ABI of the artifact ``name`` or ``artifact``."""
        place = f"network {self._chain.name}: {name}"
        checked = self._address(place, where)
        self._made_of[name] = artifact or name
        interface = self._interface(artifact or name)
        if self._chain.request("eth_getCode", [checked, "latest"]) in {"0x", ""}:
            raise ContractError(f"{place}: no code at {checked}; is it the address on another network?")
        self._known[name] = Contract(self._chain, name, checked, interface)
        return self._known[name]

    def send(self, call: Call, *, sender: str | None = None, value: int = 0, gas: int | None = None) -> Attributes:
        """Send a call as a transaction and wait for its receipt; raises ``Reverted`` unless it succeeded.

        ``value`` is in wei; with ``gas`` given nothing is estimated.
        """
        given: dict[str, Any] = {"from": self.sender(sender)}
        if value:
            given["value"] = value
        if gas is not None:
            given["gas"] = gas
        return self._sent(self._ours(call).params(given)[0])

    def transactions(self, *, finality: Finality | None = None, within: float = WITHIN_SECONDS) -> Transactions:
        """Transactions to submit, follow and count: what becomes of each is an outcome, not an exception.

        ``finality`` is by default the network's own rule, and on a development chain being
        included; ``within`` is how many seconds each has.
        """
        # Development chains have no rule of their own: their blocks are final when they are there.
        rule = getattr(self._chain, "finality", 0) if finality is None else finality
        return Transactions(self._chain, rule, within)

    def read(self, calls: Mapping[str, Call]) -> dict[str, Any]:
        """The results of several calls by the same keys, all at one block and in one round trip.

        If some of them fail, the first error is raised, with a note for each of the others.
        """
        found = self.look(calls)
        failed = {key: value for key, value in found.items() if isinstance(value, RolloutError)}
        if failed:
            (key, first), *others = failed.items()
            first.add_note(f"read as '{key}'")
            for name, other in others:
                first.add_note(f"and '{name}': {other}")
            raise first
        return found

    def look(self, calls: Mapping[str, Call]) -> dict[str, Any | RolloutError]:
        """As ``read``; a call that fails has its error in its place, and hides no other."""
        asked = [self._ours(call) for call in calls.values()]

        def readings(block: str) -> Reading[list[Any | RolloutError]]:
            answers = yield [("eth_call", each.params(None, block)) for each in asked]
            return [_result(each, answer) for each, answer in zip(asked, answers, strict=True)]

        found, self.height = read_at_head(self._chain, readings, guess=self.height)
        return dict(zip(calls, found, strict=True))

    def sender(self, given: str | None) -> str:
        """The address of a role, an address itself, or the deployer's; raises ``NetworkError``."""
        accounts = self._chain.accounts
        if given is None:
            return accounts.default
        return given if given.startswith("0x") else accounts[given]

    def mark(self) -> Mark:
        """What is known now, to come back to when the chain does."""
        return Mark(dict(self._known))

    def restore(self, mark: Mark) -> None:
        """Know again what was known at ``mark``, and nothing else."""
        self._known = dict(mark)

    def _sent(self, transaction: Mapping[str, Any]) -> Attributes:
        """The receipt of a transaction in 0x hex."""
        receipt = attributes(self._chain.send(transaction))
        self.height = receipt["blockNumber"]
        if receipt["status"] != 1:
            # Only where automatic mining is off; otherwise the chain has told it, with the reason.
            raise self._chain.errors.reverted(b"")
        return receipt

    def _interface(self, artifact: str) -> Interface:
        if artifact not in self._interfaces:
            abi = self._artifacts.get(artifact).abi
            self._chain.errors.learn_later(lambda: [abi])
            self._interfaces[artifact] = Interface(abi)
        return self._interfaces[artifact]

    def _constructed(self, artifact: Artifact, arguments: tuple[Any, ...]) -> bytes:
        constructor = self._interface(artifact.name).constructor
        if len(arguments) == len(constructor.parameters):
            with suppress(Misfit):
                takers = zip(constructor.takers, arguments, strict=True)
                return constructor.encode([take(each, "") for take, each in takers])
        taken = ", ".join(f"{each['type']} {each.get('name', '')}".strip() for each in constructor.parameters)
        raise ContractError(
            f"contract {artifact.name}: its constructor takes ({taken}), not "
            f"({', '.join(repr(each) for each in arguments)})."
        )

    def _ours(self, call: Call) -> Call:
        """A call on this book's network; what is read elsewhere would not be what is meant."""
        if not isinstance(call, Call):
            raise ContractError(
                f"network {self._chain.name}: {shown(call)} is no call; write contracts.NAME.functions.FUNCTION(…)."
            )
        if call.contract.chain is not self._chain:
            raise ContractError(f"{call.place}: is on another network than this book, which is on {self._chain.name}.")
        return call

    def _address(self, place: str, where: object) -> str:
        try:
            return address(where)
        except Unfit as reason:
            raise ContractError(f"{place}: {reason}") from None

    def _unknown(self, name: str) -> ContractError:
        network = self._chain.name
        if name in self._artifacts.names():
            return ContractError(
                f'network {network}: {name} is not deployed; deploy it with contracts.deploy("{name}", …), '
                f"or give its address in contracts.deployments.{network}."
            )
        names = sorted({*self.names(), *self._artifacts.names()})
        return ContractError(
            f"network {network}: no contract '{name}'; known are {listed(self.names())}, "
            f"artifacts are {some(self._artifacts.names())}.{suggestion(name, names)}"
        )


def _result(call: Call, answer: Any) -> Any | RolloutError:
    if isinstance(answer, RolloutError):
        return answer
    try:
        return call.result(answer)
    except RolloutError as error:
        return error
