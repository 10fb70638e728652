"""Soak: time covered by evidence before a stage may end, not time since it began (rule 17).

The soak clock runs while samples come. A gap longer than the plan allows, a restart and a changed
subject begin it anew; a source that is down stops it (rule 13). Looking piece by piece, as a watch
does, comes to the same as looking at once.
"""

from __future__ import annotations

import math
import operator
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from typing import Any

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.series import Outage, Series, duration_text, exact, moment_text
from pytest_rollout.core.things import labelled
from pytest_rollout.core.units import UNITS, show


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """What a stage's soak needs; times are in nanoseconds.

    Every one of ``metrics`` must cover the ``period`` to ``coverage``, for each thing by itself.
    ``comparisons`` names a counter of what was compared, of which at least ``min_comparisons`` are
    needed within the same time; ``started`` a metric whose value is when the thing was started. A
    counter that runs backwards and a start time that changes are a restart.
    """

    period: int
    coverage: Fraction
    max_gap: int
    metrics: tuple[str, ...]
    comparisons: str = ""
    min_comparisons: int = 0
    started: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A moment at which the soak of a thing began anew, and why."""

    at: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The evidence of one metric of one thing since its last break; hand it in again with what follows.

    ``since`` and ``last`` are the times of the first and the newest sample of the stretch, ``clock``
    is the soak clock at ``last``: it was 0 at ``since``. ``unseen`` are the stretches of the clock
    that no sample covers. ``breaks`` counts what broke the soak, ``broken`` is the latest of it;
    ``ahead`` are breaks after ``last``, found in another metric that was sampled a little later.
    """

    since: int | None = None
    last: int | None = None
    clock: int = 0
    unseen: tuple[tuple[int, int], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    breaks: int = 0
    broken: Break | None = None
    ahead: tuple[Break, ...] = ()

    def document(self) -> dict[str, Any]:
        """As it is kept between two looks; numbers that JSON may not carry are text."""
        return {
            "since": None if self.since is None else str(self.since),
            "last": None if self.last is None else str(self.last),
            "clock": str(self.clock),
            "unseen": [[str(start), str(end)] for start, end in self.unseen],
            "labels": [list(each) for each in self.labels],
            "breaks": self.breaks,
            "broken": None if self.broken is None else [str(self.broken.at), self.broken.why],
            "ahead": [[str(each.at), each.why] for each in self.ahead],
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Stretch:
        """What ``document`` wrote; raises ``EvidenceError`` for anything else."""
        try:
            since, last, broken = document["since"], document["last"], document["broken"]
            return cls(
                since=None if since is None else int(since),
                last=None if last is None else int(last),
                clock=int(document["clock"]),
                unseen=tuple((int(start), int(end)) for start, end in document["unseen"]),
                labels=tuple((key, value) for key, value in document["labels"]),
                breaks=int(document["breaks"]),
                broken=None if broken is None else Break(at=int(broken[0]), why=broken[1]),
                ahead=tuple(Break(at=int(at), why=why) for at, why in document["ahead"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise EvidenceError(f"no remembered soak can be read ({type(error).__name__}: {error}).") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A counter of one thing since its soak's last break: its first and its newest value."""

    since: int | None = None
    last: int | None = None
    first: Fraction = Fraction(0)
    newest: Fraction = Fraction(0)

    @property
    def increase(self) -> int:
        """How far it ran, in whole counts."""
        return math.floor(self.newest - self.first)

    def document(self) -> dict[str, Any]:
        """As it is kept between two looks."""
        return {
            "since": None if self.since is None else str(self.since),
            "last": None if self.last is None else str(self.last),
            "first": str(self.first),
            "newest": str(self.newest),
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Counted:
        """What ``document`` wrote; raises ``EvidenceError`` for anything else."""
        try:
            since, last = document["since"], document["last"]
            return cls(
                since=None if since is None else int(since),
                last=None if last is None else int(last),
                first=Fraction(document["first"]),
                newest=Fraction(document["newest"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise EvidenceError(f"no remembered counter can be read ({type(error).__name__}: {error}).") from None


def restarts(series: Sequence[Series], before: Fraction | None = None, *, counts: bool) -> list[Break]:
    """Where a counter runs backwards or, without ``counts``, where a start time changes.

    ``before`` is the newest value seen earlier. A counter's series are one thing's, in order.
    """
    differs: Any = operator.gt if counts else operator.ne
    found = []
    last: Any = before
    for each in series:
        column: Any = each.column if each.column is not None else each.total
        if not each.times or column is None:
            continue
        pairs = [(last, column[0])] if last is not None else []
        if (pairs and differs(pairs[0][0], exact(column[0]))) or any(map(differs, column, islice(column, 1, None))):
            found += list(_restarts(each, column, last, differs, counts=counts))
        last = exact(column[-1])
    return found


def _restarts(series: Series, column: Any, last: Any, differs: Any, *, counts: bool) -> Iterator[Break]:
    for time, given in zip(series.times, column, strict=True):
        value = exact(given)
        if last is not None and differs(last, value):
            what = f"a counter ran back from {_shown(last)} to {_shown(value)}"
            if not counts:
                what = f"the start time changed from {_shown(last)} to {_shown(value)}"
            yield Break(at=time, why=f"restarted by {moment_text(time)}: {what}")
        last = value


def _shown(value: Fraction) -> str:
    return show(value, UNITS["count"])


def count(before: Counted, series: Sequence[Series], breaks: Sequence[Break]) -> Counted:
    """The counter after these samples; a break begins the count anew at the next sample."""
    after = before
    for each in series:
        if after.last is not None:
            each = each.between(after.last, 2**63 - 1)  # noqa: PLW2901 - the rest of it
        column: Any = each.column if each.column is not None else each.total
        if not each.times or column is None:
            continue
        latest = max((b.at for b in breaks if b.at <= each.times[-1]), default=None)
        is_anew = after.since is None or (latest is not None and latest > (after.last or after.since))
        if is_anew:
            start = 0 if latest is None else bisect_left(each.times, latest)
            after = replace(after, since=each.times[start], first=exact(column[start]))
        after = replace(after, last=each.times[-1], newest=exact(column[-1]))
    return after


def cover(
    soak: Soak,
    interval: int,
    before: Stretch,
    series: Sequence[Series],
    *,
    breaks: Sequence[Break] = (),
    outages: Sequence[Outage] = (),
) -> Stretch:
    """The stretch after these samples of one metric of one thing, in order of time.

    ``interval`` is the time between two samples. Samples that were seen before are passed over.
    """
    after, breaks = before, (*before.ahead, *breaks)
    for each in series:
        rest = each if after.last is None else each.between(after.last, 2**63 - 1)
        rest = rest.counted()
        if rest.times:
            after = _cover(soak, interval, after, rest, breaks, outages)
    return replace(after, ahead=tuple(each for each in breaks if after.last is None or each.at > after.last))


def _cover(
    soak: Soak, interval: int, before: Stretch, series: Series, breaks: Sequence[Break], outages: Sequence[Outage]
) -> Stretch:
    times, labels = series.times, tuple(sorted(series.labels.items()))
    reach = interval * 3 // 2
    anew: dict[int, Break] = {}
    if before.last is not None and labels != before.labels:
        was = "{" + ", ".join(f"{key}={value}" for key, value in before.labels) + "}"
        why = f"the subject changed by {moment_text(times[0])}: from {was} to {labelled(series)}"
        anew[0] = Break(at=times[0], why=why)
    for each in breaks:
        index = bisect_left(times, each.at)
        if index < len(times) and each.at > (before.last if before.last is not None else times[0]):
            anew[index] = each
    newest = times[0] if before.last is None else before.last
    steps = [times[0] - newest, *map(operator.sub, islice(times, 1, None), times)]
    late = [index for index, step in enumerate(steps) if step > reach] if max(steps) > reach else []
    stretch = replace(before, labels=labels)
    if stretch.since is None:
        stretch = replace(stretch, since=times[0], last=times[0])
    for index in sorted({*anew, *late}):
        stretch = _onward(stretch, times[index - 1] if index else newest)
        if index in anew:
            stretch = _begun_anew(stretch, times[index], anew[index])
            continue
        stretch = _over_gap(soak, interval, stretch, times[index], outages)
    return _trimmed(soak, _onward(stretch, times[-1]))


def cover_but(soak: Soak, interval: int, since: int, gaps: Sequence[tuple[int, int]], last: int) -> Stretch:
    """The stretch of evidence that came all the time from ``since`` to ``last`` but for these gaps, in order."""
    stretch = Stretch(since=since, last=since)
    for begin, end in gaps:
        stretch = _over_gap(soak, interval, _onward(stretch, begin), end, ())
    return _trimmed(soak, _onward(stretch, last))


def _onward(stretch: Stretch, time: int) -> Stretch:
    """Samples came without interruption until ``time``."""
    last = time if stretch.last is None else stretch.last
    return replace(stretch, clock=stretch.clock + time - last, last=time)


def _begun_anew(stretch: Stretch, time: int, broken: Break) -> Stretch:
    return replace(stretch, since=time, last=time, clock=0, unseen=(), breaks=stretch.breaks + 1, broken=broken)


def _over_gap(soak: Soak, interval: int, stretch: Stretch, time: int, outages: Sequence[Outage]) -> Stretch:
    """No sample came for longer than usual before ``time``: unseen, or too long, or the source was down."""
    last = stretch.last if stretch.last is not None else time
    gap = time - last - _down(outages, last, time)
    if gap > soak.max_gap:
        why = f"no sample for {duration_text(time - last)} from {moment_text(last)}"
        return _begun_anew(stretch, time, Break(at=time, why=why))
    clock = stretch.clock + gap
    unseen = stretch.unseen
    if gap > interval:
        unseen = (*unseen, (stretch.clock + interval, clock))
    return replace(stretch, clock=clock, last=time, unseen=unseen)


def _down(outages: Sequence[Outage], since: int, until: int) -> int:
    """How much of a time the source was down; outages do not overlap."""
    return sum(max(0, min(each.until, until) - max(each.since, since)) for each in outages)


def _allowed(soak: Soak) -> int:
    return math.floor((1 - soak.coverage) * soak.period)


def _window(soak: Soak, stretch: Stretch) -> int:
    """The clock from which on coverage suffices: all before is of no use any more."""
    allowed = _allowed(soak)
    for start, end in reversed(stretch.unseen):
        if end - start > allowed:
            return end - allowed
        allowed -= end - start
    return 0


def _trimmed(soak: Soak, stretch: Stretch) -> Stretch:
    """Without unseen stretches that lie before any window that can still be covered, but for the one that bounds it."""
    edge = _window(soak, stretch)
    return replace(stretch, unseen=tuple(each for each in stretch.unseen if each[1] >= edge))


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the soak of one metric of one thing is; times in nanoseconds.

    ``covered`` is at most the soak's period, ``share`` how much of it samples cover, ``earliest``
    when it can be complete if samples keep coming; None before the first.
    """

    covered: int
    missing: int
    share: Fraction
    earliest: int | None
    since: int | None
    last: int | None
    broken: Break | None = None
    breaks: int = 0
    text: str = field(default="")

    @property
    def is_complete(self) -> bool:
        """Whether the whole period is covered."""
        return self.since is not None and self.missing == 0


def progress(soak: Soak, stretch: Stretch) -> Progress:
    """How much is covered, what is missing and when it can be complete at the earliest."""
    if stretch.since is None or stretch.last is None:
        text = f"nothing of {duration_text(soak.period)} is covered: no sample"
        return Progress(
            covered=0, missing=soak.period, share=Fraction(0), earliest=None, since=None, last=None, text=text
        )
    start = _window(soak, stretch)
    covered = min(soak.period, stretch.clock - start)
    missing = soak.period - covered
    window = max(start, stretch.clock - soak.period)
    unseen = sum(end - max(window, begin) for begin, end in stretch.unseen if end > window)
    seen = stretch.clock - window
    share = 1 - Fraction(unseen, seen) if seen else Fraction(1)
    text = f"{duration_text(covered)} of {duration_text(soak.period)} covered"
    if missing:
        earliest = moment_text(stretch.last + missing)
        text += f", {duration_text(missing)} missing, complete at {earliest} at the earliest"
    return Progress(
        covered=covered,
        missing=missing,
        share=share,
        earliest=stretch.last + missing,
        since=stretch.since,
        last=stretch.last,
        broken=stretch.broken,
        breaks=stretch.breaks,
        text=text,
    )
