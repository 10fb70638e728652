"""The published JSON Schema of ``rollout.toml``, for editors."""

from __future__ import annotations

from typing import Any

ID = "https://pytest-rollout.dev/schema/plan/v1"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The shape of a plan as JSON Schema (draft 2020-12), every key described, no other allowed.

    A string that holds ``${…}`` passes every pattern: its value is known on loading only.
    """
    from pytest_rollout.plan.shape import Plan  # noqa: PLC0415 - pydantic is paid for by who asks

    generated = Plan.model_json_schema(mode="validation")
    without_null: dict[str, Any] = _without_null(generated)
    return {"$schema": DIALECT, "$id": ID, **without_null, "title": "rollout.toml"}


def _without_null(node: Any) -> Any:
    """TOML knows no null: what may be left out is told by ``required`` alone."""
    if isinstance(node, list):
        return [_without_null(each) for each in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _without_null(each) for key, each in node.items() if not (key == "default" and each is None)}
    kinds = plain.get("anyOf")
    if isinstance(kinds, list) and {"type": "null"} in kinds:
        kinds = [each for each in kinds if each != {"type": "null"}]
        plain.pop("anyOf")
        plain = {**kinds[0], **plain} if len(kinds) == 1 else {"anyOf": kinds, **plain}
    return plain
