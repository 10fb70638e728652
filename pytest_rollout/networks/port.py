"""What every chain a gate runs on can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NewType, Protocol

from pytest_rollout.core.errors import NetworkError
from pytest_rollout.core.rollout import NetworkKind
from pytest_rollout.networks.accounts import Accounts
from pytest_rollout.networks.known import named
from pytest_rollout.networks.reverts import CustomErrors

if TYPE_CHECKING:
    from web3 import Web3

SnapshotId = NewType("SnapshotId", str)
"""Names one snapshot of one chain; reverting to it uses it up, with all taken after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest block, and who told: ``timestamp`` in seconds since 1970, ``hash`` as 0x hex."""

    number: int
    hash: str
    timestamp: int
    client_version: str


class Chain(Protocol):
    """One open chain. Every trouble is a ``NetworkError``; what a contract refuses is ``Reverted``.

    ``errors`` holds the custom errors by which reverts are told; whoever knows an ABI adds to it.
    """

    @property
    def name(self) -> str:
        """What the plan calls it."""
        ...

    @property
    def kind(self) -> NetworkKind:
        """What sort of chain it is."""
        ...

    @property
    def chain_id(self) -> int:
        """The chain id it was opened with."""
        ...

    @property
    def pinned(self) -> Head | None:
        """The block at which the whole gate reads a real chain; None where the newest one is meant."""
        ...

    @property
    def w3(self) -> Web3:
        """A web3.py connection; importing web3 is paid for here, on first use."""
        ...

    @property
    def accounts(self) -> Accounts:
        """Funded development accounts, by role and by number."""
        ...

    @property
    def errors(self) -> CustomErrors:
        """The custom errors by which reverts are told."""
        ...

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of one JSON-RPC call, as JSON: quantities and bytes are 0x hex."""
        ...

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any | Exception]:
        """The results of calls that only read, in their order, in as few round trips as the node allows.

        A call that fails has its error, ``Reverted`` or ``NetworkError``, in its own place and
        hides no other; a method that may write is refused before anything is sent.
        """
        ...

    def send(self, transaction: Mapping[str, Any]) -> Mapping[str, Any]:
        """The receipt, as JSON, of a transaction from an account of the node, once it is in a block.

        Raises ``Reverted`` where the chain knows that it was refused, with the reason; a receipt with
        status 0 comes back from a chain that mines later.
        """
        ...

    def snapshot(self) -> SnapshotId:
        """Remember everything as it stands."""
        ...

    def revert(self, snapshot: SnapshotId) -> None:
        """Undo everything since ``snapshot``: state, blocks, time, fees, pending transactions."""
        ...

    def advance(self, *, seconds: int = 0, minutes: int = 0, hours: int = 0, days: int = 0) -> None:
        """Move the chain's time forward and mine a block at the new time."""
        ...

    def mine(self, blocks: int = 1) -> None:
        """Mine blocks."""
        ...

    def impersonate(self, address: str) -> None:
        """Let transactions be sent from ``address`` without its key, until a revert undoes it."""
        ...

    def set_balance(self, address: str, wei: int) -> None:
        """Give ``address`` so many wei, until a revert undoes it."""
        ...

    def alter(self, address: str, *, code: bytes | None = None, slots: Mapping[int, int] | None = None) -> None:
        """Put code or words of storage where no transaction could, in a block of its own, until a revert undoes it."""
        ...

    def dump_state(self, path: Path) -> None:
        """Write all of its state to a file, which an anvil of a plan can begin with (``state = …``)."""
        ...

    def head(self) -> Head:
        """The newest block."""
        ...

    def close(self) -> None:
        """End it and everything it started; closing twice is fine."""
        ...


def whole_seconds(network: str, *, seconds: int, minutes: int, hours: int, days: int) -> int:
    """The sum in seconds; raises ``NetworkError`` unless it is a whole number above 0."""
    given = (seconds, minutes, hours, days)
    total = seconds + 60 * minutes + 3600 * hours + 86400 * days
    if any(type(part) is not int for part in given) or total <= 0:
        raise NetworkError(
            f"network {network}: time moves forward by whole seconds; advance() was given {total!r} seconds, "
            "at least 1 is needed."
        )
    return total


def whole_blocks(network: str, blocks: int) -> int:
    """``blocks``; raises ``NetworkError`` unless it is a whole number above 0."""
    if type(blocks) is not int or blocks < 1:
        raise NetworkError(f"network {network}: mine() was given {blocks!r} blocks, at least 1 is needed.")
    return blocks


def whole_wei(network: str, wei: int) -> int:
    """``wei``; raises ``NetworkError`` unless it is a whole number that an account can have."""
    if type(wei) is not int or not 0 <= wei < 2**256:
        raise NetworkError(f"network {network}: set_balance() was given {wei!r} wei, a whole number is needed.")
    return wei


class Called(Protocol):
    """What a refusal says of a chain."""

    @property
    def name(self) -> str:
        """What the plan calls it."""
        ...

    @property
    def kind(self) -> NetworkKind:
        """What sort of chain it is."""
        ...


def cannot(chain: Called, what: str) -> NetworkError:
    """The refusal of what a kind of chain has no way to do, with the kind that has one."""
    instead = "rehearse on a network of kind fork" if chain.kind.is_real else "use a network of kind anvil"
    return NetworkError(f"network {chain.name} ({chain.kind.value}) cannot {what}; {instead}.")


def quantity(network: str, what: str, value: object) -> int:
    """A JSON-RPC quantity as an integer, read strictly: 0x hex in a string and nothing else.

    Booleans, bare numbers, null and text are what confused nodes answer; ``true`` would
    otherwise read as chain id 1.
    """
    number = hexadecimal(value)
    if number is not None:
        return number
    raise NetworkError(f"network {network}: the node answered {value!r} to {what}; 0x hex was needed.")


def hexadecimal(value: object) -> int | None:
    """The number in a 0x hex string; None for anything else."""
    if not isinstance(value, str) or value[:2] != "0x" or not value[2:].isalnum():
        return None
    try:
        return int(value, 16)
    except ValueError:
        return None


def check_chain_id(network: str, expected: int, answer: object, *, at: str = "") -> None:
    """Raise ``NetworkError`` unless ``answer``, as the node gave it, is the expected chain id in 0x hex.

    Text, null, a bare 1 and ``true`` are no chain ids, whatever they would convert to.
    """
    told = hexadecimal(answer)
    if told != expected:
        shown = named(told) if told is not None else repr(answer)
        raise NetworkError(
            f"network {network}: expected chain id {named(expected)}, the node{at and f' at {at}'} answers {shown}. "
            "Nothing was sent."
        )
