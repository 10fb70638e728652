"""Keccak-256, by which a chain names everything."""

from __future__ import annotations


def keccak(data: bytes) -> bytes:
    """The Keccak-256 digest."""
    from eth_hash.auto import keccak as digest  # noqa: PLC0415 - heavy

    return digest(data)
