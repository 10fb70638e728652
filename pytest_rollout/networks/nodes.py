"""The nodes of one real chain: asked together, believed where enough of them agree."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pytest_rollout.core.errors import NetworkError, listed
from pytest_rollout.core.rollout import Network
from pytest_rollout.networks.http import Endpoint, Patience, Refusal, Silent
from pytest_rollout.networks.logs import span_of
from pytest_rollout.networks.methods import Call
from pytest_rollout.networks.reverts import is_revert

Answers = Mapping[str, Sequence[Any]]
"""By the name a node is shown under: a result or a ``Refusal`` for each call."""

_OF_A_BLOCK: Mapping[str, int] = {
    "eth_call": 1,
    "eth_getBalance": 1,
    "eth_getCode": 1,
    "eth_getTransactionCount": 1,
    "eth_getStorageAt": 2,
}
"""Methods whose answer follows from the block they name, and where in the parameters that stands."""

_LOG = ("address", "blockHash", "transactionHash", "logIndex", "topics", "data")
"""What a log is; clients add different things to it."""

_HASHED = {"eth_getBlockByNumber": "hash", "eth_getBlockByHash": "hash"}
"""Methods that answer with an object of which clients show different parts, and the part that holds the rest."""


class Nodes:
    """One or several endpoints of a network. Every trouble is a ``NetworkError``.

    What follows from a block must be the same from every node that answers: one that differs is an
    error however many agree (rule 20). Nodes that do not answer are tolerated down to the quorum.
    What moves - the newest block, fees, a node's name - is the first node's word.
    """

    def __init__(self, network: Network, patience: Patience | None = None) -> None:
        self.name = network.name
        self.quorum = network.quorum
        self.endpoints = tuple(Endpoint(network.name, url, patience) for url in network.urls)

    @property
    def rate_limited(self) -> int:
        """How many answers said "too many requests"."""
        return sum(each.rate_limited for each in self.endpoints)

    @property
    def asked(self) -> int:
        """How many HTTP requests were made."""
        return sum(each.asked for each in self.endpoints)

    @property
    def most_at_once(self) -> int:
        """How many calls each of them is asked in one request."""
        return min(each.most_at_once for each in self.endpoints)

    def ask(self, calls: Sequence[Call]) -> list[Any]:
        """A result or a ``Refusal`` for each call, as a quorum has it."""
        if not calls:
            return []
        answers = self.each(calls)
        if len(self.endpoints) == 1:
            return list(next(iter(answers.values())))
        return [
            self._agreed(call, {name: given[index] for name, given in answers.items()})
            for index, call in enumerate(calls)
        ]

    def send(self, method: str, params: Sequence[Any]) -> Any:
        """The first node's answer to a call that writes; nothing is written twice."""
        return self.endpoints[0].ask([(method, params)])[0]

    def each(self, calls: Sequence[Call]) -> Answers:
        """The answers of every node that answers, which are a quorum at least."""
        answers, silent = self.heard(calls)
        if len(answers) >= self.quorum:
            return answers
        if len(self.endpoints) == 1:
            raise silent[0]
        raise NetworkError(
            f"network {self.name}: {len(answers)} of {len(self.endpoints)} nodes answer and {self.quorum} must agree: "
            f"{' '.join(str(each).partition(': ')[2] for each in silent)}"
        )

    def heard(self, calls: Sequence[Call]) -> tuple[Answers, list[Silent]]:
        """What those nodes say that answer, and the trouble with the others."""
        answers: dict[str, Sequence[Any]] = {}
        silent: list[Silent] = []
        for endpoint, given in zip(self.endpoints, self._all(lambda each: _asked(each, calls)), strict=True):
            if isinstance(given, Silent):
                silent.append(given)
            else:
                answers[endpoint.shown] = given
        return answers, silent

    def close(self) -> None:
        """Let go of all connections."""
        for endpoint in self.endpoints:
            endpoint.close()

    def _all(self, ask: Callable[[Endpoint], Any]) -> list[Any]:
        if len(self.endpoints) == 1:
            return [ask(self.endpoints[0])]
        with ThreadPoolExecutor(len(self.endpoints)) as pool:
            return list(pool.map(ask, self.endpoints))

    def _agreed(self, call: Call, given: Mapping[str, Any]) -> Any:
        """The answer that all give who know one; what a node cannot answer is no answer of another kind."""
        known = {name: each for name, each in given.items() if not isinstance(each, Refusal) or is_revert(each)}
        if not known:
            return next(iter(given.values()))
        if not _follows_from_a_block(call):
            return next(iter(known.values()))
        essences = {name: essence(call[0], each) for name, each in known.items()}
        if len(set(essences.values())) > 1:
            raise NetworkError(
                f"network {self.name}: its nodes disagree about {call[0]}: "
                f"{listed(f'{name} says {_short(each)}' for name, each in essences.items())}. Nothing was concluded."
            )
        if len(known) < self.quorum:
            refusals = (f"{name}: {each.message}" for name, each in given.items() if name not in known)
            raise NetworkError(
                f"network {self.name}: {len(known)} nodes can answer {call[0]} and {self.quorum} must agree; "
                f"{listed(refusals)}."
            )
        return next(iter(known.values()))


def essence(method: str, answer: Any) -> str:
    """An answer as it can be compared between clients."""
    if isinstance(answer, Refusal):
        return f"reverted with {answer.data!r}"
    if (key := _HASHED.get(method)) is not None and isinstance(answer, dict):
        return repr(answer.get(key))
    if method == "eth_getLogs" and isinstance(answer, list):
        logs = ([each.get(key) for key in _LOG] for each in answer if isinstance(each, dict))
        return f"{len(answer)} logs, {hashlib.sha256(repr(list(logs)).lower().encode()).hexdigest()[:16]}"
    return repr(answer).lower()


def _follows_from_a_block(call: Call) -> bool:
    method, params = call
    if method in {"eth_chainId", "eth_getBlockByHash"} or span_of(call) is not None:
        return True
    index = 0 if method == "eth_getBlockByNumber" else _OF_A_BLOCK.get(method)
    if index is None or len(params) <= index:
        return False
    block = params[index]
    return isinstance(block, dict) or (isinstance(block, str) and block[:2] == "0x")


def _asked(endpoint: Endpoint, calls: Sequence[Call]) -> Sequence[Any] | Silent:
    try:
        return endpoint.ask(calls)
    except Silent as trouble:
        return trouble


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"  # noqa: PLR2004 - a line's width
