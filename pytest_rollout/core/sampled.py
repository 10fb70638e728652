"""A criterion judged on what a source answered: its window, its triggers, its freshness (rules 6 to 16)."""

from __future__ import annotations

import operator
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from pytest_rollout.core.baseline import Captured, weighed
from pytest_rollout.core.breach import Watched, look
from pytest_rollout.core.criterion import Criterion, Trigger
from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.evaluating import Evaluation, Value, conclude, needed
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.glance import Extent, is_without_gap, may_fire
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.rollout import Metric, SourceSettings
from pytest_rollout.core.series import Number, Samples, Series, duration_text, moment, moment_text, span
from pytest_rollout.core.series_form import digest, unpacked
from pytest_rollout.core.things import things
from pytest_rollout.core.valuing import UndecidedError, of_histogram, of_ratio, of_values, scale_of
from pytest_rollout.core.window import Looked, Window, WindowKind

_FOREVER = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a criterion is judged on, and when; times in nanoseconds.

    Evidence before ``not_before`` belongs to another visit of the stage; None is no limit.
    ``captured`` are baselines by the titles of findings.
    """

    metric: Metric
    samples: Samples
    now: int
    not_before: int | None = None
    captured: Mapping[str, Captured] = field(default_factory=dict)

    @property
    def settings(self) -> SourceSettings:
        """How the metric's source is asked."""
        assert self.metric.source is not None  # noqa: S101 - only such metrics are asked
        return self.metric.source

    @property
    def step(self) -> int:
        """The time between two samples."""
        return max(span(self.settings.interval), self.samples.step)

    @property
    def source(self) -> str:
        """The source and the resolved query, for a finding."""
        return f"{self.samples.source}: {self.samples.query}"


def lookback(criterion: Criterion, settings: SourceSettings) -> int:
    """How far back the samples of a criterion must reach, so that each window within ``over`` is whole."""
    assert criterion.span is not None  # noqa: S101 - only such criteria look back
    step = span(settings.interval)
    longest = max((_length(t.window, step) for t in criterion.rollback if t.window is not None), default=0)
    return max(criterion.span.over, longest) + longest + 2 * criterion.span.gap(step) + 2 * step


def _length(window: Window, step: int) -> int:
    return window.n * step if window.kind is WindowKind.K_OF_N else window.over


def watched(criterion: Criterion, trigger: Trigger, metric: Metric, step: int) -> Watched:
    """What is looked for, with the criterion's statistic and the metric's unit."""
    assert trigger.window is not None  # noqa: S101 - asked only for such triggers
    assert criterion.span is not None  # noqa: S101 - as above
    return Watched(
        when=trigger.when,
        window=trigger.window,
        scale=scale_of(criterion, metric),
        max_gap=criterion.span.gap(step),
        statistic=criterion.statistic,
    )


def evaluate_samples(criterion: Criterion, item: str, asked: Asked) -> list[Evaluation]:
    """One evaluation for each thing the metric is of, ``item`` with its name in brackets.

    The triggers are asked of the samples that are there, whatever else is wrong (rule 2).
    """
    found = things(asked.settings, asked.samples)
    if found.trouble:
        return [_trouble(criterion, item, asked, Outcome.ERROR, found.trouble)]
    if text := _unlookable(criterion, asked):
        return [_trouble(criterion, item, asked, Outcome.ERROR, text)]
    answered = [
        _OneThing(
            criterion=criterion,
            item=f"{item}[{name}]" if name else item,
            asked=asked,
            name=name,
            series=[each.counted() for each in several],
        )
        for name, several in found.series.items()
    ]
    silent = [_OneThing(criterion=criterion, item=f"{item}[{name}]", asked=asked, name=name) for name in found.missing]
    if not answered and not silent:
        return [_OneThing(criterion=criterion, item=item, asked=asked).evaluate()]
    return [each.evaluate() for each in answered] + [each.unanswered() for each in silent]


