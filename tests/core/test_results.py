"""What a report's counts mean: a total that is owed, known failures that are owned, bounds that are exact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.results import Excuse, Format, Result, at_least
from pytest_rollout.core.units import UNITS

NOW = datetime(2026, 11, 25, tzinfo=UTC)
EXCUSE = Excuse(test="state.rounding", owner="Jo", reason="the fix waits", expires=NOW + timedelta(days=1))


def bound(relation: str, limit: Fraction | int, unit: str = "count") -> Bound:
    return Bound(relation=Relation(relation), limit=Fraction(limit), unit=UNITS[unit])


def seen(tests: int, failed: tuple[str, ...] = (), skipped: int = 0, unnamed: int = 0) -> dict:
    passed = tests - len(failed) - skipped
    return {"tests": tests, "passed": passed, "skipped": skipped, "failed": list(failed), "unnamed": unnamed}


def judged(result: Result, value: object) -> list[tuple[Outcome, str]]:
    return result.judge(value, NOW)[1]


SUITE = Result(format=Format.JUNIT, tests=at_least(217))
EXCUSED = Result(format=Format.JUNIT, tests=at_least(217), excuses=(EXCUSE,))
EXPIRED = Result(
    format=Format.JUNIT, excuses=(Excuse(test="state.rounding", owner="Jo", reason="it waits", expires=NOW),)
)
TESTS = {
    "all passed": (SUITE, seen(217), None, ""),
    "more than owed": (SUITE, seen(230), None, ""),
    "one less than owed": (SUITE, seen(216), Outcome.FAIL, "216 tests, not >= 217"),
    "one failed": (SUITE, seen(217, ("a",)), Outcome.FAIL, "failed: a"),
    "many failed": (SUITE, seen(217, tuple("abcdefg")), Outcome.FAIL, "failed: a, b, c, d, e and 2 more"),
    "one skipped": (SUITE, seen(217, skipped=1), Outcome.FAIL, "1 skipped, not == 0"),
    "a failure without a name": (
        SUITE,
        seen(217, unnamed=1),
        Outcome.FAIL,
        "1 failures are counted that no test shows",
    ),
    "216 of 217, the known one": (EXCUSED, seen(217, ("state.rounding",)), None, ""),
    "216 of 217, another one": (EXCUSED, seen(217, ("state.loss",)), Outcome.FAIL, "failed: state.loss"),
    "the known one and another": (EXCUSED, seen(217, ("state.rounding", "x")), Outcome.FAIL, "failed: x"),
    "the known one passes": (EXCUSED, seen(217), Outcome.INCONCLUSIVE, "did not fail; correct the list"),
    "two of one name": (EXCUSED, seen(217, ("state.rounding",) * 2), Outcome.FAIL, "failed 2 times"),
    "the excuse is over": (EXPIRED, seen(2, ("state.rounding",)), Outcome.FAIL, "excused until 2026-11-25"),
    "nothing ran": (SUITE, seen(0), Outcome.ERROR, "0 tests"),
    "counts that do not add up": (SUITE, seen(217) | {"passed": 1}, Outcome.ERROR, "217 tests, 1 passed"),
    "a count of true": (SUITE, seen(217) | {"unnamed": True}, Outcome.ERROR, "not understood"),
    "names of numbers": (SUITE, seen(217) | {"failed": [1]}, Outcome.ERROR, "not understood"),
    "an error": (SUITE, {"error": "no such file was written."}, Outcome.ERROR, "no such file was written."),
    "nothing": (SUITE, None, Outcome.ERROR, "nothing was recorded"),
    "an empty table": (SUITE, {}, Outcome.ERROR, "not understood (KeyError: 'tests')"),
}


@pytest.mark.parametrize(("result", "value", "outcome", "says"), TESTS.values(), ids=TESTS)
def test_a_test_report_is_judged_by_its_counts(result, value, outcome, says) -> None:
    problems = judged(result, value)

    assert min((each for each, _ in problems), key=lambda each: each.gravity, default=None) is outcome
    assert says in "".join(why for _, why in problems)


PERCENT = Result(format=Format.JSON, pointer="/pct", unit=UNITS["%"], bound=bound(">=", Fraction(95, 100), "ratio"))
COUNT = Result(format=Format.JSON, pointer="/n", bound=bound("==", 2**53 + 1))
EQUAL = Result(format=Format.JSON, pointer="/ok", equals=True)
COVERAGE = Result(format=Format.COVERAGE, bound=bound(">=", Fraction(95, 100), "ratio"))
CLEAN = Result(format=Format.SARIF, levels={"error": bound("==", 0), "warning": bound("<=", 2)})


def found(error: int = 0, warning: int = 0) -> dict:
    return {"errors": error, "warnings": warning, "notes": 9, "suppressed": 1, "examples": ["reentrancy (error)"]}


OTHERS = {
    "exactly 95 %": (PERCENT, {"value": {"decimal": "95.0"}}, None),
    "a hair below": (PERCENT, {"value": {"decimal": "94.99999999999999999999"}}, Outcome.FAIL),
    "text": (PERCENT, {"value": "96"}, Outcome.ERROR),
    "true": (PERCENT, {"value": True}, Outcome.ERROR),
    "infinity in disguise": (PERCENT, {"value": {"decimal": "1e999999999"}}, Outcome.ERROR),
    "no decimal": (PERCENT, {"value": {"decimal": "NaN"}}, Outcome.ERROR),
    "beyond 2^53": (COUNT, {"value": 2**53 + 1}, None),
    "one off beyond 2^53": (COUNT, {"value": 2**53}, Outcome.FAIL),
    "equal": (EQUAL, {"value": True}, None),
    "one for true": (EQUAL, {"value": 1}, Outcome.FAIL),
    "no value": (EQUAL, {}, Outcome.ERROR),
    "covered": (COVERAGE, {"covered": 95, "lines": 100}, None),
    "not quite covered": (COVERAGE, {"covered": 949_999, "lines": 1_000_000}, Outcome.FAIL),
    "no lines": (COVERAGE, {"covered": 0, "lines": 0}, Outcome.ERROR),
    "more than all": (COVERAGE, {"covered": 2, "lines": 1}, Outcome.ERROR),
    "clean enough": (CLEAN, found(warning=2), None),
    "an error found": (CLEAN, found(error=1), Outcome.FAIL),
    "too many warnings": (CLEAN, found(warning=3), Outcome.FAIL),
}


@pytest.mark.parametrize(("result", "value", "outcome"), OTHERS.values(), ids=OTHERS)
def test_other_reports_are_judged_exactly(result, value, outcome) -> None:
    assert [each for each, _ in judged(result, value)] == ([] if outcome is None else [outcome])
