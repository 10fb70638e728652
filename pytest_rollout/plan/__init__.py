"""``rollout.toml`` -> ``Rollout``: reading, references, lint, schema.

Importing this costs no pydantic; loading a plan or asking for the schema does.
"""

from pytest_rollout.plan.discovery import check_together, discover, find_gates, of_rollout, project_root
from pytest_rollout.plan.lint import Remark, RemarkKind, lint
from pytest_rollout.plan.loading import load
from pytest_rollout.plan.schema import schema

__all__ = [
    "Remark",
    "RemarkKind",
    "check_together",
    "discover",
    "find_gates",
    "lint",
    "load",
    "of_rollout",
    "project_root",
    "schema",
]
