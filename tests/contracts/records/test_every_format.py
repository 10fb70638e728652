"""What holds for every format of records."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.contracts.records.reading import FORMATS, read_records
from pytest_rollout.contracts.records.record import Records
from pytest_rollout.core.errors import ContractError
from pytest_rollout.plan import recorded
from pytest_rollout.testing.records import MemoryRecords

Written = Callable[..., Path]

VAULT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
ESCROW = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
CHAIN = 42161
ZERO = "0x" + "00" * 20
WRONG = VAULT.replace("aa3", "aA3")

TOOLS = {
    "hardhat-deploy 1": "hardhat-deploy",
    "hardhat-deploy 2": "hardhat-deploy",
    "ignition": "ignition",
    "foundry": "foundry",
    "ape": "ape",
    "list": "list",
    "list under contracts": "list",
    "unified": "unified",
    "plain by chain": "plain",
    "plain": "plain",
    "memory": "memory",
}
"""How records are written, and the format that reads each."""


def read(path: Path, **asked: Any) -> Records:
    """By the formats there are; the public double finds in memory what its file tells it to hold."""
    if path.name != "memory.json":
        return read_records(path, **asked)
    held = json.loads(path.read_text())
    return read_records(path, formats=[MemoryRecords(held["addresses"], chain_id=held["chain_id"])], **asked)


@pytest.mark.parametrize("tool", TOOLS)
class TestEveryFormat:
    """Each is written by its tool's shape and read back, and so is the double."""

    def test_it_is_recognised_and_read(self, written: Written, tool: str) -> None:
        records = read(written(tool, {"Vault": VAULT, "Escrow": ESCROW}), chain_id=CHAIN)

        assert records.format == TOOLS[tool]
        assert records.addresses == {"Vault": VAULT, "Escrow": ESCROW}
        assert all(record.file.is_file() for record in records.contracts.values())

    def test_it_is_read_by_name(self, written: Written, tool: str) -> None:
        records = read(written(tool, {"Vault": VAULT}), chain_id=CHAIN, format=TOOLS[tool])

        assert records.addresses == {"Vault": VAULT}

    @pytest.mark.parametrize("address", [VAULT.lower(), "0x" + VAULT[2:].upper()], ids=["lower", "upper"])
    def test_addresses_come_back_as_checksums(self, written: Written, tool: str, address: str) -> None:
        records = read(written(tool, {"Vault": address}), chain_id=CHAIN)

        assert records.addresses == {"Vault": VAULT}

    @pytest.mark.parametrize(
        ("address", "why"),
        [
            (ZERO, "the zero address is nobody's"),
            (WRONG, "has a wrong checksum"),
            ("0xTODO", "is no address"),
            ("0x", "is no address"),
        ],
        ids=["zero", "checksum", "placeholder", "empty"],
    )
    def test_an_address_that_is_none_is_refused(self, written: Written, tool: str, address: str, why: str) -> None:
        record = written(tool, {"Escrow": ESCROW, "Vault": address})

        with pytest.raises(ContractError, match=f"Vault: .*{why}"):
            read(record, chain_id=CHAIN)

    def test_a_contract_can_be_given_another_name(self, written: Written, tool: str) -> None:
        record = written(tool, {"Vault": VAULT, "Escrow": ESCROW})

        records = read(record, chain_id=CHAIN, names={"Safe": VAULT.lower()})

        assert records.addresses == {"Safe": VAULT, "Escrow": ESCROW}

    def test_a_name_for_nothing_is_refused(self, written: Written, tool: str) -> None:
        record = written(tool, {"Vault": VAULT})

        with pytest.raises(ContractError, match="'Safe2', meant to be Safe, fits 0 of the contracts recorded"):
            read(record, chain_id=CHAIN, names={"Safe": "Safe2"})

    def test_its_names_are_known_to_the_plan(self, written: Written, tool: str) -> None:
        if tool == "memory":
            return  # no plan can name it
        record = written(tool, {"Vault": VAULT, "Escrow": ESCROW})

        assert {"Vault", "Escrow"} <= recorded.deployed(record)


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool != "plain"])
def test_a_record_of_another_chain_is_refused(written: Written, tool: str) -> None:
    record = written(tool, {"Vault": VAULT})

    with pytest.raises(ContractError, match=r"chain id 10\b|network.s is 10\.|records no contract"):
        read(record, chain_id=10)


def test_the_plan_and_the_room_know_the_same_formats() -> None:
    assert {each.name for each in FORMATS} == set(recorded.FORMATS)


def test_a_format_that_is_none_is_told(folder: Path) -> None:
    with pytest.raises(ContractError, match="no format 'foundy'; there are .* Did you mean 'foundry'?"):
        read(folder, chain_id=1, format="foundy")
