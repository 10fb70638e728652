"""A node as KnowTon's services use it: calls, transactions of the platform's own accounts and of users' wallets."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak
from prometheus_client import CollectorRegistry, Counter, Histogram

CONFIRMED_WITHIN = (0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 30.0, 60.0)


class ChainError(Exception):
    """The node, or a contract, refused."""


class Node:
    """JSON-RPC to one node. Contracts are called by their names in the environment: ``COPYRIGHT_NFT_ADDRESS``."""

    def __init__(self, url: str, registry: CollectorRegistry | None = None) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._local = threading.local()
        self._nonces = threading.Lock()
        self.chain_id = int(self.ask("eth_chainId"), 16)
        self._sent = self._times = None
        if registry is not None:
            self._sent = Counter("knowton_transactions", "Transactions by outcome.", ["status"], registry=registry)
            for status in ("confirmed", "reverted"):
                self._sent.labels(status)
            self._times = Histogram(
                "knowton_transaction_confirmation_seconds",
                "Until included.",
                buckets=CONFIRMED_WITHIN,
                registry=registry,
            )

    def ask(self, method: str, *parameters: Any) -> Any:
        """One JSON-RPC call; raises ``ChainError``."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
        connection = getattr(self._local, "connection", None)
        for attempt in (1, 2):
            try:
                connection = connection or HTTPConnection(self._host, self._port, timeout=10)
                connection.request("POST", "/", body, {"Content-Type": "application/json"})
                answer = json.loads(connection.getresponse().read())
                self._local.connection = connection
                break
            except (OSError, ValueError) as error:
                connection = self._local.connection = None
                if attempt == 2:
                    raise ChainError(f"the node does not answer: {error}") from None
        if "error" in answer:
            raise ChainError(str(answer["error"].get("message"))[:300])
        return answer["result"]

    def call(self, contract: str, signature: str, *given: Any, returns: Sequence[str] = ("uint256",)) -> Any:
        """What a view returns now."""
        answer = self.ask("eth_call", {"to": where(contract), "data": data_of(signature, given)}, "latest")
        values = decode(list(returns), bytes.fromhex(answer[2:]))
        return values[0] if len(values) == 1 else values

    def send(self, contract: str, signature: str, *given: Any, sender: str, key: str = "") -> dict[str, Any]:
        """The receipt of a transaction from an account of the node, or of a wallet by its key."""
        return self.transact({"to": where(contract), "data": data_of(signature, given)}, sender, key)

    def transact(self, transaction: dict[str, Any], sender: str, key: str = "") -> dict[str, Any]:
        """As ``send``, of any transaction."""
        started = time.monotonic()
        whole = {"from": sender, **transaction}
        gas = int(self.ask("eth_estimateGas", whole), 16)
        with self._nonces:
            if key:
                from eth_account import Account  # noqa: PLC0415 - takes its time, and only users' wallets need it

                nonce = int(self.ask("eth_getTransactionCount", sender, "pending"), 16)
                signed = Account.sign_transaction(
                    {**transaction, "to": transaction["to"], "value": int(transaction.get("value", "0x0"), 16)}
                    | {"gas": gas * 2, "gasPrice": 2 * int(self.ask("eth_gasPrice"), 16), "nonce": nonce}
                    | {"chainId": self.chain_id},
                    key,
                )
                digest = self.ask("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex())
            else:
                digest = self.ask("eth_sendTransaction", whole | {"gas": hex(gas * 2)})
        receipt = None
        while receipt is None:
            receipt = self.ask("eth_getTransactionReceipt", digest)
            if receipt is None:
                if time.monotonic() - started > 60:
                    raise ChainError("not included within a minute")
                time.sleep(0.02)
        succeeded = receipt["status"] == "0x1"
        if self._sent is not None and self._times is not None:
            self._sent.labels("confirmed" if succeeded else "reverted").inc()
            self._times.observe(time.monotonic() - started)
        if not succeeded:
            raise ChainError(f"{digest} was reverted")
        return dict(receipt)


def where(contract: str) -> str:
    """The address of a contract, as the service is configured."""
    return os.environ[f"{contract}_ADDRESS"]


def data_of(signature: str, given: Sequence[Any]) -> str:
    """The data of a call: ``mint(address,bytes32,uint96)`` and its arguments."""
    types = signature.partition("(")[2].rstrip(")")
    return "0x" + (keccak(text=signature)[:4] + encode([each for each in types.split(",") if each], given)).hex()


def topic(event: str) -> str:
    """The topic of an event by its signature."""
    return "0x" + keccak(text=event).hex()
