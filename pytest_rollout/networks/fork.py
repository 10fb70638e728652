"""A managed anvil that goes on from a real chain: at one block, without its URL, never writing there."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pytest_rollout.core.chain import Block
from pytest_rollout.core.errors import NetworkError, RolloutError
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.answers import cache_of, user_cache
from pytest_rollout.networks.anvil import AnvilChain, Patience
from pytest_rollout.networks.hardforks import hardfork
from pytest_rollout.networks.http import Patience as NodePatience
from pytest_rollout.networks.looking import looked_at
from pytest_rollout.networks.nodes import Nodes
from pytest_rollout.networks.upstream import Upstream

UPSTREAM_SECONDS = 120
"""Anvil waits so long for an answer; ours to it are bounded by less."""


class ForkChain(AnvilChain):
    """An ``AnvilChain`` that begins with the state of ``base``, a block of the real chain.

    What it has not seen yet it asks for when it is read. If the real chain stops answering then,
    that is a ``NetworkError`` which names it, never a zero or an empty account.
    """

    kind = NetworkKind.FORK

    def __init__(
        self,
        network: Network,
        *,
        pin: Block | None = None,
        cache: Path | None = None,
        patience: Patience | None = None,
        node_patience: NodePatience | None = None,
    ) -> None:
        real = network.real
        if real is None:
            raise NetworkError(f"network {network.name}: it is forked from no real chain.")
        nodes = Nodes(real, node_patience)
        try:
            self.base = looked_at(real, nodes, pin, block=network.block).pinned
            self._cache = cache_of(cache or user_cache(), real.chain_id or 0, self.base)
            self.nodes = nodes
            self._upstream = Upstream(nodes, self.base, self._cache / "answers")
        except BaseException:
            nodes.close()
            raise
        try:
            super().__init__(network, patience=patience)
            self._check_base()
        except BaseException as error:
            self._upstream.close()
            if self._upstream.troubles and isinstance(error, RolloutError):
                raise self._gone() from None
            raise

    def close(self) -> None:
        """End the process, keep what it has read for the next one, and let go of the real chain."""
        super().close()
        if os.getpid() == self._node.owner:
            self._upstream.close()

    def _arguments(self, network: Network) -> list[str]:
        """A fork has the chain's own rules, unless the plan names others."""
        return [
            *("--fork-url", self._upstream.url),
            *("--fork-block-number", str(self.base.number)),
            *("--fork-chain-id", str(self.chain_id)),
            *("--retries", "0", "--no-rate-limit", "--timeout", str(UPSTREAM_SECONDS * 1000)),
            *(() if network.hardfork is None else ("--hardfork", hardfork(network))),
        ]

    def _before(self, home: Path) -> None:
        """Hand the node what earlier forks at this block have read."""
        with contextlib.suppress(OSError):
            if (self._cache / "rpc").is_dir():
                shutil.copytree(self._cache / "rpc", home / ".foundry" / "cache" / "rpc")

    def _after(self, home: Path) -> None:
        """Keep what this one has read: it holds what it was handed, and more."""
        read = next((home / ".foundry" / "cache" / "rpc").glob("*/*/storage.json"), None)
        if read is None:
            return
        kept = self._cache / "rpc" / read.relative_to(home / ".foundry" / "cache" / "rpc")
        with contextlib.suppress(OSError):
            if kept.exists() and kept.stat().st_size >= read.stat().st_size:
                return
            kept.parent.mkdir(parents=True, exist_ok=True)
            whole = kept.with_name(f".{os.getpid()}-{read.name}")
            shutil.copyfile(read, whole)
            whole.replace(kept)

    def _ask(self, method: str, params: Sequence[Any] = ()) -> Any:
        with self._missing_nothing():
            return super()._ask(method, params)

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any | Exception]:
        """The results of calls that only read; what the real chain no longer answers is an error of the whole."""
        with self._missing_nothing():
            return super().batch(calls)

    @contextlib.contextmanager
    def _missing_nothing(self) -> Iterator[None]:
        """Whatever the node makes of a value it could not get, an answer that rests on it is none."""
        known = len(self._upstream.troubles)
        try:
            yield
        except RolloutError:
            if len(self._upstream.troubles) > known:
                raise self._gone() from None
            raise
        if len(self._upstream.troubles) > known:
            raise self._gone()

    def _ask_next_fee(self) -> Any:
        """The history of the first block is the real chain's, whose next block is not this one's."""
        return self._ask("eth_getBlockByNumber", ["pending", False])["baseFeePerGas"]

    def _gone(self) -> NetworkError:
        return NetworkError(
            f"network {self.name}: it is forked from another network, which stopped answering: "
            f"{self._upstream.troubles[-1]}"
        )

    def _check_base(self) -> None:
        found = self._ask("eth_getBlockByNumber", [hex(self.base.number), False])
        if not isinstance(found, dict) or str(found.get("hash")).lower() != self.base.hash:
            self.close()
            raise NetworkError(
                f"network {self.name}: block {self.base.number} of the fork is not {self.base.hash}; "
                "the nodes it was forked from contradict each other."
            )
