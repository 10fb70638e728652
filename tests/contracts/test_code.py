"""Compiled code against deployed code, byte by byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_rollout.contracts.artifacts import read_artifact
from pytest_rollout.contracts.code import Template, Uncomparable, without_metadata

SOLC = "a2646970667358221220" + "ab" * 32 + "64736f6c63430008180033"
"""The metadata that solc 0.8.24 appends, with its length."""

OWN = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


@pytest.mark.parametrize(
    ("code", "left"),
    [
        ("6001" + SOLC, "6001"),
        ("6001a164736f6c6343000818000a", "6001"),
        ("6001", "6001"),
        ("", ""),
        ("60010033", "60010033"),
        ("6001" + "ff" * 51 + "0033", "6001" + "ff" * 51 + "0033"),
        ("6001" + SOLC.replace("64736f6c63", "6466756e63"), "6001" + SOLC.replace("64736f6c63", "6466756e63")),
        ("6001" + "00" + SOLC.replace("0033", "0034"), "6001" + "00" + SOLC.replace("0033", "0034")),
    ],
    ids=[
        "solc and ipfs",
        "solc alone",
        "none",
        "no code",
        "a length of code",
        "no map",
        "a foreign key",
        "one byte more",
    ],
)
def test_only_what_a_compiler_appends_is_left_out(code: str, left: str) -> None:
    assert without_metadata(bytes.fromhex(code)).hex() == left


def difference(template: Template, code: str, libraries: dict[str, str] | None = None) -> str:
    return template.difference(bytes.fromhex(code), address=OWN, libraries=libraries or {})


def test_metadata_may_differ() -> None:
    assert difference(Template.of_hex("0x6001" + SOLC), "6001" + SOLC.replace("ab" * 32, "cd" * 32)) == ""


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("60016002", "4 bytes of code, 3 were compiled"),
        ("600200", "other code from byte 1 on, 0x0200"),
        ("", "0 bytes of code, 3 were compiled"),
    ],
)
def test_a_difference_is_told(code: str, told: str) -> None:
    assert difference(Template.of_hex("0x600100"), code) == told


def test_immutables_are_left_open_where_they_are_and_nowhere_else() -> None:
    template = Template.of_hex("0x7f" + "00" * 32 + "7f" + "00" * 32, immutables={"fee": (1,)})

    assert difference(template, "7f" + "11" * 32 + "7f" + "00" * 32) == ""
    assert difference(template, "7f" + "00" * 32 + "7f" + "11" * 32) == "other code from byte 34 on, 0x11111111"


def test_where_nobody_says_where_immutables_are_pushed_zeros_are_left_open() -> None:
    """Not zeros inside another push: those are data."""
    assert difference(Template.of_hex("0x7f" + "00" * 32), "7f" + "11" * 32) == ""
    assert difference(Template.of_hex("0x60" + "7f" + "00" * 32), "607f" + "11" * 32) != ""
    assert difference(Template.of_hex("0x7f" + "00" * 32, immutables={}), "7f" + "11" * 32) != ""


def test_libraries_are_put_in() -> None:
    template = Template.of_hex("0x73" + "__$" + "ab" * 17 + "$__" + "00", libraries={"src/Sums.sol:Sums": (1,)})
    code = "73" + OWN[2:].lower() + "00"

    assert difference(template, code, {"Sums": OWN}) == ""
    assert difference(template, code, {"Sums": "0x" + "11" * 20}).startswith("other code from byte 1 on")
    assert template.linked(bytes.fromhex(code), "Sums") == OWN.lower()
    with pytest.raises(Uncomparable, match="nobody says where the library Sums is"):
        difference(template, code)


def test_a_library_holds_its_own_address() -> None:
    template = Template.of_hex("0x73" + "00" * 20 + "3014")

    assert difference(template, "73" + OWN[2:] + "3014") == ""
    assert difference(template, "73" + "11" * 20 + "3014") != ""


def test_two_values_of_one_immutable_are_told() -> None:
    template = Template.of_hex("0x7f" + "00" * 32 + "7f" + "00" * 32, immutables={"fee": (1, 34)})

    with pytest.raises(Uncomparable, match="the immutable fee has 2 different values in the code"):
        template.immutable(bytes.fromhex("7f" + "00" * 32 + "7f" + "11" * 32), "fee")


def test_a_syntax_tree_names_immutables(tmp_path: Path) -> None:
    """Foundry's artifacts carry one."""
    node = {"nodeType": "VariableDeclaration", "mutability": "immutable", "id": 7, "name": "fee"}
    path = tmp_path / "Vault.json"
    path.write_text(
        json.dumps(
            {
                "abi": [],
                "bytecode": {"object": "0x00"},
                "deployedBytecode": {
                    "object": "0x7f" + "00" * 32,
                    "immutableReferences": {"7": [{"start": 1, "length": 32}], "9": [{"start": 1, "length": 32}]},
                },
                "ast": {"nodes": [{"nodes": [node]}]},
            }
        )
    )

    runtime = read_artifact(path).runtime

    assert runtime is not None
    assert runtime.immutables == {"fee": (1,), "9": (1,)}
