"""A managed anvil: found, started on a free port, spoken to over its IPC socket, ended with us."""

from __future__ import annotations

import gzip
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.errors import NetworkError, Reverted, RolloutError
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.accounts import BALANCE_ETHER, COUNT, MNEMONIC, Accounts
from pytest_rollout.networks.binary import VERSION_SECONDS, find
from pytest_rollout.networks.digest import checksum
from pytest_rollout.networks.hardforks import DEFAULT_CHAIN_ID, hardfork
from pytest_rollout.networks.ipc import ConnectionLost
from pytest_rollout.networks.methods import check_reads
from pytest_rollout.networks.node import START_SECONDS, Node
from pytest_rollout.networks.port import (
    Head,
    SnapshotId,
    check_chain_id,
    quantity,
    whole_blocks,
    whole_seconds,
    whole_wei,
)
from pytest_rollout.networks.receipts import awaited
from pytest_rollout.networks.reverts import CustomErrors, halted
from pytest_rollout.networks.settings import Call, Settings

if TYPE_CHECKING:
    from web3 import Web3

KEPT_STATES = 64
"""States anvil keeps in memory: reads and traces reach this many blocks back, the disk none."""

SETTLE_ROUNDS = 1000
"""Looks at the pool, 40 ms or more in all; what is still there pays too little to be mined."""

