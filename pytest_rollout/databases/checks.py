"""What a plan may declare about databases, observed; judging is the rules' business."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.database_check import DatabaseCheck
from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.databases.opening import connected, reading
from pytest_rollout.databases.rows import counts
from pytest_rollout.databases.structure import structure
from pytest_rollout.databases.tags import tagged

if TYPE_CHECKING:
    from sqlalchemy import Connection


def observe(
    check: DatabaseCheck, _rollout: Rollout, _stage: Stage, books: Mapping[str, Any]
) -> tuple[dict[str, Any], str]:
    """What the check's database is like, or a copy of it on which the migrations ran."""
    settings = check.database
    seen: dict[str, Any] = {}
    with ExitStack() as resources:
        if check.migrations is None:
            connection = resources.enter_context(reading(settings))
        else:
            from pytest_rollout.databases.copies import copied  # noqa: PLC0415 - for those who migrate
            from pytest_rollout.databases.migrating import migrated  # noqa: PLC0415 - as above

            opened = resources.enter_context(copied(settings))
            seen["migrations"] = migrated(opened(read_only=False), settings, check.migrations, check.table, check.sums)
            if not seen["migrations"]["applied"]:
                return seen, settings.shown
            connection = resources.enter_context(connected(opened(read_only=True), settings))
        seen |= _looked(connection, check, books)
    return seen, settings.shown


def _looked(connection: Connection, check: DatabaseCheck, books: Mapping[str, Any]) -> dict[str, Any]:
    schema = check.database.namespace or None
    seen: dict[str, Any] = {}
    with _named(check.database.name):
        if check.structure.is_asked:
            seen["structure"] = structure(connection, check.table, schema, check.structure.checks)
        if check.counts_rows:
            seen["counts"] = {"here": counts(connection, check.table, schema, check.sums)}
        if check.tag is not None:
            seen["tag"] = tagged(connection, check.table, schema, check.tag, books)
        if check.models:
            seen["drift"] = _revisions().drift(connection, check.models, check.database.folder, schema)
        if check.revisions is not None:
            seen["revisions"] = _revisions().revisions(connection, check.revisions, schema)
    if check.same_as is not None:
        with _named(check.same_as.name), reading(check.same_as) as other:
            seen["counts"]["other"] = counts(other, check.table, check.same_as.namespace or None, check.sums)
    return seen


@contextmanager
def _named(database: str) -> Iterator[None]:
    """Say of which database a sentence is."""
    try:
        yield
    except StoreError as error:
        text = str(error)
        raise StoreError(text if text.startswith("database ") else f"database {database}: {text}") from None


def _revisions() -> Any:
    from pytest_rollout.databases import revisions  # noqa: PLC0415 - Alembic, for those who use it

    return revisions
