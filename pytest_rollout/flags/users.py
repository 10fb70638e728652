"""Who a flag is evaluated for: one spelling for each user, and synthetic users to sample with.

A percentage flag hashes the targeting key byte by byte, so two spellings of one address are two
users to it, in two buckets. Keys are therefore brought into one spelling before they are hashed.
"""

from __future__ import annotations

import hashlib
import re

from pytest_rollout.core.errors import FlagError

ADDRESS = re.compile(r"(?:0[xX])?([0-9a-fA-F]{40})")
_BYTES = 20


def canonical_user(user: str | bytes) -> str:
    """The one spelling of a user: 20-byte addresses become ``0x`` and 40 lower-case digits.

    Upper case, checksum case, ``0X``, no prefix, surrounding blanks and the raw 20 bytes all give
    the same. Any other identifier is returned as it is: its case may matter.
    """
    if isinstance(user, bytes):
        if len(user) != _BYTES:
            raise FlagError(f"a user given as bytes has {_BYTES} of them, an address; here are {len(user)}.")
        return f"0x{user.hex()}"
    if not isinstance(user, str):
        raise FlagError(f"a user is text or the {_BYTES} bytes of an address, not {type(user).__name__} {user!r}.")
    match = ADDRESS.fullmatch(user.strip())
    return f"0x{match[1].lower()}" if match else user


def synthetic_users(count: int) -> tuple[str, ...]:
    """``count`` addresses, the same ones every time, in canonical spelling."""
    return tuple(
        f"0x{hashlib.sha256(f'pytest-rollout user {number}'.encode()).hexdigest()[: 2 * _BYTES]}"
        for number in range(1, count + 1)
    )
