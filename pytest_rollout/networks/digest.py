"""Keccak-256, by which a chain names everything, and the checksum that it gives addresses."""

from __future__ import annotations

from functools import lru_cache

ADDRESSES_KEPT = 10_000


def keccak(data: bytes) -> bytes:
    """The Keccak-256 digest."""
    from eth_hash.auto import keccak as digest  # noqa: PLC0415 - heavy

    return digest(data)


@lru_cache(ADDRESSES_KEPT)
def checksum(text: str) -> str:
    """An address of any case, 0x and 40 hex digits, with the checksum of EIP-55."""
    digits = text[2:].lower()
    digest = keccak(digits.encode()).hex()
    cased = (digit.upper() if nibble > "7" else digit for digit, nibble in zip(digits, digest, strict=False))
    return "0x" + "".join(cased)
