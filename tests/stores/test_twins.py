"""Records that both stores hold byte for byte are read once; what is said of two stores is the same without that."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.record import FieldKind, Identity, Record
from pytest_rollout.core.store_check import StoreCheck, StoreKind, StoreSettings
from pytest_rollout.core.store_tally import Asked
from pytest_rollout.stores import batches, ndjson, spreading, twins
from pytest_rollout.stores.joining import compare
from pytest_rollout.stores.ndjson import NdjsonStore
from pytest_rollout.testing.stores import MemoryStore

GOOD = "0x" + "ab" * 19 + "01"
ASKED = Asked(identity=Identity(key=("chainId", "name")), kinds={"address": FieldKind.ADDRESS})
LIMITED = replace(ASKED, scope={"chainId": ("56",)}, outside={"name": ("B",)}, inventory=("56/A", "56/C"))
SPELT = replace(
    ASKED,
    identity=Identity(key=("chainId", "name"), aliases={"chainId": {"0x38": "56"}}, short_names=True),
    kinds={"chainId": FieldKind.INTEGER},
    null_is_absent=True,
)
CHECK = StoreCheck(
    name="moved",
    left=StoreSettings(name="before", kind=StoreKind.NDJSON, path=Path()),
    right=StoreSettings(name="after", kind=StoreKind.NDJSON, path=Path()),
    asked=ASKED,
)
RECORDS = st.fixed_dictionaries(
    {"chainId": st.sampled_from([56, "0x38"]), "name": st.sampled_from(["A", "B", "C", "x.sol:A", "x/y", ""])},
    optional={
        "address": st.sampled_from([GOOD, GOOD.upper().replace("X", "x"), "0x" + "0" * 40, None]),
        "on": st.sampled_from([True, 1, "1", 1.0, None, {"a": [1]}, {"a": [True]}]),
    },
)
LINES = st.lists(
    st.one_of(
        RECORDS.map(json.dumps),
        RECORDS.map(lambda each: json.dumps(each, separators=(",", ":"))),
        st.sampled_from(['{"chainId": 56', "[]", '{"name": "A", "name": "A", "chainId": 56}']),
    ),
    max_size=8,
)


class Plain(NdjsonStore):
    """The same file without its bytes."""

    raws = None  # type: ignore[assignment]

    def records(self) -> Iterator[Record]:
        for numbers, lines in NdjsonStore(self._path).raws():
            yield from map(self.record, numbers, lines)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("twins")


def written(path: Path, lines: list[str], ending: str = "\n") -> Path:
    path.write_text("\n".join(lines) + (ending if lines else ""))
    return path


def outcome(tally: dict[str, Any]) -> Any:
    return CHECK.judge("item", Observation(item="item", value=tally)).outcome


def slowly(one: Path, other: Path, asked: Asked) -> dict[str, Any]:
    """Every record read alone and compared field by field."""
    with mock.patch.object(twins, "MOST", 0), mock.patch.object(batches, "MOST", 1):
        return compare(Plain(one), Plain(other), asked)


@given(left=LINES, right=LINES, ending=st.sampled_from(["\n", ""]), asked=st.sampled_from([ASKED, LIMITED, SPELT]))
def test_marks_change_nothing_that_is_said(
    place: Path, left: list[str], right: list[str], ending: str, asked: Asked
) -> None:
    """Doubles, spellings, placeholders and broken lines included; only what is said of doubles is shorter."""
    one, other = written(place / "a", left, ending), written(place / "b", right, ending)

    slow = slowly(one, other, asked)
    for store in (NdjsonStore, Plain):
        quick = compare(store(one), store(other), asked)
        assert outcome(quick) is outcome(slow)
        assert (quick["left"], quick["right"]) == (slow["left"], slow["right"])
        if "doubles" not in slow["counts"]:
            assert quick == slow
        assert ("doubles" in quick["counts"]) is ("doubles" in slow["counts"])


def lines(*records: Any) -> list[str]:
    return [json.dumps(each) for each in records]


A = {"chainId": 56, "name": "A", "address": GOOD}
DOUBLES = {
    "twice on the left": ([A, A], [A]),
    "twice on the right": ([A], [A, A]),
    "twice on both": ([A, A], [A, A]),
    "another of its identity, before": ([A | {"on": True}, A], [A]),
    "another of its identity, behind": ([A], [A, A | {"on": True}]),
    "both of its identity, crossed": ([A | {"on": True}, A], [A, dict(reversed((A | {"on": True}).items()))]),
}


@pytest.mark.parametrize(("left", "right"), DOUBLES.values(), ids=DOUBLES)
def test_a_double_beside_twins_is_told(place: Path, left: list[Any], right: list[Any]) -> None:
    one, other = written(place / "a", lines(*left)), written(place / "b", lines(*right))

    tally = compare(NdjsonStore(one), NdjsonStore(other), ASKED)

    assert tally["counts"]["doubles"] >= 1
    assert all(each.startswith("56/A: ") for each in tally["listed"]["doubles"])
    assert outcome(tally) is Outcome.FAIL


def test_a_store_that_changes_while_it_is_read_is_no_evidence(place: Path) -> None:
    """The right store is read twice; what was there first and is gone then must not count as the same."""
    one = written(place / "a", lines(A))

    class Changing(NdjsonStore):
        read = 0

        def raws(self) -> Iterator[tuple[int, bytes]]:
            self.read += 1
            return super().raws() if self.read == 1 else iter(())

    with pytest.raises(StoreError, match="store a: was changed while it was read"):
        compare(NdjsonStore(one), Changing(one), ASKED)


def test_more_marks_than_are_remembered_are_compared_all_the_same(place: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(twins, "MOST", 3)
    some = [A | {"name": f"C{number}"} for number in range(10)]
    one, other = written(place / "a", lines(*some)), written(place / "b", lines(*reversed(some)))

    assert compare(NdjsonStore(one), NdjsonStore(other), ASKED)["same"] == 10


def test_two_spellings_are_not_searched_for_long(place: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(twins, "_TRIED", 2)
    some = [A | {"name": f"C{number}"} for number in range(10)]
    compact = [json.dumps(each, separators=(",", ":")) for each in some]
    one, other = written(place / "a", compact), written(place / "b", [*lines(*some[:-1]), compact[-1]])

    assert compare(NdjsonStore(one), NdjsonStore(other), ASKED)["same"] == 10


SEVERAL = [A | {"name": f"C{number}", "on": number % 3 == 0} for number in range(40)]


def respelt(record: dict[str, Any]) -> str:
    return json.dumps(dict(reversed((record | {"address": GOOD.upper().replace("X", "x")}).items())))


@pytest.mark.parametrize("most", [1, 300, 100_000])
def test_batches_change_nothing_that_is_said(place: Path, monkeypatch: Any, most: int) -> None:
    """Each record spelt otherwise, some differing, one broken, one a placeholder, one too many, on more than one part."""
    monkeypatch.setattr(ndjson, "MOST_BYTES", most)
    monkeypatch.setattr(spreading, "_WAITING", 100)
    odd = [A | {"name": "Z", "address": "0x" + "0" * 40}]
    left = [*lines(*SEVERAL, *odd), '{"chainId": 56, "name": "Y", "name": "Y"}']
    right = [respelt(each | ({"on": 1} if each["name"] in {"C3", "C30"} else {})) for each in reversed(SEVERAL)]
    one, other = written(place / "a", left), written(place / "b", [*right, respelt(SEVERAL[5])])

    tally = compare(NdjsonStore(one), NdjsonStore(other), ASKED)

    assert (tally["left"], tally["right"], tally["same"]) == (41, 41, 38)
    assert tally["counts"] == {"broken": 1, "differing": 2, "doubles": 1, "only_left": 1, "placeholders": 1}
    assert [name for name, _ in tally["listed"]["differing"]] == ["56/C3", "56/C30"]
    assert tally["listed"]["doubles"] == ["56/C5: one that is the same on both sides and b:41"]
    assert tally["listed"]["only_left"] == ["56/Z"]


def test_a_mark_is_of_what_a_record_means_and_of_nothing_else(place: Path) -> None:
    """Declared spellings of the key, of addresses and of integers, each record spelt otherwise: none is kept."""
    identity = Identity(key=("net", "name"), aliases={"net": {"bsc": "bscmainnet"}}, short_names=True)
    asked = Asked(identity=identity, kinds={"address": FieldKind.ADDRESS, "at": FieldKind.INTEGER})
    left = [{"net": "bsc", "name": f"a/C.sol:C{n}", "address": GOOD, "at": str(n)} for n in range(9)]
    right = [{"at": n, "name": f"C{n}", "net": "bscmainnet", "address": GOOD.swapcase()} for n in range(9)]
    for each in right:
        each["address"] = "0x" + GOOD[2:].upper()
    one, other = written(place / "a", lines(*left)), written(place / "b", lines(*right))

    with mock.patch.object(spreading.Side, "spread", side_effect=AssertionError("they were not met by their marks")):
        tally = compare(NdjsonStore(one), NdjsonStore(other), asked)

    assert (tally["same"], tally["counts"]) == (9, {})


DEEP = 450


@pytest.fixture
def pythons_own_depth() -> Iterator[None]:
    """Other libraries raise the limit when a test imports them."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("pythons_own_depth")
