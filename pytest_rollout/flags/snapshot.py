"""Which flags there are and what each says, as digests: a snapshot that needs no OpenFeature."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import FlagSettings

_LARGEST = 64 * 2**20
"""The largest flagd file that is read, in bytes."""


def snapshot(settings: FlagSettings, folder: Path, redactor: Redactor) -> dict[str, str]:
    """Each flag of the provider with the SHA-256 of its definition; of what it may be taken from, no secret.

    A file that cannot be read stands for itself, under its own name: the gate's flags are errors then.
    """
    kind, _, file = settings.provider.partition(":")
    if kind != "flagd":
        return {key: _digest(value) for key, value in redactor.value(dict(settings.values)).items()}
    path = folder / file
    try:
        if not path.is_file():
            return {file: "unreadable"}  # a pipe would be waited for, a device has no end
        with path.open("rb") as opened:
            content = json.loads(opened.read(_LARGEST))
        flags = dict(content["flags"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {file: "unreadable"}
    shared = {"$evaluators": content["$evaluators"]} if "$evaluators" in content else {}
    return {str(key): _digest(value) for key, value in sorted((flags | shared).items())}


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
