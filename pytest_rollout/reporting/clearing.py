"""Which reports there are, and how a run takes away those of an earlier one.

It imports little: a gate clears before it runs, and writes long after.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pytest_rollout.core.errors import ReportError
from pytest_rollout.core.rollout import NAME
from pytest_rollout.reporting.folder import PART, Folder


class Format(StrEnum):
    """A report, as options name it. ``verdict`` is always written."""

    VERDICT = "verdict"
    BRIEF = "brief"
    HTML = "html"
    JUNIT = "junit"
    ALLURE = "allure"

    @property
    def file(self) -> str:
        """The name of its file or folder."""
        return _FILES[self]


_FILES = {
    Format.VERDICT: "verdict.json",
    Format.BRIEF: "brief.md",
    Format.HTML: "brief.html",
    Format.JUNIT: "junit.xml",
    Format.ALLURE: "allure-results",
}


ATTESTATION = "attestation.json"
"""What `rollout attest`, or the gate itself, writes there about the judgement that the folder is about."""


def clear(folder: Path) -> None:
    """Take away what an earlier run left in ``<reports>/<rollout>/<stage>``, lest it be taken for this one's.

    Only names this room writes are touched. Raises ``ReportError``.
    """
    with entered(folder) as here:
        emptied(here)


def put(path: Path, content: bytes) -> None:
    """Put an attestation in place, whole or not at all; raises ``ReportError``."""
    with Folder.open(path.parent) as folder:
        pending = f".{path.name}{PART}"
        folder.remove(pending)
        folder.write(pending, [content])
        folder.swap(pending, path.name)


def entered(folder: Path) -> Folder:
    """The folder ``<reports>/<rollout>/<stage>``, locked; it is to be closed. Raises ``ReportError``."""
    for name in folder.parts[-2:]:
        # Names come from a plan that was checked; this is the place where they become a path.
        if not NAME.fullmatch(name):
            raise ReportError(f"{folder}: '{name}' cannot be the name of a folder; a name is like 'dark-launch'.")
    with Folder.open(folder.parent.parent) as root, root.enter(folder.parent.name) as middle:
        here = middle.enter(folder.name)
    try:
        here.lock()
    except ReportError:
        here.close()
        raise
    return here


def emptied(here: Folder) -> None:
    """Remove what this room has written into that folder, or was about to write."""
    ours = {*_FILES.values(), ATTESTATION}
    for name in here.names():
        if name in ours or (name.startswith(".") and name.endswith(PART)):
            here.remove(name)
