"""Addresses as people write them, read strictly."""

from __future__ import annotations

import re

from pytest_rollout.networks.digest import checksum as checksum  # noqa: PLC0414 - whoever reads addresses writes them

ZERO = "0x" + "00" * 20

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


class Unfit(Exception):  # noqa: N818 - a reason, told on with the place it belongs to
    """Why a text is no usable address, as the second half of a sentence."""


def address(text: object) -> str:
    """The checksum address that ``text`` means; raises ``Unfit``.

    One case throughout is taken as it is; mixed case must be the EIP-55 checksum, since
    anything else is a typing mistake that the checksum was made to find.
    """
    if not isinstance(text, str) or not _ADDRESS.fullmatch(text):
        raise Unfit(f"{text!r} is no address; 0x and 40 hex digits are needed.")
    digits = text[2:]
    right = checksum(text)
    if text != right and digits not in (digits.lower(), digits.upper()):
        raise Unfit(f"'{text}' has a wrong checksum; a digit is mistyped, or it is meant to be '{right}'.")
    if int(digits, 16) == 0:
        raise Unfit("the zero address is nobody's; it stands where an address was never filled in.")
    return right
