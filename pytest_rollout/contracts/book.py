"""The contracts on one chain, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NewType, cast

from pytest_rollout.contracts.addresses import Unfit, address
from pytest_rollout.contracts.artifacts import Artifact, Artifacts, link, some
from pytest_rollout.contracts.interface import Abi, Interface
from pytest_rollout.contracts.records.record import Record
from pytest_rollout.core.errors import ContractError, NetworkError, listed, suggestion
from pytest_rollout.networks.port import Chain

if TYPE_CHECKING:
    from web3.contract import Contract
    from web3.contract.contract import ContractFunction
    from web3.types import TxParams, TxReceipt

Mark = NewType("Mark", Mapping[str, "Contract"])
"""Which contracts a book knew at one moment."""

RECEIPT_SECONDS = 30


class Contracts:
    """Contracts by name: ``contracts.SkillProfile.functions.paused().call()``.

    A name is known once it was deployed here, loaded by address, or is in the deployment record.
    What is handed out are web3.py contracts; what they refuse arrives as ``Reverted``, with the
    custom errors of every artifact told by name.
    """

    def __init__(
        self,
        chain: Chain,
        artifacts: Artifacts,
        deployments: Mapping[str, str],
        records: Mapping[str, Record] | None = None,
    ) -> None:
        self._chain = chain
        self._artifacts = artifacts
        self._recorded = dict(deployments)
        self._records = dict(records or {})
        self._known: dict[str, Contract] = {}
        self._made_of: dict[str, str] = {}
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
            return str(self._known[name].address)
        if name in self._recorded:
            return self._recorded[name]
        raise self._unknown(name)

    def interface(self, name: str) -> Interface:
        """What the contract of that name declares."""
        if name in self._known:
            return Interface(cast("Abi", self._known[name].abi))
        return Interface(self._artifacts.get(name).abi)

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
        from web3.exceptions import Web3Exception  # noqa: PLC0415 - heavy

        artifact = self._artifacts.get(name)
        linked = {
            each: self._address(f"contract {name}: library {each}", where) for each, where in (libraries or {}).items()
        }
        code = link(artifact, linked)
        self._chain.errors.learn(artifact.abi)
        factory = self._chain.w3.eth.contract(abi=cast("Any", artifact.abi), bytecode=cast("Any", code))
        unfit = ContractError(
            f"contract {name}: its constructor takes ({_parameters(artifact.abi)}), not "
            f"({', '.join(repr(each) for each in arguments)})."
        )
        if arguments and not _parameters(artifact.abi):
            # web3.py would drop them without a word.
            raise unfit
        try:
            creation = factory.constructor(*arguments)
        except (Web3Exception, TypeError, ValueError) as error:
            raise unfit from error
        digest = creation.transact({"from": cast("Any", self.sender(sender))})
        receipt = self._receipt(digest)
        return self.at(as_ or name, str(receipt["contractAddress"]), artifact=name)

    def at(self, name: str, where: str, *, artifact: str | None = None) -> Contract:
        """Know the contract at an address by ``name``, with the ABI of the artifact ``name`` or ``artifact``."""
        place = f"network {self._chain.name}: {name}"
        checked = self._address(place, where)
        abi = self._artifacts.get(artifact or name).abi
        self._made_of[name] = artifact or name
        self._chain.errors.learn(abi)
        if self._chain.request("eth_getCode", [checked, "latest"]) in {"0x", ""}:
            raise ContractError(f"{place}: no code at {checked}; is it the address on another network?")
        self._known[name] = self._chain.w3.eth.contract(address=cast("Any", checked), abi=cast("Any", abi))
        return self._known[name]

    def send(
        self, call: ContractFunction, *, sender: str | None = None, value: int = 0, gas: int | None = None
    ) -> TxReceipt:
        """Send a call as a transaction and wait for its receipt; raises ``Reverted`` unless it succeeded.

        ``value`` is in wei; with ``gas`` given nothing is estimated.
        """
        transaction: dict[str, Any] = {"from": self.sender(sender), "value": value}
        if gas is not None:
            transaction["gas"] = gas
        return self._receipt(call.transact(cast("TxParams", transaction)))

    def read(self, calls: Mapping[str, ContractFunction]) -> dict[str, Any]:
        """The results of several calls by the same keys, all read at one block."""
        block = self._chain.head().number
        return {key: call.call(block_identifier=block) for key, call in calls.items()}

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

    def _receipt(self, digest: Any) -> TxReceipt:
        from web3.exceptions import TimeExhausted  # noqa: PLC0415 - heavy

        try:
            receipt = self._chain.w3.eth.wait_for_transaction_receipt(digest, timeout=RECEIPT_SECONDS)
        except TimeExhausted:
            raise NetworkError(
                f"network {self._chain.name}: transaction 0x{bytes(digest).hex()} was not mined within "
                f"{RECEIPT_SECONDS} s; is automatic mining switched off?"
            ) from None
        self.height = int(receipt["blockNumber"])
        if receipt["status"] != 1:
            # Only where automatic mining is off; otherwise the chain has told it, with the reason.
            raise self._chain.errors.reverted(b"")
        return receipt

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


def _parameters(abi: tuple[Mapping[str, Any], ...]) -> str:
    constructor: Mapping[str, Any] = next((each for each in abi if each.get("type") == "constructor"), {})
    return ", ".join(f"{each['type']} {each.get('name', '')}".strip() for each in constructor.get("inputs", ()))
