"""A corpus of blocks through both engines: streaming, parallel, and resumable to the last block."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_rollout.consensus.chunk import Done, Job, Pair, opened, run
from pytest_rollout.consensus.corpus import Corpus, Raw
from pytest_rollout.consensus.journal import Journal
from pytest_rollout.consensus.kept import keep
from pytest_rollout.core.divergence import Divergence
from pytest_rollout.core.engines import EngineSettings
from pytest_rollout.core.errors import EngineError
from pytest_rollout.core.latency import percentiles
from pytest_rollout.core.sample import Sample
from pytest_rollout.core.tally import Counts

CHUNK = 200
MOST_KEPT = 100
"""So many divergences of one replay are kept whole; all are counted."""
AHEAD = 3
"""So many chunks a worker are read ahead: memory stays flat however many blocks there are."""

Progress = Callable[["Replay", int, int], None]


@dataclass(slots=True, kw_only=True)
class Replay:
    """What came of a replay. ``stopped`` says that it ended at a divergence, before the corpus did."""

    blocks: int = 0
    chunks: int = 0
    resumed: int = 0
    counts: Counts = field(default_factory=Counts)
    sample: Sample = field(default_factory=Sample)
    first: tuple[int, str] | None = None
    kept: list[Path] = field(default_factory=list)
    divergences: list[tuple[Any, Divergence]] = field(default_factory=list)
    stopped: bool = False

    @property
    def is_clean(self) -> bool:
        """Whether every block was compared, and all agreed; nothing compared is not clean (rule 23)."""
        counts = self.counts
        is_whole = not self.stopped and counts.verifications == self.blocks == counts.comparisons > 0
        return is_whole and counts.divergences == 0 and counts.comparisons > counts.agreed_refusals

    def ratio(self) -> dict[str, Any]:
        """Percentiles of the paired ratio of latencies, in millionths."""
        values = [value for _, value in self.sample]
        there = [value for value in values if value is not None]
        missing = len(values) - len(there)
        return {"samples": len(values), **percentiles(there, infinite=missing)}

    def document(self) -> dict[str, Any]:
        """The replay as JSON."""
        return {
            "blocks": self.blocks,
            "counts": self.counts.document(),
            "ratio_millionths": self.ratio(),
            "first": "" if self.first is None else self.first[1],
            "stopped": self.stopped,
        }

    def take(self, done: Done) -> None:
        """Add a finished chunk."""
        self.chunks += 1
        self.blocks += done.blocks
        self.counts.add(done.counts)
        self.sample.add_all(done.ratios)
        if done.first is not None and (self.first is None or done.first < self.first):
            self.first = done.first


def replay(
    corpus: Corpus,
    settings: EngineSettings,
    folder: Path,
    *,
    executor: Executor | None = None,
    workers: int | None = None,
    chunk: int = CHUNK,
    part: tuple[int, int] = (1, 1),
    journal: Path | None = None,
    stop: bool = False,
    progress: Progress | None = None,
    keep_in: Path | None = None,
) -> Replay:
    """Run every block of the corpus through both engines.

    Over processes of its own by default (``workers``; 0 stays in this one), or on any ``executor``.
    ``part`` takes every n-th block only; ``journal`` makes it resumable; ``stop`` ends it at the
    first divergence. Raises ``EngineError`` where an engine cannot be loaded, a block not be read, or
    a worker has loaded another engine than this process.
    """
    if chunk < 1 or not 1 <= part[0] <= part[1]:
        raise EngineError(f"chunk {chunk} and part {part[0]} of {part[1]}: both count from 1.")
    pair = Pair(settings=settings, folder=str(folder))
    told = opened(pair).told  # an engine that cannot load is told before anything is started
    result = Replay()
    with ExitStack() as resources:
        book = None
        if journal is not None:
            subject = {
                "corpus": corpus.digest(),
                "reference": f"{settings.reference} {told['reference']}",
                "candidate": f"{settings.candidate} {told['candidate']}",
                "ignore": list(settings.ignore),
                "reasons": dict(settings.reasons),
                "chunk": chunk,
                "part": list(part),
            }
            book = resources.enter_context(Journal(journal, subject))
        jobs = _jobs(corpus, pair, result, book, chunk, part, stop=stop)
        count = workers if workers is not None else (os.cpu_count() or 1)
        if executor is None and count > 0:
            context = multiprocessing.get_context("spawn")
            executor = resources.enter_context(ProcessPoolExecutor(count, mp_context=context))
        finished = _here(jobs) if executor is None else _there(executor, jobs, AHEAD * max(count, 1))
        size = corpus.size
        for done, offset in finished:
            _same_engines(told, done.engines)
            if book is not None:
                book.finish(done.number, _record(done))
            result.take(done)
            _keep(result, done, keep_in)
            if progress is not None:
                progress(result, offset, size)
            if stop and done.first is not None:
                result.stopped = True
                break
    return result


def _jobs(
    corpus: Corpus,
    pair: Pair,
    result: Replay,
    book: Journal | None,
    chunk: int,
    part: tuple[int, int],
    *,
    stop: bool,
) -> Iterator[tuple[Job, int]]:
    """The chunks that are not finished yet; those that are, are counted from the journal."""
    for number, (blocks, offset) in enumerate(_chunks(corpus, chunk, part)):
        before = None if book is None else book.finished.get(number)
        if before is not None:
            done = _from_record(number, before)
            if done.blocks != len(blocks):
                raise EngineError(f"chunk {number} of the journal has {done.blocks} blocks, the corpus {len(blocks)}.")
            result.take(done)
            result.resumed += done.blocks
            if stop and done.first is not None:
                result.stopped = True
                return
        else:
            content = tuple((each.index, each.content) for each in blocks)
            yield Job(number=number, settings=pair, form=corpus.form, blocks=content, stop=stop), offset


def _chunks(corpus: Corpus, chunk: int, part: tuple[int, int]) -> Iterator[tuple[list[Raw], int]]:
    gathered: list[Raw] = []
    ours, parts = part
    for raw in corpus.raw():
        if raw.index % parts != ours - 1:
            continue
        gathered.append(raw)
        if len(gathered) == chunk:
            yield gathered, raw.offset
            gathered = []
    if gathered:
        yield gathered, gathered[-1].offset


def _same_engines(here: dict[str, str], there: dict[str, str]) -> None:
    """What another engine found out is no evidence of this one."""
    for side, told in here.items():
        if there.get(side) != told:
            raise EngineError(
                f"a worker of the replay has another {side}, {there.get(side)} instead of {told}; install the same "
                "engines everywhere, restart the workers, then run it again."
            )


def _here(jobs: Iterator[tuple[Job, int]]) -> Iterator[tuple[Done, int]]:
    for job, offset in jobs:
        yield run(job), offset


def _there(executor: Executor, jobs: Iterator[tuple[Job, int]], ahead: int) -> Iterator[tuple[Done, int]]:
    """Chunks as they finish, never more than ``ahead`` under way."""
    under_way: dict[Future[Done], int] = {}
    has_more = True
    try:
        while has_more or under_way:
            while has_more and len(under_way) < ahead:
                job, offset = next(jobs, (None, 0))
                if job is None:
                    has_more = False
                else:
                    under_way[executor.submit(run, job)] = offset
            if not under_way:
                break
            ready, _ = concurrent.futures.wait(under_way, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in ready:
                offset = under_way.pop(future)
                try:
                    yield future.result(), offset
                except concurrent.futures.BrokenExecutor as error:
                    raise EngineError(f"a worker of the replay was lost ({error}); run it again to go on.") from error
    finally:
        for future in under_way:
            future.cancel()


def _keep(result: Replay, done: Done, folder: Path | None) -> None:
    for block, divergence in done.kept:
        if len(result.divergences) >= MOST_KEPT:
            return
        result.divergences.append((block, divergence))
        if folder is not None:
            result.kept.append(keep(folder, block, divergence))


def _record(done: Done) -> dict[str, Any]:
    first = None if done.first is None else list(done.first)
    return {
        "blocks": done.blocks,
        "counts": done.counts.document(),
        "ratios": [list(each) for each in done.ratios],
        "first": first,
    }


def _from_record(number: int, record: dict[str, Any]) -> Done:
    try:
        first = record["first"]
        return Done(
            number=number,
            blocks=int(record["blocks"]),
            counts=Counts.read(record["counts"]),
            ratios=[(int(index), value) for index, value in record["ratios"]],
            first=None if first is None else (int(first[0]), str(first[1])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise EngineError(f"chunk {number} of the journal cannot be read ({error}).") from error
