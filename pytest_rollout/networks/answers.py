"""What a real chain answered about one block, kept in a folder that several processes share."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_rollout.core.chain import Block
from pytest_rollout.networks.methods import Call

MOST_BLOCKS = 20
"""Folders of earlier blocks that are kept; the one used least recently goes first."""

_AT_A_BLOCK: Mapping[str, int] = {
    "eth_call": 1,
    "eth_getBalance": 1,
    "eth_getCode": 1,
    "eth_getTransactionCount": 1,
    "eth_getAccountInfo": 1,
    "eth_getAccount": 1,
    "eth_getStorageAt": 2,
    "eth_getProof": 2,
    "eth_feeHistory": 1,
    "eth_getBlockByNumber": 0,
    "eth_getBlockReceipts": 0,
}
"""Methods whose answer cannot change once the block they name is final, and where it is named."""


class Answers:
    """Answers about ``pin`` and the blocks before it, a file each: written whole or not at all.

    A folder belongs to one chain and one block by its hash, so nothing of another chain, or of a
    block that was reorganised away, can come from it.
    """

    def __init__(self, folder: Path, pin: Block) -> None:
        self._folder = folder
        self._pin = pin.number
        folder.mkdir(parents=True, exist_ok=True)

    def key(self, call: Call) -> str | None:
        """The name of the file for a call, or None if its answer may change."""
        method, params = call
        if method == "eth_chainId":
            return "chain-id"
        index = _AT_A_BLOCK.get(method)
        if index is None or len(params) <= index or not self._is_settled(params[index]):
            return None
        return hashlib.sha256(json.dumps([method, params], sort_keys=True).lower().encode()).hexdigest()

    def find(self, key: str) -> tuple[bool, Any]:
        """Whether an answer is there, and the answer; a file that cannot be read is none."""
        try:
            return True, json.loads((self._folder / key).read_bytes())["answer"]
        except (OSError, ValueError, KeyError, TypeError):
            return False, None

    def keep(self, key: str, answer: Any) -> None:
        """Keep an answer; where there is no room, it is asked for again."""
        with contextlib.suppress(OSError):
            descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".")
            with os.fdopen(descriptor, "w") as file:
                json.dump({"answer": answer}, file)
            Path(name).replace(self._folder / key)

    @contextlib.contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """Keep other processes from asking for the same; a process that dies lets go. Without locks, all ask."""
        descriptor = -1
        with contextlib.suppress(OSError):
            descriptor = os.open(self._folder / f"lock-{key[:2]}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def _is_settled(self, block: object) -> bool:
        if not isinstance(block, str) or block[:2] != "0x":
            return False
        try:
            return int(block, 16) <= self._pin
        except ValueError:
            return False


def cache_of(base: Path, chain_id: int, pin: Block) -> Path:
    """The folder below ``base`` for one block of one chain, marked as used now; older ones are removed."""
    own = base / f"{chain_id}-{pin.number}-{pin.hash[2:18]}"
    with contextlib.suppress(OSError):
        own.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.utime(own)
        others = sorted((each for each in base.iterdir() if each != own), key=lambda each: each.stat().st_mtime)
        for old in others[: max(0, len(others) - MOST_BLOCKS + 1)]:
            shutil.rmtree(old, ignore_errors=True)
    return own


def user_cache() -> Path:
    """Where a user's programs keep what they can get again (XDG base directories)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "pytest-rollout" / "forks"
