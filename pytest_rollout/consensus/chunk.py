"""A few blocks through both engines, in whatever process it happens to run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from pytest_rollout.consensus.corpus import Form, parsed
from pytest_rollout.consensus.guard import ask_here
from pytest_rollout.consensus.identity import identities
from pytest_rollout.consensus.loading import version_of
from pytest_rollout.consensus.naming import name_of
from pytest_rollout.consensus.opening import open_both
from pytest_rollout.consensus.trial import NOT_SHOWN, Trial, copies_of
from pytest_rollout.core.answer import Answer, Comparison
from pytest_rollout.core.divergence import Divergence
from pytest_rollout.core.engines import EngineSettings
from pytest_rollout.core.latency import ratios
from pytest_rollout.core.tally import Counts

MOST_KEPT = 3
"""So many divergences of one chunk are handed back whole; all are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Blocks as bytes with their index, and the engines to ask."""

    number: int
    settings: Pair
    form: Form
    blocks: tuple[tuple[int, bytes], ...]
    stop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two engines by their specification; opened once a process, and kept."""

    settings: EngineSettings
    folder: str

    def __hash__(self) -> int:
        return hash((str(self.settings.reference), str(self.settings.candidate), self.folder))


@dataclass(slots=True, kw_only=True)
class Done:
    """What came of a chunk: counts, ratios by block, the first divergence and the first few of them whole.

    ``engines`` are those that were asked, which may have been loaded on another machine.
    """

    number: int
    engines: dict[str, str] = field(default_factory=dict)
    blocks: int = 0
    counts: Counts = field(default_factory=Counts)
    ratios: list[tuple[int, int | None]] = field(default_factory=list)
    first: tuple[int, str] | None = None
    kept: list[tuple[Any, Divergence]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Both engines, loaded here; the candidate on trial. ``told`` names each by its version and its file's digest."""

    reference: Any
    versions: dict[str, str]
    told: dict[str, str]
    trial: Trial

    def compare(self, block: Any, settings: EngineSettings) -> tuple[Answer, Answer | None, Comparison | None]:
        """Both answers and their relation: no answer of a late candidate, no relation if it was not asked."""
        copies = copies_of(block)
        ours, _ = ask_here(self.reference.verify_block, block, settings.reasons)
        theirs, comparison = NOT_SHOWN if copies is None else self.trial.show_in_time(ours, copies)
        return ours, theirs, comparison


@lru_cache(maxsize=4)
def opened(pair: Pair) -> Opened:
    """The engines of this process; raises ``EngineError`` where one cannot be loaded."""
    settings, folder = pair.settings, Path(pair.folder)
    reference, candidate = open_both(settings, folder)
    versions = {"reference": version_of(reference), "candidate": version_of(candidate)}
    trial = Trial(candidate, limit=settings.limit.total_seconds(), ignore=settings.ignore, reasons=settings.reasons)
    told = {side: f"{versions[side]}, {each}" for side, each in identities(settings, folder).items()}
    return Opened(reference=reference, versions=versions, told=told, trial=trial)


def run(job: Job) -> Done:
    """Ask both engines about every block of a chunk."""
    engines = opened(job.settings)
    done = Done(number=job.number, engines=dict(engines.told))
    for index, content in job.blocks:
        block = parsed(job.form, content, f"block {index}")
        ours, theirs, comparison = engines.compare(block, job.settings.settings)
        done.blocks += 1
        done.counts.verifications += 1
        if comparison is None:
            done.counts.skipped += 1
            continue
        done.counts.count(comparison.relation)
        if theirs is None:
            done.ratios.append((index, None))
        else:
            done.ratios.append((index, ratios([(ours.nanoseconds, theirs.nanoseconds)])[0]))
        if theirs is not None and comparison.relation.is_divergence:
            _keep(done, job, engines, index, parsed(job.form, content, ""), (ours, theirs, comparison))
            if job.stop:
                break
    return done


def _keep(
    done: Done, job: Job, engines: Opened, index: int, block: Any, found: tuple[Answer, Answer, Comparison]
) -> None:
    ours, theirs, comparison = found
    if done.first is None:
        done.first = (index, f"block {name_of(block)} ({index}): {comparison.text}")
    if len(done.kept) < MOST_KEPT:
        divergence = Divergence(
            block=name_of(block),
            mode="replay",
            relation=comparison.relation,
            text=comparison.text,
            reference=ours.document(),
            candidate=theirs.document(),
            versions=engines.versions,
            at=datetime.now(UTC).isoformat(),
            differences=comparison.differences,
            ignore=job.settings.settings.ignore,
            reasons=job.settings.settings.reasons,
        )
        done.kept.append((block, divergence))
