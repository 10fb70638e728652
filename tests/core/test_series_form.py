"""Samples are packed without loss, and what was not packed by us is refused in one sentence."""

from __future__ import annotations

import base64
import json
import zlib
from array import array
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.series import Outage, Samples, Series
from pytest_rollout.core.series_form import Recorded, digest, packed, unpacked

EVEN, UNEVEN = array("q", [10, 25, 40, 55]), array("q", [10, 25, 40, 56])
VALUES = Series(times=EVEN, column=array("d", [0.5, 1, 2, 3]), labels={"é": "ü"}, missing=array("q", [70]))
RATIOS = Series(times=UNEVEN, good=array("q", [1, 2, 3, 4]), total=array("q", [5, 6, 7, 8]), events=True)
EXACT = Series(times=EVEN[:2], column=[Fraction(1, 3), 2**70], labels={"a": "b"})
SAMPLES = Samples(
    metric="m",
    source="prometheus",
    query="q",
    since=0,
    until=100,
    series=(VALUES, RATIOS, EXACT),
    attempts=2,
    warnings=("partial",),
    outages=(Outage(since=1, until=2, why="refused"),),
    step=15,
)


def squeezed(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw, 1)).decode()


HEAD = {
    "metric": "m", "source": "prometheus", "query": "q", "since": 0, "until": 100, "attempts": 2, "step": 15,
    "warnings": ["partial"], "outages": [[1, 2, "refused"]],
}  # fmt: skip
DOCUMENT: dict[str, Any] = HEAD | {
    "series": [
        {
            "labels": {"é": "ü"}, "events": False, "times": [10, 15, 4], "missing": squeezed(array("q", [70]).tobytes()),
            "column": ["d", squeezed(array("d", [0.5, 1, 2, 3]).tobytes())],
        },
        {
            "labels": {}, "events": True, "times": squeezed(array("q", [10, 15, 15, 16]).tobytes()),
            "missing": squeezed(b""),
            "good": ["q", squeezed(array("q", [1, 2, 3, 4]).tobytes())],
            "total": ["q", squeezed(array("q", [5, 6, 7, 8]).tobytes())],
        },
        {
            "labels": {"a": "b"}, "events": False, "times": squeezed(array("q", [10, 15]).tobytes()), "missing": squeezed(b""),
            "column": ["x", squeezed(f"1/3 {2**70}".encode())],
        },
    ],
}  # fmt: skip


def line(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def test_samples_are_packed_in_one_line_and_read_as_they_were() -> None:
    assert packed(SAMPLES) == line(DOCUMENT)
    assert unpacked(packed(SAMPLES)) == SAMPLES
    assert unpacked(packed(SAMPLES)).step == 15


TIMES = {
    "none": ([], False),
    "one": ([5], False),
    "two": ([5, 6], False),
    "three": ([5, 6, 7], True),
    "three far apart": ([-5, 5, 15], True),
    "backwards": ([7, 6, 5], False),
    "standing still": ([5, 5, 5], False),
    "uneven between": ([0, 1, 3, 3], False),
    "uneven at the end": ([0, 1, 2, 4], False),
}


@pytest.mark.parametrize(("times", "is_even"), TIMES.values(), ids=TIMES)
def test_even_times_are_three_numbers(times, is_even) -> None:
    column = array("q", times)
    samples = replace(SAMPLES, series=(Series(times=column, column=column),))

    (told,) = json.loads(packed(samples))["series"]

    assert isinstance(told["times"], list) is is_even
    if is_even:
        assert told["times"] == [times[0], times[1] - times[0], len(times)]
    assert unpacked(packed(samples)) == samples


def one(**changes: Any) -> bytes:
    column = ["q", squeezed(array("q", [1, 2, 3]).tobytes())]
    series = {"labels": {}, "events": False, "times": [0, 1, 3], "missing": squeezed(b""), "column": column} | changes
    return line(HEAD | {"series": [{key: each for key, each in series.items() if each is not None}]})


def test_no_time_at_all_may_be_told_by_three_numbers() -> None:
    (series,) = unpacked(one(times=[0, 1, 0], column=["q", squeezed(b"")])).series

    assert list(series.times) == []


REFUSED: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"{", "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    "no metric": (line({}), "KeyError: 'metric'"),
    "no series": (line(HEAD), "KeyError: 'series'"),
    "a step backwards": (one(times=[0, -1, 3]), "ValueError: no such times"),
    "no step": (one(times=[0, 0, 3]), "ValueError: no such times"),
    "fewer than none": (one(times=[0, 1, -1]), "ValueError: no such times"),
    "more than anybody keeps": (one(times=[0, 1, 20_000_001]), "ValueError: no such times"),
    "more times than values": (one(times=[0, 1, 4]), "ValueError: times and values are not equally many"),
    "no values": (one(column=None), "ValueError: times and values are not equally many"),
    "one column short": (
        one(good=["q", squeezed(b"")]), "ValueError: times and values are not equally many",
    ),
    "another kind": (one(column=["f", squeezed(b"")]), "ValueError: no column of kind 'f'"),
    "a long kind": (one(column=["k" * 30, squeezed(b"")]), f"ValueError: no column of kind '{'k' * 20}'"),
    "letters that are none of base64": (one(column=["q", "!!" + squeezed(b"")]), "Error: Only base64 data is allowed"),
    "half a number": (
        one(column=["q", squeezed(b"1234")]), "ValueError: bytes length not a multiple of item size",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given", "why"), REFUSED.values(), ids=REFUSED)
def test_what_was_not_packed_is_refused(given, why) -> None:
    with pytest.raises(EvidenceError) as refused:
        unpacked(given)

    assert str(refused.value) == f"recorded samples cannot be read ({why})."


CHANGED: dict[str, Samples] = {
    "metric": replace(SAMPLES, metric="n"),
    "step": replace(SAMPLES, step=16),
    "warnings": replace(SAMPLES, warnings=()),
    "labels": replace(SAMPLES, series=(replace(VALUES, labels={"é": "u"}), RATIOS, EXACT)),
    "events": replace(SAMPLES, series=(replace(VALUES, events=True), RATIOS, EXACT)),
    "times": replace(SAMPLES, series=(replace(VALUES, times=UNEVEN), RATIOS, EXACT)),
    "missing": replace(SAMPLES, series=(replace(VALUES, missing=array("q", [71])), RATIOS, EXACT)),
    "values": replace(SAMPLES, series=(replace(VALUES, column=array("d", [0.5, 1, 2, 4])), RATIOS, EXACT)),
    "the kind of values": replace(SAMPLES, series=(VALUES, RATIOS, replace(EXACT, column=array("q", [1, 2])))),
    "order": replace(SAMPLES, series=(RATIOS, VALUES, EXACT)),
}


@pytest.mark.parametrize("changed", CHANGED.values(), ids=CHANGED)
def test_a_digest_is_of_everything_that_was_answered(changed) -> None:
    assert digest(changed) != digest(SAMPLES)
    assert digest(unpacked(packed(changed))) == digest(changed)


def test_a_digest_stays_the_same_from_release_to_release() -> None:
    """It stands in judgements that were signed."""
    assert digest(SAMPLES) == "818687609949663ff1de75050e741214b0ad587ae97e60b72bba896ce6208615"


def test_packed_samples_are_read_by_the_name_of_their_metric() -> None:
    recorded = Recorded({"m": packed(SAMPLES), "n": b"{"})

    assert recorded["m"] == SAMPLES
    assert [*recorded] == ["m", "n"]
    assert len(recorded) == 2
    assert "n" in recorded
    assert "o" not in recorded
