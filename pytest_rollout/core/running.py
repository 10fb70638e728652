"""What a run says about itself: everything by which it may have looked at less than the gate."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pytest_rollout.core.evidence import Evidence, Process
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.manifest import Manifest
from pytest_rollout.core.outcome import Kind, Outcome

if TYPE_CHECKING:
    from pytest_rollout.core.judging import Ending
    from pytest_rollout.core.narrowing import Narrowing

RECORDED = 10
"""The exit status of a recorder that ended as it should: never 0, and never evidence; it must merely agree."""

TELLING_WARNINGS = frozenset(
    {
        "PytestAssertRewriteWarning",
        "PytestCollectionWarning",
        "PytestReturnNotNoneWarning",
        "PytestUnhandledCoroutineWarning",
        "PytestUnhandledThreadExceptionWarning",
        "PytestUnknownMarkWarning",
        "PytestUnraisableExceptionWarning",
        "SyntaxWarning",
    }
)
"""Warnings behind which a test passes without having looked (families S and O)."""

_WORKER = re.compile(r"gw[0-9]+")
_LEADERS = ("main", "controller")
_ORDINARY_STATUSES = frozenset({0, 1, 5})
"""All passed, some failed, none collected; what was recorded says the rest."""


def findings(
    evidence: Evidence, manifest: Manifest, ending: Ending, narrowings: Sequence[Narrowing]
) -> Iterator[Finding]:
    """Nothing, after a complete and undisturbed run; else what was disturbed, each by its name, once."""
    yield from dict.fromkeys(_disturbances(evidence, manifest, ending, narrowings))


def _disturbances(
    evidence: Evidence, manifest: Manifest, ending: Ending, narrowings: Sequence[Narrowing]
) -> Iterator[Finding]:
    for narrowing in narrowings:
        yield _run(
            f"narrowed by {narrowing.what}",
            Outcome.NOT_RUN,
            narrowing.why,
            remedy=f"run without {narrowing.what}",
        )
    yield from _ending(ending)
    yield from _processes(evidence)
    yield from _collections(evidence, manifest)
    for doubt in manifest.doubts:
        yield _run(doubt.place, Outcome.INCONCLUSIVE, doubt.text, remedy=f"correct {doubt.place}")
    for category, text, item in dict.fromkeys(evidence.warnings):
        if is_telling(category, text):
            yield _run(f"{category} in {item or 'this run'}", Outcome.INCONCLUSIVE, text)
    for what, text, item in dict.fromkeys(evidence.troubles):
        yield _run(f"{what} in {item}" if item else what, Outcome.ERROR, text)


def is_telling(category: str, text: str) -> bool:
    """Whether a test may have passed behind this warning without having looked."""
    if category == "PytestAssertRewriteWarning":
        return "always true" in text
    if category == "RuntimeWarning":
        return "was never awaited" in text
    return category in TELLING_WARNINGS


def _ending(ending: Ending) -> Iterator[Finding]:
    if ending.deadline_passed:
        yield _run(
            "the deadline passed",
            Outcome.ERROR,
            "the run was stopped from outside",
            remedy="mend what hangs, or raise stages.….deadline",
        )
    elif ending.signal:
        yield _run(f"the recorder ended by {ending.signal}", Outcome.ERROR, "whatever it did not record was not seen")
    elif ending.status != RECORDED:
        yield _run(
            f"the recorder ended with status {ending.status}", Outcome.ERROR, "something ended it in its own way"
        )
    if ending.interrupted:
        yield _run("interrupted", Outcome.NOT_RUN, "somebody stopped the run", remedy="run it again to its end")


def _processes(evidence: Evidence) -> Iterator[Finding]:
    if not evidence.processes:
        yield _run(
            "nothing was recorded",
            Outcome.ERROR,
            "no process of this run ever reported",
            remedy="read the output above",
        )
        return
    for process in evidence.processes.values():
        yield from _process(process)
        yield from _said(process, evidence)
    workers = [name for name in evidence.processes if _WORKER.fullmatch(name)]
    leaders = [name for name in _LEADERS if name in evidence.processes]
    if workers and "controller" not in leaders:
        yield _run("the controller was lost", Outcome.ERROR, "workers reported, their controller did not")
    if "controller" in leaders and not workers:
        yield _run("the workers were lost", Outcome.ERROR, "a controller reported, but none of its workers")
    if len(leaders) > 1:
        yield _run("two processes led the run", Outcome.ERROR, "one of them is none of this gate")


def _said(process: Process, evidence: Evidence) -> Iterator[Finding]:
    """What a process owes by its role: one collection if it runs tests, a sound end if it leads."""
    if process.name != "controller":
        said = sum(1 for collection in evidence.collections if collection.process == process.name)
        if said != 1:
            yield _run(f"process {process.name} said {said} times what it collected", Outcome.ERROR, "once is owed")
    if process.name in _LEADERS:
        yield from _status(process, evidence)
    elif not _WORKER.fullmatch(process.name):
        yield _run(f"process {process.name} is none of this run", Outcome.ERROR, "nobody started it")


def _status(process: Process, evidence: Evidence) -> Iterator[Finding]:
    """An exit status of pytest is no evidence, but it must agree with what was recorded."""
    status = process.exit_status
    if status is None:
        return
    if status not in _ORDINARY_STATUSES:
        yield _run(f"pytest ended with status {status}", Outcome.ERROR, "it did not end in an ordinary way")
    executions = (each for several in evidence.executions.values() for each in several)
    if status == 1 and not any(p.outcome == "failed" for each in executions for p in each.phases):
        yield _run("pytest says that a test failed", Outcome.ERROR, "no failure of a test was recorded")


def _process(process: Process) -> Iterator[Finding]:
    if not process.about:
        yield _run(f"process {process.name} never introduced itself", Outcome.ERROR, "its events cannot be placed")
    if not process.ended:
        yield _run(
            f"process {process.name} never ended its record",
            Outcome.ERROR,
            "it was lost, killed, or left by os._exit",
        )
    if process.gaps:
        yield _run(
            f"process {process.name} has gaps in its record",
            Outcome.ERROR,
            f"events are missing, doubled or forged in {process.gaps} places",
        )
    if process.about.get("optimize"):
        yield _run(f"process {process.name} ran with python -O", Outcome.ERROR, "assertions do nothing there")


def _collections(evidence: Evidence, manifest: Manifest) -> Iterator[Finding]:
    owed = {path for path in manifest.files if path.rpartition("/")[2] == "conftest.py"}
    for collection in evidence.collections:
        if collection.settings and collection.settings not in manifest.files:
            yield _run(
                f"the settings of {collection.settings} were used",
                Outcome.ERROR,
                "they are no part of this gate",
                remedy="write settings of the project's own, an empty pytest.ini if there are none",
            )
        for item, text in collection.errors.items():
            yield _run(
                f"collection error in {item}", Outcome.ERROR, text, remedy=f"pytest --collect-only {shlex.quote(item)}"
            )
        for item, text in collection.skipped.items():
            yield _run(f"{item} was skipped whole", Outcome.NOT_RUN, text)
        loaded = set(collection.conftests)
        for path in sorted(owed - loaded):
            yield _run(f"{path} was not loaded", Outcome.ERROR, "checks that it sets up are missing")
        for path in sorted(loaded - owed):
            yield _run(
                f"{path} was loaded",
                Outcome.ERROR,
                "it is no part of this gate",
                remedy="remove it or commit it to the gate",
            )
        for ids, what in ((collection.selected, "selected"), (collection.made, "made")):
            if doubled := sorted(_doubled(ids)):
                yield _run(f"{doubled[0]} was {what} twice", Outcome.INCONCLUSIVE, f"{len(doubled)} ids are doubled")


def _doubled(ids: Sequence[str]) -> set[str]:
    seen: set[str] = set()
    return {each for each in ids if each in seen or seen.add(each)}  # type: ignore[func-returns-value]


def _run(title: str, outcome: Outcome, measured: str, *, remedy: str = "run the whole gate again") -> Finding:
    return Finding(
        item=f"run::{title}",
        kind=Kind.RUN,
        title=title,
        outcome=outcome,
        measured=measured,
        needed="a complete, undisturbed run",
        remedy=remedy,
    )
