"""JUnit XML: what each test case says of itself, compared with what the suites claim."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_rollout.core.errors import ServiceError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_FAILED = ("failure", "error", "flakyFailure", "flakyError", "rerunFailure", "rerunError")
"""What a case that did not pass holds; passing on a retry is no pass (rule 30)."""

_MOST_NAMES = 1000


def read(content: bytes) -> dict[str, Any]:
    """Counts of test cases and the names of those that failed, from the cases themselves."""
    root = parse(content)
    if _name(root) not in {"testsuites", "testsuite"}:
        raise ServiceError(f"is no JUnit report, its root is <{_name(root)[:40]}>.")
    cases = [each for each in root.iter() if _name(each) == "testcase"]
    failed = [_title(case) for case in cases if any(_name(child) in _FAILED for child in case)]
    skipped = sum(1 for case in cases if not _is_failed(case) and any(_name(child) == "skipped" for child in case))
    claimed, claimed_failed = _claimed(root)
    if claimed > len(cases):
        raise ServiceError(f"claims {claimed} tests and holds {len(cases)}.")
    if not cases:
        raise ServiceError("holds no test.")
    if len(failed) > _MOST_NAMES:
        raise ServiceError(f"holds {len(failed)} failed tests.")
    return {
        "tests": len(cases),
        "passed": len(cases) - len(failed) - skipped,
        "skipped": skipped,
        "failed": failed,
        "unnamed": max(0, claimed_failed - len(failed)),
    }


def parse(content: bytes) -> Element:
    """The root of an XML document; entities, and the documents that declare them, are refused."""
    from defusedxml import DefusedXmlException  # noqa: PLC0415 - for those who have such a report
    from defusedxml.ElementTree import ParseError, fromstring  # noqa: PLC0415

    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise ServiceError(f"declares entities or a document type, which no report needs ({error}).") from None
    except (ParseError, ValueError, LookupError) as error:
        raise ServiceError(f"is no XML ({error}).") from None
    return root


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _title(case: Element) -> str:
    group, name = case.get("classname", ""), case.get("name", "")
    return f"{group}.{name}" if group else name or "a test without a name"


def _is_failed(case: Element) -> bool:
    return any(_name(child) in _FAILED for child in case)


def _claimed(root: Element) -> tuple[int, int]:
    """The tests and failures that the suites claim: the root's word, or that of the suites with cases."""
    leaves = [
        each
        for each in root.iter()
        if _name(each) == "testsuite" and any(_name(child) == "testcase" for child in each)
    ]
    sums = [sum(_attribute(each, *names) for each in leaves) for names in (("tests",), ("failures", "errors"))]
    own = [_attribute(root, *names) for names in (("tests",), ("failures", "errors"))]
    empty = [each for each in root.iter() if _name(each) == "testsuite" and not list(each.iter())[1:]]
    errors = sum(_attribute(each, "failures", "errors") for each in empty)
    return max(sums[0], own[0]), max(sums[1] + errors, own[1])


def _attribute(element: Element, *names: str) -> int:
    total = 0
    for name in names:
        text = element.get(name, "0")
        if not text.isdecimal() or len(text) > 9:  # noqa: PLR2004 - no suite has a billion tests
            raise ServiceError(f"claims {name}={text[:20]!r}, which is no count.")
        total += int(text)
    return total
