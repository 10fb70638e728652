"""Divergences kept whole, and shrunk to the fewest transactions that still diverge."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from pytest_rollout.consensus.kept import read_kept
from pytest_rollout.consensus.opening import keeper
from pytest_rollout.consensus.shrinking import shrunk
from pytest_rollout.core.answer import Relation
from pytest_rollout.core.errors import EvidenceError


@dataclass
class Block:
    index: int
    transactions: list[int]


BLOCKS = {
    "a map": {"index": 7, "transactions": [1, 2], "root": b"\xab", "stake": 2**200},
    "bytes": b"\xf8\x01",
    "text": '{"index": 7}',
    "an object": Block(index=7, transactions=[1]),
    "keys that JSON has not": {1: 2, "$bytes": 3},
}


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_a_kept_divergence_gives_back_its_input_as_it_was(dual, doing, tmp_path, block) -> None:
    run = dual(doing(lambda each: 2), doing(lambda each: 1), keep=keeper(tmp_path / "divergences"))

    run.verify_block(block)
    run.verify_block(block)
    assert run.settle() == 0

    (kept,) = read_kept(tmp_path / "divergences")
    assert (kept.block, type(kept.block)) == (block, type(block))
    assert kept.divergence.relation is Relation.DIFFERING
    assert (kept.divergence.reference, kept.divergence.candidate) == ({"value": 1}, {"value": 2})
    assert list(read_kept(kept.folder)) == [kept]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"schema": "other"}', b"\xff", b"[" * 10_000])
def test_a_folder_that_is_no_kept_divergence_is_refused(tmp_path, content) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "input.json").write_text("{}")
    (tmp_path / "7" / "divergence.json").write_bytes(content)

    with pytest.raises(EvidenceError):
        list(read_kept(tmp_path))


def test_an_empty_folder_is_no_clean_regression(tmp_path) -> None:
    with pytest.raises(EvidenceError, match="no kept divergence"):
        list(read_kept(tmp_path))


def test_a_divergence_that_cannot_be_kept_is_counted(dual, doing, tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    run = dual(doing(lambda each: 2), doing(lambda each: 1), keep=keeper(tmp_path / "file"))

    assert run.verify_block({"index": 1}) == 1
    assert run.stats()["callback_errors"] == 1


@pytest.mark.parametrize("guilty", [{3}, {3, 77}, {0, 50, 99}, set()], ids=str)
def test_the_fewest_transactions_that_still_diverge_are_found(guilty) -> None:
    """None of them can be left out."""
    block = {"index": 1, "transactions": list(range(100))}
    smaller, left, whole = shrunk(block, lambda each: guilty <= set(each["transactions"]))

    assert (set(smaller["transactions"]), left, whole) == (guilty, len(guilty), 100)
    assert smaller["index"] == 1
    assert len(block["transactions"]) == 100


@pytest.mark.parametrize("block", [b"\x01", {"index": 1}, {"transactions": []}, {"transactions": 3}], ids=str)
def test_a_block_without_transactions_is_not_shrunk(block) -> None:
    assert shrunk(block, lambda each: True) is None


def test_what_does_not_diverge_again_is_not_shrunk() -> None:
    assert shrunk({"transactions": [1]}, lambda each: False) is None


def test_objects_are_shrunk_too() -> None:
    smaller, *_ = shrunk(Block(index=1, transactions=[1, 2, 3]), lambda each: 2 in each.transactions)

    assert smaller == Block(index=1, transactions=[2])


def test_kept_files_are_json_for_people(dual, doing, tmp_path) -> None:
    run = dual(doing(lambda each: {"gas": 2}), doing(lambda each: {"gas": 1}), keep=keeper(tmp_path))
    run.verify_block({"index": 7})
    assert run.settle() == 0

    (folder,) = tmp_path.iterdir()
    about = json.loads((folder / "divergence.json").read_text())
    assert folder.name.startswith("7-")
    assert about["first"] == "gas"
    assert about["differences"] == [{"path": "gas", "reference": 1, "candidate": 2}]
