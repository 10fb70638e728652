"""The fields of a call or transaction as JSON-RPC takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_rollout.contracts.arguments import shown
from pytest_rollout.core.errors import ContractError, listed, suggestion
from pytest_rollout.networks.port import Chain

FIELDS = (
    *("from", "value", "gas", "nonce", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas"),
    *("accessList", "chainId", "type", "blobVersionedHashes", "maxFeePerBlobGas", "authorizationList"),
)
"""What a caller may say; ``to`` and ``data`` are the contract's and the call's."""

_STRUCTURED = {"accessList", "blobVersionedHashes", "authorizationList"}
_TAGS = {"latest", "earliest", "pending", "safe", "finalized"}


def fields(place: str, chain: Chain, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the caller said, in 0x hex, and who sends: a role, an address, or whoever sends by default."""
    told: dict[str, Any] = {}
    for key, value in (given or {}).items():
        if key not in FIELDS:
            raise ContractError(
                f"{place}: a transaction has no '{key}' to give here; allowed are {listed(FIELDS)}."
                f"{suggestion(key, FIELDS)}"
            )
        if key in _STRUCTURED or (isinstance(value, str) and value[:2] == "0x"):
            told[key] = value
        elif key == "from" and isinstance(value, str):
            told[key] = chain.accounts[value]
        elif isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            told[key] = hex(value)
        else:
            raise ContractError(f"{place}: '{key}' is {shown(value)}; a whole number from 0 or 0x hex is needed.")
    if "from" not in told and chain.accounts.addresses:
        told["from"] = chain.accounts.default
    return told


def block(place: str, given: Any) -> Any:
    """A block as JSON-RPC names it: a number, a tag, or a hash."""
    if given is None:
        return "latest"
    if isinstance(given, bytes):
        return {"blockHash": "0x" + given.hex()}
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        return hex(given)
    if isinstance(given, str) and given[:2] == "0x" and len(given) == 66:  # noqa: PLR2004 - a hash
        return {"blockHash": given}
    if isinstance(given, str) and (given in _TAGS or given[:2] == "0x"):
        return given
    raise ContractError(
        f"{place}: block_identifier is {shown(given)}; a number, a hash, or one of {listed(sorted(_TAGS))} is needed."
    )
