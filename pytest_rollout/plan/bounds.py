"""Bounds as a plan writes them: a relation, a number and its unit, nothing else."""

from __future__ import annotations

import re
from fractions import Fraction

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.errors import suggestion
from pytest_rollout.core.units import UNITS, Quantity, Unit, UnitError, quantity, show
from pytest_rollout.plan.sentence import GIVEN, Unfit

PATTERN = r"\s*(?:<=|>=|==|<|>)\s*[-+]?[0-9][0-9,_.]*\s*[kM]?\s*(?:%|[A-Za-z][A-Za-z ]*)?\s*"

_PARTS = re.compile(r"(?s)\s*(?P<relation>[A-Za-z]+(?: +[A-Za-z]+)*|[^\w\s.+-]*)\s*(?P<rest>.*?)\s*")
_BARE = re.compile(r"[-+]?[0-9][0-9,_.]*[kM]?")
_HOW = "write a relation (<, <=, >, >= or ==), a number and a unit, such as"
_LONGEST = 60

_MEANT = {
    **dict.fromkeys(("≥", "⩾", "≧", "=>", "at least", "minimum", "min"), ">="),
    **dict.fromkeys(("≤", "⩽", "≦", "=<", "at most", "maximum", "max", "up to"), "<="),
    **dict.fromkeys(("＞", "›", ">>", "more than", "above", "over", "greater than"), ">"),  # noqa: RUF001
    **dict.fromkeys(("＜", "‹", "<<", "less than", "below", "under", "fewer than"), "<"),  # noqa: RUF001
    **dict.fromkeys(("=", "===", "＝", "is", "equals", "exactly"), "=="),  # noqa: RUF001
}
_EXAMPLES = {
    "ratio": "> 99 %",
    "time": "< 200 ms",
    "gas": "< 500k gas",
    "count": ">= 100",
    "bytes": "< 10 MiB",
}


def example(unit: Unit) -> str:
    """A bound for a metric of this unit, quoted for a sentence."""
    return f"'{_EXAMPLES.get(unit.dimension, f'< 100 {unit.symbol}')}'"


def bound(text: str, metric: Unit) -> Bound:
    """The bound on a metric of that unit, exact; raises ``Unfit`` for one that cannot be meant.

    The unit may differ from the metric's within its dimension (``s`` for ``ms``), never beyond.
    """
    relation, amount = _split(text, metric)
    value = _quantity(amount, relation, metric)
    if value.unit.dimension != metric.dimension:
        raise Unfit(
            f"{GIVEN} is in {value.unit.symbol}, but the metric is measured in {metric.symbol}; "
            f"write for example {example(metric)}."
        )
    result = Bound(relation=relation, limit=value.base, unit=value.unit)
    _check_range(result, metric)
    return result


def _split(text: str, metric: Unit) -> tuple[Relation, str]:
    how = f"{_HOW} {example(metric)}."
    match = _PARTS.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise Unfit(f"{GIVEN} is no bound; {how}")
    relation, amount = match["relation"], match["rest"]
    if relation in {each.value for each in Relation} and amount:
        return Relation(relation), amount
    if meant := _MEANT.get(" ".join(relation.casefold().split())):
        raise Unfit(f"{GIVEN} begins with '{relation}'; write '{meant}'.")
    if relation in {"!=", "<>", "≠"}:
        raise Unfit(f"{GIVEN} excludes one value, which bounds nothing; {how}")
    if not relation and amount:
        raise Unfit(f"{GIVEN} says no relation; {_better(amount, Relation.MORE, metric) or how}")
    raise Unfit(f"{GIVEN} is no bound; {how}")


def _quantity(amount: str, relation: Relation, metric: Unit) -> Quantity:
    how = f"{_HOW} {example(metric)}."
    if amount[:1] in "<>=":
        raise Unfit(f"{GIVEN} has more than one relation; {how}")
    bare = _BARE.fullmatch(amount) is not None
    if bare and metric.dimension != "count":
        better = _better(amount, relation, metric) or f"write the unit too, such as {example(metric)}."
        raise Unfit(f"{GIVEN} says no unit, and the metric is measured in {metric.symbol}; {better}")
    try:
        value = quantity(amount)
    except UnitError:
        symbol = amount.lstrip("+-0123456789,._ ").strip()
        near = suggestion(symbol, UNITS) if symbol else ""
        raise Unfit(f"{GIVEN} is no bound; {how}{near}") from None
    if value.unit.symbol == "ratio":
        raise Unfit(f"{GIVEN} is in ratio; bounds on a ratio are in per cent, such as '> 99 %'.")
    return value


def _better(amount: str, relation: Relation, metric: Unit) -> str:
    """What a bare number on a ratio was meant to be, where that is plain."""
    if metric.dimension != "ratio" or not _BARE.fullmatch(amount):
        return ""
    try:
        value = quantity(amount).value
    except UnitError:
        return ""
    if not 0 <= value <= 1:
        return ""
    return f"write '{relation.value} {show(value, metric)}'."


def _check_range(result: Bound, metric: Unit) -> None:
    """Refuse what no value or every value meets; only amounts of value may be negative."""
    if metric.dimension in {"ether", "token units"}:
        return
    top = Fraction(1) if metric.dimension == "ratio" else None
    if result.limit < 0 or (top is not None and result.limit > top):
        allowed = "0 % to 100 %" if top is not None else "0 and more"
        raise Unfit(f"{GIVEN} is outside what the metric can be, {allowed}.")
    at_bottom, at_top = result.limit == 0, result.limit == top
    if (at_bottom and result.relation is Relation.LESS) or (at_top and result.relation is Relation.MORE):
        raise Unfit(f"{GIVEN} can never hold, since the metric reaches {_end(at_top, metric)} at the utmost.")
    if (at_bottom and result.relation is Relation.AT_LEAST) or (at_top and result.relation is Relation.AT_MOST):
        raise Unfit(f"{GIVEN} always holds, so it bounds nothing; every value of the metric meets it.")


def _end(at_top: bool, metric: Unit) -> str:
    if at_top:
        return "100 %"
    return "0 %" if metric.dimension == "ratio" else "0"
