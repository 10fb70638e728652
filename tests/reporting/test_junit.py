"""junit.xml: what is not passed must not be green to a reader that only counts."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.judgement import Sealed
from pytest_rollout.core.outcome import Outcome, Verdict
from pytest_rollout.reporting.junit import differences, parts


def read(sealed: Sealed, evidence: Evidence | None = None) -> ET.Element:
    return ET.fromstring("".join(parts(sealed, evidence or Evidence())))


@pytest.mark.parametrize(
    ("outcome", "element"),
    [
        (Outcome.FAIL, "failure"),
        (Outcome.ERROR, "error"),
        (Outcome.INCONCLUSIVE, "error"),
        (Outcome.PENDING, "error"),
        (Outcome.NOT_RUN, "error"),
    ],
)
def test_a_required_item_that_did_not_pass_is_red(seal, finding, outcome: Outcome, element: str) -> None:
    """Evidence that is missing is no skip: readers leave skips out."""
    case = read(seal([finding("test_a", outcome)])).find("testsuite[@name='tests']/testcase")

    assert case is not None
    assert [child.tag for child in case] == [element]
    assert case[0].get("type") == outcome.value


def test_an_advisory_item_that_did_not_pass_is_skipped_with_its_outcome(seal, finding) -> None:
    sealed = seal([finding("test_a", Outcome.FAIL, required=False), finding("test_b")])

    case = read(sealed).find(".//testcase[@name='test_a']/skipped")

    assert case is not None
    assert str(case.get("message")).startswith("advisory: fail: ")


def test_a_pass_has_no_children(seal, finding) -> None:
    case = read(seal([finding("test_a")])).find(".//testcase[@name='test_a']")

    assert case is not None
    assert list(case) == []


@pytest.mark.parametrize("verdict", [Verdict.HOLD, Verdict.ROLLBACK])
def test_a_gate_without_findings_is_red(seal, verdict: Verdict) -> None:
    """An empty file counts as 0 failures of 0 tests, which dashboards show green."""
    suites = read(seal([], verdict))

    assert suites.get("failures") == "1"
    assert suites.find("testsuite[@name='verdict']/testcase/failure") is not None


def test_totals_are_those_of_the_cases(seal, findings: list[Finding]) -> None:
    suites = read(seal(findings))

    for suite in [suites, *suites.findall("testsuite")]:
        assert suite.get("tests") == str(len(suite.findall(".//testcase")))
        for attribute, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.get(attribute) == str(len(suite.findall(f".//{element}")))


def test_each_suite_says_what_was_judged(seal, findings: list[Finding]) -> None:
    sealed = seal(findings)

    for suite in read(sealed).findall("testsuite"):
        told = {each.get("name"): each.get("value") for each in suite.findall("properties/property")}
        assert told["digest"] == sealed.digest
        assert told["verdict"] == "hold"
        assert (told["rollout"], told["stage"], told["network"]) == ("takumi", "alpha", "local")


@pytest.mark.parametrize(
    ("item", "classname", "name"),
    [
        ("suites/alpha/test_a.py::test_x", "suites.alpha.test_a", "test_x"),
        ("suites/test_a.py::TestA::test_x[a::b/c.py]", "suites.test_a.TestA", "test_x[a::b/c.py]"),
        ("s/rollout.toml::alpha::flags::on", "s.rollout.toml.alpha.flags", "on"),
        ("a lost worker", "tests", "a lost worker"),
        ("", "tests", "unnamed"),
    ],
)
def test_names_come_from_node_ids(seal, finding, item: str, classname: str, name: str) -> None:
    case = read(seal([finding(item=item, title="")])).find("testsuite[@name='tests']/testcase")

    assert case is not None
    assert (case.get("classname"), case.get("name")) == (classname, name)


def test_names_are_unique(seal, finding) -> None:
    """Some readers drop a second case of one name, and with it a failure."""
    items = ["a.py::t", "a.py::t", "a.py::t (2)", "a.py::t", "x" * 999 + "1", "x" * 999 + "2"]
    cases = read(seal([finding(item=item) for item in items])).findall("testsuite[@name='tests']/testcase")

    assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(items)


def test_a_case_says_where_it_stands_and_what_it_printed(seal, findings, evidence: Evidence) -> None:
    suites = read(seal(findings), evidence)

    case = suites.find(".//testcase[@name='test_pay']")
    assert case is not None
    assert (case.get("file"), case.get("line"), case.get("time")) == ("suites/alpha/test_pay.py", "12", "0.250")
    printed = suites.find(".//testcase[@name='test_fee[1::2]']/system-out")
    assert printed is not None
    assert "assert 3 == 4" in str(printed.text)


def test_hostile_text_adds_no_element(hostile_sealed: Sealed, hostile_evidence: Evidence) -> None:
    data = "".join(parts(hostile_sealed, hostile_evidence)).encode()

    assert differences(data, hostile_sealed) == ""
    assert len(ET.fromstring(data).findall(".//testcase")) == 3
    assert len(data) < 500_000


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param('<failure type="fail"', '<skipped type="pass"', "not well-formed", id="torn"),
        pytest.param('type="fail"', 'type="error"', "its counts", id="counts"),
        pytest.param('name="digest" value="', 'name="digest" value="0', "its digest", id="digest"),
        pytest.param('name="test_pay"', 'name="test_gone"', "one name", id="doubled name"),
    ],
)
def test_an_altered_file_does_not_read_back(seal, findings, old: str, new: str, told: str) -> None:
    sealed = seal(findings)
    text = "".join(parts(sealed, Evidence()))
    assert old in text

    assert told in differences(text.replace(old, new, 1).encode(), sealed)
