"""The files a plan names besides its tests: deployment records, artifacts, recorded states.

They may lie outside of the rollout's folder, in a hidden folder or in one that tools make, and what
they say decides what is judged: a judgement is about their bytes as well. They need not be of the
commit; compiled artifacts rarely are.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from pytest_rollout.core.rollout import Rollout

_ASIDE = frozenset({"build-info", "node_modules"})
"""Folders below an artifact folder in which no artifact is looked for."""

_CODE = (".py", ".pyc")


def input_files(rollout: Rollout, root: Path, known: Collection[str]) -> dict[str, str]:
    """Path relative to ``root``, which may lead out of it -> SHA-256, without those that are ``known`` already."""
    found: dict[str, str] = {}
    for path in _named(rollout):
        for file in _below(path):
            name = Path(os.path.relpath(file, root)).as_posix()
            if name not in known and name not in found:
                with file.open("rb") as content:
                    found[name] = hashlib.file_digest(content, "sha256").hexdigest()
    return found


def _named(rollout: Rollout) -> Iterator[Path]:
    yield from rollout.contracts.artifacts
    yield from (each.path for each in rollout.contracts.deployments.values())
    yield from (each.state for each in rollout.networks.values() if each.state is not None)


def _below(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for place, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in _ASIDE)
        below = (Path(place, name) for name in sorted(files) if not name.endswith(_CODE))
        yield from (each for each in below if each.is_file())