@pytest.mark.parametrize("store", [NdjsonStore, Plain])
def test_records_nested_too_deeply_to_compare_are_told(place: Path, store: Any) -> None:
    """What can be read can be compared, or is told; a traceback is neither."""
    one, other = (
        written(
            place / name,
            ['{"chainId": 56, "name": "A", "address": "' + GOOD + '", "x": ' + '{"y":' * DEEP + end + "}" * DEEP + "}"],
        )
        for name, end in (("a", "1"), ("b", "2"))
    )

    tally = compare(store(one), store(other), ASKED)

    assert (tally["same"], tally["counts"]) == (0, {"broken": 1})
    assert tally["listed"]["broken"] == ["a:1 and b:1: are nested too deeply to be compared"]


def test_a_value_that_no_json_holds_is_told() -> None:
    tally = compare(MemoryStore([A | {"on": object()}, A | {"name": "B"}]), MemoryStore([A | {"name": "B"}]), ASKED)

    assert (tally["same"], tally["counts"]) == (1, {"broken": 1})
    assert tally["listed"]["broken"] == ["memory[0]: is nested too deeply, or holds what no JSON can"]


def test_a_store_of_values_has_no_twins() -> None:
    assert compare(MemoryStore([A]), MemoryStore([A]), ASKED)["same"] == 1


SPELLINGS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "blanks before": (' \t{"chainId": 56, "name": "A", "address": "0x' + "ab" * 20 + '"}', lambda counts: not counts),
    "blanks behind": ('{"chainId": 56, "name": "A", "address": "0x' + "ab" * 20 + '"} \r', lambda counts: not counts),
    "more behind": ('{"chainId": 56, "name": "A"} {}', lambda counts: counts["broken"] == 2),
    "nothing but blanks": ("   ", lambda counts: counts["broken"] == 2),
    "NaN": ('{"chainId": 56, "name": "A", "x": NaN}', lambda counts: counts["broken"] == 2),
}


@pytest.mark.parametrize(("line", "fits"), SPELLINGS.values(), ids=SPELLINGS)
def test_a_line_is_read_strictly(place: Path, line: str, fits: Callable[[Any], bool]) -> None:
    path = written(place / "a", [line])

    assert fits(compare(NdjsonStore(path), NdjsonStore(path), ASKED)["counts"])
