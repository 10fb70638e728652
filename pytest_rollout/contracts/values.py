"""Between what a plan writes and what a contract takes and returns, without loss.

Integers stay exact, structures are lists of their fields, bytes are 0x hex, addresses checksums.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pytest_rollout.contracts.addresses import checksum
from pytest_rollout.core.errors import ContractError
from pytest_rollout.core.rollout import Value

_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_ARRAY = re.compile(r"(?P<element>.+)\[(?P<size>\d*)\]")

Parameter = Mapping[str, Any]
"""One input or output as an ABI describes it."""

Named = Callable[[str], str | None]
"""The address that a name or an address stands for, in lower case; None if it stands for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speller:
    """Writes values as the plan does: ``place`` begins every sentence, ``named`` knows the names."""

    place: str
    named: Named

    def argument(self, parameter: Parameter, value: Value, where: str) -> Any:
        """A value of the plan as the ABI encoder takes it; raises ``ContractError``."""
        kind = str(parameter["type"])
        if array := _ARRAY.fullmatch(kind):
            parts = self._parts(kind, value, int(array["size"]) if array["size"] else None, where)
            inner = {**parameter, "type": array["element"]}
            return [self.argument(inner, each, f"{where}[{i}]") for i, each in enumerate(parts)]
        if kind == "tuple":
            components = parameter["components"]
            parts = self._parts("structure", value, len(components), where)
            return tuple(
                self.argument(component, each, f"{where}.{component.get('name', i)}")
                for i, (component, each) in enumerate(zip(components, parts, strict=True))
            )
        return self._single(kind, value, where)

    def spelled(self, parameter: Parameter, observed: Any, expected: Value | None) -> Value:
        """A decoded value, in the plan's spelling where it means the same, else in its canonical one."""
        kind = str(parameter["type"])
        if array := _ARRAY.fullmatch(kind):
            inner = {**parameter, "type": array["element"]}
            return self._each([inner] * len(observed), observed, expected)
        if kind == "tuple":
            return self._each(parameter["components"], observed, expected)
        if kind == "address":
            return self.spelled_address(str(observed), expected)
        if isinstance(observed, bytes):
            canonical = "0x" + observed.hex()
            same = isinstance(expected, str) and expected.lower() == canonical
            return expected if same and expected is not None else canonical
        return cast("Value", observed)

    def spelled_address(self, observed: str, expected: Value | None) -> Value:
        """An address, by the role, contract name or spelling that the plan uses for it."""
        if isinstance(expected, str) and self.named(expected) == observed.lower():
            return expected
        return checksum(observed)

    def _each(self, parameters: Sequence[Parameter], observed: Sequence[Any], expected: Value | None) -> Value:
        written: Sequence[Value | None] = [None] * len(observed)
        if isinstance(expected, list) and len(expected) == len(observed):
            written = expected
        return [self.spelled(*each) for each in zip(parameters, observed, written, strict=True)]

    def _parts(self, kind: str, value: Value, size: int | None, where: str) -> list[Value]:
        if not isinstance(value, list) or (size is not None and len(value) != size):
            count = "" if size is None else f" of {size}"
            raise ContractError(f"{self.place}: {where}: {value!r} is no {kind}; a list{count} is needed.")
        return value

    def _single(self, kind: str, value: Value, where: str) -> Any:
        if kind == "address" and isinstance(value, str) and (found := self.named(value)) is not None:
            return found
        if kind == "bool" and isinstance(value, bool):
            return value
        if kind == "string" and isinstance(value, str):
            return value
        if kind.startswith("bytes") and isinstance(value, str) and _HEX.fullmatch(value):
            data, size = bytes.fromhex(value[2:]), kind.removeprefix("bytes")
            if not size or len(data) == int(size):
                return data
        if "int" in kind and type(value) is int and _fits(kind, value):
            return value
        raise ContractError(
            f"{self.place}: {where}: {value!r} is no {kind}.{_HINTS.get(kind.rstrip('0123456789'), '')}"
        )


_HINTS = {
    "address": " An account role, a contract's name or 0x and 40 hex digits is needed.",
    "bytes": " 0x and two hex digits for each byte are needed.",
}


def _fits(kind: str, value: int) -> bool:
    bits = int(kind.removeprefix("u").removeprefix("int") or 256)
    return 0 <= value < 1 << bits if kind.startswith("u") else -(1 << bits - 1) <= value < 1 << bits - 1
