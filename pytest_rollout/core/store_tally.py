"""Two stores, or one, record by record: what is asked of them, and the tally of what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_rollout.core.meaning import Meaning
from pytest_rollout.core.record import FieldKind, Identity, Record, are_addresses, differences, placeholder, readings

MOST_LISTED = 100
"""Of each sort of trouble so many are listed; all are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What makes records the same, and which there must be.

    ``fields`` are compared, all of both where it is empty. ``inventory`` lists the identities there must
    be, and no others. ``scope`` maps a field to the values that are in scope; ``outside`` to those
    that are known to be out of it, which are told and set aside. ``null_is_absent`` takes a null for no field.
    """

    identity: Identity
    fields: tuple[str, ...] = ()
    kinds: Mapping[str, FieldKind] = field(default_factory=dict)
    inventory: tuple[str, ...] = ()
    scope: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    outside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    null_is_absent: bool = False

    @property
    def addresses(self) -> tuple[str, ...]:
        """The fields that hold addresses."""
        return tuple(name for name, kind in self.kinds.items() if kind is FieldKind.ADDRESS)


class Tally:
    """Counts everything that is wrong and lists the first of each sort; ``document`` is what is recorded.

    ``clean`` takes secrets out of a text.
    """

    def __init__(self, asked: Asked, clean: Callable[[str], str] = str) -> None:
        self._asked = asked
        self._clean = clean
        self._owed = frozenset(asked.inventory)
        self._missing = set(asked.inventory)
        self._addresses = asked.addresses
        self._readings = readings(asked.identity, asked.kinds)
        self.meaning = Meaning(asked.fields, self._readings, null_is_absent=asked.null_is_absent)
        self._unseen = {*asked.fields, *asked.kinds}
        self._counts: dict[str, int] = {}
        self._listed: dict[str, list[Any]] = {}
        self.read = [0, 0]
        self.same = 0

    def note(self, sort: str, what: Any) -> None:
        """One more of a sort of trouble."""
        count = self._counts[sort] = self._counts.get(sort, 0) + 1
        if count <= MOST_LISTED:
            self._listed.setdefault(sort, []).append(what)

    def admit(self, side: int, record: Record) -> str | None:
        """The identity of a record that is to be compared, or None; everything else about it is noted."""
        if record.error:
            self.note("broken", f"{record.place}: {record.error}")
            return None
        name = self._asked.identity.of(record.value)
        if name is None:
            self.note("nameless", record.place)
            return None
        asked, value = self._asked, record.value
        self._unseen -= value.keys()
        if any(str(value.get(key)) in known for key, known in asked.outside.items()):
            self.note("set_aside", name)
            return None
        if any(str(value.get(key)) not in allowed for key, allowed in asked.scope.items()):
            self.read[side] += 1
            self.note("foreign", f"{name} ({record.place})")
            return None
        self.read[side] += 1
        self._look_at_addresses(name, record)
        return name

    def _look_at_addresses(self, name: str, record: Record) -> None:
        for field_name in self._addresses:
            address = record.value.get(field_name)
            if field_name not in record.value or (address is None and self._asked.null_is_absent):
                continue
            if why := placeholder(address):
                self.note("placeholders", f"{name} {field_name}: {why} ({record.place})")

    def plain(self, side: int, values: Sequence[dict[str, Any]]) -> tuple[list[str], list[bytes]] | None:
        """The identities and meanings of records that have the same fields in the same order.

        None where there is something to note of one of them, or may be: then each is asked about alone.
        """
        fields, asked = values[0], self._asked

        def column(name: str) -> list[Any]:
            return [value.get(name) for value in values]

        for name, known in asked.outside.items():
            if not set(known).isdisjoint(map(str, column(name))):
                return None
        for name, allowed in asked.scope.items():
            if not set(allowed).issuperset(map(str, column(name))):
                return None
        for name in self._addresses:
            there = [each for each in column(name) if each is not None] if asked.null_is_absent else column(name)
            if name in fields and not are_addresses(there):
                return None
        try:
            meanings = self.meaning.all(values)
        except (ValueError, RecursionError):
            return None
        names = asked.identity.names([column(name) for name in asked.identity.key])
        if names is None:
            return None
        self._unseen.difference_update(fields)
        self.read[side] += len(values)
        return names, meanings

    def agree(self, names: Sequence[str]) -> None:
        """One record of each on either side, and the same."""
        if self._owed:
            for name in names:
                self._list(name)
        self.same += len(names)

    def _list(self, name: str) -> None:
        if not self._owed:
            return
        if name in self._owed:
            self._missing.discard(name)
        else:
            self.note("unexpected", name)

    def compare(self, name: str, left: list[Record], right: list[Record], *, pair: bool) -> None:
        """All records of one identity, from both sides."""
        for records in (left, right):
            if len(records) > 1:
                self.note("doubles", f"{name}: " + " and ".join(each.place for each in records[:4]))
        self._list(name)
        if not pair:
            self.same += 1
        elif not right:
            self.note("only_left", name)
        elif not left:
            self.note("only_right", name)
        else:
            self._compare(name, left[0], right[0])

    def _compare(self, name: str, left: Record, right: Record) -> None:
        try:
            found = self._differences(left.value, right.value)
        except RecursionError:
            self.note("broken", f"{left.place} and {right.place}: are nested too deeply to be compared")
            return
        if found:
            self.note("differing", [name, [list(each) for each in found]])
        else:
            self.same += 1

    def _differences(self, left: Mapping[str, Any], right: Mapping[str, Any]) -> list[tuple[str, str, str]]:
        if self._asked.null_is_absent:
            left, right = ({key: each for key, each in side.items() if each is not None} for side in (left, right))
        return differences(left, right, self._asked.fields, self._readings, self._clean)

    def doubled(self, name: str, places: list[str]) -> None:
        """Records of an identity that both stores already hold once, and the same."""
        self.note("doubles", f"{name}: one that is the same on both sides and " + " and ".join(places[:4]))

    def leftovers(self, places: Iterator[str]) -> None:
        """Files that no store of this sort should hold."""
        for place in places:
            self.note("leftovers", place)

    def document(self, *, pair: bool) -> dict[str, Any]:
        """Everything as JSON."""
        for name in sorted(self._missing):
            self.note("missing", name)
        for name in sorted(self._unseen) if any(self.read) else ():
            self.note("unseen", name)
        return {
            "pair": pair,
            "left": self.read[0],
            "right": self.read[1],
            "same": self.same,
            "counts": dict(sorted(self._counts.items())),
            "listed": {sort: sorted(what) for sort, what in sorted(self._listed.items())},
        }
