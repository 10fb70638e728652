"""Stores compared record by record: everything that is wrong is found, counted and named."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.record import FieldKind, Identity, Record
from pytest_rollout.core.store_check import StoreCheck, StoreKind, StoreSettings
from pytest_rollout.core.store_tally import Asked
from pytest_rollout.stores.joining import compare
from pytest_rollout.testing.stores import MemoryStore

IDENTITY = Identity(key=("chainId", "contractName"))
KINDS = {"address": FieldKind.ADDRESS}
INVENTORY = tuple(f"56/C{number}" for number in range(4))


def record(number: int, **changed: Any) -> dict:
    return {"chainId": 56, "contractName": f"C{number}", "address": f"0x{number + 2**150:040x}"} | changed


def check(asked: Asked, *, pair: bool = True, at_least: int = 1) -> StoreCheck:
    left, right = (StoreSettings(name=name, kind=StoreKind.NDJSON, path=Path(name)) for name in ("before", "after"))
    return StoreCheck(name="moved", left=left, right=right if pair else None, asked=asked, at_least=at_least)


def judged(left: list, right: list | None, at_least: int = 1, leftovers: tuple = (), **about: Any) -> Finding:
    asked = Asked(identity=IDENTITY, **{"kinds": KINDS} | about)
    after = None if right is None else MemoryStore(right, name="after", leftovers=leftovers)
    value = compare(MemoryStore(left, name="before"), after, asked)
    finding = check(asked, pair=right is not None, at_least=at_least)
    return finding.judge("plan::beta::stores::moved", Observation(item="x", value=value, source="s"))


ALL = [record(number) for number in range(4)]


def test_stores_that_hold_the_same_pass() -> None:
    finding = judged(ALL, [record(n, address=each["address"].upper().replace("X", "x")) for n, each in enumerate(ALL)])

    assert (finding.outcome, finding.kind) == (Outcome.PASS, Kind.STORE)
    assert finding.measured == "4 of 4 records the same"


WRONG: dict[str, tuple[list, list, dict, str]] = {
    "a field": (
        ALL,
        [*ALL[:3], record(3, address="0x" + "5a" * 20)],
        {},
        "1 differing: 56/C3 (address)",
    ),
    "a record lost": (ALL, ALL[1:], {}, "1 only in before: 56/C0"),
    "a record too many": (ALL[1:], ALL, {}, "1 only in after: 56/C0"),
    "26 of 28": (
        ALL[:2],
        ALL[:2],
        {"inventory": INVENTORY},
        "2 of the inventory missing: 56/C2, 56/C3",
    ),
    "one that nobody listed": (
        [*ALL, record(9)],
        [*ALL, record(9)],
        {"inventory": INVENTORY},
        "1 not in the inventory: 56/C9",
    ),
    "two of one identity": ([*ALL, record(0)], ALL, {}, "1 of one identity: 56/C0: before[0] and before[4]"),
    "two on both sides": ([*ALL, ALL[0]], [*ALL, ALL[0]], {}, "2 of one identity"),
    "the zero address on both sides": (
        [record(0, address="0x" + "0" * 40)],
        [record(0, address="0x" + "0" * 40)],
        {},
        "2 addresses of nothing: 56/C0 address: the zero address (after[0])",
    ),
    "a chain out of scope": (
        [*ALL, record(0, chainId=31337)],
        [*ALL, record(0, chainId=31337)],
        {"scope": {"chainId": ("56",)}},
        "2 out of scope: 31337/C0 (after[4])",
    ),
    "a record that cannot be read": (
        [*ALL, Record("before[x]", None, "is no JSON")],
        ALL,
        {},
        "1 cannot be read: before[x]: is no JSON",
    ),
    "a record without a name": ([*ALL, {"chainId": 56}], ALL, {}, "1 do not say who they are: before[4]"),
    "a leftover": (ALL, ALL, {"leftovers": ("a.backup-123.json",)}, "1 left over: a.backup-123.json"),
    "too few": (ALL, ALL, {"at_least": 28}, "4 of 28 records"),
    "a misspelt field": (
        ALL,
        [*ALL[:3], record(3, address=ALL[0]["address"])],
        {"fields": ("adress",)},
        "1 of the declared fields in no record: adress",
    ),
    "a misspelt kind": (
        ALL,
        ALL,
        {"kinds": {"adress": FieldKind.ADDRESS}},
        "1 of the declared fields in no record: adress",
    ),
    "null for a field that is there": (
        [record(0, address=None)],
        ALL[:1],
        {"null_is_absent": True},
        "1 differing: 56/C0 (address)",
    ),
    "null for no field": ([record(0, proxy=None)], ALL[:1], {}, "1 differing: 56/C0 (proxy)"),
}


@pytest.mark.parametrize(("left", "right", "about", "says"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_counted_and_named(left, right, about, says) -> None:
    finding = judged(left, right, **about)

    assert finding.outcome is Outcome.FAIL
    assert says in finding.measured


def test_null_is_no_field_where_the_plan_says_so() -> None:
    """As a column that is NULL for a field that JSON leaves out; null in a table of a record stays what it is."""
    finding = judged(
        [record(0, proxy=None), record(1, about={"x": None})],
        [record(0), record(1, about={"x": None}, proxy=None)],
        kinds={**KINDS, "proxy": FieldKind.ADDRESS},
        null_is_absent=True,
    )

    assert (finding.outcome, finding.measured) == (Outcome.PASS, "2 of 2 records the same")


def test_two_empty_stores_are_no_agreement() -> None:
    """Nothing compared is not nothing different."""
    finding = judged([], [])

    assert finding.outcome is Outcome.ERROR
    assert finding.measured == "0 of 1 records; 0 of 0 records the same"


def test_records_known_to_be_out_of_scope_are_told_and_set_aside() -> None:
    finding = judged([*ALL, record(0, chainId=31337)], ALL, outside={"chainId": ("31337",)})

    assert (finding.outcome, finding.measured) == (Outcome.PASS, "4 of 4 records the same, 1 set aside")


def test_one_store_alone_is_looked_through() -> None:
    finding = judged(ALL, None, inventory=INVENTORY)

    assert (finding.outcome, finding.measured) == (Outcome.PASS, "4 of 4 records looked through")
    assert judged(ALL[:3], None, inventory=INVENTORY).outcome is Outcome.FAIL


def test_every_differing_field_is_shown_with_both_values() -> None:
    finding = judged([record(0, note="a" * 500)], [record(0, address="0x" + "5a" * 20)])

    assert finding.detail.splitlines()[0] == f"56/C0 address: {record(0)['address']} | 0x{'5a' * 20}"
    assert finding.detail.splitlines()[1].endswith("… | nothing")
    assert finding.remedy == "rollout compare before after"


def test_the_order_of_records_and_fields_does_not_matter() -> None:
    right = [dict(reversed(each.items())) for each in reversed(ALL)]

    assert judged(ALL, right).outcome is Outcome.PASS


def test_true_and_one_are_two_values() -> None:
    assert "differing: 56/C0 (on)" in judged([record(0, on=True)], [record(0, on=1)]).measured


def test_many_troubles_are_all_counted_and_some_listed() -> None:
    many = [record(number) for number in range(500)]

    finding = judged(many, ALL)

    assert "496 only in before: " in finding.measured
    assert "and 493 more" in finding.measured


BROKEN: dict[str, Any] = {
    "nothing": None,
    "a list": [],
    "an empty table": {},
    "of one store": {"pair": False, "left": 4, "right": 4, "same": 4, "counts": {}, "listed": {}},
    "a count of text": {"pair": True, "left": "4", "right": 4, "same": 4, "counts": {}, "listed": {}},
    "an unknown sort": {"pair": True, "left": 4, "right": 4, "same": 4, "counts": {"odd": 1}, "listed": {}},
    "counted, not listed": {"pair": True, "left": 4, "right": 4, "same": 4, "counts": {"missing": 1}, "listed": {}},
}


@pytest.mark.parametrize("value", BROKEN.values(), ids=BROKEN)
def test_what_is_no_tally_is_an_error(value) -> None:
    asked = Asked(identity=IDENTITY)

    assert check(asked).judge("x", Observation(item="x", value=value)).outcome is Outcome.ERROR


def test_fewer_the_same_than_read_never_passes() -> None:
    """Even if no trouble was counted."""
    value = {"pair": True, "left": 5, "right": 4, "same": 4, "counts": {}, "listed": {}}

    finding = check(Asked(identity=IDENTITY)).judge("x", Observation(item="x", value=value))

    assert (finding.outcome, finding.measured.split(";")[0]) == (Outcome.FAIL, "5 and 4 records, 4 the same")


def test_a_store_that_breaks_half_way_is_no_smaller_store() -> None:
    class Breaking(MemoryStore):
        def records(self):
            yield from super().records()
            raise StoreError("store: the disk is gone.")

    with pytest.raises(StoreError, match="the disk is gone"):
        compare(Breaking(ALL), MemoryStore(ALL), Asked(identity=IDENTITY))


@pytest.mark.parametrize(("changed", "same"), [({}, 5000), ({"on": 1}, 0)], ids=["the same", "all differing"])
def test_memory_does_not_grow_with_the_records(monkeypatch, changed, same) -> None:
    monkeypatch.setattr("pytest_rollout.stores.spreading._WAITING", 100_000)

    class Many:
        source = "many"

        def __init__(self, count: int, **changed: Any) -> None:
            self.count, self.changed = count, changed

        def records(self):
            return (Record(f"many[{n}]", record(n, pad="x" * 2000, **self.changed)) for n in range(self.count))

        def leftovers(self):
            return iter(())

    tracemalloc.start()
    tally = compare(Many(5000), Many(5000, **changed), Asked(identity=IDENTITY))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (tally["same"], tally["counts"].get("differing", 0)) == (same, 5000 - same)
    assert most < 4 * 1024**2  # of 20 MB in all
