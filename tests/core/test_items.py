from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.core.evidence import Execution, Phase
from pytest_rollout.core.items import Came, came_out
from pytest_rollout.core.outcome import Outcome

CLEAN = (Phase("setup", "passed"), Phase("call", "passed"), Phase("teardown", "passed"))
SKIPPED = (Phase("setup", "skipped"), Phase("teardown", "passed"))
SUBTEST = Phase("subtest", "passed")
SWALLOWED = "one of its assertions failed, and what it raised was caught before anybody saw"


def ran(*phases: Phase, process: str = "main", **about: Any) -> Execution:
    return Execution(process=process, phases=phases, **{"body_ran": True} | about)


def in_phases(setup: str, call: str, teardown: str) -> tuple[Phase, ...]:
    return Phase("setup", setup), Phase("call", call), Phase("teardown", teardown)


PASSED = ran(*CLEAN)
FAILED = ran(*in_phases("passed", "failed", "passed"), cause="AssertionError", assertion=True)


def outcome(*executions: Execution, seen: tuple[Phase, ...] = (), unfinished: bool = False) -> Outcome:
    return came_out(executions, seen, unfinished=unfinished).outcome


@pytest.mark.parametrize(
    "execution",
    [
        pytest.param(PASSED, id="three clean phases"),
        pytest.param(ran(*CLEAN, body_ran=None), id="a kind of item without a function"),
        pytest.param(ran(*CLEAN, asserts=(1, 0)), id="an assertion that held"),
        pytest.param(ran(CLEAN[0], SUBTEST, SUBTEST, *CLEAN[1:]), id="passing subtests"),
    ],
)
def test_a_clean_pass_counts(execution: Execution) -> None:
    assert came_out([execution], [], unfinished=False).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("execution", "expected", "why"),
    [
        pytest.param(FAILED, Outcome.FAIL, "failed in call", id="an assertion fails"),
        pytest.param(
            ran(*in_phases("passed", "failed", "passed"), cause="ConnectionError"),
            Outcome.ERROR,
            "could not look: call failed (ConnectionError)",
            id="an exception",
        ),
        pytest.param(
            ran(Phase("setup", "failed"), CLEAN[2], body_ran=False, calls=0),
            Outcome.ERROR,
            "could not look: setup failed",
            id="setup fails",
        ),
        pytest.param(
            ran(*in_phases("passed", "passed", "failed")),
            Outcome.ERROR,
            "could not look: teardown failed",
            id="teardown fails",
        ),
        pytest.param(
            ran(*in_phases("passed", "failed", "failed"), cause="AssertionError", assertion=True),
            Outcome.FAIL,
            "failed in call, teardown",
            id="call and teardown fail",
        ),
        pytest.param(
            ran(*in_phases("passed", "failed", "passed")),
            Outcome.FAIL,
            "failed in call",
            id="unittest failure, raised past us",
        ),
        pytest.param(
            ran(*in_phases("passed", "failed", "passed"), text="[XPASS(strict)] "),
            Outcome.INCONCLUSIVE,
            "marked as an expected failure, but it passed (strict xpass)",
            id="strict xpass",
        ),
        pytest.param(
            ran(*in_phases("failed", "passed", "failed")),
            Outcome.ERROR,
            "could not look: setup, teardown failed",
            id="setup and teardown fail",
        ),
        pytest.param(
            ran(*in_phases("passed", "failed", "failed"), calls=2, cause="AssertionError"),
            Outcome.FAIL,
            "failed in call, teardown, entered 2 times",
            id="entered twice and failed",
        ),
        pytest.param(
            ran(*in_phases("passed", "skipped", "skipped")),
            Outcome.NOT_RUN,
            "skipped in call, teardown",
            id="skipped twice",
        ),
        pytest.param(ran(*SKIPPED, body_ran=False, calls=0), Outcome.NOT_RUN, "skipped in setup", id="skip mark"),
        pytest.param(ran(*in_phases("passed", "skipped", "passed")), Outcome.NOT_RUN, "skipped in call", id="skip()"),
        pytest.param(
            ran(*in_phases("passed", "passed", "skipped")),
            Outcome.NOT_RUN,
            "skipped in teardown",
            id="skip in teardown",
        ),
        pytest.param(
            ran(CLEAN[0], Phase("call", "skipped", xfail=True), CLEAN[2], cause="AssertionError", assertion=True),
            Outcome.FAIL,
            "marked as an expected failure (xfail), which is no pass",
            id="xfail",
        ),
        pytest.param(
            ran(CLEAN[0], Phase("call", "passed", xfail=True), CLEAN[2]),
            Outcome.INCONCLUSIVE,
            "marked as an expected failure, but it passed (xpass)",
            id="xpass",
        ),
        pytest.param(
            ran(CLEAN[0], SUBTEST, Phase("subtest", "failed"), *CLEAN[1:]),
            Outcome.FAIL,
            "failed in subtest",
            id="a failing subtest under a passing parent",
        ),
        pytest.param(
            ran(CLEAN[0], Phase("subtest", "skipped"), *CLEAN[1:]),
            Outcome.NOT_RUN,
            "skipped in subtest",
            id="a skipped subtest",
        ),
        pytest.param(
            ran(CLEAN[0], Phase("subtest", "rerun"), *CLEAN[1:]),
            Outcome.INCONCLUSIVE,
            "not every subtest passed: setup passed, subtest rerun, call passed, teardown passed",
            id="a subtest of unknown outcome",
        ),
        pytest.param(
            ran(*CLEAN, cause="AssertionError", assertion=True),
            Outcome.FAIL,
            "the test raised AssertionError, but its report says otherwise",
            id="a hook turns failed into passed",
        ),
        pytest.param(
            ran(*CLEAN, cause="ConnectionError"),
            Outcome.ERROR,
            "the test raised ConnectionError, but its report says otherwise",
            id="a hook hides an exception",
        ),
        pytest.param(
            ran(*CLEAN, body_ran=False),
            Outcome.NOT_RUN,
            "no frame of the test's own function ran",
            id="the body never ran",
        ),
        pytest.param(
            ran(*CLEAN, calls=2), Outcome.INCONCLUSIVE, "the test was entered 2 times; once is owed", id="entered twice"
        ),
        pytest.param(ran(*CLEAN, asserts=(2, 1)), Outcome.FAIL, SWALLOWED, id="one swallowed"),
        pytest.param(
            ran(*CLEAN, asserts=(0, 0)),
            Outcome.INCONCLUSIVE,
            "none of its assertions was reached: it looked at nothing",
            id="none reached",
        ),
        pytest.param(
            ran(*CLEAN, calls=0, body_ran=None),
            Outcome.INCONCLUSIVE,
            "the test was entered 0 times; once is owed",
            id="never entered, but reported",
        ),
        pytest.param(
            ran(CLEAN[0], Phase("call", "rerun"), *CLEAN),
            Outcome.INCONCLUSIVE,
            "no clean setup, call and teardown, "
            "but setup passed, call rerun, setup passed, call passed, teardown passed",
            id="passed on retry",
        ),
        pytest.param(
            ran(), Outcome.INCONCLUSIVE, "no clean setup, call and teardown, but nothing", id="no report at all"
        ),
    ],
)
def test_anything_else_is_no_pass(execution: Execution, expected: Outcome, why: str) -> None:
    came = came_out([execution], [], unfinished=False)
    with_text = came_out([replace(execution, text=f"{execution.text}told")], [], unfinished=False)

    assert (came.outcome, came.why) == (expected, why)
    assert (with_text.why, with_text.text) == (why, f"{execution.text}told")


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_phases_that_are_missing_doubled_or_disordered_are_no_pass(count: int) -> None:
    """Of all sequences of passed phases only setup, call, teardown counts."""
    for phases in product(CLEAN, repeat=count):
        assert (outcome(ran(*phases)) is Outcome.PASS) == (phases == CLEAN)


