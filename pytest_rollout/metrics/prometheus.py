"""Samples from Prometheus, and from what speaks its HTTP API: Thanos, Mimir, VictoriaMetrics.

A plain selector is asked for its raw samples, which carry the time they were scraped at. Any other
query is evaluated step by step; the time of such an answer is that of the evaluation and says
nothing about the age of what is behind it, so the newest scrape behind each step is asked for in
the same request and is the sample's time. Good, total and that time are one query, evaluated over
the same data at the same steps.
"""

from __future__ import annotations

import contextlib
import math
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from pytest_rollout.core.errors import MetricError
from pytest_rollout.core.rollout import Metric, SourceSettings
from pytest_rollout.core.series import Outage, Samples, Series, moment_text, nanoseconds, ratios, span, values
from pytest_rollout.metrics.address import address
from pytest_rollout.metrics.buckets import check_buckets
from pytest_rollout.metrics.matrix import Clock, Readings, parse_matrix, rises
from pytest_rollout.metrics.matrix import nanoseconds as in_nanoseconds
from pytest_rollout.metrics.promql import is_selector, longest_range_seconds, selectors, without_comments
from pytest_rollout.metrics.web import Page, Request, UnreachableError, Web

MOST_POINTS = 11_000
"""Points a range query may have; beyond, Prometheus answers 400."""
MOST_SERIES = 10_000
MOST_WARNINGS = 20
PART = "rollout_part"
VALUE, GOOD, TOTAL, OBSERVED = "value", "good", "total", "observed"
MILLISECOND = 10**6
OK = 200

_POSITION = re.compile(r"\d+:\d+: ")
_FOREIGN = re.compile(r"[^0-9eE+.\-NaInf,]")
_FURTHEST = 2**63 - 1
_NO_PAGE = "; is the source's url that of a Prometheus?"

Labels = tuple[tuple[str, str], ...]
Points = tuple["array[int]", "array[float]"]
"""Times in nanoseconds, and values; equally many, and a fifth of what lists of them would take."""
_NOTHING: Points = (array("q"), array("d"))


@dataclass(slots=True, kw_only=True)
class _Heap:
    """What has been answered so far, part by part."""

    parts: dict[str, dict[Labels, Points]] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)
    outages: list[Outage] = field(default_factory=list)
    attempts: int = 0
    answers: int = 0


