"""Golden vectors: a file of inputs and answers, refused where it is malformed."""

from __future__ import annotations

import hashlib
import json

import pytest

from pytest_rollout.consensus.golden import matched, read_vectors
from pytest_rollout.core.errors import EngineError


class Hashing:
    def sha256(self, data: bytes) -> bytes:
        return hashlib.sha256(data).digest()

    def verify_block(self, block):
        if block["index"] < 0:
            raise ValueError("negative")
        block["seen"] = True
        return {"valid": True}


GOOD = [
    {"name": "nothing", "call": "sha256", "input": {"$hex": ""}, "expected": f"0x{hashlib.sha256(b'').hexdigest()}"},
    {"input": {"index": 1}, "expected": {"valid": True}},
    {"input": {"index": -1}, "raises": "ValueError"},
]


def matching(tmp_path, vectors) -> dict:
    (tmp_path / "golden.json").write_text(json.dumps(vectors))
    return matched(read_vectors(tmp_path / "golden.json"), Hashing(), seconds=5, reasons={}, ignore=())


def test_vectors_are_matched_by_value_or_by_reason(tmp_path) -> None:
    assert matching(tmp_path, GOOD) == {"matched": 3, "first": ""}


def test_the_first_that_is_not_matched_is_told(tmp_path) -> None:
    wrong = [*GOOD, {"name": "four", "input": {"index": -1}, "expected": True}, {"input": {"index": 1}, "raises": "X"}]

    assert matching(tmp_path, wrong) == {
        "matched": 3,
        "first": "four: the candidate raised ValueError: negative; the reference answers",
    }


@pytest.mark.parametrize(
    "vectors",
    [
        *([], {}, [1], [{}], [{"input": 1}], [{"expected": 1}], [{"input": 1, "expected": 1, "raises": "X"}]),
        *([{"input": 1, "expect": 1}], [{"input": 1, "raises": 3}], [{"input": 1, "raises": ""}]),
        *([{"input": {"$hex": "xyz"}, "expected": 1}], [{"input": 1, "expected": 1, "call": "a b"}]),
        [{"input": 1, "expected": 1, "call": "_hidden"}],
        [{"input": 1, "expected": 1, "call": "missing"}],
    ],
    ids=str,
)
def test_a_malformed_vector_is_refused(tmp_path, vectors) -> None:
    with pytest.raises(EngineError):
        matching(tmp_path, vectors)


@pytest.mark.parametrize("content", [b"", b"[", b"\xff", b"NaN"])
def test_a_file_that_is_no_json_is_refused(tmp_path, content) -> None:
    (tmp_path / "golden.json").write_bytes(content)

    with pytest.raises(EngineError):
        read_vectors(tmp_path / "golden.json")
