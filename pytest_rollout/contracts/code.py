"""Deployed code against what a compiler made: without metadata, immutables left open, libraries put in.

Sources: the Solidity documentation on contract metadata, immutable references and library linking.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

ADDRESS = 20
WORD = 32

_PUSH0, _PUSH1, _PUSH20, _PUSH32, _ADDRESS_OPCODE = 0x5F, 0x60, 0x73, 0x7F, 0x30
_PLACEHOLDER = re.compile(r"__.{36}__")
_KEYS = {b"ipfs", b"bzzr0", b"bzzr1", b"solc", b"experimental"}


class Uncomparable(Exception):  # noqa: N818 - a reason, told on with the place it belongs to
    """Why code cannot be compared, as the second half of a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Runtime code as compiled: zeros where something goes on deployment.

    ``libraries`` maps a library's qualified name to where its address goes, ``immutables`` a name
    or number to where its word goes; offsets are in bytes. Where ``immutables`` is None nobody
    said where they are: then zeros that are pushed as a whole word are left open.
    """

    code: bytes
    libraries: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    immutables: Mapping[str, tuple[int, ...]] | None = None

    @classmethod
    def of_hex(
        cls,
        text: str,
        *,
        libraries: Mapping[str, tuple[int, ...]] | None = None,
        immutables: Mapping[str, tuple[int, ...]] | None = None,
    ) -> Template:
        """From 0x hex with placeholders; one that ``libraries`` does not tell of goes by its own text."""
        digits = text.removeprefix("0x")
        places = dict(libraries or {})
        told = {offset for offsets in places.values() for offset in offsets}
        for match in _PLACEHOLDER.finditer(digits):
            if match.start() // 2 not in told:
                places[match[0]] = (*places.get(match[0], ()), match.start() // 2)
        return cls(
            code=bytes.fromhex(_PLACEHOLDER.sub("0" * 2 * ADDRESS, digits)), libraries=places, immutables=immutables
        )

    def difference(self, code: bytes, *, address: str, libraries: Mapping[str, str]) -> str:
        """How ``code``, found at ``address``, differs; empty where it is this code.

        ``libraries`` maps qualified or short names to addresses. Raises ``Uncomparable`` for a
        library that it does not have.
        """
        wanted, found = without_metadata(self.code), without_metadata(code)
        if len(wanted) != len(found):
            return f"{len(found)} bytes of code, {len(wanted)} were compiled"
        linked = bytearray(wanted)
        for name, offsets in self.libraries.items():
            given = libraries.get(name) or libraries.get(name.rpartition(":")[2])
            if given is None:
                raise Uncomparable(f"nobody says where the library {name.rpartition(':')[2]} is")
            for offset in offsets:
                linked[offset : offset + ADDRESS] = bytes.fromhex(given.removeprefix("0x"))
        if _calls_itself(self.code):
            linked[1 : 1 + ADDRESS] = bytes.fromhex(address.removeprefix("0x"))
        for offset in self._open():
            linked[offset : offset + WORD] = found[offset : offset + WORD]
        at = next((place for place, (a, b) in enumerate(zip(linked, found, strict=True)) if a != b), None)
        return "" if at is None else f"other code from byte {at} on, 0x{found[at : at + 4].hex()}"

    def linked(self, code: bytes, library: str) -> str:
        """The one address that stands where a library goes, in lower case; raises ``Uncomparable``."""
        name = next((each for each in self.libraries if library in {each, each.rpartition(":")[2]}), None)
        if name is None:
            there = ", ".join(each.rpartition(":")[2] for each in self.libraries) or "none"
            raise Uncomparable(f"it takes no library {library}; it takes {there}")
        return "0x" + _only({code[at : at + ADDRESS] for at in self.libraries[name]}, f"library {library}").hex()

    def immutable(self, code: bytes, name: str) -> bytes:
        """The one word that stands where an immutable goes; raises ``Uncomparable``."""
        places = self.immutables or {}
        if name not in places:
            there = ", ".join(places) or "none"
            raise Uncomparable(f"the artifact knows no immutable {name}; it knows {there}")
        word = _only({code[at : at + WORD] for at in places[name]}, f"immutable {name}")
        if len(word) != WORD:
            raise Uncomparable(f"the code ends before the immutable {name}")
        return word

    def _open(self) -> Iterator[int]:
        if self.immutables is not None:
            yield from (offset for offsets in self.immutables.values() for offset in offsets)
            return
        at = 0
        while at < len(self.code):
            opcode = self.code[at]
            if opcode == _PUSH32 and not any(self.code[at + 1 : at + 1 + WORD]):
                yield at + 1
            at += 1 + (opcode - _PUSH0 if _PUSH1 <= opcode <= _PUSH32 else 0)


def without_metadata(code: bytes) -> bytes:
    """The code without the CBOR map that Solidity appends, whose length is in the last two bytes."""
    size = int.from_bytes(code[-2:], "big")
    start = len(code) - 2 - size
    return code[:start] if size and start > 0 and _is_metadata(code[start:-2]) else code


def _is_metadata(data: bytes) -> bool:
    """Whether this is exactly one map with the keys the compiler writes."""
    if not 0xA1 <= data[0] <= 0xA5:  # noqa: PLR2004 - a CBOR map of one to five pairs
        return False
    at, keys = 1, set()
    for _ in range(data[0] - 0xA0):
        key, at = _cbor(data, at)
        _, at = _cbor(data, at)
        keys.add(key)
    return at == len(data) and keys <= _KEYS


def _cbor(data: bytes, at: int) -> tuple[bytes, int]:
    """A short byte or text string, or true or false, and where the next begins; beyond the end if it is none."""
    head = data[at] if at < len(data) else 0
    if head in {0xF4, 0xF5}:
        return b"", at + 1
    size, at = head & 0x1F, at + 1
    if head >> 5 not in {2, 3} or size > 24:  # noqa: PLR2004 - CBOR's major types of strings, and a size of one byte
        return b"", len(data) + 1
    if size == 24:  # noqa: PLR2004
        size, at = (data[at] if at < len(data) else 0), at + 1
    return data[at : at + size], at + size


def _calls_itself(code: bytes) -> bool:
    """Whether it is a library, whose own address is put in to refuse being called directly."""
    return len(code) > 1 + ADDRESS and code[0] == _PUSH20 and not any(code[1:21]) and code[21] == _ADDRESS_OPCODE


def _only(values: set[bytes], what: str) -> bytes:
    if len(values) != 1:
        raise Uncomparable(f"the {what} has {len(values)} different values in the code")
    return values.pop()


def offsets(references: Mapping[str, Sequence[Mapping[str, int]]]) -> dict[str, tuple[int, ...]]:
    """A compiler's references, by what they refer to, as offsets."""
    return {str(name): tuple(int(place["start"]) for place in places) for name, places in references.items()}
