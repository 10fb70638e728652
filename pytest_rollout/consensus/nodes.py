"""Live nodes, asked for their stats over HTTP; what cannot be read is an error, never a node without divergences."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from pytest_rollout.core.engines import NodeSettings
from pytest_rollout.core.errors import EngineError

SECONDS = 5.0
LONGEST = 1 << 20
PAUSE_SECONDS = 0.2
"""Between the two readings in which a counter that runs backwards shows."""


class Node:
    """One node by its stats endpoint."""

    def __init__(self, settings: NodeSettings, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.name = settings.name
        self.settings = settings
        self._now = now
        self._readings: list[dict[str, Any]] = []

    def stats(self) -> dict[str, Any]:
        """The stats document as it is now; raises ``EngineError`` where none can be read."""
        import requests  # noqa: PLC0415 - only where a node is asked

        url = self.settings.stats
        try:
            with requests.Session() as session:
                session.trust_env = False
                response = session.get(url, timeout=SECONDS, allow_redirects=False, stream=True)
                content = response.raw.read(LONGEST + 1, decode_content=True)
        except (requests.RequestException, OSError) as error:
            self._trouble(f"is unreachable ({type(error).__name__})")
        if response.status_code != 200:  # noqa: PLR2004 - OK
            self._trouble(f"answers status {response.status_code}")
        if len(content) > LONGEST:
            self._trouble("answers more than 1 MiB")
        try:
            document = json.loads(content, parse_float=str, parse_constant=str)
        except (ValueError, RecursionError):
            self._trouble("answers no JSON")
        if not isinstance(document, dict):
            self._trouble("answers no JSON object")
        return document

    def readings(self) -> list[dict[str, Any]]:
        """Two readings, a moment apart, made once: ``{"document": …, "read_at": …}``."""
        if not self._readings:
            first = self._reading()
            time.sleep(PAUSE_SECONDS)
            self._readings = [first, self._reading()]
        return self._readings

    def _reading(self) -> dict[str, Any]:
        document = self.stats()
        return {"document": document, "read_at": self._now().isoformat()}

    def _trouble(self, what: str) -> NoReturn:
        raise EngineError(f"node {self.name} {what}; nothing is known of it.") from None


class Nodes(Mapping[str, Node]):
    """The declared nodes by name."""

    def __init__(self, settings: Mapping[str, NodeSettings]) -> None:
        self._nodes = {name: Node(each) for name, each in settings.items()}

    def __getitem__(self, name: str) -> Node:
        return self._nodes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)
