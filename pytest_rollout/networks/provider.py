"""A web3.py connection over any chain of ours: one way in, so errors are told the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from web3 import Web3
from web3.providers import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from pytest_rollout.networks.recursion import restrain

Request = Callable[[str, Sequence[Any]], Any]


class ChainProvider(JSONBaseProvider):
    """Hands every call to the chain, whose errors pass through web3.py as they are."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self._request = request

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """The chain's answer in JSON-RPC's form."""
        result = self._request(method, cast("Sequence[Any]", params or ()))
        return {"jsonrpc": "2.0", "id": 0, "result": result}

    def make_batch_request(self, requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse]:
        """The answers in order; in-process and over a socket there is no round trip to save."""
        return [self.make_request(method, params) for method, params in requests]

    def is_connected(self, show_traceback: bool = False) -> bool:  # noqa: ARG002 - web3's name
        """Whether it answers; one that does not is a ``NetworkError``."""
        return bool(self._request("web3_clientVersion", ()))


def web3_over(request: Request, default_account: str | None) -> Web3:
    """A ``Web3`` that sends from ``default_account``, if there is one, where a transaction names no sender."""
    restrain()
    w3 = Web3(ChainProvider(request))
    # No development chain has a name service, and looking for one costs every call.
    w3.middleware_onion.remove("ens_name_to_address")
    if default_account is not None:
        w3.eth.default_account = Web3.to_checksum_address(default_account)
    return w3
