"""Prometheus' JSON read fast comes to the same as read strictly, whatever is written where samples belong."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.metrics.matrix import Readings, nanoseconds, parse_matrix
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
        '[[1,"a\\"]]"]]', '"values"', "null", '{"values":[[1,"2"]]}', '[[1,"2"]],"values":[[1,"3"]]',
        '[[1,"2"]],"v\\u0061lues":[[1,"3"]]', '["samples taken out",0]', '[[1,"2"]],"x":["samples taken out",7]',
    ],
)  # fmt: skip
def test_a_list_of_samples_is_what_the_strict_parser_reads(values: str) -> None:
    """Where it is none, it is left to the strict parser, which refuses it or hands it on as it is."""
    body = f'{{"a":[{{"metric":{{"values":"x"}},"values":{values}}},{{"values":[[7,"8"],[9,"10"]]}}]}}'.encode()

    assert outcome(parse_matrix, body) == outcome(parse, body)


@given(st.text(alphabet='[],"0123456789.eINaf+-{}:x ', max_size=40))
def test_no_text_is_read_otherwise(values: str) -> None:
    """Times with leading zeros, which no server writes, are the one thing it reads more kindly."""
    body = f'{{"values":{values}}}'.encode()
    fast, strict = outcome(parse_matrix, body), outcome(parse, body)

    assert fast == strict or (strict == "is no JSON document" and json.loads(fast)["values"])


def test_the_lists_of_an_answer_are_taken_out() -> None:
    body = json.dumps({"result": [{"values": [[1, "2"], [16, "NaN"]]}]}, separators=(",", ":")).encode()

    (readings,) = (each["values"] for each in parse_matrix(body)["result"])

    assert list(readings.times) == [10**9, 16 * 10**9]
    assert list(map(repr, readings.values)) == ["2.0", "nan"]
