"""Contract wallets asked whether they signed (EIP-1271), on the chain that the plan's sign-offs name."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from pytest_rollout.core.errors import NetworkError
from pytest_rollout.core.rollout import NetworkKind, Rollout
from pytest_rollout.core.signoff import SignoffPolicy

if TYPE_CHECKING:  # eth_account, for those who sign
    from pytest_rollout.ledger.signing import AskContract

_SELECTOR = "1626ba7e"
"""Of ``isValidSignature(bytes32,bytes)``, which is the magic value as well."""
_WORD = 32


def asker(rollout: Rollout, policy: SignoffPolicy) -> AskContract | None:
    """What asks a wallet at its newest final block; None where no network of kind ``rpc`` has that chain id."""
    networks = [
        each for each in rollout.networks.values() if each.kind is NetworkKind.RPC and each.chain_id == policy.chain_id
    ]
    if not networks:
        return None
    network = networks[0]

    def ask(address: str, digest: bytes, signature: bytes) -> bytes:
        from pytest_rollout.networks.opening import open_network  # noqa: PLC0415 - for wallets alone

        padded = signature + bytes(-len(signature) % _WORD)
        words = digest + (2 * _WORD).to_bytes(_WORD, "big") + len(signature).to_bytes(_WORD, "big") + padded
        with closing(open_network(network)) as chain:
            answer = chain.request("eth_call", [{"to": address, "data": f"0x{_SELECTOR}{words.hex()}"}, "latest"])
        try:
            return bytes.fromhex(str(answer).removeprefix("0x"))
        except ValueError:
            raise NetworkError(f"network {network.name}: {address} answers {str(answer)[:40]!r}, no bytes.") from None

    return ask
