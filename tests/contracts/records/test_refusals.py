"""Records that are refused, each with its place and its reason."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.contracts.records import place as bounds
from pytest_rollout.contracts.records.reading import read_records
from pytest_rollout.core.errors import ContractError

A = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
B = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
HASH = "0x" + "ab" * 32
ONCE = {"hash": "0x1", "transactionType": "CREATE", "contractName": "Vault", "contractAddress": A}
DONE = {"transactionHash": "0x1", "status": "0x1", "contractAddress": A}
RUN: dict[str, Any] = {"transactions": [ONCE], "receipts": [DONE], "pending": [], "chain": 1}
ENTRY: dict[str, Any] = {"address": A, "abi": []}
UNIFIED: dict[str, Any] = {
    "schemaVersion": "1.0.0",
    "network": "mainnet",
    "chainId": 1,
    "contracts": {"core": {"Vault": {"proxy": A, "implementation": B}}},
}
APE = "deployments:\n  ethereum:\n    mainnet:\n"

Files = dict[str, Any]


def write(folder: Path, files: Files) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())


def journal(*lines: dict[str, Any]) -> bytes:
    return "\n".join(json.dumps(line) for line in lines).encode()


BEGUN = {"futureId": "M#Vault", "type": "DEPLOYMENT_EXECUTION_STATE_INITIALIZE"}
FAILED = {
    "futureId": "M#Vault",
    "type": "DEPLOYMENT_EXECUTION_STATE_COMPLETE",
    "result": {"type": "REVERTED_TRANSACTION"},
}

REFUSED: dict[str, tuple[str, Files, str]] = {
    "a folder of nothing": ("", {}, "is in no format known here"),
    "a map of numbers": ("a.json", {"a.json": {"A": 5}}, "is in no format known here"),
    "a list of texts": ("a.json", {"a.json": ["A"]}, "is in no format known here"),
    "nothing in it": ("a.json", {"a.json": {}}, "is in no format known here"),
    "half a file": ("a.json", {"a.json": b"{"}, "is not JSON"),
    "bytes": ("a.json", {"a.json": b"\xff\xfe"}, "is not JSON"),
    "open brackets": ("a.json", {"a.json": b"[" * 100_000}, "nested more than 200 levels deep"),
    "a name twice": ("a.json", {"a.json": f'{{"A": "{A}", "A": "{B}"}}'.encode()}, "'A' is there twice"),
    "a name that is none": ("a.json", {"a.json": {"a b": A}}, "'a b' is no contract name."),
    "no such file": ("none.json", {}, r"cannot be read \(No such file or directory\)"),
    "a back-up": ("mainnet.backup-123.json", {"mainnet.backup-123.json": {"A": A}}, "looks like a copy"),
    "two names, short ones the same": (
        "a.json",
        {"a.json": {"src/Old.sol:Vault": A, "src/New.sol:Vault": B}},
        rf"Vault is recorded twice, as src/Old\.sol:Vault at {A} and as src/New\.sol:Vault at {B}; remove one, or give",
    ),
    "the same chain twice": (
        "a.json",
        {"a.json": {"1": {"A": A}, "0x1": {"A": B}}},
        "two keys are the same chain id",
    ),
    "two files for one chain": (
        "",
        {"mainnet.json": UNIFIED, "Ethereum-Mainnet.json": {**UNIFIED, "chainId": "1"}},
        r"Ethereum-Mainnet\.json, mainnet\.json claim the same chain id 1; keep the one that is right",
    ),
    "one file of a folder in no format": (
        "",
        {"mainnet.json": UNIFIED, "notes.json": {"a": 1}},
        r"notes\.json: is in no",
    ),
    "a folder for another chain": (
        "",
        {"a.json": UNIFIED | {"chainId": 97}, "b.json": UNIFIED | {"chainId": "56"}},
        r"no record for chain id 1; there are 56, 97\.",
    ),
    "two folders for one chain": (
        "",
        {"a/.chainId": b"1", "a/Vault.json": ENTRY, "b/.chainId": b"1\n", "b/Vault.json": ENTRY},
        "a, b claim the same chain id 1",
    ),
    "hardhat-deploy: no chain id": (
        "",
        {".chainId": b"main", "Vault.json": ENTRY},
        ".chainId says 'main', which is no",
    ),
    "hardhat-deploy: true as chain id": ("", {".chain": {"chainId": True}, "Vault.json": ENTRY}, ".chain says True"),
    "hardhat-deploy: two chain ids": (
        "",
        {".chainId": b"1", ".chain": {"chainId": "2"}, "Vault.json": ENTRY},
        ".chainId says 1 and .chain says 2",
    ),
    "hardhat-deploy: pending": (
        "",
        {".chainId": b"1", ".pendingTransactions": {"0xab": {}}, "Vault.json": ENTRY},
        ".pendingTransactions lists transactions that nobody saw mined",
    ),
    "hardhat-deploy: no address": ("", {".chainId": b"1", "Vault.json": {"abi": []}}, r"Vault\.json: has no 'address'"),
    "ignition: begun": (
        "chain-1",
        {"chain-1/deployed_addresses.json": {"M#Old": A}, "chain-1/journal.jsonl": journal(BEGUN)},
        "M#Vault was begun and did not succeed",
    ),
    "ignition: failed": (
        "chain-1",
        {"chain-1/deployed_addresses.json": {"M#Old": A}, "chain-1/journal.jsonl": journal(BEGUN, FAILED)},
        "M#Vault was begun and did not succeed",
    ),
    "ignition: about another chain": (
        "chain-1",
        {"chain-1/deployed_addresses.json": {"M#Old": A}, "chain-1/journal.jsonl": journal({"chainId": 5})},
        "is called chain-1, its journal.jsonl is about chain 5",
    ),
    "ignition: two modules": (
        "chain-1",
        {"chain-1/deployed_addresses.json": {"M#Vault": A, "N#Vault": B}},
        f"Vault is recorded twice, as M#Vault at {A} and as N#Vault at {B}",
    ),
    "foundry: dry run": (
        "S.s.sol/1/dry-run/run-latest.json",
        {"S.s.sol/1/dry-run/run-latest.json": RUN},
        "is a dry run, nothing of it is on a chain",
    ),
    "foundry: dry runs only": ("S.s.sol/1", {"S.s.sol/1/dry-run/run-latest.json": RUN}, "is in no format known here"),
    "foundry: folder of dry runs": (
        "S.s.sol/1/dry-run",
        {"S.s.sol/1/dry-run/run-latest.json": RUN},
        r"has no run-latest\.json of a real run",
    ),
    "foundry: pending": ("r.json", {"r.json": RUN | {"pending": ["0x1"]}}, "1 of its transactions are pending"),
    "foundry: fewer receipts": ("r.json", {"r.json": RUN | {"receipts": []}}, "has 0 receipts for 1 transactions"),
    "foundry: receipts of others": (
        "r.json",
        {"r.json": RUN | {"receipts": [DONE | {"transactionHash": "0x2"}]}},
        "transaction 0x1 has no receipt",
    ),
    "foundry: reverted": (
        "r.json",
        {"r.json": RUN | {"receipts": [DONE | {"status": "0x0"}]}},
        "transaction 0x1 failed",
    ),
    "foundry: no status": (
        "r.json",
        {"r.json": RUN | {"receipts": [DONE | {"status": None}]}},
        "transaction 0x1 failed",
    ),
    "foundry: receipt says elsewhere": (
        "r.json",
        {"r.json": RUN | {"receipts": [DONE | {"contractAddress": B}]}},
        f"Vault is said to be at {A}, its receipt says {B}",
    ),
    "foundry: chain and folder": (
        "S.s.sol/5/run-latest.json",
        {"S.s.sol/5/run-latest.json": RUN},
        "lies in the folder of chain 5 and is about chain 1",
    ),
    "foundry: nothing created": (
        "r.json",
        {"r.json": RUN | {"transactions": [ONCE | {"transactionType": "CALL"}]}},
        "records no contract",
    ),
    "list: another chain": ("l.json", {"l.json": [{"name": "A", "chainId": 5, "address": A}]}, "records no contract"),
    "list: no chain id": (
        "l.json",
        {"l.json": [{"name": "A", "chainId": "main", "address": A}]},
        "'main' is no chain id",
    ),
    "list: twice": (
        "l.json",
        {"l.json": [{"name": "A", "address": A}, {"name": "A", "address": A}]},
        "A is recorded twice",
    ),
    "unified: two categories": (
        "u.json",
        {"u.json": UNIFIED | {"contracts": {"core": {"Vault": {"proxy": A}}, "legacy": {"Vault": {"proxy": B}}}}},
        "Vault stands under core and under legacy",
    ),
    "unified: unknown category": (
        "u.json",
        {"u.json": UNIFIED | {"contracts": {"more": {"V": A}}}},
        "no category 'more'",
    ),
    "unified: details of nobody": (
        "u.json",
        {"u.json": UNIFIED | {"extended_Safe": {"implementationHash": HASH}}},
        "extended_Safe is about a contract that stands under no category",
    ),
    "unified: a hash of nobody": (
        "u.json",
        {"u.json": UNIFIED | {"verification": {"implementationHashes": {"Safe": HASH}}}},
        r"verification\.implementationHashes\.Safe is about a contract",
    ),
    "unified: two hashes": (
        "u.json",
        {
            "u.json": UNIFIED
            | {
                "verification": {"implementationHashes": {"Vault": HASH}},
                "extended_Vault": {"implementationHash": HASH.replace("ab", "cd")},
            }
        },
        "Vault: two implementation hashes",
    ),
    "unified: no hash": (
        "u.json",
        {"u.json": UNIFIED | {"extended_Vault": {"implementationHash": "0xTODO"}}},
        "Vault: its implementation hash '0xTODO' is no hash of 32 bytes",
    ),
    "unified: implementation nobody's": (
        "u.json",
        {"u.json": UNIFIED | {"contracts": {"core": {"Vault": {"proxy": A, "implementation": "0x" + "00" * 20}}}}},
        "Vault: implementation: the zero address is nobody's",
    ),
    "openzeppelin: another chain": (
        "unknown-5.json",
        {"unknown-5.json": {"manifestVersion": "3.2", "proxies": [{"address": A, "kind": "uups"}], "impls": {}}},
        "recorded for chain id 5, the network's is 1",
    ),
    "ape: alias": (
        "ape-config.yaml",
        {"ape-config.yaml": b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"},
        "is no plain YAML: has an alias; write the value out",
    ),
    "ape: deep": ("ape-config.yaml", {"ape-config.yaml": b"[" * 110}, "is nested more than 100 levels deep"),
    "ape: a key twice": (
        "ape-config.yaml",
        {"ape-config.yaml": b"deployments: {}\ndeployments: {}\n"},
        "has 'deployments' twice",
    ),
    "ape: an object": (
        "ape-config.yaml",
        {"ape-config.yaml": b"a: !!python/object/apply:os.getpid []\n"},
        "is no plain YAML",
    ),
    "ape: no type": (
        "ape-config.yaml",
        {"ape-config.yaml": (APE + f"      - address: '{A}'\n").encode()},
        "an entry of ethereum:mainnet has no contract_type",
    ),
    "ape: unknown network": (
        "ape-config.yaml",
        {
            "ape-config.yaml": (APE + f"      - contract_type: V\n        address: {A}\n")
            .replace("mainnet", "sepolia")
            .encode()
        },
        r"none of its networks \(ethereum:sepolia\) is known to have chain id 1",
    ),
}


@pytest.mark.parametrize(("path", "files", "told"), REFUSED.values(), ids=REFUSED)
def test_a_record_that_cannot_be_used_is_refused_in_a_sentence(
    folder: Path, path: str, files: Files, told: str
) -> None:
    write(folder, files)

    with pytest.raises(ContractError, match=told) as refused:
        read_records(folder / path, chain_id=1)

    assert str(refused.value).startswith(f"deployments {folder}")


@pytest.mark.parametrize("name", ["mainnet.backup-123.json", "mainnet.json.bak.json", "mainnet_old.json", "copy.json"])
def test_leftovers_are_left_alone_and_named(folder: Path, name: str) -> None:
    write(folder, {"mainnet.json": UNIFIED, name: UNIFIED | {"contracts": {"core": {"Vault": {"proxy": B}}}}})

    records = read_records(folder, chain_id=1)

    assert records.addresses == {"Vault": A}
    assert records.aside == (name,)


def test_an_address_without_quotes_keeps_its_spelling(folder: Path) -> None:
    """YAML would read it as an integer and lose zeros and checksum."""
    write(folder, {"ape-config.yaml": (APE + f"      - contract_type: Vault\n        address: {A}\n").encode()})

    assert read_records(folder, chain_id=1).addresses == {"Vault": A}


def test_a_link_out_of_the_folder_is_refused(folder: Path) -> None:
    write(folder, {".chainId": b"1", "Vault.json": ENTRY})
    outside = folder.parent / "Escrow.json"
    outside.write_text(json.dumps(ENTRY))
    (folder / "Escrow.json").symlink_to(outside)

    with pytest.raises(ContractError, match=r"Escrow\.json is a link that leads out of the folder"):
        read_records(folder, chain_id=1)


def test_a_link_within_the_folder_is_followed(folder: Path) -> None:
    write(folder, {".chainId": b"1", "Vault.json": ENTRY})
    (folder / "Safe.json").symlink_to("Vault.json")

    assert set(read_records(folder, chain_id=1).addresses) == {"Vault", "Safe"}


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "mainnet.json")

    with pytest.raises(ContractError, match=r"mainnet\.json: is no regular file"):
        read_records(folder / "mainnet.json", chain_id=1)


@pytest.mark.parametrize(
    ("bound", "value", "told"),
    [("LARGEST", 10, "is larger than"), ("MOST_BYTES", 10, "holds more than"), ("MOST_FILES", 1, "has 2 entries")],
)
def test_what_is_larger_than_any_record_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, bound: str, value: int, told: str
) -> None:
    write(folder, {".chainId": b"1", "Vault.json": ENTRY, "Escrow.json": ENTRY})
    monkeypatch.setattr(bounds, bound, value)

    with pytest.raises(ContractError, match=told):
        read_records(folder, chain_id=1)


def test_everything_that_is_known_comes_along(
    folder: Path, run_of: Callable[..., Any], written: Callable[..., Path]
) -> None:
    write(folder, {"run.json": run_of({"src/Vault.sol:Vault": A}, 1)})

    vault = read_records(folder / "run.json", chain_id=1).contracts["Vault"]

    assert (vault.key, vault.chain_id, vault.block) == ("src/Vault.sol:Vault", 1, 16)
    assert vault.arguments == ("7",)
    assert vault.libraries == {"Sums": A}


def test_a_state_manager_s_proxy_is_where_its_contract_is_called(folder: Path) -> None:
    entry = {"contractName": "Vault", "chainId": "1", "address": B, "proxyAddress": A, "implementationHash": HASH}
    write(folder, {"list.json": [entry, entry | {"chainId": 5}]})

    vault = read_records(folder / "list.json", chain_id=1).contracts["Vault"]

    assert (vault.address, vault.implementation, vault.implementation_hash) == (A, B, HASH)


def test_a_manifest_names_contracts_by_address_until_the_plan_does(folder: Path) -> None:
    manifest = {
        "manifestVersion": "3.2",
        "proxies": [{"address": A, "kind": "uups"}],
        "impls": {"ab": {"address": B, "layout": {}}},
    }
    write(folder, {"mainnet.json": manifest, "unknown-5.json": manifest})

    unnamed = read_records(folder, chain_id=1)
    named = read_records(folder, chain_id=1, names={"Vault": A})

    assert unnamed.addresses == {"proxy_5fbdb231": A, "implementation_e7f1725e": B}
    assert named.addresses == {"Vault": A, "implementation_e7f1725e": B}
