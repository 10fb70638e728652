"""A command's finding: the gravest of everything that is wrong, and nothing believed that was not recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.command import Command
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.results import Excuse, Format, Result

COMMAND = Command(
    name="unit tests",
    run=("npm", "test"),
    folder=Path(),
    limit=timedelta(minutes=90),
    must_print=("all done",),
    never_print=("FAILED",),
    results=(Result(format=Format.TAP),),
)
SEEN = {
    "at": "2026-11-25T00:00:00+00:00",
    "status": 0,
    "signal": "",
    "timed_out": False,
    "left": 0,
    "must_print": ["all done"],
    "never_print": [None],
    "results": [{"tests": 1, "passed": 1, "skipped": 0, "failed": [], "unnamed": 0}],
    "output": "all done",
}


def judged(command: Command = COMMAND, **changed: Any) -> Any:
    value = {key: each for key, each in (SEEN | changed).items() if each is not KeyError}
    return command.judge("plan::beta::commands::unit tests", Observation(item="x", value=value, source="here"))


def test_a_command_that_did_as_declared_passes() -> None:
    finding = judged()

    assert (finding.outcome, finding.kind, finding.title) == (Outcome.PASS, Kind.COMMAND, "unit tests")
    assert finding.measured == "status 0, 1 of 1 tests passed"
    assert finding.needed == ("status 0 within 1h30m, tests >= 1, all passed, prints 'all done', never prints 'FAILED'")


def test_everything_that_is_wrong_is_told_gravest_first() -> None:
    finding = judged(status=2, left=2, results=[{"error": "is empty."}], never_print=["1 FAILED"])

    assert finding.outcome is Outcome.FAIL
    assert finding.measured == (
        "ended with status 2; printed '1 FAILED', which 'FAILED' must never find; tap on standard output: is empty.; "
        "left 2 processes running, which nobody waited for and which was ended"
    )
    assert finding.detail == "all done"


@pytest.mark.parametrize("key", sorted(set(SEEN) - {"output"}))
@pytest.mark.parametrize("value", [KeyError, None, "x", []], ids=["missing", "null", "text", "empty list"])
def test_what_was_not_recorded_as_it_must_be_never_passes(key, value) -> None:
    assert judged(**{key: value}).outcome in {Outcome.ERROR, Outcome.FAIL}


@pytest.mark.parametrize("value", [None, [], "0", 0, {}], ids=repr)
def test_what_is_no_observation_of_a_command_is_an_error(value) -> None:
    assert COMMAND.judge("x", Observation(item="x", value=value)).outcome is Outcome.ERROR


@pytest.mark.parametrize("status", [True, "0", 0.0, None], ids=repr)
def test_a_status_is_an_integer(status) -> None:
    """True is not 1, and 0.0 not 0."""
    assert judged(status=status).outcome is Outcome.ERROR


def test_an_excuse_expires_by_the_judges_clock() -> None:
    """The recorder's clock is project code's to turn back; what it says of the time is believed only until judged."""
    excuse = Excuse(test="slow", owner="Jo", reason="waits", expires=datetime.fromisoformat("2026-11-25T12:00:00Z"))
    command = replace(COMMAND, results=(Result(format=Format.TAP, excuses=(excuse,)),))
    results = [{"tests": 1, "passed": 0, "skipped": 0, "failed": ["slow"], "unnamed": 0}]
    seen = Observation(item="x", value=SEEN | {"results": results}, source="here")

    early = command.judge("item", seen)
    late = command.judge("item", replace(seen, judged_at=excuse.expires))

    assert (early.outcome, late.outcome) == (Outcome.PASS, Outcome.FAIL)
    assert "excused until 2026-11-25T12:00:00+00:00, which has passed" in late.measured


BY_HAND = "run the command by hand, mend what it finds, run the gate again"
PASSED = Finding(
    item="plan::beta::commands::unit tests",
    kind=Kind.COMMAND,
    title="unit tests",
    outcome=Outcome.PASS,
    measured="status 0, 1 of 1 tests passed",
    needed="status 0 within 1h30m, tests >= 1, all passed, prints 'all done', never prints 'FAILED'",
    source="here",
)
NOT_UNDERSTOOD = "not understood"
WHOLE: dict[str, tuple[dict[str, Any], Outcome, str]] = {
    "timed out": ({"timed_out": True, "left": 1}, Outcome.FAIL, "did not end within 1h30m and was ended"),
    "one left": (
        {"left": 1}, Outcome.INCONCLUSIVE, "left a process running, which nobody waited for and which was ended",
    ),
    "silent": ({"must_print": [None]}, Outcome.FAIL, "never printed 'all done'"),
    "silent and failed": (
        {"must_print": [None], "never_print": ["x" * 300]}, Outcome.FAIL,
        f"never printed 'all done'; printed {'x' * 200!r}, which 'FAILED' must never find",
    ),
    "no end": ({"left": None}, Outcome.ERROR, f"{NOT_UNDERSTOOD} (TypeError: how the command ended was not recorded)"),
    "no status": ({"status": None}, Outcome.ERROR, f"{NOT_UNDERSTOOD} (TypeError: no exit status was recorded)"),
    "not compared": (
        {"must_print": None}, Outcome.ERROR, f"{NOT_UNDERSTOOD} (TypeError: what it printed was not compared)",
    ),
    "compared with fewer": (
        {"must_print": []}, Outcome.ERROR,
        f"{NOT_UNDERSTOOD} (ValueError: what it printed was not compared with every pattern)",
    ),
    "compared with more": (
        {"never_print": [None, None]}, Outcome.ERROR,
        f"{NOT_UNDERSTOOD} (ValueError: what it printed was not compared with every pattern)",
    ),
    "no report": ({"results": []}, Outcome.ERROR, f"{NOT_UNDERSTOOD} (ValueError: 0 of 1 reports were recorded)"),
    "nothing of signals": ({"signal": KeyError}, Outcome.ERROR, f"{NOT_UNDERSTOOD} (KeyError: 'signal')"),
}  # fmt: skip


@pytest.mark.parametrize(("changed", "outcome", "measured"), WHOLE.values(), ids=WHOLE)
def test_what_came_of_a_command_is_told_whole(changed, outcome, measured) -> None:
    told = replace(PASSED, outcome=outcome, measured=measured, remedy=BY_HAND, detail="all done")

    assert judged(**changed) == told


def test_a_command_of_which_nothing_was_seen_is_an_error() -> None:
    finding = COMMAND.judge("item", Observation(item="item", value=None))

    assert finding.measured == f"{NOT_UNDERSTOOD} (KeyError: 'at')"
    assert finding.detail == ""


def test_of_a_long_output_the_end_is_told() -> None:
    finding = judged(output="x" * 100_000 + "the end", status=2)

    assert finding.detail.startswith("… ")
    assert finding.detail.endswith("the end")
    assert judged(output=KeyError, status=2).detail == ""


def test_an_advisory_command_of_two_statuses_is_told_so() -> None:
    bare = replace(
        COMMAND, required=False, statuses=(0, 2), limit=timedelta(), must_print=(), never_print=(), results=()
    )

    assert judged(bare, must_print=[], never_print=[], results=[]) == replace(
        PASSED, measured="status 0", needed="status 0 or 2 within 0s", required=False
    )


@pytest.mark.parametrize(
    ("seconds", "told"), [(59, "59s"), (60, "1m"), (3599, "59m59s"), (3600, "1h"), (86_399, "23h59m59s")]
)
def test_a_limit_is_told_in_its_units(seconds: int, told: str) -> None:
    assert f"within {told}," in judged(replace(COMMAND, limit=timedelta(seconds=seconds))).needed


def test_every_text_of_a_command_is_redacted() -> None:
    secret = replace(COMMAND.results[0], equals="S")
    clean = replace(COMMAND, run=("a", "S"), must_print=("S",), never_print=("b", "S"), results=(secret,)).redacted(
        lambda text: text.replace("S", "<S>") if isinstance(text, str) else text
    )

    assert (clean.run, clean.must_print, clean.never_print) == (("a", "<S>"), ("<S>",), ("b", "<S>"))
    assert clean.results == (replace(secret, equals="<S>"),)
