"""Quantities with their units: what may be compared with what, exactly.

A unit belongs to a dimension; within one dimension values convert exactly (``Fraction``),
across dimensions never. A ratio is written in per cent and kept as a fraction of one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from pytest_rollout.core.errors import RolloutError, listed, suggestion


class UnitError(RolloutError):
    """A quantity cannot be read, or its unit does not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One unit: its symbol, what it measures, and its size in the dimension's base unit."""

    symbol: str
    dimension: str
    scale: Fraction


def _units() -> dict[str, Unit]:
    table: dict[str, tuple[str, Fraction]] = {
        "ratio": ("ratio", Fraction(1)),
        "%": ("ratio", Fraction(1, 100)),
        "count": ("count", Fraction(1)),
        "ns": ("time", Fraction(1, 10**9)),
        "us": ("time", Fraction(1, 10**6)),
        "ms": ("time", Fraction(1, 1000)),
        "s": ("time", Fraction(1)),
        "min": ("time", Fraction(60)),
        "h": ("time", Fraction(3600)),
        "d": ("time", Fraction(86400)),
        "gas": ("gas", Fraction(1)),
        "wei": ("ether", Fraction(1)),
        "gwei": ("ether", Fraction(10**9)),
        "ether": ("ether", Fraction(10**18)),
        "units": ("token units", Fraction(1)),
        "bytes": ("bytes", Fraction(1)),
        "KiB": ("bytes", Fraction(1024)),
        "MiB": ("bytes", Fraction(1024**2)),
        "GiB": ("bytes", Fraction(1024**3)),
        "blocks": ("blocks", Fraction(1)),
    }
    return {s: Unit(symbol=s, dimension=d, scale=f) for s, (d, f) in table.items()}


UNITS = _units()

_NUMBER = r"[+-]?(?:0|[1-9][0-9]{0,2}(?:,[0-9]{3})+|[1-9](?:_?[0-9])*|0)(?:\.[0-9]+)?(?:[kM](?![a-zA-Z]))?"
_QUANTITY = re.compile(rf"\s*(?P<number>{_NUMBER})\s*(?P<unit>[%A-Za-z][A-Za-z ]*)?\s*")
_MULTIPLES = {"k": 1000, "M": 1_000_000}
_MOST_DIGITS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """An exact value in a unit, as it was written: ``value`` in ``unit``, not in base units."""

    value: Fraction
    unit: Unit

    @property
    def base(self) -> Fraction:
        """The value in the dimension's base unit: seconds, wei, a fraction of one."""
        return self.value * self.unit.scale

    def __str__(self) -> str:
        return show(self.base, self.unit)


def unit(symbol: str) -> Unit:
    """The unit of that symbol; raises ``UnitError`` with the nearest one."""
    try:
        return UNITS[symbol]
    except KeyError:
        raise UnitError(f"no unit '{symbol}'; allowed are {listed(UNITS)}.{suggestion(symbol, UNITS)}") from None


def quantity(text: str, *, default: str = "count") -> Quantity:
    """Read ``99 %``, ``200 ms``, ``500k gas`` or ``1,000``; a bare number is in ``default``."""
    match = _QUANTITY.fullmatch(text)
    if match is None or not text.isascii() or len(match["number"]) > _MOST_DIGITS:
        raise UnitError(f"'{text[:80]}' is no quantity; write a number and a unit, such as '99 %', '200 ms' or '1000'")
    digits = match["number"].replace(",", "")
    multiple = _MULTIPLES.get(digits[-1], 1)
    number = Fraction(digits.rstrip("kM")) * multiple
    symbol = (match["unit"] or default).strip()
    return Quantity(value=number, unit=unit(symbol))


def show(base: Fraction, in_unit: Unit) -> str:
    """A value given in base units, for people: ``99.31 %``, ``200 ms``, ``152``.

    Integers are printed whole. Anything else is cut - never rounded up across a bound -
    to four decimals, all of them shown and followed by ``…`` where digits were cut.
    """
    shown = UNITS["%"] if in_unit.symbol == "ratio" else in_unit
    value = base / shown.scale
    text = _decimal(value)
    return text if shown.symbol == "count" else f"{text} {shown.symbol}"


def _decimal(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    sign = "-" if value < 0 else ""
    scaled = abs(value) * 10**4
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    digits = f"{whole:05d}"
    text = f"{sign}{digits[:-4]}.{digits[-4:]}"
    return f"{text}…" if rest else text.rstrip("0")
