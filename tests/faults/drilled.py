"""A project that was drilled, and what `rollout drill` said of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Drilled:
    """The status, the document and the progress of one drill."""

    project: Any
    status: int
    document: dict[str, Any]
    told: str

    @classmethod
    def of(cls, project: Any, stage: str, *options: str, **more: Any) -> Self:
        """Drill the stage."""
        ran = project.rollout("drill", stage, "--json", *options)
        return cls(project=project, status=ran.status, document=json.loads(ran.out or "{}"), told=ran.err, **more)

    def came(self, fault: str, item: str) -> str:
        """How it came out."""
        return str(self._one(fault, item)["came"])

    def why(self, fault: str, item: str) -> str:
        """What the item said of it."""
        return str(self._one(fault, item)["why"])

    def _one(self, fault: str, item: str) -> dict[str, str]:
        tried = self.document.get("tried", ())
        found = [each for each in tried if each["fault"] == fault and each["item"].endswith(item)]
        assert len(found) == 1, f"{fault} {item}: {found or self.told}"
        return found[0]
