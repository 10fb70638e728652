"""The block a gate run ends with: the verdict, what stands in the way, the next command."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from pytest_rollout.core.finding import Finding
from pytest_rollout.core.judgement import Sealed
from pytest_rollout.core.outcome import Outcome, Verdict
from pytest_rollout.reporting import phrases
from pytest_rollout.reporting.clearing import Format
from pytest_rollout.reporting.text import line
from pytest_rollout.reporting.writing import Written

MOST = 20
"""How many findings are listed; the brief has the rest."""

_CELL = 200
_LINES = 3
_NARROWEST = 40
_OUTCOME_WIDTH = max(map(len, phrases.OUTCOMES.values()))
_RESET = "\x1b[0m"
_VERDICT_COLOURS = {Verdict.PROMOTE: "\x1b[1;32m", Verdict.HOLD: "\x1b[1;33m", Verdict.ROLLBACK: "\x1b[1;31m"}
_OUTCOME_COLOURS = {Outcome.FAIL: "\x1b[31m", Outcome.ERROR: "\x1b[31m", Outcome.PASS: "\x1b[32m"}
_OTHER_COLOUR = "\x1b[33m"


def render(
    sealed: Sealed,
    written: Written | None,
    next_command: str = "",
    width: int = 80,
    colour: bool = False,
) -> str:
    """The block as text that ends with a newline, at most ``width`` columns wide (40 or more).

    ``written`` says where the brief is, None if no report could be written. An empty
    ``next_command`` stands for the one the verdict advises. Only the verdict and the outcomes
    are coloured, and only on request.
    """
    width = max(width, _NARROWEST)
    return "".join(f"{row.rstrip()}\n" for row in _rows(sealed, written, next_command, width, colour))


def _rows(sealed: Sealed, written: Written | None, next_command: str, width: int, colour: bool) -> Iterator[str]:
    judgement = sealed.judgement
    blocking = judgement.blocking
    yield _title(sealed, width, colour)
    yield from _findings(blocking[:MOST], width, colour)
    if len(blocking) > MOST:
        brief = written.path(Format.BRIEF) if written is not None else None
        yield f" and {len(blocking) - MOST:,} more" + (f": {line(str(brief))}" if brief else "")
    summary = [
        phrases.passed(judgement.findings),
        line(phrases.place(judgement)),
        f"judgement {phrases.short(sealed.digest)}",
    ]
    yield from (f" {row}" for row in _joined(summary, " · ", width - 1))
    # A command is there to be copied: it is never wrapped or cut.
    yield f" next: {line(next_command or phrases.next_command(judgement))}"


def _title(sealed: Sealed, width: int, colour: bool) -> str:
    judgement = sealed.judgement
    gate = f"{line(judgement.run.rollout)} · {line(judgement.run.stage)}"
    verdict = judgement.verdict.value.upper()
    around = line(phrases.circumstances(judgement))
    around = f" ({around})" if around else ""
    room = width - cell_len(f" {gate}: {verdict}{around} ")
    left = max(3, room // 2)
    right = max(3, room - left)
    if colour:
        verdict = f"{_VERDICT_COLOURS[judgement.verdict]}{verdict}{_RESET}"
    return f"{'-' * left} {gate}: {verdict}{around} {'-' * right}"


def _findings(findings: Sequence[Finding], width: int, colour: bool) -> Iterator[str]:
    table = [_cells(finding) for finding in findings]
    if not table:
        return
    widths = _widths(table, width - 1 - 2 * 3 - _OUTCOME_WIDTH)
    for finding, cells in zip(findings, table, strict=True):
        columns = [_wrapped(cell, room) for cell, room in zip(cells, widths, strict=True)]
        shown = f"{phrases.OUTCOMES[finding.outcome]:>{_OUTCOME_WIDTH}}"
        if colour:
            shown = f"{_OUTCOME_COLOURS.get(finding.outcome, _OTHER_COLOUR)}{shown}{_RESET}"
        for number in range(max(map(len, columns))):
            row = [
                _padded(column[number] if number < len(column) else "", room)
                for column, room in zip(columns, widths, strict=True)
            ]
            yield f" {'  '.join(row)}  {shown if number == 0 else ''}"


def _cells(finding: Finding) -> tuple[str, str, str]:
    measured = finding.measured or finding.detail
    if finding.remedy and (finding.outcome is Outcome.PENDING or not finding.needed):
        owed = finding.remedy
    elif finding.needed:
        owed = f"needs {finding.needed}"
    else:
        owed = finding.detail if finding.measured else ""
    return line(finding.title or finding.item, _CELL), line(measured, _CELL), line(owed, _CELL)


def _widths(table: Sequence[Sequence[str]], room: int) -> list[int]:
    """Share ``room`` among the columns: each what it needs, wide ones what is left, evenly.

    A command keeps its line, being there to be copied, unless it takes more than half.
    """
    wanted = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    commands = [cell_len(cells[-1]) for cells in table if cells[-1].startswith("rollout ")]
    kept = max((each for each in commands if each <= room // 2), default=0)
    widths = [0] * len(wanted)
    owing = sorted(range(len(wanted)), key=wanted.__getitem__)
    if kept > room // len(wanted):
        owing.remove(len(wanted) - 1)
        widths[-1] = kept
        room -= kept
    while owing:
        column = owing.pop(0)
        widths[column] = min(wanted[column], room // (len(owing) + 1))
        room -= widths[column]
    return widths


def _wrapped(text: str, room: int) -> list[str]:
    """Up to three lines of ``room`` columns, broken between words; ``…`` where words were left out."""
    if room < 1:
        return [""]
    rows: list[str] = []
    for word in text.split():
        shown = _fitted(word, room)
        if rows and cell_len(rows[-1]) + 1 + cell_len(shown) <= room:
            rows[-1] += f" {shown}"
        else:
            rows.append(shown)
    if len(rows) <= _LINES:
        return rows or [""]
    last = rows[_LINES - 1]
    while cell_len(last) > room - 2 and " " in last:
        last = last.rpartition(" ")[0]
    return [*rows[: _LINES - 1], f"{last} …" if cell_len(last) <= room - 2 else _cut(last, room)]


def _fitted(word: str, room: int) -> str:
    """A word that fits, cut if need be. A number keeps both ends and tells its length: a part of it would mislead."""
    if cell_len(word) <= room:
        return word
    if re.fullmatch(r"[+-]?[0-9][0-9.,_]*", word):
        told = f"({sum(map(str.isdigit, word))} digits)"
        keep = (room - len(told) - 1) // 2
        return f"{word[:keep]}…{word[-keep:]}{told}" if keep > 1 else told
    if "::" in word and word.isascii():
        return f"…{word[1 - room :]}"  # a node id is told apart by its end
    keep = (room - 1) // 2
    if keep < 1 or not word.isascii():
        return _cut(word, room)
    return f"{word[: room - 1 - keep]}…{word[-keep:]}"


def _cut(text: str, room: int) -> str:
    if cell_len(text) < room:
        return f"{text}…"
    while text and cell_len(text) > room - 1:
        text = text[:-1]
    return f"{text}…"


def _padded(text: str, room: int) -> str:
    return text + " " * (room - cell_len(text))


def _joined(parts: Sequence[str], between: str, room: int) -> Iterator[str]:
    """Parts on one line, or on as many as they need; a part is never broken."""
    row = ""
    for part in parts:
        if row and cell_len(f"{row}{between}{part}") > room:
            yield row
            row = part
        else:
            row = f"{row}{between}{part}" if row else part
    yield row
