"""A declared network, opened."""

from __future__ import annotations

from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.port import Chain


def open_network(network: Network) -> Chain:
    """The chain of that network, known to have the declared chain id before anything else was asked.

    Raises ``NetworkError``; nothing is left running then.
    """
    # Each kind is imported only where it is used: the libraries of the other one are not paid for.
    if network.kind is NetworkKind.ANVIL:
        from pytest_rollout.networks.anvil import AnvilChain  # noqa: PLC0415

        return AnvilChain(network)
    from pytest_rollout.networks.tester import TesterChain  # noqa: PLC0415

    return TesterChain(network)
