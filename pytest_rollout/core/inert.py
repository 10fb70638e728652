"""Foreign text made inert: every character prints, none is obeyed by a terminal, a browser or a parser."""

from __future__ import annotations

import re

_UNSEEN = (
    "\x7f-\x9f"  # DEL and C1, where 0x9b starts a terminal command
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # invisible letters and joiners
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"  # zero width, line breaks, bidi overrides
    "\ud800-\udfff"  # halves of a pair: no encoding takes them
    "\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_NONCHARACTERS = "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
_IN_BODY = re.compile(f"[\x00-\x08\x0b-\x1f{_UNSEEN}{_NONCHARACTERS}]")
_IN_LINE = re.compile(f"[\x00-\x1f{_UNSEEN}{_NONCHARACTERS}]")


def inert_body(text: str) -> str:
    """Text of several lines: what does not print becomes a visible escape; newlines and tabs stay.

    The result is legal in XML 1.0, JSON and UTF-8.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    return _IN_BODY.sub(_escape, text)


def inert_line(text: str) -> str:
    """As ``inert_body``, on one line: newlines and tabs are escaped too."""
    return _IN_LINE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]


def shortened(text: str, limit: int, *, beginning: float = 2 / 3) -> str:
    """Text of at most about ``limit`` characters: its two ends, and between them how much was cut.

    ``beginning`` is the share of the beginning in what is kept: 1 keeps no end, 0 the end alone.
    """
    if len(text) <= limit:
        return text
    head = round(limit * beginning)
    note = f"… {len(text) - limit:,} characters cut …"
    return "\n".join(filter(None, (text[:head], note, text[len(text) - limit + head :])))
