"""A chain that answers what it is told to: the public double of the port."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from pytest_rollout.core.errors import NetworkError, RolloutError
from pytest_rollout.core.rollout import NetworkKind
from pytest_rollout.networks.accounts import Accounts
from pytest_rollout.networks.methods import check_reads
from pytest_rollout.networks.port import Head
from pytest_rollout.networks.reverts import CustomErrors
from pytest_rollout.networks.unruled import Unruled


class MemoryChain(Unruled):
    """Reads like a real chain, of which nothing is there but what ``answer(method, params)`` says.

    An answer is JSON, or the error that is raised. ``asked`` holds every call, for a test to look at;
    ``batches`` how many of them each batch held.
    """

    kind = NetworkKind.RPC

    def __init__(
        self,
        answer: Callable[[str, Sequence[Any]], Any],
        *,
        name: str = "memory",
        chain_id: int = 31337,
        pinned: Head | None = None,
        accounts: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.chain_id = chain_id
        self.pinned = pinned
        self.accounts = Accounts(name, accounts, {})
        self.errors = CustomErrors()
        self.asked: list[tuple[str, Sequence[Any]]] = []
        self.batches: list[int] = []
        self._answer = answer
        self._is_closed = False

    @cached_property
    def w3(self) -> Any:
        """A web3.py connection to the same answers."""
        from pytest_rollout.networks.provider import web3_over  # noqa: PLC0415 - heavy

        return web3_over(self.request, None)

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        """What it was told to answer; an answer that is an error is raised."""
        self._check_open()
        self.asked.append((method, params))
        answer = self._answer(method, params)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any | Exception]:
        """The answers in order, an error in its own place."""
        self._check_open()
        check_reads(self.name, calls)
        self.batches.append(len(calls))
        return [self._or_error(method, params) for method, params in calls]

    def _or_error(self, method: str, params: Sequence[Any]) -> Any | Exception:
        try:
            return self.request(method, params)
        except RolloutError as error:
            return error

    def send(self, transaction: Mapping[str, Any]) -> Mapping[str, Any]:
        """What it was told to answer to ``eth_getTransactionReceipt`` of what it answers to the sending."""
        sent = self.request("eth_sendTransaction", [transaction])
        receipt: Mapping[str, Any] = self.request("eth_getTransactionReceipt", [sent])
        return receipt

    def head(self) -> Head:
        """The block it is pinned to; without one, there is none."""
        self._check_open()
        if self.pinned is None:
            raise NetworkError(f"network {self.name}: it was given no block; pass pinned=Head(…).")
        return self.pinned

    def close(self) -> None:
        """Answer nothing any more."""
        self._is_closed = True

    def _check_open(self) -> None:
        if self._is_closed:
            raise NetworkError(f"network {self.name}: it was closed; nothing more can be read from it.")
