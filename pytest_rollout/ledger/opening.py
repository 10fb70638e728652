"""From what a user names on the command line, or in the environment, to an open ledger."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_rollout.core.entries import Entry
from pytest_rollout.core.errors import LedgerError

if TYPE_CHECKING:  # SQLite, canonical JSON: where one is opened
    from pytest_rollout.ledger.chained import ChainedLedger

DEFAULT = "sqlite:///.rollout/ledger.db"
VARIABLE = "ROLLOUT_LEDGER"
"""Where the address is looked for when none is given; an address with a password belongs there."""

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,30}):")
_SQLITE = "sqlite:///"
_POSTGRES = re.compile(r"postgres(?:ql)?(?:\+psycopg)?://")


def open_ledger(
    url: str | None, root: Path, *, expected_id: str | None = None, busy_seconds: float = 5.0
) -> ChainedLedger:
    """The ledger ``url`` names: ``sqlite:///path`` relative to ``root`` or absolute, or ``postgresql://…``.

    None is what ``ROLLOUT_LEDGER`` says, else the default; ``env:NAME`` another variable.
    ``expected_id`` is the id the plan pins, if it does. Raises ``LedgerError``, without ever
    repeating a URL that may hold a password.
    """
    url = _named(url)
    ledger: ChainedLedger
    if _is_postgres(url):
        from pytest_rollout.ledger.postgres import PostgresLedger  # noqa: PLC0415 - only when one is opened

        ledger = PostgresLedger.open(_plain(url), busy_seconds=busy_seconds)
    else:
        from pytest_rollout.ledger.sqlite import SqliteLedger  # noqa: PLC0415 - as above

        path, shown = _located(url, root)
        ledger = SqliteLedger.open(path, shown=shown, busy_seconds=busy_seconds)
    if expected_id is not None and ledger.id != expected_id:
        raise LedgerError(
            f"ledger {ledger.shown}: its id is {ledger.id}, the plan belongs to {expected_id}; "
            "name the right one with --rollout-ledger."
        )
    return ledger


def create_ledger(
    url: str | None, root: Path, *, busy_seconds: float = 5.0, first: Entry | None = None
) -> ChainedLedger:
    """A new ledger where ``url`` says, empty but for its first entry; never overwrites one."""
    url = _named(url)
    if _is_postgres(url):
        from pytest_rollout.ledger.postgres import PostgresLedger  # noqa: PLC0415 - only when one is created

        return PostgresLedger.create(_plain(url), busy_seconds=busy_seconds, first=first)
    from pytest_rollout.ledger.sqlite import SqliteLedger  # noqa: PLC0415 - as above

    path, shown = _located(url, root)
    return SqliteLedger.create(path, shown=shown, busy_seconds=busy_seconds, first=first)


def ledger_exists(url: str | None, root: Path) -> bool:
    """Whether anything is where ``url`` says; opening it may still refuse it."""
    url = _named(url)
    if _is_postgres(url):
        from pytest_rollout.ledger.postgres import is_there  # noqa: PLC0415 - as above

        return is_there(_plain(url))
    path, _ = _located(url, root)
    return path.exists() or path.is_symlink()


def shown_url(url: str) -> str:
    """What may be kept of an address that was typed: no user, no password, no options."""
    if not _is_postgres(url):
        return url
    from pytest_rollout.ledger.postgres import shown_address  # noqa: PLC0415 - as above

    return shown_address(_plain(url))


def _named(url: str | None) -> str:
    if url is None:
        return os.environ.get(VARIABLE) or DEFAULT
    if not url.startswith("env:"):
        return url
    name = url.removeprefix("env:")
    if not os.environ.get(name):
        raise LedgerError(f"--rollout-ledger env:{name}: the environment has no such variable, or it is empty.")
    return os.environ[name]


def _is_postgres(url: str) -> bool:
    return _POSTGRES.match(url) is not None


def _plain(url: str) -> str:
    """The address as the driver takes it."""
    return _POSTGRES.sub("postgresql://", url, count=1)


def _located(url: str, root: Path) -> tuple[Path, str]:
    """The file a URL means, and how sentences name it."""
    given = url.removeprefix(_SQLITE)
    if given != url and given not in {"", ":memory:"} and not set(given) & {"?", "#", "\0"}:
        return root / given, given
    scheme = _SCHEME.match(url)
    if given != url or (scheme and scheme[1] == "sqlite"):
        what = "that address names no file"
    elif scheme:
        what = f"no ledger is kept in '{scheme[1]}'"
    else:
        what = "that is no address"
    raise LedgerError(
        f"--rollout-ledger: {what}; write sqlite:/// and a path, relative to the project or absolute, "
        f"such as {DEFAULT}, or postgresql://host/database."
    )
