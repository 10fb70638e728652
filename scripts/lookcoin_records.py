"""Writes suites/lookcoin/deployments/*.json as LookCoin's state manager would, from chains of this machine.

    python scripts/lookcoin_records.py

The files are committed; run it after a contract or the inventory changed. Same contracts, same bytes.
"""

import json
import os
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from pytest_rollout.contracts.artifacts import Artifacts
from pytest_rollout.contracts.book import Contracts
from pytest_rollout.networks.opening import open_network
from pytest_rollout.plan import load

HERE = Path(__file__).parents[1] / "suites" / "lookcoin"
FIRST = 1_754_956_800_123_456_789
"""Nanoseconds since 1970: more than a double can hold."""

CATEGORIES = {"LookCoin": "core", "MinimalTimelock": "legacy"}


def category(name: str) -> str:
    """Where the unified format keeps a contract."""
    return CATEGORIES.get(name, "protocol" if name.endswith("Module") else "infrastructure")


def main() -> None:
    """Deploy and write, one network after the other."""
    spec = spec_from_file_location("lookcoin_conftest", HERE / "conftest.py")
    if spec is None or spec.loader is None:
        raise SystemExit("suites/lookcoin/conftest.py is missing")
    suite = module_from_spec(spec)
    spec.loader.exec_module(suite)
    rollout = load(HERE / "rollout.toml", environment=os.environ, root=HERE)
    for network, names in rollout.contracts.inventory.items():
        chain = open_network(rollout.networks[network])
        book = Contracts(chain, Artifacts(rollout.contracts.artifacts), {})
        document: dict[str, Any] = {
            "schemaVersion": "1.0.0",
            "network": network.replace("-", ""),
            "chainId": chain.chain_id,
            "contracts": {each: {} for each in ("core", "protocol", "infrastructure", "legacy")},
            "verification": {"implementationHashes": {}},
        }
        for number, (name, address, behind, given) in enumerate(suite.deploy(book, network, names)):
            code = keccak(hexstr=chain.request("eth_getCode", [behind or address, "latest"])).hex()
            places = {"address": address} if behind is None else {"proxy": address, "implementation": behind}
            document["contracts"][category(name)][name] = places
            document["verification"]["implementationHashes"][name] = f"0x{code}"
            document[f"extended_{name}"] = {
                "factoryByteCodeHash": f"0x{keccak(hexstr=book.artifact(name).bytecode).hex()}",
                "implementationHash": f"0x{code}",
                "deploymentArgs": given,
                "timestamp": FIRST + number,
            }
        chain.close()
        file = HERE / "deployments" / f"{document['network']}.json"
        file.write_text(f"{json.dumps(document, indent=1)}\n")
        print(f"{file.name}: {len(names)} contracts")


if __name__ == "__main__":
    main()
