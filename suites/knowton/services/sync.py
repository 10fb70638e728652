"""KnowTon's sync: follows the chain's works and sales into an index, and says how far it is behind."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from chain import ChainError, Node, topic, where
from prometheus_client import Counter, Gauge
from web import App, RefusedError, arguments

MINTED = topic("WorkMinted(uint256,address,bytes32,uint96)")
TRANSFER = topic("Transfer(address,address,uint256)")
LATE_SECONDS = 300


def main() -> None:
    """Serve until the process is ended."""
    given = arguments(every=0.2, lag=0.0)
    app = App("knowton-sync")
    sync = Sync(app, given.lag)
    app.route("GET", "/health")(sync.health)
    app.route("GET", "/api/v1/index/nfts/{}")(sync.work)
    threading.Thread(target=sync.follow, args=(given.every,), daemon=True).start()
    app.start(given.port)


class Sync:
    """The index, in memory; ``lag`` is how old the chain's news must be before they are taken, a fault to try."""

    def __init__(self, app: App, lag: float) -> None:
        self._node, self._lag = Node(os.environ["RPC_URL"]), lag
        self._works: dict[int, dict[str, Any]] = {}
        self._next = 0
        self._done = 0.0
        self._lag_gauge = Gauge(
            "knowton_sync_lag_seconds", "How far the index is behind the chain.", registry=app.registry
        )
        self._lag_gauge.set_function(self.behind)
        self._events = Counter("knowton_sync_events", "Events taken into the index.", registry=app.registry)
        self._failures = Counter("knowton_sync_failures", "Looks at the chain that failed.", registry=app.registry)

    def behind(self) -> float:
        """Seconds since the index last was where the chain is; since ever, if it never was."""
        return max(0.0, time.time() - self._done) if self._done else float(LATE_SECONDS * 2)

    def follow(self, every: float) -> None:
        """Look at the chain again and again."""
        while True:
            try:
                self._look()
            except (ChainError, KeyError):
                self._failures.inc()
            time.sleep(every)

    def _look(self) -> None:
        started = time.time()
        head = int(self._node.ask("eth_blockNumber"), 16)
        while self._lag and head >= self._next:
            block = self._node.ask("eth_getBlockByNumber", hex(head), False)
            if int(block["timestamp"], 16) <= started - self._lag:
                break
            head -= 1
        if head >= self._next:
            asked = {"address": where("COPYRIGHT_NFT"), "fromBlock": hex(self._next), "toBlock": hex(head)}
            for log in self._node.ask("eth_getLogs", asked):
                self._take(log["topics"])
            self._next = head + 1
        self._done = started - self._lag

    def _take(self, topics: list[str]) -> None:
        self._events.inc()
        if topics[0] == MINTED:
            self._works.setdefault(int(topics[1], 16), {})["creator"] = "0x" + topics[2][-40:]
        elif topics[0] == TRANSFER:
            self._works.setdefault(int(topics[3], 16), {})["owner"] = "0x" + topics[2][-40:]

    def health(self) -> dict[str, Any]:
        """Unhealthy where it is more than five minutes behind."""
        behind = self.behind()
        if behind > LATE_SECONDS:
            raise RefusedError(503, f"{behind:.0f} s behind")
        return {"status": "healthy", "sync_lag_ms": int(behind * 1000), "works": len(self._works), "next": self._next}

    def work(self, token: int) -> dict[str, Any]:
        if token not in self._works:
            raise RefusedError(404, "not in the index")
        return {"token_id": token, **self._works[token]}


if __name__ == "__main__":
    main()
