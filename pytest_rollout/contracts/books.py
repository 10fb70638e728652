"""The contract books of all declared networks, each opened when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_rollout.contracts.book import Contracts


class Books(Mapping[str, "Contracts"]):
    """``books["bsc-testnet"].LookCoin``; ``looked`` keeps what one look at the inventory found."""

    def __init__(self, names: Mapping[str, Any], opened: Callable[[str], Contracts]) -> None:
        self._names = names
        self._open = opened
        self.looked: dict[str, Any] | None = None

    def __getitem__(self, name: str) -> Contracts:
        return self._open(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
