"""A store's finding: the same in every record, none missing, none doubled; everything else is told by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.record import Identity
from pytest_rollout.core.store_check import SORTS, StoreCheck, StoreKind, StoreSettings
from pytest_rollout.core.store_tally import Asked

OLD, NEW = (StoreSettings(name=name, kind=StoreKind.JSON, path=Path(name)) for name in ("old", "new"))
PAIR = StoreCheck(name="moved", left=OLD, right=NEW, asked=Asked(identity=Identity(key=("name",))), at_least=2)
ALONE = replace(PAIR, right=None)
FAIL, ERROR, PASS = Outcome.FAIL, Outcome.ERROR, Outcome.PASS


def tally(left: Any = 3, right: Any = 3, same: Any = 3, *, pair: bool = True, **listed: list[Any]) -> dict[str, Any]:
    counts = {sort: len(each) for sort, each in listed.items()}
    return {"pair": pair, "left": left, "right": right, "same": same, "counts": counts, "listed": listed}


def alone(read: int = 3, **listed: list[Any]) -> dict[str, Any]:
    return tally(read, 0, read, pair=False, **listed)


def judged(value: Any, check: StoreCheck = PAIR) -> Finding:
    return check.judge("item", Observation(item="item", value=value, source="both"))


JUDGED: dict[str, tuple[StoreCheck, Any, Outcome, str]] = {
    "the same": (PAIR, tally(), PASS, "3 of 3 records the same"),
    "as many as owed": (PAIR, tally(2, 2, 2), PASS, "2 of 2 records the same"),
    "fewer than owed": (PAIR, tally(1, 1, 1), FAIL, "1 of 2 records; 1 of 1 records the same"),
    "some set aside": (PAIR, tally(set_aside=["a", "b"]), PASS, "3 of 3 records the same, 2 set aside"),
    "more on the left": (PAIR, tally(4), FAIL, "4 and 3 records, 3 the same; 3 of 4 records the same"),
    "more on the right": (PAIR, tally(3, 4), FAIL, "3 and 4 records, 3 the same; 3 of 4 records the same"),
    "fewer the same": (PAIR, tally(same=2), FAIL, "3 and 3 records, 2 the same; 2 of 3 records the same"),
    "empty": (PAIR, tally(0, 0, 0), ERROR, "0 of 2 records; 0 of 0 records the same"),
    "one side empty": (PAIR, tally(3, 0, 0), FAIL, "0 of 2 records; 0 of 3 records the same"),
    "one store": (ALONE, alone(), PASS, "3 of 3 records looked through"),
    "one store with fewer": (ALONE, alone(1), FAIL, "1 of 2 records; 1 of 1 records looked through"),
    "an inventory of more": (
        replace(ALONE, asked=replace(ALONE.asked, inventory=tuple("abcd"))), alone(), FAIL,
        "3 of 4 records; 3 of 3 records looked through",
    ),
    "only on one side": (
        PAIR, tally(only_left=["a", "b", "c"], only_right=["d"]), FAIL,
        "3 only in old: a, b, c; 1 only in new: d; 3 of 3 records the same",
    ),
    "many": (PAIR, tally(doubles=list("abcde")), FAIL, "5 of one identity: a, b, c and 2 more; 3 of 3 records the same"),
    "differing": (
        PAIR, tally(differing=[["a", [["x", "1", "2"], ["y", "3", "4"]]]]), FAIL,
        "1 differing: a (x, y); 3 of 3 records the same",
    ),
    "nothing": (PAIR, None, ERROR, "not understood (TypeError: no tally of these stores was recorded)"),
    "of one store": (PAIR, alone(), ERROR, "not understood (TypeError: no tally of these stores was recorded)"),
    "of two stores": (ALONE, tally(), ERROR, "not understood (TypeError: no tally of these stores was recorded)"),
    "a truth for a count": (PAIR, tally(same=True), ERROR, "not understood (ValueError: True is no count)"),
    "unknown sorts": (PAIR, tally(odd=[1], even=[2]), ERROR, "not understood (ValueError: an unknown sort 'even')"),
    "a count of text": (
        PAIR, tally() | {"counts": {"broken": "1"}}, ERROR, "not understood (ValueError: '1' is no count)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("check", "value", "outcome", "measured"), JUDGED.values(), ids=JUDGED)
def test_a_tally_is_judged_by_everything_in_it(check, value, outcome, measured) -> None:
    finding = judged(value, check)

    assert (finding.outcome, finding.measured) == (outcome, measured)


@pytest.mark.parametrize("sort", [each for each in SORTS if each != "differing"])
def test_one_trouble_of_any_sort_fails(sort: str) -> None:
    finding = judged(tally(**{sort: ["a"]}))

    assert finding.outcome is FAIL
    assert finding.measured == f"1 {SORTS[sort].format(left='old', right='new')}: a; 3 of 3 records the same"


def test_a_finding_of_stores_says_all_that_a_reader_needs() -> None:
    told = Finding(
        item="item",
        kind=Kind.STORE,
        title="moved",
        outcome=PASS,
        measured="3 of 3 records the same",
        needed="2 records or more, the same in old and new in every field",
        source="both",
    )

    assert judged(tally()) == told
    assert judged(tally(broken=["a", "b"], differing=[["c", [["x", "1", "2"], ["y", "3", "4"]]]])) == replace(
        told,
        outcome=FAIL,
        measured="2 cannot be read: a, b; 1 differing: c (x, y); 3 of 3 records the same",
        remedy="rollout compare old new",
        detail="c x: 1 | 2\nc y: 3 | 4\nbroken: a\nbroken: b",
    )
    assert judged(alone(1), ALONE) == replace(
        told,
        outcome=FAIL,
        measured="1 of 2 records; 1 of 1 records looked through",
        needed="2 records or more in old, each readable and once",
        remedy="mend old, run the gate again",
    )
    assert judged(None).detail == ""
    assert not judged(tally(), replace(PAIR, required=False)).required


def test_what_is_compared_is_told_by_its_fields() -> None:
    asked = replace(PAIR.asked, fields=("owner", "value"), inventory=("a", "b", "c"))

    assert judged(tally(), replace(PAIR, asked=asked)).needed == (
        "3 records or more, the same in old and new in owner, value"
    )


def test_what_is_listed_is_of_bounded_length() -> None:
    assert judged(tally(broken=["x" * 900] * 3)).detail.endswith("\n… 726 characters cut …")


def test_the_inventory_is_cleaned_of_secrets() -> None:
    secret = replace(PAIR, asked=replace(PAIR.asked, inventory=("hunter2", "b")))

    assert secret.kind is Kind.STORE
    assert secret.redacted(lambda text: text.replace("hunter2", "*")).asked.inventory == ("*", "b")
