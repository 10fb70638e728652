"""The migration's completion report, from the judgements and from nothing else: ``python report.py [REPORTS]``.

What no judgement says stands there as "not judged". The status is SUCCESS only where the gates of every phase and of
the watch after them say promote, FAILED where one says rollback, and else NOT COMPLETE. Run it again after each gate.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PHASES = {
    "validation": "Phase 1 (Pre-Migration)",
    "dual-write": "Phase 2 (Dual-Write)",
    "migration": "Phase 3 (Data Migration)",
    "json": "Phase 4 (Validation)",
    "cutover": "Phase 5 (Cutover)",
    "watch": "Post-Migration Watch",
}
UNKNOWN = "not judged"

Judgement = Mapping[str, Any]


def report(folder: Path) -> str:
    """The document's template, filled in from ``<folder>/<stage>/verdict.json``."""
    judged = dict(_judgements(folder))
    verdicts = {stage: judged[stage]["verdict"] if stage in judged else UNKNOWN for stage in PHASES}
    newest = next((judged[stage] for stage in reversed(PHASES) if stage in judged), None)
    lines = [
        "# LookCoin Migration Completion Report",
        "",
        "## Executive Summary",
        f"- Migration Status: {_status(set(verdicts.values()))}",
        f"- Total Duration: {UNKNOWN}; the gates judge evidence, not hours",
        f"- Data Integrity: {_measured(judged, 'LevelDB against JSON', 'migration', 'json')}",
        f"- System Availability: {_measured(judged, 'platform: availability', 'watch')}",
        "",
        "## Phase Completion Summary",
        *(f"- {title}: {_phase(judged.get(stage))}" for stage, title in PHASES.items()),
        "",
        "## Technical Metrics",
        f"- Contracts Migrated: {_contracts(judged)}",
        f"- Networks Validated: {_networks(newest)}",
        *(
            f"- Performance Impact, {name}: {_measured(judged, f'JSON {name}', 'migration')}"
            for name in ("reads", "writes", "queries", "memory")
        ),
        f"- Performance after the Cutover: {_measured(judged, 'JSON against LevelDB', 'cutover')}",
        f"- Dual-Write Impact: {_measured(judged, 'deployments with dual writes', 'dual-write')}",
        f"- Error Rate: {_measured(judged, 'platform: error rate', 'watch')}",
        "",
        "## Issues Encountered",
        *_issues(judged),
        "",
        "## Recommendations",
        *_remedies(judged),
    ]
    return "\n".join(lines) + "\n"


def _status(verdicts: set[str]) -> str:
    if "rollback" in verdicts:
        return "FAILED"
    return "SUCCESS" if verdicts == {"promote"} else "NOT COMPLETE"


def _judgements(folder: Path) -> Iterator[tuple[str, Judgement]]:
    for stage in PHASES:
        file = folder / stage / "verdict.json"
        if file.is_file():
            document = json.loads(file.read_text(encoding="utf-8"))
            judgement = document["judgement"]
            if (judgement["rollout"]["name"], judgement["stage"]["name"]) != ("lookcoin", stage):
                raise SystemExit(f"{file}: is the judgement of another gate")
            yield stage, {**judgement, "digest": document["digest"]}


def _phase(judgement: Judgement | None) -> str:
    if judgement is None:
        return UNKNOWN
    passed = sum(each["outcome"] == "pass" for each in judgement["findings"])
    digest = judgement["digest"][:8]
    return f"{judgement['verdict']}, {passed} of {len(judgement['findings'])} items passed (judgement {digest})"


def _finding(judgement: Judgement, title: str) -> Mapping[str, Any] | None:
    return next((each for each in judgement["findings"] if each["title"] == title), None)


def _measured(judged: Mapping[str, Judgement], title: str, *stages: str) -> str:
    """What the newest of the stages measured, with how it came out where that is no pass."""
    for stage in stages:
        found = _finding(judged[stage], title) if stage in judged else None
        if found is not None:
            said = found.get("measured") or "nothing measured"
            said += f" (needs {found['needed']})" if found.get("needed") else ""
            return said if found["outcome"] == "pass" else f"{said}: {found['outcome']}"
    return UNKNOWN


def _contracts(judged: Mapping[str, Judgement]) -> str:
    """28/28 only where the comparison of both stores passed, which compares against the inventory."""
    if "migration" not in judged:
        return UNKNOWN
    compared = _finding(judged["migration"], "LevelDB against JSON")
    listed = [each for each in judged["migration"]["findings"] if each["kind"] == "inventory"]
    if compared is None or not listed:
        return UNKNOWN
    passed = sum(each["outcome"] == "pass" for each in listed)
    if compared["outcome"] == "pass":
        return f"{passed}/{len(listed)}"
    return f"not all of {len(listed)}: {compared.get('measured')}"


def _networks(judgement: Judgement | None) -> str:
    """A network counts where every contract of it passed."""
    if judgement is None:
        return UNKNOWN
    networks: dict[str, bool] = {}
    for each in judgement["findings"]:
        if each["kind"] == "inventory":
            network = each["item"].rpartition("::")[2].partition(".")[0]
            networks[network] = networks.get(network, True) and each["outcome"] == "pass"
    return f"{sum(networks.values())}/{len(networks)}" if networks else UNKNOWN


def _issues(judged: Mapping[str, Judgement]) -> list[str]:
    found = [
        f"- {stage}: {each['title']}: {each['outcome']}: {each.get('measured', '')}"
        for stage, judgement in judged.items()
        for each in judgement["findings"]
        if each["required"] and each["outcome"] != "pass"
    ]
    return found or ["None in the judgements at hand." if judged else "No judgement is at hand."]


def _remedies(judged: Mapping[str, Judgement]) -> list[str]:
    remedies = [
        each["remedy"]
        for judgement in judged.values()
        for each in judgement["findings"]
        if each["required"] and each["outcome"] != "pass" and each.get("remedy")
    ]
    missing = [f"judge {stage}: pytest --stage=lookcoin:{stage}" for stage in PHASES if stage not in judged]
    return [f"- {each}" for each in dict.fromkeys([*remedies, *missing])] or ["- None."]


if __name__ == "__main__":
    sys.stdout.write(report(Path(sys.argv[1] if len(sys.argv) > 1 else "reports/lookcoin")))
