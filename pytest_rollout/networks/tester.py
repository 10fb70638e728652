"""The embedded chain: eth-tester on py-evm, in this process, nothing to install."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.errors import NetworkError, RolloutError
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.accounts import Accounts
from pytest_rollout.networks.hardforks import DEFAULT_CHAIN_ID, hardfork
from pytest_rollout.networks.methods import Call, check_reads
from pytest_rollout.networks.port import Head, SnapshotId, cannot, check_chain_id, quantity, whole_blocks, whole_seconds
from pytest_rollout.networks.receipts import awaited
from pytest_rollout.networks.recursion import restrain
from pytest_rollout.networks.reverts import CustomErrors

if TYPE_CHECKING:
    from web3 import Web3

_WITH_SENDER = {"eth_call", "eth_estimateGas", "eth_sendTransaction"}
_SENDS = {"eth_sendTransaction", "eth_sendRawTransaction"}


class TesterChain:
    """A ``Chain`` whose every call is answered in this process; a transaction is a block."""

    kind = NetworkKind.TESTER
    pinned = None

    def __init__(self, network: Network) -> None:
        # Both are heavy, and only this chain needs them.
        from eth_tester import EthereumTester  # noqa: PLC0415
        from web3.providers.eth_tester import defaults, middleware  # noqa: PLC0415

        from pytest_rollout.networks.backend import Backend  # noqa: PLC0415

        restrain()

        self.name = network.name
        self.chain_id = network.chain_id or DEFAULT_CHAIN_ID
        self.errors = CustomErrors()
        self._backend = Backend.create(chain_id=self.chain_id, hardfork=hardfork(network), errors=self.errors)
        self._tester: Any = EthereumTester(self._backend)
        self._endpoints: Mapping[str, Mapping[str, Callable[..., Any]]] = defaults.API_ENDPOINTS
        self._unimplemented = defaults.not_implemented
        self._before: Mapping[str, Callable[..., Any]] = _by_name(middleware.request_formatters)
        self._after: Mapping[str, Callable[..., Any]] = _by_name(middleware.result_formatters)
        self._snapshots: list[SnapshotId] = []
        self._closed = False
        check_chain_id(self.name, self.chain_id, self.request("eth_chainId"))
        self.accounts = Accounts(self.name, self._tester.get_accounts(), network.accounts)

    @cached_property
    def w3(self) -> Web3:
        """A web3.py connection."""
        from pytest_rollout.networks.provider import web3_over  # noqa: PLC0415 - heavy

        return web3_over(self.request, self.accounts.default)

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of one JSON-RPC call, as JSON; a method py-evm has no answer to is refused."""
        self._check_open()
        if method == "eth_chainId":
            return hex(int(self._backend.chain.chain_id))
        if method == "net_version":
            return str(self._backend.chain.chain_id)
        namespace, _, endpoint = method.partition("_")
        answer = self._endpoints.get(namespace, {}).get(endpoint, self._unimplemented)
        if answer is self._unimplemented and method.startswith(("debug_trace", "trace_")):
            raise cannot(self, "trace")
        if answer is self._unimplemented:
            raise NetworkError(f"network {self.name} (tester) cannot answer {method}; use a network of kind anvil.")
        try:
            result = answer(self._tester, self._inward(method, params))
            result = self._after[method](result) if method in self._after else result
        except RolloutError:
            raise
        except Exception as error:  # py-evm's and eth-tester's errors have no common base
            raise NetworkError(f"network {self.name}: {method} was refused: {error}") from error
        if method in _SENDS and (failure := self._backend.failures.pop(bytes.fromhex(result[2:]), None)):
            failure.transaction = result
            failure.add_note(f"transaction {result} on network {self.name} was mined with status 0")
            raise failure
        if method == "eth_getStorageAt" and isinstance(result, int):
            return f"0x{result:064x}"
        return _outward(result)

    def batch(self, calls: Sequence[Call]) -> list[Any | Exception]:
        """The results of calls that only read; in this process there is no round trip to save."""
        check_reads(self.name, calls)
        self._check_open()
        return [self._or_error(method, params) for method, params in calls]

    def send(self, transaction: Mapping[str, Any]) -> Mapping[str, Any]:
        """The receipt of a transaction, which is a block of its own."""
        return awaited(self, str(self.request("eth_sendTransaction", [transaction])))

    def snapshot(self) -> SnapshotId:
        """Remember everything as it stands."""
        taken = SnapshotId(self.request("evm_snapshot"))
        self._snapshots.append(taken)
        return taken

    def revert(self, snapshot: SnapshotId) -> None:
        """Undo everything since ``snapshot``."""
        if snapshot not in self._snapshots:
            raise NetworkError(
                f"network {self.name}: snapshot {snapshot} is not one to revert to; "
                "it was used up, or an earlier one was reverted to."
            )
        del self._snapshots[self._snapshots.index(snapshot) :]
        self.request("evm_revert", [snapshot])

    def advance(self, *, seconds: int = 0, minutes: int = 0, hours: int = 0, days: int = 0) -> None:
        """Move time forward and mine a block at the new time."""
        step = whole_seconds(self.name, seconds=seconds, minutes=minutes, hours=hours, days=days)
        waiting = quantity(
            self.name, "timestamp", self.request("eth_getBlockByNumber", ["pending", False])["timestamp"]
        )
        # The block eth-tester mines is one second earlier than it is told.
        self.request("testing_timeTravel", [waiting + step])

    def mine(self, blocks: int = 1) -> None:
        """Mine blocks."""
        self.request("evm_mine", [whole_blocks(self.name, blocks)])

    def impersonate(self, address: str) -> None:  # noqa: ARG002 - the verb is the same everywhere
        """Refused: py-evm executes what is signed."""
        raise cannot(self, "impersonate accounts")

    def set_balance(self, address: str, wei: int) -> None:  # noqa: ARG002 - as above
        """Refused: py-evm's balances come from its blocks."""
        raise cannot(self, "set balances")

    def alter(self, address: str, *, code: bytes | None = None, slots: Mapping[int, int] | None = None) -> None:
        """Put code or words of storage where no transaction could, in a block of its own."""
        self._check_open()
        self._backend.alter(bytes.fromhex(address[2:]), code, slots or {})

    def dump_state(self, path: Path) -> None:  # noqa: ARG002 - as above
        """Refused: only a node of ours gives its state away."""
        raise cannot(self, "be recorded as a state")

    def head(self) -> Head:
        """The newest block."""
        block = self.request("eth_getBlockByNumber", ["latest", False])
        return Head(
            number=quantity(self.name, "block number", block["number"]),
            hash=block["hash"],
            timestamp=quantity(self.name, "block timestamp", block["timestamp"]),
            client_version=self.request("web3_clientVersion"),
        )

    def close(self) -> None:
        """Nothing is running, so nothing but its answers ends."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise NetworkError(f"network {self.name}: it was closed; nothing more can be read from it.")

    def _or_error(self, method: str, params: Sequence[Any]) -> Any | Exception:
        try:
            return self.request(method, params)
        except RolloutError as error:
            return error

    def _inward(self, method: str, params: Sequence[Any]) -> list[Any]:
        """Parameters as eth-tester takes them: snake case, integers where JSON has hex."""
        given = list(params)
        if method in _WITH_SENDER and given and not given[0].get("from"):
            given[0] = {**given[0], "from": self.accounts.default}
        if method == "eth_sendTransaction" and given and "gas" not in given[0]:
            given[0] = {**given[0], "gas": self.request("eth_estimateGas", [given[0]])}
        if method == "eth_getStorageAt" and len(given) > 2 and str(given[2]).startswith("0x"):  # noqa: PLR2004
            given[2] = int(given[2], 16)
        return list(self._before[method](given)) if method in self._before else given


def _by_name(formatters: Mapping[Any, Callable[..., Any]] | None) -> dict[str, Callable[..., Any]]:
    return {str(method): formatter for method, formatter in (formatters or {}).items()}


def _outward(value: Any) -> Any:
    """A result as JSON carries it: quantities and bytes in 0x hex."""
    if isinstance(value, bool) or value is None or isinstance(value, str | float):
        return value
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Mapping):
        return {key: _outward(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_outward(each) for each in value]
    return str(value)