_UNKNOWN_METHOD = "data did not match any variant of untagged enum"
_HALTED = re.compile(r"EVM error:? (\w+)|(Out of gas): gas required exceeds")
_SENDS = {"eth_sendTransaction", "eth_sendRawTransaction"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds anvil has to say its version, to listen, and to answer any one call."""

    version: float = VERSION_SECONDS
    start: float = START_SECONDS
    reply: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """What a revert brings back besides what ``evm_revert`` does itself."""

    settings: Mapping[str, Call]
    next_fee: str


class AnvilChain:
    """A ``Chain`` in a process of its own; a transaction is a block, unless a test says otherwise.

    Other programs find it at ``port`` of 127.0.0.1, or at the socket ``ipc``.
    """

    kind: NetworkKind = NetworkKind.ANVIL
    pinned = None

    def __init__(self, network: Network, *, patience: Patience | None = None) -> None:
        patience = patience or Patience()
        self.name = network.name
        self.chain_id = _chain_id(network)
        self.errors = CustomErrors()
        self._settings = Settings(self.chain_id)
        self._standing: dict[SnapshotId, _Standing] = {}
        self._closed = False
        self._calls = 0
        self._fee_known: tuple[int, str] | None = None
        arguments = self._arguments(network)
        binary, self._version = find(self.name, network.binary, seconds=patience.version)
        self._node = Node(
            self.name,
            binary,
            [
                *arguments,
                *("--accounts", str(COUNT)),
                *("--balance", str(BALANCE_ETHER)),
                *("--mnemonic", MNEMONIC),
                f"--prune-history={KEPT_STATES}",
            ],
            seconds=patience.start,
            before=self._before,
            after=self._after,
        )
        try:
            self._connection = self._node.connect(seconds=patience.reply)
        except BaseException:
            self._node.close()
            raise
        try:
            check_chain_id(self.name, self.chain_id, self._ask("eth_chainId"))
            # Its log has told the port, and would grow by a line a call from here on.
            self._ask("anvil_setLoggingEnabled", [False])
            if network.state is not None:
                self._catch_up()
            self.accounts = Accounts(self.name, self._addresses(), network.accounts)
        except BaseException:
            self.close()
            raise

    @property
    def port(self) -> int:
        """The port it listens on, at 127.0.0.1."""
        return self._node.port

    @property
    def ipc(self) -> Path:
        """The socket it is spoken to over."""
        return self._node.socket

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._node.pid

    @cached_property
    def w3(self) -> Web3:
        """A web3.py connection."""
        from pytest_rollout.networks.provider import web3_over  # noqa: PLC0415 - heavy

        return web3_over(self.request, self.accounts.default)

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of one JSON-RPC call; a transaction is sent and waited for.

        ``Reverted`` is raised for what a contract refuses, a transaction mined with status 0
        included; with automatic mining switched off, a transaction's hash comes back unmined.
        """
        self._calls += 1
        if method in _SENDS and self._settings.mines_at_once:
            return str(self._send(method, params)["transactionHash"])
        result = self._ask(method, params)
        self._settings.saw(method, params)
        return result

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any | Exception]:
        """The results of calls that only read, a thousand of them in one round trip."""
        check_reads(self.name, calls)
        self._calls += 1
        return self._each(calls)

    def send(self, transaction: Mapping[str, Any]) -> Mapping[str, Any]:
        """The receipt of a transaction, in one round trip where it is mined at once."""
        if not self._settings.mines_at_once:
            return awaited(self, str(self.request("eth_sendTransaction", [transaction])))
        self._calls += 1
        return self._send("eth_sendTransaction", [transaction])

    def snapshot(self) -> SnapshotId:
        """Remember everything as it stands."""
        standing = _Standing(settings=self._settings.copy(), next_fee=self._next_fee())
        taken = SnapshotId(str(self._ask("evm_snapshot")))
        self._standing[taken] = standing
        return taken

    def revert(self, snapshot: SnapshotId) -> None:
        """Undo everything since ``snapshot``, in calls of their own, one after the other.

        The next block's base fee and the node's settings outlive ``evm_revert``, so they are set
        back; transactions that wait for an earlier one's number are dropped, where there are any.
        """
        standing = self._standing.get(snapshot)
        if standing is None:
            raise self._no_snapshot(snapshot)
        is_empty = self._settle()
        if self._ask("evm_revert", [snapshot]) is not True:
            raise self._no_snapshot(snapshot)
        if not is_empty:
            self._ask("anvil_dropAllTransactions")
        for method, params in self._settings.back_to(standing.settings):
            self._ask(method, params)
        self._ask("anvil_setNextBlockBaseFeePerGas", [standing.next_fee])
        self._fee_known = (self._calls, standing.next_fee)
        kept = list(self._standing)
        for used in kept[kept.index(snapshot) :]:
            del self._standing[used]

    def advance(self, *, seconds: int = 0, minutes: int = 0, hours: int = 0, days: int = 0) -> None:
        """Move time forward and mine a block at the new time."""
        step = whole_seconds(self.name, seconds=seconds, minutes=minutes, hours=hours, days=days)
        self.request("evm_increaseTime", [hex(step)])
        self.request("evm_mine")

    def mine(self, blocks: int = 1) -> None:
        """Mine blocks."""
        self.request("anvil_mine", [hex(whole_blocks(self.name, blocks))])

    def impersonate(self, address: str) -> None:
        """Let transactions be sent from ``address`` without its key, until a revert undoes it."""
        self.request("anvil_impersonateAccount", [address])

    def set_balance(self, address: str, wei: int) -> None:
        """Give ``address`` so many wei, until a revert undoes it."""
        self.request("anvil_setBalance", [address, hex(whole_wei(self.name, wei))])

    def alter(self, address: str, *, code: bytes | None = None, slots: Mapping[int, int] | None = None) -> None:
        """Put code or words of storage where no transaction could, in a block of its own."""
        if code is not None:
            self.request("anvil_setCode", [address, "0x" + code.hex()])
        for slot, word in (slots or {}).items():
            self.request("anvil_setStorageAt", [address, f"0x{slot:064x}", f"0x{word:064x}"])
        self.mine()

    def dump_state(self, path: Path | str) -> None:
        """Write all of its state to a file, as ``networks.NAME.state`` takes it."""
        dumped = str(self._ask("anvil_dumpState"))
        try:
            Path(path).write_bytes(gzip.decompress(bytes.fromhex(dumped.removeprefix("0x"))))
        except OSError as error:
            raise NetworkError(
                f"network {self.name}: its state cannot be written to {path}: {error.strerror}."
            ) from None

    def head(self) -> Head:
        """The newest block."""
        block = self._ask("eth_getBlockByNumber", ["latest", False])
        return Head(
            number=quantity(self.name, "block number", block["number"]),
            hash=block["hash"],
            timestamp=quantity(self.name, "block timestamp", block["timestamp"]),
            client_version=str(self._ask("web3_clientVersion")),
        )

    def close(self) -> None:
        """End the process and remove what it wrote."""
        if os.getpid() == self._node.owner:
            self._closed = True
            self._connection.close()
            self._node.close()

    def _arguments(self, network: Network) -> list[str]:
        """What it is started with, besides what every anvil of ours is."""
        return [
            *("--chain-id", str(self.chain_id)),
            *("--hardfork", hardfork(network)),
            *(() if network.state is None else ("--load-state", str(network.state))),
        ]

    def _catch_up(self) -> None:
        """A loaded state may stand ahead of the clock; without this the next block would be older than its parent."""
        ahead = self.head().timestamp - int(time.time())
        if ahead >= 0:
            self._ask("evm_increaseTime", [hex(ahead + 1)])

    def _before(self, home: Path) -> None:
        """What is laid into its private folder before it starts."""

    def _after(self, home: Path) -> None:
        """What is taken out of its folder when it has ended, before that is removed."""

    def _ask(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of one call as it is; errors become ours here and nowhere else."""
        self._check_usable()
        try:
            reply = self._connection.call(method, params)
        except ConnectionLost as lost:
            raise self._node.trouble(str(lost)) from None
        if "error" in reply:
            raise self._refused(method, reply["error"])
        return reply["result"]

    def _each(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any | Exception]:
        """What came of each call of one round trip."""
        self._check_usable()
        try:
            replies = self._connection.batch(calls)
        except ConnectionLost as lost:
            raise self._node.trouble(str(lost)) from None
        return [
            self._refused(method, reply["error"]) if "error" in reply else reply["result"]
            for (method, _), reply in zip(calls, replies, strict=True)
        ]

    def _check_usable(self) -> None:
        if self._closed:
            raise NetworkError(f"network {self.name}: it was closed; nothing more can be read from it.")
        if os.getpid() != self._node.owner:
            raise NetworkError(
                f"network {self.name}: it was opened by process {self._node.owner}; "
                "a forked copy of that process cannot use it and opens one of its own."
            )

    def _send(self, method: str, params: Sequence[Any]) -> Mapping[str, Any]:
        """Send and wait: right after the plain method the receipt is null and reads are stale."""
        receipt: Mapping[str, Any] = self._ask(f"{method}Sync", params)
        digest = str(receipt["transactionHash"])
        if receipt.get("status") != "0x1":
            failure = self._why(digest)
            failure.transaction = digest
            failure.add_note(f"transaction {digest} on network {self.name} was mined with status 0")
            raise failure
        return receipt

    def _why(self, digest: str) -> Reverted:
        """What a failed transaction returned, from the trace that was kept while it ran."""
        outermost = self._ask("trace_transaction", [digest])[0]
        result = outermost.get("result") or {}
        data = result.get("output") or result.get("code") or "0x"
        if str(outermost.get("error", "")).lower() == "reverted":
            return self.errors.reverted(bytes.fromhex(data[2:]))
        return halted(str(outermost.get("error", "")))

    def _refused(self, method: str, error: Any) -> RolloutError:
        message = str(error.get("message", "")) if isinstance(error, Mapping) else str(error)
        data = error.get("data") if isinstance(error, Mapping) else None
        if message.startswith("execution reverted") and isinstance(data, str):
            return self.errors.reverted(bytes.fromhex(data.removeprefix("0x")))
        if match := _HALTED.search(message):
            return halted(match[1] or match[2])
        if message.startswith(_UNKNOWN_METHOD):
            return NetworkError(
                f"network {self.name} (anvil {self._version}) does not know {method}, or not with these parameters."
            )
        return NetworkError(f"network {self.name}: {method.removesuffix('Sync')} was refused: {message}")

    def _settle(self) -> bool:
        """Wait until the miner is done with every transaction that was sent; whether none is left to drop.

        A transaction that is still in the pool would land after the revert. One that is mined
        leaves the pool a moment later, by its sender and number: reverted in that moment, the
        node takes the next transaction with the same number for it and loses that one. Measured
        over 6,000 reverts each: mining a block instead loses 2 in 1,000, this none, in less time.
        """
        if self._settings.mines_at_once:
            for _ in range(SETTLE_ROUNDS):
                pool = self._ask("txpool_status")
                if pool["pending"] == "0x0":
                    return bool(pool["queued"] == "0x0")
        self._ask("evm_mine")
        return False

    def _next_fee(self) -> str:
        """The next block's base fee; known without asking if nothing was asked since a revert."""
        if self._fee_known is None or self._fee_known[0] != self._calls:
            self._fee_known = (self._calls, hex(quantity(self.name, "the next base fee", self._ask_next_fee())))
        return self._fee_known[1]

    def _ask_next_fee(self) -> Any:
        return self._ask("eth_feeHistory", ["0x1", "latest", []])["baseFeePerGas"][-1]

    def _addresses(self) -> list[str]:
        return [checksum(each) for each in self._ask("eth_accounts")]

    def _no_snapshot(self, snapshot: SnapshotId) -> NetworkError:
        return NetworkError(
            f"network {self.name}: snapshot {snapshot} is not one to revert to; "
            "it was used up, or an earlier one was reverted to."
        )


def _chain_id(network: Network) -> int:
    real = network.real
    return (network.chain_id if real is None else real.chain_id) or DEFAULT_CHAIN_ID