class PrometheusSource:
    """One Prometheus, asked over a pool of connections that it shares with others."""

    def __init__(
        self, settings: SourceSettings, web: Web, *, clock: Clock | None = None, certificates: str | None = None
    ) -> None:
        """``clock`` is shared by what is asked over the same connections."""
        self._settings = settings
        self._web = web
        self._clock = clock or Clock()
        self._address = address(settings.url)
        self._certificates = certificates
        self._headers: dict[str, str] = {}
        if token := settings.options.get("token"):
            self._headers["Authorization"] = f"Bearer {token}"
        if tenant := settings.options.get("tenant"):
            self._headers["X-Scope-OrgID"] = str(tenant)

    def samples(self, metric: Metric, since: datetime, until: datetime) -> Samples:
        """All samples of the metric in that time, with the times they were observed at."""
        settings, heap = self._settings, _Heap()
        begin, end = nanoseconds(since), nanoseconds(until)
        step = 0
        if settings.total or not is_selector(settings.query):
            step = step_of(settings)
            self._evaluate(heap, begin, end, step)
            series = tuple(self._evaluated(heap))
        else:
            self._select(heap, begin, end)
            series = tuple(values(*points, labels=dict(key)) for key, points in _sorted(heap, VALUE))
        series = tuple(each.between(begin, end) for each in series)
        if settings.histogram:
            check_buckets(series)
        return Samples(
            metric=metric.name,
            source=f"prometheus at {self._address.shown}",
            query=self._query,
            since=begin,
            until=end,
            series=series,
            attempts=max(1, heap.attempts),
            warnings=tuple(heap.warnings),
            outages=tuple(heap.outages),
            step=step,
        )

    def close(self) -> None:
        """Nothing of its own to close: the connections belong to the run."""

    @property
    def _query(self) -> str:
        settings = self._settings
        if settings.total:
            return f"good: {without_comments(settings.good)} / total: {without_comments(settings.total)}"
        return without_comments(settings.query)

    # ------------------------------------------------------------------------ evaluated step by step

    def _evaluate(self, heap: _Heap, begin: int, end: int, step: int) -> None:
        query = self._combined()
        first, last = begin // step + 1, end // step
        for low in range(first, last + 1, MOST_POINTS):
            high = min(low + MOST_POINTS - 1, last)
            parameters = {
                "query": query,
                "start": _seconds(low * step),
                "end": _seconds(high * step),
                "step": _seconds(step),
            }
            self._request(heap, "/api/v1/query_range", parameters, (low * step - 1, high * step))
        _all_failed(heap)

    def _combined(self) -> str:
        """Good, total and the newest scrape behind them as one query, told apart by a label."""
        settings = self._settings
        asked = {GOOD: settings.good, TOTAL: settings.total} if settings.total else {VALUE: settings.query}
        observed = str(settings.options.get("observed", "")) or self._newest_scrape(asked.values())
        parts = [*asked.items(), (OBSERVED, observed)]
        return "\nor\n".join(f'label_replace(\n{query}\n, "{PART}", "{part}", "", "")' for part, query in parts)

    def _newest_scrape(self, queries: Iterable[str]) -> str:
        """The oldest, over all series that the queries select, of the times of their newest samples."""
        found = dict.fromkeys(each for query in queries for each in selectors(query))
        if not found:
            raise MetricError(
                f"'{self._query[:80]}' selects no series, so it observes nothing; name a metric in the query."
            )
        times = " or ".join(
            f'label_replace(timestamp({each}), "{PART}_of", "{number}", "", "")' for number, each in enumerate(found)
        )
        by = f" by ({self._settings.per})" if self._settings.per else ""
        return f"min{by} ({times})"

    def _evaluated(self, heap: _Heap) -> Iterator[Series]:
        observed = heap.parts.get(OBSERVED, {})
        self._check_labels(heap)
        if not self._settings.total:
            for labels, (steps, numbers) in _sorted(heap, VALUE):
                times, kept = _observations(steps, self._observed_of(observed, labels))
                yield values(times, numbers if kept is None else _at(kept, (steps, numbers)), labels=dict(labels))
            return
        goods, totals = heap.parts.get(GOOD, {}), heap.parts.get(TOTAL, {})
        for labels in sorted(goods.keys() | totals.keys()):
            good, total = goods.get(labels, _NOTHING), totals.get(labels, _NOTHING)
            steps = good[0] if good[0] == total[0] else array("q", sorted({*good[0], *total[0]}))
            times, kept = _observations(steps, self._observed_of(observed, labels))
            columns = [
                each[1] if kept is None and each[0] is steps else _at(kept or steps, each) for each in (good, total)
            ]
            yield ratios(times, *columns, labels=dict(labels))

    def _observed_of(self, observed: Mapping[Labels, Points], labels: Labels) -> Points:
        """When what is behind each step of a series was scraped: for its own thing, where there are several."""
        per = self._settings.per
        own = dict(labels).get(per) if per else None
        found = [points for key, points in observed.items() if dict(key).get(per) == own or not per]
        if len(found) > 1:
            raise MetricError(
                f"'observed' gives {len(found)} series where one time is needed; aggregate it, as in 'min(...)'."
            )
        return found[0] if found else _NOTHING

    def _check_labels(self, heap: _Heap) -> None:
        names = {part: {frozenset(dict(key)) for key in heap.parts.get(part, {})} for part in (GOOD, TOTAL)}
        if names[GOOD] and names[TOTAL] and names[GOOD].isdisjoint(names[TOTAL]):
            shown = [" and ".join(", ".join(sorted(each)) or "no labels" for each in names[p]) for p in (GOOD, TOTAL)]
            raise MetricError(
                f"good has the labels {shown[0]}, total has {shown[1]}; aggregate both by the same labels."
            )

    # ------------------------------------------------------------------------ raw samples

    def _select(self, heap: _Heap, begin: int, end: int) -> None:
        stretch = MOST_POINTS * span(self._settings.interval)
        for low in range(begin, end, stretch):
            high = min(low + stretch, end)
            seconds = math.ceil((high - low) / (MILLISECOND * 1000))
            query = f"{without_comments(self._settings.query)}[{seconds}s]"
            self._request(heap, "/api/v1/query", {"query": query, "time": _seconds(high)}, (low, high))
        _all_failed(heap)

    # ------------------------------------------------------------------------ one request

    def _request(self, heap: _Heap, path: str, parameters: Mapping[str, str], stretch: tuple[int, int]) -> None:
        request = Request(
            address=self._address.below(path),
            parameters=parameters,
            headers=self._headers,
            timeout_seconds=self._settings.timeout.total_seconds(),
            certificates=self._certificates,
            read=partial(parse_matrix, clock=self._clock),
        )
        try:
            page = self._web.ask(request)
        except UnreachableError as error:
            heap.outages.append(Outage(since=stretch[0], until=stretch[1], why=str(error)))
            return
        heap.attempts += page.attempts
        heap.answers += 1
        try:
            self._take(heap, page, stretch)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
            raise MetricError(f"{self._address.shown}: the answer has not the form of Prometheus's{_NO_PAGE}") from None

    def _take(self, heap: _Heap, page: Page, stretch: tuple[int, int]) -> None:
        document = page.document
        if not isinstance(document, dict) or document.get("status") not in {"success", "error"}:
            raise MetricError(f"{self._address.shown}: the answer, status {page.status}, is not Prometheus's{_NO_PAGE}")
        if document["status"] == "error" or document.get("error") or page.status != OK:
            kind, text = str(document.get("errorType", "")), str(document.get("error", ""))
            text = _POSITION.sub("", " ".join(text.split()))[:300]
            raise MetricError(f"{self._address.shown}: refused ({page.status} {kind}): {text}; asked was {self._query}")
        for key in ("warnings", "infos"):
            for text in document.get(key) or ():
                if len(heap.warnings) < MOST_WARNINGS:
                    heap.warnings[str(text)[:300]] = None
        if document.get("isPartial") not in (None, False):
            heap.warnings["the answer is partial"] = None
        data = document["data"]
        if data["resultType"] != "matrix":
            raise MetricError(
                f"{self._address.shown}: the answer is a {str(data['resultType'])[:20]} where a matrix of samples is "
                f"needed; asked was {self._query}"
            )
        if len(data["result"]) > MOST_SERIES:
            raise MetricError(f"{self._address.shown}: {len(data['result'])} series; aggregate them in the query.")
        for each in data["result"]:
            self._add(heap, each, stretch)

    def _add(self, heap: _Heap, result: Mapping[str, Any], stretch: tuple[int, int]) -> None:
        labels: dict[str, str] = dict(result["metric"])
        part = labels.pop(PART, VALUE)
        if "histograms" in result:
            raise MetricError(f"{self._address.shown}: native histograms are not read; query buckets or a quantile.")
        if part != VALUE or self._settings.total or not is_selector(self._settings.query):
            labels.pop("__name__", None)
        if not set(map(type, labels.values())) <= {str}:
            raise TypeError("a label is no text")
        readings = _readings(result["values"])
        times, numbers, is_rising = readings.times, readings.values, readings.is_rising
        first, last = (times[0], times[-1]) if is_rising and times else (min(times, default=0), max(times, default=0))
        if times and (last > stretch[1] or first < stretch[0] - 1000 * MILLISECOND):
            wrong = last if last > stretch[1] else first
            raise MetricError(
                f"{self._address.shown}: a sample of {moment_text(wrong)}, which was not asked for; are its times in "
                "milliseconds, or is its clock wrong?"
            )
        parts, key = heap.parts.setdefault(part, {}), tuple(sorted(labels.items()))
        if is_rising and key not in parts:
            parts[key] = (times, numbers)
            return
        known, fresh = dict(zip(*parts.get(key, _NOTHING), strict=True)), dict(zip(times, numbers, strict=True))
        again = known.keys() & fresh.keys()
        differs = any(str(known[time]) != str(fresh[time]) for time in again)  # as texts, for NaN is not itself
        if len(fresh) != len(times) or differs or (part != VALUE and again):
            raise MetricError(f"{self._address.shown}: a sample of one time is there twice.")
        known |= fresh
        parts[key] = (array("q", known), array("d", known.values()))


