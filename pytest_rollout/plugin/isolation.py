"""What a test writes to a chain is undone after it; what was set up for more than it stays.

The snapshot for a scope is taken before the first fixture of that scope is set up for a node,
or when a chain is opened within it, and reverted when the node is torn down - after the fixtures
that were set up later, before any wider scope ends. So a module's fixture may undo its own work
on the state it made.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pytest_rollout.core.errors import RolloutError
from pytest_rollout.networks.recursion import restrain
from pytest_rollout.plugin.context import Context, told

Node = pytest.Collector | pytest.Item


class ChainIsolation:
    """Takes and reverts snapshots of every open chain, nested like pytest's scopes."""

    def __init__(self, config: pytest.Config) -> None:
        context: Any = config.pluginmanager.get_plugin("rollout-context")
        self._context: Context = context
        self._context.on_open.append(self._opened)
        self._active: list[Node] = []
        self._nodes: list[Node] = []
        self._saved: list[dict[str, Any]] = []
        self._isolations: dict[str, Any] = {}
        self._passing: dict[str, Node] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Note which item fixtures are asked for by."""
        restrain()  # whatever a test file imports, no answer that nests deeply may end this process
        with told():
            self._context.enter(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """Before the first fixture of a scope below session: keep the state that this scope starts from."""
        node = request.node
        within = next((each for each in self._nodes if each is not node and node in each.listchain()), None)
        with self._in(node, keeps=within is None):
            if within is not None:
                return (yield from self._set_up_late(fixturedef, request, within))
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """A test without fixtures of its own is isolated as well."""
        with self._in(item):
            return (yield)

    def pytest_unconfigure(self) -> None:
        """Close what this session opened."""
        self._context.resources.close()

    @contextmanager
    def _in(self, node: Node, *, keeps: bool = True) -> Iterator[None]:
        """While the work of one scope is done; a narrower scope that waits for it goes on afterwards."""
        self._active.append(node)
        if self._context.chains and keeps:
            self._keep(node)
        try:
            yield
        finally:
            self._active.pop()
            if self._context.chains and self._active:
                self._keep(self._active[-1])

    def _keep(self, node: Node) -> None:
        if node in self._nodes or isinstance(node, pytest.Session):
            return
        self._nodes.append(node)
        self._saved.append({name: self._mark(chain) for name, chain in self._context.chains.items()})
        node.addfinalizer(lambda: self._restore(node))

    def _restore(self, node: Node) -> None:
        index = self._nodes.index(node)
        saved, ended = self._saved[index], self._nodes[index:]
        del self._nodes[index:], self._saved[index:]
        for name, (isolation, token, mark) in saved.items():
            try:
                isolation.leave(token)
            except RolloutError as error:
                pytest.exit(f"isolation failed after {node.nodeid}: {name}: {error}", returncode=3)
            if (book := self._context.opened_books.get(name)) is not None:
                book.restore(self._context.fresh_books[name] if mark is None else mark)
        for name in [each for each, within in self._passing.items() if within in ended]:
            self._forget(name)

    def _forget(self, name: str) -> None:
        """Close a copy of another chain with the scope it was made in: what it began with is undone there."""
        context = self._context
        context.chains.pop(name).close()
        for tables in (self._passing, self._isolations, context.opened_books, context.fresh_books, *self._saved):
            tables.pop(name, None)

    def _opened(self, chain: Any) -> None:
        """A chain opened inside a scope starts isolated there."""
        for saved in self._saved:
            saved[chain.name] = self._mark(chain)
        if self._active:
            self._keep(self._active[-1])
        if chain.name in self._context.passing and self._nodes:
            self._passing[chain.name] = self._nodes[-1]

    def _mark(self, chain: Any) -> tuple[Any, Any, Any]:
        from pytest_rollout.networks.isolation import Isolation  # noqa: PLC0415 - only where a chain is open

        isolation = self._isolations.setdefault(chain.name, Isolation(chain))
        book = self._context.opened_books.get(chain.name)
        return isolation, isolation.enter(), None if book is None else book.mark()

    def _own(self) -> list[tuple[str, Any]]:
        """The chains that only this session writes to; a real one goes on by itself."""
        return [(name, chain) for name, chain in self._context.chains.items() if not chain.kind.is_real]

    def _set_up_late(
        self, fixturedef: pytest.FixtureDef[Any], request: Any, within: Node
    ) -> Generator[None, object, object]:
        """A fixture for more than a scope that has begun may read a chain, but not write it."""
        before = {name: chain.head().number for name, chain in self._own()}
        result = yield
        for name, chain in self._own():
            if chain.head().number != before.get(name, 0):
                error = pytest.fail.Exception(
                    f"fixture '{fixturedef.argname}' ({fixturedef.scope}) wrote to network {name} after "
                    f"{within.nodeid} had begun, so its work would be undone with it; "
                    "make it autouse=True, so that it is set up first.",
                    pytrace=False,
                )
                # Whoever asks for it later gets the same answer, not a value whose work is undone.
                fixturedef.cached_result = (None, fixturedef.cache_key(request), (error, None))
                raise error
        return result
