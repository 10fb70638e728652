from __future__ import annotations

import json
import os
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.core.judging import Ending
from pytest_rollout.core.manifest import Doubt, Manifest
from pytest_rollout.core.narrowing import Narrowing
from pytest_rollout.core.outcome import Kind, Outcome, Verdict
from pytest_rollout.core.rollout import ChecklistEntry

_RANK = {Verdict.PROMOTE: 0, Verdict.HOLD: 1, Verdict.ROLLBACK: 2}
WORKERS = [0, 1, 2, 4]


def measuring(kit: Any, *happenings: Any, workers: int = 0, **changes: dict[str, Any]) -> Any:
    """The usual gate whose first test measures something else."""
    return kit.recorded({**kit.WHOLE, kit.A: happenings}, workers=workers, **changes)


def red(kit: Any, **about: Any) -> dict[str, Any]:
    return {"told": kit.phases(call="failed"), "cause": "AssertionError", "assertion": True} | about


# The algebra


@pytest.mark.parametrize("workers", WORKERS)
def test_a_whole_clean_gate_promotes(kit: Any, workers: int) -> None:
    judgement = kit.judge(kit.whole(kit.recorded(kit.WHOLE, workers=workers)))

    assert judgement.verdict is Verdict.PROMOTE
    assert judgement.blocking == ()
    assert judgement.counts() == {"pass": 7, "fail": 0, "inconclusive": 0, "error": 0, "pending": 0, "not_run": 0}


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize(
    ("about", "outcome"),
    [
        pytest.param({"cause": "AssertionError", "assertion": True, "call": "failed"}, Outcome.FAIL, id="fail"),
        pytest.param({"cause": "ConnectionError", "call": "failed"}, Outcome.ERROR, id="error"),
        pytest.param({"call": "skipped"}, Outcome.NOT_RUN, id="not_run"),
        pytest.param({"call": ""}, Outcome.INCONCLUSIVE, id="inconclusive"),
    ],
)
def test_one_required_item_that_did_not_pass_holds(
    kit: Any, workers: int, about: dict[str, Any], outcome: Outcome
) -> None:
    about = {"told": kit.phases(call=about["call"])} | {k: v for k, v in about.items() if k != "call"}

    judgement = kit.judge(kit.whole(kit.recorded(kit.WHOLE, workers=workers, **{"[2]": about})))

    assert judgement.verdict is Verdict.HOLD
    assert [(finding.item, finding.outcome) for finding in judgement.blocking] == [(kit.X2, outcome)]


def test_a_pending_entry_holds(kit: Any) -> None:
    judgement = kit.judge(kit.whole(kit.recorded(kit.WHOLE), ticks={}))

    (finding,) = judgement.blocking
    assert (judgement.verdict, finding.outcome) == (Verdict.HOLD, Outcome.PENDING)
    assert finding.remedy == "rollout check toy:beta 1"


def test_a_tick_counts_for_its_own_number_only(kit: Any) -> None:
    entries = (ChecklistEntry(number=1, text="a"), ChecklistEntry(number=2, text="b", evidence=True))
    stage = replace(kit.WHOLE_STAGE, checklist=entries)

    judgement = kit.judge(kit.whole(kit.recorded(kit.WHOLE), stage=stage, ticks={1: "ann", 3: "bob"}))

    (finding,) = judgement.blocking
    assert (finding.title, finding.needed) == ("checklist 2: b", "ticked, with an evidence file")


def test_an_empty_gate_holds(kit: Any) -> None:
    said = kit.Recording().hello("main").collected("main", []).end("main", 5)

    judgement = kit.judge(kit.question(said, manifest=Manifest()))

    (finding,) = judgement.findings
    assert (judgement.verdict, finding.title, finding.outcome) == (Verdict.HOLD, "the gate is empty", Outcome.NOT_RUN)


def test_a_gate_of_advisory_items_alone_holds(kit: Any) -> None:
    stage = kit.stage(
        criteria=(kit.ratio(required=False),), checklist=(ChecklistEntry(number=1, text="a", required=False),)
    )
    said = kit.recorded({kit.A: [kit.measured(good=300, total=300)]})

    judgement = kit.judge(
        kit.question(said, stage, Manifest(functions=kit.functions(kit.A, advisory=True)), ticks={1: "ann"})
    )

    assert judgement.verdict is Verdict.HOLD
    assert kit.titles(judgement) == ["the gate is empty"]


