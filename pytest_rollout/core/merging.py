"""Several partial runs of one gate as one question: only if together they are exactly the gate, on one subject.

A part looked at less than the gate on purpose: a path, ``-k``, ``--deselect`` and the like, as the jobs of a
CI matrix do. Nothing else about it may be missing or wrong: its own disturbances stay in the merged
judgement, and what several parts ran, or none, is refused before anything is judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pytest_rollout.core.collected import Collected
from pytest_rollout.core.errors import Refused, listed
from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.judgement import Run
from pytest_rollout.core.judging import Part, Question
from pytest_rollout.core.subject import Deployed, Subject

_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """What the parts cannot know: the run that they become, and what the ledger says that it is recorded in.

    ``baseline`` is what the last judgement there listed, ``ticks`` are its ticks, ``entered`` and
    ``unchanged`` are since when soak counts, ``facts`` what reports show of its past.
    """

    run: Run
    baseline: tuple[str, ...] = ()
    ticks: Mapping[int, str]
    entered: datetime | None = None
    unchanged: datetime | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def merged(parts: Sequence[Question], about: Merge) -> Question:
    """The one question that the parts are together; raises ``Refused`` with what keeps them from it.

    It is judged as of the newest part, whose samples count, and on the parts' own subject.
    """
    place = f"{about.run.rollout}:{about.run.stage}"
    if len(parts) < 2:  # noqa: PLR2004 - one part is no merge
        raise Refused(f"{place}: a merge takes the runs of two parts at least; {len(parts)} given.")
    first, *others = parts
    for other in others:
        for what, one, another in _differences(first, other):
            raise Refused(
                f"{place}: parts are about different things: {what} is {_shown(one)} in run {first.run.id} and "
                f"{_shown(another)} in run {other.run.id}. Run all parts on one commit, in one environment."
            )
    oldest = min(each.judged_at for each in parts)
    newest = max(parts, key=lambda each: each.judged_at)
    if newest.judged_at - oldest > newest.rollout.judgement_max_age:
        raise Refused(
            f"{place}: {newest.judged_at - oldest} lie between the oldest and the newest part, the plan allows "
            f"{newest.rollout.judgement_max_age}. Run the older parts again."
        )
    evidence = _together(parts)
    manifest = replace(first.manifest, baseline=tuple(sorted({*about.baseline, *first.manifest.baseline})))
    _covers(place, Collected.of(manifest, evidence), evidence)
    sampled = replace(newest.sampled, entered=about.entered, unchanged=about.unchanged)
    return replace(
        newest,
        evidence=evidence,
        manifest=manifest,
        subject=_subject(parts),
        run=about.run,
        narrowings=(),
        ticks=about.ticks,
        facts={
            **newest.facts,
            **about.facts,
            "parts": ", ".join(f"{each.run.id} (attempt {each.run.attempt})" for each in parts),
        },
        witnesses=tuple(each for part in parts for each in part.witnesses),
        sampled=sampled,
        evidence_digest="",
        parts=tuple(_part(each) for each in parts),
    )


def _part(question: Question) -> Part:
    """One part without the narrowings that made it one; whatever else narrowed it stays."""
    return Part(
        evidence=question.evidence,
        ending=question.ending,
        narrowings=tuple(each for each in question.narrowings if not each.selects),
        witnesses=question.witnesses,
    )


def _differences(one: Question, other: Question) -> list[tuple[str, object, object]]:
    """In what two parts differ that must be one; a chain of the gate's own is another one in every run."""
    pairs: list[tuple[str, object, object]] = [
        ("the rollout", one.run.rollout, other.run.rollout),
        ("the stage", one.run.stage, other.run.stage),
        ("the network", one.run.network, other.run.network),
        ("rehearsal", one.run.rehearsal, other.run.rehearsal),
    ]
    is_real = bool(one.witnesses or other.witnesses)
    left, right = (each.subject.document() for each in (one, other))
    own = {"chain_id", "genesis", "block", "block_hash", "contracts"}
    names = [key for key in {**left, **right} if is_real or key not in own]
    pairs += [(key.replace("_", " "), left.get(key), right.get(key)) for key in names]
    pairs += [
        ("what the gate declares", one.manifest.declared, other.manifest.declared),
        ("what the gate's files hold", one.manifest.functions, other.manifest.functions),
        ("the gate's files", one.manifest.files, other.manifest.files),
        ("the gate's doubts", one.manifest.doubts, other.manifest.doubts),
    ]
    return [(what, left, right) for what, left, right in pairs if left != right]


def _together(parts: Sequence[Question]) -> Evidence:
    """The evidence of all parts, every process under a name that says whose it is: ``gw0 of part 2``."""
    whole = Evidence()
    for number, part in enumerate(parts, start=1):
        whole.add(part.evidence, f" of part {number}")
    return whole


def _covers(place: str, collected: Collected, evidence: Evidence) -> None:
    """Refuse unless every item of the gate ran in exactly one part."""
    owed = dict.fromkeys((*collected.manifest.declared, *collected.ids, *collected.aside))
    missing = [each for each in owed if each not in evidence.executions]
    missing += [each.id for each in collected.unmade()]
    doubled = [each for each, ran in evidence.executions.items() if len(ran) > 1]
    for items, what in ((missing, "ran in no part"), (doubled, "ran in more than one part")):
        if items:
            more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
            raise Refused(
                f"{place}: {len(items)} items of the gate {what}: {listed(items[:_SHOWN])}{more}. Parts must be "
                "exactly the gate together, each item once."
            )


def _subject(parts: Sequence[Question]) -> Subject:
    """The parts' subject, with the chain of the part that looked at one, and the contracts that any of them saw."""
    found = next((each.subject for each in parts if each.subject.block_hash), parts[0].subject)
    contracts: dict[str, Deployed] = {}
    for each in reversed(parts):
        contracts |= each.subject.contracts
    return replace(found, contracts=dict(sorted(contracts.items())))


def _shown(value: object) -> str:
    text = str(value) if not isinstance(value, tuple | dict) else f"{len(value)} of them"
    return text[:80] or "none"
