"""A drill's faults on the stage's chain: put there before each item looks, undone with it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import pytest

from pytest_rollout.core.faults import Fault
from pytest_rollout.core.inventory import Listed
from pytest_rollout.core.outcome import Kind
from pytest_rollout.plugin.context import Context


class Drilling:
    """Alters the chain once an item's fixtures are set up, so that what a suite deploys is there to be altered."""

    def __init__(self, context: Context, fault: str) -> None:
        self._context = context
        self._fault = Fault(fault)
        if self._fault is Fault.CHAIN:
            from pytest_rollout.networks.backend import every_chain_is_another  # noqa: PLC0415 - in a drill alone

            every_chain_is_another()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Within the isolation of the item, before its own function."""
        context = self._context
        name = context.network_name or ""
        chain, book = context.chains.get(name), context.opened_books.get(name)
        if chain is not None and book is not None and not chain.kind.is_real:
            from pytest_rollout.contracts import altering  # noqa: PLC0415 - in a drill alone

            if self._fault is Fault.STATE:
                altering.other_states(context.stage.contracts, book, chain)
            elif self._fault is Fault.CODE:
                altering.other_code(sorted({each.contract for each in context.stage.contracts}), book, chain)
        if self._fault is Fault.LISTED_CODE and f"::{Kind.INVENTORY.value}::" in item.nodeid:
            books = item._request.getfixturevalue("books")  # type: ignore[attr-defined]  # noqa: SLF001 - a declared item is a function
            if books.looked is None:
                self._alter_listed(books)
        return (yield)

    def _alter_listed(self, books: Mapping[str, Any]) -> None:
        """The code of the whole inventory, once, before the one look at it; chains that others use are left alone."""
        from pytest_rollout.contracts import altering  # noqa: PLC0415 - in a drill alone

        networks = self._context.rollout.networks
        listed = [each for each in self._context.stage.checks if isinstance(each, Listed)]
        for name in sorted({each.network for each in listed if not networks[each.network].kind.is_real}):
            book = books[name]
            altering.other_code([each.contract for each in listed if each.network == name], book, book.chain)
