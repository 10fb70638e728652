"""Reports read into counts; what is broken, empty, hostile or cut off is an error with its reason."""

from __future__ import annotations

import json

import pytest

from pytest_rollout.core.results import Format, Result
from pytest_rollout.services.reports.reading import read


def reading(form: Format, text: str, pointer: str = "") -> dict:
    return read(Result(format=form, pointer=pointer), text.encode())


def counts(tests: int, passed: int, skipped: int = 0, failed: tuple[str, ...] = (), unnamed: int = 0) -> dict:
    return {"tests": tests, "passed": passed, "skipped": skipped, "failed": list(failed), "unnamed": unnamed}


def sarif(*results: dict, **run: object) -> str:
    rules = [{"id": "quiet", "defaultConfiguration": {"level": "note"}}, {"id": "plain"}]
    return json.dumps({"runs": [{"tool": {"driver": {"rules": rules}}, "results": list(results), **run}]})


def levels(error: int = 0, warning: int = 0, note: int = 0, suppressed: int = 0) -> dict:
    return {"errors": error, "warnings": warning, "notes": note, "suppressed": suppressed}


JUNIT = {
    "one suite": ('<testsuite><testcase classname="a" name="b"/></testsuite>', counts(1, 1)),
    "nested suites": (
        '<testsuites tests="3"><testsuite tests="1"><testcase name="a"/></testsuite>'
        '<testsuite><testsuite tests="2"><testcase name="b"><failure/></testcase>'
        '<testcase name="c"><skipped/></testcase></testsuite></testsuite></testsuites>',
        counts(3, 1, 1, ("b",)),
    ),
    "a name space": (
        '<testsuite xmlns="urn:x"><testcase name="a"><error/></testcase></testsuite>',
        counts(1, 0, 0, ("a",)),
    ),
    "passed on a retry": (
        '<testsuite><testcase name="a"><flakyFailure/></testcase></testsuite>',
        counts(1, 0, 0, ("a",)),
    ),
    "failed and skipped": (
        '<testsuite><testcase name="a"><skipped/><error/></testcase></testsuite>',
        counts(1, 0, 0, ("a",)),
    ),
    "failures that no case shows": (
        '<testsuite failures="1" errors="1"><testcase name="a"/></testsuite>',
        counts(1, 1, unnamed=2),
    ),
    "a suite that broke before its first case": (
        '<testsuites><testsuite><testcase name="a"/></testsuite><testsuite errors="1"/></testsuites>',
        counts(1, 1, unnamed=1),
    ),
}
TAP = {
    "version 12": ("1..2\nok 1 - a\nok 2\n", counts(2, 2)),
    "the plan last": (
        "TAP version 14\nok 1 - a\nnot ok 2 - b\n  ---\n  message: ok\n  ...\n1..2\n",
        counts(2, 1, 0, ("b",)),
    ),
    "skips and todos": (
        "1..4\nok 1 # SKIP no chain\nok 2 - b # todo later\nnot ok 3 - c # TODO soon\nok 4 - d\\# skip\n",
        counts(4, 1, 2, ("c",)),
    ),
    "subtests": ("1..1\n# Subtest: x\n    1..1\n    not ok 1 - inner\nnot ok 1 - outer\n", counts(1, 0, 0, ("outer",))),
    "without numbers": ("1..2\nok\nnot ok\n", counts(2, 1, 0, ("test 2",))),
}
SARIF = {
    "levels": (
        sarif({"level": "error", "ruleId": "x"}, {"ruleId": "quiet"}, {"ruleIndex": 1}, {"level": "none"}),
        levels(error=1, warning=1, note=1),
    ),
    "clean": (sarif(), levels()),
    "not a finding": (sarif({"kind": "pass", "level": "error"}), levels()),
    "suppressed": (
        sarif({"level": "error", "suppressions": [{}]}, {"level": "error", "suppressions": [{"status": "rejected"}]}),
        levels(error=1, suppressed=1),
    ),
}
COVERAGE = {
    "coverage.py": ('{"totals": {"covered_lines": 95, "num_statements": 100}}', (95, 100)),
    "istanbul": ('{"total": {"lines": {"total": 200, "covered": 199, "pct": 99.5}}}', (199, 200)),
    "cobertura": (
        '<coverage lines-valid="2"><packages><package><classes><class filename="a"><methods><method><lines>'
        '<line number="1" hits="3"/></lines></method></methods><lines><line number="1" hits="3"/>'
        '<line number="2" hits="0"/></lines></class></classes></package></packages></coverage>',
        (1, 2),
    ),
    "lcov": ("SF:a\nLF:10\nLH:9\nend_of_record\nSF:b\nLF:10\nLH:10\nend_of_record\n", (19, 20)),
}
GOOD = [
    *((Format.JUNIT, *case, f"junit {name}") for name, case in JUNIT.items()),
    *((Format.TAP, *case, f"tap {name}") for name, case in TAP.items()),
    *((Format.SARIF, *case, f"sarif {name}") for name, case in SARIF.items()),
    *(
        (Format.COVERAGE, text, {"covered": covered, "lines": lines}, f"coverage {name}")
        for name, (text, (covered, lines)) in COVERAGE.items()
    ),
]


