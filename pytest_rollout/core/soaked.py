"""A stage's soak: the evidence of every metric it names, for each thing by itself, and the findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.rollout import Metric, SourceSettings
from pytest_rollout.core.series import Samples, duration_text, moment_text, span
from pytest_rollout.core.soak import Break, Counted, Progress, Soak, Stretch, count, cover, progress, restarts
from pytest_rollout.core.things import Things, things
from pytest_rollout.core.units import UNITS, show

Key = tuple[str, str]
"""A metric's name and a thing's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Soaked:
    """All stretches of evidence of one stage, and the counters and start times of its things."""

    stretches: Mapping[Key, Stretch] = field(default_factory=dict)
    counters: Mapping[Key, Counted] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As it is kept between two looks."""
        return {
            "stretches": [[*key, each.document()] for key, each in sorted(self.stretches.items())],
            "counters": [[*key, each.document()] for key, each in sorted(self.counters.items())],
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Soaked:
        """What ``document`` wrote; raises ``EvidenceError`` for anything else."""
        return cls(
            stretches={(metric, thing): Stretch.read(each) for metric, thing, each in document["stretches"]},
            counters={(metric, thing): Counted.read(each) for metric, thing, each in document["counters"]},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a soak is judged on: the metrics by name, what their sources answered, and since when it counts.

    Evidence before ``not_before`` belongs to another visit or another subject; None is no limit.
    """

    metrics: Mapping[str, Metric]
    samples: Mapping[str, Samples]
    not_before: int | None = None

    def settings(self, metric: str) -> SourceSettings:
        """How the metric's source is asked; a soak names no metric without one."""
        source = self.metrics[metric].source
        assert source is not None  # noqa: S101 - the plan refuses such a soak
        return source

    def things(self, metric: str) -> Things:
        """The series of each thing, none before its time."""
        if metric not in self.samples:
            return Things()
        found = things(self.settings(metric), self.samples[metric])
        if self.not_before is None:
            return found
        cut = {
            name: tuple(each.between(self.not_before - 1, 2**63 - 1) for each in several)
            for name, several in found.series.items()
        }
        return Things(series=cut, missing=found.missing, trouble=found.trouble)


def soak_on(soak: Soak, before: Soaked, asked: Asked) -> Soaked:
    """What is known after the samples that were asked for now; those seen before count once."""
    breaks: dict[str, list[Break]] = {}
    counters = dict(before.counters)
    for metric in dict.fromkeys(each for each in (soak.comparisons, soak.started) if each):
        is_counter = metric == soak.comparisons
        for thing, several in asked.things(metric).series.items():
            known = counters.get((metric, thing), Counted())
            rest = several if known.last is None else tuple(each.between(known.last, 2**63 - 1) for each in several)
            newest: Fraction | None = None if known.last is None else known.newest
            found = restarts(rest, newest, counts=is_counter)
            breaks.setdefault(thing, []).extend(found)
            counters[metric, thing] = count(known, rest, found)
    stretches = dict(before.stretches)
    for metric in soak.metrics:
        interval = span(asked.settings(metric).interval)
        outages = asked.samples[metric].outages if metric in asked.samples else ()
        for thing, several in asked.things(metric).series.items():
            stretches[metric, thing] = cover(
                soak,
                interval,
                stretches.get((metric, thing), Stretch()),
                several,
                breaks=[*breaks.get("", ()), *(breaks.get(thing, ()) if thing else ())],
                outages=outages,
            )
    return Soaked(stretches=stretches, counters=counters)


def soak_findings(soak: Soak, soaked: Soaked, asked: Asked, *, prefix: str, now: int) -> Iterator[Finding]:
    """One finding a metric and thing; ``prefix`` is the node id up to the name."""
    for metric in soak.metrics:
        found = asked.things(metric)
        names = [thing for name, thing in soaked.stretches if name == metric]
        names += [name for name in found.missing if name not in names]
        for thing in sorted(names) or [""]:
            name = f"{metric}[{thing}]" if thing else metric
            outcome, measured, detail = _came_out(soak, soaked, asked, found, (metric, thing), now)
            yield Finding(
                item=f"{prefix}{name}",
                kind=Kind.SOAK,
                title=f"soak of {name}",
                outcome=outcome,
                measured=measured,
                needed=_needed(soak),
                source=_source(asked.samples.get(metric)),
                remedy="" if outcome is Outcome.PASS else _REMEDIES[outcome],
                detail=detail,
            )


_REMEDIES = {
    Outcome.PENDING: "wait: nothing but time covered by samples counts",
    Outcome.INCONCLUSIVE: "see why the source has no samples",
    Outcome.ERROR: "bring the source back",
    Outcome.NOT_RUN: "see why nobody answers for it, or correct the plan",
}


def _came_out(  # noqa: PLR0911 - one line a way in which a soak is not covered
    soak: Soak, soaked: Soaked, asked: Asked, found: Things, key: Key, now: int
) -> tuple[Outcome, str, str]:
    metric, thing = key
    samples = asked.samples.get(metric)
    how_far = progress(soak, soaked.stretches.get(key, Stretch()))
    detail = _detail(soak, soaked, thing, how_far)
    if found.trouble:
        return Outcome.ERROR, found.trouble, detail
    outages = () if samples is None else samples.outages
    down = next((each for each in reversed(outages) if each.until >= now - soak.max_gap), None)
    if thing in found.missing and down is None:
        return Outcome.NOT_RUN, f"nobody answered for {asked.settings(metric).per} '{thing}'", detail
    if how_far.last is None or now - how_far.last > soak.max_gap:
        what = f"no sample since {moment_text(how_far.last)}" if how_far.last is not None else how_far.text
        if down is not None:
            return Outcome.ERROR, f"{what}: the source could not be asked: {down.why}", detail
        return Outcome.INCONCLUSIVE, what, detail
    if not how_far.is_complete:
        return Outcome.PENDING, how_far.text, detail
    compared = soaked.counters.get((soak.comparisons, thing), Counted()).increase
    if compared < soak.min_comparisons:
        return Outcome.PENDING, f"{compared} of {soak.min_comparisons} comparisons", detail
    return Outcome.PASS, how_far.text, detail


def _detail(soak: Soak, soaked: Soaked, thing: str, how_far: Progress) -> str:
    parts = []
    if how_far.since is not None and how_far.last is not None:
        parts.append(f"samples from {moment_text(how_far.since)} to {moment_text(how_far.last)}")
        parts.append(f"{show(how_far.share, UNITS['ratio'])} of it covered")
    if soak.min_comparisons:
        compared = soaked.counters.get((soak.comparisons, thing), Counted()).increase
        parts.append(f"{compared} comparisons")
    if how_far.broken is not None:
        times = "once" if how_far.breaks == 1 else f"{how_far.breaks} times"
        parts.append(f"begun anew {times}, last at {moment_text(how_far.broken.at)}: {how_far.broken.why}")
    return "; ".join(parts)


def _needed(soak: Soak) -> str:
    share, gap = show(soak.coverage, UNITS["ratio"]), duration_text(soak.max_gap)
    text = f"{duration_text(soak.period)}, {share} covered, no gap over {gap}"
    return f"{text}, {soak.min_comparisons} comparisons" if soak.min_comparisons else text


def _source(samples: Samples | None) -> str:
    return "" if samples is None else f"{samples.source}: {samples.query}"
