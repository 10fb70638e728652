"""Blocks of the chain, made from their number alone: every node and every test makes the same ones.

``python blocks.py 200 > blocks.ndjson`` writes the corpus that the local gate replays.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
from collections.abc import Iterator
from typing import Any

INVALID = 40
"""Every so many blocks one is invalid, for both engines have to refuse it for the same reason."""


def make(index: int) -> dict[str, Any]:
    """The block of that number; every fortieth has a wrong root, hash or solution."""
    chance = random.Random(index)  # noqa: S311 - the same for everybody
    numbers = [chance.randrange(1, 10**12) for _ in range(12)]
    solution = sorted(chance.sample(range(12), chance.randrange(2, 9)))
    transactions = [
        {"from": f"addr{chance.randrange(99)}", "to": f"addr{chance.randrange(99)}", "amount": chance.randrange(10**18)}
        for _ in range(chance.randrange(1, 6))
    ]
    block = {
        "index": index,
        "previous_hash": hashlib.sha256(str(index - 1).encode()).hexdigest(),
        "transactions": transactions,
        "merkle_root": _root(transactions),
        "problem": {"numbers": numbers, "target": sum(numbers[at] for at in solution)},
        "solution": solution,
    }
    fault = index // INVALID % 3 if index % INVALID == INVALID - 1 else None
    if fault == 0:
        block["merkle_root"] = hashlib.sha256(b"other").hexdigest()
    elif fault == 1:
        block["problem"]["target"] += 1
    work = hashlib.sha256(_json([block["problem"], solution])).digest()
    parts = bytes.fromhex(block["previous_hash"] + block["merkle_root"])
    block["hash"] = hashlib.sha256(index.to_bytes(8) + parts + work).hexdigest()
    if fault == 2:
        block["hash"] = hashlib.sha256(b"other").hexdigest()
    return block


def stream(first: int, number: int) -> Iterator[dict[str, Any]]:
    """So many blocks in a row."""
    return (make(index) for index in range(first, first + number))


def _root(transactions: list[dict[str, Any]]) -> str:
    level = [hashlib.sha256(_json(each)).digest() for each in transactions]
    while len(level) > 1:
        level += level[-1:] * (len(level) % 2)
        level = [hashlib.sha256(level[at] + level[at + 1]).digest() for at in range(0, len(level), 2)]
    return level[0].hex()


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


if __name__ == "__main__":
    for each in stream(0, int(sys.argv[1])):
        sys.stdout.write(json.dumps(each) + "\n")
