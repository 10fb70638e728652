"""The quick reader of JSON says what the strict one says, of every text, alone and among others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_rollout.core.exact_json import exact_json
from pytest_rollout.stores import quick_json as room
from pytest_rollout.stores.quick_json import quick_json, quick_jsons

ODD = {
    "a key twice": b'{"a": 1, "a": 2}',
    "a key twice, once escaped": b'{"a": 1, "\\u0061": 2}',
    "a key twice within": b'{"x": {"a": 1, "a": 2}}',
    "a key twice in a list": b'{"x": [{"a": 1, "a": 2}]}',
    "a key twice beside a decimal": b'{"a": 1, "a": 0.5}',
    "a key twice beside a table like a decimal": b'{"a": {"decimal": "1"}, "a": 1}',
    "a key twice beside an empty table": b'{"a": {}, "a": {"b": 1}}',
    "decimal twice": b'{"x": {"decimal": "1", "decimal": "2"}}',
    "a key twice and a colon in a text": b'{"a": "x:y", "a": 2}',
    "blanks before colons": b'{"a" : 1, "b"\t:\n2, "c"\r: "x:y"}',
    "a key twice, once with a blank": b'{"a" : 1, "a": "x:y"}',
    "a key twice, once with a tabulator": b'{"a"\t: 1, "a": "x:y"}',
    "a key twice, once at the end of a line": b'{"a"\n: 1, "a": "x:y"}',
    "a key twice, once at another end of a line": b'{"a"\r: 1, "a": "x:y"}',
    "a key twice, with blanks": b'{"a" : 1, "a"\t: 2}',
    "a text that looks like a key": b'{"a": "\\":", "b": "c\\": 1"}',
    "colons in texts": b'{"url": "https://a.b:80/", "at": "2025-01-01T00:00:00Z", "name": "a.sol:A"}',
    "an empty key": b'{"": 1}',
    "no keys": b"{}",
    "a decimal alone": b"0.5",
    "a table like a decimal": b'{"decimal": "0.5"}',
    "one": b"1",
    "one with a fraction": b"1.0",
    "true": b"true",
    "no zero": b"-0",
    "a small zero": b"-0.0",
    "beyond 2^53": b"9007199254740993",
    "beyond 2^64": b"[18446744073709551617, -18446744073709551617]",
    "a thousand digits": b"9" * 1000,
    "more digits than are read": b"9" * 5000,
    "a decimal of more digits than a float keeps": b"0.12345678901234567890123456789",
    "a decimal of more digits than anybody reads": b"0." + b"1" * 5000,
    "beyond a float": b"1e400",
    "NaN": b"NaN",
    "NaN within": b'{"a": [NaN]}',
    "without end": b"-Infinity",
    "a lone surrogate": b'"\\ud800"',
    "a lone surrogate for a key": b'{"\\udc00": 1}',
    "a surrogate's two halves": b'"\\ud83d\\ude00"',
    "no UTF-8": b'"\xff"',
    "a zero of two bytes": b'"\xc0\x80"',
    "a mark before it": b"\xef\xbb\xbf{}",
    "a sign of control": b'"a\tb"',
    "a zero byte behind": b"1\x00",
    "a blank that is none": b"\x0b1",
    "a zero before digits": b"01",
    "a comma too many": b'{"a": 1,}',
    "two values": b"{} {}",
    "two values with a comma": b'{"a": 1}, {"b": 2}',
    "nothing": b"",
    "blanks": b" \n",
    "cut off": b'{"a": [1, 2',
    "the rest of what was cut off": b"3]}",
    "an end of the list": b"1],[2",
    "nested deeply": b"[" * 300 + b"]" * 300,
    "nested too deeply": b"[" * 200_000,
    "tables nested too deeply": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}  # fmt: skip


def said(read: Any, given: Any) -> Any:
    """The value in a spelling that tells 1, 1.0 and true apart, or the error."""
    try:
        return repr(read(given))
    except ValueError as error:
        return type(error), str(error)


def strictly(raws: list[bytes]) -> Any:
    return [exact_json(raw) for raw in raws]


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD)
def test_an_odd_text_is_what_the_strict_reader_says(raw: bytes) -> None:
    assert said(quick_json, raw) == said(exact_json, raw)


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD)
@pytest.mark.parametrize("beside", [b'{"a": 1, "b": 2}', b"0.5", b'{"decimal": "0.5"}', b"1, 2", b"{}", b"3]}"])
def test_an_odd_text_among_others_is_told_or_not_proved(raw: bytes, beside: bytes) -> None:
    """A line cannot lend another what it lacks: no key, no colon, no bracket."""
    for raws in ([raw, beside], [beside, raw], [beside, raw, beside], [raw, raw]):
        if (quick := quick_jsons(raws)) is not None:
            assert repr(quick) == said(strictly, raws)


def test_what_stands_between_texts_stands_between_values() -> None:
    """Two halves of a list and a text of three values are three texts, and as many values as words between."""
    assert quick_jsons([b"[1", b"2]", b"1, 2, 3"]) is None


def test_what_is_plain_is_proved_at_once() -> None:
    """Else the figure would be missed with nothing wrong."""
    raws = [json.dumps({"name": f"a.sol:C{n}", "args": [{"n": n, "at": 0.5}], "big": 2**70}).encode() for n in range(9)]

    assert quick_jsons(raws) == [exact_json(raw) for raw in raws]


def test_what_is_proved_is_not_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "exact_json", None)

    assert quick_json(b'{"a": 1, "b": [true, null]}') == {"a": 1, "b": [True, None]}
    assert quick_json(b'[{"at": "12:30:00"}, 2.50]') == [{"at": "12:30:00"}, {"decimal": "2.50"}]


KEYS = st.sampled_from(['"a"', '"\\u0061"', '"b"', '"decimal"', '"a:"', '""', '"a\\""', '"a" ', '"b"\t'])
LEAVES = st.sampled_from(
    ["1", "1.0", "true", "null", '"x"', '"1"', '"a:b"', '"\\":"', "0.5", "-0", "1e5", "{}", "[]", "NaN", '"{"', "2 2"]
)


def tables(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Objects whose keys may stand twice, and lists; blanks where they may be."""
    pairs = st.lists(st.tuples(KEYS, st.sampled_from([":", " :", ": ", "\n:\t"]), inner), max_size=3)
    return st.one_of(
        pairs.map(lambda some: "{" + ",".join("".join(each) for each in some) + "}"),
        st.lists(inner, max_size=3).map(lambda some: "[" + ", ".join(some) + "]"),
    )


TEXTS = st.recursive(LEAVES, tables, max_leaves=6)


@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
@example(texts=["0.5", '{"a":1,"a":2}'])
@example(texts=['{"a":1,"a":2}', '{"x":{"decimal":"1"}}'])
@example(texts=["[1", "2]", "1, 2"])
def test_whatever_is_read_quickly_is_read_strictly(texts: list[str]) -> None:
    raws = [text.encode() for text in texts]

    for raw in raws:
        assert said(quick_json, raw) == said(exact_json, raw)
    if (quick := quick_jsons(raws)) is not None:
        assert repr(quick) == said(strictly, raws)
