"""A deployment record with one contract less, which a drill hands to the gate; each format keeps what it knows elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.contracts.dropping import without_a_contract
from pytest_rollout.contracts.records.reading import read_records
from pytest_rollout.core.rollout import Deployment

ONE, OTHER = "0x" + "11" * 20, "0x" + "22" * 20
HASHES = {"One": "0x" + "aa" * 32, "Other": "0x" + "bb" * 32}
UNIFIED = {
    "schemaVersion": "1.0.0",
    "network": "bsc",
    "chainId": 56,
    "contracts": {"core": {"One": {"proxy": ONE, "implementation": "0x" + "33" * 20}}, "legacy": {"Other": OTHER}},
    "verification": {"implementationHashes": HASHES},
    "extended_One": {"implementationHash": HASHES["One"], "deploymentArgs": [OTHER]},
    "extended_Other": {"implementationHash": HASHES["Other"]},
}
RECORDS: dict[str, Any] = {"plain": {"One": ONE, "Other": OTHER}, "unified": UNIFIED}


@pytest.mark.parametrize("dropped", ["One", "Other"])
@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_copy_lacks_exactly_that_contract(tmp_path: Path, record: Any, dropped: str) -> None:
    """Hashes and arguments go with it: a record that knew more than its contracts could not be read at all."""
    path = tmp_path / "bsc.json"
    path.write_text(json.dumps(record))

    less = without_a_contract(Deployment(path=path), dropped, tmp_path / "less.json", 56)

    assert less is not None
    assert set(read_records(less.path, chain_id=56).contracts) == {"One", "Other"} - {dropped}
    assert json.loads(path.read_text()) == record