def step_of(settings: SourceSettings) -> int:
    """Nanoseconds between two steps: the interval, and for counts no less than what one of them counts.

    Steps closer together than the range of ``increase(...[5m])`` would count an event again at each.
    """
    step = span(settings.interval)
    if settings.total:
        longest = max(map(longest_range_seconds, (settings.good, settings.total)))
        step = max(step, int(longest * 1000) * MILLISECOND)
    return max(step, MILLISECOND)


def _observations(steps: array[int], observed: Points) -> tuple[array[int], array[int] | None]:
    """The times of the scrapes behind steps, and those steps; a step behind which nothing is new is left out.

    None for the steps stands for all of them.
    """
    if steps == observed[0]:
        with contextlib.suppress(ValueError, OverflowError):  # NaN, an infinity, a time beyond 64 bits
            times = in_nanoseconds(observed[1])
            if rises(times):
                return times, None
    known = dict(zip(*observed, strict=True))
    times, kept = array("q", [-1]), array("q")
    for step, seconds in zip(steps, map(known.get, steps), strict=True):
        if seconds is None or not math.isfinite(seconds):
            continue
        (time,) = _nanoseconds([seconds])
        if time > times[-1]:
            times.append(time)
            kept.append(step)
    return times[1:], kept


def _at(steps: Iterable[int], points: Points) -> list[float | None]:
    """The values at steps; None where there is none."""
    return list(map(dict(zip(*points, strict=True)).get, steps))


