"""A real chain over HTTP: read at one final block, never changed unless both locks are open."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.chain import Block
from pytest_rollout.core.errors import NetworkError, RolloutError
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.accounts import Accounts
from pytest_rollout.networks.digest import checksum
from pytest_rollout.networks.http import Patience, Refusal
from pytest_rollout.networks.looking import looked_at
from pytest_rollout.networks.methods import Call, check_reads, only_reads
from pytest_rollout.networks.multicall import Together
from pytest_rollout.networks.nodes import Nodes
from pytest_rollout.networks.port import Head, hexadecimal, quantity
from pytest_rollout.networks.receipts import awaited, refusal
from pytest_rollout.networks.reverts import CustomErrors, is_revert, told
from pytest_rollout.networks.unruled import Unruled

if TYPE_CHECKING:
    from web3 import Web3

_READ_AT = {
    **dict.fromkeys(
        ("eth_call", "eth_estimateGas", "eth_createAccessList", "eth_simulateV1"),
        1,
    ),
    **dict.fromkeys(("eth_getBalance", "eth_getCode", "eth_getTransactionCount"), 1),
    **dict.fromkeys(("eth_getStorageAt", "eth_getProof"), 2),
}
"""Where in its parameters a method names the block it reads at."""

_UNKNOWN_METHOD = -32601
_UNKNOWN = re.compile(r"did not match any variant of untagged enum|method not found|does not exist", re.IGNORECASE)


class RpcChain(Unruled):
    """A ``Chain`` that others use too.

    While it is only read, what asks for the ``latest`` state gets that of the pinned block, so
    that all of a run sees one state. With writes allowed, ``latest`` is what the node says.
    """

    kind = NetworkKind.RPC

    def __init__(
        self,
        network: Network,
        *,
        pin: Block | None = None,
        allow_writes: bool = False,
        patience: Patience | None = None,
    ) -> None:
        self.name = network.name
        self.chain_id = network.chain_id or 0
        self.errors = CustomErrors()
        self.nodes = Nodes(network, patience)
        self._together = Together(self.nodes)
        self._network = network
        self._writes = network.writes and allow_writes
        self._allow_writes = allow_writes
        self._closed = False
        try:
            seen = looked_at(network, self.nodes, pin)
            self._client = seen.clients[0]
            block = seen.pinned
            self._pin = Head(
                number=block.number, hash=block.hash, timestamp=block.timestamp, client_version=self._client
            )
            self.accounts = Accounts(self.name, self._addresses(), network.accounts)
        except BaseException:
            self.nodes.close()
            raise

    @property
    def pinned(self) -> Head | None:
        """The final block that everything is read at; None where this run may write."""
        return None if self._writes else self._pin

    @property
    def finality(self) -> int | str:
        """When a block is final: ``finalized``, ``safe``, or with so many blocks upon it."""
        return self._network.finality

    @cached_property
    def w3(self) -> Web3:
        """A web3.py connection; what it sends passes the same guard."""
        from pytest_rollout.networks.provider import web3_over  # noqa: PLC0415 - heavy

        accounts = self.accounts.addresses
        return web3_over(self.request, accounts[0] if accounts else None)

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of one JSON-RPC call; one that may write is refused unless both locks are open."""
        self._check_open()
        if not only_reads(method):
            self._check_writes(method)
            return self._result(method, self.nodes.send(method, params))
        (answer,) = self.nodes.ask([self._placed(method, params)])
        return self._result(method, answer)

    def batch(self, calls: Sequence[Call]) -> list[Any | Exception]:
        """The results of calls that only read, in one round trip or what the node allows."""
        self._check_open()
        check_reads(self.name, calls)
        answers = self._together.ask([self._placed(method, params) for method, params in calls])
        return [self._or_error(method, answer) for (method, _), answer in zip(calls, answers, strict=True)]

    def send(self, transaction: Mapping[str, Any]) -> Mapping[str, Any]:
        """The receipt of a transaction once it is in a block; whether that is final is not asked.

        What the node's own estimate refuses is not sent: some nodes would, and it would cost.
        """
        self._check_writes("eth_sendTransaction")
        if "gas" not in transaction:
            transaction = {**transaction, "gas": self.request("eth_estimateGas", [transaction])}
        receipt = awaited(self, str(self.request("eth_sendTransaction", [transaction])))
        if hexadecimal(receipt.get("status")) != 1:
            raise refusal(self, transaction, receipt)
        return receipt

    def head(self) -> Head:
        """The newest block, which may not be final; ``pinned`` is what is read at."""
        block = self.request("eth_getBlockByNumber", ["latest", False])
        if not isinstance(block, dict):
            raise NetworkError(f"network {self.name}: the node answered {str(block)[:40]!r} to its newest block.")
        return Head(
            number=quantity(self.name, "block number", block.get("number")),
            hash=str(block.get("hash")),
            timestamp=quantity(self.name, "block timestamp", block.get("timestamp")),
            client_version=self._client,
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._closed = True
        self.nodes.close()

    def _check_open(self) -> None:
        if self._closed:
            raise NetworkError(f"network {self.name}: it was closed; nothing more can be read from it.")

    def _check_writes(self, method: str) -> None:
        if self._writes:
            return
        missing = " and ".join(
            what
            for what, is_there in (
                (f"`writes = true` under networks.{self.name} in the plan", self._network.writes),
                ("--allow-writes on the command line", self._allow_writes),
            )
            if not is_there
        )
        raise NetworkError(
            f"network {self.name}: {method} may write, and a real chain is only read unless the plan says "
            f"`writes = true` and the command line --allow-writes; missing is {missing}. Nothing was sent."
        )

    def _placed(self, method: str, params: Sequence[Any]) -> Call:
        """The call at the block it means by ``latest``: the pinned one, unless this run may write."""
        given, pin = list(params), "latest" if self._writes else hex(self._pin.number)
        index = _READ_AT.get(method)
        if index is not None and len(given) >= index and given[index : index + 1] in ([], ["latest"], [None]):
            given[index : index + 1] = [pin]
        if method == "eth_getLogs" and given and isinstance(given[0], dict) and "blockHash" not in given[0]:
            bounds = {key: given[0].get(key, "latest") for key in ("fromBlock", "toBlock")}
            given[0] = {**given[0], **{key: pin if each == "latest" else each for key, each in bounds.items()}}
        return method, given

    def _result(self, method: str, answer: Any) -> Any:
        if isinstance(answer, Refusal):
            raise self._refused(method, answer)
        return answer

    def _or_error(self, method: str, answer: Any) -> Any | Exception:
        return self._refused(method, answer) if isinstance(answer, Refusal) else answer

    def _refused(self, method: str, refusal: Refusal) -> RolloutError:
        if is_revert(refusal):
            return told(refusal, self.errors)
        if refusal.code == _UNKNOWN_METHOD or _UNKNOWN.search(refusal.message):
            return NetworkError(f"network {self.name} (rpc) does not know {method}, or not with these parameters.")
        return NetworkError(f"network {self.name}: {method} was refused: {refusal.message[:300]}")

    def _addresses(self) -> list[str]:
        """The accounts the node holds keys of; asked only where it may send."""
        if not self._writes:
            return []
        return [checksum(each) for each in self.request("eth_accounts")]
