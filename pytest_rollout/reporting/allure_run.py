"""What Allure shows about a run as a whole: environment, categories, executor; and the read-back."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.judgement import Sealed
from pytest_rollout.core.outcome import Outcome, Verdict
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.reporting import brief, phrases
from pytest_rollout.reporting.allure import OUTCOME, STATUSES, Results
from pytest_rollout.reporting.folder import Folder
from pytest_rollout.reporting.text import line

CATEGORIES = (
    # Newer renderers take the first that matches, older ones all: the beginnings exclude each other.
    # ``[\\s\\S]*`` serves those that want the whole message to match.
    ("Not promoted", "verdict", ("failed",)),
    ("Advisory: shown, never counted", "advisory:", ("failed", "broken")),
    ("Looked, and it does not hold", "fail", ("failed",)),
    ("Could not look", "error", ("broken",)),
    ("Looked, and cannot tell", "inconclusive", ("broken",)),
    ("Did not run", "not run", ("broken",)),
    ("Waits for a person or for time", "pending", ("broken",)),
)
"""Name, how the message begins, statuses: what we write ourselves, so nothing is left to guess."""


def write_results(
    sealed: Sealed, evidence: Evidence, page: str, folder: Folder, *, pictures: Mapping[str, str] | None = None
) -> Results:
    """Write a whole results folder: the verdict, every finding, and what belongs to the run."""
    results = Results(sealed, evidence, folder, pictures or {})
    results.write_verdict(page)
    for place, finding in enumerate(sealed.judgement.findings, 1):
        results.write_finding(place, finding)
    results.write_homeless()
    results.write("environment.properties", "".join(_properties(environment(sealed))).encode("ascii"))
    results.write("categories.json", json.dumps(categories(), indent=1).encode())
    results.write("executor.json", json.dumps(executor(sealed), indent=1).encode())
    return results


def categories() -> list[dict[str, Any]]:
    """The categories as Allure reads them from ``categories.json``."""
    return [
        {"name": name, "matchedStatuses": list(statuses), "messageRegex": rf"^{beginning}[\s\S]*$"}
        for name, beginning, statuses in CATEGORIES
    ]


def environment(sealed: Sealed) -> dict[str, str]:
    """What was judged, where, and with what."""
    judgement = sealed.judgement
    values = {
        "rollout": judgement.run.rollout,
        "stage": judgement.run.stage,
        "verdict": judgement.verdict.value.upper(),
        "circumstances": phrases.circumstances(judgement),
        "network": phrases.place(judgement),
        "commit": judgement.subject.commit + ("" if judgement.subject.committed else " with uncommitted changes"),
        "judgement": sealed.digest,
        "run": judgement.run.id,
        "judged": judgement.judged_at.isoformat(),
        "pytest-rollout": metadata.version("pytest-rollout"),
        "python": platform.python_version(),
    }
    values |= {f"fact {name}": value for name, value in judgement.facts.items()}
    return {name: line(value, 1000) for name, value in values.items() if value.strip()}


def executor(sealed: Sealed) -> dict[str, Any]:
    """Who ran it."""
    judgement = sealed.judgement
    return {
        "name": "pytest-rollout",
        "type": "pytest-rollout",
        "buildName": line(f"{phrases.gate(judgement)} attempt {judgement.run.attempt}, run {judgement.run.id}"),
        "buildOrder": judgement.run.attempt,
        "reportName": line(f"{judgement.rollout_title}: {judgement.stage_title}"),
    }


def differences(folder: Folder, results: Results, sealed: Sealed, redactor: Redactor | None) -> str:
    """What in a results folder that was read back is not the judgement; empty if nothing."""
    statuses: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    sources: set[str] = set()
    histories: set[str] = set()
    names = folder.names()
    total = 0
    for name in names:
        data = folder.read(name)
        if redactor is not None and not redactor.is_clean(data):
            return f"a secret of the plan stands in {name}"
        if not name.endswith("-result.json"):
            continue
        total += 1
        try:
            result = json.loads(data)
            statuses[result["status"]] += 1
            for label in result["labels"]:
                if label["name"] == OUTCOME:
                    outcomes[label["value"]] += 1
            for attachment in result.get("attachments", ()):
                sources.add(attachment["source"])
            histories.add(result["historyId"])
        except (ValueError, KeyError, TypeError) as error:
            return f"{name} is no result ({type(error).__name__}: {error})"
    judgement = sealed.judgement
    expected = Counter(STATUSES[finding.outcome] for finding in judgement.findings)
    expected["passed" if judgement.verdict is Verdict.PROMOTE else "failed"] += 1
    checks = {
        "it has other files than were written": len(names) == results.files,
        "its counts are not those of the judgement": statuses == expected
        and all(outcomes[outcome.value] == judgement.counts()[outcome.value] for outcome in Outcome),
        "two results have one history": len(histories) == total,
        "an attachment is missing": sources <= set(names),
        "its verdict is another one": judgement.verdict.value.upper()
        in folder.read("environment.properties").decode("ascii"),
    }
    return "; ".join(what for what, is_right in checks.items() if not is_right)


def page_of(sealed: Sealed, page: str) -> str:
    """The brief as the verdict's description: without its headline, which is the result's name."""
    headline = f"# {brief.headline(sealed.judgement)}\n\n"
    return page.removeprefix(headline)


def _properties(values: dict[str, str]) -> Iterator[str]:
    """Java properties: ASCII with escapes, so that readers of both traditions agree."""
    for name, value in values.items():
        yield f"{_escaped(name, also=' ')}={_escaped(value)}\n"


def _escaped(text: str, also: str = "") -> str:
    shown = "".join(f"\\{char}" if char in f"\\=:#!{also}" else char for char in text.strip())
    encoded = shown.encode("utf-16-be")
    units = (int.from_bytes(encoded[i : i + 2], "big") for i in range(0, len(encoded), 2))
    return "".join(chr(unit) if 0x20 <= unit < 0x7F else f"\\u{unit:04x}" for unit in units)  # noqa: PLR2004
