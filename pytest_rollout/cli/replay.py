"""``rollout replay``: a corpus through two engines, or kept divergences once more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from pytest_rollout.consensus.chunk import Pair, opened
from pytest_rollout.consensus.corpus import Corpus
from pytest_rollout.consensus.kept import keep, read_kept
from pytest_rollout.consensus.replay import Progress, Replay
from pytest_rollout.consensus.replay import replay as replay_blocks
from pytest_rollout.consensus.shrinking import shrunk
from pytest_rollout.core.divergence import Divergence
from pytest_rollout.core.engines import EngineKind, EngineSettings, EngineSpec, Isolation
from pytest_rollout.core.errors import UsageError, listed
from pytest_rollout.core.latency import as_fraction
from pytest_rollout.core.rollout import Rollout
from pytest_rollout.core.units import UNITS, show

SHRUNK = "-shrunk"
"""How a divergence is named that was made smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line asked for."""

    blocks: Path
    reference: str | None = None
    candidate: str | None = None
    limit: timedelta = timedelta(seconds=2)
    ignore: tuple[str, ...] = ()
    memory: int | None = None
    workers: int | None = None
    dask: str | None = None
    chunk: int = 200
    journal: Path | None = None
    stop: bool = False
    keep: Path | None = None
    shrink: bool = True


def engines(asked: Asked, rollouts: list[Rollout], start: Path) -> tuple[EngineSettings, Path]:
    """The engines to ask and the folder they are relative to: those of the command line, else of the plan."""
    if asked.reference is not None and asked.reference == asked.candidate:
        raise UsageError(f"{asked.reference} is both --reference and --candidate; an engine always agrees with itself.")
    if asked.reference is not None and asked.candidate is not None:
        settings = EngineSettings(
            reference=_spec(asked.reference),
            candidate=_spec(asked.candidate),
            isolation=Isolation.THREAD if asked.memory is None else Isolation.PROCESS,
            limit=asked.limit,
            memory=asked.memory,
            ignore=asked.ignore,
        )
        return settings, start
    if asked.reference is not None or asked.candidate is not None:
        raise UsageError("give both --reference and --candidate, or neither and the plan's engines are asked.")
    having = [each for each in rollouts if each.engines is not None]
    if len(having) != 1:
        names = listed(each.name for each in having)
        raise UsageError(
            f"which engines? Rollouts with [engines] are: {names}; name one with --rollout, or give "
            "--reference and --candidate."
        )
    found = having[0].engines
    assert found is not None  # noqa: S101 - just chosen for it
    return found, having[0].folder


def _spec(text: str) -> EngineSpec:
    if text.startswith(("http://", "https://")):
        return EngineSpec(kind=EngineKind.URL, target=text)
    if text.startswith("command:"):
        return EngineSpec(kind=EngineKind.COMMAND, command=tuple(text.removeprefix("command:").split()))
    return EngineSpec(kind=EngineKind.IMPORT, target=text)


def run(asked: Asked, settings: EngineSettings, folder: Path) -> tuple[dict[str, Any], str, bool]:
    """What came of it, as a document and as text, and whether all is well."""
    if asked.blocks.is_dir():
        return _again(asked, settings, folder)
    with ExitStack() as resources:
        executor = None
        if asked.dask is not None:
            from pytest_rollout.consensus.cluster import dask_executor  # noqa: PLC0415 - an extra

            executor = resources.enter_context(dask_executor(asked.dask))
        corpus = Corpus(asked.blocks)
        progress = resources.enter_context(_progress(corpus))
        result = replay_blocks(
            corpus,
            settings,
            folder,
            executor=executor,
            workers=asked.workers,
            chunk=asked.chunk,
            journal=asked.journal,
            stop=asked.stop,
            progress=progress,
            keep_in=asked.keep or folder / settings.kept,
        )
    smaller = None
    if asked.shrink and result.divergences:  # the first of them
        block, divergence = result.divergences[0]
        smaller = _shrunk(block, divergence, settings, folder, asked.keep or folder / settings.kept)
    document = result.document() | {
        "is_clean": result.is_clean,
        "resumed": result.resumed,
        "kept": [str(each) for each in result.kept],
    }
    return document, _text(result, smaller), result.is_clean


def _again(asked: Asked, settings: EngineSettings, folder: Path) -> tuple[dict[str, Any], str, bool]:
    """Each kept divergence asked again: whether the two still do not say the same."""
    pair = Pair(settings=settings, folder=str(folder))
    engines_here = opened(pair)
    lines: list[str] = []
    still: list[str] = []
    number = 0
    for kept in read_kept(asked.blocks):
        number += 1
        _, _, comparison = engines_here.compare(kept.block, settings)
        is_well = comparison is not None and comparison.relation.is_comparison and not comparison.relation.is_divergence
        if not is_well:
            still.append(kept.folder.name)
        said = "agree" if is_well else (comparison.text or comparison.relation.value if comparison else "not asked")
        lines.append(f"{kept.folder.name}: {said}")
        if not is_well and comparison is not None and asked.shrink and not kept.divergence.block.endswith(SHRUNK):
            about = replace(kept.divergence, relation=comparison.relation)
            smaller = _shrunk(kept.block, about, settings, folder, asked.keep or kept.folder.parent)
            lines += [smaller] if smaller else []
    lines.append(f"{len(still)} of {number} kept divergences still diverge")
    return {"kept": number, "still": still, "is_clean": not still}, "\n".join(lines), not still


def _shrunk(block: Any, divergence: Divergence, settings: EngineSettings, folder: Path, place: Path) -> str | None:
    """A divergence with the fewest transactions, kept below ``place`` too; None where there are no fewer."""
    engines_here = opened(Pair(settings=settings, folder=str(folder)))

    def diverges(smaller: Any) -> bool:
        _, _, comparison = engines_here.compare(smaller, settings)
        return comparison is not None and comparison.relation is divergence.relation

    found = shrunk(block, diverges)
    if found is None or found[1] == found[2]:
        return None
    smaller, left, whole = found
    _, _, comparison = engines_here.compare(smaller, settings)
    assert comparison is not None  # noqa: S101 - it diverges
    about = replace(
        divergence,
        block=f"{divergence.block}{SHRUNK}",
        text=comparison.text,
        differences=comparison.differences,
        transactions=(left, whole),
    )
    return f"{left} of {whole} transactions still diverge: {keep(place, smaller, about)}"


def _text(result: Replay, smaller: str | None) -> str:
    counts = result.counts
    lines = [
        (
            f"{result.blocks} blocks, {counts.comparisons} compared: {counts.divergences} divergences "
            f"({counts.differing} differing, {counts.candidate_errors} candidate errors, {counts.reference_errors} "
            f"reference errors), {counts.timeouts} timeouts, {counts.skipped} skipped, {counts.ignored} equal but for "
            f"ignored fields, {counts.agreed_refusals} refused by both"
        )
    ]
    if result.resumed:
        lines.append(f"{result.resumed} of them from the journal")
    ratio = result.ratio()
    if isinstance(ratio.get("p50"), int):
        p95 = ratio["p95"]
        shown = "slower than any" if p95 is None else f"{show(as_fraction(p95), UNITS['count'])}x"
        lines.append(f"candidate over reference: p50 {show(as_fraction(ratio['p50']), UNITS['count'])}x, p95 {shown}")
    if result.first is not None:
        lines.append(f"first: {result.first[1]}")
    lines += [f"kept: {each}" for each in result.kept[:5]]
    if smaller:
        lines.append(smaller)
    if result.stopped:
        lines.append("stopped at a divergence; the rest was not looked at")
    if not counts.comparisons:
        lines.append("nothing was compared, which is not the same as no divergence")
    return "\n".join(lines)


@contextmanager
def _progress(corpus: Corpus) -> Iterator[Progress | None]:
    """A bar on standard error, where somebody watches it."""
    from rich.console import Console  # noqa: PLC0415 - here alone
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415 - as above
    from rich.progress import Progress as Bar  # noqa: PLC0415 - as above

    console = Console(stderr=True)
    if not console.is_terminal or "NO_PROGRESS" in os.environ:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(corpus.path.name, total=corpus.size)

        def tell(result: Replay, offset: int, _size: int) -> None:
            what = f"{result.blocks} blocks, {result.counts.divergences} divergences"
            bar.update(task, completed=max(offset, bar.tasks[0].completed), description=what)

        yield tell
