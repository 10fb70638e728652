"""Networks and contract books as a session opens them, and closes them again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_rollout.core.chain import Block
from pytest_rollout.core.errors import NetworkError
from pytest_rollout.core.rollout import Network
from pytest_rollout.networks.opening import open_network
from pytest_rollout.plugin.context import Context


class Networks(Mapping[str, Any]):
    """The declared networks by name; a chain is opened once a session, when it is first asked for."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def __getitem__(self, name: str) -> Any:
        chains = self._context.chains
        if name not in chains:
            declared = self._context.declared(name)
            pin = self._pin(declared)
            upstream = None
            if declared.of is not None and declared.real is None:
                # What was written there since this session's own set-up will be undone, and so must be its copy.
                self._context.passing |= {name} if declared.of.name in chains else set()
                upstream = self[declared.of.name]
            chain = open_network(declared, pin=pin, allow_writes=self._context.allow_writes, upstream=upstream)
            self._context.resources.callback(chain.close)
            chains[name] = chain
            for opened in self._context.on_open:
                opened(chain)
        return chains[name]

    def _pin(self, network: Network) -> Block | None:
        """The block that all of a gate reads a real chain at; in an ordinary run each session takes the newest."""
        context, name = self._context, network.name
        trouble, block = context.unread.get(name, ""), context.pins.get(name)
        if not trouble and block is None and network.real is not None and context.pin is not None:
            told = context.pin(name)
            trouble, block = told.trouble, told.block
        if trouble:
            raise NetworkError(trouble)
        return block

    def __iter__(self) -> Iterator[str]:
        return iter(self._context.rollout.networks)

    def __len__(self) -> int:
        return len(self._context.rollout.networks)


def open_book(context: Context, network: Any) -> Any:
    """The contract book of the stage's network: artifacts, and addresses where a deployment is recorded."""
    context.book = _book(context, network)
    return context.book


def open_books(context: Context, networks: Mapping[str, Any]) -> Any:
    """The books of all networks by name; that of the stage's network is the one of ``contracts``."""
    from pytest_rollout.contracts.books import Books  # noqa: PLC0415 - only where a contract is used

    context.books = Books(networks, lambda name: _book(context, networks[name]))
    return context.books


def _book(context: Context, network: Any) -> Any:
    from pytest_rollout.contracts.opening import open_contracts  # noqa: PLC0415 - as above

    books = context.opened_books
    if network.name not in books:
        books[network.name] = open_contracts(context.rollout.contracts, network)
        context.fresh_books[network.name] = books[network.name].mark()
    return books[network.name]
