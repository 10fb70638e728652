"""Writes suites/lookcoin's state from chains of this machine: LevelDB as it was, JSON as the migration leaves it.

    python scripts/lookcoin_records.py

The files are committed; run it after a contract or the inventory changed. Same contracts, same bytes of JSON.
"""

import hashlib
import json
import os
import shutil
import sys
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
    print(f"leveldb: {leveldb()} keys")


def leveldb() -> int:
    """The LevelDB that those records were migrated from, its known corrupted entry, and the manifest of its backup."""
    sys.path.insert(0, str(HERE))
    from manager import FILES, JsonState, LevelDbState  # noqa: PLC0415 - the suite's own program

    folder = HERE / "leveldb"
    shutil.rmtree(folder, ignore_errors=True)
    before, after, keys = LevelDbState(folder, create=True), JsonState(HERE / "deployments"), 1
    for chain_id in FILES:
        for record in after.of(chain_id).values():
            before.put(record)
            keys += 1
    before.put({"contractName": "LookCoin", "chainId": 31337, "networkName": "hardhat", "address": "0x" + "0" * 40})
    before.close()
    for name in ("LOCK", "LOG"):
        (folder / name).unlink()
    lines = [f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n" for each in sorted(folder.iterdir())]
    (HERE / "leveldb.sha256").write_text("".join(lines))
    return keys


if __name__ == "__main__":
    main()
