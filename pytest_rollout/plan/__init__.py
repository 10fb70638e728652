"""``rollout.toml`` -> ``Rollout``: reading, references, schema; ``plan.lint`` looks for contradictions.

Importing this costs no pydantic; loading a plan or asking for the schema does.
"""

from pytest_rollout.plan.discovery import check_together, discover, find_gates, of_rollout, project_root
from pytest_rollout.plan.loading import load
from pytest_rollout.plan.schema import schema

__all__ = [
    "check_together",
    "discover",
    "find_gates",
    "load",
    "of_rollout",
    "project_root",
    "schema",
]
