"""A declared network, opened."""

from __future__ import annotations

from contextlib import closing

from pytest_rollout.core.chain import Block
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.port import Chain


def open_network(
    network: Network, *, pin: Block | None = None, allow_writes: bool = False, upstream: Chain | None = None
) -> Chain:
    """The chain of that network, known to have the declared chain id before anything else was asked.

    ``pin`` is the block that a real chain, or a fork of one, is read at; without it the newest
    final one is. ``allow_writes`` is the second lock on transactions towards a real chain.
    ``upstream`` is the open anvil that a fork of an anvil is a copy of; without it, of a fresh one.
    Raises ``NetworkError``; nothing is left running then.
    """
    # Each kind is imported only where it is used: the libraries of the others are not paid for.
    if network.kind is NetworkKind.RPC:
        from pytest_rollout.networks.rpc import RpcChain  # noqa: PLC0415

        return RpcChain(network, pin=pin, allow_writes=allow_writes)
    if network.of is not None and network.real is None:
        return _branch(network, network.of, upstream)
    if network.kind is NetworkKind.FORK:
        from pytest_rollout.networks.fork import ForkChain  # noqa: PLC0415

        return ForkChain(network, pin=pin)
    if network.kind is NetworkKind.ANVIL:
        from pytest_rollout.networks.anvil import AnvilChain  # noqa: PLC0415

        return AnvilChain(network)
    from pytest_rollout.networks.tester import TesterChain  # noqa: PLC0415

    return TesterChain(network)


def _branch(network: Network, of: Network, upstream: Chain | None) -> Chain:
    from pytest_rollout.networks.anvil import AnvilChain  # noqa: PLC0415 - as above
    from pytest_rollout.networks.branch import Branch  # noqa: PLC0415 - as above

    if isinstance(upstream, AnvilChain):
        return Branch(network, upstream)
    with closing(AnvilChain(of)) as fresh:
        return Branch(network, fresh)
