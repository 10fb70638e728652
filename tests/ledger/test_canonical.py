"""One document, one byte string - and nothing else is read."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_rollout.core.errors import LedgerError
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.judgement import Judgement, Run, Subject
from pytest_rollout.core.outcome import Kind, Outcome, Verdict
from pytest_rollout.ledger import canonical
from pytest_rollout.ledger.canonical import encode, parse, seal

AT = datetime(2026, 11, 2, 10, tzinfo=UTC)

SAFE = st.integers(-(2**53) + 1, 2**53 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    SAFE | st.booleans() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(document=st.dictionaries(TEXT, VALUES, max_size=5))
def test_every_document_reads_back_equal(document: dict[str, object]) -> None:
    assert parse(encode(document)) == document


@settings(deadline=None)
@given(document=st.dictionaries(TEXT, VALUES, max_size=5))
def test_the_bytes_are_those_of_rfc_8785(document: dict[str, object]) -> None:
    assert encode(document) == rfc8785.dumps(document)


LOOSE = st.recursive(
    st.integers(-(2**54), 2**54) | st.booleans() | st.none() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    document=st.dictionaries(st.text(max_size=3), LOOSE, max_size=4),
    separators=st.sampled_from([(",", ":"), (", ", ":"), (",", ": ")]),
    order=st.booleans(),
    is_ascii=st.booleans(),
)
def test_what_is_read_at_once_is_in_the_one_form(
    document: dict[str, object], separators: tuple[str, str], order: bool, is_ascii: bool
) -> None:
    """The short way never takes what the long one refuses: an answer is the document of exactly these bytes."""
    text = json.dumps(document, separators=separators, sort_keys=order, ensure_ascii=is_ascii)
    payload = text.encode("utf-8", "surrogatepass")

    read = canonical._plainly(payload)

    assert read is None or (encode(read) == rfc8785.dumps(read) == payload and read == canonical._strictly(payload))


@given(number=st.integers(0, 127))
def test_every_ascii_character_is_read_at_once_as_it_is_written(number: int) -> None:
    document = {chr(number): [chr(number), {"x": True, "y": -number}]}

    assert canonical._plainly(encode(document)) == document


def test_the_order_keys_were_written_in_does_not_matter() -> None:
    assert encode({"b": 1, "a": {"d": 1, "c": 2}}) == encode({"a": {"c": 2, "d": 1}, "b": 1})


def test_keys_are_sorted_by_utf_16_units() -> None:
    """An astral key sorts before U+FB33, although its code point is higher."""
    payload = encode({"\ufb33": 1, "\U0001f600": 2})

    assert payload == '{"\U0001f600":2,"\ufb33":1}'.encode()
    assert parse(payload) == {"\ufb33": 1, "\U0001f600": 2}


class Word(StrEnum):
    YES = "yes"


def test_tuples_and_words_are_written_as_lists_and_text() -> None:
    assert encode({"a": (1, "b"), "w": Word.YES, Word.YES: True}) == b'{"a":[1,"b"],"w":"yes","yes":true}'


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (1.5, "document.a[0].b: 1.5 is of type float; a document holds strings"),
        (1.0, "document.a[0].b: 1.0 is of type float"),
        (float("nan"), "document.a[0].b: nan is of type float"),
        (float("inf"), "document.a[0].b: inf is of type float"),
        (None, "document.a[0].b: None is of type NoneType"),
        (b"x", "document.a[0].b: b'x' is of type bytes"),
        (AT, "is of type datetime"),
        (Decimal(1), "is of type Decimal"),
        (Fraction(1, 2), "is of type Fraction"),
        ({1, 2}, "is of type set"),
        (2**53, "document.a[0].b: 9007199254740992 is beyond 2**53; write it as a string."),
        (-(2**53), "document.a[0].b: -9007199254740992 is beyond 2**53"),
        (2**256 - 1, "is beyond 2**53; write it as a string."),
        ({1: "x"}, "document.a[0].b: key 1 is not a string."),
        ({None: "x"}, "document.a[0].b: key None is not a string."),
        ("a\ud800", "holds half a surrogate pair, which is no text."),
        ({"\udfff": 1}, "holds half a surrogate pair, which is no text."),
    ],
    ids=[
        "float",
        "whole float",
        "nan",
        "infinity",
        "null",
        "bytes",
        "time",
        "decimal",
        "fraction",
        "set",
        "2**53",
        "-2**53",
        "uint256",
        "number as key",
        "null as key",
        "surrogate",
        "surrogate as key",
    ],
)
def test_what_json_would_bend_is_refused(value: object, sentence: str) -> None:
    with pytest.raises(LedgerError) as caught:
        encode({"a": [{"b": value}]})

    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (b"", "payload: not canonical JSON"),
        (b"{", "payload: not canonical JSON"),
        (b'{"a":1}x', "payload: not canonical JSON"),
        (b'{"a":1,"a":2}', "payload: key 'a' is written twice."),
        (b'{"b":{"a":1,"a":1}}', "payload: key 'a' is written twice."),
        (b'{"a":1.5}', "payload: number 1.5 is no integer"),
        (b'{"a":1e3}', "payload: number 1e3 is no integer"),
        (b'{"a":NaN}', "payload: number NaN is no integer"),
        (b'{"a":-Infinity}', "payload: number -Infinity is no integer"),
        (b'{"a":null}', "payload.a: None is of type NoneType"),
        (b'{"a":[{"b":[null]}]}', "payload.a[0].b[0]: None is of type NoneType"),
        (b'{"a":9007199254740992}', "payload: 9007199254740992 is beyond 2**53"),
        (b'{"a":' + b"9" * 5000 + b"}", "payload: not canonical JSON"),
        (b"[1]", "payload: list where a table belongs."),
        (b'"a"', "payload: str where a table belongs."),
        (b'{"a":"\xff"}', "payload: not canonical JSON"),
        (b'\xef\xbb\xbf{"a":1}', "payload: not canonical JSON"),
        (b'{"a":"\\ud800"}', "payload: not canonical JSON"),
        (b'{"a": 1}', "payload: JSON, but not in its canonical form"),
        (b'{"b":1,"a":1}', "payload: JSON, but not in its canonical form"),
        (b'{"a":"\\u0041"}', "payload: JSON, but not in its canonical form"),
        (b'{"a":"\\/"}', "payload: JSON, but not in its canonical form"),
        (b'{"a":-0}', "payload: JSON, but not in its canonical form"),
        (b'{"a":1}\n', "payload: JSON, but not in its canonical form"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "payload: not canonical JSON"),
    ],
    ids=[
        "empty",
        "cut",
        "more behind it",
        "doubled key",
        "doubled key within",
        "float",
        "exponent",
        "nan",
        "infinity",
        "null",
        "null within",
        "2**53",
        "digits without end",
        "list",
        "text",
        "latin-1",
        "byte order mark",
        "surrogate",
        "blank",
        "order",
        "escape",
        "escaped slash",
        "minus zero",
        "line end",
        "nested without end",
    ],
)
def test_what_encode_does_not_write_is_not_read(payload: bytes, sentence: str) -> None:
    """Two spellings of one document would be two digests of one judgement."""
    with pytest.raises(LedgerError) as caught:
        parse(payload)

    assert sentence in str(caught.value)


def test_a_payload_beyond_the_limit_is_neither_written_nor_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical, "MAX_PAYLOAD", 20)

    with pytest.raises(LedgerError, match=r"^document: 48 bytes, an entry holds at most 20"):
        encode({"a": "x" * 40})
    with pytest.raises(LedgerError, match=r"^payload: 48 bytes, at most 20 are read"):
        parse(b'{"a":"' + b"x" * 40 + b'"}')


def judgement(**changes: object) -> Judgement:
    run = Run(
        id="r1",
        rollout="toy",
        stage="alpha",
        entry=0,
        attempt=1,
        started_at=AT,
        network="local",
        rehearsal=False,
        ledger_id="a" * 32,
    )
    subject = Subject(commit="c", committed=True, plan_digest="1", suite_digest="2", packages_digest="3")
    finding = Finding(item="a", kind=Kind.TEST, title="\x1b[31m<b>&", outcome=Outcome.PASS, seconds=0.25)
    fields: dict[str, object] = {
        "verdict": Verdict.PROMOTE,
        "findings": (finding,),
        "subject": subject,
        "run": run,
        "judged_at": AT,
        "rollout_title": "Toy",
        "stage_title": "Alpha",
    }
    return Judgement(**(fields | changes))  # type: ignore[arg-type]


def test_a_sealed_judgement_is_its_document_and_its_digest() -> None:
    sealed = seal(judgement())

    assert parse(sealed.payload) == judgement().document()
    assert sealed.digest == hashlib.sha256(sealed.payload).hexdigest()
    assert sealed.judgement == judgement()


def test_the_word_null_in_a_text_is_only_a_word() -> None:
    assert parse(b'{"null":"null"}') == {"null": "null"}


def test_the_same_judgement_seals_to_the_same_bytes() -> None:
    assert seal(judgement()).payload == seal(judgement()).payload


def test_a_uint256_is_sealed_exactly() -> None:
    sealed = seal(judgement(facts={"supply": 2**256 - 1, "block": 2**53 - 1}))

    assert json.loads(sealed.payload)["facts"] == {"supply": str(2**256 - 1), "block": 2**53 - 1}


def test_a_float_in_a_judgement_is_refused_and_not_turned_into_text() -> None:
    with pytest.raises(LedgerError, match=r"^judgement\.facts\.share: 0\.5 is of type float"):
        seal(judgement(facts={"share": 0.5}))
