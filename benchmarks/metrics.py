"""What judging over time costs: a week of samples for a hundred criteria, and a week of soak.

Run with `python benchmarks/metrics.py [criteria]`. Processor time, each figure a ratio in the same run: to bare
``json.loads`` of what Prometheus wrote, and to what the source itself does with it; the limits are those the
project holds itself to.
"""

from __future__ import annotations

import gc
import json
import random
import resource
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Any

from pytest_rollout.core.criterion import Bound, Criterion, Relation, Span, Statistic, Trigger
from pytest_rollout.core.rollout import Metric, SourceKind, SourceSettings
from pytest_rollout.core.sampled import Asked, evaluate_samples
from pytest_rollout.core.series import SECOND, Samples, moment, values
from pytest_rollout.core.series_form import Recorded, packed
from pytest_rollout.core.soak import Soak, Stretch, cover, progress
from pytest_rollout.core.units import UNITS
from pytest_rollout.core.window import Window, WindowKind
from pytest_rollout.metrics.prometheus import MOST_POINTS, PrometheusSource
from pytest_rollout.metrics.web import Page

WEEK, STEP = 7 * 86_400, 15
NOW = 1_800_000_000
COUNT = WEEK // STEP
MINUTE = 60 * SECOND


def bound(relation: str, limit: Fraction, unit: str) -> Bound:
    return Bound(relation=Relation(relation), limit=limit, unit=UNITS[unit])


def window(kind: WindowKind, minutes: int) -> Window:
    return Window(kind=kind, over=minutes * MINUTE)


RATIO = Criterion(
    name="succeeds",
    metric="m",
    unit=UNITS["ratio"],
    promote=bound(">", Fraction(99, 100), "%"),
    rollback=(
        Trigger(when=bound("<", Fraction(9, 10), "%"), window=window(WindowKind.EVERY, 15)),
        Trigger(when=bound("<", Fraction(95, 100), "%"), window=window(WindowKind.AGGREGATE, 60)),
    ),
    min_samples=299,
    span=Span(over=WEEK * SECOND),
)
VALUES = Criterion(
    name="answers",
    metric="m",
    unit=UNITS["s"],
    promote=bound("<", Fraction(1, 5), "s"),
    statistic=Statistic.P95,
    rollback=(
        Trigger(when=bound(">", Fraction(1), "s"), window=window(WindowKind.EVERY, 15)),
        Trigger(when=bound(">", Fraction(1, 2), "s"), window=window(WindowKind.AGGREGATE, 60)),
    ),
    span=Span(over=WEEK * SECOND),
)
SOAK = Soak(period=WEEK * SECOND - 10 * MINUTE, coverage=Fraction(95, 100), max_gap=15 * MINUTE, metrics=("m",))


