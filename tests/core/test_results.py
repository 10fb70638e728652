"""What a report's counts mean: a total that is owed, known failures that are owned, bounds that are exact."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.results import Excuse, Format, Result, at_least, none
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


POINTED = Result(format=Format.JSON, pointer="/a")
FAIL, ERROR, INCONCLUSIVE = Outcome.FAIL, Outcome.ERROR, Outcome.INCONCLUSIVE
SAID: dict[str, tuple[Result, object, str, list[tuple[Outcome, str]]]] = {
    "nothing": (SUITE, None, "nothing", [(ERROR, "junit on standard output: nothing was recorded")]),
    "an error": (
        replace(SUITE, file="out.xml"), {"error": "gone"}, "", [(ERROR, "junit out.xml: gone")],
    ),
    "no counts": (SUITE, {}, "", [(ERROR, "junit on standard output: not understood (KeyError: 'tests')")]),
    "passed": (SUITE, seen(300), "300 of 300 tests passed", []),
    "counts that do not add up": (
        SUITE, seen(9, ("a",), skipped=1) | {"passed": 1}, "",
        [(ERROR, "junit on standard output: 9 tests, 1 passed, 1 skipped, 1 failed")],
    ),
    "everything at once": (
        EXPIRED, seen(9, ("b", "state.rounding", "state.rounding"), skipped=2, unnamed=3), "4 of 9 tests passed",
        [
            (FAIL, "junit on standard output: 2 skipped, not == 0"),
            (FAIL, "junit on standard output: 3 failures are counted that no test shows"),
            (FAIL, "junit on standard output: failed: b"),
            *[(FAIL, "junit on standard output: state.rounding: excused until 2026-11-25T00:00:00+00:00, which has passed")] * 2,
            (FAIL, "junit on standard output: state.rounding failed 2 times; the excuse is for one"),
        ],
    ),
    "a known failure that passed": (
        EXCUSED, seen(217), "217 of 217 tests passed",
        [(INCONCLUSIVE, "junit on standard output: state.rounding is listed as a known failure and did not fail; correct the list")],
    ),
    "five failed": (
        SUITE, seen(217, tuple("abcde")), "212 of 217 tests passed", [(FAIL, "junit on standard output: failed: a, b, c, d, e")],
    ),
    "six failed": (
        SUITE, seen(217, tuple("abcdef")), "211 of 217 tests passed",
        [(FAIL, "junit on standard output: failed: a, b, c, d, e and 1 more")],
    ),
    "a value": (replace(POINTED, equals="x"), {"value": "x"}, "x", []),
    "another truth": (
        replace(POINTED, equals=True), {"value": False}, "false", [(FAIL, "json on standard output: /a is false, not true")],
    ),
    "another text": (
        replace(POINTED, equals="No"), {"value": "Yes"}, "Yes", [(FAIL, "json on standard output: /a is Yes, not No")],
    ),
    "nothing to be": (POINTED, {"value": None}, "None", [(FAIL, "json on standard output: /a is None, not None")]),
    "a long text": (
        replace(POINTED, bound=bound(">", 1)), {"value": "x" * 401}, "x" * 400,
        [(ERROR, f"json on standard output: /a is {'x' * 400}, which is no number")],
    ),
    "a decimal": (
        replace(POINTED, unit=UNITS["ms"], bound=bound("<", 1, "ms")), {"value": {"decimal": "1.5"}}, "1.5 ms", [],
    ),
    "a decimal beyond": (
        replace(POINTED, unit=UNITS["s"], bound=bound("<", 1, "ms")), {"value": {"decimal": "1.5"}}, "1500 ms",
        [(FAIL, "json on standard output: 1500 ms, not < 1000 ms")],
    ),
    "a decimal among others": (
        replace(POINTED, bound=bound(">", 1)), {"value": {"decimal": "2", "x": 1}}, "{'decimal': '2', 'x': 1}",
        [(ERROR, "json on standard output: /a is {'decimal': '2', 'x': 1}, which is no number")],
    ),
    "a decimal of text": (
        replace(POINTED, bound=bound(">", 1)), {"value": {"decimal": "two"}}, "",
        [(ERROR, "json on standard output: not understood (InvalidOperation: [<class 'decimal.ConversionSyntax'>])")],
    ),
    "the longest decimal": (
        replace(POINTED, bound=bound(">", 1)), {"value": {"decimal": "9" * 400}}, "9" * 400, [],
    ),
    "a longer decimal": (
        replace(POINTED, bound=bound(">", 1)), {"value": {"decimal": "9" * 401}}, "9" * 401,
        [(ERROR, f"json on standard output: /a is {'9' * 401}, which is no number")],
    ),
    "the largest exponent": (
        replace(POINTED, bound=bound(">", 1)), {"value": {"decimal": "1e400"}}, str(10**400), [],
    ),
    "a larger exponent": (
        replace(POINTED, bound=bound(">", 1)), {"value": {"decimal": "1e401"}}, "1e401",
        [(ERROR, "json on standard output: /a is 1e401, which is no number")],
    ),
    "findings": (
        CLEAN, found(1, 3), "1 errors, 3 warnings, 9 notes, 1 suppressed",
        [
            (FAIL, "sarif on standard output: 1 errors, not == 0: reentrancy (error)"),
            (FAIL, "sarif on standard output: 3 warnings, not <= 2: reentrancy (error)"),
        ],
    ),
    "nothing suppressed": (CLEAN, found() | {"suppressed": 0}, "0 errors, 0 warnings, 9 notes", []),
    "covered": (COVERAGE, {"covered": 20, "lines": 20}, "100 % of 20 lines", []),
    "uncovered": (
        COVERAGE, {"covered": 10, "lines": 20}, "50 % of 20 lines",
        [(FAIL, "coverage on standard output: 50 % of 20 lines, not >= 95 %")],
    ),
    "no lines": (
        COVERAGE, {"covered": 0, "lines": 0}, "", [(ERROR, "coverage on standard output: 0 of 0 lines is no coverage")],
    ),
    "more lines than there are": (
        COVERAGE, {"covered": 3, "lines": 2}, "", [(ERROR, "coverage on standard output: 3 of 2 lines is no coverage")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("result", "value", "measured", "problems"), SAID.values(), ids=SAID)
def test_a_report_is_told_whole(result, value, measured, problems) -> None:
    assert result.judge(value, NOW) == (measured, problems)


NEEDED = {
    "tests >= 217, all passed": SUITE,
    "tests >= 217, all passed, 1 excused": EXCUSED,
    "/pct >= 95 %": PERCENT,
    "/ok true": EQUAL,
    "the value x": Result(format=Format.JSON, equals="x"),
    "coverage >= 95 %": COVERAGE,
    "errors == 0, warnings <= 2": CLEAN,
    "tests >= 1, all passed": Result(format=Format.TAP),
}


@pytest.mark.parametrize(("needed", "result"), NEEDED.items(), ids=NEEDED)
def test_what_a_report_must_say_is_told(needed: str, result: Result) -> None:
    assert result.needed == needed


def test_no_test_may_be_skipped_where_nothing_else_is_said() -> None:
    assert none() == bound("==", 0)
    assert Result(format=Format.TAP).skipped == none()


def test_the_texts_of_a_report_and_its_excuses_are_cleaned_of_secrets() -> None:
    secret = Excuse(test="a hunter2", owner="b hunter2", reason="c hunter2", expires=NOW)
    result = replace(EQUAL, file="hunter2.json", equals="hunter2", excuses=(secret,))

    assert result.redacted(lambda text: text.replace("hunter2", "*")) == replace(
        EQUAL, file="*.json", equals="*", excuses=(Excuse(test="a *", owner="b *", reason="c *", expires=NOW),)
    )
