"""The two consensus engines: the reference, which hashes in plain Python, and a fast candidate.

Both verify a block whole: its Merkle root, its hash, and the solution of its subset-sum problem.
They share no code. The candidates below the good one each have the fault their name says; nodes are
started with them to see that a gate notices.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

# ------------------------------------------------------------------------------------------- the reference


class InvalidBlock(Exception):  # noqa: N818 - the block's, not the engine's
    """The block is refused."""


class BadMerkleRoot(InvalidBlock):
    """The transactions are not those of the root."""


class BadHash(InvalidBlock):
    """The header is not that of the hash."""


class BadSolution(InvalidBlock):
    """The numbers picked do not give the target."""


_MASK = 0xFFFFFFFF
_PRIMES = [n for n in range(2, 312) if all(n % d for d in range(2, int(n**0.5) + 1))]


def _root(number: int, power: int) -> int:
    """The first 32 bits behind the point of a root, exactly."""
    low, high = 0, number << 32
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**power <= number << (32 * power) else (low, middle)
    return low & _MASK


_K = [_root(prime, 3) for prime in _PRIMES[:64]]
_H = [_root(prime, 2) for prime in _PRIMES[:8]]


def sha256(data: bytes) -> bytes:
    """SHA-256 as FIPS 180-4 writes it; rotations are written out, for calls would double the time."""
    length = len(data) * 8
    data += b"\x80" + b"\x00" * ((55 - len(data)) % 64) + length.to_bytes(8)
    state = list(_H)
    for start in range(0, len(data), 64):
        words = [int.from_bytes(data[at : at + 4]) for at in range(start, start + 64, 4)]
        for at in range(16, 64):
            x, y = words[at - 15], words[at - 2]
            x, y = x | x << 32, y | y << 32
            s0 = x >> 7 ^ x >> 18 ^ (x & _MASK) >> 3
            s1 = y >> 17 ^ y >> 19 ^ (y & _MASK) >> 10
            words.append((words[at - 16] + (s0 & _MASK) + words[at - 7] + (s1 & _MASK)) & _MASK)
        a, b, c, d, e, f, g, h = state
        for constant, word in zip(_K, words, strict=True):
            x, y = e | e << 32, a | a << 32
            t1 = h + ((x >> 6 ^ x >> 11 ^ x >> 25) & _MASK) + (e & f ^ ~e & g) + constant + word
            t2 = ((y >> 2 ^ y >> 13 ^ y >> 22) & _MASK) + (a & b ^ a & c ^ b & c)
            a, b, c, d, e, f, g, h = (t1 + t2) & _MASK, a, b, c, (d + t1) & _MASK, e, f, g
        state = [(old + new) & _MASK for old, new in zip(state, (a, b, c, d, e, f, g, h), strict=True)]
    return b"".join(word.to_bytes(4) for word in state)


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def header(block: dict[str, Any]) -> bytes:
    """What a block's hash covers: number, the hash before, Merkle root, and a digest of the work."""
    work = hashlib.sha256(_json([block["problem"], block["solution"]])).digest()
    return block["index"].to_bytes(8) + bytes.fromhex(block["previous_hash"] + block["merkle_root"]) + work


class Reference:
    """The legacy engine: slow, and right."""

    version = "legacy 4.0.0"

    def sha256(self, data: bytes) -> bytes:
        """For the golden vectors."""
        return sha256(data)

    def merkle_root(self, transactions: list[dict[str, Any]]) -> bytes:
        """Pairs are hashed level by level; a last one without a partner is paired with itself."""
        level = [hashlib.sha256(_json(each)).digest() for each in transactions] or [sha256(b"")]
        while len(level) > 1:
            if len(level) % 2:
                level = [*level, level[-1]]
            level = [sha256(level[at] + level[at + 1]) for at in range(0, len(level), 2)]
        return level[0]

    def verify_block(self, block: dict[str, Any]) -> dict[str, Any]:
        """What the block is worth, or why it is refused."""
        root = self.merkle_root(block["transactions"]).hex()
        if root != block["merkle_root"]:
            raise BadMerkleRoot(f"root of {block['index']} is {root}")
        digest = sha256(header(block)).hex()
        if digest != block["hash"]:
            raise BadHash(f"hash of {block['index']} is {digest}")
        return {
            "valid": True,
            "index": block["index"],
            "hash": f"0x{digest.upper()}",
            "work_score": self._work(block["problem"], block["solution"]),
            "duration_ms": 1,
        }

    @staticmethod
    def _work(problem: dict[str, Any], solution: list[int]) -> int:
        numbers, total, seen = problem["numbers"], 0, []
        for at in solution:
            if at in seen or not 0 <= at < len(numbers):
                raise BadSolution("a number is picked twice, or is none")
            seen.append(at)
            total += numbers[at]
        if total != problem["target"]:
            raise BadSolution(f"the numbers give {total}")
        return len(numbers) * 1000 + len(solution)