@pytest.mark.parametrize("good", [300, 280, 0])
def test_an_advisory_criterion_counts_neither_for_nor_against(kit: Any, good: int) -> None:
    stage = replace(kit.WHOLE_STAGE, criteria=(kit.ratio(required=False),))

    judgement = kit.judge(kit.whole(measuring(kit, kit.measured(good=good, total=300)), stage=stage))

    assert judgement.verdict is Verdict.PROMOTE
    assert not kit.of_item(judgement, "success rate").required


def test_an_advisory_entry_that_is_not_ticked_does_not_hold(kit: Any) -> None:
    stage = replace(kit.WHOLE_STAGE, checklist=(ChecklistEntry(number=1, text="a", required=False),))

    assert kit.judge(kit.whole(kit.recorded(kit.WHOLE), stage=stage, ticks={})).verdict is Verdict.PROMOTE


# Rollback


@pytest.mark.parametrize("workers", WORKERS)
def test_green_tests_do_not_stop_a_trigger(kit: Any, workers: int) -> None:
    said = measuring(kit, kit.measured(good=269, total=300), workers=workers)

    judgement = kit.judge(kit.whole(said))

    assert judgement.verdict is Verdict.ROLLBACK
    assert judgement.findings[0].remedy == "rollout rollback toy:beta"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"narrowings": (Narrowing(what="-k x", why="narrowed"),)}, id="narrowed"),
        pytest.param({"ticks": {}}, id="a pending entry"),
        pytest.param({"ending": Ending(status=None, deadline_passed=True)}, id="the deadline"),
        pytest.param({"ending": Ending(status=10, interrupted=True)}, id="an interrupt"),
        pytest.param({"rehearsal": True}, id="a rehearsal"),
    ],
)
def test_what_holds_a_gate_hides_no_regression(kit: Any, changes: dict[str, Any]) -> None:
    bad = measuring(kit, kit.measured(good=269, total=300))

    assert kit.judge(kit.whole(bad, **changes)).verdict is Verdict.ROLLBACK


@pytest.mark.parametrize("workers", WORKERS)
def test_neither_a_failing_test_nor_a_lost_process_hides_a_regression(kit: Any, workers: int) -> None:
    said = measuring(kit, kit.measured(good=269, total=300), workers=workers, **{"[2]": red(kit)})

    for events in (said.events, said.events[:-1], said.events[:-2]):
        assert kit.judge(kit.whole(events)).verdict is Verdict.ROLLBACK


@pytest.mark.parametrize("workers", WORKERS)
def test_no_data_problem_causes_a_rollback(kit: Any, workers: int) -> None:
    for during in ((), [kit.measured(good=0, total=0)], [kit.measured("other", good=0, total=9)]):
        judgement = kit.judge(kit.whole(measuring(kit, *during, workers=workers)))

        assert judgement.verdict is Verdict.HOLD
        assert kit.of_item(judgement, "success rate").outcome is Outcome.INCONCLUSIVE


def test_red_tests_alone_never_roll_back(kit: Any) -> None:
    said = kit.recorded(kit.WHOLE, **{"test_a": red(kit), "[1]": red(kit), "[2]": red(kit)})

    assert kit.judge(kit.whole(said)).verdict is Verdict.HOLD


FORGED = [
    pytest.param({"good": 301, "total": 300}, id="more good than there are"),
    pytest.param({"good": -1, "total": 300}, id="negative good"),
    pytest.param({"good": -2, "total": -1}, id="negative counts"),
    pytest.param({"good": True, "total": True}, id="true for counts"),
    pytest.param({"good": "300", "total": "300"}, id="text for counts"),
    pytest.param({"good": 300.0, "total": 300.0}, id="floats for counts"),
    pytest.param({"good": float("nan"), "total": 300}, id="NaN for counts"),
    pytest.param({"good": 300}, id="no total"),
    pytest.param({"total": 300}, id="no good"),
    pytest.param({"value": "1"}, id="a value for a ratio"),
    pytest.param({"good": 10**4000, "total": 10**4000}, id="counts beyond any chain"),
    pytest.param({"good": [300], "total": [300]}, id="lists for counts"),
]


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_measurement_is_a_source_error(kit: Any, forged: dict[str, Any]) -> None:
    """The recorder refuses it; so does the judge, who believes no process."""
    judgement = kit.judge(kit.whole(measuring(kit, kit.measured(good=300, total=300), kit.measured(**forged))))

    finding = kit.of_item(judgement, "success rate")
    assert (judgement.verdict, finding.outcome) == (Verdict.HOLD, Outcome.ERROR)
    assert finding.measured == f"1 unusable measurements, the first by {kit.A}"


