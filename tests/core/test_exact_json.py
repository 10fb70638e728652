"""JSON is read exactly, or refused in one sentence."""

from __future__ import annotations

import pytest

from pytest_rollout.core.exact_json import exact_json

VALUES = {
    "an integer beyond a double": ("123456789012345678901234567890", 123456789012345678901234567890),
    "a decimal": ("0.10", {"decimal": "0.10"}),
    "an exponent": ("1e400", {"decimal": "1e400"}),
    "a table": ('{"a": [1, {"b": null}], "c": true}', {"a": [1, {"b": None}], "c": True}),
    "blanks behind": ("1 \t\n\r", 1),
    "blanks before": (" \n[1]", [1]),
    "bytes": (b'"\xc3\xa9"', "é"),
    "bytes behind a mark": (b"\xef\xbb\xbf[1]", [1]),
    "more digits than anybody reads": ("0." + "1" * 5000, {"decimal": "0." + "1" * 3998}),
    "a short table and a table beside": ('[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), VALUES.values(), ids=VALUES)
def test_values_are_exact(text, value) -> None:
    assert exact_json(text) == value


REFUSED = {
    "no number": ("[NaN]", "NaN is no number of JSON"),
    "without end": ("-Infinity", "-Infinity is no number of JSON"),
    "a key twice": ('{"a": 1, "b": 2, "b": 3}', "key 'b' stands twice in one object"),
    "a long key twice": (f'{{"{"k" * 90}": 1, "{"k" * 90}": 1}}', f"key '{'k' * 80}' stands twice in one object"),
    "nested too deeply": ("[" * 200_000, "nested too deeply"),
    "nothing": ("", "Expecting value: line 1 column 1 (char 0)"),
    "something behind": ("1 2", "Extra data: line 1 column 3 (char 2)"),
    "a blank that is none of JSON": ("1\x0b", "Extra data: line 1 column 2 (char 1)"),
}


@pytest.mark.parametrize(("text", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_exact_json_is_refused(text, why) -> None:
    with pytest.raises(ValueError) as refused:
        exact_json(text)

    assert str(refused.value) == why
