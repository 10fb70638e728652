"""A plan as written, checked against its shape; what pydantic finds becomes one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from pytest_rollout.plan.section import KEY, WRONG
from pytest_rollout.plan.sentence import GIVEN, Place, Written, misfit
from pytest_rollout.plan.shape import Plan

_NEEDED = {"dict_type": "a table", "list_type": "an array"}


def shaped(written: Written) -> Plan:
    """The plan's tables with every key known and every value of its kind; raises ``PlanError``.

    Of several mistakes the first is told, misspelt and missing keys before others, since they are
    often the cause.
    """
    try:
        return Plan.model_validate(written.tree)
    except ValidationError as error:
        # Leaving the block first: the sentence must not drag values along in its context.
        found = error.errors(include_url=False, include_input=False)
    first = min(enumerate(found), key=lambda pair: (pair[1]["type"] != KEY, pair[0]))[1]
    place = tuple(first["loc"])
    raise written.wrong(place, _text(first, written, place))


def _text(error: Mapping[str, Any], written: Written, place: Place) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in {WRONG, KEY}:
        return str(error["msg"])
    if needed := _NEEDED.get(kind):
        return misfit(written.at(place), f"{needed} is needed.")
    if kind == "too_short":
        there, least = context["actual_length"], context["min_length"]
        if not there:
            return "is empty; at least one entry is needed."
        return f"has {there} of the {least} entries that are needed at least."
    return f"{GIVEN} does not do: {error['msg']}."
