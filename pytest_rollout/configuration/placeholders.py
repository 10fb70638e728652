"""What stands where a value is still owed."""

from __future__ import annotations

import re

_PLACEHOLDER = re.compile(
    r"""(?xi)
    ^\s*(?:todo|tbd|tba|fixme|xxx+|change[-_ ]?(?:me|this)|replace[-_ ]?(?:me|this)?|placeholder|dummy|example|
        none|null|undefined|nan|n/a|\?+|\.\.\.+|…|-)\s*$
    | ^\s*your[-_ ] | ^\s*<[^<>]*>\s*$ | ^\s*\[[^\[\]]*\]\s*$ | \$\{[^}]*\} | \{\{.*\}\} | ^\s*__\w+__\s*$
    | (?:change|replace|fill)[-_ ]?(?:me|this|in) | your[-_](?:api|key|secret|token|project|address|rpc)
    | 0x(?:\.\.\.|…|your|xxx)
    """
)
_ZERO = re.compile(r"(?<![0-9a-fA-Fx])0x0+(?![0-9a-fA-F])")
_EMPTY_ADDRESSES = re.compile(r"(?i)(?<![0-9a-f])0x(?:(?:dead|beef){10}|([0-9a-f])\1{39}|0{38}(?:dead|01))(?![0-9a-f])")
_HEX = re.compile(r"(?i)(?<![0-9a-f])0x[0-9a-z]{38,42}(?![0-9a-z])")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def wrong_with(value: str) -> str:
    """Why a value is none yet, or an empty text."""
    if not value.strip():
        return "is empty"
    if _PLACEHOLDER.search(value):
        return "is a placeholder"
    if _ZERO.search(value):
        return "holds the zero address" if re.search(r"0x0{40}(?!0)", value) else "holds 0x0"
    if _EMPTY_ADDRESSES.search(value):
        return "holds an address that is nobody's"
    for match in _HEX.finditer(value):
        if not _ADDRESS.fullmatch(match[0]):
            return f"holds {match[0]}, which is no address"
    return ""


def is_address(value: str) -> bool:
    """Whether the whole value is one address."""
    return _ADDRESS.fullmatch(value) is not None
