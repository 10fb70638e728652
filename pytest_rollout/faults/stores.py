"""Faults of stores and databases, on copies: a record dropped, a column gone, a table emptied, a tag altered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from pytest_rollout.core.database import DatabaseSettings
from pytest_rollout.core.database_check import DatabaseCheck
from pytest_rollout.core.errors import RolloutError
from pytest_rollout.core.faults import Fault, Tried
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.store_check import StoreCheck
from pytest_rollout.faults.place import Place, Scene, Staged, Target
from pytest_rollout.stores.dropping import without_a_record

_REVISIONS = "alembic_version"


@contextmanager
def records(place: Place) -> Iterator[Staged | None]:
    """A copy of each store lacks a record."""
    checks: tuple[StoreCheck, ...] = place.checks(Kind.STORE)
    if not checks:
        yield None
        return
    altered, targets, far = [], [], []
    for number, check in enumerate(checks):
        less = without_a_record(check.left, place.folder / f"store-{number}")
        if less is None:
            far.append(place.far(Fault.RECORD, Kind.STORE, check.name, "no record could be dropped from a copy"))
            continue
        altered.append(replace(check, left=less))
        targets.append(place.target(Kind.STORE, check.name))
    yield Staged(rollout=place.with_stage(checks=tuple(altered)), targets=tuple(targets), out_of_reach=tuple(far))


def database(fault: Fault) -> Scene:
    """Each table that an item looks at is altered in a copy of its database; one of its items must notice."""

    @contextmanager
    def scene(place: Place) -> Iterator[Staged | None]:
        checks: tuple[DatabaseCheck, ...] = place.checks(Kind.DATABASE)
        tables = _tables(checks)
        if fault is Fault.TAG:
            tables = {key: some for key, some in tables.items() if any(each.tag for each in some)}
        if not tables:
            yield None
            return
        from pytest_rollout.databases.spoiling import spoil  # noqa: PLC0415 - for plans with a database

        copies: dict[str, DatabaseSettings] = {}
        far: list[Tried] = []
        targets: list[Target] = []
        with ExitStack() as stack:
            for (name, table), some in tables.items():
                item = some[0].name if len(some) == 1 else f"{name}.{table}"
                try:
                    if name not in copies:
                        copies[name] = _copied(some[0].database, stack)
                    done = spoil(fault, copies[name], table, some)
                except RolloutError as error:
                    far.append(place.far(fault, Kind.DATABASE, item, str(error)))
                    continue
                if done:
                    findings = tuple(place.item(Kind.DATABASE, each.name) for each in some)
                    targets.append(Target(item=place.item(Kind.DATABASE, item), findings=findings))
            altered = tuple(replace(each, database=copies.get(each.database.name, each.database)) for each in checks)
            yield Staged(
                rollout=replace(
                    place.with_stage(checks=altered, contracts=(), flags=()),
                    databases={**place.rollout.databases, **copies},
                ),
                targets=tuple(targets),
                out_of_reach=tuple(far),
            )

    return scene


def _tables(checks: tuple[DatabaseCheck, ...]) -> dict[tuple[str, str], list[DatabaseCheck]]:
    """The items by database and table; those about revisions alone are about the table that keeps them."""
    found: dict[tuple[str, str], list[DatabaseCheck]] = {}
    for check in checks:
        table = check.table or (_REVISIONS if check.revisions is not None and not check.models else "")
        found.setdefault((check.database.name, table), []).append(check)
    for (name, table), some in found.items():
        if table:  # what looks at the whole database looks at each of its tables
            some += [each for each in found.get((name, ""), ()) if each.models]
    return found


def _copied(settings: DatabaseSettings, stack: ExitStack) -> DatabaseSettings:
    from pytest_rollout.databases.copies import copy_of  # noqa: PLC0415 - for plans with a database

    return stack.enter_context(copy_of(settings))
