"""What tests handed over as evidence, made safe to open: bounded, and never a page that runs.

Only kinds that a report can show without obeying them keep their kind; HTML, SVG and whatever
else a browser might act on is shown as the text it is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pytest_rollout.core.evidence import Attachment
from pytest_rollout.core.judgement import exact
from pytest_rollout.reporting.text import inert

LARGEST = 1024 * 1024
"""How many characters or bytes of one attachment a report keeps."""

ALTOGETHER = 64 * 1024 * 1024
"""How many bytes of attachments one run's report keeps."""

MOST = 50
"""How many attachments of one finding a report keeps."""

_PICTURES = {"image/png": (b"\x89PNG\r\n\x1a\n", "png"), "image/jpeg": (b"\xff\xd8\xff", "jpg")}
_TEXTS = {"text/plain": "txt", "text/csv": "csv", "application/json": "json", "text/markdown": "txt"}
_LONG_NUMBER = re.compile(r"[0-9]{16}")
_FORMULA = re.compile(r"(?m)^[ \t]*[=+\-@]|(?<=[,;\t])[ \t]*[=+\-@]|(?<=\")[ \t]*[=+\-@]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One attachment as the report keeps it."""

    media_type: str
    extension: str
    content: bytes


class Gallery:
    """The attachments of one run by item; keeps count of the room that is left."""

    def __init__(self, attachments: Iterable[Attachment], *, room: int = ALTOGETHER) -> None:
        self._room = room
        self._by_item: dict[str, list[Attachment]] = {}
        for attachment in attachments:
            self._by_item.setdefault(attachment.item, []).append(attachment)

    def take(self, item: str) -> Iterator[tuple[str, Shown]]:
        """The attachments of one item with their names, each once; what is left out is told."""
        mine = self._by_item.pop(item, [])
        for attachment in mine[:MOST]:
            shown = show(attachment)
            if len(shown.content) > self._room:
                shown = _note(f"No room: {ALTOGETHER:,} bytes of attachments are kept per run", attachment)
            self._room -= len(shown.content)
            yield attachment.name, shown
        if len(mine) > MOST:
            told = f"{len(mine) - MOST:,} more attachments were left out; {MOST} are kept per item."
            yield "more", Shown(media_type="text/plain", extension="txt", content=told.encode())

    @property
    def homeless(self) -> list[str]:
        """The items that have attachments nobody took: they have no finding."""
        return list(self._by_item)


def show(attachment: Attachment) -> Shown:
    """One attachment as a report may keep it."""
    if attachment.binary:
        return _show_bytes(attachment)
    media_type = attachment.media_type.partition(";")[0].strip().lower()
    content = attachment.content
    if media_type == "application/json":
        media_type, content = _json(content)
    content = inert(content, LARGEST)
    if media_type == "text/csv":
        content = _FORMULA.sub(_quote, content)
    extension = _TEXTS.get(media_type)
    return Shown(
        media_type=media_type if extension and media_type != "text/markdown" else "text/plain",
        extension=extension or "txt",
        content=content.encode(),
    )


def _show_bytes(attachment: Attachment) -> Shown:
    try:
        data = base64.b64decode(attachment.content, validate=True)
    except (binascii.Error, ValueError):
        return _note("Not shown: it was said to be base64 and is not", attachment)
    start, extension = _PICTURES.get(attachment.media_type.strip().lower(), (b"", ""))
    if not extension or not data.startswith(start):
        return _note("Not shown: only PNG and JPEG pictures and text are", attachment, data)
    if len(data) > LARGEST:
        return _note(f"Not shown: larger than {LARGEST:,} bytes", attachment, data)
    return Shown(media_type=attachment.media_type.strip().lower(), extension=extension, content=data)


def _json(content: str) -> tuple[str, str]:
    """JSON that every reader reads exactly: integers beyond 2**53 as strings; other text as text."""
    if not _LONG_NUMBER.search(content) or len(content) > LARGEST:
        return ("application/json" if len(content) <= LARGEST else "text/plain"), content
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return "text/plain", content
    return "application/json", json.dumps(exact(value), indent=1, ensure_ascii=False)


def _note(why: str, attachment: Attachment, data: bytes | None = None) -> Shown:
    data = attachment.content.encode("utf-8", "surrogatepass") if data is None else data
    digest = hashlib.sha256(data).hexdigest()
    told = f"{why}.\n{inert(attachment.media_type, 100)}, {len(data):,} bytes, sha256 {digest}\n"
    return Shown(media_type="text/plain", extension="txt", content=told.encode())


def _quote(match: re.Match[str]) -> str:
    """A cell a spreadsheet would compute becomes a cell it shows."""
    return f"'{match[0]}"
