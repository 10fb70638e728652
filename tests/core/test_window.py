"""What a trigger has seen is kept exactly between two looks."""

from __future__ import annotations

from array import array
from fractions import Fraction
from typing import Any

import pytest

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.window import Looked, Window, WindowKind

SEEN = Looked(
    last=2**62,
    clock=2**61,
    bad_since=7,
    clocks=array("q", [1, 2]),
    columns=(array("d", [0.1, 2.5]), array("q", [3, 2**62]), [Fraction(1, 3), 2**70]),
    first_fired=8,
    last_fired=9,
    is_firing=True,
)
DOCUMENT: dict[str, Any] = {
    "last": str(2**62),
    "clock": str(2**61),
    "bad_since": "7",
    "clocks": ["1", "2"],
    "columns": [["d", "0.1", "2.5"], ["q", "3", str(2**62)], ["x", "1/3", str(2**70)]],
    "first_fired": "8",
    "last_fired": "9",
    "is_firing": True,
}


def test_a_look_is_kept_as_numbers_that_json_does_not_round() -> None:
    assert SEEN.document() == DOCUMENT
    assert Looked.read(DOCUMENT) == SEEN
    assert [type(each) for each in Looked.read(DOCUMENT).columns] == [array, array, list]
    assert [type(each) for each in Looked.read(DOCUMENT).columns[2]] == [Fraction, int]


def test_a_look_at_nothing_is_kept_as_well() -> None:
    assert Looked.read(Looked().document()) == Looked()
    assert not Looked().fired
    assert SEEN.fired


def test_only_true_is_firing() -> None:
    assert not Looked.read(DOCUMENT | {"is_firing": "true"}).is_firing


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"clock": None}, "TypeError"),
        ({"clock": "x"}, "ValueError"),
        ({"clocks": [str(2**63)]}, "OverflowError"),
        ({"columns": [[]]}, "ValueError"),
    ],
    ids=["nothing", "text", "too large", "no kind"],
)
def test_what_cannot_be_read_is_told(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(EvidenceError, match=rf"^no remembered window can be read \({says}: .+\)\.$"):
        Looked.read(DOCUMENT | changes)


def test_a_missing_key_is_told() -> None:
    with pytest.raises(EvidenceError, match=r"^no remembered window can be read \(KeyError: 'last'\)\.$"):
        Looked.read({})


@pytest.mark.parametrize(
    ("window", "says"),
    [
        (Window(kind=WindowKind.EVERY, over=900 * 10**9), "every sample for more than 15m"),
        (Window(kind=WindowKind.AGGREGATE, over=90 * 10**9), "in aggregate for more than 1m 30s"),
        (Window(kind=WindowKind.K_OF_N, k=3, n=5), "3 of 5 samples"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_window_says_what_it_looks_at(window: Window, says: str) -> None:
    assert str(window) == says
