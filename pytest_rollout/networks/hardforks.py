"""The rules of the virtual machine a development chain follows."""

from __future__ import annotations

from pytest_rollout.core.errors import NetworkError, listed, suggestion
from pytest_rollout.core.rollout import Network, NetworkKind

DEFAULT = "prague"
"""The newest that every kind of chain knows, so that a suite sees the same gas on all of them."""

DEFAULT_CHAIN_ID = 31337
"""What development chains answer by convention; a plan that needs another one names it."""

KNOWN = {
    NetworkKind.TESTER: ("paris", "shanghai", "cancun", "prague"),
    NetworkKind.ANVIL: ("paris", "shanghai", "cancun", "prague", "osaka"),
    NetworkKind.FORK: ("paris", "shanghai", "cancun", "prague", "osaka"),
}


def hardfork(network: Network) -> str:
    """The declared hardfork or the default; raises ``NetworkError`` for one this kind does not know."""
    name = network.hardfork or DEFAULT
    known = KNOWN[network.kind]
    if name not in known:
        raise NetworkError(
            f"network {network.name}: no hardfork '{name}' on a network of kind {network.kind.value}; "
            f"allowed are {listed(known)}.{suggestion(name, known)}"
        )
    return name
