"""``rollout rules``: the plan's bounds as files for Prometheus and Alertmanager."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pytest_rollout.core.errors import RolloutError
from pytest_rollout.core.rollout import Rollout
from pytest_rollout.monitoring.routes import routes
from pytest_rollout.monitoring.rules import rules, without_rules


def document(rollout: Rollout) -> dict[str, Any]:
    """The rule file; JSON is YAML, so Prometheus reads it as it stands."""
    return rules(rollout)


def write(rollout: Rollout, folder: Path) -> list[str]:
    """Write both files, and a line on each; what no rule watches is told too."""
    lines = []
    written = folder / f"{rollout.name}.rules.yml"
    found = rules(rollout)
    _write(written, found, mode=0o644)
    count = sum(len(group["rules"]) for group in found["groups"])
    lines.append(f"wrote {written.name}: {count} alerts in {len(found['groups'])} groups")
    if rollout.notifications.routes:
        told = folder / f"{rollout.name}.alertmanager.yml"
        _write(told, routes(rollout.name, rollout.notifications), mode=0o600)
        lines.append(f"wrote {told.name}: it holds addresses that open doors, keep it as you keep keys")
    unwatched = without_rules(rollout)
    if unwatched:
        lines.append(f"{len(unwatched)} criteria have no rule, their metrics come from elsewhere:")
        lines += [f"  {each}" for each in unwatched]
    return lines


def _write(path: Path, content: dict[str, Any], *, mode: int) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with open(part, "x", opener=lambda name, flags: os.open(name, flags, mode), encoding="utf-8") as file:
            file.write(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        part.replace(path)
    except OSError as error:
        raise RolloutError(f"rollout rules: {path.name} cannot be written ({error.strerror}).") from None
