"""The tally of two stores: everything that is wrong is counted and listed, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_rollout.core.record import FieldKind, Identity, Record
from pytest_rollout.core.store_tally import MOST_LISTED, Asked, Tally

NAMED = Asked(identity=Identity(key=("name",)))
OWED = replace(NAMED, inventory=("a", "b"))
PLACED = replace(NAMED, kinds={"at": FieldKind.ADDRESS, "n": FieldKind.INTEGER})
SCOPED = replace(NAMED, scope={"chain": ("1", "56")}, outside={"kind": ("test", "0")})
REAL = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
ZERO = "0x" + "0" * 40


def record(name: Any = "a", place: str = "p", error: str = "", **fields: Any) -> Record:
    return Record(place, {"name": name, **fields}, error)


def tallied(tally: Tally, *, pair: bool = True, **other: Any) -> None:
    """The document of a tally, but for what is usual: nothing read, nothing wrong."""
    usual = {"pair": pair, "left": 0, "right": 0, "same": 0, "counts": {}, "listed": {}}
    assert tally.document(pair=pair) == usual | other


def wrong(**listed: list[Any]) -> dict[str, Any]:
    return {"counts": {sort: len(what) for sort, what in listed.items()}, "listed": listed}


ADMITTED: dict[str, tuple[Asked, Record, str | None, dict[str, Any]]] = {
    "a plain one": (NAMED, record(), "a", {"left": 1}),
    "a broken one": (NAMED, record(error="cut off"), None, wrong(broken=["p: cut off"])),
    "one without a name": (NAMED, record(None), None, wrong(nameless=["p"])),
    "one that is no table": (NAMED, Record("p", ["a"]), None, wrong(nameless=["p"])),
    "one in scope": (SCOPED, record(chain=56, kind="main"), "a", {"left": 1}),
    "one of another scope": (SCOPED, record(chain=97, kind="main"), None, {"left": 1, **wrong(foreign=["a (p)"])}),
    "one without its scope": (SCOPED, record(kind="main"), None, {"left": 1, **wrong(foreign=["a (p)"])}),
    "one known to be outside": (SCOPED, record(chain=97, kind="test"), None, wrong(set_aside=["a"])),
    "one outside by a number": (SCOPED, record(chain=1, kind=0), None, wrong(set_aside=["a"])),
    "one outside by one of two": (
        replace(SCOPED, outside={"kind": ("test",), "state": ("old",)}), record(chain=1, kind="test", state="new"), None,
        wrong(set_aside=["a"]),
    ),
    "one of another scope by one of two": (
        replace(SCOPED, scope={"chain": ("1",), "app": ("x",)}), record(chain=1, app="y"), None,
        {"left": 1, **wrong(foreign=["a (p)"])},
    ),
    "one known to be outside, without a scope": (
        replace(NAMED, outside={"kind": ("test",)}), record(kind="test"), None, wrong(set_aside=["a"]),
    ),
    "a second address that is none, in scope": (
        replace(SCOPED, kinds={"at": FieldKind.ADDRESS, "to": FieldKind.ADDRESS}), record(chain=1, to=ZERO), "a",
        {"left": 1, "counts": {"placeholders": 1, "unseen": 1},
         "listed": {"placeholders": ["a to: the zero address (p)"], "unseen": ["at"]}},
    ),
    "a nameless one in scope": (SCOPED, record("", chain=1), None, wrong(nameless=["p"])),
    "an address": (PLACED, record(at=REAL, n=1), "a", {"left": 1}),
    "a placeholder": (
        PLACED, record(at=ZERO, n=1), "a", {"left": 1, **wrong(placeholders=["a at: the zero address (p)"])},
    ),
    "a null for an address": (
        PLACED, record(at=None, n=1), "a", {"left": 1, **wrong(placeholders=["a at: no address (p)"])},
    ),
    "a null that is absent": (replace(PLACED, null_is_absent=True), record(at=None, n=1), "a", {"left": 1}),
    "a placeholder where null is absent": (
        replace(PLACED, null_is_absent=True), record(at="TODO", n=1), "a",
        {"left": 1, **wrong(placeholders=["a at: no address (p)"])},
    ),
    "a placeholder in scope": (
        replace(SCOPED, kinds={"at": FieldKind.ADDRESS}), record(chain=1, at=ZERO), "a",
        {"left": 1, **wrong(placeholders=["a at: the zero address (p)"])},
    ),
    "no address at all": (PLACED, record(n=1), "a", {"left": 1, **wrong(unseen=["at"])}),
    "a field that nobody has": (replace(NAMED, fields=("x", "name")), record(), "a", {"left": 1, **wrong(unseen=["x"])}),
    "a field nobody has in scope": (
        replace(SCOPED, fields=("x", "chain")), record(chain=1), "a", {"left": 1, **wrong(unseen=["x"])},
    ),
    "a kind that nobody has": (PLACED, record(at=REAL), "a", {"left": 1, **wrong(unseen=["n"])}),
    "fields of what is broken": (PLACED, record(error="cut off"), None, wrong(broken=["p: cut off"])),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "seen", "name", "told"), ADMITTED.values(), ids=ADMITTED)
def test_a_record_is_admitted_or_told(asked, seen, name, told) -> None:
    tally = Tally(asked)

    assert tally.admit(0, seen) == name
    tallied(tally, **told)


LIMITED = replace(SCOPED, kinds={"at": FieldKind.ADDRESS})
NULLS = replace(PLACED, null_is_absent=True)
PLAIN: dict[str, tuple[Asked, dict[str, Any], bool]] = {
    "a name": (NAMED, {"name": "a"}, True),
    "no name": (NAMED, {"name": ""}, False),
    "no field of that name": (NAMED, {"title": "a"}, False),
    "in scope": (SCOPED, {"name": "a", "chain": 1, "kind": "main"}, True),
    "in scope, of no kind": (SCOPED, {"name": "a", "chain": 1}, True),
    "out of scope": (SCOPED, {"name": "a", "chain": 2}, False),
    "without its scope": (SCOPED, {"name": "a"}, False),
    "known to be outside": (SCOPED, {"name": "a", "chain": 1, "kind": "test"}, False),
    "outside by a number": (SCOPED, {"name": "a", "chain": 1, "kind": 0}, False),
    "an address": (PLACED, {"name": "a", "at": REAL}, True),
    "a placeholder": (PLACED, {"name": "a", "at": ZERO}, False),
    "a placeholder in scope": (LIMITED, {"name": "a", "chain": 1, "at": ZERO}, False),
    "no address": (PLACED, {"name": "a"}, True),
    "a null for an address": (PLACED, {"name": "a", "at": None}, False),
    "a null that is absent": (NULLS, {"name": "a", "at": None}, True),
    "a placeholder where null is absent": (NULLS, {"name": "a", "at": ZERO}, False),
    "what no JSON holds": (NAMED, {"name": "a", "b": object()}, False),
}


@pytest.mark.parametrize(("asked", "value", "is_plain"), PLAIN.values(), ids=PLAIN)
def test_records_of_which_nothing_is_to_be_noted_are_read_at_once(asked, value, is_plain) -> None:
    """One that is not plain keeps all of its batch from being so, and then nothing is counted yet."""
    good = {key: {"chain": 1, "kind": "main", "at": REAL}.get(key, "b") for key in value}
    tally = Tally(asked)

    plain = tally.plain(1, [good, value, good])

    assert tally.read == [0, 3 if is_plain else 0]
    assert (plain is not None) is is_plain
    if plain is not None:
        assert plain == (["b", "a", "b"], [tally.meaning.of(each) for each in (good, value, good)])


@pytest.mark.parametrize(("asked", "value", "is_plain"), PLAIN.values(), ids=PLAIN)
def test_of_what_is_plain_there_is_nothing_to_note_alone(asked, value, is_plain) -> None:
    tally = Tally(replace(asked, kinds={name: kind for name, kind in asked.kinds.items() if name in value}))

    name = tally.admit(0, Record("p", value))

    if is_plain:
        assert name == "a"
        tallied(tally, left=1)


def test_values_that_differ_are_listed_without_secrets() -> None:
    tally = Tally(NAMED, lambda text: text.replace("hunter2", "<X>"))

    tally.compare("a", [record(x="hunter2")], [record(x="other")], pair=True)

    tallied(tally, **wrong(differing=[["a", [["x", "<X>", "other"]]]]))


def test_records_that_are_read_at_once_add_up() -> None:
    tally = Tally(NAMED)

    for _ in range(2):
        tally.plain(1, [{"name": "a"}, {"name": "b"}])

    tallied(tally, right=4)


def test_records_nested_too_deeply_to_be_compared_are_broken() -> None:
    """Not the same, whatever they hold; and the tally goes on."""
    deep: list[list[Any]] = []
    for _ in range(2):
        nested: list[Any] = []
        for _ in range(100_000):
            nested = [nested]
        deep.append(nested)
    tally = Tally(NAMED)

    tally.compare("a", [record(place="l", x=deep[0])], [record(place="r", x=deep[1])], pair=True)

    tallied(tally, **wrong(broken=["l and r: are nested too deeply to be compared"]))


def test_fields_of_records_that_are_read_at_once_are_seen() -> None:
    tally = Tally(replace(NAMED, fields=("x", "name")))

    tally.plain(0, [{"name": "a"}])

    tallied(tally, left=1, **wrong(unseen=["x"]))


def test_a_record_counts_on_the_side_where_it_was_read() -> None:
    tally = Tally(SCOPED)

    for side, chain in ((0, 1), (1, 1), (1, 97), (1, 56)):
        tally.admit(side, record(chain=chain))
    assert tally.read == [1, 3]
    plain = Tally(NAMED)
    plain.admit(1, record())
    plain.admit(1, record("b"))
    assert plain.read == [0, 2]


ONE, OTHER = record(x=1), record(place="q", x=2)
COMPARED: dict[str, tuple[Asked, list[Record], list[Record], bool, dict[str, Any]]] = {
    "the same": (NAMED, [ONE], [record(place="q", x=1)], True, {"same": 1}),
    "differing": (NAMED, [ONE], [OTHER], True, wrong(differing=[["a", [["x", "1", "2"]]]])),
    "only on the left": (NAMED, [ONE], [], True, wrong(only_left=["a"])),
    "only on the right": (NAMED, [], [ONE], True, wrong(only_right=["a"])),
    "one store": (NAMED, [ONE], [], False, {"same": 1}),
    "two in one store": (NAMED, [ONE, OTHER], [], False, {"same": 1, **wrong(doubles=["a: p and q"])}),
    "doubled on both sides": (
        NAMED, [ONE, OTHER], [OTHER, ONE, ONE, ONE, ONE], True,
        wrong(differing=[["a", [["x", "1", "2"]]]], doubles=["a: p and q", "a: q and p and p and p"]),
    ),
    "fields that are not asked": (replace(NAMED, fields=("y",)), [ONE], [OTHER], True, {"same": 1}),
    "a kind": (
        replace(NAMED, kinds={"x": FieldKind.INTEGER}), [ONE], [record(x="1")], True, {"same": 1},
    ),
    "null and nothing": (NAMED, [ONE], [record(x=None)], True, wrong(differing=[["a", [["x", "1", "None"]]]])),
    "null that is absent": (
        replace(NAMED, null_is_absent=True), [record(x=None, y=0)], [record(y=0, z=None)], True, {"same": 1},
    ),
    "null against a value": (
        replace(NAMED, null_is_absent=True), [ONE], [record(x=None)], True,
        wrong(differing=[["a", [["x", "1", "nothing"]]]]),
    ),
    "owed": (OWED, [ONE], [ONE], True, {"same": 1, **wrong(missing=["b"])}),
    "not owed": (
        replace(OWED, inventory=("b",)), [ONE], [ONE], True, {"same": 1, **wrong(missing=["b"], unexpected=["a"])},
    ),
    "one side of what is owed": (OWED, [ONE], [], True, wrong(missing=["b"], only_left=["a"])),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "left", "right", "pair", "told"), COMPARED.values(), ids=COMPARED)
def test_all_records_of_one_identity_are_compared(asked, left, right, pair, told) -> None:
    tally = Tally(asked)
    tally._unseen.clear()

    tally.compare("a", left, right, pair=pair)

    tallied(tally, pair=pair, **told)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (NAMED, {"same": 1}),
        (OWED, {"same": 1, **wrong(missing=["b"])}),
        (replace(OWED, inventory=("c",)), {"same": 1, **wrong(missing=["c"], unexpected=["a"])}),
    ],
    ids=["no inventory", "owed", "not owed"],
)
def test_two_that_agree_are_the_same_and_owed_or_not(asked, told) -> None:
    tally = Tally(asked)

    tally.agree(["a"])

    tallied(tally, **told)
    assert tally.same == 1


def test_what_agrees_is_counted_one_by_one() -> None:
    tally = Tally(NAMED)

    tally.agree(["a"])
    tally.agree(["b"])
    tally.compare("c", [ONE], [ONE], pair=True)
    tally.compare("d", [ONE], [], pair=False)

    assert tally.same == 4


def test_a_double_of_what_both_hold_names_four_places() -> None:
    tally = Tally(NAMED)

    tally.doubled("a", ["1", "2", "3", "4", "5"])

    tallied(tally, **wrong(doubles=["a: one that is the same on both sides and 1 and 2 and 3 and 4"]))


def test_files_that_do_not_belong_are_told() -> None:
    tally = Tally(NAMED)

    tally.leftovers(iter(["b.tmp", "a.tmp"]))

    tallied(tally, **wrong(leftovers=["a.tmp", "b.tmp"]))


def test_all_trouble_is_counted_and_a_hundred_are_listed() -> None:
    tally = Tally(NAMED)

    for number in range(MOST_LISTED + 1):
        tally.note("broken", f"{number:03d}")

    listed = [f"{number:03d}" for number in range(MOST_LISTED)]
    tallied(tally, counts={"broken": MOST_LISTED + 1}, listed={"broken": listed})


def test_sorts_of_trouble_are_told_by_name_in_order() -> None:
    tally = Tally(NAMED)

    for sort in ("nameless", "broken", "foreign"):
        tally.note(sort, "p")

    document = tally.document(pair=True)
    assert [*document["counts"]] == [*document["listed"]] == ["broken", "foreign", "nameless"]


def test_where_nothing_was_read_no_field_is_unseen() -> None:
    tallied(Tally(replace(NAMED, fields=("x",))), pair=False)


def test_addresses_are_the_fields_of_that_kind() -> None:
    assert PLACED.addresses == ("at",)
    assert NAMED.addresses == ()