def test_a_function_of_the_files_needs_the_proof_that_it_ran() -> None:
    """Else an item of another kind and the same name stands in for it."""
    came = came_out([ran(*CLEAN, body_ran=None)], [], unfinished=False, has_function=True)

    assert (came.outcome, came.why) == (Outcome.NOT_RUN, "no frame of the test's own function ran")


def test_an_item_that_never_ran_is_not_run() -> None:
    assert came_out([], [], unfinished=False) == Came(Outcome.NOT_RUN, "it was collected or is owed, and never ran")


@pytest.mark.parametrize("first", ["gw0", "main"])
def test_one_worker_among_all_that_ran_it_is_enough_to_ask_what_the_controller_saw(first: str) -> None:
    """The gravest of what is wrong is told, and it is an error that nobody received the report."""
    other = "main" if first == "gw0" else "gw0"

    came = came_out([ran(*CLEAN, process=first), ran(*CLEAN, process=other)], [], unfinished=False)

    assert (came.outcome, came.why) == (Outcome.ERROR, "the controller never received this test's report")


def test_an_item_that_began_and_never_finished_is_an_error() -> None:
    came = came_out([], [], unfinished=True)

    assert (came.outcome, came.why) == (Outcome.ERROR, "the process ended while this test ran")


def test_a_finished_run_does_not_hide_an_unfinished_one() -> None:
    """A worker died over the test; the one it was given to afterwards passed."""
    assert outcome(PASSED, unfinished=True) is Outcome.ERROR
    assert outcome(FAILED, unfinished=True) is Outcome.FAIL


