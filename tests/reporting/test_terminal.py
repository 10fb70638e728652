"""The block a run ends with: readable in 80 columns, without colour, whatever tests are called."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from rich.cells import cell_len

from pytest_rollout.core.finding import Finding
from pytest_rollout.core.judgement import Sealed
from pytest_rollout.core.outcome import Kind, Outcome, Verdict
from pytest_rollout.reporting import Format, Report, Written, render


def test_the_block_as_a_user_reads_it(seal, findings: list[Finding]) -> None:
    sealed = seal(findings)

    assert render(sealed, None).splitlines() == [
        "----------------------------- takumi · alpha: HOLD -----------------------------",
        " test_fee[1::2]    failed in call     needs one clean pass                  fail",
        " test_node         could not look:    needs one clean pass                 error",
        "                   setup failed",
        "                   (NetworkError)",
        " test_gone         never ran          needs one clean pass               not run",
        " transaction       99.31 % of 152     needs > 99 %, 299 samples     inconclusive",
        " success rate",
        " checklist 3:      not ticked         rollout check takumi:alpha 3       pending",
        " audit letter",
        f" 1 test passed, 1 declared check passed · local @ 12 · judgement {sealed.digest[:4]}…{sealed.digest[-2:]}",
        " next: rollout status takumi",
    ]


def test_a_promotion_is_three_lines_and_names_the_command(seal, finding) -> None:
    rows = render(seal([finding()]), None).splitlines()

    assert "PROMOTE" in rows[0]
    assert rows[2:] == [" next: rollout promote takumi:alpha"]


def test_a_given_command_is_printed_whole(seal, finding) -> None:
    command = "rollout promote takumi:alpha --rollout-ledger=postgresql://ledger.example/very/long/name/of/it"

    assert render(seal([finding()]), None, command).splitlines()[-1] == f" next: {command}"


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"attempt": 3}, " takumi · alpha: HOLD (attempt 3) "),
        ({"rehearsal": True, "network": "devnet"}, " takumi · alpha: HOLD (rehearsal on devnet) "),
        ({"rehearsal": True, "attempt": 2}, " takumi · alpha: HOLD (rehearsal on local, attempt 2) "),
    ],
)
def test_attempts_and_rehearsals_stand_in_the_title(seal, changes: dict[str, object], title: str) -> None:
    assert title in render(seal([], **changes), None).splitlines()[0]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(seal, findings: list[Finding], width: int) -> None:
    """The last line is a command to copy: it alone is never broken."""
    rows = render(seal(findings), None, width=width).splitlines()

    assert max(map(cell_len, rows[:-1])) <= width
    assert cell_len(rows[0]) == width


def test_a_long_list_names_where_the_rest_is(seal, finding) -> None:
    sealed = seal(finding(f"test_{i}", Outcome.FAIL) for i in range(10_000))
    brief = Path("reports/takumi/alpha/brief.md")
    report = Report(format=Format.BRIEF, path=brief, sha256="", size=0)

    rows = render(sealed, Written(folder=brief.parent, reports=(report,))).splitlines()

    assert " and 9,980 more: reports/takumi/alpha/brief.md" in rows
    assert len(rows) == 1 + 20 + 3


def test_a_list_without_a_brief_still_says_how_many_are_left_out(seal, finding) -> None:
    rows = render(seal(finding(f"test_{i}", Outcome.FAIL) for i in range(25)), None).splitlines()

    assert " and 5 more" in rows


def test_a_long_node_id_keeps_its_end(seal, finding) -> None:
    node = f"suites/{'deep/' * 20}test_profile.py::test_profiles_are_created[42]"

    rows = render(seal([finding(title=node, outcome=Outcome.FAIL)]), None).splitlines()

    assert "test_profiles_are_created[42]"[-20:] in rows[1]


def test_advisory_findings_are_not_in_the_way(seal, finding) -> None:
    shown = render(seal([finding("test_slow", Outcome.FAIL, required=False), finding()]), None)

    assert "test_slow" not in shown


def test_findings_about_the_run_are_no_declared_checks(seal, finding) -> None:
    run = finding("clock", Outcome.PASS, kind=Kind.RUN)

    assert "1 test passed, 0 declared checks passed" in render(seal([run, finding()]), None)


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_a_number_is_never_shown_in_part_as_if_it_were_whole(seal, finding, width: int) -> None:
    """1157…9935 is a number of unknown size unless its length stands beside it."""
    balance = finding("balance", Outcome.FAIL, measured=str(2**256 - 1), needed=str(2**255))

    shown = render(seal([balance]), None, width=width)

    assert "78 digits" in shown.replace("\n", " ")
    assert "77 digits" in shown.replace("\n", " ")


def test_short_numbers_are_whole_at_any_width(seal, findings) -> None:
    assert "99.31 % of 152" in re.sub(r"\s+", " ", render(seal(findings), None, width=60).replace("fail", ""))


def test_there_is_no_escape_without_colour(seal, findings: list[Finding]) -> None:
    assert "\x1b" not in render(seal(findings), None)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_only_verdict_and_outcomes_are_coloured(seal, findings: list[Finding], verdict: Verdict) -> None:
    sealed = seal(findings, verdict)

    coloured = render(sealed, None, colour=True)

    words = [word.strip() for word in re.findall(r"\x1b\[[0-9;]+m([^\x1b]*)\x1b\[0m", coloured)]
    assert words == [verdict.value.upper(), "fail", "error", "not run", "inconclusive", "pending"]
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(sealed, None)


def test_hostile_text_neither_moves_nor_colours(hostile_sealed: Sealed) -> None:
    shown = render(hostile_sealed, None)

    assert {c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} == {"\n"}
    assert len(shown) < 2_000
    assert max(map(cell_len, shown.splitlines())) <= 80


def test_wide_letters_take_two_columns(seal, finding) -> None:
    rows = render(seal([finding("漢字" * 40, Outcome.FAIL), finding("a", Outcome.FAIL)]), None).splitlines()

    assert max(map(cell_len, rows)) == 80
