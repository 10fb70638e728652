"""The judge: evidence in, judgement out. No clock, no I/O, no pytest.

``judge`` asks two questions of the same evidence (rule 2): what stands in the way of promotion,
and which triggers ask for rollback. Rollback outranks hold, hold outranks promote (rule 3), and
promotion needs at least one required item, all of them passed (rule 1).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pytest_rollout.core import chain, owed, running
from pytest_rollout.core.asking import Sampled, evaluations, soak_of
from pytest_rollout.core.baseline import weighed
from pytest_rollout.core.chain import Witness
from pytest_rollout.core.criterion import Criterion, Measurement, Trigger
from pytest_rollout.core.evaluating import Evaluation, evaluate
from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.finding import Finding, gravest_first
from pytest_rollout.core.inventory import Listed
from pytest_rollout.core.judgement import Judgement, Run
from pytest_rollout.core.manifest import Manifest
from pytest_rollout.core.narrowing import Narrowing
from pytest_rollout.core.node_memory import told_apart, with_memory
from pytest_rollout.core.outcome import Kind, Outcome, Verdict
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.core.subject import Subject

_MOST_COUNTED = 2**256
"""No chain counts further; larger numbers were forged."""

_OUT_OF_RANGE = "a source error: counts out of range or of the wrong shape"
_EXCUSED = "measured by a test that did not pass and is excused from it; what it measured is no evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the recorder ended, seen from outside: its exit status, signal, or the deadline."""

    status: int | None = running.RECORDED
    signal: str = ""
    deadline_passed: bool = False
    interrupted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the runs that a question was merged from: what it says about itself is judged part by part."""

    evidence: Evidence
    ending: Ending
    narrowings: tuple[Narrowing, ...] = ()
    witnesses: tuple[Witness, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Everything a judgement rests on, handed in (rule 5).

    ``plan`` is the plan's node id prefix (``suites/takumi/rollout.toml``); ``ticks`` maps checklist
    numbers to who ticked them. ``parts`` are the runs that together are this one, none where it is
    one run; see ``merging``.
    """

    rollout: Rollout
    stage: Stage
    plan: str
    evidence: Evidence
    manifest: Manifest
    subject: Subject
    run: Run
    ending: Ending
    judged_at: datetime
    narrowings: tuple[Narrowing, ...] = ()
    ticks: Mapping[int, str] = field(default_factory=dict)
    evidence_digest: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    witnesses: tuple[Witness, ...] = ()
    sampled: Sampled = field(default_factory=Sampled)
    parts: tuple[Part, ...] = ()

    @property
    def runs(self) -> tuple[Part, ...]:
        """Every run that this is about: itself, or its parts."""
        own = Part(evidence=self.evidence, ending=self.ending, narrowings=self.narrowings, witnesses=self.witnesses)
        return self.parts or (own,)

    def item(self, kind: Kind, name: str) -> str:
        """The id of something that is judged rather than run."""
        return f"{self.plan}::{self.stage.name}::{kind.value}::{name}"


def judge(question: Question) -> Judgement:
    """The verdict on one gate with every finding, gravest first."""
    items = list(
        owed.findings(question.rollout, question.stage, question.manifest, question.evidence, question.judged_at)
    )
    items = told_apart(with_memory(items, question.sampled.nodes) if question.sampled.nodes else items)
    criteria, fired = _criteria(question, {each.item for each in items if _is_excused(each)})
    findings = [
        *criteria,
        *_runs(question),
        *_subject(question),
        *_chains(question),
        *items,
        *soak_of(question.rollout, question.stage, question.sampled, question.judged_at, question.item(Kind.SOAK, "")),
        *_checklist(question),
    ]
    if not any(f.required and f.kind is not Kind.RUN for f in findings):
        findings.append(_empty(question))
    return Judgement(
        verdict=_verdict(findings, fired),
        findings=tuple(_remedied(question, gravest_first(findings))),
        subject=question.subject,
        run=question.run,
        judged_at=question.judged_at,
        rollout_title=question.rollout.title,
        stage_title=question.stage.title,
        manifest=owed.manifest_after(question.stage, question.manifest, question.evidence),
        manifest_digest=question.manifest.digest,
        evidence_digest=question.evidence_digest,
        facts=question.facts,
    )


def _runs(question: Question) -> Iterator[Finding]:
    """What each run says about itself; the same of several parts is said once."""
    found: dict[Finding, None] = {}
    for run in question.runs:
        found |= dict.fromkeys(running.findings(run.evidence, question.manifest, run.ending, run.narrowings))
    yield from found


def _verdict(findings: Sequence[Finding], fired: Sequence[Trigger]) -> Verdict:
    if fired:
        return Verdict.ROLLBACK
    return Verdict.HOLD if any(f.stands_in_the_way for f in findings) else Verdict.PROMOTE


def _is_excused(finding: Finding) -> bool:
    """Whether an item did not pass and yet does not stand in the way: an advisory or a known failure."""
    return not finding.required and finding.outcome is not Outcome.PASS


def _criteria(question: Question, excused: Collection[str]) -> tuple[list[Finding], list[Trigger]]:
    """A finding for each criterion, those first whose triggers fired, and the triggers that count.

    Triggers are asked of what is sound even where other measurements are not (rule 2). What an
    ``excused`` item measured before it failed may fire a trigger, but nothing is promoted on it.
    """
    findings: list[Finding] = []
    grave: list[Finding] = []
    fired: list[Trigger] = []
    for criterion in question.stage.criteria:
        item = question.item(Kind.CRITERION, criterion.name)
        metric = question.rollout.metrics.get(criterion.metric)
        if criterion.span is not None and metric is not None:
            evaluated = evaluations(criterion, item, metric, question.sampled, question.judged_at)
        else:
            evaluated = [_measured(question, criterion, item, excused)]
        for evaluation in evaluated:
            if evaluation.fired and criterion.required:
                grave.append(evaluation.finding)
                fired.extend(evaluation.fired)
            else:
                findings.append(evaluation.finding)
    return grave + findings, fired


