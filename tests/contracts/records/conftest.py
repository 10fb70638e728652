"""The same two contracts as every tool writes them down."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

VAULT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
ESCROW = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
CHAIN = 42161

Writer = Callable[[Path, dict[str, Any], int], Path]


def write(path: Path, content: Any) -> Path:
    """JSON, or text as it is, in a file whose folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def hardhat_deploy(folder: Path, contracts: dict[str, Any], chain: int) -> Path:
    write(folder / "mainnet" / ".chainId", str(chain))
    write(folder / "mainnet" / "solcInputs" / "0123.json", {"language": "Solidity"})
    for name, address in contracts.items():
        write(folder / "mainnet" / f"{name}.json", {"address": address, "abi": [], "args": [], "bytecode": "0x"})
    return folder / "mainnet"


def rocketh(folder: Path, contracts: dict[str, Any], chain: int) -> Path:
    write(folder / "mainnet" / ".chain", {"chainId": str(chain), "genesisHash": "0x" + "11" * 32})
    for name, address in contracts.items():
        write(folder / "mainnet" / f"{name}.json", {"address": address, "abi": [], "argsData": "0x"})
    return folder / "mainnet"


def ignition(folder: Path, contracts: dict[str, Any], chain: int) -> Path:
    place = folder / f"chain-{chain}"
    write(place / "deployed_addresses.json", {f"Core#{name}": address for name, address in contracts.items()})
    lines = [{"chainId": chain, "type": "DEPLOYMENT_INITIALIZE"}]
    for name in contracts:
        lines.append({"futureId": f"Core#{name}", "type": "DEPLOYMENT_EXECUTION_STATE_INITIALIZE"})
        done = {"futureId": f"Core#{name}", "type": "DEPLOYMENT_EXECUTION_STATE_COMPLETE"}
        lines.append({**done, "result": {"type": "SUCCESS"}})
    write(place / "journal.jsonl", "\n".join(map(json.dumps, lines)))
    return place


def run(contracts: dict[str, Any], chain: int) -> dict[str, Any]:
    """One run of a Foundry script."""
    created = [(f"0x{number:064x}", *pair) for number, pair in enumerate(contracts.items(), 1)]
    return {
        "transactions": [
            {
                "hash": digest,
                "transactionType": "CREATE",
                "contractName": name,
                "contractAddress": address,
                "arguments": ["7"],
            }
            for digest, name, address in created
        ],
        "receipts": [
            {"transactionHash": digest, "status": "0x1", "contractAddress": address, "blockNumber": "0x10"}
            for digest, _, address in created
        ],
        "libraries": [f"src/Sums.sol:Sums:{VAULT}"],
        "pending": [],
        "chain": chain,
        "commit": "abc1234",
    }


def foundry(folder: Path, contracts: dict[str, Any], chain: int) -> Path:
    write(folder / "Deploy.s.sol" / str(chain) / "run-latest.json", run(contracts, chain))
    write(folder / "Deploy.s.sol" / str(chain) / "run-1700000000.json", {"transactions": [], "receipts": []})
    write(folder / "Deploy.s.sol" / str(chain) / "dry-run" / "run-latest.json", {"transactions": [], "receipts": []})
    return folder


def ape(folder: Path, contracts: dict[str, Any], chain: int) -> Path:
    network = {42161: "arbitrum:mainnet", 1: "ethereum:mainnet"}[chain]
    ecosystem, name = network.split(":")
    lines = ["name: vaults", "deployments:", f"  {ecosystem}:", f"    {name}:"]
    for each, address in contracts.items():
        lines += [f"      - contract_type: {each}", f"        address: {json.dumps(address)}"]
    return write(folder / "ape-config.yaml", "\n".join(lines))


def by_chain(folder: Path, contracts: dict[str, Any], chain: int) -> Path:
    return write(folder / "addresses.json", {str(chain): contracts, "5": {"Old": VAULT}})


def listing(folder: Path, contracts: dict[str, Any], chain: int) -> Path:
    here = [{"contractName": name, "chainId": chain, "address": address} for name, address in contracts.items()]
    return write(folder / "contracts.json", here)


def exported(folder: Path, contracts: dict[str, Any], chain: int) -> Path:
    return write(
        folder / "export.json",
        {"chainId": str(chain), "contracts": [{"name": name, "address": each} for name, each in contracts.items()]},
    )


def unified(folder: Path, contracts: dict[str, Any], chain: int) -> Path:
    named = {name: {"proxy": address, "implementation": ESCROW} for name, address in contracts.items()}
    document = {"schemaVersion": "1.0.0", "network": "arbitrum", "chainId": chain, "contracts": {"core": named}}
    return write(folder / "arbitrum.json", document)


def plain(folder: Path, contracts: dict[str, Any], chain: int) -> Path:
    return write(folder / "mainnet.json", contracts)


def memory(folder: Path, contracts: dict[str, Any], chain: int) -> Path:
    """What the public double is told to hold."""
    return write(folder / "memory.json", {"addresses": contracts, "chain_id": chain})


WRITERS: dict[str, Writer] = {
    "hardhat-deploy 1": hardhat_deploy,
    "hardhat-deploy 2": rocketh,
    "ignition": ignition,
    "foundry": foundry,
    "ape": ape,
    "list": listing,
    "list under contracts": exported,
    "unified": unified,
    "plain by chain": by_chain,
    "plain": plain,
    "memory": memory,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder to write records in."""
    made = tmp_path / "records"
    made.mkdir()
    return made


@pytest.fixture
def written(folder: Path) -> Callable[..., Path]:
    """Writes contracts as one of the tools does, for Arbitrum if nothing else is said."""

    def write_one(tool: str, contracts: dict[str, Any], chain: int = CHAIN) -> Path:
        return WRITERS[tool](folder, contracts, chain)

    return write_one


@pytest.fixture
def run_of() -> Callable[[dict[str, Any], int], dict[str, Any]]:
    """A run of a Foundry script as JSON."""
    return run
