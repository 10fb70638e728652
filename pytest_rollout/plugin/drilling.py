"""A drill's faults on the stage's chain: put there before each item looks, undone with it."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from pytest_rollout.core.faults import Fault
from pytest_rollout.plugin.context import Context


class Drilling:
    """Alters the chain once an item's fixtures are set up, so that what a suite deploys is there to be altered."""

    def __init__(self, context: Context, fault: str) -> None:
        self._context = context
        self._fault = Fault(fault)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
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
        return (yield)
