"""The brief as a comment of a pull request takes it: whole, or its beginning and its end."""

from __future__ import annotations

from pathlib import Path

from pytest_rollout.core.errors import ReportError
from pytest_rollout.reporting.clearing import Format

LONGEST = 65_000
"""How many characters a comment may have: GitHub takes 65,536, a summary of one of its steps 1 MiB."""

_LAST = "\n## How to verify\n"


def summary(folder: Path, longest: int = LONGEST) -> str:
    """The brief in ``folder``, of at most ``longest`` characters; raises ``ReportError`` where there is none.

    Nothing in a brief is markup but what it wrote itself. Whole lines are left out of its middle, so that no
    table, link or escape is cut in two; how many there were is told, and the last section stays.
    """
    path = folder / Format.BRIEF.file
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ReportError(f"{path}: cannot be read ({error.strerror}). Run the gate first.") from None
    except UnicodeDecodeError:
        raise ReportError(f"{path}: is no UTF-8; it is not the brief that was written. Run the gate again.") from None
    if len(text) <= longest:
        return text
    before, mark, last = text.rpartition(_LAST)
    room = longest - len(mark) - len(last) - 100  # for the note
    kept = before[: before.rfind("\n", 0, max(room, 0)) + 1]
    left_out = before[len(kept) :].count("\n") + 1
    return f"{kept}\n… {left_out:,} lines left out: see `{Format.BRIEF.file}`.\n{mark}{last}"
