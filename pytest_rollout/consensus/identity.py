"""Which engines a plan names, told without running a line of them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
from pathlib import Path

from pytest_rollout.core.engines import EngineKind, EngineSettings, EngineSpec


def identities(engines: EngineSettings | None, folder: Path) -> dict[str, str]:
    """``reference`` and ``candidate``: an installed distribution's version, or the SHA-256 of the file.

    An engine behind a URL tells its version in the gate's own findings; here stands that it is elsewhere.
    """
    if engines is None:
        return {}
    return {"reference": _identity(engines.reference, folder), "candidate": _identity(engines.candidate, folder)}


def _identity(spec: EngineSpec, folder: Path) -> str:
    if spec.kind is EngineKind.URL:
        return "elsewhere"
    if spec.kind is EngineKind.COMMAND:
        parts = [folder / each for each in spec.command if (folder / each).is_file()]
        found = shutil.which(spec.command[0]) if spec.command else None
        return _digest([*([Path(found)] if found else []), *parts])
    place = spec.target.rpartition(":")[0]
    if place.endswith(".py"):
        return _digest([folder / place])
    package, *_ = place.split(".")
    own = [folder / f"{place.replace('.', '/')}.py", folder / place.replace(".", "/") / "__init__.py"]
    if any(each.is_file() for each in own):
        return _digest(own)
    try:
        return f"{package}=={importlib.metadata.version(package)}"
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return "unknown"


def _digest(files: list[Path]) -> str:
    state, count = hashlib.sha256(), 0
    for file in dict.fromkeys(files):
        if file.is_file():
            count += 1
            with file.open("rb") as opened:
                state.update(hashlib.file_digest(opened, "sha256").digest())
    return f"sha256 {state.hexdigest()}" if count else "absent"
