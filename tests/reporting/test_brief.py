"""brief.md: one page, what stands in the way first."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.judgement import Sealed
from pytest_rollout.core.outcome import Kind, Outcome, Verdict
from pytest_rollout.core.record import Identity
from pytest_rollout.core.rollout import Stage
from pytest_rollout.core.store_check import StoreCheck, StoreKind, StoreSettings
from pytest_rollout.core.store_tally import Asked
from pytest_rollout.reporting.brief import MOST, differences, parts


def page_of(sealed: Sealed, stage: Stage) -> str:
    page = "".join(parts(sealed, stage))
    assert differences(page.encode(), sealed) == ""
    return page


def test_it_begins_with_the_verdict_and_the_next_command(seal, findings, stage: Stage) -> None:
    page = page_of(seal(findings), stage)

    assert page.startswith("# HOLD — Takumi on mainnet · Alpha launch\n")
    assert "Next: `rollout status takumi`" in page


@pytest.mark.parametrize(
    ("verdict", "rehearsal", "command"),
    [
        (Verdict.PROMOTE, False, "rollout promote takumi:alpha"),
        (Verdict.PROMOTE, True, "rollout status takumi"),
        (Verdict.HOLD, False, "rollout status takumi"),
        (Verdict.ROLLBACK, False, "rollout rollback takumi:alpha"),
    ],
)
def test_the_next_command_follows_the_verdict(seal, finding, stage, verdict, rehearsal, command) -> None:
    page = page_of(seal([finding()], verdict, rehearsal=rehearsal), stage)

    assert f"Next: `{command}`" in page
    assert ("cannot promote" in page) is rehearsal


def test_what_stands_in_the_way_comes_first_and_gravest_first(seal, findings, stage: Stage) -> None:
    page = page_of(seal(findings), stage)

    shown = re.findall(r"\*\*(fail|error|not run|inconclusive|pending)\*\*", page.partition("## Outcomes")[0])
    assert shown == ["fail", "error", "not run", "inconclusive", "pending"]
    assert page.index("## In the way (5)") < page.index("## Outcomes by kind") < page.index("## Criteria")


def test_a_criterion_stands_beside_its_bounds(seal, findings, stage: Stage) -> None:
    row = (
        "| transaction success rate | 99.31 % of 152 | &gt; 99 % |  | &lt; 90 % (immediate) | 299 | **inconclusive** |"
    )

    assert row in page_of(seal(findings), stage)


def test_a_criterion_without_a_finding_is_told(seal, finding, stage: Stage) -> None:
    assert "| 299 | **no finding** |" in page_of(seal([finding()]), stage)


def test_a_checklist_nobody_judged_is_told(seal, finding, stage: Stage) -> None:
    assert "1 entries of the plan were not judged" in page_of(seal([finding()]), stage)


def test_a_ticked_entry_says_by_whom(seal, finding, stage: Stage) -> None:
    ticked = finding(kind=Kind.CHECKLIST, title="checklist 3: audit letter", measured="ticked by A. on 2031-05-04")

    assert "| checklist 3: audit letter | ticked by A. on 2031-05-04 | pass |  |" in page_of(seal([ticked]), stage)


def test_advisory_items_stand_apart(seal, findings, stage: Stage) -> None:
    page = page_of(seal(findings), stage)

    assert "test_slow" not in page.partition("## Advisory, not counted (1)")[0]
    assert "test_slow" in page


def test_the_line_that_says_why_stands_beside_a_failed_test(seal, findings, stage: Stage) -> None:
    assert "failed in call: `assert 3 == 4`" in page_of(seal(findings), stage)


def test_what_differs_in_stores_is_a_table(seal, finding, stage: Stage) -> None:
    """Each record beside what was found of it; what passed, or could not be looked at, has none."""
    identity = Identity(key=("chainId", "contractName"))
    check = StoreCheck(
        name="all moved",
        left=StoreSettings(name="before", kind=StoreKind.NDJSON, path=Path("before")),
        right=StoreSettings(name="after", kind=StoreKind.NDJSON, path=Path("after")),
        asked=Asked(identity=identity),
    )
    value = {
        "pair": True,
        "left": 2,
        "right": 1,
        "same": 0,
        "counts": {"differing": 1, "only_left": 1},
        "listed": {
            "differing": [["56/Look", [["at", "1", "2"], ["owner", "a|b", "nothing"]]]],
            "only_left": ["97/Look"],
        },
    }
    judged = check.judge("plan::alpha::stores::all moved", Observation(item="x", value=value))
    other = finding("other", Outcome.ERROR, kind=Kind.STORE, detail="Traceback: no\nsuch thing")

    page = page_of(seal([judged, other]), stage)

    assert [row for row in page.partition("## In the stores (3)")[2].partition("##")[0].splitlines() if row] == [
        "| check | record | found |",
        "| --- | --- | --- |",
        "| all moved | 56/Look at | 1 &#124; 2 |",
        "| all moved | 56/Look owner | a&#124;b &#124; nothing |",
        "| all moved | 97/Look | only in the left one |",
    ]
    assert "In the stores" not in page_of(seal([other]), stage)


def test_an_uncommitted_gate_is_told(seal, finding, stage: Stage) -> None:
    subject = replace(seal().judgement.subject, committed=False, commit="")

    assert "none: outside a repository — **with changes that are not committed**" in page_of(
        seal([finding()], subject=subject), stage
    )


def test_it_says_how_to_verify(seal, findings, stage: Stage) -> None:
    sealed = seal(findings)

    assert f"digest is `{sealed.digest}`" in page_of(sealed, stage)
    assert "rollout ledger verify" in page_of(sealed, stage)


def test_thousands_of_failures_stay_one_page(seal, finding, stage: Stage) -> None:
    page = page_of(seal(finding(f"test_{i}", Outcome.FAIL) for i in range(10_000)), stage)

    assert f"… and {10_000 - MOST:,} more: see `verdict.json`." in page
    assert len(page) < 50_000


def test_an_empty_gate_says_why_it_holds(seal, stage: Stage) -> None:
    assert "an empty gate holds" in page_of(seal([]), stage)


def test_hostile_text_leaves_the_page_as_it_was(hostile: str, hostile_sealed: Sealed, stage: Stage) -> None:
    """No row is added, no table left, no markup made: rows have the cells their heads have."""
    page = page_of(hostile_sealed, stage)

    widths = []
    for row in page.splitlines():
        if row.startswith("|"):
            widths.append(len(re.findall(r"(?<!\\)\|", row)))
        else:
            assert len(set(widths)) <= 1
            widths = []
    outside_code = re.sub(r"(`+) ?.*?[^`]\1(?!`)", "", page)
    assert not re.search(r"<(?!/?b>$)[a-z/]", outside_code), outside_code
    assert not re.search(r"(?<!\\)!?\[[^\]]*(?<!\\)\]\(", outside_code)
    assert [row for row in page.splitlines() if row.startswith("#")] == [
        row for row in page.splitlines() if re.match(r"#{1,2} (HOLD|In|Out|Crit|Check|Adv|Facts|How)", row)
    ]
    assert len(page) < 60_000


def test_an_altered_page_does_not_read_back(seal, findings: list[Finding], stage: Stage) -> None:
    sealed = seal(findings)
    page = page_of(sealed, stage)

    assert "its verdict" in differences(page.replace("# HOLD", "# PROMOTE").encode(), sealed)
    assert "its counts" in differences(page.replace("| **all** | 2 |", "| **all** | 3 |").encode(), sealed)
    assert "its digest" in differences(page.replace(sealed.digest, "0" * 64).encode(), sealed)
    assert "not UTF-8" in differences(page.encode("utf-16"), sealed)
