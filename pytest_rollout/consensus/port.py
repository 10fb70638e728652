"""What an engine is: one method, and whatever it raises is its refusal."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Engine(Protocol):
    """Verifies one block.

    A block is whatever the project's engines take: an object, RLP bytes, JSON text, a mapping.
    The answer is compared by value, field by field (``core.comparison``); an exception is a
    refusal, compared by its class or by its own word ``refusal``.
    """

    def verify_block(self, block: Any) -> Any:
        """The engine's answer to one block."""
        ...
