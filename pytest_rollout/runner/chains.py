"""The real chains whose own samples a plan asks for, opened when the first metric needs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from typing import Any, Self

from pytest_rollout.core.errors import MetricError, NetworkError
from pytest_rollout.core.rollout import Rollout

Rpc = Callable[[str, Sequence[Any]], Any]


class Chains:
    """The JSON-RPC of a rollout's networks by name: read by the supervisor itself, never written to."""

    def __init__(self, rollout: Rollout) -> None:
        self._rollout = rollout
        self._opened: dict[str, Rpc] = {}
        self._stack = ExitStack()

    def rpc(self, name: str) -> Rpc:
        """The calls of one network; ``MetricError`` where no real chain is behind it."""
        if name not in self._opened:
            self._opened[name] = self._open(name)
        return self._opened[name]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _open(self, name: str) -> Rpc:
        network = self._rollout.networks.get(name)
        real = None if network is None else network.real
        if real is None:
            raise MetricError(
                f"network {name} lives only while a gate runs, so it has no history to ask for; "
                "name a network of kind rpc, or measure it in a test."
            )
        from pytest_rollout.networks.http import Refusal  # noqa: PLC0415 - for plans that ask a chain
        from pytest_rollout.networks.nodes import Nodes  # noqa: PLC0415 - as above

        nodes = self._stack.enter_context(closing(Nodes(real)))

        def call(method: str, parameters: Sequence[Any]) -> Any:
            answer = nodes.ask([(method, parameters)])[0]
            if isinstance(answer, Refusal):
                raise NetworkError(f"network {real.name}: {method} was refused: {answer.message}.")
            return answer

        return call
