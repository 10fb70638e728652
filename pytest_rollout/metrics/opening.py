"""From a metric's settings to a source that can be asked, and all sources asked at the same time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pytest_rollout.core.errors import EvidenceError, MetricError, RolloutError
from pytest_rollout.core.rollout import Metric, SourceKind, SourceSettings
from pytest_rollout.core.series import Samples
from pytest_rollout.metrics.port import Asked, MetricSource
from pytest_rollout.metrics.shares import Room, Share, processes

if TYPE_CHECKING:  # importing it for real would load requests
    from pytest_rollout.metrics.matrix import Clock
    from pytest_rollout.metrics.web import Web

AT_ONCE = 100
"""Sources asked at the same time: a gate takes as long as its slowest query."""

MOST_SAMPLES = 600_000
"""Samples in memory at the same time, by what is to be expected: a day of a hundred metrics, a week of 14."""

SHARED_FROM = 200_000
"""Samples to be expected over HTTP from which on processes share them: a tenth of a second of reading, and more."""

Rpc = Callable[[str, Sequence[Any]], Any]
"""A chain's JSON-RPC: method and parameters to the result."""


class Sources:
    """All sources of a run, opened when they are first asked, over one pool of connections a process.

    ``folder`` is where ``rollout.toml`` lies; ``rpc`` gives, for a network's name, its JSON-RPC.
    """

    def __init__(self, folder: Path, *, rpc: Callable[[str], Rpc] | None = None) -> None:
        self.folder = folder
        self.rpc = rpc
        self._open: list[MetricSource] = []

    @cached_property
    def web(self) -> Web:
        """The connections, made when the first source over HTTP is opened."""
        from pytest_rollout.metrics.web import Web  # noqa: PLC0415 - requests is paid for here

        return Web()

    @cached_property
    def clock(self) -> Clock:
        """The times that the answers of Prometheus share."""
        from pytest_rollout.metrics.matrix import Clock  # noqa: PLC0415 - for those who ask one

        return Clock()

    def open(self, settings: SourceSettings) -> MetricSource:
        """The source of these settings; raises ``MetricError`` where it cannot be one."""
        source = _OPENERS[settings.kind](self, settings)
        self._open.append(source)
        return source

    def collect(
        self, asked: Iterable[Asked], *, at_once: int = AT_ONCE
    ) -> Iterator[tuple[Asked, Samples | MetricError]]:
        """What each source answers, or why there is no answer, in the order in which answers come.

        Hand on what came before taking the next: nothing is kept here. Where much is to be read
        over HTTP, processes share it.
        """
        everything = list(asked)
        with ExitStack() as stack:
            here, shares = everything, self._shared_out(everything, stack)
            if shares:
                here = [each for each in everything if not _is_over_http(each)]
            yield from self._together(here, shares, at_once=at_once, most=MOST_SAMPLES)

    def _shared_out(self, asked: Sequence[Asked], stack: ExitStack) -> list[Share]:
        """Processes that ask over HTTP, ended with the stack; none where they are not worth it or cannot be made."""
        apart = [each for each in asked if _is_over_http(each)]
        if sum(each.samples for each in apart) < SHARED_FROM:
            return []
        count = min(processes(), len(apart))
        work = partial(_afresh, self.folder, most=MOST_SAMPLES // max(1, count))
        with contextlib.suppress(OSError), ExitStack() as started:  # no memory or no number for another process
            shares = [started.enter_context(Share(apart[first::count], work)) for first in range(count) if count > 1]
            stack.push(started.pop_all())
            return shares
        return []

    def _together(
        self, asked: Sequence[Asked], shares: Sequence[Share], *, at_once: int, most: int
    ) -> Iterator[tuple[Asked, Samples | MetricError]]:
        waiting = [(each, self._opened(each.metric)) for each in asked]
        workers = max(1, min(at_once, len(waiting)))
        room = Room(most)
        with ThreadPoolExecutor(workers, thread_name_prefix="rollout-metrics") as pool, room:
            running: dict[Future[tuple[Asked, Samples | MetricError]], Room | Share] = {
                pool.submit(_ask, source, each, room): room for each, source in waiting
            }
            running |= {each: share for share in shares for each in share.answers()}
            try:
                for done in as_completed(list(running)):
                    place, (each, answer) = running.pop(done), done.result()
                    yield each, answer
                    del done, answer  # nothing holds it any longer
                    place.leave(each.samples)
            finally:
                for left in running:
                    left.cancel()

    def _opened(self, metric: Metric) -> MetricSource | MetricError:
        if metric.source is None:
            return MetricError(f"metric {metric.name}: tests measure it, there is no source to ask.")
        try:
            return self.open(metric.source)
        except RolloutError as error:
            return MetricError(f"metric {metric.name}: {error}")

    def close(self) -> None:
        """Close every source, and the connections."""
        for source in self._open:
            source.close()
        self._open.clear()
        if "web" in self.__dict__:
            self.web.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _certificates(folder: Path, settings: SourceSettings) -> str | None:
    given = settings.options.get("certificates")
    if given is None:
        return None
    path = folder / str(given)
    if not path.is_file():
        raise MetricError(f"no file '{given}' with the certificates to trust; paths are relative to the plan.")
    return str(path)


def _prometheus(sources: Sources, settings: SourceSettings) -> MetricSource:
    from pytest_rollout.metrics.prometheus import PrometheusSource  # noqa: PLC0415 - requests is paid for here

    certificates = _certificates(sources.folder, settings)
    return PrometheusSource(settings, sources.web, clock=sources.clock, certificates=certificates)


def _http(sources: Sources, settings: SourceSettings) -> MetricSource:
    from pytest_rollout.metrics.http_json import HttpJsonSource  # noqa: PLC0415 - as above

    return HttpJsonSource(settings, sources.web, certificates=_certificates(sources.folder, settings))


def _sql(sources: Sources, settings: SourceSettings) -> MetricSource:
    from pytest_rollout.metrics.sql import SqlSource  # noqa: PLC0415 - SQLAlchemy, an extra

    return SqlSource(settings, sources.folder)


def _log(sources: Sources, settings: SourceSettings) -> MetricSource:
    from pytest_rollout.metrics.log import LogSource  # noqa: PLC0415 - loaded for those who read logs

    return LogSource(settings, sources.folder)


def _recorded(sources: Sources, settings: SourceSettings) -> MetricSource:
    from pytest_rollout.metrics.recorded import RecordedSource  # noqa: PLC0415 - as above

    return RecordedSource(settings, sources.folder)


def _chain(sources: Sources, settings: SourceSettings) -> MetricSource:
    from pytest_rollout.metrics.chain import ChainSource  # noqa: PLC0415 - as above

    if sources.rpc is None:
        raise MetricError("a chain cannot be asked here; nobody opened a network.")
    return ChainSource(settings, sources.folder, sources.rpc(str(settings.options.get("network", ""))))


def _ask(source: MetricSource | MetricError, asked: Asked, room: Room) -> tuple[Asked, Samples | MetricError]:
    """The answer, or the trouble as a value: one source's trouble is not another's."""
    room.enter(asked.samples)
    if isinstance(source, MetricError):
        return asked, source
    try:
        return asked, source.samples(asked.metric, asked.since, asked.until)
    except (MetricError, EvidenceError) as error:
        return asked, MetricError(f"metric {asked.metric.name}: {error}")


def _is_over_http(asked: Asked) -> bool:
    source = asked.metric.source
    return source is not None and source.kind in {SourceKind.PROMETHEUS, SourceKind.HTTP}


def _afresh(folder: Path, asked: Sequence[Asked], *, most: int) -> Iterator[tuple[Asked, Samples | MetricError]]:
    """What is answered over connections of one's own: those of the process that forked are its own."""
    with Sources(folder) as own:
        yield from own._together(asked, (), at_once=AT_ONCE, most=most)  # noqa: SLF001 - the same class's


_OPENERS: Mapping[SourceKind, Callable[[Sources, SourceSettings], MetricSource]] = {
    SourceKind.PROMETHEUS: _prometheus,
    SourceKind.HTTP: _http,
    SourceKind.SQL: _sql,
    SourceKind.LOG: _log,
    SourceKind.CHAIN: _chain,
    SourceKind.RECORDED: _recorded,
}