@pytest.mark.parametrize(("form", "text", "expected"), [pytest.param(*case[:3], id=case[3]) for case in GOOD])
def test_a_report_is_read_into_counts(form, text, expected) -> None:
    seen = reading(form, text)

    assert {key: seen[key] for key in expected} == expected


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True))
    + ']><testsuite><testcase name="&i;"/></testsuite>'
)
EXTERNAL = (
    '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><testsuite><testcase name="x">&a;</testcase></testsuite>'
)
BROKEN = {
    "an entity bomb": (Format.JUNIT, BOMB, "declares entities or a document type"),
    "an external entity": (Format.JUNIT, EXTERNAL, "declares entities or a document type"),
    "a bomb as coverage": (Format.COVERAGE, BOMB, "declares entities or a document type"),
    "half of a report": (Format.JUNIT, '<testsuite><testcase name="a"/>', "is no XML"),
    "a page": (Format.JUNIT, "<html><body>502</body></html>", "is no JUnit report, its root is <html>"),
    "no case": (Format.JUNIT, "<testsuites/>", "holds no test"),
    "fewer cases than claimed": (
        Format.JUNIT,
        '<testsuite tests="217"><testcase name="a"/></testsuite>',
        "claims 217 tests and holds 1",
    ),
    "a count of text": (Format.JUNIT, '<testsuite tests="many"><testcase/></testsuite>', "claims tests='many'"),
    "spaces": (Format.JUNIT, " \n", "is empty"),
    "no plan": (Format.TAP, "ok 1\nok 2\n", "has no plan"),
    "cut off": (Format.TAP, "1..3\nok 1\nok 2\n", "plans 3 tests and holds 2"),
    "a number twice": (Format.TAP, "1..2\nok 1\nok 1\n", "does not number its 2 tests"),
    "two plans": (Format.TAP, "1..1\nok 1\n1..1\n", "has two plans"),
    "nothing planned": (Format.TAP, "1..0 # SKIP no chain\n", "holds no test"),
    "bailed out": (Format.TAP, "1..1\nok 1\nBail out! no node\n", "bailed out: no node"),
    "no JSON": (Format.JSON, "{", "is no JSON"),
    "NaN": (Format.JSON, '{"a": NaN}', "NaN is no number of JSON"),
    "a key twice": (Format.JSON, '{"a": 1, "a": 0}', "key 'a' stands twice"),
    "nothing there": (Format.JSON, '{"failed": 0}', "has nothing at /faild. Did you mean 'failed'?"),
    "null": (Format.JSON, '{"faild": null}', "has null at /faild"),
    "nested without end": (Format.JSON, "[" * 100_000, "nested too deeply"),
    "no run": (Format.SARIF, '{"runs": []}', "holds no run"),
    "a run without results": (Format.SARIF, '{"runs": [{}]}', "has a run without results"),
    "an analysis that failed": (
        Format.SARIF,
        sarif(invocations=[{"executionSuccessful": False}]),
        "says it was not successful",
    ),
    "an unknown level": (Format.SARIF, sarif({"level": "fatal"}), "level 'fatal'"),
    "no line": (Format.COVERAGE, '{"totals": {"covered_lines": 0, "num_statements": 0}}', "counts no line"),
    "another document": (Format.COVERAGE, '{"total": {}}', "is no coverage report"),
    "lcov cut off": (Format.COVERAGE, "SF:a\nLF:10\nLH:10\n", "without its end"),
    "lcov of half a file": (Format.COVERAGE, "LF:1\nend_of_record", "is no coverage report"),
    "cobertura cut down": (Format.COVERAGE, '<coverage lines-valid="9"/>', "claims 9 lines and holds 0"),
}


@pytest.mark.parametrize(("form", "text", "says"), BROKEN.values(), ids=BROKEN)
def test_a_broken_report_is_an_error_with_its_reason(form, text, says) -> None:
    seen = reading(form, text, "/faild")

    assert set(seen) == {"error"}
    assert says in seen["error"]


VALUES = {
    "the whole": ("5", "", 5),
    "an index": ('{"a": [1, {"b/c": true}]}', "/a/1/b~1c", True),
    "beyond 2^53": ('{"a": 9007199254740993}', "/a", 9007199254740993),
    "a fraction": ('{"a": 0.1}', "/a", {"decimal": "0.1"}),
    "an exponent": ('{"a": 1e400}', "/a", {"decimal": "1e400"}),
}


@pytest.mark.parametrize(("text", "pointer", "value"), VALUES.values(), ids=VALUES)
def test_a_value_is_found_by_its_pointer_and_kept_exact(text, pointer, value) -> None:
    assert reading(Format.JSON, text, pointer) == {"value": value}
