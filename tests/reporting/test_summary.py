"""A brief as a comment of a pull request takes it: short enough, inert, and never more cheerful than the judgement."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from pytest_rollout.core.errors import ReportError
from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.rollout import Stage
from pytest_rollout.reporting import write
from pytest_rollout.reporting.summary import LONGEST, summary

HOSTILE = "<img src=x onerror=alert(1)> ![p](https://e.example/p.png) [go](javascript:1) @team | ``` \u202e\x1b[2J =1+1 https://e.example "


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "takumi" / "alpha"


def test_a_brief_that_fits_is_given_as_it_is(seal, findings, stage: Stage, folder: Path) -> None:
    write(seal(findings), Evidence(), stage, folder)

    assert summary(folder) == (folder / "brief.md").read_text()


def test_one_that_does_not_fit_says_what_it_leaves_out(seal, finding, stage: Stage, folder: Path) -> None:
    """A hundred findings full of text that tries everything: the verdict and the way to check it stay."""
    text = HOSTILE * 40
    many = [
        finding(f"test_{n}", Outcome.FAIL, title=text, measured=text, needed=text, detail=text, remedy=text)
        for n in range(100)
    ]
    sealed = seal(many)
    write(sealed, Evidence(), stage, folder, {"brief"})
    brief = (folder / "brief.md").read_text()

    short = summary(folder)

    assert len(brief) > 2 * LONGEST
    assert len(short) <= LONGEST
    assert short.startswith("# HOLD — ")
    assert f"digest is `{sealed.digest}`" in short
    (note,) = re.findall(r"^… ([0-9,]+) lines left out: see `brief\.md`\.$", short, re.MULTILINE)
    lines = short.splitlines()
    whole = brief.splitlines()
    assert [line for line in lines if line and not line.startswith("… ") and line not in whole] == []
    assert len(lines) - 3 + int(note.replace(",", "")) >= len(whole) - 2
    page = MarkdownIt("gfm-like", {"linkify": False}).render(short)
    assert "<img" not in page
    assert "<a " not in page
    assert "@team" not in short
    assert not {"\x1b", "\u202e"} & set(short)


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "cannot be read (No such file or directory). Run the gate first."), (b"\xff", "is no UTF-8")],
)
def test_without_a_brief_it_is_one_sentence(folder: Path, content: bytes | None, says: str) -> None:
    folder.mkdir(parents=True)
    if content is not None:
        (folder / "brief.md").write_bytes(content)

    with pytest.raises(ReportError) as refused:
        summary(folder)

    assert says in str(refused.value)


def test_the_command_prints_it(project) -> None:
    project.write({"suites/test_a.py": f"def test_a():\n    assert False, {HOSTILE!r}\n"})
    assert project.rollout("report", "alpha", "--summary").status == 4
    assert project.pytest("--stage=alpha").status == 10

    told = project.rollout("report", "alpha", "--summary")

    assert told.status == 0, told.err
    assert told.out.rstrip("\n") == (project.folder / "reports/toy/alpha/brief.md").read_text().rstrip("\n")
