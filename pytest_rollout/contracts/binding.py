"""Which overload the given arguments mean, and their values as its codec takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_rollout.contracts.arguments import Misfit, shown
from pytest_rollout.contracts.interface import Function
from pytest_rollout.core.errors import ContractError, listed, suggestion


def bind(
    place: str, overloads: Sequence[Function], arguments: Sequence[Any], named: Mapping[str, Any]
) -> tuple[Function, list[Any]]:
    """The one function that takes these arguments, and what to encode; raises ``ContractError``."""
    if len(overloads) == 1:
        return overloads[0], fitted(f"{place}.{overloads[0].signature}", overloads[0], arguments, named)
    fitting: list[tuple[Function, list[Any]]] = []
    refusals: list[ContractError] = []
    for each in overloads:
        try:
            fitting.append((each, fitted(f"{place}.{each.signature}", each, arguments, named)))
        except ContractError as refusal:
            if len(each.inputs) == len(arguments) + len(named):
                refusals.append(refusal)
    if len(fitting) == 1:
        return fitting[0]
    if not fitting and len(refusals) == 1:
        raise refusals[0]
    name, signatures = overloads[0].name, [each.signature for each in overloads]
    given = ", ".join([*map(shown, arguments), *(f"{key}={shown(value)}" for key, value in named.items())])
    raise ContractError(
        f"{place}.{name}: ({given}) fits {len(fitting)} of {listed(signatures)}; "
        f'write functions["{signatures[0]}"](…) for the one that is meant.'
    )


def fitted(
    place: str, function: Function, arguments: Sequence[Any], named: Mapping[str, Any] | None = None
) -> list[Any]:
    """The values as the codec takes them; raises ``ContractError``."""
    inputs = function.inputs
    if named:
        arguments = _in_order(place, function, arguments, named)
    if len(arguments) != len(inputs):
        raise ContractError(f"{place}: takes {len(inputs)} arguments, not {len(arguments)}.")
    try:
        return [
            take(value, f"argument {number}")
            for number, (take, value) in enumerate(zip(function.arguments.takers, arguments, strict=True), 1)
        ]
    except Misfit as reason:
        raise ContractError(f"{place}: {reason}") from None


def _in_order(place: str, function: Function, arguments: Sequence[Any], named: Mapping[str, Any]) -> Sequence[Any]:
    names = [str(each.get("name", "")) for each in function.inputs]
    left = names[len(arguments) :]
    for name in named:
        if name not in left:
            told = "is given twice" if name in names else f"is none of {listed(names)}"
            raise ContractError(f"{place}: argument '{name}' {told}.{suggestion(name, left)}")
    if missing := [name for name in left if name not in named]:
        raise ContractError(f"{place}: argument '{missing[0]}' is missing.{suggestion(missing[0], named)}")
    return [*arguments, *(named[name] for name in left)]
