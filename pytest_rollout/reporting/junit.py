"""``junit.xml``: findings as test cases, for the readers that know nothing but JUnit.

Such readers count: what is neither failure nor error nor skipped is green to them. So whatever
is required and did not pass is a failure or an error, the verdict is a test case of its own -
an empty gate is then red too - and names are unique, since some readers drop doubles.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Mapping
from io import BytesIO

from pytest_rollout.core.evidence import Evidence, Execution
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.judgement import Judgement, Sealed
from pytest_rollout.core.outcome import Kind, Outcome, Verdict
from pytest_rollout.reporting import phrases
from pytest_rollout.reporting.text import attribute, line, xml

SYSTEM_OUT = 16 * 1024
"""How many characters of a test's own text one test case may carry."""

_ELEMENT = {
    Outcome.FAIL: "failure",
    Outcome.ERROR: "error",
    Outcome.INCONCLUSIVE: "error",
    Outcome.PENDING: "error",
    Outcome.NOT_RUN: "error",
}


def parts(sealed: Sealed, evidence: Evidence) -> Iterator[str]:
    """The document, piece by piece: a suite for the verdict, then one for each kind."""
    judgement = sealed.judgement
    by_kind: dict[Kind, list[Finding]] = {}
    for finding in judgement.findings:
        by_kind.setdefault(finding.kind, []).append(finding)
    tally = sum((_tally(findings) for findings in by_kind.values()), Counter[str]())
    is_held = judgement.verdict is not Verdict.PROMOTE
    seconds = (judgement.judged_at - judgement.run.started_at).total_seconds()
    yield '<?xml version="1.0" encoding="utf-8"?>\n'
    tally["failure"] += int(is_held)
    yield f"<testsuites {_counts(len(judgement.findings) + 1, tally, seconds)}>\n"
    yield from _verdict_suite(sealed, seconds)
    names: Counter[tuple[str, str]] = Counter({_verdict_name(judgement): 1})
    for kind in Kind:
        if kind in by_kind:
            yield from _suite(sealed, evidence, kind, by_kind[kind], names)
    yield "</testsuites>\n"


def differences(data: bytes, sealed: Sealed) -> str:
    """What in a ``junit.xml`` that was read back is not the judgement; empty if nothing."""
    tally: Counter[str] = Counter()
    names: set[tuple[str, str]] = set()
    cases = 0
    digests = set()
    try:
        # Our own file: entities are never declared in it.
        for _, element in ET.iterparse(BytesIO(data)):  # noqa: S314 - see above
            if element.tag == "testcase":
                cases += 1
                names.add((element.get("classname", ""), element.get("name", "")))
                tally[next((child.get("type", "") for child in element if child.tag in _MARKS), "pass")] += 1
                element.clear()
            elif element.tag == "property" and element.get("name") == "digest":
                digests.add(element.get("value"))
    except ET.ParseError as error:
        return f"it is not well-formed ({error})"
    expected = Counter(finding.outcome.value for finding in sealed.judgement.findings)
    verdict = sealed.judgement.verdict
    expected["pass" if verdict is Verdict.PROMOTE else verdict.value] += 1
    checks = {
        "its digest is another one": digests == {sealed.digest},
        "its counts are not those of the judgement": tally == expected,
        "two test cases have one name": len(names) == cases,
    }
    return "; ".join(what for what, is_right in checks.items() if not is_right)


_MARKS = frozenset({"failure", "error", "skipped"})


def _tally(findings: list[Finding]) -> Counter[str]:
    return Counter(_ELEMENT[f.outcome] if f.required else "skipped" for f in findings if f.outcome is not Outcome.PASS)


def _counts(tests: int, tally: Mapping[str, int], seconds: float) -> str:
    return (
        f'tests="{tests}" failures="{tally.get("failure", 0)}" errors="{tally.get("error", 0)}" '
        f'skipped="{tally.get("skipped", 0)}" time="{max(0.0, seconds):.3f}"'
    )


def _verdict_name(judgement: Judgement) -> tuple[str, str]:
    return f"{judgement.run.rollout}.{judgement.run.stage}", "verdict"


