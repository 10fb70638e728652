"""Alembic's revisions and its comparison with models; a project's ``env.py`` is never run, for it knows real URLs."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.database import DatabaseSettings
from pytest_rollout.core.errors import StoreError
from pytest_rollout.databases.opening import connected
from pytest_rollout.sql.opening import needs

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


def revisions(connection: Connection, folder: Path, schema: str | None) -> dict[str, list[str]]:
    """``{current, heads}``: where the database is, and the newest there are."""
    script, context = _script(folder), _context(connection, schema)
    return {"current": sorted(context.get_current_heads()), "heads": sorted(script.get_heads())}


def pending(engine: Engine, settings: DatabaseSettings, folder: Path) -> list[tuple[str, str | None]]:
    """Each revision that the database lacks, by its file, with the SQL it would run, None where that cannot be told."""
    script = _script(folder)
    with connected(engine, settings) as connection:
        current = _context(connection, settings.namespace or None).get_current_heads()
    steps = _steps(script, current)
    return [(Path(each.path).name, _as_sql(engine, script, each)) for each in reversed(steps)]


def upgrade(engine: Engine, settings: DatabaseSettings, folder: Path) -> None:
    """Bring a copy to the newest revision, one revision after the other."""
    from alembic.operations import Operations  # noqa: PLC0415 - an extra, loaded by now

    script = _script(folder)
    with connected(engine, settings) as connection:
        context = _context(connection, settings.namespace or None)
        steps = _steps(script, context.get_current_heads())
        with _told(), Operations.context(context):
            for step in reversed(steps):
                step.module.upgrade()
        context.stamp(script, "heads")
        connection.commit()


def drift(connection: Connection, models: str, folder: Path, schema: str | None) -> list[str]:
    """What the database has otherwise than the models say, one line each."""
    _library()
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - loaded by now

    metadata = _metadata(models, folder)
    context = _context(connection, schema, compare_type=True, compare_server_default=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [text for each in compare_metadata(context, metadata) for text in _lines(each)]


def _lines(difference: Any) -> Iterator[str]:
    """``add_column payments.network``: what would have to be done to the database."""
    if isinstance(difference, list):
        for each in difference:
            yield from _lines(each)
        return
    what, *about = difference
    named = [
        str(getattr(each, "fullname", None) or getattr(each, "name", None) or each)
        for each in about
        if each is not None
    ]
    named = [each for each in named if not each.startswith("{")]
    yield f"{what} {' '.join(named)}"[:200]


def _steps(script: Any, current: Any) -> list[Any]:
    with _told():
        return list(script.iterate_revisions("heads", current or "base", implicit_base=True))


def _as_sql(engine: Engine, script: Any, step: Any) -> str | None:
    """The SQL of one revision, for reading."""
    from alembic.migration import MigrationContext  # noqa: PLC0415 - loaded by now
    from alembic.operations import Operations  # noqa: PLC0415

    written = io.StringIO()
    context = MigrationContext.configure(
        dialect=engine.dialect, opts={"as_sql": True, "output_buffer": written, "script": script}
    )
    try:
        with Operations.context(context), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            step.module.upgrade()
    except Exception:  # noqa: BLE001 - a revision is a project's code, and may ask what only a database can answer
        return None
    return written.getvalue()


def _context(connection: Connection, schema: str | None, **options: Any) -> Any:
    _library()
    from alembic.migration import MigrationContext  # noqa: PLC0415 - an extra

    return MigrationContext.configure(connection, opts=options | {"version_table_schema": schema})


def _script(folder: Path) -> Any:
    _library()
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    with _told():
        return ScriptDirectory(str(folder))


@contextmanager
def _told() -> Iterator[None]:
    """A revision's own trouble as a sentence."""
    from alembic.util import CommandError  # noqa: PLC0415 - loaded by now
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    try:
        yield
    except CommandError as error:
        raise StoreError(f"Alembic: {str(error).splitlines()[0][:300]}.") from None
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0][:300]
        raise StoreError(f"a revision failed: {reason}.") from None


def _metadata(models: str, folder: Path) -> Any:
    module, _, name = models.partition(":")
    sys.path.insert(0, str(folder))
    try:
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise StoreError(f"models {models}: {error}.") from None
    finally:
        sys.path.remove(str(folder))
    metadata = getattr(found, "metadata", found)
    if not hasattr(metadata, "sorted_tables"):
        raise StoreError(f"models {models}: is a {type(found).__name__}, and neither metadata nor a declarative base.")
    return metadata


def _library() -> None:
    try:
        import alembic  # noqa: F401, PLC0415 - an extra
    except ModuleNotFoundError:
        raise needs("Alembic") from None
