"""What commands print, in one or two lines each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.checklist import Tick
from pytest_rollout.core.entries import Entry
from pytest_rollout.core.history import JudgementRecord
from pytest_rollout.core.moves import Promotion, Rollback
from pytest_rollout.core.override import Given
from pytest_rollout.core.records import Recorded
from pytest_rollout.core.rollout import Rollout
from pytest_rollout.operations import Standing
from pytest_rollout.reporting.text import line

if TYPE_CHECKING:  # pydantic, for lint alone
    from pytest_rollout.plan.lint import Remark

_SHOWN = 10
_LONGEST = 120


def lint(rollouts: Sequence[Rollout], remarks: Sequence[tuple[Rollout, Remark]]) -> str:
    """A line a remark, and a line that counts."""
    lines = [f"{remark.kind.value:>13}  {remark.place}: {remark.text}" for _, remark in remarks]
    stages = sum(len(rollout.stages) for rollout in rollouts)
    return "\n".join([*lines, f"{len(rollouts)} plans with {stages} stages read, {len(remarks)} remarks"])


def standings(all_of: Sequence[Standing]) -> str:
    """A paragraph a rollout."""
    return "\n\n".join(_standing(each) for each in all_of)


def _standing(standing: Standing) -> str:
    rollout = standing.rollout
    told = [f"  {_overridden(each)}" for each in standing.overridden]
    told += [] if standing.late is None else [f"  {_late(standing.late)}"]
    if standing.stage is None:
        return "\n".join([f"{rollout.name} ({rollout.title}): complete, every stage was left", *told])
    number = [stage.name for stage in rollout.stages].index(standing.stage.name) + 1
    lines = [
        f"{rollout.name} ({rollout.title}): at {standing.stage.name}, stage {number} of {len(rollout.stages)}",
        *told,
        f"  {_judged(standing)}",
    ]
    others = [finding for finding in standing.findings if finding["kind"] != "checklist"]
    for finding in others[:_SHOWN]:
        title, measured = (line(str(finding.get(key, "")), _LONGEST) for key in ("title", "measured"))
        lines.append(f"  - {title}: {measured} ({finding['outcome']})")
    if len(others) > _SHOWN:
        lines.append(f"  - and {len(others) - _SHOWN} more")
    lines += [f"  [ ] {entry.number} {entry.text}" for entry in standing.unticked]
    lines += [f"  [ ] {each.role} ({each.address}) {each.why}" for each in standing.unsigned]
    lines += [f"  {_given(each)}" for each in standing.given]
    if standing.obstacle:
        lines.append(f"  {standing.obstacle}")
    return "\n".join([*lines, f"  next: {standing.following}"])


def _overridden(promotion: Recorded[Promotion]) -> str:
    move = promotion.value
    told = "; ".join(line(str(each), _LONGEST) for each in move.overrides)
    return f"{move.stage} was promoted by override of {told} (ledger entry {promotion.sequence})"


def _late(late: JudgementRecord) -> str:
    """What nobody knew when the stage was left."""
    first = f": {line(late.blocking[0].title, _LONGEST)}" if late.blocking else ""
    return (
        f"a run of {late.stage} that was under way when it was left ended after it and says {late.verdict.upper()} "
        f"(ledger entry {late.sequence}){first}"
    )


def _given(given: Given) -> str:
    """An override of the newest judgement, and how its signers stand."""
    items = "1 finding" if len(given.terms.items) == 1 else f"{len(given.terms.items)} findings"
    signed = ", ".join(each.role for each in given.answer.roles if each.counts) or "nobody"
    owed = "" if given.counts else "; not enough: " + "; ".join(f"'{e.role}' {e.why}" for e in given.answer.owed)
    return (
        f"override {given.first} of {items} until {given.terms.expires_at.isoformat()}, "
        f"signed by {signed}{owed}: {line(given.terms.reason, _LONGEST)}"
    )


def _judged(standing: Standing) -> str:
    if standing.judgement is None:
        return f"not judged in this visit, {standing.attempts} attempts"
    judgement = standing.judgement
    at = judgement.judged_at.isoformat(timespec="seconds")
    return f"{judgement.verdict.upper()} at {at}, attempt {standing.attempts}"


def standing_document(standing: Standing) -> dict[str, Any]:
    """The same for programs."""
    judgement = standing.judgement
    return {
        "rollout": standing.rollout.name,
        "stage": None if standing.stage is None else standing.stage.name,
        "attempts": standing.attempts,
        "verdict": None if judgement is None else judgement.verdict,
        "judged_at": None if judgement is None else judgement.judged_at.isoformat(),
        "findings": list(standing.findings),
        "unsigned": [{"role": each.role, "address": each.address, "why": each.why} for each in standing.unsigned],
        "overrides": [
            {
                "first": each.first,
                "items": list(each.terms.items),
                "reason": each.terms.reason,
                "expires": each.terms.expires_at.isoformat(),
                "counts": each.counts,
                "roles": [
                    {"role": role.role, "address": role.address, "counts": role.counts, "why": role.why}
                    for role in each.answer.roles
                ],
            }
            for each in standing.given
        ],
        "late": None
        if standing.late is None
        else {
            "stage": standing.late.stage,
            "verdict": standing.late.verdict,
            "run": standing.late.run.id,
            "ledger_entry": standing.late.sequence,
        },
        "promoted_by_override": [
            {"ledger_entry": each.sequence, "stage": each.value.stage}
            | {"overrides": [override.document() for override in each.value.overrides]}
            for each in standing.overridden
        ],
        "unticked": [{"number": entry.number, "text": entry.text} for entry in standing.unticked],
        "obstacle": standing.obstacle,
        "next": standing.following,
    }


def ticked(tick: Tick) -> str:
    """What was ticked, by whom."""
    what = "ticked" if tick.ticked else "tick taken back"
    kept = f", evidence {tick.evidence_name} sha256 {tick.evidence_digest[:12]}…" if tick.evidence_digest else ""
    return f"{tick.rollout}:{tick.stage} {tick.number} '{tick.text}' {what} by {tick.person}{kept}"


def promoted(move: Promotion, entry: Entry) -> str:
    """The move, and the head to note elsewhere."""
    where = f"now at {move.to}" if move.to else "complete"
    how = "".join(f" by override of {each}," for each in move.overrides)
    moved = f"{move.rollout}: {move.stage} promoted{how} by {move.person}, {where}"
    return f"{moved}\nledger entry {entry.sequence}, head {entry.digest}"


def rolled_back(move: Rollback, entry: Entry) -> str:
    """The move, and the head to note elsewhere."""
    return (
        f"{move.rollout}: {move.stage} rolled back by {move.person}, now at {move.to}: {move.reason}\n"
        f"ledger entry {entry.sequence}, head {entry.digest}"
    )
