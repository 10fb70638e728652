"""What an earlier gate saw of a node, held against what it says now: a restart between two gates is found (rule 17).

Each gate leaves what it read of a node's run among the facts of its ``mode``. A node that says of
the same time something else than it said then is an error, whatever it counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pytest_rollout.core.errors import listed
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.node_stats import NodeStats
from pytest_rollout.core.outcome import Kind, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """The facts of one node as a gate read them, and which judgement of when they stand in."""

    facts: Mapping[str, str]
    judgement: str
    judged_at: str

    def document(self) -> dict[str, object]:
        """As it is kept with the next judgement."""
        return {"facts": dict(self.facts), "judgement": self.judgement, "judged_at": self.judged_at}


def facts_of(now: NodeStats) -> dict[str, str]:
    """What the next gate will hold against the node."""
    return {
        "run": now.run,
        "clock": now.clock,
        "started_at": now.started_at.isoformat(),
        "at": now.at.isoformat(),
        "mode": now.mode.value,
        "since": now.visit.since.isoformat(),
        "verifications": str(now.counts.verifications),
        **({"candidate": now.candidate} if now.candidate else {}),
    }


def with_memory(findings: Sequence[Finding], known: Mapping[str, Remembered]) -> list[Finding]:
    """The findings, those of a node's mode and soak with what earlier gates knew of it."""
    said = {_node(each): each.facts for each in findings if each.kind is Kind.NODE and "run" in each.facts}
    return [
        _remembering(each, said[_node(each)], known[_node(each)])
        if each.kind is Kind.NODE and _node(each) in known.keys() & said.keys() and _aspect(each) in {"mode", "soak"}
        else each
        for each in findings
    ]


def told_apart(findings: Sequence[Finding]) -> list[Finding]:
    """The findings, an error where two nodes tell of one run, inconclusive where they run different candidates.

    One process behind two addresses lends its evidence; and what a node proves of one artefact says nothing of another.
    """
    names: dict[str, list[str]] = {}
    candidates: dict[str, str] = {}
    for finding in findings:
        if finding.kind is Kind.NODE and "run" in finding.facts:
            names.setdefault(finding.facts["run"], []).append(_node(finding))
            if told := finding.facts.get("candidate"):
                candidates[_node(finding)] = told
    return [
        _differing(_doubled(each, names[each.facts["run"]]), candidates)
        if each.kind is Kind.NODE and "run" in each.facts
        else each
        for each in findings
    ]


def _doubled(finding: Finding, names: Sequence[str]) -> Finding:
    if len(names) == 1:
        return finding
    wrong = f"{listed(sorted(names))} are one process: all tell of the run {finding.facts['run'][:12]}"
    return _worse(finding, Outcome.ERROR, wrong, "give each node an address of its own")


def _differing(finding: Finding, candidates: Mapping[str, str]) -> Finding:
    if len(set(candidates.values())) < 2 or finding.outcome.gravity <= Outcome.INCONCLUSIVE.gravity:  # noqa: PLR2004
        return finding
    told = listed(f"{name} {version[:60]}" for name, version in sorted(candidates.items()))
    wrong = f"the nodes run different candidates: {told}"
    return _worse(finding, Outcome.INCONCLUSIVE, wrong, "deploy one candidate to all of them")


def _worse(finding: Finding, outcome: Outcome, wrong: str, remedy: str) -> Finding:
    measured = "; ".join(each for each in (wrong, finding.measured) if each)
    return replace(finding, outcome=outcome, measured=measured, remedy=remedy)


def _node(finding: Finding) -> str:
    return finding.item.rpartition("::")[2].rpartition(".")[0]


def _aspect(finding: Finding) -> str:
    return finding.item.rpartition(".")[2]


def _remembering(finding: Finding, said: Mapping[str, str], before: Remembered) -> Finding:
    gate = f"the gate of {before.judged_at[:16].replace('T', ' ')} ({before.judgement[:12]})"
    try:
        wrong = next(_contradictions(said, before.facts, gate), "")
    except (KeyError, ValueError) as error:
        wrong = f"what {gate} read of it is not understood ({type(error).__name__}: {error})"
    if wrong and finding.outcome.gravity > Outcome.ERROR.gravity:
        finding = _worse(finding, Outcome.ERROR, wrong, "look at the node and its clock")
    if said["run"] != before.facts.get("run"):
        restarted = f"restarted since {gate}: what it had counted is gone, and its soak begins at {said['started_at']}"
        finding = replace(finding, detail="; ".join(each for each in (finding.detail, restarted) if each))
    return finding


def _contradictions(said: Mapping[str, str], before: Mapping[str, str], gate: str) -> Iterator[str]:
    """Why what it says now cannot be true beside what it said then; times of rehearsed clocks are not compared."""
    is_same_run = said["run"] == before["run"]
    if is_same_run and int(said["verifications"]) < int(before["verifications"]):
        yield (
            f"verifications ran backwards since {gate}, from {before['verifications']} to {said['verifications']}, "
            "without a restart"
        )
    candidates = said.get("candidate"), before.get("candidate")
    if is_same_run and all(candidates) and candidates[0] != candidates[1]:
        yield f"runs the candidate {candidates[0]}, and told {gate} {candidates[1]}, without a restart"
    if "rehearsed" in {said["clock"], before["clock"]}:
        return
    started, at, since, entered, read = (
        datetime.fromisoformat(each)
        for each in (said["started_at"], said["at"], said["since"], before["since"], before["at"])
    )
    if not is_same_run:
        if started < read:
            yield f"says that it runs since {said['started_at']}, but {gate} met another run of it at {before['at']}"
        return
    if said["started_at"] != before["started_at"]:
        yield f"says that it runs since {said['started_at']}, and told {gate} {before['started_at']}"
    if at < read:
        yield f"its stats are older than those that {gate} read"
    if said["mode"] == before["mode"] and since < entered:
        yield f"says that it is in {said['mode']} since {said['since']}, and told {gate} {before['since']}"
    if said["mode"] != before["mode"] and since < read:
        yield (
            f"says that it is in {said['mode']} since {said['since']}, but {gate} met it in {before['mode']} "
            f"at {before['at']}"
        )
