"""Evidence as the recorder tells it, and the questions a judge is asked about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.criterion import Bound, Criterion, Relation, Trigger
from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.judgement import Judgement, Run, Subject
from pytest_rollout.core.judging import Ending, Question, judge
from pytest_rollout.core.manifest import Function, Manifest
from pytest_rollout.core.rollout import ChecklistEntry, ContractState, Metric, Network, NetworkKind, Rollout, Stage
from pytest_rollout.core.running import RECORDED
from pytest_rollout.core.units import unit

PLAN = "suites/toy/rollout.toml"
STARTED = datetime(2031, 5, 4, 2, 0, tzinfo=UTC)
A, X1, X2 = "suites/toy/test_a.py::test_a", "suites/toy/test_a.py::test_x[1]", "suites/toy/test_a.py::test_x[2]"
PAUSED = f"{PLAN}::beta::contracts::Escrow.paused"
NODE = f"{PLAN}::beta::network::local"
METRICS = {
    name: Metric(name=name, unit=unit(symbol))
    for name, symbol in {"success": "ratio", "gas": "gas", "latency": "ms", "runs": "count"}.items()
}


def phases(setup: str = "passed", call: str = "passed", teardown: str = "passed") -> list[list[Any]]:
    """The three phases of one item; an empty word leaves one out."""
    told = (("setup", setup), ("call", call), ("teardown", teardown))
    return [[when, outcome, False] for when, outcome in told if outcome]


class Recording:
    """The events of one run, numbered in each process as the recorder numbers them."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._numbers: Counter[str] = Counter()

    def say(self, process: str, e: str, **about: Any) -> Recording:
        """One event of one process."""
        self.events.append({"e": e, "p": process, "n": self._numbers[process], **about})
        self._numbers[process] += 1
        return self

    def hello(self, process: str, **about: Any) -> Recording:
        return self.say(process, "hello", **{"pid": 7, "python": "3.11.9", "pytest": "9.0.1", "optimize": 0} | about)

    def collected(self, process: str, made: Iterable[str], **about: Any) -> Recording:
        told = {"made": list(made), "excluded": [], "errors": {}, "skipped": {}, "conftests": []} | about
        told.setdefault("selected", [each for each in told["made"] if each not in told["excluded"]])
        return self.say(process, "collected", **told)

    def run(
        self,
        process: str,
        item: str,
        told: list[list[Any]] | None = None,
        *,
        during: Iterable[tuple[str, dict[str, Any]]] = (),
        **about: Any,
    ) -> Recording:
        """One item from its beginning to its end; ``during`` are events it causes itself."""
        self.say(process, "begin", id=item, title=about.pop("title", ""))
        for name, event in during:
            self.say(process, name, id=item, **event)
        usual = {"cause": "", "assertion": False, "ran": True, "calls": 1, "s": 0.25, "text": ""}
        return self.say(process, "item", id=item, phases=phases() if told is None else told, **usual | about)

    def seen(self, item: str, told: list[list[Any]] | None = None) -> Recording:
        """What the controller received of one item."""
        return self.say("controller", "seen", id=item, phases=phases() if told is None else told)

    def end(self, process: str, status: int = 0) -> Recording:
        return self.say(process, "end", count=self._numbers[process] + 1, exit=status)


Happening = tuple[str, dict[str, Any]]


def measured(metric: str = "success", **about: Any) -> Happening:
    """A test measures."""
    return "measure", {"metric": metric, **about}


def observed(value: Any = None, **about: Any) -> Happening:
    """A declared check looks."""
    return "observe", {"value": value, **about}


HEAD = {"chain_id": 1337, "number": 12, "hash": "0xab", "timestamp": 1, "client": "py-evm"}
WHOLE: Mapping[str, tuple[Happening, ...]] = {
    NODE: (observed(HEAD),),
    PAUSED: (observed(False, source="local @ 12"),),
    A: (measured(good=300, total=300),),
    X1: (),
    X2: (),
}


def recorded(
    items: Iterable[str] | Mapping[str, Iterable[Happening]], *, workers: int = 0, **changes: dict[str, Any]
) -> Recording:
    """A complete run of these items, alone or on workers; ``changes`` are those of one item by its name's end."""
    happenings = items if isinstance(items, Mapping) else dict.fromkeys(items, ())
    recording = Recording()
    crew = [f"gw{number}" for number in range(workers)] or ["main"]
    for process in [*(["controller"] if workers else []), *crew]:
        recording.hello(process)
    for process in crew:
        recording.collected(process, happenings)
    for index, (item, during) in enumerate(happenings.items()):
        about = dict(next((c for name, c in changes.items() if item.endswith(name)), {}))
        received = about.pop("seen", about.get("told"))
        recording.run(crew[index % len(crew)], item, during=during, **about)
        if workers:
            recording.seen(item, received)
    failed = any(phase[1] == "failed" for e in recording.events for phase in e.get("phases", ()))
    for process in [*crew, *(["controller"] if workers else [])]:
        recording.end(process, int(failed))
    return recording


