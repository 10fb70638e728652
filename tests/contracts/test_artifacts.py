"""Artifacts of three shapes by name, and what is wrong with those that cannot be used."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.contracts.artifacts import Artifacts, link, read_artifact
from pytest_rollout.core.errors import ContractError

OUT = Path(__file__).parent / "artifacts" / "out"
SUMS = "0x" + "5f" * 20


@pytest.mark.parametrize("shape", ["hardhat", "foundry", "plain"])
def test_every_shape_gives_the_same_contract(shape: str) -> None:
    artifacts = Artifacts([OUT / shape])
    probe = artifacts.get("Probe")
    hardhat = json.loads((OUT / "hardhat" / "Probe.json").read_text())

    assert artifacts.names() == ["Foreign", "IProbe", "Linked", "Probe", "Proxy", "Roles", "Sums"]
    assert (probe.name, list(probe.abi), probe.bytecode) == ("Probe", hardhat["abi"], hardhat["bytecode"])


def test_contents_are_read_only_when_asked_for(tmp_path: Path) -> None:
    """A project's folder holds hundreds; a gate needs three."""
    (tmp_path / "Broken.json").write_text("{")
    (tmp_path / "Good.json").write_text('{"abi": [], "bytecode": "0x00"}')

    assert Artifacts([tmp_path]).get("Good").bytecode == "0x00"


def test_what_compilers_put_beside_artifacts_is_no_contract(tmp_path: Path) -> None:
    (tmp_path / "build-info").mkdir()
    for name in ("build-info/0123.json", "Token.dbg.json", "Token.metadata.json", "Token.json"):
        (tmp_path / name).write_text("{}")

    assert Artifacts([tmp_path]).names() == ["Token"]


def test_a_missing_artifact_is_told_with_the_nearest() -> None:
    with pytest.raises(ContractError) as missing:
        Artifacts([OUT / "plain"]).get("Prob")

    assert str(missing.value) == (
        f"contract Prob: no artifact of that name in {OUT / 'plain'}; "
        "there are Foreign, IProbe, Linked, Probe, Proxy, Roles, Sums. Did you mean 'Probe'?"
    )


def test_many_names_are_not_all_listed(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"C{number:02}.json").write_text("{}")

    with pytest.raises(ContractError, match=r"C10, C11 and 28 more\."):
        Artifacts([tmp_path]).get("Token")


def test_one_name_in_two_folders_is_told(tmp_path: Path) -> None:
    """Which one is meant decides what is deployed, so nobody guesses."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "Token.json").write_text('{"abi": []}')

    with pytest.raises(ContractError) as twice:
        Artifacts([tmp_path / "a", tmp_path / "b"]).get("Token")

    assert str(twice.value) == (
        f"contract Token: 2 artifacts have that name, {tmp_path}/a/Token.json, {tmp_path}/b/Token.json; "
        "leave one folder out of contracts.artifacts, or rename one."
    )


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ContractError) as missing:
        Artifacts([tmp_path / "out"]).get("Token")

    assert str(missing.value) == (
        f"contracts.artifacts: no folder {tmp_path / 'out'}; compile the contracts, or correct it."
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param("{", "cannot be read as JSON", id="half a file"),
        pytest.param("\xff", "cannot be read as JSON", id="not text"),
        pytest.param("[" * 100_000, "cannot be read as JSON (nested more than 200 levels deep)", id="deep"),
        pytest.param("[]", "has no 'abi'; a Hardhat, Foundry or plain artifact is needed.", id="a list"),
        pytest.param("{}", "has no 'abi'; a Hardhat, Foundry or plain artifact is needed.", id="no abi"),
        pytest.param('{"abi": {}}', "has no 'abi'", id="abi of another kind"),
        pytest.param('{"abi": [], "bytecode": 7}', "its 'bytecode' is no hex", id="number as code"),
        pytest.param('{"abi": [], "bytecode": "0x0"}', "its 'bytecode' is no hex", id="half a byte"),
        pytest.param('{"abi": [], "bytecode": "0xzz"}', "its 'bytecode' is no hex", id="no hex"),
        pytest.param('{"abi": [], "bytecode": {"object": null}}', "its 'bytecode' is no hex", id="null as code"),
    ],
)
def test_a_file_that_is_no_artifact_is_named(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "Token.json"
    path.write_text(content, encoding="latin-1")

    with pytest.raises(ContractError, match=re.escape(f"artifact {path}: {told}")):
        Artifacts([tmp_path]).get("Token")


@pytest.mark.parametrize("shape", ["hardhat", "foundry", "plain"])
def test_an_interface_cannot_be_deployed(shape: str) -> None:
    interface = Artifacts([OUT / shape]).get("IProbe")

    with pytest.raises(ContractError) as wrong:
        link(interface, {})

    assert str(wrong.value) == (
        f"contract IProbe: {interface.path} has no bytecode, it is an interface or abstract; "
        "deploy a contract that implements it."
    )


@pytest.mark.parametrize("name", ["Sums", "src/Linked.sol:Sums"])
@pytest.mark.parametrize("shape", ["hardhat", "foundry"])
def test_a_library_is_linked_by_its_short_or_qualified_name(shape: str, name: str) -> None:
    code = link(Artifacts([OUT / shape]).get("Linked"), {name: SUMS})

    assert "_" not in code
    assert code.count("5f" * 20) == 1


def test_a_plain_artifact_is_linked_by_qualified_name() -> None:
    """It holds only the hash of that name."""
    linked = Artifacts([OUT / "plain"]).get("Linked")

    assert "_" not in link(linked, {"src/Linked.sol:Sums": SUMS})
    with pytest.raises(ContractError, match=r"needs a library that .* names only as __\$[0-9a-f]{34}\$__; pass it by"):
        link(linked, {})


def test_a_missing_library_is_named() -> None:
    with pytest.raises(ContractError) as missing:
        link(Artifacts([OUT / "hardhat"]).get("Linked"), {"Sum": SUMS})

    assert str(missing.value) == (
        "contract Linked: needs the library Sums; deploy it first and pass "
        "libraries={\"Sums\": its address}. Did you mean 'Sum'?"
    )


@pytest.mark.parametrize(("name", "needs"), [("Linked", "Sums"), ("Roles", "none")])
def test_a_library_that_is_not_needed_is_named(name: str, needs: str) -> None:
    libraries = {"Sums": SUMS, "Tokens": SUMS} if name == "Linked" else {"Tokens": SUMS}

    with pytest.raises(ContractError) as wrong:
        link(Artifacts([OUT / "hardhat"]).get(name), libraries)

    assert str(wrong.value) == f"contract {name}: takes no library Tokens; it needs {needs}."


def test_files_that_are_no_artifacts_have_no_errors_to_tell(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "x"}')
    abi: list[Any] = [{"type": "error", "name": "Plain", "inputs": []}]
    (tmp_path / "Token.json").write_text(json.dumps({"abi": abi}))

    assert [list(each) for each in Artifacts([tmp_path]).abis()] == [abi]


def test_real_artifacts_of_the_suites_can_be_read() -> None:
    paths = list((Path(__file__).parents[2] / "suites").glob("*/contracts/out/*.json"))

    assert {path.stem for path in paths} >= {"SkillProfile", "SkillClaim", "Endorsement"}
    assert all(read_artifact(path).is_deployable for path in paths)