@pytest.mark.parametrize(
    ("good", "verdict"),
    [pytest.param(300, Verdict.HOLD, id="good news"), pytest.param(269, Verdict.ROLLBACK, id="bad")],
)
def test_what_an_excused_failure_measured_promotes_nothing(kit: Any, good: int, verdict: Verdict) -> None:
    """Rule 4: an advisory test never counts, but bad news is heard from anybody."""
    said = measuring(kit, kit.measured(good=good, total=300), **{kit.A: red(kit)})
    manifest = replace(kit.WHOLE_MANIFEST, functions=(*kit.functions(kit.A, advisory=True), *kit.functions(kit.X1)))

    assert kit.judge(kit.whole(said, manifest=manifest)).verdict is verdict


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_measurement_hides_no_regression(kit: Any, forged: dict[str, Any]) -> None:
    """Else whoever adds one bad measurement turns a rollback into a hold."""
    said = measuring(kit, kit.measured(good=269, total=300), kit.measured(**forged))

    assert kit.judge(kit.whole(said)).verdict is Verdict.ROLLBACK


@pytest.mark.parametrize("forged", [{"value": "-1"}, {"value": None}, {"good": 1, "total": 2}])
def test_a_negative_or_absent_value_is_a_source_error(kit: Any, forged: dict[str, Any]) -> None:
    stage = replace(kit.WHOLE_STAGE, criteria=(kit.values(promote="< 500"),))

    judgement = kit.judge(kit.whole(measuring(kit, kit.measured("gas", **forged)), stage=stage))

    assert kit.of_item(judgement, "criteria::gas").outcome is Outcome.ERROR


# Order


def test_findings_are_listed_gravest_first(kit: Any) -> None:
    stage = replace(
        kit.WHOLE_STAGE,
        criteria=(kit.ratio(name="gray", rollback="", promote="> 99 %"), kit.ratio(name="fired")),
    )
    said = kit.recorded(
        {**kit.WHOLE, kit.A: [kit.measured(good=269, total=300)], kit.PAUSED: ()},
        **{"[1]": {"calls": 2}, "[2]": red(kit)},
    )

    judgement = kit.judge(kit.whole(said, stage=stage, ticks={}, ending=Ending(status=0)))

    assert kit.titles(judgement) == [
        "fired",
        "gray",
        kit.X2,
        "the recorder ended with status 0",
        "Escrow.paused",
        kit.X1,
        "checklist 1: Audit letter received",
    ]


def test_every_finding_is_listed_not_only_the_first(kit: Any) -> None:
    said = kit.recorded(kit.WHOLE, **{"test_a": red(kit), "[1]": red(kit), "[2]": red(kit)})

    assert len(kit.judge(kit.whole(said)).findings) == 7


def test_advisory_findings_come_last(kit: Any) -> None:
    manifest = replace(kit.WHOLE_MANIFEST, functions=(*kit.functions(kit.A), *kit.functions(kit.X1, advisory=True)))
    said = kit.recorded(kit.WHOLE, **{"[1]": red(kit), "[2]": red(kit)})

    judgement = kit.judge(kit.whole(said, manifest=manifest))

    assert judgement.verdict is Verdict.PROMOTE
    assert [finding.required for finding in judgement.findings] == [True] * 5 + [False] * 2


# The subject and the clock


def test_a_rehearsal_cannot_promote(kit: Any) -> None:
    judgement = kit.judge(kit.whole(kit.recorded(kit.WHOLE), rehearsal=True, network="devnet"))

    (finding,) = judgement.blocking
    assert (judgement.verdict, finding.outcome) == (Verdict.HOLD, Outcome.PENDING)
    assert (finding.measured, finding.needed) == ("ran on network devnet", "network local")


def test_a_clock_that_ran_backwards_is_an_error(kit: Any) -> None:
    judgement = kit.judge(kit.whole(kit.recorded(kit.WHOLE), judged_at=kit.STARTED - timedelta(microseconds=1)))

    assert judgement.verdict is Verdict.HOLD
    assert kit.titles(judgement) == ["the clock ran backwards"]


@given(st.timedeltas(timedelta(0), timedelta(days=36500)))
def test_time_alone_never_improves_a_verdict(kit: Any, later: timedelta) -> None:
    """Rule 18: a timer never beats evidence."""
    for said in (
        measuring(kit, kit.measured(good=269, total=300)),
        measuring(kit),
        kit.recorded(kit.WHOLE, **{"[2]": red(kit)}),
        kit.recorded(kit.WHOLE),
    ):
        asked = kit.whole(said)
        now, then = kit.judge(asked), kit.judge(replace(asked, judged_at=asked.judged_at + later))

        assert _RANK[then.verdict] >= _RANK[now.verdict]


# Same inputs, same bytes


