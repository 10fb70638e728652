"""The terminal without secrets, whether pytest captures what tests print or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class CleanStream:
    """A text stream that shows ``<NAME>`` for each secret written to it in one piece."""

    def __init__(self, stream: Any, clean: Callable[[str], str]) -> None:
        self._stream = stream
        self._clean = clean

    def write(self, text: str) -> int:
        """Write it without its secrets."""
        self._stream.write(self._clean(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
