"""Deployment records, read strictly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_rollout.contracts.deployments import read_deployments
from pytest_rollout.core.errors import ContractError

CHECKSUM = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


@pytest.mark.parametrize("written", [CHECKSUM, CHECKSUM.lower(), "0x" + CHECKSUM[2:].upper()])
def test_addresses_come_back_as_checksums(tmp_path: Path, written: str) -> None:
    record = tmp_path / "mainnet.json"
    record.write_text(json.dumps({"SkillProfile": written}))

    assert read_deployments(record) == {"SkillProfile": CHECKSUM}


UNKNOWN = 'is in no format known here; a map of contract names to addresses is needed, such as {"SkillProfile": "0x…"}.'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(
            f'{{"A": "{CHECKSUM}", "A": "{CHECKSUM}"}}',
            "'A' is there twice; keep the one that is right.",
            id="a name twice",
        ),
        pytest.param(
            f'{{"A": "0x{"00" * 20}"}}',
            "A: the zero address is nobody's; it stands where an address was never filled in.",
            id="zero address",
        ),
        pytest.param('{"A": "0x..."}', "A: '0x...' is no address; 0x and 40 hex digits are needed.", id="placeholder"),
        pytest.param('{"A": ""}', "A: '' is no address; 0x and 40 hex digits are needed.", id="empty"),
        pytest.param('{"A": "TODO"}', "A: 'TODO' is no address; 0x and 40 hex digits are needed.", id="a word"),
        pytest.param(
            f'{{"A": "{CHECKSUM[2:]}"}}',
            f"A: '{CHECKSUM[2:]}' is no address; 0x and 40 hex digits are needed.",
            id="without 0x",
        ),
        pytest.param(
            f'{{"A": "{CHECKSUM} "}}',
            f"A: '{CHECKSUM} ' is no address; 0x and 40 hex digits are needed.",
            id="trailing space",
        ),
        pytest.param(
            f'{{"A": "{CHECKSUM}00"}}',
            f"A: '{CHECKSUM}00' is no address; 0x and 40 hex digits are needed.",
            id="too long",
        ),
        pytest.param(
            '{"A": "0x5FbDB2315678afecb367f032d93F642f64180aA3"}',
            "A: '0x5FbDB2315678afecb367f032d93F642f64180aA3' has a wrong checksum; a digit is mistyped, "
            f"or it is meant to be '{CHECKSUM}'.",
            id="checksum",
        ),
        pytest.param(f'{{"a b": "{CHECKSUM}"}}', "'a b' is no contract name.", id="no name"),
        pytest.param("{}", UNKNOWN, id="nothing in it"),
        pytest.param("[]", UNKNOWN, id="a list"),
        pytest.param("null", UNKNOWN, id="null"),
        pytest.param('{"A": 5}', UNKNOWN, id="a number"),
        pytest.param(f'{{"A": "{CHECKSUM}", "B": null}}', UNKNOWN, id="one of them null"),
        pytest.param('{"A": {"address": "0x"}}', UNKNOWN, id="another format"),
    ],
)
def test_a_record_that_cannot_be_used_is_told_with_its_place(tmp_path: Path, content: str, told: str) -> None:
    record = tmp_path / "mainnet.json"
    record.write_text(content)

    with pytest.raises(ContractError) as wrong:
        read_deployments(record)

    assert str(wrong.value) == f"deployments {record}: {told}"


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"", b"[" * 100_000], ids=["half", "bytes", "empty", "deep"])
def test_a_record_that_is_not_json_is_told(tmp_path: Path, content: bytes) -> None:
    record = tmp_path / "mainnet.json"
    record.write_bytes(content)

    with pytest.raises(ContractError, match=r"mainnet\.json: is not JSON \("):
        read_deployments(record)


def test_a_missing_record_is_told(tmp_path: Path) -> None:
    with pytest.raises(ContractError) as missing:
        read_deployments(tmp_path / "mainnet.json")

    assert str(missing.value) == (
        f"deployments {tmp_path / 'mainnet.json'}: cannot be read (No such file or directory)."
    )