def _verdict_suite(sealed: Sealed, seconds: float) -> Iterator[str]:
    judgement = sealed.judgement
    verdict = judgement.verdict
    is_held = verdict is not Verdict.PROMOTE
    yield f'<testsuite name="verdict" {_counts(1, {"failure": int(is_held)}, seconds)}>\n'
    yield from _properties(sealed)
    classname, name = _verdict_name(judgement)
    yield f'<testcase classname="{attribute(classname)}" name="{name}" time="{max(0.0, seconds):.3f}"'
    if is_held:
        ways = len(judgement.blocking)
        message = f"{verdict.value.upper()}: {ways:,} finding{'' if ways == 1 else 's'} in the way"
        yield f'><failure type="{verdict.value}" message="{message}"/></testcase>\n'
    else:
        yield "/>\n"
    yield "</testsuite>\n"


def _suite(
    sealed: Sealed, evidence: Evidence, kind: Kind, findings: list[Finding], names: Counter[tuple[str, str]]
) -> Iterator[str]:
    seconds = sum(finding.seconds or 0.0 for finding in findings)
    yield f'<testsuite name="{kind.value}" {_counts(len(findings), _tally(findings), seconds)}>\n'
    yield from _properties(sealed)
    for finding in findings:
        yield _case(finding, evidence, names)
    yield "</testsuite>\n"


def _properties(sealed: Sealed) -> Iterator[str]:
    judgement = sealed.judgement
    values = {
        "rollout": judgement.run.rollout,
        "stage": judgement.run.stage,
        "network": judgement.run.network,
        "verdict": judgement.verdict.value,
        "attempt": str(judgement.run.attempt),
        "rehearsal": "yes" if judgement.run.rehearsal else "no",
        "commit": judgement.subject.commit,
        "digest": sealed.digest,
    }
    yield "<properties>"
    for name, value in values.items():
        yield f'<property name="{name}" value="{attribute(value)}"/>'
    yield "</properties>\n"


def _case(finding: Finding, evidence: Evidence, names: Counter[tuple[str, str]]) -> str:
    classname, name = _unique(*_names(finding), names)
    described = evidence.described.get(finding.item)
    where = ""
    if described is not None and described.file:
        where = f' file="{attribute(described.file)}"'
        where += f' line="{described.line}"' if described.line > 0 else ""
    start = (
        f'<testcase classname="{attribute(classname)}" name="{attribute(name)}"'
        f'{where} time="{max(0.0, finding.seconds or 0.0):.3f}"'
    )
    body = ""
    text = _text(evidence.executions.get(finding.item, ()))
    if finding.outcome is not Outcome.PASS:
        element = _ELEMENT[finding.outcome] if finding.required else "skipped"
        message = attribute(line(phrases.message(finding, text)))
        body = f'<{element} type="{finding.outcome.value}" message="{message}"'
        told = [f"{what}: {value}" for what, value in _told(finding, text) if value]
        body += f">{xml(chr(10).join(told))}</{element}>" if told else "/>"
    if text:
        body += f"<system-out>{xml(text, SYSTEM_OUT)}</system-out>"
    return f"{start}>{body}</testcase>\n" if body else f"{start}/>\n"


def _told(finding: Finding, text: str) -> Iterator[tuple[str, str]]:
    yield "item", finding.item
    yield "title", finding.title
    yield "measured", finding.measured
    yield "needed", finding.needed
    yield "source", finding.source
    yield "detail", "" if text.startswith(finding.detail) else finding.detail
    yield "next", finding.remedy


def _text(executions: list[Execution] | tuple[()]) -> str:
    return "\n".join(execution.text for execution in executions if execution.text)


_MODULE = re.compile(r"\.py$")


def _names(finding: Finding) -> tuple[str, str]:
    """Class and name as pytest writes them: ``suites.alpha.test_pay.TestPay``, ``test_fee[1::2]``."""
    # The first bracket begins the parameters, and they may hold any separator.
    head, bracket, parameters = finding.item.partition("[")
    path, *rest = head.split("::")
    if not rest:
        return finding.kind.value, line(finding.item or finding.title or "unnamed")
    folders = _MODULE.sub("", path).replace("/", ".")
    return line(".".join([folders, *rest[:-1]])), line(f"{rest[-1]}{bracket}{parameters}")


def _unique(classname: str, name: str, names: Counter[tuple[str, str]]) -> tuple[str, str]:
    names[classname, name] += 1
    while (seen := names[classname, name]) > 1:
        name = f"{name} ({seen})"
        names[classname, name] += 1
    return classname, name
