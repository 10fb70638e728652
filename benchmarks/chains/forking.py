"""A fork that has its answers kept, against a plain anvil that loads the same state; and a cold one's questions."""

from __future__ import annotations

import json
import tempfile
import threading
import urllib.request
from collections import Counter
from contextlib import closing
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.chains.sides import OUT, Figures, alternate, both
from pytest_rollout.contracts.opening import open_contracts
from pytest_rollout.core.rollout import ContractSettings, Network, NetworkKind, Url
from pytest_rollout.networks.anvil import AnvilChain
from pytest_rollout.networks.fork import ForkChain

MOST = 1.3
CONTRACTS, ROUNDS = 28, 15
VIEWS = ("number", "owner", "paused", "twin", "values", "nothing")
STATE = {"eth_getBalance", "eth_getCode", "eth_getTransactionCount", "eth_getStorageAt", "eth_getAccountInfo"}


class Counting(ThreadingHTTPServer):
    """A node behind it, and how often each value of the state was asked for."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        self.asked: Counter[str] = Counter()
        counted = self.asked

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                request = json.loads(body)
                for each in request if isinstance(request, list) else [request]:
                    if each["method"] in STATE:
                        counted[f"{each['method']} {each['params']}"] += 1
                headers = {"Content-Type": "application/json"}
                there = urllib.request.Request(f"http://127.0.0.1:{port}", data=body, headers=headers)
                with urllib.request.urlopen(there) as answer:
                    content = answer.read()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def forking(figures: Figures) -> None:
    """Start and 168 reads: warm fork over plain anvil; then what a cold one asks for twice."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(AnvilChain(Network(name="node", kind=NetworkKind.ANVIL))) as node,
    ):
        contracts = open_contracts(ContractSettings(artifacts=(OUT,)), node)
        probes = [contracts.deploy("Probe", 100 + each, as_=f"Probe{each}") for each in range(CONTRACTS)]
        calls = [("eth_call", [*each.functions[view]().params(None), "latest"]) for each in probes for view in VIEWS]
        expected = node.batch(calls)
        state = Path(folder) / "state.json"
        node.dump_state(state)
        opened: list[AnvilChain] = []

        def read(chain: AnvilChain) -> None:
            opened.append(chain)
            assert chain.batch(calls) == expected

        def plain() -> None:
            read(AnvilChain(Network(name="plain", kind=NetworkKind.ANVIL, state=state)))

        def fork(port: int, cache: str) -> None:
            url = Url(value=f"http://127.0.0.1:{port}", shown="<NODE>")
            of = Network(
                name="real",
                kind=NetworkKind.RPC,
                chain_id=node.chain_id,
                urls=(url,),
                finality=0,
                max_head_age=timedelta(days=1),
            )
            read(ForkChain(Network(name="fork", kind=NetworkKind.FORK, of=of), cache=Path(folder) / cache))

        def ended(side: Any) -> Any:
            side()
            opened.pop().close()

        counting = Counting(node.port)
        ended(lambda: fork(counting.server_port, "counted"))
        asked = counting.asked
        counting.shutdown()
        counting.server_close()
        ended(lambda: fork(node.port, "warm"))

        ours, theirs = [], []
        for number in range(ROUNDS):
            for side, costs in ((lambda: fork(node.port, "warm"), ours), (plain, theirs))[:: 1 if number % 2 else -1]:
                costs.append(alternate(1, side=side)["side"])
                opened.pop().close()
        middle = [sorted(each, key=lambda cost: cost.wall)[ROUNDS // 2] for each in (ours, theirs)]
    what = f"warm fork and {len(calls)} reads over plain anvil"
    figures.at_most(what, middle[0].wall / middle[1].wall, MOST, note=both(*middle))
    figures.at_most("a cold fork asks for one value", max(asked.values()), 1, note=f"{len(asked)} values of the state")
