"""KnowTon's oracle: what a work is worth, by a formula that gives the same work the same value; kept for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from prometheus_client import Counter, Histogram
from web import EDGES, App, RefusedError, address, arguments, number, only, text

BASE = {"music": 1_000, "film": 5_000, "text": 300, "image": 500}
"""KNOW for a work that nobody has seen."""


def main() -> None:
    """Serve until the process is ended."""
    given = arguments(kept_seconds=300.0)
    app = App("knowton-oracle")
    oracle = Oracle(app, given.kept_seconds)
    app.route("GET", "/health")(lambda: {"status": "healthy"})
    app.route("POST", "/api/v1/oracle/valuation")(oracle.valuation)
    app.start(given.port)


class Oracle:
    """Valuations, and the ones kept."""

    def __init__(self, app: App, kept_seconds: float) -> None:
        self._kept: dict[tuple[Any, ...], tuple[float, int]] = {}
        self._kept_seconds = kept_seconds
        self._lock = threading.Lock()
        self._times = Histogram(
            "knowton_inference_seconds", "Times of valuations.", buckets=EDGES, registry=app.registry
        )
        self._hits = Counter("knowton_valuation_cache_hits", "Valuations kept and used again.", registry=app.registry)

    def valuation(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """``{value, confidence, cached}``; a work that changed is valued anew."""
        only(given, "token_id", "metadata")
        token, metadata = given.get("token_id"), given.get("metadata")
        if not isinstance(token, str) or not token.isascii() or not token.isdecimal() or len(token) > 20:
            raise RefusedError(422, "token_id must be a number as a text")
        if not isinstance(metadata, dict):
            raise RefusedError(422, "metadata must be an object")
        only(metadata, "category", "creator", "views", "likes", "title")
        category = text(metadata, "category", 20)
        if category not in BASE:
            raise RefusedError(422, f"category must be one of {', '.join(BASE)}")
        creator = address(metadata, "creator")
        views, likes = number(metadata, "views", 0, 10**12), number(metadata, "likes", 0, 10**12)
        if likes > views:
            raise RefusedError(422, "likes cannot be more than views")
        asked = (token, category, creator, views, likes)
        with self._lock:
            at, value = self._kept.get(asked, (0.0, 0))
            cached = bool(value) and time.monotonic() - at < self._kept_seconds
            if not cached:
                with self._times.time():
                    value = BASE[category] + views // 10 + likes * 2
                self._kept[asked] = (time.monotonic(), value)
            else:
                self._hits.inc()
        return {"token_id": token, "value": value, "confidence_percent": 60 + min(39, views // 1_000), "cached": cached}


if __name__ == "__main__":
    main()
