"""A ledger as one file of lines, for strangers, backups and the jobs of a CI matrix.

The first line says whose it is and where it ends; then one line an entry, each followed by the
evidence it was the first to name. Everything can be checked from the file alone: the digests are those
of the entries as they were made.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytest_rollout.core.entries import Entry, Marked, Row
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.ledger import canonical
from pytest_rollout.ledger.chained import MAX_ATTACHMENT, founded
from pytest_rollout.ledger.port import Ledger
from pytest_rollout.ledger.rows import EVIDENCE, entry_of, verified, verified_with_evidence

SCHEMA = "https://pytest-rollout.dev/schema/ledger-export/v1"
LONGEST_LINE = 512 * 2**20
"""The longest line that is read, in bytes."""


def lines(ledger: Ledger) -> Iterator[bytes]:
    """The export of a ledger, line by line; verifies as it goes, so a broken ledger is not handed on."""
    head = ledger.verify()
    yield _line({"schema": SCHEMA, "ledger_id": ledger.id, "entries": head.sequence + 1, "head": head.digest})
    told: set[str] = set()
    for entry in ledger.entries():
        if entry.sequence > head.sequence:
            return
        yield _line(
            {
                "sequence": entry.sequence,
                "previous": entry.previous,
                "kind": entry.kind.value,
                "payload": entry.payload.decode(),
                "digest": entry.digest,
            }
        )
        for digest in dict.fromkeys(each.decode() for each in EVIDENCE.findall(entry.payload)):
            if digest not in told:
                told.add(digest)
                content = zlib.compress(ledger.attachment(digest))
                yield _line({"attachment": digest, "content": base64.b64encode(content).decode()})


class ExportedLedger:
    """A ledger read from an export; it can be read and verified, and not appended to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        header = next(self._read(), (0, {}))[1]
        if header.get("schema") != SCHEMA:
            raise LedgerError(
                f"{path.name}: its first line is not that of an export this version reads ({SCHEMA}); "
                "`rollout ledger export FILE` writes one."
            )
        try:
            self._id, self._count, self._head = str(header["ledger_id"]), int(header["entries"]), str(header["head"])
        except (KeyError, TypeError, ValueError):
            raise LedgerError(f"{path.name}: its first line does not say whose ledger it is.") from None
        self._places: dict[str, int] = {}
        self._is_read = False
        first = next(self.entries(), None)
        if first is None or founded(first, path.name) != self._id:
            raise LedgerError(f"{path.name}: it has no first entry that founds ledger {self._id}.")

    @property
    def id(self) -> str:
        """The ledger's own id."""
        return self._id

    @property
    def shown(self) -> str:
        """How sentences name it."""
        return self._path.name

    def head(self) -> Entry:
        """The last entry in the file."""
        newest = deque(self.entries(), maxlen=1)
        last = newest.pop() if newest else None
        if last is None:
            raise LedgerError(f"{self.shown}: it has no entries.")
        return last

    def entries(self, since: int = 0) -> Iterator[Entry]:
        """The entries from that sequence on, as they are written."""
        return (entry_of(row) for row in self._rows() if row[1] >= since)

    def append(self, *_: object, **__: object) -> Entry:
        """Refused: an export is read alone."""
        raise LedgerError(f"{self.shown}: an export is not appended to; `rollout ledger import` makes a ledger of it.")

    def attachment(self, digest: str) -> bytes:
        """The bytes with that SHA-256, checked against it."""
        if digest not in self._places and not self._is_read:
            self.head()
        raw = b""
        if digest in self._places:
            with self._path.open("rb") as file, suppress(ValueError, KeyError, TypeError, zlib.error):
                file.seek(self._places[digest])
                content = base64.b64decode(json.loads(file.readline(LONGEST_LINE))["content"], validate=True)
                raw = zlib.decompressobj().decompress(content, MAX_ATTACHMENT)
        if canonical.digest(raw) != digest:
            raise LedgerError(f"{self.shown}: evidence {digest[:64]} is missing, or does not match its digest.")
        return raw

    def walk(self, *notes: Marked) -> Entry:
        """Check every link; see ``port.Ledger.walk``."""
        return verified(self._rows, ledger_id=self._id, shown=self.shown, notes=notes)

    def verify(self, *notes: Marked) -> Entry:
        """Check every entry and all evidence, and that the file ends where its first line says; returns the head."""
        head = verified_with_evidence(self._rows, self.attachment, ledger_id=self._id, shown=self.shown, notes=notes)
        if (head.sequence + 1, head.digest) != (self._count, self._head):
            raise LedgerError(
                f"{self.shown}: its first line speaks of {self._count} entries and head {self._head[:12]}, "
                f"it holds {head.sequence + 1} and ends in {head.digest[:12]}: it is cut off, or was put together."
            )
        return head

    def _rows(self) -> Iterator[Row]:
        for place, line in self._read():
            if "attachment" in line:
                self._places.setdefault(str(line["attachment"]), place)
            elif "sequence" in line:
                yield self._row(line)
        self._is_read = True

    def _row(self, line: Mapping[str, Any]) -> Row:
        try:
            payload, number = line["payload"].encode(), line["sequence"]
            texts = [line[key] for key in ("previous", "kind", "digest")]
            if type(number) is int and all(isinstance(each, str) for each in texts):
                return self._id, number, texts[0], texts[1], payload, texts[2]
        except (KeyError, AttributeError, UnicodeEncodeError):
            pass
        raise LedgerError(f"{self.shown}: a line is no entry: {str(line)[:80]!a}.")

    def _read(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each line with the place where it begins."""
        try:
            with self._path.open("rb") as file:
                place = 0
                while line := file.readline(LONGEST_LINE):
                    found = json.loads(line) if line.endswith(b"\n") else None
                    if not isinstance(found, dict):
                        raise LedgerError(f"{self.shown}: the line at byte {place} is torn, or no table of JSON.")
                    yield place, found
                    place += len(line)
        except OSError as error:
            raise LedgerError(f"{self.shown}: cannot be read ({error.strerror}).") from None
        except (ValueError, RecursionError):
            raise LedgerError(f"{self.shown}: a line is no JSON; it is no export, or was cut off.") from None


def _line(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