# ------------------------------------------------------------------------------------------- the candidate


class MerkleMismatch(Exception):  # noqa: N818 - the candidate's own words
    """The candidate's word for a bad Merkle root."""


class HashMismatch(Exception):  # noqa: N818 - as above
    """The candidate's word for a bad hash."""


class SubsetSumError(Exception):
    """The candidate's word for a bad solution."""


_new = hashlib.sha256
_dump = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


class Candidate:
    """The refactored engine: hashes in C, one pass over a level."""

    version = "refactored 4.1.0"

    def sha256(self, data: bytes) -> bytes:
        """For the golden vectors."""
        return _new(data).digest()

    def verify_block(self, block: dict[str, Any]) -> dict[str, Any]:
        """The same answer, sooner."""
        nodes = [_new(_dump(each).encode()).digest() for each in block["transactions"]] or [_new(b"").digest()]
        while (count := len(nodes)) > 1:
            nodes += nodes[-1:] * (count & 1)
            nodes = [_new(left + right).digest() for left, right in zip(nodes[::2], nodes[1::2], strict=True)]
        if nodes[0] != bytes.fromhex(block["merkle_root"]):
            raise MerkleMismatch
        work = _new(_dump([block["problem"], block["solution"]]).encode()).digest()
        parts = (block["index"].to_bytes(8), bytes.fromhex(block["previous_hash"]), nodes[0], work)
        digest = _new(b"".join(parts)).hexdigest()
        if digest != block["hash"]:
            raise HashMismatch
        numbers, solution = block["problem"]["numbers"], block["solution"]
        if len(set(solution)) != len(solution) or (solution and not 0 <= min(solution) <= max(solution) < len(numbers)):
            raise SubsetSumError
        if sum(map(numbers.__getitem__, solution)) != block["problem"]["target"]:
            raise SubsetSumError
        score = len(numbers) * 1000 + len(solution)
        return {"work_score": score, "hash": f"0x{digest}", "index": block["index"], "valid": True, "duration_ms": 0}


# --------------------------------------------------------------------------------------------------- faults


class Missing:
    """Its library is not there."""

    def __init__(self) -> None:
        raise ImportError("coinjecture._core: cannot open shared object file")


class Raising(Candidate):
    """Raises on every block."""

    def verify_block(self, block: dict[str, Any]) -> dict[str, Any]:
        """Never answers."""
        raise RuntimeError("called `Result::unwrap()` on an `Err` value")


class Hanging(Candidate):
    """Answers no block within its time, but the first few."""

    def verify_block(self, block: dict[str, Any]) -> dict[str, Any]:
        """Sleeps."""
        if block["index"] > 3:
            time.sleep(3600)
        return super().verify_block(block)


class WrongOnce(Candidate):
    """Wrong on one block in 10,000."""

    def verify_block(self, block: dict[str, Any]) -> dict[str, Any]:
        """One score is off by one."""
        answer = super().verify_block(block)
        answer["work_score"] += block["index"] % 10_000 == 777
        return answer


class Hungry(Candidate):
    """Takes more memory than it is given."""

    def verify_block(self, block: dict[str, Any]) -> dict[str, Any]:
        """Grows."""
        if block["index"] % 1000 == 777:
            return {"hash": bytearray(1 << 33), "index": 0}
        return super().verify_block(block)
