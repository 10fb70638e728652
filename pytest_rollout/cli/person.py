"""Who types: git's user, else the account's name. A claim, not a proof; sign-offs prove."""

from __future__ import annotations

import getpass
import os
import subprocess
from pathlib import Path


def as_text(argument: str) -> str:
    """What was typed, also where the locale could not decode it: UTF-8, and escapes for what is none."""
    return os.fsencode(argument).decode("utf-8", "backslashreplace")


def whoever_types(root: Path) -> str:
    """``Name <mail>`` as git knows it in this project, or the account's name."""
    parts = [_git(root, "user.name"), _git(root, "user.email")]
    name, mail = parts
    if name and mail:
        return f"{name} <{mail}>"
    return name or mail or getpass.getuser()


def _git(root: Path, key: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "config", "--get", key],  # noqa: S607 - the user's git
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
