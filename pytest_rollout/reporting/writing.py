"""Writes the reports of one judgement and believes none of them until it has been read back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from pytest_rollout.core.errors import ReportError
from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.judgement import Sealed
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import Stage
from pytest_rollout.reporting import allure_run, brief, junit, page, verdict
from pytest_rollout.reporting.clearing import Format, emptied, entered
from pytest_rollout.reporting.folder import PART, Folder, unlike
from pytest_rollout.reporting.pictures import Drawn, pictures

Differences = Callable[[bytes, Sealed], str]
"""What in a report that was read back is not the judgement; empty if nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report that was written and read back.

    ``sha256`` is that of the file or, for a folder, of the lines ``<sha256> <name>`` of its
    ``files`` in the order they were written; ``size`` is in bytes.
    """

    format: Format
    path: Path
    sha256: str
    size: int
    files: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What one run left in ``folder``."""

    folder: Path
    reports: tuple[Report, ...]

    def path(self, kind: Format) -> Path | None:
        """Where the report of that kind is, or None if it was not asked for."""
        return next((report.path for report in self.reports if report.format is kind), None)


def write(
    sealed: Sealed,
    evidence: Evidence,
    plan_stage: Stage,
    folder: Path,
    formats: AbstractSet[str] = frozenset(Format),
    *,
    redactor: Redactor | None = None,
    drawn: Drawn | None = None,
) -> Written:
    """Write the reports of a judgement into ``<reports>/<rollout>/<stage>``, each checked after writing.

    ``drawn`` is what criteria are drawn from, where their metrics have sources.
    Earlier reports of the gate are removed first, asked for or not. A report that still spells
    one of the redactor's secrets is not put in place. Raises ``ReportError``; what was written
    until then stands, and nothing torn does.
    """
    run = sealed.judgement.run
    if folder.parts[-2:] != (run.rollout, run.stage):
        raise ReportError(f"{folder}: reports of {run.rollout}:{run.stage} go into {run.rollout}/{run.stage}.")
    written: list[Report] = []
    with entered(folder) as here:
        emptied(here)
        words = "".join(brief.parts(sealed, plan_stage))
        is_drawn = drawn is not None and drawn.samples and formats & {Format.HTML, Format.ALLURE}
        shown = pictures(drawn) if is_drawn and drawn is not None else {}
        sources: dict[Format, tuple[Iterable[str | bytes], Differences]] = {
            Format.VERDICT: (verdict.parts(sealed), verdict.differences),
            Format.BRIEF: ([words], brief.differences),
            Format.HTML: (_page(sealed, words, shown), page.differences),
            Format.JUNIT: (junit.parts(sealed, evidence), junit.differences),
        }
        for kind, (parts, differences) in sources.items():
            if kind in formats or kind is Format.VERDICT:
                written.append(_file(here, kind, parts, differences, sealed, redactor))
        if Format.ALLURE in formats:
            written.append(_allure(here, sealed, evidence, (words, shown), redactor))
    return Written(folder=here.path, reports=tuple(written))


def _file(
    here: Folder,
    kind: Format,
    parts: Iterable[str | bytes],
    differences: Differences,
    sealed: Sealed,
    redactor: Redactor | None,
) -> Report:
    pending = f".{kind.file}{PART}"
    digest, size = here.write(pending, parts)
    path = here.path / kind.file
    data = here.read(pending)
    _refuse(here, pending, path, differences(data, sealed))
    _refuse(here, pending, path, _leak(data, redactor))
    here.swap(pending, kind.file)
    return Report(format=kind, path=path, sha256=digest, size=size)


def _page(sealed: Sealed, words: str, shown: Mapping[str, str]) -> Iterator[str]:
    """Rendered when it is written, if it is."""
    yield page.render(sealed, words, list(shown.values()))


def _allure(
    here: Folder,
    sealed: Sealed,
    evidence: Evidence,
    views: tuple[str, Mapping[str, str]],
    redactor: Redactor | None,
) -> Report:
    words, shown = views
    pending = f".{Format.ALLURE.file}{PART}"
    path = here.path / Format.ALLURE.file
    try:
        with here.make(pending) as inside:
            results = allure_run.write_results(
                sealed, evidence, allure_run.page_of(sealed, words), inside, pictures=shown
            )
            problem = allure_run.differences(inside, results, sealed, redactor)
    except ReportError:
        here.remove(pending)
        raise
    _refuse(here, pending, path, problem)
    here.swap(pending, Format.ALLURE.file)
    return Report(format=Format.ALLURE, path=path, sha256=results.digest, size=results.size, files=results.files)


def _refuse(here: Folder, pending: str, path: Path, problem: str) -> None:
    if problem:
        here.remove(pending)
        raise unlike(path, problem)


def _leak(data: bytes, redactor: Redactor | None) -> str:
    return "" if redactor is None or redactor.is_clean(data) else "a secret of the plan stands in it"