def _measured(question: Question, criterion: Criterion, item: str, excused: Collection[str]) -> Evaluation:
    """One criterion on what the gate's own tests measured."""
    measured = [m for m in question.evidence.measurements if m.metric == criterion.metric]
    is_ratio = criterion.unit.dimension == "ratio"
    wrong = [m for m in measured if not _is_sound(m, ratio=is_ratio)]
    sound = [m for m in measured if _is_sound(m, ratio=is_ratio)]
    evaluation = evaluate(criterion, item, sound)
    if evaluation.fired and criterion.required:
        return evaluation
    if wrong:
        return Evaluation(finding=_unsound(item, criterion.name, wrong, required=criterion.required))
    if excuses := [each for each in sound if each.item in excused]:
        return Evaluation(finding=_unsound(item, criterion.name, excuses, why=_EXCUSED, required=criterion.required))
    captured = question.sampled.captured.get(criterion.name)
    finding = weighed(criterion, evaluation.finding, captured, now=question.judged_at)
    return replace(evaluation, finding=finding)


def _is_sound(measurement: Measurement, *, ratio: bool) -> bool:
    """What the recorder should have refused is refused again: the judge believes no process (rule 6)."""
    if not ratio:
        return measurement.value is not None and measurement.value >= 0
    good, total = measurement.good, measurement.total
    return type(good) is int and type(total) is int and 0 <= good <= total < _MOST_COUNTED


def _unsound(
    item: str, title: str, wrong: Sequence[Measurement], *, required: bool, why: str = _OUT_OF_RANGE
) -> Finding:
    return Finding(
        item=item,
        kind=Kind.CRITERION,
        title=title,
        outcome=Outcome.ERROR,
        measured=f"{len(wrong)} unusable measurements, the first by {wrong[0].item}",
        detail=why,
        required=required,
    )


def _subject(question: Question) -> Iterator[Finding]:
    run, stage = question.run, question.stage
    if run.rehearsal:
        yield Finding(
            item=question.item(Kind.RUN, "rehearsal"),
            kind=Kind.RUN,
            title="rehearsal",
            outcome=Outcome.PENDING,
            measured=f"ran on network {run.network}",
            needed=f"network {stage.network}",
            detail="a rehearsal cannot promote a stage whose network it is not",
            remedy="run again without --network",
        )
    started = run.started_at
    if question.judged_at < started:
        yield Finding(
            item=question.item(Kind.RUN, "clock"),
            kind=Kind.RUN,
            title="the clock ran backwards",
            outcome=Outcome.ERROR,
            measured=f"started {started.isoformat()}, judged {question.judged_at.isoformat()}",
        )


def _chains(question: Question) -> Iterator[Finding]:
    """What the supervisor itself saw of the real chains that the gate read; one that nobody saw is an error."""
    found: dict[Finding, None] = {}
    for run in question.runs:
        found |= dict.fromkeys(_chains_of(question, run))
    yield from found


def _chains_of(question: Question, run: Part) -> Iterator[Finding]:
    seen = {witness.network: witness for witness in run.witnesses}
    listed = {check.network for check in question.stage.checks if isinstance(check, Listed)}
    for name in sorted({question.run.network, *listed, *run.evidence.opened}):
        declared = question.rollout.networks.get(name)
        if declared is not None and declared.real is not None:
            seen.setdefault(name, Witness(network=name))
    for name, witness in seen.items():
        network = question.rollout.networks.get(name)
        real = None if network is None else network.real
        if network is not None and real is not None:
            yield from chain.findings(real, witness)
            observed = question.evidence.observations.get(question.item(Kind.NETWORK, name), ())
            yield from chain.strays(network, witness, [each.value for each in observed])


def _checklist(question: Question) -> Iterator[Finding]:
    for entry in question.stage.checklist:
        by = question.ticks.get(entry.number)
        yield Finding(
            item=question.item(Kind.CHECKLIST, entry.text),
            kind=Kind.CHECKLIST,
            title=f"checklist {entry.number}: {entry.text}",
            outcome=Outcome.PENDING if by is None else Outcome.PASS,
            measured="not ticked" if by is None else f"ticked by {by}",
            needed="ticked, with an evidence file" if entry.evidence else "ticked",
            source="the ledger",
            remedy="" if by else f"rollout check {question.rollout.name}:{question.stage.name} {entry.number}",
            required=entry.required,
        )


def _empty(question: Question) -> Finding:
    return Finding(
        item=question.item(Kind.RUN, "empty"),
        kind=Kind.RUN,
        title="the gate is empty",
        outcome=Outcome.NOT_RUN,
        measured="0 required items",
        needed="at least one",
        detail="an empty gate holds: nothing was looked at",
        remedy=f"declare a check under stages.{question.stage.name} or write a test",
    )


def _remedied(question: Question, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Complete the next command where a finding names only the verb."""
    for finding in findings:
        if finding.remedy == "rollout rollback":
            yield replace(finding, remedy=f"rollout rollback {question.rollout.name}:{question.stage.name}")
        else:
            yield finding
