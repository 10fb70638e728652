"""Prometheus' JSON read fast comes to the same as read strictly, whatever is written where samples belong."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.metrics.matrix import Clock, Readings, nanoseconds, parse_matrix
from pytest_rollout.metrics.prometheus import _FOREIGN
from pytest_rollout.metrics.strict_json import BadJsonError, parse


def written(document: Any) -> Any:
    """The document with every list of samples as ``Readings`` hold it."""
    if isinstance(document, Readings):
        return [[time, repr(value)] for time, value in zip(document.times, document.values, strict=True)]
    if isinstance(document, dict):
        return {key: written(value) for key, value in document.items()}
    if isinstance(document, list) and document and all(map(_is_sample, document)):
        with contextlib.suppress(ValueError, OverflowError):
            return [[time, repr(float(text))] for time, text in zip(_times(document), _texts(document), strict=True)]
    return [written(each) for each in document] if isinstance(document, list) else document


def _is_sample(given: Any) -> bool:
    return (
        isinstance(given, list)
        and [type(each) for each in given] in ([int, str], [float, str])
        and not _FOREIGN.search(given[1])
    )


def _times(samples: list[Any]) -> list[int]:
    return list(nanoseconds([time for time, _ in samples]))


def _texts(samples: list[Any]) -> list[str]:
    return [text for _, text in samples]


def fast(body: bytes) -> Any:
    return parse_matrix(body, Clock())


def outcome(read: Any, body: bytes) -> Any:
    try:
        return json.dumps(written(read(body)))
    except BadJsonError as error:
        return str(error)


@pytest.mark.parametrize(
    "values",
    [
        '[[1,"2"]]', '[[1,"2"],[3.5,"NaN"]]', '[[1,"+Inf"],[2,"-1e308"]]', '[[1,""]]', "[]", "[[]]", '[["1","2"]]',
        "[[1,2]]", '[[1,"2",3]]', '[[1,"2","3"]]', '[[1],[2,"3"]]', '[[1,"2"],[3]]', '[[1,2,"3"]]', '[[1,"2"],["3"]]',
        '[[1,","]]', '[[1,"],["]]', '[[1,"]]"]]', '[[1,"[["],[2,"3"]]', '[[true,"1"]]', '[[1,"x y"]]', '[[1, "2"]]',
        '[ [1,"2"]]', '[[[1,"2"]]]', '[[1,["2"]]]', '[[1,"2"]', '[[1,"2"]]]', '[[1,"2"]}', '[[1"2"]]', '[[,"2"]]',
        '[[1,5"2"]]', '[5[1,"2"]]', '5[[1,"2"]]', '[[1,"2"5],[3,"4"]]', '[[1,"2"]5,[3,"4"]]', '[[1,"2"],5[3,"4"]]',
        '[[1,"2,"3"],[4"],[5,"6"]]', '[[1,"2"],["3",4]]',
        '[[1,"a\\"]]"]]', '"values"', "null", '{"values":[[1,"2"]]}', '[[1,"2"]],"values":[[1,"3"]]',
        '[[1,"2"]],"v\\u0061lues":[[1,"3"]]', '["samples taken out",0]', '[[1,"2"]],"x":["samples taken out",7]',
    ],
)  # fmt: skip
def test_a_list_of_samples_is_what_the_strict_parser_reads(values: str) -> None:
    """Where it is none, it is left to the strict parser, which refuses it or hands it on as it is."""
    body = f'{{"a":[{{"metric":{{"values":"x"}},"values":{values}}},{{"values":[[7,"8"],[9,"10"]]}}]}}'.encode()

    assert outcome(fast, body) == outcome(parse, body)


@given(st.text(alphabet='[],"0123456789.eINaf+-{}:x ', max_size=40))
def test_no_text_is_read_otherwise(values: str) -> None:
    body = f'{{"values":{values}}}'.encode()

    assert outcome(fast, body) == outcome(parse, body)


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TIMES = st.one_of(
    st.integers(0, 2**33).map(str),
    st.integers(0, 2**43).map(lambda each: f"{each / 1000:.3f}"),
    st.integers(-(10**30), 10**30).map(str),
    FLOATS.map(repr),
    st.sampled_from(["0", "-0", "1e9", "1e400", "NaN", "07", "1.", "", "1767571215.0005", "1767571215123", "9" * 400]),
)
VALUES = st.one_of(
    FLOATS.map(repr),
    FLOATS.map(lambda each: f"{each:.40f}"),
    st.integers(-(2**1100), 2**1100).map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.sampled_from(["+Inf", "-Inf", "NaN", "Inf", "nan", "inf", "-NaN", "Infinity", "-0", "-0.0", "0", "1e-400"]),
    st.sampled_from(["1e308", "-1e308", "1.7976931348623157e+308", "1.7976931348623159e308", "1e309", "5e-324"]),
    st.sampled_from(["+1", "01", ".5", "5.", "1e", "", "1_000", " 5 ", "0x10", "true", "9007199254740993"]),
    st.sampled_from(["1e400", "9" * 309, "9" * 5000, "1" + "0" * 308 + ".5", "2.5e-324"]),
)
SAMPLE = st.tuples(TIMES, VALUES)
FREAKS = st.sampled_from(
    ["[1,2]", '["1","2"]', '[true,"1"]', "[1,null]", "[1]", "[]", '["2",1]', '[[1,"2"]]', '[1,"2",3]']
)


@given(
    st.lists(st.lists(st.one_of(SAMPLE.map(lambda each: f'[{each[0]},"{each[1]}"]'), FREAKS), max_size=4), max_size=3)
)
def test_whatever_stands_for_times_and_values_is_read_alike(lists: list[list[str]]) -> None:
    """NaN, infinities, 1e308, whole numbers of any size, milliseconds, bare values, quoted times and truth values."""
    body = f'{{"a":[{",".join(f"""{{"values":[{",".join(each)}]}}""" for each in lists)}]}}'.encode()

    assert outcome(fast, body) == outcome(parse, body)


@given(st.lists(SAMPLE.map(lambda each: f'[{each[0]},"{each[1]}"]'), min_size=1, max_size=3), st.data())
def test_a_mark_out_of_place_is_seen(samples: list[str], data: st.DataObject) -> None:
    """One character more, less or another, anywhere in what Prometheus would write."""
    body = f'{{"values":[{",".join(samples)}]}}'
    place = data.draw(st.integers(10, len(body) - 1))
    other, gone = data.draw(st.text(alphabet='[],"01.-eNI', max_size=2)), data.draw(st.integers(0, 2))
    changed = (body[:place] + other + body[place + gone :]).encode()

    assert outcome(fast, changed) == outcome(parse, changed)


def test_the_lists_of_an_answer_are_taken_out() -> None:
    body = json.dumps({"result": [{"values": [[1, "2"], [16, "NaN"]]}]}, separators=(",", ":")).encode()

    (readings,) = (each["values"] for each in fast(body)["result"])

    assert list(readings.times) == [10**9, 16 * 10**9]
    assert list(map(repr, readings.values)) == ["2.0", "nan"]


def test_the_infinities_of_prometheus_are_taken_out_as_well() -> None:
    (readings,) = (fast(b'{"values":[[1,"+Inf"],[2,"-Inf"],[3,"-0"]]}')[key] for key in ("values",))

    assert list(map(repr, readings.values)) == ["inf", "-inf", "-0.0"]


def test_answers_share_the_times_of_their_steps_and_no_others() -> None:
    """A hundred criteria are evaluated at the same steps: their times are made once."""
    clock = Clock()
    same, again, other, falling = (
        parse_matrix(f'{{"values":[[{first},"1"],[{second},"2"]]}}'.encode(), clock)["values"]
        for first, second in ((1, 2), (1, 2), (1, 3), (3, 1))
    )

    assert same.times is again.times
    assert [list(each.times) for each in (same, other, falling)] == [
        [10**9, 2 * 10**9],
        [10**9, 3 * 10**9],
        [3 * 10**9, 10**9],
    ]
    assert [each.is_rising for each in (same, again, other, falling)] == [True, True, True, False]
