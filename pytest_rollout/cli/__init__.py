"""The ``rollout`` command: parse, call an operation, print, return a status."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn


def become_supervisor(stage: str, options: Sequence[str]) -> NoReturn:
    """Replace this process as ``pytest --stage`` does: isolated from ``PYTHON*`` and the current folder's modules."""
    _become("pytest_rollout.runner", f"--stage={stage}", *options)


def _become(module: str, *arguments: str) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    command = [sys.executable, "-I", "-m", module, *arguments]
    os.execv(command[0], command)  # noqa: S606 - a list, no shell


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns 0, 10 or 20 as pytest does, 4 for a mistake in the command itself."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["gate"] and given[1:2] and given[1] not in {"-h", "--help"}:
        become_supervisor(given[1], given[2:])
    if arguments is None and not sys.flags.isolated:
        _become("pytest_rollout", *given)  # PYTHONPATH or the current folder may hold the project's own modules
    from pytest_rollout.cli.commands import run  # noqa: PLC0415 - typer and rich, for those who need them

    return run(given)