def ratio(*, promote: str = "> 99 %", rollback: str = "< 90 %", **changes: Any) -> Criterion:
    """The criterion of the usual gate: bounds on the metric ``success``."""
    return Criterion(
        **{
            "name": "success rate",
            "metric": "success",
            "unit": unit("ratio"),
            "promote": bound(promote),
            "rollback": (Trigger(when=bound(rollback)),) if rollback else (),
        }
        | changes
    )


def values(metric: str = "gas", *, promote: str, rollback: str = "", **changes: Any) -> Criterion:
    """A criterion on plain values."""
    own = METRICS[metric].unit
    return Criterion(
        **{
            "name": metric,
            "metric": metric,
            "unit": own,
            "promote": bound(promote, own.symbol),
            "rollback": (Trigger(when=bound(rollback, own.symbol)),) if rollback else (),
        }
        | changes
    )


def bound(text: str, symbol: str = "ratio") -> Bound:
    """``"> 99 %"`` or ``"< 500"`` in the given unit."""
    relation, number, *percent = text.split()
    scale = Fraction(1, 100) if percent else unit(symbol).scale
    return Bound(relation=Relation(relation), limit=Fraction(number) * scale, unit=unit(symbol))


def stage(**changes: Any) -> Stage:
    return Stage(**{"name": "beta", "title": "Beta"} | changes)


WHOLE_STAGE = stage(
    network="local",
    contracts=(ContractState(contract="Escrow", what="paused", expected=False),),
    criteria=(ratio(min_samples=299),),
    checklist=(ChecklistEntry(number=1, text="Audit letter received"),),
)
BARE_STAGE = stage()


def functions(*items: str, **changes: Any) -> tuple[Function, ...]:
    return tuple(Function(id=each, **changes) for each in dict.fromkeys(item.partition("[")[0] for item in items))


WHOLE_MANIFEST = Manifest(declared=(NODE, PAUSED), functions=functions(A, X1))


def question(
    said: Recording | Sequence[Mapping[str, Any]],
    stage: Stage = BARE_STAGE,
    manifest: Manifest | None = None,
    **changes: Any,
) -> Question:
    """What the judge is asked: everything sound but for what is given."""
    events = said.events if isinstance(said, Recording) else said
    rollout = Rollout(
        name="toy",
        title="Toy",
        folder=Path("suites/toy"),
        plan_digest="1" * 64,
        stages=(replace(stage, name="alpha", exposure=None), stage),
        networks={
            "local": Network(name="local", kind=NetworkKind.TESTER, chain_id=1337),
            "devnet": Network(name="devnet", kind=NetworkKind.ANVIL),
        },
        metrics=METRICS,
    )
    run = {
        "id": "7f",
        "rollout": "toy",
        "stage": stage.name,
        "entry": 3,
        "attempt": 2,
        "started_at": STARTED,
        "network": stage.network or "",
        "rehearsal": False,
        "ledger_id": "11111111-2222-4333-8444-555555555555",
    }
    run |= {key: changes.pop(key) for key in [*changes] if key in run}
    given = {
        "rollout": rollout,
        "stage": stage,
        "plan": PLAN,
        "evidence": Evidence.of(events),
        "manifest": Manifest(functions=functions(A)) if manifest is None else manifest,
        "subject": Subject(
            commit="c" * 40, committed=True, plan_digest="1" * 64, suite_digest="2" * 64, packages_digest="3" * 64
        ),
        "run": Run(**run),
        "ending": Ending(status=RECORDED),
        "judged_at": STARTED + timedelta(minutes=5),
    }
    return Question(**given | changes)


def whole(said: Recording | Sequence[Mapping[str, Any]], **changes: Any) -> Question:
    """The usual gate: a network, a contract state, two tests, a criterion and a ticked checklist entry."""
    given = {"stage": WHOLE_STAGE, "manifest": WHOLE_MANIFEST, "ticks": {1: "ann on 2031-05-01"}}
    return question(said, **given | changes)


def of_item(judgement: Judgement, item: str) -> Finding:
    """The one finding of an item, named by the end of its id."""
    (finding,) = [each for each in judgement.findings if each.item.endswith(item)]
    return finding


def titles(judgement: Judgement) -> list[str]:
    """What stands in the way, gravest first."""
    return [finding.title for finding in judgement.blocking]


@dataclass(frozen=True)
class Kit:
    """What the tests of this room build their questions with."""

    PLAN = PLAN
    STARTED = STARTED
    A, X1, X2, PAUSED, NODE = A, X1, X2, PAUSED, NODE
    HEAD = HEAD
    METRICS = METRICS
    WHOLE = WHOLE
    WHOLE_STAGE = WHOLE_STAGE
    WHOLE_MANIFEST = WHOLE_MANIFEST
    Recording = Recording
    phases = staticmethod(phases)
    measured = staticmethod(measured)
    observed = staticmethod(observed)
    recorded = staticmethod(recorded)
    ratio = staticmethod(ratio)
    values = staticmethod(values)
    bound = staticmethod(bound)
    stage = staticmethod(stage)
    functions = staticmethod(functions)
    question = staticmethod(question)
    whole = staticmethod(whole)
    judge = staticmethod(judge)
    of_item = staticmethod(of_item)
    titles = staticmethod(titles)


@pytest.fixture(scope="session")
def kit() -> Kit:
    """Builders of evidence and questions; session-wide, for they hold no state."""
    return Kit()
