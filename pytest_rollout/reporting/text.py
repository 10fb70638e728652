"""The one place that makes foreign text inert: names, messages and output nobody here wrote.

A test may print what it likes - terminal commands, markup, text that reads right to left, bytes
that are no text at all. A report shows all of it and obeys none of it: what does not print
becomes a visible escape, what is too long says how much is missing and what its digest was.
"""

from __future__ import annotations

import hashlib
import re

from pytest_rollout.core.inert import inert_body, inert_line

LINE = 300
"""How many characters a name or a table cell may have."""

BODY = 64 * 1024
"""How many characters a traceback or captured output may have."""

_MARKDOWN = re.compile(
    r"[\\`*\[\]~$]|(?<![^\W_])_|_(?![^\W_])"  # what starts markup; an underscore inside a word does not
    r"|^[#+=-]|(?:(?<=^[0-9])|(?<=^[0-9]{2}))[.)](?=\s|$)"  # what starts a block
    r"|[&<>|]|@(?=\w)|(?<=[A-Za-z]):(?=//)|(?<=[Ww]{3})\."  # entities: HTML, cells, mentions, addresses
)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "@": "&#64;", ":": "&#58;", ".": "&#46;"}
_XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\t": "&#9;"})
_XML_BODY = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def inert(text: str, limit: int = BODY) -> str:
    """Text of several lines that does nothing: every character prints, at most about ``limit`` of them.

    Newlines and tabs stay. What was cut is told in place - ``… 12,345 characters cut, sha256 …``,
    the digest being that of the whole text in UTF-8 - and the end is kept as well as the
    beginning, since a traceback says most in its last line. The result is legal in XML 1.0,
    JSON and UTF-8.
    """
    if len(text) > limit:
        text = _shorten(text, limit)
    return inert_body(text)


def line(text: str, limit: int = LINE) -> str:
    """As ``inert``, on one line: newlines and tabs are escaped too, and the beginning is kept."""
    if text.isascii() and text.isprintable() and len(text) <= limit:
        return text
    whole = text
    if len(text) > limit:
        text = text[:limit]
    text = inert_line(text)
    if len(whole) > limit:
        text += f"… {len(whole) - limit:,} characters cut, sha256 {digest(whole)[:16]}…"
    return text


def markdown(text: str, limit: int = LINE) -> str:
    """One line of Markdown that shows ``text`` as it is: no markup, link, image, mention or cell border."""
    return _MARKDOWN.sub(_escape_markdown, line(text, limit))


def code(text: str, limit: int = LINE) -> str:
    """One Markdown code span that shows ``text`` as it is; nothing for no text.

    A cell border inside a code span is read differently by every renderer: such text is
    escaped instead.
    """
    shown = line(text, limit).strip()
    if not shown or "|" in shown:
        return markdown(shown, limit)
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence, pad = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def attribute(text: str, limit: int = LINE) -> str:
    """What stands between double quotes in XML: inert, escaped, newlines kept as references."""
    return inert(text, limit).translate(_XML)


def xml(text: str, limit: int = BODY) -> str:
    """What stands between two tags in XML: inert and escaped."""
    return inert(text, limit).translate(_XML_BODY)


def digest(text: str) -> str:
    """SHA-256 of a text in UTF-8, in hex; halves of surrogate pairs are encoded as they are."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _shorten(text: str, limit: int) -> str:
    head = limit * 2 // 3
    tail = limit - head
    note = f"… {len(text) - limit:,} characters cut, sha256 {digest(text)} …"
    return f"{text[:head]}\n{note}\n{text[-tail:] if tail else ''}"


def _escape_markdown(match: re.Match[str]) -> str:
    return _ENTITIES.get(match[0], f"\\{match[0]}")
