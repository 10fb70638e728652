from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.core.manifest import Doubt, Function, Manifest, base_of, encoded, removed


@pytest.mark.parametrize(
    ("node_id", "base"),
    [
        ("a.py::test_x", "a.py::test_x"),
        ("a.py::test_x[1]", "a.py::test_x"),
        ("a.py::test_x[a[b]]", "a.py::test_x"),
        ("a.py::test_x[b::c]", "a.py::test_x"),
        ("a.py::TestA::test_x[1-2]", "a.py::TestA::test_x"),
        ("dir[1]/a.py::test_x", "dir[1]/a.py::test_x"),
        ("dir[1]/a.py::test_x[2]", "dir[1]/a.py::test_x"),
        ("rollout.toml::beta::contracts::A.calls.f(uint256[])", "rollout.toml::beta::contracts::A.calls.f(uint256[])"),
        ("no separator[1]", "no separator[1]"),
    ],
)
def test_an_id_belongs_to_its_function(node_id: str, base: str) -> None:
    assert base_of(node_id) == base


@pytest.mark.parametrize(
    ("accepted", "is_removed"),
    [
        pytest.param(["a.py::test_x[1]"], True, id="in full"),
        pytest.param(["a.py::test_x"], True, id="by its function"),
        pytest.param(["a.py::test_x[2]"], False, id="another parameter"),
        pytest.param(["a.py::test"], False, id="a prefix"),
        pytest.param(["a.py"], False, id="the file"),
        pytest.param(["*"], False, id="a pattern"),
        pytest.param([], False, id="nothing"),
    ],
)
def test_a_removal_is_accepted_by_its_name_only(accepted: list[str], is_removed: bool) -> None:
    assert removed("a.py::test_x[1]", accepted) == is_removed


@pytest.mark.parametrize(
    ("folder", "marker", "belongs"),
    [
        (None, None, True),
        ("beta", None, True),
        ("alpha", None, False),
        (None, ("beta",), True),
        (None, ("alpha", "beta"), True),
        (None, ("alpha",), False),
        ("beta", ("alpha",), False),
        ("alpha", ("beta",), False),
        (None, (), False),
    ],
)
def test_a_test_belongs_where_its_folder_and_its_marker_agree(folder: Any, marker: Any, belongs: bool) -> None:
    assert Function(id="a.py::test_a", folder_stage=folder, stages=marker).belongs_to("beta") == belongs


WHOLE = Manifest(declared=("d",), functions=(Function(id="f"),), files={"a": "1" * 64, "b": "2" * 64}, baseline=("e",))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Manifest(), id="empty"),
        pytest.param(
            Manifest(declared=("d", "d2"), functions=WHOLE.functions, files=WHOLE.files, baseline=("e",)), id="declared"
        ),
        pytest.param(
            Manifest(declared=("d",), functions=(Function(id="f", advisory=True),), files=WHOLE.files, baseline=("e",)),
            id="advisory",
        ),
        pytest.param(
            Manifest(declared=("d",), functions=WHOLE.functions, files={"a": "2" * 64, "b": "1" * 64}, baseline=("e",)),
            id="files",
        ),
        pytest.param(Manifest(declared=("d",), functions=WHOLE.functions, files=WHOLE.files), id="baseline"),
        pytest.param(
            Manifest(functions=WHOLE.functions, files=WHOLE.files, baseline=("e", "d")), id="moved to another list"
        ),
    ],
)
def test_another_manifest_has_another_digest(other: Manifest) -> None:
    assert other.digest != WHOLE.digest


def test_the_digest_is_pinned() -> None:
    """It is signed for and compared across versions, so a stranger must be able to reckon it."""
    whole = Manifest(
        declared=("d",), functions=(Function(id="f"), Function(id="g", advisory=True)), files={"b": "2", "a": "1"},
        baseline=("\ud800",),
    )  # fmt: skip
    lines = [b"item d", b"test f required", b"test g advisory", b"file a 1", b"file b 2", b"earlier \\ud800"]
    expected = b"".join(len(line).to_bytes(8, "big") + line for line in lines)

    assert whole.digest == hashlib.sha256(expected).hexdigest()


def test_the_digest_does_not_hang_on_the_order_files_are_listed_in() -> None:
    turned = Manifest(
        declared=("d",),
        functions=WHOLE.functions,
        files=dict(reversed(WHOLE.files.items())),
        baseline=("e",),
        doubts=(Doubt(place="a:1", text="x"),),
    )

    assert turned.digest == WHOLE.digest


@given(st.lists(st.text(max_size=6), max_size=4), st.lists(st.text(max_size=6), max_size=4))
def test_no_two_lists_of_lines_share_their_bytes(left: list[str], right: list[str]) -> None:
    assert (b"".join(map(encoded, left)) == b"".join(map(encoded, right))) == (left == right)
