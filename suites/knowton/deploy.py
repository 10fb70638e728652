"""Deploys KnowTon's contracts on a fresh testnet, where they are recorded: ``python deploy.py RPC_URL``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "services")]

from chain import Node  # noqa: E402 - the services' own, found there
from eth_abi.abi import encode  # noqa: E402 - as above
from eth_utils.address import to_checksum_address  # noqa: E402 - as above
from platform_up import configuration  # noqa: E402 - as above


def deploy(url: str) -> None:
    """All of them from the node's first account; the bonding service's account gets its role and tokens."""
    os.environ.update(configuration())
    recorded = json.loads((HERE / "deployments" / "testnet.json").read_text())
    node, found = Node(url), dict[str, str]()
    admin, issuer = node.ask("eth_accounts")[:2]
    for name, wanted in recorded.items():
        artifact = json.loads((HERE / "contracts" / "out" / f"{name}.json").read_text())
        inputs = next((each["inputs"] for each in artifact["abi"] if each["type"] == "constructor"), [])
        known = {"admin": admin, "token_": found.get("KnowTonToken"), "works_": found.get("CopyrightNFT")}
        given = encode(["address"] * len(inputs), [known[each["name"]] for each in inputs])
        receipt = node.transact({"data": artifact["bytecode"] + given.hex()}, admin)
        found[name] = to_checksum_address(receipt["contractAddress"])
        if found[name] != wanted:
            raise SystemExit(f"{name}: is at {found[name]}, and recorded at {wanted}; begin with a fresh testnet")
        sys.stdout.write(f"{name} {found[name]}\n")
    role = node.call("IP_BOND", "ISSUER_ROLE()", returns=["bytes32"])
    node.send("IP_BOND", "grantRole(bytes32,address)", role, issuer, sender=admin)
    node.send("KNOWTON_TOKEN", "mint(address,uint256)", issuer, 10**24, sender=admin)


if __name__ == "__main__":
    deploy(sys.argv[1])