def _unlookable(criterion: Criterion, asked: Asked) -> str:
    """A sentence where samples come so seldom that a window could never be bad, or nothing."""
    assert criterion.span is not None  # noqa: S101 - only such criteria look back
    gap, step = criterion.span.gap(asked.step), asked.step
    if gap < step:
        return (
            f"samples come every {duration_text(step)}, but max_gap is {duration_text(gap)}: no time would ever be seen"
        )
    for trigger in criterion.rollback:
        if trigger.window is not None and trigger.window.over and trigger.window.over < 2 * step:
            return f"samples come every {duration_text(step)}, too seldom for the trigger {trigger}"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OneThing:
    """One criterion on the samples of one thing, those of no traffic left out."""

    criterion: Criterion
    item: str
    asked: Asked
    name: str = ""
    series: Sequence[Series] = ()

    def evaluate(self) -> Evaluation:
        fired = self._fired()
        try:
            value = self._value(fired)
        except EvidenceError as error:
            undecided = isinstance(error, UndecidedError)
            return self._held(Outcome.INCONCLUSIVE if undecided else Outcome.ERROR, str(error), fired)
        if value is None:
            outcome, text = (Outcome.ERROR, down) if (down := self._down()) else (Outcome.INCONCLUSIVE, "no sample")
            return self._held(outcome, text, fired)
        evaluation = conclude(self._titled(), self.item, value)
        if evaluation.fired:
            return evaluation
        return self._doubted(evaluation)

    def unanswered(self) -> Evaluation:
        """The evaluation of a thing that the plan names and nobody answered for (rule 21)."""
        if down := self._down():
            return self._held(Outcome.ERROR, down, ())
        return self._held(Outcome.NOT_RUN, f"nobody answered for {self.asked.settings.per} '{self.name}'", ())

    def _titled(self) -> Criterion:
        if not self.name:
            return self.criterion
        return replace(self.criterion, name=f"{self.criterion.name} [{self.name}]")

    @property
    def _span(self) -> Any:
        return self.criterion.span

    @property
    def _since(self) -> int:
        return self.asked.now - int(self._span.over)

    def _cut(self, since: int) -> list[Series]:
        """The samples after a time, none of another visit."""
        after = since if self.asked.not_before is None else max(since, self.asked.not_before - 1)
        return [each.between(after, _FOREVER) for each in self.series]

    def _fired(self) -> tuple[Trigger, ...]:
        step = self.asked.step
        back = max(lookback(self.criterion, self.asked.settings), self._span.over + step)
        windowed = [each for each in self.criterion.rollback if each.window is not None]
        if not windowed:
            return ()
        several = self._cut(self.asked.now - back)
        extents = [Extent.of(each) for each in several if each.times]
        return tuple(each for each in windowed if self._has_fired(each, several, extents))

    def _has_fired(self, trigger: Trigger, several: Sequence[Series], extents: Sequence[Extent | None]) -> bool:
        looking, looked = watched(self.criterion, trigger, self.asked.metric, self.asked.step), Looked()
        kind = looking.window.kind
        if not any(may_fire(kind, looking.statistic, looking.when, looking.scale, each) for each in extents):
            return False
        for each in several:
            looked = look(looking, looked, each)
        return looked.fired

    def _value(self, fired: Sequence[Trigger]) -> Value | None:
        """The criterion's value over its window, None without samples."""
        several = self._cut(self._since)
        if not any(each.times for each in several):
            return None
        is_ratio = self.criterion.unit.dimension == "ratio"
        if self.asked.settings.histogram:
            found = of_histogram(self.criterion, several, self.asked.metric)
        elif any(each.is_ratio is not is_ratio for each in several):
            raise EvidenceError("the source answers counts where values are declared, or values where counts are")
        elif is_ratio:
            found = of_ratio(self.criterion, several)
        else:
            found = of_values(self.criterion, several, scale_of(self.criterion, self.asked.metric))
        without_window = (t for t in self.criterion.rollback if t.window is None and found.is_reached(t.when))
        all_fired = [*fired, *without_window]
        return Value(
            shown=f"{found.shown} over {duration_text(self._span.over)}",
            samples=found.samples,
            is_met=found.is_met,
            is_reached=found.is_reached,
            fired=tuple(t for t in self.criterion.rollback if t in all_fired),
            source=self.asked.source,
            notes=(*found.notes, *self._notes(several)),
            facts={**self._facts(several), **found.facts},
        )

    def _notes(self, several: Sequence[Series]) -> Iterator[str]:
        samples = self.asked.samples
        count = sum(map(len, several))
        first, last = _edges(several)
        yield f"{count} sample{'' if count == 1 else 's'} from {moment_text(first)} to {moment_text(last)}"
        yield f"{samples.attempts} request{'' if samples.attempts == 1 else 's'}"
        if missing := sum(len(each.missing) for each in several):
            yield f"{missing} {'was' if missing == 1 else 'were'} no number"
        for warning in samples.warnings:
            yield f"the source warns: {warning}"

    def _facts(self, several: Sequence[Series]) -> dict[str, str]:
        first, last = _edges(several)
        samples = self.asked.samples
        return {
            "window": duration_text(self._span.over),
            "samples": str(sum(map(len, several))),
            "first": moment_text(first),
            "last": moment_text(last),
            "query": samples.query,
            "attempts": str(samples.attempts),
            "samples_digest": digest(samples),
        }

    def _doubted(self, evaluation: Evaluation) -> Evaluation:
        """The evaluation, unless the evidence behind a pass is too old, too thin or too young."""
        finding = evaluation.finding
        for outcome, text in self._doubts():
            if finding.outcome is Outcome.PASS or outcome is Outcome.ERROR:
                detail = f"{text}; {finding.detail}" if finding.detail else text
                remedy = "" if outcome is Outcome.PENDING else "see why the source has no samples"
                return replace(evaluation, finding=replace(finding, outcome=outcome, detail=detail, remedy=remedy))
        return self._compared(evaluation)

    def _doubts(self) -> Iterator[tuple[Outcome, str]]:
        now, step, since = self.asked.now, self.asked.step, self._since
        if down := self._down():
            yield Outcome.ERROR, down
        if warnings := self.asked.samples.warnings:
            yield Outcome.INCONCLUSIVE, f"the answer may be partial, for its source warns: {warnings[0]}"
        _, last = _edges(self.series)
        is_event = any(each.events for each in self.series)
        oldest = self._span.age(step)
        if (not is_event or self._span.max_age is not None) and now - last > oldest:
            old = duration_text(now - last)
            yield Outcome.INCONCLUSIVE, f"the newest sample is {old} old, more than {duration_text(oldest)}"
        begun, over, most = self.asked.not_before, duration_text(self._span.over), self._span.blind(step)
        if begun is not None and begun > since + most:
            yield Outcome.PENDING, f"the stage has lasted {duration_text(now - begun)} of {over}"
        unseen = 0 if is_event else _unseen(self._cut(since), since, now, max_gap=self._span.gap(step), step=step)
        if unseen > most:
            text = f"{duration_text(unseen)} of {over} have no samples, at most {duration_text(most)} may"
            yield Outcome.INCONCLUSIVE, text

    def _down(self) -> str:
        """A sentence on a source that could not be asked for longer than the plan allows (rule 13)."""
        since, now = self._since, self.asked.now
        outages = [each for each in self.asked.samples.outages if each.until > since]
        down = sum(min(each.until, now) - max(each.since, since) for each in outages)
        if not outages or (any(each.times for each in self._cut(since)) and down <= self._span.blind(self.asked.step)):
            return ""
        return f"{self.asked.samples.source} could not be asked for {duration_text(down)}: {outages[-1].why}"

    def _compared(self, evaluation: Evaluation) -> Evaluation:
        baseline, captured, raw = self.criterion.baseline, self.asked.captured.get(self._titled().name), None
        if captured is not None and captured.samples and baseline is not None and baseline.significance is not None:
            before = unpacked(captured.samples)
            then = things(self.asked.settings, before).series.get(self.name, ())
            window = [each.between(before.until - int(self._span.over), _FOREVER) for each in then]
            raw = (_raw(window), _raw(self._cut(self._since)))
        finding = weighed(self.criterion, evaluation.finding, captured, now=moment(self.asked.now), raw=raw)
        return replace(evaluation, finding=finding)

    def _held(self, outcome: Outcome, text: str, fired: Sequence[Trigger]) -> Evaluation:
        evaluation = _trouble(self._titled(), self.item, self.asked, outcome, text)
        if not fired:
            return evaluation
        told = "; ".join(f"{t.severity.value} rollback trigger {t} fired" for t in fired)
        finding = replace(evaluation.finding, outcome=Outcome.FAIL, detail=told, remedy="rollout rollback")
        return Evaluation(finding=finding, fired=tuple(fired))


