"""From a metric's settings to a source that can be asked, and all sources asked at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING, Any, Self

from pytest_rollout.core.errors import EvidenceError, MetricError, RolloutError
from pytest_rollout.core.rollout import Metric, SourceKind, SourceSettings
from pytest_rollout.core.series import Samples
from pytest_rollout.metrics.port import MetricSource

if TYPE_CHECKING:  # importing it for real would load requests
    from pytest_rollout.metrics.web import Web

AT_ONCE = 100
"""Sources asked at the same time: a gate takes as long as its slowest query."""

MOST_SAMPLES = 600_000
"""Samples in memory at the same time, by what is to be expected: a day of a hundred metrics, a week of 14."""

Rpc = Callable[[str, Sequence[Any]], Any]
"""A chain's JSON-RPC: method and parameters to the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One metric to ask for, and from when to when."""

    metric: Metric
    since: datetime
    until: datetime

    @property
    def samples(self) -> int:
        """How many samples are to be expected."""
        source = self.metric.source
        return 0 if source is None else max(0, (self.until - self.since) // source.interval)


class _Room:
    """Room for so many samples at a time: who asks for more than is left waits until others were handed on."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most
        self._changed = Condition()

    def enter(self, samples: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._left >= min(samples, self._most))
            self._left -= min(samples, self._most)

    def leave(self, samples: int) -> None:
        with self._changed:
            self._left += min(samples, self._most)
            self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nobody is held up by what nobody takes any more."""
        with self._changed:
            self._left = 10**18
            self._changed.notify_all()


class Sources:
    """All sources of a run, opened when they are first asked, over one pool of connections.

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

    def open(self, settings: SourceSettings) -> MetricSource:
        """The source of these settings; raises ``MetricError`` where it cannot be one."""
        source = _OPENERS[settings.kind](self, settings)
        self._open.append(source)
        return source

    def collect(
        self, asked: Iterable[Asked], *, at_once: int = AT_ONCE
    ) -> Iterator[tuple[Asked, Samples | MetricError]]:
        """What each source answers, or why there is no answer, in the order in which answers come.

        Hand on what came before taking the next: nothing is kept here.
        """
        waiting = [(each, self._opened(each.metric)) for each in asked]
        workers = max(1, min(at_once, len(waiting)))
        room = _Room(MOST_SAMPLES)
        with ThreadPoolExecutor(workers, thread_name_prefix="rollout-metrics") as pool, room:
            running: dict[Future[Samples | MetricError], Asked] = {
                pool.submit(_ask, source, each, room): each for each, source in waiting
            }
            for done in as_completed(list(running)):
                each = running.pop(done)
                yield each, done.result()
                del done  # and with it what it answered
                room.leave(each.samples)

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

    return PrometheusSource(settings, sources.web, certificates=_certificates(sources.folder, settings))


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


def _ask(source: MetricSource | MetricError, asked: Asked, room: _Room) -> Samples | MetricError:
    """The answer, or the trouble as a value: one source's trouble is not another's."""
    room.enter(asked.samples)
    if isinstance(source, MetricError):
        return source
    try:
        return source.samples(asked.metric, asked.since, asked.until)
    except (MetricError, EvidenceError) as error:
        return MetricError(f"metric {asked.metric.name}: {error}")


_OPENERS: Mapping[SourceKind, Callable[[Sources, SourceSettings], MetricSource]] = {
    SourceKind.PROMETHEUS: _prometheus,
    SourceKind.HTTP: _http,
    SourceKind.SQL: _sql,
    SourceKind.LOG: _log,
    SourceKind.CHAIN: _chain,
    SourceKind.RECORDED: _recorded,
}
