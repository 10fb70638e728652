"""A drill's finding: every run as declared, every store as it must be, and the original untouched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.command import Command
from pytest_rollout.core.drill import Damage, Drill, Kill
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.record import Identity
from pytest_rollout.core.store_check import StoreCheck, StoreKind, StoreSettings
from pytest_rollout.core.store_tally import Asked

PASS, FAIL, ERROR, INCONCLUSIVE, NOT_RUN = (
    Outcome.PASS, Outcome.FAIL, Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.NOT_RUN,
)  # fmt: skip
COMMAND = Command(name="write", run=("write",), folder=Path())
ONE, TWO = (StoreSettings(name=name, kind=StoreKind.JSON, path=Path(name)) for name in ("one", "two"))
STORES = StoreCheck(name="twins", left=ONE, right=TWO, asked=Asked(identity=Identity(key=("name",))))
ALONE = replace(STORES, right=None)
RUN: dict[str, Any] = {
    "at": "2031-05-04T12:00:00+00:00", "status": 0, "signal": "", "left": 0, "timed_out": False, "output": "",
    "must_print": [], "never_print": [], "results": [],
}  # fmt: skip
TALLY: dict[str, Any] = {"pair": True, "left": 3, "right": 3, "same": 3, "counts": {}, "listed": {}}
SEEN: dict[str, Any] = {"original_changed": False, "runs": [RUN], "recoveries": [RUN], "before": TALLY, "after": TALLY}
PLAIN = Drill(name="drill", run=COMMAND)
STORED = replace(PLAIN, stores=STORES)
KILLED = replace(PLAIN, kill=Kill(times=2), recover=COMMAND, stores=STORES)
DIED: dict[str, Any] = {"killed": True, "between": True, "after": TALLY}
KILLS: dict[str, Any] = SEEN | {"kills": [DIED, DIED | {"between": False}], "recoveries": [RUN, RUN]}


def judged(value: Any = SEEN, drill: Drill = PLAIN) -> Finding:
    return drill.judge("item", Observation(item="item", value=value, source="here"))


def grown(left: int, right: int = 0) -> dict[str, Any]:
    before = TALLY | {"left": 1, "right": 1, "same": 1}
    after = TALLY | {"left": left, "right": right or left, "same": left}
    return SEEN | {"runs": [RUN, RUN], "before": before, "after": after}


GROWING = replace(STORED, times=2, grows=3)
GROWING_ALONE = replace(GROWING, stores=ALONE)
WRONG = TALLY | {"same": 2}
MORE = TALLY | {"left": 4, "right": 4, "same": 4}
TOLD_WRONG = "3 and 3 records, 2 the same; 2 of 3 records the same"
JUDGED: dict[str, tuple[Drill, Any, Outcome, str]] = {
    "one run": (PLAIN, SEEN, PASS, "1 runs as declared"),
    "two runs": (replace(PLAIN, times=2), SEEN | {"runs": [RUN, RUN]}, PASS, "2 runs as declared"),
    "fewer runs": (replace(PLAIN, times=2), SEEN, NOT_RUN, "1 of 2 runs"),
    "the original reached": (
        PLAIN, SEEN | {"original_changed": True}, FAIL,
        "the drill reached the original, not only its copy; use {copy} in the command",
    ),
    "the original not looked at": (
        PLAIN, SEEN | {"original_changed": None}, FAIL,
        "the drill reached the original, not only its copy; use {copy} in the command",
    ),
    "a run that ended otherwise": (PLAIN, SEEN | {"runs": [RUN | {"status": 3}]}, FAIL, "ended with status 3"),
    "a run that could not be": (
        replace(PLAIN, times=2), SEEN | {"runs": [{"error": "no such file"}, RUN | {"status": 3}]}, FAIL,
        "ended with status 3; no such file",
    ),
    "runs that came out alike": (
        replace(PLAIN, times=3), SEEN | {"runs": [RUN | {"status": 3}] * 3}, FAIL, "ended with status 3",
    ),
    "runs that came out differently": (
        replace(PLAIN, times=6), SEEN | {"runs": [RUN | {"status": number} for number in range(1, 7)]}, FAIL,
        "ended with status 1; ended with status 2; ended with status 3; ended with status 4 and 2 more",
    ),
    "five that came out differently": (
        replace(PLAIN, times=5), SEEN | {"runs": [RUN | {"status": number} for number in range(1, 6)]}, FAIL,
        "ended with status 1; ended with status 2; ended with status 3; ended with status 4 and 1 more",
    ),
    "four that came out differently": (
        replace(PLAIN, times=4), SEEN | {"runs": [RUN | {"status": number} for number in range(1, 5)]}, FAIL,
        "ended with status 1; ended with status 2; ended with status 3; ended with status 4",
    ),
    "recovered": (replace(PLAIN, recover=COMMAND), SEEN, PASS, "1 runs as declared"),
    "not recovered": (
        replace(PLAIN, recover=COMMAND), SEEN | {"recoveries": [RUN | {"status": 1}]}, FAIL,
        "recovering: ended with status 1",
    ),
    "no recovery": (
        replace(PLAIN, recover=COMMAND), SEEN | {"recoveries": []}, NOT_RUN, "recovering: 0 of 1 runs",
    ),
    "a recovery that could not be": (
        replace(PLAIN, recover=COMMAND), SEEN | {"recoveries": [{"error": "gone"}]}, ERROR, "recovering: gone",
    ),
    "stores hold": (STORED, SEEN, PASS, "1 runs as declared, 3 records hold"),
    "stores do not hold": (STORED, SEEN | {"after": WRONG}, FAIL, TOLD_WRONG),
    "grown": (GROWING, grown(7), PASS, "2 runs as declared, 7 records hold"),
    "one store alone grown": (
        GROWING_ALONE, grown(7) | {"after": TALLY | {"pair": False, "left": 7, "right": 0, "same": 7}}, PASS,
        "2 runs as declared, 7 records hold",
    ),
    "one store alone not grown": (
        GROWING_ALONE, grown(7) | {"after": TALLY | {"pair": False, "left": 6, "right": 0, "same": 6}}, FAIL,
        "5 records came to one, not 6",
    ),
    "not grown": (GROWING, grown(6), FAIL, "5 records came to one, not 6; 5 records came to two, not 6"),
    "killed": (KILLED, KILLS, PASS, "2 kills, 1 between the two writes, recovered from each"),
    "killed less often": (
        KILLED, KILLS | {"kills": [DIED]}, NOT_RUN, "1 of 2 kills were tried",
    ),
    "not killed": (
        KILLED, KILLS | {"kills": [DIED, DIED | {"killed": False}]}, INCONCLUSIVE,
        "1 of 2 runs ended before they could be killed",
    ),
    "one for killed": (
        KILLED, KILLS | {"kills": [DIED, DIED | {"killed": 1}]}, INCONCLUSIVE,
        "1 of 2 runs ended before they could be killed",
    ),
    "never between the writes": (
        KILLED, KILLS | {"kills": [DIED | {"between": 1}] * 2}, INCONCLUSIVE,
        "no kill came between the two writes; kill when the first is told, or more often",
    ),
    "between the writes of one that ended": (
        KILLED, KILLS | {"kills": [DIED | {"between": False}, DIED | {"killed": False}]}, INCONCLUSIVE,
        "1 of 2 runs ended before they could be killed; "
        "no kill came between the two writes; kill when the first is told, or more often",
    ),
    "between no writes": (
        replace(KILLED, stores=None), KILLS | {"kills": [DIED | {"between": False}] * 2}, PASS,
        "2 kills, 0 between the two writes, recovered from each",
    ),
    "stores do not hold after a kill": (
        KILLED, KILLS | {"kills": [DIED, DIED | {"after": WRONG}]}, FAIL, f"after kill 2: {TOLD_WRONG}",
    ),
    "stores that differed before a kill": (
        KILLED, KILLS | {"before": WRONG}, FAIL, f"before the first kill: {TOLD_WRONG}",
    ),
    "stores nobody looked at before a kill": (
        KILLED, {key: each for key, each in KILLS.items() if key != "before"}, ERROR,
        "not understood (KeyError: 'before')",
    ),
    "records lost by recovering from a kill": (
        KILLED, KILLS | {"before": MORE}, FAIL,
        "after kill 1: 1 records of one are lost; after kill 1: 1 records of two are lost; "
        "after kill 2: 1 records of one are lost; after kill 2: 1 records of two are lost",
    ),
    "records lost by recovering from damage": (
        STORED, SEEN | {"before": MORE}, FAIL, "1 records of one are lost; 1 records of two are lost",
    ),
    "recovered once of twice": (KILLED, KILLS | {"recoveries": [RUN]}, NOT_RUN, "recovering: 1 of 2 runs"),
    "nothing": (PLAIN, None, ERROR, "not understood (KeyError: 'original_changed')"),
    "a list": (PLAIN, [1], ERROR, "not understood (KeyError: 'original_changed')"),
    "no count of growth": (
        GROWING, grown(7) | {"before": {"left": None}}, ERROR, "not understood (ValueError: None is no count)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("drill", "value", "outcome", "measured"), JUDGED.values(), ids=JUDGED)
def test_a_drill_is_judged_by_everything_that_was_seen(drill, value, outcome, measured) -> None:
    finding = judged(value, drill)

    assert (finding.outcome, finding.measured) == (outcome, measured)


NEEDED = {
    "one run, each as declared": PLAIN,
    "2 runs, each as declared": replace(PLAIN, times=2),
    "3 runs, 2 at once, each as declared": replace(PLAIN, times=3, at_once=2),
    "3 runs, each as declared, then recovered": replace(PLAIN, times=3, recover=COMMAND),
    "a.db truncate, one run, each as declared": replace(PLAIN, damage=Damage.TRUNCATE, file="a.db"),
    "2 kills, one between the two writes or more, then recovered, both stores as in 'twins'": KILLED,
    "one run, each as declared, as in 'twins'": replace(PLAIN, stores=ALONE),
}


@pytest.mark.parametrize(("needed", "drill"), NEEDED.items(), ids=NEEDED)
def test_what_a_drill_needs_is_told(needed: str, drill: Drill) -> None:
    assert judged(drill=drill).needed == needed


def test_a_finding_of_a_drill_says_all_that_a_reader_needs() -> None:
    told = Finding(
        item="item",
        kind=Kind.DRILL,
        title="drill",
        outcome=PASS,
        measured="1 runs as declared",
        needed="one run, each as declared",
        source="here",
    )

    assert judged() == told
    assert judged(SEEN | {"original_changed": True, "runs": []}) == replace(
        told,
        outcome=FAIL,
        measured="the drill reached the original, not only its copy; use {copy} in the command; 0 of 1 runs",
        detail="the drill reached the original, not only its copy; use {copy} in the command\n0 of 1 runs",
        remedy="run the drill by hand on a copy, mend what it finds",
    )
    assert "… 1,000 characters cut …" in judged(SEEN | {"runs": [{"error": "x" * 3000}]}).detail
    assert not judged(drill=replace(PLAIN, required=False)).required


def test_commands_and_stores_are_cleaned_of_secrets() -> None:
    secret = replace(COMMAND, run=("hunter2",))
    stores = replace(STORES, asked=replace(STORES.asked, inventory=("hunter2",)))

    cleaned = replace(PLAIN, run=secret, recover=secret, stores=stores).redacted(
        lambda text: text.replace("hunter2", "*")
    )

    assert (cleaned.run.run, cleaned.recover.run, cleaned.stores.asked.inventory) == (("*",), ("*",), ("*",))
    assert PLAIN.redacted(str.upper).run.run == ("WRITE",)
    assert (PLAIN.redacted(str.upper).recover, PLAIN.redacted(str.upper).stores) == (None, None)