def _sorted(heap: _Heap, part: str) -> list[tuple[Labels, Points]]:
    return sorted(heap.parts.get(part, {}).items())


def _all_failed(heap: _Heap) -> None:
    if heap.outages and not heap.answers:
        raise UnreachableError(heap.outages[0].why)


def _readings(given: Any) -> Readings:
    """Times and values, as one list of samples writes them."""
    if isinstance(given, Readings):
        return given
    times = _nanoseconds([each[0] for each in given])
    return Readings(times=times, is_rising=rises(times), values=array("d", _numbers([each[1] for each in given])))


def _numbers(texts: list[Any]) -> list[float]:
    """Values as Prometheus writes them, text and nothing else; NaN and infinities are told apart later."""
    if not set(map(type, texts)) <= {str}:
        raise ValueError("a value is no text")
    if _FOREIGN.search(",".join(texts)):
        raise ValueError("a value is no number")
    return list(map(float, texts))


def _nanoseconds(given: list[Any]) -> array[int]:
    """Times beyond 64 bits are the furthest there is, which nobody asked for either."""
    try:
        return in_nanoseconds(given)
    except OverflowError:
        return array("q", [_FURTHEST] * len(given))


def _seconds(nanos: int) -> str:
    """A time as Prometheus reads it, to the millisecond."""
    whole, rest = divmod(nanos // MILLISECOND, 1000)
    return f"{whole}.{rest:03d}" if rest else str(whole)
