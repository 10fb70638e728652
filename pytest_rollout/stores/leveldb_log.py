"""What LevelDB does not tell of its own logs: one that was cut off, and one that is gone, are fewer records to it.

The formats are those of its documents `log_format.md` and `impl.md`, and of `version_edit.cc`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_BLOCK = 32 * 1024
_HEADER = 7
_FULL, _FIRST, _LAST = 1, 2, 4
_LARGEST_TYPE = 4
_BATCH_HEADER = 12
"""A batch of writes begins with the number of its first and how many there are."""
_CUT = "ends in the midst of a write"

_LOG_NUMBER, _LAST_SEQUENCE = 2, 4
_FIELDS = {1: "b", _LOG_NUMBER: "n", 3: "n", _LAST_SEQUENCE: "n", 5: "nb", 6: "nn", 7: "nnnbb", 9: "n"}
"""The fields of a manifest's entry by their tag: numbers (n) and bytes with their length before them (b)."""


def trouble(folder: Path) -> str:
    """What is wrong with the logs and the manifest of a LevelDB that nobody has open, or nothing.

    Checksums are left to LevelDB, which looks at them. Writes are numbered, so one that is missing between others is
    seen, and so is a log that ends before the last write its manifest knows of. What was cut off after that, exactly
    between two writes, cannot be seen.
    """
    name = (folder / "CURRENT").read_text(encoding="utf-8", errors="replace").strip()
    manifest = folder / name
    if "/" in name or not manifest.is_file():
        return ""  # LevelDB says so itself
    known: dict[int, int] = {}
    try:
        for entry in _entries(manifest.read_bytes()):
            known |= _numbers(entry)
    except EOFError:
        return f"{manifest.name} {_CUT}"
    number = known.get(_LOG_NUMBER, 0)
    if number and not (folder / f"{number:06}.log").is_file():
        return f"{number:06}.log is missing, and holds what was written last"
    return _trouble_of_logs(sorted(folder.glob("*.log")), number, known.get(_LAST_SEQUENCE, 0))


def _trouble_of_logs(logs: list[Path], oldest: int, last: int) -> str:
    """What is missing of the logs; those before the ``oldest`` are in tables already, and ``last`` was written."""
    following = 0
    for path in logs:
        try:
            batches = [(entry[:8], entry[8:_BATCH_HEADER]) for entry in _entries(path.read_bytes())]
        except EOFError:
            return f"{path.name} {_CUT}"
        if not path.stem.isdecimal() or int(path.stem) < oldest:
            continue
        for sequence, count in batches:
            first = int.from_bytes(sequence, "little")
            if following and first != following:
                return f"{path.name} lacks the writes {following} to {first - 1}"
            following = first + int.from_bytes(count, "little")
    if following and following <= last:
        return f"{logs[-1].name} ends with write {following - 1}, and {last} were made"
    return ""


def _entries(content: bytes) -> Iterator[bytes]:
    """Each entry of a log; raises ``EOFError`` where the last one is not whole."""
    at, parts = 0, bytearray()
    while at < len(content):
        end = at - at % _BLOCK + _BLOCK
        if end - at < _HEADER:
            if end > len(content) or any(content[at:end]):
                raise EOFError
            at = end
            continue
        length, kind = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6 : at + 7]
        if kind == b"\0" and not length:
            at = end  # a block that was set aside and not written
            continue
        whole = at + _HEADER + length
        if not kind or whole > min(end, len(content)):
            raise EOFError
        if kind[0] > _LARGEST_TYPE:
            return
        parts = bytearray() if kind[0] in {_FULL, _FIRST} else parts
        parts += content[at + _HEADER : whole]
        at = whole
        if kind[0] in {_FULL, _LAST}:
            yield bytes(parts)
            parts = bytearray()
        elif at >= len(content):
            raise EOFError


def _numbers(entry: bytes) -> dict[int, int]:
    """The oldest log that is still needed and the last write, by an entry of the manifest, where it says so."""
    at, numbers = 0, dict[int, int]()

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while at < len(entry):
            byte = entry[at]
            at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
            if not byte & 0x80:
                break
        return value

    while at < len(entry):
        tag = varint()
        for sort in _FIELDS.get(tag, ""):
            value = varint()
            at += value if sort == "b" else 0
            if tag in {_LOG_NUMBER, _LAST_SEQUENCE}:
                numbers[tag] = value
        if tag not in _FIELDS:
            break  # a LevelDB of another make
    return numbers
