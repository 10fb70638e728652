"""What a watch sees of a stage at one moment, and what it remembers until the next (rules 2, 13, 16, 17).

A look takes what was remembered and the samples since, and gives the verdict of that moment. It is
made of the judge's own rules, so a watch and a gate that look at the same samples see the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pytest_rollout.core import sampled, soaked
from pytest_rollout.core.criterion import Criterion, Trigger
from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.evaluating import Evaluation, needed
from pytest_rollout.core.finding import Finding, gravest_first
from pytest_rollout.core.outcome import Kind, Outcome, Severity, Verdict
from pytest_rollout.core.rollout import Metric, Stage
from pytest_rollout.core.sampled import evaluate_samples, lookback
from pytest_rollout.core.series import Samples, span
from pytest_rollout.core.soaked import Soaked, soak_findings, soak_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a watch remembers; times in nanoseconds.

    ``until`` is the moment up to which samples were asked for, None before the first look;
    ``subject`` names what is watched: evidence of another subject is void (rule 17). ``blind_since``
    is when the watch began to see nothing, None while it sees. ``bad`` are the required items that
    failed or could not be looked at, and the triggers that fired.
    """

    subject: str
    until: int | None = None
    soaked: Soaked = field(default_factory=Soaked)
    verdict: Verdict | None = None
    blind_since: int | None = None
    looks: int = 0
    bad: frozenset[str] = frozenset()

    def document(self) -> dict[str, Any]:
        """As it is kept in the ledger."""
        return {
            "subject": self.subject,
            "until": _text(self.until),
            "soaked": self.soaked.document(),
            "verdict": "" if self.verdict is None else self.verdict.value,
            "blind_since": _text(self.blind_since),
            "looks": self.looks,
            "bad": sorted(self.bad),
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Kept:
        """What ``document`` wrote; raises ``EvidenceError`` for anything else."""
        try:
            return cls(
                subject=str(document["subject"]),
                until=_number(document["until"]),
                soaked=Soaked.read(document["soaked"]),
                verdict=Verdict(document["verdict"]) if document["verdict"] else None,
                blind_since=_number(document["blind_since"]),
                looks=int(document["looks"]),
                bad=frozenset(map(str, document.get("bad", ()))),  # earlier watches did not say
            )
        except (KeyError, TypeError, ValueError) as error:
            raise EvidenceError(f"no remembered watch can be read ({type(error).__name__}: {error}).") from None


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _number(text: str) -> int | None:
    return int(text) if text else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a watch asks for: the stage, its metrics, and since when its evidence counts (None: any)."""

    stage: Stage
    metrics: Mapping[str, Metric]
    prefix: str
    not_before: int | None = None

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """The criteria whose metrics have a source; the gate's tests measure the others."""
        return tuple(each for each in self.stage.criteria if self.metrics[each.metric].source is not None)

    @property
    def unwatched(self) -> tuple[str, ...]:
        """The names of the others: a watch says nothing about them."""
        return tuple(each.name for each in self.stage.criteria if self.metrics[each.metric].source is None)

    @property
    def asked(self) -> tuple[str, ...]:
        """The metrics to ask for, each once."""
        soak = self.stage.soak
        of_soak = () if soak is None else (*soak.metrics, *(m for m in (soak.comparisons, soak.started) if m))
        return tuple(dict.fromkeys((*(each.metric for each in self.criteria), *of_soak)))

    def since(self, metric: str, kept: Kept, now: int) -> int:
        """How far back samples of a metric are needed: each window whole, and all that was not seen yet."""
        source = self.metrics[metric].source
        assert source is not None  # noqa: S101 - only such metrics are asked
        back = max((lookback(each, source) for each in self.criteria if each.metric == metric), default=0)
        begin = now if kept.until is None else min(now, kept.until)
        soak = self.stage.soak
        if kept.until is None and soak is not None and metric in {*soak.metrics, soak.comparisons, soak.started}:
            back = max(back, 2 * soak.period)
        earliest = begin - back - span(source.interval)
        return earliest if self.not_before is None else max(earliest, min(self.not_before, begin) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """A trigger that fired, and the finding that tells of it."""

    trigger: Trigger
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen in one look."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    fired: tuple[Fired, ...]
    kept: Kept
    now: int

    @property
    def is_blind(self) -> bool:
        """Whether something could not be looked at."""
        return any(each.required and each.outcome is Outcome.ERROR for each in self.findings)

    @property
    def severity(self) -> Severity | None:
        """How urgent the rollback is, None where none is asked for."""
        severities = {each.trigger.severity for each in self.fired}
        return next((each for each in (Severity.IMMEDIATE, Severity.PLANNED) if each in severities), None)


def look(
    watched: Watched, kept: Kept, answers: Mapping[str, Samples | str], now: int, others: Sequence[Finding] = ()
) -> Sight:
    """The verdict of this moment.

    ``answers`` maps each metric to what its source answered, or to the sentence for why it did not;
    ``others`` are findings of what is no metric. Rollback outranks all; promote needs every watched
    finding to pass, and something to watch.
    """
    samples = {name: answer for name, answer in answers.items() if isinstance(answer, Samples)}
    findings: list[Finding] = list(others)
    fired: list[Fired] = []
    for criterion in watched.criteria:
        answer = answers.get(criterion.metric, "nobody was asked")
        item = f"{watched.prefix}::{Kind.CRITERION.value}::{criterion.name}"
        if isinstance(answer, str):
            findings.append(_unasked(criterion, item, answer))
            continue
        asked = sampled.Asked(
            metric=watched.metrics[criterion.metric], samples=answer, now=now, not_before=watched.not_before
        )
        evaluations = evaluate_samples(criterion, item, asked)
        findings += (each.finding for each in evaluations)
        if criterion.required:
            fired += _fired(criterion, [*evaluations, *_meanwhile(criterion, item, asked, kept)])
    after, of_soak = _soak(watched, kept, samples, now)
    findings += of_soak
    findings += _unanswered(watched, answers)
    is_blind = any(each.required and each.outcome is Outcome.ERROR for each in findings)
    verdict = _verdict(findings, fired)
    return Sight(
        verdict=verdict,
        findings=tuple(gravest_first(findings)),
        fired=tuple(fired),
        now=now,
        kept=replace(
            kept,
            until=now,
            soaked=after,
            verdict=verdict,
            blind_since=(kept.blind_since if kept.blind_since is not None else now) if is_blind else None,
            looks=kept.looks + 1,
            bad=frozenset(_bad(findings, fired)),
        ),
    )


def _verdict(findings: Sequence[Finding], fired: Sequence[Fired]) -> Verdict:
    required = [each for each in findings if each.required]
    if fired:
        return Verdict.ROLLBACK
    if required and all(each.outcome is Outcome.PASS for each in required):
        return Verdict.PROMOTE
    return Verdict.HOLD


def _bad(findings: Sequence[Finding], fired: Sequence[Fired]) -> Iterator[str]:
    for finding in findings:
        if finding.required and finding.outcome in {Outcome.FAIL, Outcome.ERROR}:
            yield finding.item
    for each in fired:
        yield f"{each.finding.item} {each.trigger.severity.value} {each.trigger}"


def _fired(criterion: Criterion, evaluations: Sequence[Evaluation]) -> Iterator[Fired]:
    seen: set[tuple[str, int]] = set()
    for evaluation in evaluations:
        for trigger in evaluation.fired:
            key = (evaluation.finding.item, criterion.rollback.index(trigger))
            if key not in seen:
                seen.add(key)
                yield Fired(trigger=trigger, finding=evaluation.finding)


def _meanwhile(criterion: Criterion, item: str, asked: sampled.Asked, kept: Kept) -> Sequence[Evaluation]:
    """What happened while nobody looked counts too, where that is longer ago than a look reaches back."""
    assert criterion.span is not None  # noqa: S101 - its metric has a source
    if kept.until is None or asked.now - kept.until <= criterion.span.over:
        return ()
    return evaluate_samples(criterion, item, replace(asked, now=kept.until))


def _soak(watched: Watched, kept: Kept, samples: Mapping[str, Samples], now: int) -> tuple[Soaked, list[Finding]]:
    soak = watched.stage.soak
    if soak is None:
        return kept.soaked, []
    asked = soaked.Asked(metrics=watched.metrics, samples=samples, not_before=watched.not_before)
    after = soak_on(soak, kept.soaked, asked)
    prefix = f"{watched.prefix}::{Kind.SOAK.value}::"
    return after, list(soak_findings(soak, after, asked, prefix=prefix, now=now))


def _unanswered(watched: Watched, answers: Mapping[str, Samples | str]) -> Iterator[Finding]:
    """What the soak needs and nobody answered for, where no criterion tells of it."""
    soak = watched.stage.soak
    told = {each.metric for each in watched.criteria}
    for metric in () if soak is None else watched.asked:
        answer = answers.get(metric, "nobody was asked")
        if metric not in told and isinstance(answer, str):
            yield Finding(
                item=f"{watched.prefix}::{Kind.SOAK.value}::{metric}",
                kind=Kind.SOAK,
                title=f"soak of {metric}",
                outcome=Outcome.ERROR,
                measured=answer,
                remedy="bring the source back",
            )


def _unasked(criterion: Criterion, item: str, why: str) -> Finding:
    return Finding(
        item=item,
        kind=Kind.CRITERION,
        title=criterion.name,
        outcome=Outcome.ERROR,
        measured=why,
        needed=needed(criterion),
        detail="a source that is down is not a service that is down",
        remedy="bring the source back",
        required=criterion.required,
    )
