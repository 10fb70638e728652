"""The fewest transactions of a block that still make two engines diverge.

``ddmin`` of A. Zeller and R. Hildebrandt, "Simplifying and isolating failure-inducing input",
IEEE Transactions on Software Engineering 28 (2002): the result is 1-minimal, no single transaction
of it can be left out.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import is_dataclass, replace
from typing import Any

KEYS = ("transactions", "txs", "problems")
MOST_TRIES = 2000
"""So many smaller blocks are tried at most; then the smallest so far is it."""


def shrunk(block: Any, diverges: Callable[[Any], bool]) -> tuple[Any, int, int] | None:
    """A smaller block that still diverges, its number of transactions and that of the whole.

    None where the block has no list of transactions, or does not diverge when it is tried again.
    """
    key = _key(block)
    if key is None or not diverges(block):
        return None
    whole = list(_get(block, key))
    fewest = _ddmin(whole, lambda some: diverges(_with(block, key, some)))
    return _with(block, key, fewest), len(fewest), len(whole)


def _key(block: Any) -> str | None:
    for key in KEYS:
        found = _get(block, key)
        if isinstance(found, list | tuple) and found:
            return key
    return None


def _get(block: Any, key: str) -> Any:
    if isinstance(block, MutableMapping):
        return block.get(key)
    return getattr(block, key, None) if is_dataclass(block) else None


def _with(block: Any, key: str, some: list[Any]) -> Any:
    if isinstance(block, MutableMapping):
        return {**block, key: list(some)}
    return replace(block, **{key: type(_get(block, key))(some)})


def _ddmin(whole: list[Any], still: Callable[[list[Any]], bool]) -> list[Any]:
    tries = 0

    def is_enough(some: list[Any]) -> bool:
        nonlocal tries
        tries += 1
        return tries <= MOST_TRIES and still(some)

    if is_enough([]):
        return []
    current, parts = whole, 2
    while len(current) > 1 and tries < MOST_TRIES:
        size = -(-len(current) // parts)
        chunks = [current[start : start + size] for start in range(0, len(current), size)]
        for index, chunk in enumerate(chunks):
            rest = [each for other, some in enumerate(chunks) if other != index for each in some]
            if len(chunks) > 1 and is_enough(chunk):
                current, parts = chunk, 2
                break
            if len(chunks) > 2 and is_enough(rest):  # noqa: PLR2004 - with two, the rest is the other chunk
                current, parts = rest, max(parts - 1, 2)
                break
        else:
            if parts >= len(current):
                break
            parts = min(2 * parts, len(current))
    return current
