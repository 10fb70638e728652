"""``rollout init``: what is missing is written, what is there is left alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from pytest_rollout.core.errors import RolloutError, UsageError
from pytest_rollout.core.rollout import NAME
from pytest_rollout.plan import discover, project_root

_FILES = {
    "rollout.toml": "rollout.toml",
    "conftest.py": "conftest.py",
    "suites/alpha/test_alpha.py": "test_alpha.py",
    "suites/test_every_stage.py": "test_every_stage.py",
}
_IGNORED = (".rollout/", "reports/", ".venv/", "node_modules/", "__pycache__/", ".pytest_cache/")
"""What git should not keep: the ledger is no part of the gate, reports are views, the rest are caches."""


def begin(folder: Path, name: str | None, ledger_url: str | None) -> Iterator[str]:
    """Write a first plan and suite where the project has none, and the ledger where it has none.

    Yields a line for each thing that was done. Raises before anything is written if a file of
    the suite is in the way.
    """
    if not folder.is_dir():
        raise UsageError(f"rollout init {folder}: no such folder; create it first.")
    root = project_root(folder.resolve())
    if not discover(root):
        yield from _suite(folder.resolve(), _name(name, folder.resolve()))
    yield _ledger(root, ledger_url)


def _suite(folder: Path, name: str) -> Iterator[str]:
    in_the_way = [path for path in _FILES if (folder / path).exists()]
    if in_the_way:
        raise UsageError(
            f"rollout init: {in_the_way[0]} is already there; move it away, or write rollout.toml by hand."
        )
    templates = resources.files("pytest_rollout.cli") / "templates"
    for path, template in _FILES.items():
        target = folder / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text((templates / f"{template}.txt").read_text().replace("{name}", name))
        except OSError as error:
            raise RolloutError(f"rollout init: cannot write {path} ({error.strerror}).") from None
        yield f"wrote {path}"
    ignored = folder / ".gitignore"
    if not ignored.exists():
        ignored.write_text("".join(f"{line}\n" for line in _IGNORED))
        yield "wrote .gitignore"


def _ledger(root: Path, url: str | None) -> str:
    from pytest_rollout.ledger.opening import create_ledger, ledger_exists  # noqa: PLC0415 - only where one is made

    if ledger_exists(url, root):
        return "the ledger is there; nothing to do"
    ledger = create_ledger(url, root)
    return f"created ledger {ledger.id}; next: pytest --stage=… or rollout status"


def _name(given: str | None, folder: Path) -> str:
    if given is not None:
        if not NAME.fullmatch(given):
            raise UsageError(
                f"rollout init --name {given!r}: a name has lower-case letters, digits and dashes, begins with a "
                "letter and is at most 32 long."
            )
        return given
    plain = unicodedata.normalize("NFKD", folder.name).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:32]
    return name if NAME.fullmatch(name) else "first-rollout"
