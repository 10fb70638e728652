"""Which series belongs to which thing: nobody borrows, and nothing is silently reduced to one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pytest_rollout.core.rollout import SourceKind, SourceSettings
from pytest_rollout.core.series import Samples, Series, ratios, values
from pytest_rollout.core.things import Things, things


def settings(**about: Any) -> SourceSettings:
    return SourceSettings(kind=SourceKind.PROMETHEUS, query="q", interval=timedelta(seconds=15), **about)


def series(*times: int, **labels: str) -> Series:
    return values(times, [1] * len(times), labels=labels)


def sorted_out(*several: Series, **about: Any) -> Things:
    samples = Samples(metric="up", source="s", query="q", since=0, until=99, series=several)
    return things(settings(**about), samples)


EARLY, LATE, NEVER = series(1, 2, v="1"), series(3, 4, v="2"), series(v="3")
TROUBLES: dict[str, tuple[tuple[Series, ...], dict[str, Any], str]] = {
    "no label": (
        (series(1, node="a"), series(1, v="1")), {"per": "node"},
        "a series without the label 'node', by which the plan tells them apart",
    ),
    "an empty label": (
        (series(1, node=""),), {"per": "node"}, "a series without the label 'node', by which the plan tells them apart",
    ),
    "a stranger": (
        (series(1, node="c"),), {"per": "node", "things": ("a",)}, "node 'c' answered, which the plan does not name",
    ),
    "counts and values": (
        (EARLY, ratios([3], [1], [2])), {}, "counts and values came in one answer, and one of the two would be left out",
    ),
    "at once": (
        (series(1, 3, v="1"), series(3, 4, v="2")), {}, "2 series where one is expected, {v=1} and {v=2}",
    ),
    "at once for one of two": (
        (series(1, 3, v="1", node="a"), series(2, 4, v="2", node="a"), series(1, node="b")), {"per": "node"},
        "2 series where one is expected, {node=a, v=1} and {node=a, v=2} for node 'a'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("several", "about", "trouble"), TROUBLES.values(), ids=TROUBLES)
def test_an_answer_that_cannot_be_told_apart_is_trouble_and_nothing_else(several, about, trouble: str) -> None:
    assert sorted_out(*several, **about) == Things(trouble=trouble)


def test_one_after_the_other_they_are_one_thing_that_changed_in_whatever_order_they_are_told() -> None:
    for several in ((EARLY, LATE), (LATE, EARLY), (NEVER, LATE, EARLY)):
        found = sorted_out(*several)
        assert (found.trouble, found.series[""][:2]) == ("", (EARLY, LATE))


def test_a_thing_that_nobody_answered_for_is_missing() -> None:
    found = sorted_out(series(1, node="b"), per="node", things=("a", "b", "c"))

    assert found == Things(series={"b": (series(1, node="b"),)}, missing=("a", "c"))


def test_the_buckets_of_a_histogram_are_of_one_time() -> None:
    assert sorted_out(series(1, le="1"), series(1, le="+Inf"), histogram=True).trouble == ""
