"""What records say, whatever their spelling, as bytes that can be compared at once."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any, NamedTuple

from pytest_rollout.core.spelling import Read

_MOST_FORMS = 1000
"""So many sets of fields, each in its order, are remembered; records of further ones only take longer."""
PLAIN = 2
"""The format without references: the same value is always the same bytes, and 1, 1.0 and true are three."""


class _Form(NamedTuple):
    """Records of the same fields: what says so, how their values are brought into one order, and which are read how."""

    mark: Any
    values: Callable[[Mapping[str, Any]], Any]
    read: tuple[tuple[int, Read], ...]


class Meaning:
    """Two records whose bytes are the same differ in nothing that is asked; where the bytes differ, look closer."""

    def __init__(self, fields: Sequence[str], read: Mapping[str, Read], *, null_is_absent: bool = False) -> None:
        self._fields = fields
        self._readings = read
        self._null_is_absent = null_is_absent
        self._forms: dict[tuple[str, ...], _Form] = {}
        self._marks: dict[tuple[str, ...], int] = {}

    def of(self, value: Mapping[str, Any]) -> bytes:
        """The bytes; raises ``ValueError`` for what is nested too deeply, or is nothing that JSON can hold."""
        if self._null_is_absent:
            value = {key: each for key, each in value.items() if each is not None}
        return self._all([value])[0]

    def all(self, values: Sequence[Mapping[str, Any]]) -> list[bytes]:
        """The same for records of the same fields in the same order, which takes less time for each."""
        if self._null_is_absent and any(None in value.values() for value in values):
            return list(map(self.of, values))
        return self._all(values)

    def _all(self, values: Sequence[Mapping[str, Any]]) -> list[bytes]:
        keys = tuple(values[0])
        mark, in_order, readings = self._forms.get(keys) or self._form(keys)
        columns: list[Sequence[Any]] = list(zip(*map(in_order, values), strict=True))
        for index, read in readings:
            columns[index] = read(columns[index])
        rows = zip(repeat(mark, len(values)), *columns, strict=True)
        return list(map(marshal.dumps, rows, repeat(PLAIN)))

    def _form(self, keys: tuple[str, ...]) -> _Form:
        names = tuple(sorted(set(keys) & set(self._fields) if self._fields else keys))
        values = itemgetter(*names) if len(names) > 1 else lambda value: [value[name] for name in names]
        read = tuple((index, self._readings[name]) for index, name in enumerate(names) if name in self._readings)
        if len(self._forms) >= _MOST_FORMS:
            return _Form(self._marks.get(names, names), values, read)
        form = _Form(self._marks.setdefault(names, len(self._marks)), values, read)
        self._forms[keys] = form
        return form
