"""Whether the record allows a move, asked again at the moment of moving (rule 35).

``may_promote`` and ``may_roll_back`` return what the move rests on, or raise ``Refused`` with
one sentence that says what stands in the way and what to type next. They take values: the
history as it was read and verified, the subject as it was measured now, and the time.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from pytest_rollout.core.drilled import require
from pytest_rollout.core.errors import Refused, listed, suggestion
from pytest_rollout.core.history import History, JudgementRecord
from pytest_rollout.core.judgement import Run
from pytest_rollout.core.moves import Move, Position, Promotion, Rollback, position
from pytest_rollout.core.outcome import Verdict
from pytest_rollout.core.override import why_never
from pytest_rollout.core.records import Recorded
from pytest_rollout.core.rollout import Rollout as Plan
from pytest_rollout.core.subject import Subject, moved

__all__ = ["Move", "Position", "Promotion", "Rollback", "may_promote", "may_roll_back", "position"]


def may_promote(
    *,
    rollout: Plan,
    stage: str,
    history: History,
    subject: Subject,
    now: datetime,
    ledger_id: str,
    overridden: Collection[str] = (),
) -> JudgementRecord:
    """The judgement that carries ``rollout`` out of ``stage``, or ``Refused``.

    It is the one judgement of the newest started run, of this visit to the current stage, says
    promote, is not older than the plan allows, is about the subject as it is now, and no later
    judgement of the visit says otherwise. One that holds carries as well where every finding in the
    way is among the ``overridden`` items, see ``override.covered``; all else is asked as ever (rule 36).
    """
    question = _Question(rollout, stage, history)
    question.is_at_stage(ledger_id)
    run = question.newest_run()
    judgement = question.judgement_of(run)
    question.is_ours(judgement, run.value, ledger_id)
    question.is_promote(judgement, overridden)
    question.is_not_alarmed(judgement)
    question.is_fresh(judgement, now)
    question.is_about(judgement, subject)
    question.is_drilled(subject, now)
    return judgement


def may_roll_back(
    *, rollout: Plan, stage: str, history: History, reason: str, ledger_id: str, to: str | None = None
) -> str:
    """The stage that a rollback out of ``stage`` enters, or ``Refused``.

    That is ``to``, any earlier stage, or by default the one before. A complete rollout is
    reopened at its last stage by naming that stage. A rollback needs a reason, no judgement.
    """
    question = _Question(rollout, stage, history)
    reopened = question.is_at_stage(ledger_id, or_complete=True)
    if not reason.strip():
        raise Refused(
            f"{question.place}: a rollback is recorded with its reason and none was given; "
            f'add --reason "…" to `rollout rollback {question.place}`.'
        )
    names = [each.name for each in rollout.stages]
    earlier = names if reopened else names[: names.index(stage)]
    if not earlier:
        raise Refused(
            f"{question.place}: the first stage has none before it to roll back to; "
            "switch the change itself off, or remove the rollout."
        )
    target = earlier[-1] if to is None else to
    if target not in earlier:
        raise Refused(
            f"{question.place}: cannot roll back to '{target}'; earlier stages are {listed(earlier)}."
            f"{suggestion(target, earlier)}"
        )
    return target


class _Question:
    """One move of one rollout out of one stage: each method passes or raises its own sentence."""

    def __init__(self, rollout: Plan, stage: str, history: History) -> None:
        self._rollout = rollout
        self._stage = stage
        self._history = history
        self.place = f"{rollout.name}:{stage}"
        self._again = f"`pytest --stage={self.place}`"

    def is_at_stage(self, ledger_id: str, *, or_complete: bool = False) -> bool:
        """Refuse another ledger, an unknown stage and any but the current one.

        True if the rollout is complete, ``stage`` its last and ``or_complete`` allows that.
        """
        plan, stage = self._rollout, self._stage
        names = [each.name for each in plan.stages]
        pinned = plan.ledger_id or ledger_id
        if not ledger_id == pinned == self._history.ledger_id:
            raise Refused(
                f"{plan.name}: the plan belongs to ledger {pinned}, this one is {ledger_id}; "
                "name the right one with --rollout-ledger."
            )
        if self._history.rollout != plan.name:
            raise Refused(f"{plan.name}: the history handed in is that of '{self._history.rollout}'.")
        if stage not in names:
            raise Refused(f"{plan.name}: no stage '{stage}'; the plan has {listed(names)}.{suggestion(stage, names)}")
        current = self._history.position(plan.stages).stage
        if current is None:
            if or_complete and stage == names[-1]:
                return True
            raise Refused(
                f"{self.place}: {plan.name} is complete, its last stage '{names[-1]}' was left; "
                f"`rollout rollback {plan.name}:{names[-1]}` reopens it."
            )
        if current != stage:
            raise Refused(
                f"{self.place}: {plan.name} stands at '{current}', and a move starts where it stands: "
                f"no stage is skipped. See `rollout status {plan.name}`."
            )
        return False

    def newest_run(self) -> Recorded[Run]:
        """The newest started run of the stage; it must be of this visit."""
        run = self._history.newest_run(self._stage)
        if run is None:
            raise Refused(f"{self.place}: not judged yet; run {self._again}.")
        if run.value.entry != self._history.entry:
            raise Refused(
                f"{self.place}: last judged in an earlier visit (entered by ledger entry "
                f"{run.value.entry}, now by {self._history.entry}); run {self._again} again."
            )
        return run

    def judgement_of(self, run: Recorded[Run]) -> JudgementRecord:
        """The one judgement of that run, recorded after it started and not yet used."""
        judgements = self._history.judgements_of(run.value.id)
        attempt = self._history.attempts(self._stage)
        if not judgements:
            raise Refused(
                f"{self.place}: the newest run ({run.value.id}, attempt {attempt}, started "
                f"{run.value.started_at.isoformat()}) has no judgement: it crashed or is still running. "
                f"Wait for it, or run {self._again} again."
            )
        if (move := self._history.consumed_by(judgements[0].digest)) is not None:
            raise Refused(
                f"{self.place}: the judgement of run {run.value.id} was already used by the move in "
                f"ledger entry {move}; run {self._again} again."
            )
        starts = [each for each in self._history.runs if each.value.id == run.value.id]
        if len(judgements) > 1 or len(starts) > 1 or judgements[0].sequence < run.sequence:
            raise Refused(
                f"{self.place}: run {run.value.id} was started {len(starts)} and judged "
                f"{len(judgements)} times, the judgement in ledger entry {judgements[0].sequence}, the "
                f"start in {run.sequence}; a run is started and then judged once. Run {self._again} again."
            )
        return judgements[0]

    def is_ours(self, judgement: JudgementRecord, run: Run, ledger_id: str) -> None:
        """Refuse what was recorded for another rollout, stage, ledger, run or network."""
        for what, given, wanted in (
            ("rollout", judgement.rollout, self._rollout.name),
            ("stage", judgement.stage, self._stage),
            ("ledger", judgement.run.ledger_id, ledger_id),
        ):
            if given != wanted:
                raise Refused(
                    f"{self.place}: ledger entry {judgement.sequence} is a judgement of {what} '{given}', "
                    f"not of '{wanted}'; run {self._again}."
                )
        if judgement.run != run:
            raise Refused(
                f"{self.place}: the judgement in ledger entry {judgement.sequence} describes run {run.id} "
                f"otherwise than it was started; run {self._again} again."
            )
        network = self._rollout.stage(self._stage).network
        if run.rehearsal or (network is not None and run.network != network):
            wanted = "the stage names none" if network is None else f"the stage's is '{network}'"
            raise Refused(
                f"{self.place}: the newest run was a rehearsal on network '{run.network}', {wanted}; "
                f"run {self._again} without --network."
            )

    def is_promote(self, judgement: JudgementRecord, overridden: Collection[str]) -> None:
        """Refuse any verdict but promote, one its own findings contradict, and a later no.

        A hold whose every reason is overridden is no promote either, and yet it carries.
        """
        verdict, attempts = judgement.verdict, self._history.attempts(self._stage)
        if verdict == Verdict.HOLD.value and overridden and judgement.blocking:
            self._is_covered(judgement, overridden)
        elif verdict in {Verdict.HOLD.value, Verdict.ROLLBACK.value}:
            raise Refused(
                f"{self.place}: the newest judgement (attempt {attempts}, run {judgement.run.id}) says "
                f"{verdict.upper()}{_reasons(judgement)}. See `rollout status {self._rollout.name}`."
            )
        elif verdict != Verdict.PROMOTE.value:
            raise Refused(
                f"{self.place}: verdict {verdict[:40]!r} in ledger entry {judgement.sequence} is none of "
                f"{listed(each.value for each in Verdict)}; run {self._again} again."
            )
        elif judgement.blocking or not judgement.required:
            raise Refused(
                f"{self.place}: the judgement in ledger entry {judgement.sequence} says promote, but "
                f"{len(judgement.blocking)} of its {judgement.required} required findings stand in the way; "
                f"run {self._again} again."
            )
        for later in self._history.judgements:
            is_later = later.sequence > judgement.sequence and later.stage == self._stage
            if is_later and later.verdict != Verdict.PROMOTE.value:
                raise Refused(
                    f"{self.place}: a later judgement (ledger entry {later.sequence}, run {later.run.id}) "
                    f"says {later.verdict[:40].upper()}{_reasons(later)}; run {self._again} again."
                )

    def _is_covered(self, judgement: JudgementRecord, overridden: Collection[str]) -> None:
        left = [each for each in judgement.blocking if each.item not in overridden]
        if left:
            why = why_never(self._rollout.stage(self._stage), left[0])
            raise Refused(
                f"{self.place}: the newest judgement says HOLD, and no override covers {len(left)} of the "
                f"{len(judgement.blocking)} findings in its way, first '{left[0].title[:80]}' ({left[0].outcome})"
                f"{f', which nobody may override: {why}' if why else ''}. See `rollout status {self._rollout.name}`."
            )

    def is_not_alarmed(self, judgement: JudgementRecord) -> None:
        """Refuse where a watch has asked for rollback since, or an older run has: a later no beats an earlier yes."""
        late = self._history.late
        if late is not None and late.sequence > judgement.sequence:
            raise Refused(
                f"{self.place}: after this judgement a run of '{late.stage}' that was under way when it was left "
                f"ended and says {late.verdict[:40].upper()} (ledger entry {late.sequence}{_reasons(late)}); "
                f"look at it, then run {self._again} again."
            )
        alarm = self._history.alarm_after(judgement.sequence, self._stage)
        if alarm is not None:
            fired = "; ".join(alarm.value.fired)[:200]
            raise Refused(
                f"{self.place}: after this judgement a watch recorded ROLLBACK (ledger entry {alarm.sequence}: "
                f"{fired}); `rollout rollback {self.place}`, or run {self._again} again."
            )

    def is_fresh(self, judgement: JudgementRecord, now: datetime) -> None:
        """Refuse a judgement older than the plan allows, or from the future, and a clock behind what was recorded."""
        limit = self._rollout.judgement_max_age
        age = now - judgement.judged_at
        newest = self._history.newest_after(judgement.sequence)
        if newest is not None and newest > now:
            raise Refused(
                f"{self.place}: what was recorded after the judgement is of {newest.isoformat()}, and now it is "
                f"{now.isoformat()}: a clock is wrong. Set it, then run {self._again} again."
            )
        if judgement.judged_at > now or judgement.run.started_at > judgement.judged_at:
            raise Refused(
                f"{self.place}: started {judgement.run.started_at.isoformat()}, judged "
                f"{judgement.judged_at.isoformat()}, and now it is {now.isoformat()}: a clock is wrong. "
                f"Set it, then run {self._again} again."
            )
        if age > limit:
            raise Refused(
                f"{self.place}: judged {age} ago ({judgement.judged_at.isoformat()}), the plan allows "
                f"{limit}; run {self._again} again."
            )

    def is_about(self, judgement: JudgementRecord, now: Subject) -> None:
        """Refuse when what was judged is not what is there now."""
        then = judgement.subject
        if not then.commit or not now.commit:
            raise Refused(
                f"{self.place}: the gate lies in no git repository, so nobody could tell later what was "
                f"judged; commit it, then run {self._again} again."
            )
        if then.commit != now.commit:
            raise Refused(
                f"{self.place}: judged at commit {then.commit[:12]}, now at {now.commit[:12]}; run {self._again} again."
            )
        if not then.committed or not now.committed:
            when = "is now" if then.committed else "was judged"
            raise Refused(
                f"{self.place}: the gate {when} with changes that commit {now.commit[:12]} does not have; "
                f"commit them, then run {self._again} again."
            )
        for change in moved(then, now):
            raise Refused(f"{self.place}: {change}; run {self._again} again.")

    def is_drilled(self, subject: Subject, now: datetime) -> None:
        """Refuse where the plan wants a drill and the newest one of this stage is none that counts."""
        policy = self._rollout.stage(self._stage).drilled
        if policy is not None:
            require(policy, self._history.drills.get(self._stage), subject, now, place=self.place)


def _reasons(judgement: JudgementRecord) -> str:
    count = len(judgement.blocking)
    if not count:
        return ""
    first = judgement.blocking[0]
    stand = "1 finding stands" if count == 1 else f"{count} findings stand"
    return f": {stand} in the way, first '{first.title[:80]}' ({first.outcome})"