def test_judging_twice_gives_the_same_document(kit: Any) -> None:
    said = kit.recorded(kit.WHOLE, workers=2, **{"[2]": red(kit)})

    first, second = (kit.judge(kit.whole(deepcopy(said.events))) for _ in range(2))

    assert json.dumps(first.document()) == json.dumps(second.document())
    assert first == second


def test_judging_changes_none_of_its_inputs(kit: Any) -> None:
    asked = kit.whole(kit.recorded(kit.WHOLE, workers=2))
    before = deepcopy(asked.evidence)

    kit.judge(asked)

    assert asked.evidence == before


SEEDED = """
import json
from datetime import UTC, datetime
from pathlib import Path
from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.judgement import Run, Subject
from pytest_rollout.core.judging import Ending, Question, judge
from pytest_rollout.core.manifest import Function, Manifest
from pytest_rollout.core.rollout import Rollout, Stage

now = datetime(2031, 5, 4, tzinfo=UTC)
items = [f"a.py::test_{n}" for n in range(30)]
events = [{"e": "begin", "p": "main", "n": n, "id": each} for n, each in enumerate(items)]
stage = Stage(name="beta", title="Beta")
owed = tuple(Function(id=each) for each in items[15:])
manifest = Manifest(functions=owed, baseline=tuple(f"b.py::{n}" for n in range(9)))
subject = Subject(commit="", committed=False, plan_digest="", suite_digest="", packages_digest="")
run = Run(id="1", rollout="toy", stage="beta", entry=0, attempt=1, started_at=now, network="", rehearsal=False,
          ledger_id="")
rollout = Rollout(name="toy", title="Toy", folder=Path(), plan_digest="", stages=(stage,))
question = Question(rollout=rollout, stage=stage, plan="rollout.toml", evidence=Evidence.of(events), manifest=manifest,
                    subject=subject, run=run, ending=Ending(status=10), judged_at=now)
print(json.dumps(judge(question).document()))
"""


