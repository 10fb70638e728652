"""Blocks from a file, one after another, however many there are.

``.ndjson`` and ``.jsonl`` hold a block a line, ``.json`` an array of them, ``.rlp`` items one behind
the other; each also as ``.gz``. A block that cannot be read is an error with its place: none is
ever left out.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from pytest_rollout.consensus.kept import decode
from pytest_rollout.core.errors import EngineError

LONGEST_BLOCK = 256 * 1024 * 1024
_READ = 1 << 20
_ENDS = frozenset({",", "]", " ", "\t", "\r", "\n"})
_SHORT, _LIST, _LONG_LIST = 0x80, 0xC0, 0xF8


class Form(StrEnum):
    """How a corpus is written."""

    LINES = "ndjson"
    ARRAY = "json"
    RLP = "rlp"


_FORMS = {".ndjson": Form.LINES, ".jsonl": Form.LINES, ".json": Form.ARRAY, ".rlp": Form.RLP}


@dataclass(frozen=True, slots=True)
class Raw:
    """One block as it stands in the file: its index from 0, its bytes, and where the file was when it was read."""

    index: int
    content: bytes
    offset: int


class Corpus:
    """A file of blocks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        name = path.name.removesuffix(".gz")
        form = next((each for suffix, each in _FORMS.items() if name.endswith(suffix)), None)
        if form is None:
            raise EngineError(f"{path}: no corpus; its name ends in {', '.join(_FORMS)}, or in one of these and .gz.")
        if not path.is_file():
            raise EngineError(f"{path}: no such file.")
        self.form = form

    @property
    def size(self) -> int:
        """Bytes of the file as it lies there."""
        return self.path.stat().st_size

    def digest(self) -> str:
        """SHA-256 of the file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def raw(self) -> Iterator[Raw]:
        """Every block as bytes; raises ``EngineError`` with the place of what cannot be cut."""
        with self.path.open("rb") as below:
            file: Any = gzip.GzipFile(fileobj=below) if self.path.name.endswith(".gz") else below
            pieces = {Form.LINES: _lines, Form.ARRAY: _array, Form.RLP: _rlp}[self.form](file)
            index = 0
            try:
                for index, content in enumerate(pieces):
                    yield Raw(index, content, below.tell())
            except (ValueError, EOFError, OSError, UnicodeDecodeError) as error:
                raise EngineError(f"{self.path}: cannot be read after block {index}: {error}") from error

    def blocks(self) -> Iterator[Any]:
        """Every block as engines get it."""
        for each in self.raw():
            yield self.block(each.content, each.index)

    def block(self, content: bytes, index: int) -> Any:
        """One block from its bytes; raises ``EngineError``."""
        return parsed(self.form, content, f"{self.path.name}, block {index}")


def parsed(form: Form, content: bytes, where: str) -> Any:
    """A block from its bytes: RLP stays bytes, JSON becomes maps and lists; raises ``EngineError``."""
    if form is Form.RLP:
        return content
    try:
        return decode(json.loads(content))
    except (ValueError, TypeError, RecursionError) as error:
        raise EngineError(f"{where}: no block ({error}).") from error


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(LONGEST_BLOCK):
        if line.strip():
            yield line


def _array(file: IO[bytes]) -> Iterator[bytes]:
    """The elements of one JSON array, cut out one at a time."""
    text = _Text(file)
    if text.next() != "[":
        raise ValueError("one JSON array of blocks is needed")
    delimiter = text.next(peek=True)
    if delimiter == "]":
        text.next()
    while delimiter != "]":
        yield text.element().encode()
        delimiter = text.next()
        if delimiter not in {",", "]"}:
            raise ValueError("the array does not end" if not delimiter else "a comma is needed between two blocks")
    if text.next():
        raise ValueError("something follows the array")


class _Text:
    """A file of JSON that is read as far as it is needed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._reader = codecs.getreader("utf-8")(file)
        self._text = ""
        self._at = 0
        self._is_over = False
        self._decoder = json.JSONDecoder()

    def next(self, *, peek: bool = False) -> str:
        """The next character that is no blank, or nothing at the end."""
        while not self._skipped() and not self._is_over:
            self._more()
        found = self._text[self._at : self._at + 1]
        if not peek:
            self._at += 1
        return found

    def element(self) -> str:
        """The next value as text; raises ``ValueError``. What looks like a number may go on beyond what was read."""
        self.next(peek=True)
        while True:
            try:
                _, end = self._decoder.raw_decode(self._text, self._at)
            except ValueError:
                if self._is_over:
                    raise
            else:
                if self._text[end : end + 1] in _ENDS or self._is_over:
                    found, self._at = self._text[self._at : end], end
                    return found
            self._more()

    def _skipped(self) -> bool:
        """Whether anything but blanks is left of what was read."""
        while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
            self._at += 1
        return self._at < len(self._text)

    def _more(self) -> None:
        chunk = self._reader.read(_READ)
        self._text, self._at = self._text[self._at :] + chunk, 0
        self._is_over = not chunk


def _rlp(file: IO[bytes]) -> Iterator[bytes]:
    """Items of RLP one behind the other, each with its header (Ethereum yellow paper, appendix B)."""
    while first := file.read(1):
        head = first[0]
        if head < _SHORT:
            yield first
            continue
        base = _SHORT if head < _LIST else _LIST
        header = first
        if head - base <= 55:  # noqa: PLR2004 - the longest short item
            length = head - base
        else:
            of_length = _exactly(file, head - base - 55)
            header += of_length
            length = int.from_bytes(of_length)
            if length > LONGEST_BLOCK:
                raise ValueError(f"an item of {length} bytes is longer than any block")
        yield header + _exactly(file, length)


def _exactly(file: IO[bytes], length: int) -> bytes:
    content = file.read(length)
    if len(content) != length:
        raise EOFError("the file ends within an item")
    return content
