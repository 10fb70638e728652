"""What a fork speaks to: a server of ours at this machine's own address, which asks the real chain's nodes.

It keeps the URL out of the fork's arguments, asks as strictly as the judge does, lets nothing but
reads through, remembers what cannot change, and knows when the real chain stopped answering.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pytest_rollout.core.chain import Block
from pytest_rollout.core.errors import NetworkError
from pytest_rollout.networks.answers import Answers
from pytest_rollout.networks.http import Refusal
from pytest_rollout.networks.methods import Call, only_reads
from pytest_rollout.networks.nodes import Nodes

LARGEST_REQUEST = 1 << 24
_ACCOUNT: Mapping[str, str | None] = {
    "eth_getBalance": "balance",
    "eth_getTransactionCount": "nonce",
    "eth_getCode": "code",
    "eth_getAccountInfo": None,
}
"""The ways in which anvil asks for an account, several at once, and the part of it that each is for."""

_OWED = frozenset({*_ACCOUNT, "eth_getStorageAt", "eth_getBlockByNumber"})
"""What every node can answer about a block it has; anvil also tries what only some can."""

_READ_ONLY, _INTERNAL = -32601, -32000


class Upstream:
    """Serves one fork until it is closed. ``troubles`` are the reasons why it could not answer, in order."""

    def __init__(self, nodes: Nodes, pin: Block, cache: Path) -> None:
        self.troubles: list[str] = []
        self._nodes = nodes
        self._answers = Answers(cache, pin)
        self._one_at_a_time: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        # Others on this machine can see the port, and must not ask in our name.
        self._path = f"/{secrets.token_urlsafe(16)}"
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.upstream = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where the fork asks."""
        return f"http://127.0.0.1:{self._server.server_port}{self._path}"

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._nodes.close()

    def is_for_us(self, path: str) -> bool:
        """Whether a request's path is the fork's own."""
        return secrets.compare_digest(path, self._path)

    def reply(self, request: object) -> object:
        """The JSON-RPC reply to one request, or to a batch of them."""
        if isinstance(request, list):
            return [self._one(each) for each in request]
        return self._one(request)

    def _one(self, request: object) -> object:
        asked: dict[str, Any] = request if isinstance(request, dict) else {}
        method, params = asked.get("method"), asked.get("params", [])
        about: dict[str, Any] = {"jsonrpc": "2.0", "id": asked.get("id")}
        if not isinstance(method, str) or not isinstance(params, list) or not only_reads(method):
            return {**about, "error": {"code": _READ_ONLY, "message": f"{str(method)[:60]} is not passed on"}}
        try:
            answer = self._answer((method, params))
        except NetworkError as error:
            self.troubles.append(str(error))
            return {**about, "error": {"code": _INTERNAL, "message": str(error)}}
        if isinstance(answer, Refusal):
            if method in _OWED:
                self.troubles.append(f"network {self._nodes.name}: its node refused {method}: {answer.message[:200]}.")
            return {**about, "error": {"code": answer.code, "message": answer.message, "data": answer.data}}
        return {**about, "result": answer}

    def _answer(self, call: Call) -> Any:
        """Each value is asked for once, whichever worker asks: all others wait for the first one's answer."""
        method, params = call
        if method in _ACCOUNT and self._answers.key(call) is not None:
            account = self._once(("eth_getAccountInfo", params), lambda: self._account(params))
            part = _ACCOUNT[method]
            return account if part is None or isinstance(account, Refusal) else account[part]
        return self._once(call, lambda: self._nodes.ask([call])[0])

    def _once(self, call: Call, ask: Callable[[], Any]) -> Any:
        key = self._answers.key(call)
        if key is None:
            return ask()
        found, answer = self._answers.find(key)
        if found:
            return answer
        with self._guard:
            lock = self._one_at_a_time.setdefault(key, threading.Lock())
        with lock, self._answers.alone(key):
            found, answer = self._answers.find(key)
            if not found:
                answer = ask()
                if not isinstance(answer, Refusal):
                    self._answers.keep(key, answer)
        return answer

    def _account(self, params: Sequence[Any]) -> Any:
        """Balance, number and code of an account, which a fork always wants together: one request."""
        methods = [method for method, part in _ACCOUNT.items() if part is not None]
        answers = self._nodes.ask([(method, params) for method in methods])
        refused = next((each for each in answers if isinstance(each, Refusal)), None)
        return refused or dict(zip((_ACCOUNT[method] for method in methods), answers, strict=True))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    upstream: Upstream

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A fork that ended in the middle of a question needs no answer."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def do_POST(self) -> None:
        """Answer one request of the fork."""
        length = self.headers.get("Content-Length", "")
        if not self.server.upstream.is_for_us(self.path) or not length.isdecimal() or int(length) > LARGEST_REQUEST:
            self._say(404, b"")
            return
        try:
            request = json.loads(self.rfile.read(int(length)))
        except ValueError:
            self._say(400, b"")
            return
        self._say(200, json.dumps(self.server.upstream.reply(request), separators=(",", ":")).encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """What is asked is nobody's business."""

    def _say(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()