def test_another_process_gives_the_same_bytes(kit: Any) -> None:
    """Sets of text are ordered differently in each interpreter; no finding may hang on that."""
    documents = {
        subprocess.run(
            [sys.executable, "-c", SEEDED], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(documents) == 1


@pytest.mark.parametrize("workers", WORKERS[1:])
def test_the_findings_are_the_same_with_any_number_of_workers(kit: Any, workers: int) -> None:
    def told(number: int) -> list[dict[str, Any]]:
        said = kit.recorded(kit.WHOLE, workers=number, **{"[2]": red(kit), "[1]": {"calls": 2}})
        return [f.document() | {"source": ""} for f in kit.judge(kit.whole(said, ticks={})).findings]

    assert told(workers) == told(0)


# Monotony: nothing bad that is added, and nothing good that is taken away, improves a verdict


def _events(kit: Any) -> list[list[dict[str, Any]]]:
    """Streams that promote, hold and roll back, alone and on workers."""
    return [
        said.events
        for workers in (0, 2)
        for said in (
            kit.recorded(kit.WHOLE, workers=workers),
            kit.recorded(kit.WHOLE, workers=workers, **{"[2]": red(kit)}),
            measuring(kit, kit.measured(good=269, total=300), workers=workers),
        )
    ]


@pytest.mark.parametrize("workers", WORKERS)
def test_no_beginning_of_a_run_promotes(kit: Any, workers: int) -> None:
    """However the recorder ends: what it had told until then is never enough."""
    events = kit.recorded(kit.WHOLE, workers=workers).events

    for length in range(len(events)):
        assert kit.judge(kit.whole(events[:length])).verdict is Verdict.HOLD
    assert kit.judge(kit.whole(events)).verdict is Verdict.PROMOTE


@pytest.mark.parametrize("workers", WORKERS)
def test_no_run_with_an_event_taken_out_promotes(kit: Any, workers: int) -> None:
    """Neither as it is, nor with what is left numbered and counted again."""
    events = kit.recorded(kit.WHOLE, workers=workers).events

    for index, event in enumerate(events):
        left = deepcopy(events[:index] + events[index + 1 :])
        assert kit.judge(kit.whole(left)).verdict is Verdict.HOLD
        renumbered = _renumbered(left)
        if event["e"] != "hello":
            assert kit.judge(kit.whole(renumbered)).verdict is Verdict.HOLD, event


def _renumbered(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    numbers: dict[str, int] = {}
    for event in events:
        event["n"] = numbers.get(event["p"], 0)
        numbers[event["p"]] = event["n"] + 1
        if event["e"] == "end":
            event["count"] = numbers[event["p"]]
    return events


@given(st.data())
def test_taking_items_out_of_a_run_never_promotes(kit: Any, data: st.DataObject) -> None:
    left_out = data.draw(st.sets(st.sampled_from(list(kit.WHOLE)), min_size=1))
    items = {item: during for item, during in kit.WHOLE.items() if item not in left_out}
    manifest = replace(kit.WHOLE_MANIFEST, baseline=tuple(kit.WHOLE))

    judgement = kit.judge(
        kit.whole(kit.recorded(items, workers=data.draw(st.sampled_from(WORKERS))), manifest=manifest)
    )

    assert judgement.verdict is Verdict.HOLD


_TEXT = st.text(max_size=8)


def _bad(kit: Any) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """Events that speak against a run."""
    item = st.sampled_from([*kit.WHOLE, "b.py::test_b"])
    told = st.sampled_from(
        [kit.phases(call=word) for word in ("passed", "failed", "skipped", "")] + [[], kit.phases() * 2]
    )
    return st.one_of(
        st.tuples(st.just("trouble"), st.fixed_dictionaries({"what": _TEXT, "text": _TEXT, "id": item})),
        st.tuples(st.just("warning"), st.just({"category": "PytestUnraisableExceptionWarning", "text": "x"})),
        st.tuples(st.just("begin"), st.fixed_dictionaries({"id": item})),
        st.tuples(st.just("item"), st.fixed_dictionaries({"id": item, "phases": told, "ran": st.booleans()})),
        st.tuples(
            st.just("measure"),
            st.sampled_from([{"id": "x", "metric": "success", **param.values[0]} for param in FORGED]),
        ),
        st.tuples(
            st.just("observe"),
            st.fixed_dictionaries({"id": st.sampled_from([kit.PAUSED, kit.NODE]), "value": st.booleans()}),
        ),
        st.tuples(st.just("hello"), st.just({"pid": 8})),
        st.tuples(
            st.just("collected"),
            st.just(
                {"made": ["b.py::test_b"], "selected": [], "excluded": [], "errors": {}, "skipped": {}, "conftests": []}
            ),
        ),
    )


@given(st.data())
def test_no_bad_event_improves_a_verdict(kit: Any, data: st.DataObject) -> None:
    """Told by a process that runs tests, numbered rightly and counted in its good-bye."""
    events = deepcopy(data.draw(st.sampled_from(_events(kit))))
    before = kit.judge(kit.whole(events)).verdict
    process = data.draw(st.sampled_from([*sorted({event["p"] for event in events} - {"controller"}), "gw9"]))
    own = [index for index, event in enumerate(events) if event["p"] == process]
    for word, about in data.draw(st.lists(_bad(kit), min_size=1, max_size=3)):
        place = data.draw(st.integers(own[0] + 1, own[-1])) if own else len(events)
        events.insert(place, {"e": word, "p": process, "n": 0, **about})

    after = kit.judge(kit.whole(_renumbered(events))).verdict

    assert _RANK[after] >= _RANK[before]
    assert after is not Verdict.PROMOTE


@given(st.data())
def test_nothing_the_supervisor_saw_improves_a_verdict(kit: Any, data: st.DataObject) -> None:
    asked = kit.whole(data.draw(st.sampled_from(_events(kit))))
    before = kit.judge(asked).verdict
    saw = data.draw(
        st.sampled_from(
            [
                {"narrowings": (Narrowing(what="-x", why="x"),)},
                {"ending": Ending(status=-9, signal="SIGKILL")},
                {"ending": Ending(status=10, interrupted=True)},
                {"ticks": {}},
                {"run": replace(asked.run, rehearsal=True)},
                {"judged_at": asked.run.started_at - timedelta(days=1)},
                {"manifest": replace(asked.manifest, doubts=(Doubt(place="a.py:1", text="x"),))},
                {"manifest": replace(asked.manifest, baseline=("gone.py::test_x",))},
                {
                    "manifest": replace(
                        asked.manifest, functions=(*asked.manifest.functions, *kit.functions("gone.py::test_x"))
                    )
                },
                {
                    "manifest": replace(
                        asked.manifest,
                        declared=(*asked.manifest.declared, f"{kit.PLAN}::beta::contracts::Escrow.owner"),
                    )
                },
            ]
        )
    )

    after = kit.judge(replace(asked, **saw)).verdict

    assert _RANK[after] >= _RANK[before]
    assert after is not Verdict.PROMOTE


def test_every_kind_of_judged_thing_has_an_id_of_its_own(kit: Any) -> None:
    asked = kit.whole(kit.recorded(kit.WHOLE))

    assert asked.item(Kind.CRITERION, "x") == "suites/toy/rollout.toml::beta::criteria::x"
