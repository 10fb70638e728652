"""What lets a rollout move, and every way in which the record does not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.drilled import Drill, DrillPolicy
from pytest_rollout.core.entries import Entry, EntryKind, next_entry
from pytest_rollout.core.errors import LedgerError, PlanError, Refused
from pytest_rollout.core.faults import Came, Fault, Tried
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.history import History, JudgementRecord
from pytest_rollout.core.judgement import Judgement, Run, Subject
from pytest_rollout.core.moves import COMPLETE, Position, Promotion, Rollback, position
from pytest_rollout.core.outcome import Kind, Outcome, Verdict
from pytest_rollout.core.override import OverridePolicy
from pytest_rollout.core.promotion import may_promote, may_roll_back
from pytest_rollout.core.records import Record, Recorded
from pytest_rollout.core.rollout import Rollout as Plan
from pytest_rollout.core.rollout import Stage
from pytest_rollout.core.signoff import SignoffPolicy
from pytest_rollout.core.watch_record import WatchRecord

LEDGER = "a" * 32
START = datetime(2026, 11, 2, 10, tzinfo=UTC)
JUDGED = START + timedelta(minutes=5)
NOW = JUDGED + timedelta(hours=1)
SUBJECT = Subject(
    commit="c" * 40,
    committed=True,
    plan_digest="1" * 64,
    suite_digest="2" * 64,
    packages_digest="3" * 64,
    packages={"web3": "8.0"},
    flags={"swap": "4" * 64},
    engines={"candidate": "x==1"},
    network="local",
    network_kind="tester",
)
PLAN = Plan(
    name="toy",
    title="Toy",
    folder=Path("toy"),
    plan_digest="1" * 64,
    stages=tuple(Stage(name=name, title=name, network="local") for name in ("alpha", "beta", "public")),
)
PASSED = Finding(item="a", kind=Kind.TEST, title="it settles", outcome=Outcome.PASS)
FAILED = replace(PASSED, title="success rate", outcome=Outcome.FAIL)
PENDING = replace(PASSED, title="audit letter", outcome=Outcome.PENDING)


class Story:
    """A record told in order: runs, judgements and moves become entries, entries a history."""

    def __init__(self, rollout: str = "toy") -> None:
        self.history = History(rollout=rollout, ledger_id=LEDGER)
        self.head: Entry | None = None
        self.record(EntryKind.LEDGER_CREATED, {"ledger_id": LEDGER, "schema": 1})

    def record(self, kind: EntryKind, document: Mapping[str, object]) -> Entry:
        payload = json.dumps(document).encode()
        self.head = next_entry(self.head, ledger_id=LEDGER, kind=kind, payload=payload)
        self.history.take(self.head, json.loads(payload), digest=hashlib.sha256(payload).hexdigest())
        return self.head

    def started(self, run: str = "r1", **changes: Any) -> Run:
        fields: dict[str, Any] = {
            "id": run,
            "rollout": "toy",
            "stage": "alpha",
            "entry": self.history.entry,
            "attempt": self.history.attempts("alpha") + 1,
            "started_at": START,
            "network": "local",
            "rehearsal": False,
            "ledger_id": LEDGER,
        }
        made = Run(**(fields | changes))
        self.record(EntryKind.RUN_STARTED, made.document())
        return made

    def judged(
        self,
        run: Run,
        *findings: Finding,
        verdict: Verdict = Verdict.PROMOTE,
        document: Mapping[str, object] | None = None,
        **changes: Any,
    ) -> Entry:
        fields: dict[str, Any] = {
            "verdict": verdict,
            "findings": findings or (PASSED,),
            "subject": SUBJECT,
            "run": run,
            "judged_at": JUDGED,
            "rollout_title": "Toy",
            "stage_title": run.stage,
        }
        judgement = Judgement(**(fields | changes)).document()
        return self.record(EntryKind.JUDGEMENT, judgement | dict(document or {}))

    def green(self, run: str = "r1", **changes: Any) -> Story:
        self.judged(self.started(run, **changes))
        return self

    def promoted(self, stage: str = "alpha", to: str = "beta", judgement: str = "d") -> Story:
        move = Promotion(
            rollout="toy",
            stage=stage,
            to=to,
            entry=self.history.entry,
            judgement=judgement,
            judgement_sequence=1,
            run="r",
            attempts=1,
            person="ann",
            at=NOW,
        )
        self.record(EntryKind.PROMOTION, move.document())
        return self

    def rolled_back(self, stage: str = "beta", to: str = "alpha") -> Story:
        move = Rollback(rollout="toy", stage=stage, to=to, entry=self.history.entry, reason="red", person="ann", at=NOW)
        self.record(EntryKind.ROLLBACK, move.document())
        return self

    def watched(self, verdict: Verdict = Verdict.ROLLBACK, **changes: Any) -> Story:
        fields: dict[str, Any] = {"rollout": "toy", "stage": "alpha", "entry": self.history.entry, "watch": "w"}
        record = WatchRecord(
            **(fields | {"verdict": verdict.value, "at": NOW, "kept": {}, "fired": ("rate: < 90 %",)} | changes)
        )
        self.record(EntryKind.WATCH, record.document())
        return self

    def asks(self, stage: str = "alpha", **changes: Any) -> JudgementRecord:
        fields: dict[str, Any] = {"rollout": PLAN, "subject": SUBJECT, "now": NOW, "ledger_id": LEDGER}
        return may_promote(stage=stage, history=self.history, **(fields | changes))

    def refusal(self, stage: str = "alpha", **changes: Any) -> str:
        with pytest.raises(Refused) as caught:
            self.asks(stage, **changes)
        return str(caught.value)


def test_a_fresh_promote_of_the_current_stage_carries() -> None:
    story = Story()
    entry = story.judged(story.started())

    judgement = story.asks()

    assert (judgement.sequence, judgement.digest) == (entry.sequence, hashlib.sha256(entry.payload).hexdigest())


def test_the_second_visit_promotes_on_a_judgement_of_its_own() -> None:
    story = Story().green().promoted().rolled_back().green("r2")

    assert story.asks().run.id == "r2"


def test_other_rollouts_in_the_ledger_do_not_matter() -> None:
    story = Story().green()
    other = story.started("o1", rollout="other")
    story.judged(other, FAILED, verdict=Verdict.ROLLBACK)

    assert story.asks().run.id == "r1"


def test_a_judgement_exactly_as_old_as_allowed_carries() -> None:
    """Bounds are as strict as they are written."""
    assert Story().green().asks(now=JUDGED + PLAN.judgement_max_age).run.id == "r1"


def test_advisory_findings_do_not_count() -> None:
    story = Story()
    story.judged(story.started(), PASSED, FAILED.advisory())

    assert story.asks().run.id == "r1"


def nothing(story: Story) -> None:
    del story


def crashed(story: Story) -> None:
    story.started("r1")


def green_then_crashed(story: Story) -> None:
    story.green("r1")
    story.started("r2")


def held(story: Story) -> None:
    story.judged(story.started(), FAILED, PENDING, PASSED, verdict=Verdict.HOLD)


def rolled(story: Story) -> None:
    story.judged(story.started(), FAILED, verdict=Verdict.ROLLBACK)


def green_then_held(story: Story) -> None:
    story.green("r1")
    story.judged(story.started("r2"), PENDING, verdict=Verdict.HOLD)


def held_after_the_newest_was_judged(story: Story) -> None:
    first = story.started("r1")
    story.green("r2")
    story.judged(first, FAILED, verdict=Verdict.ROLLBACK)


def rehearsed(story: Story) -> None:
    story.green("r1", network="fork", rehearsal=True)


def rehearsed_without_saying_so(story: Story) -> None:
    story.green("r1", network="fork")


def green_then_rehearsed(story: Story) -> None:
    story.green("r1")
    story.green("r2", network="fork", rehearsal=True)


def earlier_visit(story: Story) -> None:
    story.green("r1").promoted().rolled_back()


def consumed(story: Story) -> None:
    judgement = story.judged(story.started("r1", entry=3))
    story.promoted(judgement=hashlib.sha256(judgement.payload).hexdigest())
    story.history.moves[-1] = Recorded(
        sequence=3, value=replace(story.history.moves[-1].value, stage="public", to="alpha")
    )


def judged_twice(story: Story) -> None:
    run = story.started()
    story.judged(run)
    story.judged(run)


def started_twice(story: Story) -> None:
    story.started()
    story.green()


def judged_before_it_started(story: Story) -> None:
    run = story.started("r0")
    story.judged(replace(run, id="r1", attempt=2))
    story.started("r1", attempt=2)


def of_another_rollout(story: Story) -> None:
    story.judged(story.started(), document={"rollout": {"name": "vault", "title": "V"}})


def of_another_stage(story: Story) -> None:
    story.judged(story.started(), document={"stage": {"name": "beta", "title": "B"}})


def of_another_ledger(story: Story) -> None:
    story.green(ledger_id="b" * 32)


def of_another_run(story: Story) -> None:
    story.judged(replace(story.started(arguments=("-k", "good")), arguments=()))


def without_findings(story: Story) -> None:
    story.judged(story.started(), document={"findings": []})


def with_advisory_findings_alone(story: Story) -> None:
    story.judged(story.started(), PASSED.advisory())


def against_its_findings(story: Story) -> None:
    story.judged(story.started(), PASSED, FAILED)


REFUSED = [
    (nothing, "toy:alpha: not judged yet; run `pytest --stage=toy:alpha`."),
    (
        crashed,
        (
            "toy:alpha: the newest run (r1, attempt 1, started 2026-11-02T10:00:00+00:00) has no judgement: "
            "it crashed or is still running. Wait for it, or run `pytest --stage=toy:alpha` again."
        ),
    ),
    (green_then_crashed, "toy:alpha: the newest run (r2, attempt 2, started"),
    (
        held,
        (
            "toy:alpha: the newest judgement (attempt 1, run r1) says HOLD: 2 findings stand in the way, "
            "first 'success rate' (fail). See `rollout status toy`."
        ),
    ),
    (
        rolled,
        (
            "toy:alpha: the newest judgement (attempt 1, run r1) says ROLLBACK: 1 finding stands in the way, "
            "first 'success rate' (fail). See `rollout status toy`."
        ),
    ),
    (green_then_held, "toy:alpha: the newest judgement (attempt 2, run r2) says HOLD: 1 finding stands"),
    (
        held_after_the_newest_was_judged,
        "toy:alpha: a later judgement (ledger entry 4, run r1) says ROLLBACK: 1 finding stands in the way",
    ),
    (
        rehearsed,
        (
            "toy:alpha: the newest run was a rehearsal on network 'fork', the stage's is 'local'; "
            "run `pytest --stage=toy:alpha` without --network."
        ),
    ),
    (rehearsed_without_saying_so, "toy:alpha: the newest run was a rehearsal on network 'fork'"),
    (green_then_rehearsed, "toy:alpha: the newest run was a rehearsal on network 'fork'"),
    (
        earlier_visit,
        (
            "toy:alpha: last judged in an earlier visit (entered by ledger entry 0, now by 4); "
            "run `pytest --stage=toy:alpha` again."
        ),
    ),
    (consumed, "toy:alpha: the judgement of run r1 was already used by the move in ledger entry 3"),
    (judged_twice, "toy:alpha: run r1 was started 1 and judged 2 times"),
    (started_twice, "toy:alpha: run r1 was started 2 and judged 1 times"),
    (
        judged_before_it_started,
        "toy:alpha: run r1 was started 1 and judged 1 times, the judgement in ledger entry 2, the start in 3",
    ),
    (of_another_rollout, "toy:alpha: ledger entry 2 is a judgement of rollout 'vault', not of 'toy'"),
    (of_another_stage, "toy:alpha: ledger entry 2 is a judgement of stage 'beta', not of 'alpha'"),
    (of_another_ledger, f"toy:alpha: ledger entry 2 is a judgement of ledger '{'b' * 32}', not of '{LEDGER}'"),
    (of_another_run, "toy:alpha: the judgement in ledger entry 2 describes run r1 otherwise than it was started"),
    (
        without_findings,
        "toy:alpha: the judgement in ledger entry 2 says promote, but 0 of its 0 required findings stand",
    ),
    (with_advisory_findings_alone, "says promote, but 0 of its 0 required findings stand in the way"),
    (against_its_findings, "says promote, but 1 of its 2 required findings stand in the way"),
]


@pytest.mark.parametrize(("tell", "sentence"), REFUSED, ids=[tell.__name__ for tell, _ in REFUSED])
def test_a_record_that_does_not_carry_is_refused(tell: Callable[[Story], None], sentence: str) -> None:
    story = Story()
    tell(story)

    refusal = story.refusal()

    assert sentence in refusal
    assert refusal.startswith("toy:alpha: ")


def test_a_rehearsal_is_refused_where_the_stage_names_no_network() -> None:
    plan = replace(PLAN, stages=(Stage(name="alpha", title="A"),))

    assert Story().green(network="").asks(rollout=plan).run.id == "r1"
    refusal = Story().green(network="fork", rehearsal=True).refusal(rollout=plan)
    assert "a rehearsal on network 'fork', the stage names none; run" in refusal


@pytest.mark.parametrize(
    "verdict",
    ["PROMOTE", "Promote", "promote ", " promote", "passed", "PASSED", "true", "", "prom\u043ete", "promote" * 9],
)
def test_only_the_exact_word_promotes(verdict: str) -> None:
    """A look-alike, another case or a blank is no verdict at all."""
    story = Story()
    story.judged(story.started(), document={"verdict": verdict})

    assert story.refusal() == (
        f"toy:alpha: verdict {verdict[:40]!r} in ledger entry 2 is none of promote, hold, rollback; "
        "run `pytest --stage=toy:alpha` again."
    )


@pytest.mark.parametrize("verdict", [True, None, 1, ["promote"]], ids=["true", "null", "one", "list"])
def test_a_verdict_that_is_no_text_is_refused_on_reading(verdict: object) -> None:
    story = Story()

    with pytest.raises(LedgerError, match=r"^ledger entry 2: 'verdict' is .* where a string belongs"):
        story.judged(story.started(), document={"verdict": verdict})


def test_a_judgement_of_a_newer_schema_is_refused_on_reading() -> None:
    story = Story()

    with pytest.raises(LedgerError, match=r"^ledger entry 2: schema 'v9' is not the one this version reads"):
        story.judged(story.started(), document={"schema": "v9"})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"commit": "d" * 40}, "judged at commit cccccccccccc, now at dddddddddddd; run"),
        ({"commit": ""}, "the gate lies in no git repository, so nobody could tell later what was judged"),
        ({"committed": False}, "the gate is now with changes that commit cccccccccccc does not have; commit them"),
        ({"plan_digest": "9" * 64}, "the plan changed since the judgement (111111111111 to 999999999999); run"),
        ({"suite_digest": "9" * 64}, "the suite changed since the judgement (222222222222 to 999999999999); run"),
        ({"packages_digest": "9" * 64}, "the installed packages changed since the judgement (333333333333 to"),
        ({"packages": {"web3": "8.1"}, "packages_digest": "9" * 64}, "999999999999): web3 8.0 to 8.1; run"),
        ({"flags": {"swap": "9" * 64}}, "1 flags moved since the judgement: swap 4444444444444444444 to 9999999"),
        ({"flags": {}}, "1 flags moved since the judgement: swap is gone (was 4444"),
        ({"engines": {"candidate": "x==2"}}, "1 engines moved since the judgement: candidate x==1 to x==2; run"),
        ({"network": "main"}, "judged on network 'local' (tester), the stage's is now 'main' (tester); run"),
        ({"network_kind": "anvil"}, "judged on network 'local' (tester), the stage's is now 'local' (anvil); run"),
    ],
    ids=[
        *("commit", "no repository", "uncommitted", "plan", "suite", "packages", "a package"),
        *("a flag", "a flag is gone", "an engine", "network", "kind"),
    ],
)
def test_what_changed_since_the_judgement_is_refused(changes: Mapping[str, Any], sentence: str) -> None:
    refusal = Story().green().refusal(subject=replace(SUBJECT, **changes))

    assert refusal.startswith("toy:alpha: ")
    assert sentence in refusal
    assert refusal.endswith("`pytest --stage=toy:alpha` again.")


def test_what_was_judged_uncommitted_is_refused_even_if_it_is_committed_now() -> None:
    story = Story()
    story.judged(story.started(), subject=replace(SUBJECT, committed=False))

    assert story.refusal().startswith("toy:alpha: the gate was judged with changes that commit cccccccccccc does")


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (JUDGED + timedelta(hours=24, microseconds=1), "judged 1 day, 0:00:00.000001 ago"),
        (JUDGED - timedelta(microseconds=1), "a clock is wrong"),
        (START - timedelta(days=400), "a clock is wrong"),
    ],
    ids=["a microsecond too old", "a microsecond early", "a year early"],
)
def test_a_judgement_too_old_or_from_the_future_is_refused(now: datetime, sentence: str) -> None:
    assert sentence in Story().green().refusal(now=now)


def test_a_clock_behind_what_was_recorded_after_the_judgement_is_refused() -> None:
    """One that was set back makes neither a judgement fresh nor a signature unexpired."""
    story = Story().green().watched(Verdict.HOLD)

    assert "is of 2026" in (told := story.refusal(now=JUDGED + timedelta(microseconds=1)))
    assert "a clock is wrong. Set it, then run `pytest --stage=toy:alpha` again." in told


def test_a_judgement_older_than_its_own_run_is_refused() -> None:
    story = Story()
    story.judged(story.started(), judged_at=START - timedelta(seconds=1))

    assert "a clock is wrong" in story.refusal()


def test_the_age_is_the_same_in_every_time_zone() -> None:
    story = Story()
    story.judged(story.started(), judged_at=datetime.fromisoformat("2026-11-02T19:05:00+09:00"))

    assert story.asks().judged_at == JUDGED


@pytest.mark.parametrize(
    ("stage", "sentence"),
    [
        ("alhpa", "toy: no stage 'alhpa'; the plan has alpha, beta, public. Did you mean 'alpha'?"),
        ("Alpha", "toy: no stage 'Alpha'; the plan has alpha, beta, public. Did you mean 'alpha'?"),
        ("", "toy: no stage ''; the plan has alpha, beta, public."),
        (
            "beta",
            (
                "toy:beta: toy stands at 'alpha', and a move starts where it stands: no stage is skipped. "
                "See `rollout status toy`."
            ),
        ),
        ("public", "toy:public: toy stands at 'alpha'"),
    ],
    ids=["misspelt", "other case", "empty", "the next", "the last"],
)
def test_only_the_current_stage_is_left(stage: str, sentence: str) -> None:
    """Even with a green judgement of the later stage: none is skipped."""
    story = Story().green()
    if stage in {"beta", "public"}:
        story.judged(story.started("ahead", stage=stage))

    assert story.refusal(stage).startswith(sentence)


def test_a_stage_left_already_is_refused() -> None:
    assert Story().green().promoted().refusal().startswith("toy:alpha: toy stands at 'beta'")


def test_a_judgement_made_ahead_of_the_visit_does_not_carry_it() -> None:
    """It was judged while users were still at alpha."""
    story = Story().green()
    story.judged(story.started("ahead", stage="beta"))
    story.promoted()

    assert "last judged in an earlier visit" in story.refusal("beta")


def test_a_complete_rollout_is_refused() -> None:
    story = Story().promoted().promoted("beta", "public").promoted("public", COMPLETE)

    assert story.refusal("public") == (
        "toy:public: toy is complete, its last stage 'public' was left; `rollout rollback toy:public` reopens it."
    )


@pytest.mark.parametrize(
    ("plan", "ledger_id", "sentence"),
    [
        (
            PLAN,
            "b" * 32,
            f"toy: the plan belongs to ledger {'b' * 32}, this one is {'b' * 32}; "
            "name the right one with --rollout-ledger.",
        ),
        (
            replace(PLAN, ledger_id="b" * 32),
            LEDGER,
            f"toy: the plan belongs to ledger {'b' * 32}, this one is {LEDGER}",
        ),
        (replace(PLAN, name="vault"), LEDGER, "vault: the history handed in is that of 'toy'."),
    ],
    ids=["another history", "another pinned", "another rollout"],
)
def test_another_ledger_or_rollout_is_refused(plan: Plan, ledger_id: str, sentence: str) -> None:
    assert Story().green().refusal(rollout=plan, ledger_id=ledger_id).startswith(sentence)


def test_where_a_rollout_stands_follows_its_moves() -> None:
    story = Story()

    assert story.history.position(PLAN.stages) == Position(stage="alpha", entry=0)
    assert story.promoted().history.position(PLAN.stages) == Position(stage="beta", entry=1)
    assert story.rolled_back().history.position(PLAN.stages) == Position(stage="alpha", entry=2)
    story.promoted().promoted("beta", "public").promoted("public", COMPLETE)
    assert story.history.position(PLAN.stages) == Position(stage=None, entry=5)
    assert story.rolled_back("public", "public").history.position(PLAN.stages) == Position(stage="public", entry=6)


@pytest.mark.parametrize(
    ("stage", "to", "entry"),
    [("alpha", "beta", 1), ("public", "beta", 1), ("beta", "public", 0), ("beta", "public", 9)],
    ids=["moved twice from alpha", "from a stage it was not at", "from an earlier visit", "from a later visit"],
)
def test_a_move_that_does_not_follow_the_one_before_is_refused(stage: str, to: str, entry: int) -> None:
    """Two moves at once, or a forged one, cannot both be true."""
    story = Story().promoted()
    forged = replace(story.history.moves[0].value, stage=stage, to=to, entry=entry)

    with pytest.raises(LedgerError, match=rf"^ledger entry 2: moves toy out of '{stage}'"):
        position(PLAN.stages, [*story.history.moves, Recorded(sequence=2, value=forged)])


def test_a_promotion_out_of_a_complete_rollout_is_refused() -> None:
    story = Story().promoted("public", COMPLETE).promoted("public", COMPLETE)

    with pytest.raises(LedgerError, match=r"^ledger entry 2: moves toy out of 'public'"):
        story.history.position(PLAN.stages)


def test_a_stage_the_plan_no_longer_has_is_told() -> None:
    story = Story().promoted(to="canary")

    with pytest.raises(PlanError, match=r"stands at 'canary' since ledger entry 1, but the plan has alpha, beta"):
        story.history.position(PLAN.stages)


def back(story: Story, stage: str, reason: str = "errors rise", to: str | None = None, plan: Plan = PLAN) -> str:
    return may_roll_back(rollout=plan, stage=stage, history=story.history, reason=reason, ledger_id=LEDGER, to=to)


def test_a_rollback_enters_the_stage_before_and_needs_no_judgement() -> None:
    assert back(Story().promoted(), "beta") == "alpha"


def test_a_rollback_may_enter_any_earlier_stage() -> None:
    assert back(Story().promoted().promoted("beta", "public"), "public", to="alpha") == "alpha"


def test_a_complete_rollout_is_reopened_at_its_last_stage() -> None:
    story = Story().promoted().promoted("beta", "public").promoted("public", COMPLETE)

    assert back(story, "public") == "public"
    assert back(story, "public", to="alpha") == "alpha"
    with pytest.raises(Refused, match=r"^toy:beta: toy is complete"):
        back(story, "beta")


@pytest.mark.parametrize(
    ("stage", "reason", "to", "sentence"),
    [
        ("beta", "", None, 'toy:beta: a rollback is recorded with its reason and none was given; add --reason "…"'),
        ("beta", " \n\t", None, "toy:beta: a rollback is recorded with its reason and none was given"),
        ("beta", "r", "beta", "toy:beta: cannot roll back to 'beta'; earlier stages are alpha."),
        ("beta", "r", "public", "toy:beta: cannot roll back to 'public'; earlier stages are alpha."),
        (
            "beta",
            "r",
            "alhpa",
            "toy:beta: cannot roll back to 'alhpa'; earlier stages are alpha. Did you mean 'alpha'?",
        ),
        ("beta", "r", "", "toy:beta: cannot roll back to ''; earlier stages are alpha."),
        ("alpha", "r", None, "toy:alpha: toy stands at 'beta', and a move starts where it stands"),
        ("gamma", "r", None, "toy: no stage 'gamma'; the plan has alpha, beta, public."),
    ],
    ids=["no reason", "blank reason", "to itself", "forwards", "misspelt", "empty", "not the current", "unknown"],
)
def test_a_rollback_that_makes_no_sense_is_refused(stage: str, reason: str, to: str | None, sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        back(Story().promoted(), stage, reason, to)

    assert str(caught.value).startswith(sentence)


def test_the_first_stage_has_nothing_to_roll_back_to() -> None:
    with pytest.raises(Refused) as caught:
        back(Story(), "alpha")

    assert str(caught.value) == (
        "toy:alpha: the first stage has none before it to roll back to; switch the change itself off, "
        "or remove the rollout."
    )


def test_a_rollback_beats_an_earlier_green_judgement() -> None:
    """Promoted, rolled back: the judgement that promoted once does not promote again."""
    story = Story().green().promoted().rolled_back()

    assert "last judged in an earlier visit" in story.refusal()


def test_attempts_count_every_start_of_this_visit() -> None:
    story = Story().green("r1")
    story.started("r2")
    story.started("b1", stage="beta")

    assert story.history.attempts("alpha") == 2
    assert story.promoted().rolled_back().history.attempts("alpha") == 0


def test_the_baseline_is_the_newest_manifest_of_the_stage_across_visits() -> None:
    story = Story()
    story.judged(story.started("r1"), manifest=("a", "b"))
    story.judged(story.started("r2", stage="beta"), manifest=("c",))
    story.promoted().rolled_back()

    assert story.history.baseline("alpha") == ("a", "b")
    assert story.history.baseline("beta") == ("c",)
    assert story.history.baseline("public") == ()


def test_a_long_history_keeps_only_the_newest_document_of_each_stage() -> None:
    story = Story()
    for number in range(5):
        story.judged(story.started(f"r{number}"), PASSED, FAILED, manifest=(f"m{number}",))

    assert len(story.history.judgements) == 5
    assert list(story.history.manifests) == ["alpha"]
    assert [each["title"] for each in story.history.open_findings("alpha")] == ["success rate"]
    assert story.history.newest_judgement("alpha") == story.history.judgements[-1]
    assert story.history.newest_judgement("beta") is None


@pytest.mark.parametrize("kind", [Promotion, Rollback])
def test_moves_read_back_as_they_were_written(kind: type[Promotion | Rollback]) -> None:
    story = Story().promoted().rolled_back()

    assert [type(each.value) for each in story.history.moves] == [Promotion, Rollback]
    written = next(each.value for each in story.history.moves if isinstance(each.value, kind))
    assert kind.read(Record(written.document(), "ledger entry 1")) == written
    assert (written.at, written.person) == (NOW, "ann")
    assert not isinstance(written, Rollback) or written.reason == "red"


def test_an_alarm_after_the_judgement_refuses() -> None:
    """A watch asked for rollback since: a later no beats an earlier yes (rule 35)."""
    refusal = Story().green().watched().refusal()

    assert refusal == (
        "toy:alpha: after this judgement a watch recorded ROLLBACK (ledger entry 3: rate: < 90 %); "
        "`rollout rollback toy:alpha`, or run `pytest --stage=toy:alpha` again."
    )


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(lambda: Story().watched().green(), id="judged since"),
        pytest.param(lambda: Story().green().watched(Verdict.HOLD), id="a hold"),
        pytest.param(lambda: Story().green().watched(stage="beta"), id="another stage"),
        pytest.param(lambda: Story().green().watched(rollout="other"), id="another rollout"),
        pytest.param(lambda: Story().green().watched(entry=7), id="another visit"),
    ],
)
def test_an_alarm_of_something_else_does_not(story: Callable[[], Story]) -> None:
    """A judgement that came after it has asked the triggers itself."""
    assert story().asks().run.id == "r1"


def overtaken(verdict: Verdict = Verdict.HOLD, **changes: Any) -> Story:
    """A run of alpha that ends after a newer one has carried the promotion."""
    story = Story()
    first = story.started("r1", **changes)
    story.green("r2").promoted()
    story.green("r3", stage="beta")
    story.judged(first, PASSED if verdict is Verdict.PROMOTE else FAILED, verdict=verdict)
    return story


def test_an_older_run_that_ends_red_after_the_promotion_is_not_forgotten() -> None:
    """What was judged before anybody knew does not carry the next promotion; what is judged since does."""
    story = overtaken()

    assert story.history.late is not None
    assert story.refusal("beta") == (
        "toy:beta: after this judgement a run of 'alpha' that was under way when it was left ended and says HOLD "
        "(ledger entry 7: 1 finding stands in the way, first 'success rate' (fail)); look at it, then run "
        "`pytest --stage=toy:beta` again."
    )
    assert story.green("r4", stage="beta").asks("beta").run.id == "r4"
    assert story.history.late is not None
    assert story.promoted("beta", "public").history.late is None


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(lambda: overtaken(Verdict.PROMOTE), id="it promotes as well"),
        pytest.param(lambda: overtaken(network="fork", rehearsal=True), id="a rehearsal"),
        pytest.param(lambda: overtaken(rollout="other"), id="another rollout"),
    ],
)
def test_an_older_run_that_tells_nothing_new_is_in_nobodys_way(story: Callable[[], Story]) -> None:
    assert story().asks("beta").run.id == "r3"


def test_an_older_run_that_ends_later_is_not_the_newest() -> None:
    """What it owed, found and said does not take the place of what the newest run did."""
    story = Story()
    older = story.started("r1")
    newer = story.started("r2")
    story.judged(newer, FAILED, verdict=Verdict.HOLD, manifest=("a", "b"))
    story.judged(older, PASSED, manifest=("a",))

    newest = story.history.newest_judgement("alpha")

    assert newest is not None
    assert (newest.run.id, newest.verdict) == ("r2", "hold")
    assert [each["title"] for each in story.history.open_findings("alpha")] == [FAILED.title]
    assert story.history.baseline("alpha") == ("a", "b")
    assert "says HOLD" in story.refusal()


BLOCKED = replace(FAILED, item="suites/toy/test_a.py::test_rate")


def test_a_hold_carries_where_every_finding_in_its_way_is_overridden() -> None:
    """And only then; the judgement stays what it was (rule 36)."""
    story = Story()
    story.judged(story.started(), BLOCKED, replace(PENDING, item="b"), verdict=Verdict.HOLD)

    assert story.asks(overridden={BLOCKED.item, "b"}).verdict == "hold"
    assert "no override covers 1 of the 2 findings in its way" in story.refusal(overridden={BLOCKED.item})
    assert "says HOLD: 2 findings stand in the way" in story.refusal()


def test_a_finding_that_nobody_may_override_is_told_with_why() -> None:
    story, long = Story(), replace(BLOCKED, item="b", title="t" * 99)
    story.judged(story.started(), long, replace(PENDING, item="a"), verdict=Verdict.HOLD)
    roles = SignoffPolicy(roles={"CTO": "0x1"}, quorum=1, chain_id=1)
    open_to = replace(
        PLAN, stages=tuple(replace(each, overrides=OverridePolicy(signers=roles)) for each in PLAN.stages)
    )
    told = (
        "toy:alpha: the newest judgement says HOLD, and no override covers 1 of the 2 findings in its way, "
        f"first '{'t' * 80}' (fail)"
    )

    assert story.refusal(overridden={"a"}) == (
        f"{told}, which nobody may override: the plan lets nobody; see stages.alpha.overrides. See `rollout status toy`."
    )
    assert story.refusal(overridden={"a"}, rollout=open_to) == f"{told}. See `rollout status toy`."


def test_a_long_title_and_a_long_alarm_are_cut() -> None:
    story = Story()
    story.judged(story.started(), replace(FAILED, title="t" * 99), verdict=Verdict.HOLD)
    assert f"first '{'t' * 80}' (fail)" in story.refusal()

    fired = ("x" * 150, "y" * 150)
    assert f"ledger entry 3: {'x' * 150}; {'y' * 48});" in Story().green().watched(fired=fired).refusal()


def test_a_run_that_ends_late_says_nothing_of_a_stage_that_was_rolled_back() -> None:
    """Only a promotion left behind what it was still looking at."""
    story = Story()
    run = story.started()
    story.promoted()
    story.judged(run, FAILED, verdict=Verdict.HOLD)

    assert story.history.late is not None
    assert story.rolled_back().history.late is None
    story.judged(run, FAILED, verdict=Verdict.HOLD)
    assert story.history.late is None


def test_no_override_carries_a_rollback() -> None:
    story = Story()
    story.judged(story.started(), BLOCKED, verdict=Verdict.ROLLBACK)

    assert "says ROLLBACK" in story.refusal(overridden={BLOCKED.item})


def test_a_hold_without_a_finding_in_its_way_is_not_carried() -> None:
    """Its own verdict contradicts it, and there is nothing that anybody could answer for."""
    story = Story()
    story.judged(story.started(), PASSED, verdict=Verdict.HOLD)

    assert story.refusal(overridden={"a"}) == (
        "toy:alpha: the newest judgement (attempt 1, run r1) says HOLD. See `rollout status toy`."
    )


@pytest.mark.parametrize("verdict", [Verdict.HOLD, Verdict.ROLLBACK])
def test_a_later_no_beats_an_override(verdict: Verdict) -> None:
    """As it beats an earlier promote (rule 35)."""
    story = Story()
    story.judged(story.started("r1"), BLOCKED, verdict=Verdict.HOLD)
    story.judged(story.started("r2"), replace(FAILED, item="other"), verdict=verdict)

    assert f"{verdict.value.upper()}" in story.refusal(overridden={BLOCKED.item}).upper()


def test_a_watch_that_asks_for_rollback_beats_an_override() -> None:
    story = Story()
    story.judged(story.started(), BLOCKED, verdict=Verdict.HOLD)
    story.watched()

    assert "a watch recorded ROLLBACK" in story.refusal(overridden={BLOCKED.item})


@pytest.mark.parametrize(
    ("subject", "says"),
    [
        ({"committed": False}, "changes that commit"),
        ({"commit": "d" * 40}, "judged at commit"),
        ({"suite_digest": "9" * 64}, "the suite changed"),
    ],
    ids=["uncommitted", "another commit", "another suite"],
)
def test_an_override_is_no_word_about_what_moved(subject: dict[str, Any], says: str) -> None:
    """Subject, age, visit and record are looked at as for any promotion."""
    story = Story()
    story.judged(story.started(), BLOCKED, verdict=Verdict.HOLD)

    assert says in story.refusal(overridden={BLOCKED.item}, subject=replace(SUBJECT, **subject))


DRILLED = replace(PLAN, stages=tuple(replace(each, drilled=DrillPolicy(score=Fraction(1))) for each in PLAN.stages))


def drill(came: Came = Came.NOTICED, **changes: Any) -> Drill:
    """A drill of alpha that altered one thing, a minute ago."""
    given: dict[str, Any] = {
        "rollout": "toy", "stage": "alpha", "entry": 0, "network": "local", "commit": SUBJECT.commit, "committed": True,
        "plan_digest": SUBJECT.plan_digest, "suite_digest": SUBJECT.suite_digest,
        "packages_digest": SUBJECT.packages_digest, "person": "ann", "at": NOW - timedelta(minutes=1),
        "tried": (Tried(fault=Fault.CODE, item="p::alpha::contracts::Escrow", came=came),),
    }  # fmt: skip
    return Drill(**given | changes)


DRILLS: dict[str, tuple[Drill | None, str]] = {
    "none": (None, "the plan wants a drill before a promotion and none is recorded"),
    "of another stage": (drill(stage="beta"), "the plan wants a drill before a promotion and none is recorded"),
    "of another commit": (drill(commit="d" * 40), "commit changed since the last drill"),
    "old": (drill(at=NOW - timedelta(days=8)), "the last drill was at"),
    "of the future": (drill(at=NOW + timedelta(seconds=1)), "the last drill was at"),
    "unnoticed": (drill(Came.MISSED), "the last drill noticed 0 of 1 faults, the plan wants 100 %; unnoticed: Escrow"),
}  # fmt: skip


@pytest.mark.parametrize(("recorded", "says"), DRILLS.values(), ids=DRILLS)
def test_where_the_plan_wants_a_drill_nothing_moves_without_a_good_one(recorded: Drill | None, says: str) -> None:
    story = Story().green()
    if recorded is not None:
        story.record(EntryKind.DRILL, recorded.document())

    told = story.refusal(rollout=DRILLED)

    assert told.startswith(f"toy:alpha: {says}")
    assert told.endswith("Run `rollout drill toy:alpha`.")


def test_a_gate_that_noticed_every_fault_may_move() -> None:
    story = Story().green()
    story.record(EntryKind.DRILL, drill().document())

    assert story.asks(rollout=DRILLED).run.id == "r1"


def test_a_judgement_of_this_very_moment_is_none_of_the_future() -> None:
    story = Story()
    story.judged(story.started(started_at=JUDGED))

    assert story.asks(now=JUDGED).judged_at == JUDGED
