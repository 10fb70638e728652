"""Values of one word each, which most calls take and return, as bytes and back.

Everything else is ``eth_abi``'s, and so is every refusal: what is not plainly right here is None,
and asked of it. Importing it costs more than a test takes. Source: the Solidity contract ABI specification.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pytest_rollout.contracts.addresses import checksum

WORD = 32

_KIND = re.compile(r"(?P<name>uint|int|bytes|bool|address)(?P<size>\d*)")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_ADDRESS_BYTES, _WORD_BITS = 20, 256


class _Word(NamedTuple):
    """Both directions for one type: a value to its word, a word to its value; None for what is neither."""

    put: Callable[[Any], bytes | None]
    take: Callable[[bytes], Any]


class Words:
    """Parameters that are a word each."""

    def __init__(self, kinds: Sequence[_Word]) -> None:
        self._kinds = tuple(kinds)

    def encode(self, values: Sequence[Any]) -> bytes | None:
        """Their bytes."""
        if len(values) != len(self._kinds):
            return None
        put = [kind.put(value) for kind, value in zip(self._kinds, values, strict=True)]
        return None if None in put else b"".join(each for each in put if each is not None)

    def decode(self, data: bytes) -> tuple[Any, ...] | None:
        """Their values; bytes that follow are nobody's."""
        if len(data) < WORD * len(self._kinds):
            return None
        taken = tuple(kind.take(data[WORD * at : WORD * (at + 1)]) for at, kind in enumerate(self._kinds))
        return None if None in taken else taken


def words(types: Sequence[str]) -> Words | None:
    """What encodes and decodes them, if each is a word."""
    kinds = [_word(each) for each in types]
    found = [each for each in kinds if each is not None]
    return Words(found) if len(found) == len(kinds) else None


def _word(kind: str) -> _Word | None:
    match = _KIND.fullmatch(kind)
    if match is None:
        return None
    name, size = match["name"], int(match["size"] or 0)
    if name == "bool" and not size:
        return _Word(put=_put_bool, take=_take_bool)
    if name == "address" and not size:
        return _Word(put=_put_address, take=_take_address)
    if name == "bytes" and 0 < size <= WORD:
        return _bytes(size)
    if name in {"uint", "int"} and size and size % 8 == 0 and size <= _WORD_BITS:
        return _integer(size, signed=name == "int")
    return None


def _integer(bits: int, *, signed: bool) -> _Word:
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)

    def put(value: Any) -> bytes | None:
        return value.to_bytes(WORD, "big", signed=signed) if type(value) is int and least <= value <= most else None

    def take(word: bytes) -> int | None:
        value = int.from_bytes(word, "big", signed=signed)
        return value if least <= value <= most else None

    return _Word(put=put, take=take)


def _bytes(size: int) -> _Word:
    rest = bytes(WORD - size)

    def put(value: Any) -> bytes | None:
        return value + rest if type(value) is bytes and len(value) == size else None

    def take(word: bytes) -> bytes | None:
        return word[:size] if word[size:] == rest else None

    return _Word(put=put, take=take)


def _put_bool(value: Any) -> bytes | None:
    return int(value).to_bytes(WORD, "big") if type(value) is bool else None


def _take_bool(word: bytes) -> bool | None:
    value = int.from_bytes(word, "big")
    return bool(value) if value in {0, 1} else None


def _put_address(value: Any) -> bytes | None:
    if type(value) is not str or not _ADDRESS.fullmatch(value) or value not in {value.lower(), checksum(value)}:
        return None
    return bytes.fromhex(value[2:]).rjust(WORD, b"\0")


def _take_address(word: bytes) -> str | None:
    return None if any(word[: WORD - _ADDRESS_BYTES]) else "0x" + word[WORD - _ADDRESS_BYTES :].hex()
