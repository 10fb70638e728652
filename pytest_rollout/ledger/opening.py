"""From what a user names on the command line to an open ledger."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_rollout.core.errors import LedgerError
from pytest_rollout.ledger.port import Ledger

DEFAULT = "sqlite:///.rollout/ledger.db"

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,30}):")
_SQLITE = "sqlite:///"


def open_ledger(url: str | None, root: Path, *, expected_id: str | None = None, busy_seconds: float = 5.0) -> Ledger:
    """The ledger ``url`` names, ``sqlite:///path`` relative to ``root`` or absolute.

    None is the default. ``expected_id`` is the id the plan pins, if it does. Raises
    ``LedgerError``, without ever repeating a URL that may hold a password.
    """
    from pytest_rollout.ledger.sqlite import SqliteLedger  # noqa: PLC0415 - only when one is opened

    path, shown = _located(url, root)
    ledger = SqliteLedger.open(path, shown=shown, busy_seconds=busy_seconds)
    if expected_id is not None and ledger.id != expected_id:
        raise LedgerError(
            f"ledger {shown}: its id is {ledger.id}, the plan belongs to {expected_id}; "
            "name the right one with --rollout-ledger."
        )
    return ledger


def create_ledger(url: str | None, root: Path, *, busy_seconds: float = 5.0) -> Ledger:
    """A new, empty ledger where ``url`` says; never overwrites one."""
    from pytest_rollout.ledger.sqlite import SqliteLedger  # noqa: PLC0415 - only when one is created

    path, shown = _located(url, root)
    return SqliteLedger.create(path, shown=shown, busy_seconds=busy_seconds)


def ledger_exists(url: str | None, root: Path) -> bool:
    """Whether anything is where ``url`` says; opening it may still refuse it."""
    path, _ = _located(url, root)
    return path.exists() or path.is_symlink()


def _located(url: str | None, root: Path) -> tuple[Path, str]:
    """The file a URL means, and how sentences name it."""
    url = DEFAULT if url is None else url
    given = url.removeprefix(_SQLITE)
    if given != url and given not in {"", ":memory:"} and not set(given) & {"?", "#", "\0"}:
        return root / given, given
    scheme = _SCHEME.match(url)
    if scheme and scheme[1].partition("+")[0] in {"postgresql", "postgres"}:
        raise LedgerError(
            "--rollout-ledger: PostgreSQL comes with a later version; this one keeps its ledger in "
            f"SQLite, such as {DEFAULT}."
        )
    if given != url or (scheme and scheme[1] == "sqlite"):
        what = "that address names no file"
    elif scheme:
        what = f"no ledger is kept in '{scheme[1]}'"
    else:
        what = "that is no address"
    raise LedgerError(
        f"--rollout-ledger: {what}; write sqlite:/// and a path, relative to the project or absolute, "
        f"such as {DEFAULT}."
    )
