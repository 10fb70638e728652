"""What fixtures are about in this session: the plan, the stage, and what has been opened for them."""

from __future__ import annotations

import gc
import os
import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_rollout.core.errors import RolloutError, UsageError, listed, suggestion

if TYPE_CHECKING:  # an ordinary pytest run pays for none of it
    from pytest_rollout.core.chain import Block
    from pytest_rollout.core.rollout import Network, Rollout, Stage
    from pytest_rollout.runner.channel import Pin


class Context:
    """One session's rollout and stage, and the chains that are open.

    Under a supervisor both are given. In an ordinary run they are those of the first test that
    asks; a session serves one stage of one rollout.
    """

    def __init__(
        self,
        rollout: Rollout | None = None,
        stage: Stage | None = None,
        network: str | None = None,
        record: Callable[[dict[str, Any]], None] | None = None,
        *,
        allow_writes: bool = False,
    ) -> None:
        self._rollout = rollout
        self._stage = stage
        self._network = network
        self._is_given = stage is not None
        self._packed = None if rollout is None else pickle.dumps(rollout)
        self.record = record
        self.allow_writes = allow_writes
        self.pins: Mapping[str, Block] = {}
        self.unread: Mapping[str, str] = {}
        self.pin: Callable[[str], Pin] | None = None
        self.item: pytest.Item | None = None
        self.chains: dict[str, Any] = {}
        self.passing: set[str] = set()
        self.books: Any = None
        self.book: Any = None
        self.opened_books: dict[str, Any] = {}
        self.states: Any = None
        self.deployed: dict[str, Any] = {}
        self.flags: Any = None
        self.engines: Any = None
        self.nodes: Any = None
        self.stores: Any = None
        self.fresh_books: dict[str, Any] = {}
        self.on_open: list[Callable[[Any], None]] = []
        self.resources = ExitStack()

    @property
    def is_changed(self) -> bool:
        """Whether somebody changed the plan that was handed in, in the memory of this process."""
        return self._packed is not None and self._rollout != pickle.loads(self._packed)  # noqa: S301 - our own

    @cached_property
    def handed_out(self) -> Rollout:
        """The plan for tests: in a gate a copy, so that nobody changes what declared checks ask by."""
        return self.rollout if self._packed is None else pickle.loads(self._packed)  # noqa: S301 - our own

    @property
    def rollout(self) -> Rollout:
        """The plan the current test lies under."""
        if self._rollout is None:
            self._rollout = self._load()
        return self._rollout

    @property
    def stage(self) -> Stage:
        """The stage under judgement, or the one the current test's folder or marker names."""
        if self._stage is None:
            self._stage = self._guess_stage()
        return self._stage

    @property
    def network(self) -> Network:
        """The network of the stage, or the one of a rehearsal."""
        name = self.network_name
        if name is None:
            raise RolloutError(
                f"{self.rollout.name}: stage '{self.stage.name}' has no network; "
                f"add stages.{self.stage.name}.network, one of {listed(self.rollout.networks)}."
            )
        return self.declared(name)

    @property
    def network_name(self) -> str | None:
        """The name of the network this stage runs on, None where it declares none."""
        return self._network or self.stage.network

    def declared(self, name: str) -> Network:
        """The declared network of that name."""
        networks: Mapping[str, Network] = self.rollout.networks
        if name not in networks:
            raise RolloutError(
                f"{self.rollout.name}: no network '{name}'; the plan has {listed(networks)}."
                f"{suggestion(name, networks)}"
            )
        return networks[name]

    def enter(self, item: pytest.Item) -> None:
        """Note which item runs now; in an ordinary run, refuse a second stage to tests that ask for the first one's."""
        self.item = item
        asks = "_rollout_context" in getattr(item, "fixturenames", ())
        if self._is_given or not asks or self._rollout is None:
            return
        named = _named_stages(item, self._rollout)
        is_elsewhere = self._stage is not None and named and self._stage.name not in named
        if is_elsewhere or _plan_above(item.path) != self._rollout.plan:
            serves = self._rollout.name if self._stage is None else f"{self._rollout.name}:{self._stage.name}"
            raise UsageError(
                f"{item.nodeid}: this session already serves {serves}; run one stage of one rollout at a time."
            )

    def _load(self) -> Rollout:
        with uncollected():
            from pytest_rollout.plan import load, project_root  # noqa: PLC0415 - pydantic, for those who ask

        path = self._item_path()
        root = project_root(path.parent)
        plan = _plan_above(path)
        if plan is None or not plan.is_relative_to(root):
            raise RolloutError(
                f"{path.name}: no rollout.toml beside or above it up to {root.name}/; create one with `rollout init`."
            )
        with uncollected():
            return load(plan, environment=os.environ, root=root)

    def _guess_stage(self) -> Stage:
        rollout = self.rollout
        named = _named_stages(self.item, rollout) if self.item is not None else ()
        if len(named) == 1:
            return rollout.stage(named[0])
        if len(rollout.stages) == 1:
            return rollout.stages[0]
        raise UsageError(
            f"{self._item_path().name}: which stage? This test belongs to several; "
            f"say one with --stage={rollout.name}:{rollout.stages[0].name} (which judges the gate)."
        )

    def _item_path(self) -> Path:
        if self.item is None:
            raise RolloutError("a rollout fixture was asked for outside a test; ask for it in a test or fixture.")
        return self.item.path


@contextmanager
def uncollected() -> Iterator[None]:
    """No search for garbage while modules are imported and a plan is read: what they make stays."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextmanager
def told() -> Iterator[None]:
    """A mistake or trouble of ours fails a test with its sentence, without a way through this plugin."""
    try:
        yield
    except RolloutError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


def _plan_above(path: Path) -> Path | None:
    """The nearest plan beside or above a test file."""
    plans = (folder / "rollout.toml" for folder in path.parents)
    return next((plan for plan in plans if plan.is_file()), None)


def _named_stages(item: pytest.Item, rollout: Rollout) -> tuple[str, ...]:
    """The stages an item names by its folder and its nearest marker, among those of the rollout."""
    names = {stage.name for stage in rollout.stages}
    if item.path.is_relative_to(rollout.suite):
        first = item.path.relative_to(rollout.suite).parts[0]
        if first in names:
            return (first,)
    marker = item.get_closest_marker("stage")
    return tuple(name for name in marker.args if name in names) if marker is not None else ()
