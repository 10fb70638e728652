"""What a run made of a gate's tests, set against what its files and its last judgement list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.manifest import Function, Manifest, base_of, removed
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.rollout import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The ids of one run in the order they were recorded, declared checks included.

    ``ids`` were made, selected, begun or run. ``aside`` were set aside for another stage while
    the run collected, although their file writes no such marker: the gate still owes them.
    """

    manifest: Manifest
    ids: Mapping[str, None] = field(default_factory=dict)
    aside: Mapping[str, None] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)

    @classmethod
    def of(cls, manifest: Manifest, evidence: Evidence) -> Collected:
        """Every id that any process told of; what one process leaves out, another may have made."""
        ids: dict[str, None] = {}
        excluded: dict[str, None] = {}
        for collection in evidence.collections:
            own = dict.fromkeys(collection.excluded)
            excluded |= own
            ids |= dict.fromkeys(e for e in (*collection.made, *collection.selected) if e not in own)
        ids |= dict.fromkeys(evidence.executions)
        ids |= dict.fromkeys(each for begun in evidence.begun.values() for each in sorted(begun))
        functions = {function.id: function for function in manifest.functions}
        aside = dict.fromkeys(e for e in excluded if e not in ids and base_of(e) in functions)
        return cls(manifest=manifest, ids=ids, aside=aside, functions=functions)

    def is_advisory(self, item: str) -> bool:
        """Whether the item's file marks it as advisory; what a process says of it counts for nothing."""
        function = self.functions.get(base_of(item))
        return function is not None and function.advisory

    def unmade(self) -> Iterator[Function]:
        """The functions that the gate's files define and of which no item was made."""
        covered = self._covered()
        return (function for function in self.manifest.functions if function.id not in covered)

    def vanished(self, stage: Stage) -> Iterator[str]:
        """What the last judgement listed and this run lacks, but for what the plan accepts as removed.

        A function that has been given parameters since is still there. What ``unmade`` tells is
        not told twice, and a rehearsal's network stands for the stage's own.
        """
        covered, declared = self._covered(), set(self.manifest.declared)
        unmade = {function.id for function in self.unmade()}
        is_rehearsal = any(_is_foreign_network(item, stage) for item in declared)
        for item in self.manifest.baseline:
            is_here = item in declared or item in self.ids or item in self.aside or item in covered
            is_told = base_of(item) in unmade or (is_rehearsal and _network_of(item) == stage.network)
            if not (is_here or is_told or removed(item, stage.removed)):
                yield item

    def owed_next(self, stage: Stage) -> tuple[str, ...]:
        """What the next run of this stage owes, sorted (rule 31).

        That is what this run owed, made or ran, and what it lacked until the plan accepts the
        removal. Advisory tests are owed by nobody, unless they once were required.
        """
        declared = {item for item in self.manifest.declared if not _is_foreign_network(item, stage)}
        tests: Iterable[str] = (*self.ids, *self.aside, *(function.id for function in self.unmade()))
        tests = {e for e in tests if e not in self.manifest.declared and not self.is_advisory(e)}
        earlier = {item for item in self.manifest.baseline if not removed(item, stage.removed)}
        return tuple(sorted(declared | tests | earlier))

    def _covered(self) -> set[str]:
        return {base_of(item) for item in (*self.ids, *self.aside)}


def _network_of(item: str) -> str | None:
    """The network that a declared check looks at, None for every other item."""
    plan, _, rest = item.partition("::")
    _, _, check = rest.partition("::")
    kind, _, name = check.partition("::")
    return name if plan.endswith("rollout.toml") and kind == Kind.NETWORK else None


def _is_foreign_network(item: str, stage: Stage) -> bool:
    return _network_of(item) not in {None, stage.network}