@pytest.mark.parametrize("executions", [*permutations([PASSED, FAILED])], ids=["pass, fail", "fail, pass"])
def test_the_worst_of_two_runs_counts_in_whatever_order(executions: tuple[Execution, ...]) -> None:
    assert outcome(*executions) is Outcome.FAIL


def test_two_passes_of_one_id_are_inconclusive() -> None:
    came = came_out([ran(*CLEAN, process="gw0"), ran(*CLEAN, process="gw1")], CLEAN, unfinished=False)

    assert (came.outcome, came.why) == (Outcome.INCONCLUSIVE, "it ran 2 times (gw0, gw1); once is owed")


def test_what_the_worker_ran_the_controller_must_have_received() -> None:
    assert outcome(ran(*CLEAN, process="gw0"), seen=CLEAN) is Outcome.PASS


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        pytest.param((), "the controller never received this test's report", id="never received"),
        pytest.param(
            in_phases("passed", "failed", "passed"),
            "the worker says passed, the controller says call failed",
            id="failed there",
        ),
        pytest.param(
            (CLEAN[0], Phase("call", "passed", xfail=True), CLEAN[2]),
            "the worker says passed, the controller says call passed",
            id="xfail there",
        ),
        pytest.param(CLEAN[:1], "the worker says passed, the controller says setup passed", id="cut off after setup"),
        pytest.param(
            CLEAN[1:], "the worker says passed, the controller says call passed, teardown passed", id="setup lost"
        ),
        pytest.param(
            CLEAN + CLEAN,
            "the worker says passed, the controller says setup passed, call passed, teardown passed, "
            "setup passed, call passed, teardown passed",
            id="received twice",
        ),
    ],
)
def test_a_controller_that_disagrees_is_an_error(seen: tuple[Phase, ...], why: str) -> None:
    came = came_out([ran(*CLEAN, process="gw3")], seen, unfinished=False)

    assert (came.outcome, came.why) == (Outcome.ERROR, why)


def test_a_controller_that_saw_a_pass_does_not_mend_a_workers_failure() -> None:
    failed = ran(*in_phases("passed", "failed", "passed"), process="gw0", cause="AssertionError", assertion=True)

    assert outcome(failed, seen=CLEAN) is Outcome.FAIL


_PHASE = st.builds(
    Phase,
    st.sampled_from(["setup", "call", "teardown", "subtest", "collect"]),
    st.sampled_from(["passed", "failed", "skipped", "rerun", ""]),
    st.booleans(),
)
_EXECUTION = st.builds(
    Execution,
    process=st.sampled_from(["main", "gw0", "gw1"]),
    phases=st.lists(_PHASE, max_size=5).map(tuple) | st.just(CLEAN),
    cause=st.sampled_from(["", "", "AssertionError"]),
    assertion=st.booleans(),
    body_ran=st.sampled_from([True, True, False, None]),
    calls=st.sampled_from([1, 1, 0, 2]),
)


@given(st.lists(_EXECUTION, max_size=3), st.lists(_PHASE, max_size=4), st.booleans())
def test_only_one_clean_proven_run_passes(executions: list[Execution], seen: list[Phase], unfinished: bool) -> None:
    """Whatever else is recorded: the definition of a pass, word for word."""
    came = came_out(executions, seen, unfinished=unfinished)

    if came.outcome is Outcome.PASS:
        (execution,) = executions
        assert [(p.when, p.outcome, p.xfail) for p in execution.phases if p.when != "subtest"] == [
            (when, "passed", False) for when in ("setup", "call", "teardown")
        ]
        assert all(p.outcome == "passed" and not p.xfail for p in execution.phases)
        assert not unfinished
        assert not execution.cause
        assert execution.calls == 1
        assert execution.body_ran is not False
        assert execution.process == "main" or [p for p in seen if p.when != "subtest"] == list(CLEAN)


@given(st.lists(_EXECUTION, min_size=1, max_size=3), _EXECUTION, st.lists(_PHASE, max_size=4))
def test_one_more_run_never_improves_an_outcome(
    executions: list[Execution], another: Execution, seen: list[Phase]
) -> None:
    before = came_out(executions, seen, unfinished=False).outcome
    after = came_out([*executions, another], seen, unfinished=False).outcome

    assert after.gravity <= before.gravity or before is not Outcome.PASS
    assert after is not Outcome.PASS
