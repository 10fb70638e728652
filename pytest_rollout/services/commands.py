"""A declared command, run in the recorder: how it ended, what it printed, and its reports as counts."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_rollout.core.command import Command
from pytest_rollout.core.errors import ServiceError
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.results import Result
from pytest_rollout.services.program import Patterns, run
from pytest_rollout.services.reports.reading import Before, read

RESULTS = "{results}"
ENVIRONMENT = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TEMP", "TMP", "VIRTUAL_ENV", "LD_LIBRARY_PATH"),
        *("LANG", "LANGUAGE", "TZ", "TERM", "NO_COLOR", "CI", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("PYTHONDONTWRITEBYTECODE", "PYTHONSAFEPATH"),
    }
)
"""What every command gets of the environment, besides LC_* and what it lists."""

_SHELL = ("bash", "-e", "-o", "pipefail", "-c")
"""A line stops at its first failure, and a pipeline fails with any part of it."""


def observe(
    command: Command, given: Mapping[str, str] | None = None, *, more: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], str]:
    """Run it and tell what ``Command.judge`` asks for, and who said so.

    ``given`` is the environment to choose from, this process's own if left out; ``more`` is added to it. The
    values of the variables that the command lists stand nowhere in what is told. Raises ``ServiceError``.
    """
    given = os.environ if given is None else given
    chosen = environment(command, given) | dict(more or {})
    with tempfile.TemporaryDirectory(prefix="rollout-command-") as private:
        folder = Path(private, "results")
        folder.mkdir()
        told = _run(command, chosen | {"ROLLOUT_RESULTS": str(folder)}, folder, Path(private, "output"))
    redactor = Redactor({name: chosen[name] for name in command.environment})
    return redactor.value(told), f"{command.name}, {told['ms']} ms, output sha256 {told['output_digest'][:12]}"


def _run(command: Command, environment: Mapping[str, str], folder: Path, output: Path) -> dict[str, Any]:
    started_ns = time.time_ns()
    files = [_file(command, result, folder) for result in command.results]
    before = [Before.of(file or output, started_ns) for file in files]
    must, never = Patterns(command.must_print), Patterns(command.never_print)

    def listen(text: str) -> None:
        must.hear(text)
        never.hear(text)

    ended = run(
        arguments(command, folder),
        folder=command.folder,
        environment=environment,
        limit_seconds=command.limit.total_seconds(),
        listen=listen if command.must_print or command.never_print else None,
        report=output if any(file is None for file in files) else None,
    )
    return {
        "at": datetime.now(UTC).isoformat(),
        "status": ended.status,
        "signal": ended.signal,
        "timed_out": ended.timed_out,
        "left": ended.left,
        "ms": ended.milliseconds,
        "us": ended.microseconds,
        "peak_kib": ended.peak_kib,
        "floor_kib": ended.floor_kib,
        "output": ended.output,
        "output_size": ended.size,
        "output_digest": ended.digest,
        "must_print": must.lines,
        "never_print": never.lines,
        "results": [_read(result, each) for result, each in zip(command.results, before, strict=True)],
    }


def _read(result: Result, before: Before) -> dict[str, Any]:
    try:
        content = before.content()
    except ServiceError as error:
        return {"error": str(error)}
    return read(result, content)


def arguments(command: Command, folder: Path) -> Sequence[str]:
    """What is run, with the folder of its results."""
    found = [each.replace(RESULTS, str(folder)) for each in command.run]
    return [*_SHELL, *found] if command.shell else found


def _file(command: Command, result: Result, folder: Path) -> Path | None:
    """Where the report is written, None for standard output."""
    if not result.file:
        return None
    if result.file.startswith(f"{RESULTS}/"):
        return folder / result.file.removeprefix(f"{RESULTS}/")
    return command.folder / result.file


def environment(command: Command, given: Mapping[str, str]) -> dict[str, str]:
    """What it gets of the environment; raises ``ServiceError`` where a variable it lists is not there."""
    missing = [name for name in command.environment if name not in given]
    if missing:
        raise ServiceError(f"{command.name}: the environment has no {', '.join(missing)}; set it, or take it off.")
    return {
        name: value
        for name, value in given.items()
        if name in ENVIRONMENT or name.startswith("LC_") or name in command.environment
    }
