"""Python values as an ABI takes them, checked before anything is encoded; and its values as Python has them.

Nothing is coerced: ``True`` is no number, ``"5"`` is none either, bytes have the length of their
type, an address with a mistyped digit has a wrong checksum. A structure is written as a
sequence of its fields or a mapping of them by name, and comes back as a named tuple.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pytest_rollout.contracts.addresses import Unfit, address, checksum
from pytest_rollout.contracts.parameters import Parameter, type_of
from pytest_rollout.core.errors import listed, suggestion

MOST_SHOWN = 80
"""Characters of a value in a sentence."""

_ARRAY = re.compile(r"(?P<element>.+)\[(?P<size>\d*)\]")
_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_NOBODY = "0x" + "00" * 20

Taker = Callable[[Any, str], Any]
"""Takes a value and where it stands; returns what the encoder wants, or raises ``Misfit``."""

Giver = Callable[[Any], Any]
"""Takes a decoded value; returns it as Python has it."""


class Misfit(Exception):  # noqa: N818 - a reason, told on with the place it belongs to
    """Why a value is none of the declared type, as the second half of a sentence."""


def taker(parameter: Parameter) -> Taker:
    """What checks a value of that parameter's type."""
    kind = str(parameter["type"])
    if array := _ARRAY.fullmatch(kind):
        return _array({**parameter, "type": array["element"]}, array["size"], type_of(parameter))
    if kind == "tuple":
        return _structure(parameter)
    if kind.startswith("bytes"):
        return _bytes(kind)
    if kind.startswith(("uint", "int")):
        return _integer(kind)
    return _SINGLE.get(kind, lambda value, _: value)


def giver(parameter: Parameter) -> Giver:
    """What makes a decoded value of that parameter's type one of Python's."""
    kind = str(parameter["type"])
    if array := _ARRAY.fullmatch(kind):
        each = giver({**parameter, "type": array["element"]})
        return lambda values: [each(value) for value in values]
    if kind == "tuple":
        fields = [giver(component) for component in parameter["components"]]
        made = _named(parameter)
        return lambda values: made(*(give(value) for give, value in zip(fields, values, strict=True)))
    if kind == "address":
        return checksum
    return _same


def shown(value: object) -> str:
    """A value for a sentence, cut where it is long."""
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"


def _same(value: Any) -> Any:
    return value


def _refuse(value: object, where: str, kind: str, hint: str = "") -> Any:
    raise Misfit(f"{where}: {shown(value)} is no {kind}{hint and ';'}{hint}.")


def _integer(kind: str) -> Taker:
    bits = int(kind.removeprefix("u").removeprefix("int") or 256)
    least, most = (0, (1 << bits) - 1) if kind.startswith("u") else (-(1 << bits - 1), (1 << bits - 1) - 1)

    def take(value: Any, where: str) -> Any:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return int(value)
        floor = "0" if least == 0 else f"-2**{bits - 1}"
        top = f"2**{bits if least == 0 else bits - 1} - 1"
        return _refuse(value, where, kind, f" a whole number from {floor} to {top} is needed")

    return take


def _bytes(kind: str) -> Taker:
    size = kind.removeprefix("bytes")
    needed = (
        f" {size} bytes are needed, or 0x and {2 * int(size)} hex digits" if size else " bytes or 0x hex are needed"
    )

    def take(value: Any, where: str) -> Any:
        data = bytes.fromhex(value[2:]) if isinstance(value, str) and _HEX.fullmatch(value) else value
        if isinstance(data, bytes | bytearray) and (not size or len(data) == int(size)):
            return bytes(data)
        return _refuse(value, where, kind, needed)

    return take


def _address(value: Any, where: str) -> Any:
    given = getattr(value, "address", value)
    if given == _NOBODY:
        return given
    try:
        return address(given)
    except Unfit as reason:
        raise Misfit(f"{where}: {reason}") from None


def _bool(value: Any, where: str) -> Any:
    return value if value is True or value is False else _refuse(value, where, "bool")


def _string(value: Any, where: str) -> Any:
    return value if isinstance(value, str) else _refuse(value, where, "string")


_SINGLE: Mapping[str, Taker] = {"address": _address, "bool": _bool, "string": _string}


def _array(element: Parameter, size: str, kind: str) -> Taker:
    take_each = taker(element)
    count = int(size) if size else None

    def take(value: Any, where: str) -> Any:
        if not _is_sequence(value) or (count is not None and len(value) != count):
            many = "a list" if count is None else f"a list of {count}"
            return _refuse(value, where, kind, f" {many} is needed")
        return [take_each(each, f"{where}[{number}]") for number, each in enumerate(value)]

    return take


def _structure(parameter: Parameter) -> Taker:
    components: Sequence[Parameter] = parameter["components"]
    names = [str(component.get("name") or number) for number, component in enumerate(components)]
    takers = [taker(component) for component in components]

    def take(value: Any, where: str) -> Any:
        if isinstance(value, Mapping):
            value = _fields(value, names, where)
        elif not _is_sequence(value) or len(value) != len(takers):
            return _refuse(value, where, "structure", f" a mapping or a sequence of {', '.join(names)} is needed")
        return tuple(
            take_one(each, f"{where}.{name}") for take_one, name, each in zip(takers, names, value, strict=True)
        )

    return take


def _fields(value: Mapping[Any, Any], names: Sequence[str], where: str) -> list[Any]:
    for name in names:
        if name not in value:
            raise Misfit(f"{where}: has no '{name}'; the fields are {listed(names)}.{suggestion(name, _texts(value))}")
    for name in value:
        if name not in names:
            raise Misfit(
                f"{where}: there is no field {shown(name)}; the fields are {listed(names)}."
                f"{suggestion(str(name), names)}"
            )
    return [value[name] for name in names]


def _texts(value: Iterable[Any]) -> list[str]:
    return [each for each in value if isinstance(each, str)]


def _is_sequence(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray)


def _named(parameter: Parameter) -> Callable[..., tuple[Any, ...]]:
    """The named tuple of a structure; a field without a name is ``_0``."""
    names = [str(component.get("name", "")) for component in parameter["components"]]
    return namedtuple("Structure", names, rename=True)  # noqa: PYI024 - they come from the ABI
