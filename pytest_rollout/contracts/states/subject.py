"""The contract a declared state is about, and what a look at it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_rollout.contracts.reading import Reading, ask
from pytest_rollout.contracts.values import Speller
from pytest_rollout.contracts.views import Views
from pytest_rollout.core.errors import ContractError
from pytest_rollout.core.rollout import ContractState, Value

if TYPE_CHECKING:
    from pytest_rollout.contracts.book import Contracts

ZERO = "0x" + "00" * 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One contract at one block, 0x hex; ``place`` begins every sentence."""

    state: ContractState
    place: str
    address: str
    block: str
    views: Views
    speller: Speller
    contracts: Contracts

    @property
    def expected(self) -> Value:
        """What the plan expects."""
        return self.state.expected

    def wrong(self, text: str) -> ContractError:
        """The error that says ``text`` about this state."""
        return ContractError(f"{self.place}: {text}")

    def code(self, address: str | None = None) -> Reading[bytes]:
        """The code at an address, by default the contract's own."""
        code = yield from ask("eth_getCode", [address or self.address, self.block])
        return bytes.fromhex(str(code).removeprefix("0x"))

    def word(self, slot: int | str, address: str | None = None) -> Reading[bytes]:
        """The 32 bytes of one storage slot."""
        where = slot if isinstance(slot, str) else hex(slot)
        stored = yield from ask("eth_getStorageAt", [address or self.address, where, self.block])
        return bytes.fromhex(str(stored).removeprefix("0x").zfill(64))

    def address_in(self, slot: str, of: str) -> Reading[str]:
        """The address that a slot of a standard holds, in lower case; the zero address where it is empty."""
        word = yield from self.word(slot)
        if any(word[:12]):
            raise self.wrong(f"the slot of {of} holds 0x{word.hex()}, which is no address.")
        return "0x" + word[12:].hex()

    def spelled(self, address: str) -> Value:
        """An address in the plan's spelling where it is the one expected."""
        return self.speller.spelled_address(address, self.expected)


Look = Callable[[Subject, str], Reading[Value]]
"""What the chain says about a state; the text is what follows the state's first dot."""
