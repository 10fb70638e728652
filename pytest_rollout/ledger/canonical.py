"""Canonical bytes of documents (RFC 8785), and the strict way back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import rfc8785
from pydantic_core import from_json, to_json

from pytest_rollout.core.errors import LedgerError
from pytest_rollout.core.judgement import SAFE_INTEGER, Judgement, Sealed, exact

MAX_PAYLOAD = 64 * 2**20
"""The largest payload an entry may have, in bytes: room for 100,000 findings."""


def encode(document: Mapping[str, Any]) -> bytes:
    """The one byte string that stands for ``document``: sorted keys, UTF-8, no blanks.

    Documents are made of strings, integers, truth values, lists and tables. Raises
    ``LedgerError`` for floats, None, integers of 2**53 and beyond (``exact`` turns those into
    strings), text that is not Unicode, and anything else, naming the place.
    """
    _check(document, "document")
    return _encoded(document)


def _encoded(document: Mapping[str, Any]) -> bytes:
    """The canonical bytes of a document that has been checked."""
    payload = _plain(dict(document))
    if not payload.isascii() and max(payload.decode()) > "\uffff":
        payload = rfc8785.dumps(dict(document))
    if len(payload) > MAX_PAYLOAD:
        raise LedgerError(
            f"document: {len(payload)} bytes, an entry holds at most {MAX_PAYLOAD}; hand bulk over as evidence."
        )
    return payload


def digest(payload: bytes) -> str:
    """SHA-256 of ``payload`` in hex."""
    return hashlib.sha256(payload).hexdigest()


def seal(judgement: Judgement) -> Sealed:
    """The judgement with the exact bytes it is recorded as; big integers become strings."""
    document = judgement.document()
    if not _fits(document, has_big_integers=False):
        _check(document, "judgement", has_big_integers=True)
        document = {key: exact(value) for key, value in document.items()}
    payload = _encoded(document)
    return Sealed(judgement=judgement, payload=payload, digest=digest(payload))


def parse(payload: bytes) -> dict[str, Any]:
    """The document in ``payload``; raises ``LedgerError`` for anything ``encode`` does not write.

    Refused are doubled keys, floats, NaN, nulls, big integers, broken UTF-8, nesting without end,
    any form but the canonical one, and more than ``MAX_PAYLOAD`` bytes.
    """
    if len(payload) > MAX_PAYLOAD:
        raise LedgerError(f"payload: {len(payload)} bytes, at most {MAX_PAYLOAD} are read.")
    document = _plainly(payload)
    return _strictly(payload) if document is None else document


def _plainly(payload: bytes) -> dict[str, Any] | None:
    """The document of a payload of the common kind; ``_strictly`` has the last word, and says what is wrong.

    What is ASCII, parses to text, truth values, safe integers, lists and tables alone, keys in order, and is written
    again as the same bytes, has neither doubled keys nor another form.
    """
    with suppress(ValueError, RecursionError):
        if payload.isascii():
            document = from_json(payload, allow_inf_nan=False, cache_strings="keys")
            if type(document) is dict and _is_ordered(document) and to_json(document) == payload:
                return document
    return None


def _is_ordered(value: Any) -> bool:
    """Whether a parsed value holds what a document may, text unread, and every table has its keys in order."""
    kind = type(value)
    if kind is dict:
        keys = list(value)
        if keys != sorted(keys):
            return False
        value = value.values()
    elif kind is not list:
        return kind is str or kind is bool or (kind is int and -SAFE_INTEGER < value < SAFE_INTEGER)
    for each in value:
        kind = type(each)
        if kind is not str and kind is not bool and not _is_ordered(each):
            return False
    return True


def _strictly(payload: bytes) -> dict[str, Any]:
    try:
        document = json.loads(
            payload.decode("utf-8"),
            object_pairs_hook=_table,
            parse_int=_integer,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
        if not isinstance(document, dict):
            raise LedgerError(f"payload: {type(document).__name__} where a table belongs.")
        if b"null" in payload:
            _check(document, "payload")
        if _plain(document) != payload and encode(document) != payload:
            raise LedgerError("payload: JSON, but not in its canonical form (RFC 8785).")
    except (ValueError, RecursionError) as error:
        raise LedgerError(f"payload: not canonical JSON ({str(error)[:120]}).") from error
    return document


def skim(payload: bytes) -> dict[str, Any]:
    """The document in a payload that ``append`` took, read without another look at its form.

    Raises ``LedgerError`` for what is no JSON table.
    """
    try:
        document = from_json(payload, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise LedgerError(f"payload: not canonical JSON ({str(error)[:120]}).") from error
    if not isinstance(document, dict):
        raise LedgerError(f"payload: {type(document).__name__} where a table belongs.")
    return document


def _check(value: object, place: str, *, has_big_integers: bool = False) -> None:
    """Refuse what a document cannot hold, naming the place."""
    if not _fits(value, has_big_integers=has_big_integers):
        _find(value, place, has_big_integers=has_big_integers)


def _fits(value: Any, *, has_big_integers: bool) -> bool:
    """Whether a document surely can hold this; ``_find`` has the last word, and names the place."""
    kind = type(value)
    if kind is str:
        return bool(value.isascii())
    if kind is bool:
        return True
    if kind is int:
        return bool(has_big_integers or -SAFE_INTEGER < value < SAFE_INTEGER)
    if kind is dict:
        are_texts = all(type(key) is str and key.isascii() for key in value)
        return are_texts and all(_fits(each, has_big_integers=has_big_integers) for each in value.values())
    return kind is list and all(_fits(each, has_big_integers=has_big_integers) for each in value)


def _find(value: object, place: str, *, has_big_integers: bool) -> None:
    if isinstance(value, str):
        _check_text(value, place)
    elif isinstance(value, bool):
        return
    elif isinstance(value, int):
        if not has_big_integers and not -SAFE_INTEGER < value < SAFE_INTEGER:
            raise LedgerError(f"{place}: {str(value)[:90]} is beyond 2**53; write it as a string.")
    elif isinstance(value, Mapping):
        _check_table(value, place, has_big_integers=has_big_integers)
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            _find(each, f"{place}[{index}]", has_big_integers=has_big_integers)
    else:
        raise LedgerError(
            f"{place}: {value!r:.60} is of type {type(value).__name__}; "
            "a document holds strings, integers, truth values, lists and tables."
        )


def _check_table(table: Mapping[Any, Any], place: str, *, has_big_integers: bool) -> None:
    for key, each in table.items():
        if not isinstance(key, str):
            raise LedgerError(f"{place}: key {key!r:.60} is not a string.")
        _check_text(key, place)
        _find(each, f"{place}.{key}", has_big_integers=has_big_integers)


def _check_text(text: str, place: str) -> None:
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise LedgerError(f"{place[:200]!a}: {text[:60]!a} holds half a surrogate pair, which is no text.") from None


def _plain(document: Mapping[str, Any]) -> bytes:
    """The canonical bytes as well, and ten times faster, unless a key leaves the basic plane.

    RFC 8785 sorts keys by UTF-16 units, this by code points.
    """
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise LedgerError(f"payload: key {twice[:60]!a} is written twice.")
    return table


def _integer(text: str) -> int:
    number = int(text)
    if not -SAFE_INTEGER < number < SAFE_INTEGER:
        raise LedgerError(f"payload: {text[:90]} is beyond 2**53; it belongs in a string.")
    return number


def _refuse_number(text: str) -> Any:
    raise LedgerError(f"payload: number {text[:40]} is no integer; a document holds none other.")