def answers(number: int, *, is_ratio: bool) -> list[bytes]:
    """A week as Prometheus writes it, in as many answers as it is asked for; one criterion in ten is bad at times."""
    chance = random.Random(number)
    times = range(NOW - WEEK + STEP, NOW + 1, STEP)
    bad = [number % 10 == 0 and index % 50 == 0 for index in range(COUNT)]
    if is_ratio:
        total = [chance.randint(100, 1000) for _ in times]
        good = [each - (chance.random() < 0.3) - each // 5 * is_bad for each, is_bad in zip(total, bad, strict=True)]
        columns: list[list[Any]] = [good, total]
    else:
        columns = [[chance.uniform(0.01, 0.15) * (10 if is_bad else 1) for is_bad in bad]]
    return [
        answer(times[low : low + MOST_POINTS], [column[low : low + MOST_POINTS] for column in columns])
        for low in range(0, COUNT, MOST_POINTS)
    ]


def answer(times: Sequence[int], columns: Sequence[Sequence[Any]]) -> bytes:
    """One answer: a matrix of each column, and of the scrapes behind them."""
    parts = ("good", "total", "observed") if len(columns) > 1 else ("value", "observed")
    result = [
        {"metric": {"rollout_part": part}, "values": [[at, str(each)] for at, each in zip(times, column, strict=True)]}
        for part, column in zip(parts, [*columns, times], strict=True)
    ]
    document = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    return json.dumps(document, separators=(",", ":")).encode()


class Answered:
    """What stands for the connections: each request gets its stretch of one answer, as Prometheus would write it."""

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self.bodies = list(bodies)

    def ask(self, request: Any) -> Page:
        return Page(status=200, document=request.read(self.bodies.pop(0)), made=None, attempts=1)


def read(bodies: Sequence[bytes], settings: SourceSettings, metric: Metric) -> Samples:
    """What the source makes of the answers."""
    source = PrometheusSource(settings, Answered(bodies))  # type: ignore[arg-type]  # all that it asks
    return source.samples(metric, moment((NOW - WEEK) * SECOND), moment(NOW * SECOND))


def spent(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def peak() -> float:
    """The most memory this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def hundred(criteria: int) -> None:
    parsing = reading = judging = keeping = 0.0
    first_peak = size = judged = 0
    for number in range(criteria):
        is_ratio = number % 2 == 0
        criterion = RATIO if is_ratio else VALUES
        bodies = answers(number, is_ratio=is_ratio)
        queries = {"good": "sum(a)", "total": "sum(b)"} if is_ratio else {"query": "sum(a)"}
        settings = SourceSettings(
            kind=SourceKind.PROMETHEUS, url="http://127.0.0.1:9090", interval=timedelta(seconds=STEP), **queries
        )
        metric = Metric(name="m", unit=criterion.unit, source=settings)
        gc.collect()
        parsing += spent(lambda bodies=bodies: [json.loads(each) for each in bodies] and None)[0]
        seconds, samples = spent(lambda bodies=bodies, given=(settings, metric): read(bodies, *given))
        reading += seconds
        del bodies
        seconds, line = spent(lambda samples=samples: packed(samples))
        keeping += seconds
        size += len(line)
        judged += len(samples.series[0]) * (2 if is_ratio else 1)
        del samples

        def judge(line: bytes = line, metric: Metric = metric, criterion: Criterion = criterion) -> Any:
            asked = Asked(metric=metric, samples=Recorded({"m": line})["m"], now=NOW * SECOND)
            return evaluate_samples(criterion, "c", asked)

        seconds, [evaluation] = spent(judge)
        judging += seconds
        assert evaluation.finding.facts["samples"] == str(COUNT), evaluation.finding
        first_peak = first_peak or peak()
    whole = judging + keeping
    print(f"{criteria} criteria, {COUNT * criteria:,} samples ({judged:,} numbers)")
    print(f"  json.loads of what was answered    {parsing:6.2f} s")
    print(f"  reading it as the source does      {reading:6.2f} s")
    print(f"  judging, from what is kept         {judging:6.2f} s   {judging / parsing:.2f} x json.loads (limit 2)")
    print(f"                                                {judging / reading:.2f} x reading")
    print(f"  with packing what is kept          {whole:6.2f} s   {whole / parsing:.2f} x json.loads")
    print(f"  kept                               {size / judged:6.2f} bytes a number")
    print(f"  peak memory, one criterion / all   {first_peak:.0f} / {peak():.0f} MB")


def soak() -> None:
    times = [(NOW - WEEK + STEP * (index + 1)) * SECOND for index in range(COUNT)]
    series = values(times, [1.0] * COUNT)
    seconds, stretch = spent(lambda: cover(SOAK, STEP * SECOND, Stretch(), [series]))
    assert progress(SOAK, stretch).is_complete
    print(f"a week of soak at once             {seconds * 1000:8.2f} ms (limit 1000)")
    stretch, slowest, ticks = Stretch(), 0.0, 2_000
    start = COUNT - ticks
    stretch = cover(SOAK, STEP * SECOND, stretch, [series.between(0, times[start - 1])])
    total = 0.0
    for index in range(start, COUNT):
        piece = series.between(times[index - 1], times[index])
        seconds, stretch = spent(lambda piece=piece, stretch=stretch: cover(SOAK, STEP * SECOND, stretch, [piece]))
        seconds += spent(lambda stretch=stretch: Stretch.read(stretch.document()))[0]
        slowest, total = max(slowest, seconds), total + seconds
    print(f"a tick of it, mean / slowest       {total / ticks * 1000:8.3f} / {slowest * 1000:.3f} ms (limit 10)")


if __name__ == "__main__":
    hundred(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
    soak()
