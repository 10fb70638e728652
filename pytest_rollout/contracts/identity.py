"""Which code answers at an address: its own, its proxy's implementation, or what its account delegates to.

Sources: EIP-1967 (implementation, beacon), EIP-7702 (delegation).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pytest_rollout.contracts.deployments import recorded
from pytest_rollout.contracts.digest import keccak
from pytest_rollout.contracts.reading import Reading, ask, read, read_at_head, side_by_side, together
from pytest_rollout.contracts.states.proxies import BEACON_SLOT, IMPLEMENTATION_SLOT, delegated
from pytest_rollout.contracts.states.subject import ZERO
from pytest_rollout.core.errors import ContractError, NetworkError, Reverted, RolloutError
from pytest_rollout.core.rollout import ContractSettings, Network
from pytest_rollout.core.subject import Deployed
from pytest_rollout.networks.http import Refusal
from pytest_rollout.networks.methods import Call
from pytest_rollout.networks.nodes import Nodes
from pytest_rollout.networks.reverts import CustomErrors, is_revert, told

if TYPE_CHECKING:
    from pytest_rollout.contracts.book import Contracts

_IMPLEMENTATION = "0x5c60da1b"
_WORD = 32


def identities(settings: ContractSettings, network: Network, nodes: Nodes, block: str) -> dict[str, Deployed]:
    """The contracts that are recorded for a network, by name, at one block (0x hex, or a tag).

    On a fork they are those of the real chain's record. Nothing where the plan names no record.
    Raises ``ContractError`` or ``NetworkError``.
    """
    real = network.real or network
    name = real.name if real.name in settings.deployments else network.name
    records = recorded(settings, name, real.chain_id)
    if records is None:
        return {}
    names = records.addresses
    found = read(_Line(nodes), together([identity(address, block) for address in names.values()]))
    return dict(zip(names, found, strict=True))


def identified(contracts: Contracts, names: Iterable[str]) -> dict[str, Deployed]:
    """Those of the named contracts that a chain has now, and what stands there; raises ``RolloutError``."""
    there = {name: contracts.where(name) for name in names if name in contracts}

    def looks(block: str) -> Reading[list[Deployed | RolloutError]]:
        return side_by_side([identity(address, block) for address in there.values()])

    found, contracts.height = read_at_head(contracts.chain, looks, guess=contracts.height)
    return {name: each for name, each in zip(there, found, strict=True) if isinstance(each, Deployed)}


def identity(address: str, block: str) -> Reading[Deployed]:
    """What stands at one address."""
    written, behind = yield from together([code_at(address, block), implementation_at(address, block)])
    code = bytes.fromhex(written)
    behind = delegated(code) if behind == ZERO else behind
    other = bytes.fromhex((yield from code_at(behind, block))) if behind else b""
    return Deployed(
        address=address.lower(),
        code_hash=_hash(code),
        implementation="" if behind == ZERO else behind,
        implementation_code_hash=_hash(other),
    )


def _hash(code: bytes) -> str:
    return "0x" + keccak(code).hex() if code else ""


def code_at(address: str, block: str) -> Reading[str]:
    """The code at an address in hex, without 0x."""
    code = yield from ask("eth_getCode", [address, block])
    return str(code).removeprefix("0x")


def implementation_at(address: str, block: str) -> Reading[str]:
    """Where the code behind a proxy is, in lower case: by its own slot, or as its beacon says; zero if it is none."""
    own, beacon = yield from together([_slot(address, IMPLEMENTATION_SLOT, block), _slot(address, BEACON_SLOT, block)])
    if own != ZERO or beacon == ZERO:
        return own
    try:
        answer = yield from ask("eth_call", [{"to": beacon, "data": _IMPLEMENTATION}, block])
    except Reverted as refusal:
        raise ContractError(f"{address}: its beacon at {beacon} tells no implementation: {refusal}.") from refusal
    word = bytes.fromhex(str(answer).removeprefix("0x"))
    if len(word) != _WORD or any(word[:12]):
        raise ContractError(f"{address}: its beacon at {beacon} tells no address as its implementation.")
    return "0x" + word[12:].hex()


def _slot(address: str, slot: str, block: str) -> Reading[str]:
    stored = yield from ask("eth_getStorageAt", [address, slot, block])
    return "0x" + str(stored).removeprefix("0x").zfill(64)[-40:]


class _Line:
    """Nodes as readings ask them."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def batch(self, calls: Sequence[Call]) -> list[Any | Exception]:
        """The answers, an error in the place of each call that a node refused."""
        answers = self._nodes.ask(calls)
        return [self._or_error(method, each) for (method, _), each in zip(calls, answers, strict=True)]

    def _or_error(self, method: str, answer: Any) -> Any | Exception:
        if not isinstance(answer, Refusal):
            return answer
        if is_revert(answer):
            return told(answer, CustomErrors())
        return NetworkError(f"network {self._nodes.name}: {method} was refused: {answer.message[:200]}.")
