"""JSON read as strictly as ``exact_json`` reads it, several times as fast where that can be proved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from secrets import token_hex
from typing import Any

from pytest_rollout.core.exact_json import decimal, exact_json


def quick_json(raw: bytes) -> Any:
    """What ``exact_json`` says of the same bytes: its value, or its ``ValueError``.

    msgspec takes nothing that is no JSON and keeps integers whole and, through a hook, decimals; but of a key that
    stands twice it keeps the last and says nothing. Where as many keys were kept as there are colons that can stand
    between a key and its value, none stood twice. What is not so proved is read by the reader that looks at each key.
    """
    try:
        value = _decoder()(raw)
        if _is_proved(raw, [value]):
            return value
    except (ValueError, RecursionError):
        pass  # of which the other reader knows more
    return exact_json(raw)


def quick_jsons(raws: Sequence[bytes]) -> list[Any] | None:
    """The same for many texts at once; None where one of them is no JSON, or that cannot be said so quickly.

    They are read as one list. Between two of them stands a word that nobody outside of this process knows: where it
    stands between all values of the list and nowhere else, each text is one whole value.
    """
    joined = _BETWEEN_TEXTS.join(raws)
    try:
        values = _decoder()(b"[%b]" % joined)
        texts = values[::2]
        is_each_one = len(values) == 2 * len(raws) - 1 and values[1::2].count(_WORD) == len(raws) - 1
        return texts if is_each_one and _is_proved(joined, texts) else None
    except (ValueError, RecursionError):
        return None


def _is_proved(raw: bytes, values: Sequence[Any]) -> bool:
    """Whether no key stood twice in what these values were read from."""
    colons = raw.count(b":")
    kept = 0
    if set(map(type, values)) == {dict}:
        sizes = list(map(len, values))
        if 1 not in sizes:  # none is a decimal
            kept = sum(sizes)
            if kept == colons:
                return True  # and no table with a key is inside of another one
    elif not colons or b"{" not in raw:
        return True
    # In texts are colons too; those between a key and its value come after a quotation mark, if not after blanks.
    between = raw.translate(None, _BLANKS).count(b'":')
    return kept == between or _keys(values) == between


_WORD = token_hex()
_BETWEEN_TEXTS = b',"%b",' % _WORD.encode()
_BLANKS = b" \t\n\r"


@cache
def _decoder() -> Callable[[bytes], Any]:
    from msgspec.json import Decoder  # noqa: PLC0415 - takes a while, and most runs read no store

    return Decoder(float_hook=decimal).decode


def _keys(values: Sequence[Any]) -> int:
    """How many keys there are at least in all tables; those that may stand for a decimal are left out."""
    kept, waiting = 0, [each for each in values if type(each) in _NESTED]
    for each in waiting:
        if type(each) is list:
            waiting += [below for below in each if type(below) in _NESTED]
        elif "decimal" not in each:
            kept += len(each)
            waiting += [below for below in each.values() if type(below) in _NESTED]
    return kept


_NESTED = (dict, list)
