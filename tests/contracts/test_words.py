"""What is encoded and decoded here is what eth_abi makes of it, and what eth_abi refuses is none."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError, EncodingError
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.contracts.addresses import checksum
from pytest_rollout.contracts.words import words

SIZES = range(8, 257, 8)
KINDS = [
    "bool",
    "address",
    *(f"uint{each}" for each in SIZES),
    *(f"int{each}" for each in SIZES),
    *(f"bytes{each}" for each in range(1, 33)),
]
EDGES = [0, 1, 2, *(sign * (1 << bits) + step for bits in SIZES for sign in (1, -1) for step in (-1, 0, 1))]
WORD = st.one_of(
    st.binary(min_size=32, max_size=32),
    st.sampled_from([each % 2**256 for each in EDGES]).map(lambda each: each.to_bytes(32, "big")),
    st.binary(min_size=1, max_size=32).map(lambda each: each.ljust(32, b"\0")),
    st.binary(min_size=20, max_size=20).map(lambda each: each.rjust(32, b"\0")),
)
ADDRESS = st.binary(min_size=20, max_size=20).map(lambda each: f"0x{each.hex()}")
VALUE = st.one_of(
    st.sampled_from(EDGES),
    st.integers(),
    st.booleans(),
    st.binary(max_size=33),
    ADDRESS,
    ADDRESS.map(checksum),
    ADDRESS.map(str.upper),
    ADDRESS.map(lambda each: each.title()),
    st.none(),
    st.floats(allow_nan=False),
)


@given(st.lists(st.tuples(st.sampled_from(KINDS), WORD), min_size=1, max_size=4), st.binary(max_size=40))
def test_what_is_decoded_is_what_eth_abi_decodes(given_words: list[tuple[str, bytes]], rest: bytes) -> None:
    kinds = [kind for kind, _ in given_words]
    data = b"".join(word for _, word in given_words)
    codec = words(kinds)
    assert codec is not None

    try:
        theirs: Any = decode(kinds, data + rest)
    except DecodingError:
        theirs = None

    assert codec.decode(data + rest) == theirs
    assert codec.decode(data[:-1]) is None


@given(st.lists(st.tuples(st.sampled_from(KINDS), VALUE), min_size=1, max_size=3))
def test_what_is_encoded_is_what_eth_abi_encodes(given_values: list[tuple[str, Any]]) -> None:
    """What it encodes more generously - short bytes, say - is left to it."""
    kinds, values = zip(*given_values, strict=True)
    codec = words(kinds)
    assert codec is not None
    ours = codec.encode(values)

    try:
        theirs: Any = encode(kinds, values)
    except EncodingError:
        theirs = None

    assert ours is None or ours == theirs


@pytest.mark.parametrize("kind", KINDS)
def test_every_word_comes_back_as_it_went(kind: str) -> None:
    """So that nothing falls through to eth_abi which need not."""
    codec = words([kind])
    assert codec is not None
    word = b"\xff" * 32 if kind in {"uint256", "bytes32"} else (1).to_bytes(32, "big")
    word = b"\x01".ljust(32, b"\0") if kind.startswith("bytes") else word
    values = codec.decode(word)

    assert values is not None
    assert codec.encode(values) == word


@pytest.mark.parametrize(
    "kind", ["string", "bytes", "uint", "int7", "uint264", "bytes0", "bytes33", "uint8[]", "function", "bool8"]
)
def test_what_is_no_word_is_eth_abi_s(kind: str) -> None:
    assert words([kind]) is None
    assert words(["uint256", kind]) is None


def test_nothing_is_no_bytes() -> None:
    codec = words([])
    assert codec is not None
    assert (codec.encode([]), codec.decode(b""), codec.decode(b"rest"), codec.encode([1])) == (b"", (), (), None)
