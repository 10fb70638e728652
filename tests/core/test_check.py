"""Checks that a room adds: values of the stage, judged from what was observed and from nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

import pytest

from pytest_rollout.core.evidence import Evidence, Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.manifest import Manifest
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.owed import findings
from pytest_rollout.core.rollout import Rollout, Stage

ITEM = "rollout.toml::beta::run::door"
JUDGED = datetime(2031, 5, 4, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A check for these tests: a door that has to stand as declared."""

    expected: str
    required: bool = True
    kind: Kind = Kind.RUN
    name: str = "door"

    def judge(self, item: str, seen: Observation) -> Finding:
        outcome = Outcome.PASS if seen.value == self.expected else Outcome.FAIL
        return Finding(
            item=item, kind=self.kind, title="door", outcome=outcome, measured=f"{seen.value} {seen.judged_at}"
        )

    def redacted(self, clean: Callable[[Any], Any]) -> Self:
        return replace(self, expected=clean(self.expected))


def judged(door: Door, tmp_path, **observed: Any) -> Finding:
    """The door's finding in a run that observed this, or nothing."""
    stage = Stage(name="beta", title="Beta", checks=(door,))
    rollout = Rollout(name="toy", title="Toy", folder=tmp_path, plan_digest="", stages=(stage,))
    phases = [[when, "passed", False] for when in ("setup", "call", "teardown")]
    events: list[dict[str, Any]] = [
        {"e": "begin", "p": "main", "n": 0, "id": ITEM},
        {"e": "item", "p": "main", "n": 2, "id": ITEM, "phases": phases, "ran": True, "s": 0.0},
    ]
    if observed:
        events.insert(1, {"e": "observe", "p": "main", "n": 1, "id": ITEM, **observed})
    manifest = Manifest(declared=(ITEM,), functions=(), files={}, doubts=(), baseline=())
    [finding] = findings(rollout, stage, manifest, Evidence.of(events), JUDGED)
    return finding


@pytest.mark.parametrize(
    ("observed", "outcome"),
    [
        pytest.param({"value": "open"}, Outcome.PASS, id="as declared"),
        pytest.param({"value": "ajar"}, Outcome.FAIL, id="otherwise"),
        pytest.param({"error": "no light"}, Outcome.ERROR, id="could not look"),
        pytest.param({}, Outcome.NOT_RUN, id="never looked"),
    ],
)
def test_a_check_is_judged_from_its_observation(tmp_path, observed, outcome) -> None:
    """A green item without an observation is no pass; the clock it is judged by is the judge's."""
    finding = judged(Door(expected="open"), tmp_path, **observed)

    assert (finding.item, finding.outcome, finding.required) == (ITEM, outcome, True)
    assert not observed.get("value") or finding.measured.endswith(str(JUDGED))


@pytest.mark.parametrize("observed", [{"value": "ajar"}, {"error": "no light"}, {}], ids=["fail", "error", "not run"])
def test_an_advisory_check_never_counts_however_it_comes_out(tmp_path, observed) -> None:
    """Shown, and neither for nor against (rule 4)."""
    finding = judged(Door(expected="open", required=False), tmp_path, **observed)

    assert not finding.required
    assert finding.outcome is not Outcome.PASS


def test_a_stage_finds_its_checks_by_kind_and_name() -> None:
    """As the judge does, from a node id."""
    stage = Stage(name="beta", title="Beta", checks=(Door(expected="open"), Door(expected="shut", name="window")))

    assert stage.check(Kind.RUN, "window").redacted(str.upper) == Door(expected="SHUT", name="window")
    with pytest.raises(KeyError, match="run::hatch"):
        stage.check(Kind.RUN, "hatch")