def _edges(several: Sequence[Series]) -> tuple[int, int]:
    """The times of the first and the last sample, of which there is one."""
    filled = [each.times for each in several if each.times]
    return min(each[0] for each in filled), max(each[-1] for each in filled)


def _unseen(several: Sequence[Series], since: int, until: int, *, max_gap: int, step: int) -> int:
    """How much of a time lies in gaps longer than allowed, before the first and after the last sample too.

    A sample stands for one ``step``, so that much of each gap was seen.
    """
    filled = [each.times for each in several if each.times]
    times = filled[0] if len(filled) == 1 else array("q", sorted(time for each in filled for time in each))
    gaps = [times[0] - since, until - times[-1]]
    if not is_without_gap(times, max_gap):
        gaps += map(operator.sub, islice(times, 1, None), times)
    return sum(gap - step for gap in gaps if gap > max_gap)


def _raw(several: Sequence[Series]) -> list[Number]:
    return [number for each in several for number in (each.column or ())]


def _trouble(criterion: Criterion, item: str, asked: Asked, outcome: Outcome, text: str) -> Evaluation:
    return Evaluation(
        finding=Finding(
            item=item,
            kind=Kind.CRITERION,
            title=criterion.name,
            outcome=outcome,
            measured=text,
            needed=needed(criterion),
            source=asked.source,
            detail="no data is missing data, not zero and not a pass",
            remedy="bring the source back" if outcome is Outcome.ERROR else "see why the source has no samples",
            required=criterion.required,
            facts={"query": asked.samples.query, "attempts": str(asked.samples.attempts)},
        )
    )
