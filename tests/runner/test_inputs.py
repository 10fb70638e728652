"""What a plan names besides its tests is judged about as well, wherever it lies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_rollout.core.rollout import Rollout
from pytest_rollout.runner import pinning, tree
from pytest_rollout.runner.inputs import input_files

BOOK = '{"Vault": "0x1111111111111111111111111111111111111111"}'
ARTIFACT = '{"abi": [], "bytecode": "0x00"}'
STAGE = '[rollout]\nname = "toy"\n[networks.devnet]\nkind = "anvil"\n'
PLANS = {
    "a record outside of the project": ('[contracts]\ndeployments = { devnet = "../book.json" }', "../book.json", BOOK),
    "a folder of records outside": (
        '[contracts]\ndeployments = { devnet = { path = "../book", format = "hardhat-deploy" } }',
        "../book/Vault.json",
        '{"address": "0x1111111111111111111111111111111111111111", "abi": []}',
    ),
    "what a tool keeps hidden": (
        '[contracts]\ndeployments = { devnet = ".deployed/b.json" }',
        ".deployed/b.json",
        BOOK,
    ),
    "artifacts outside": ('[contracts]\nartifacts = "../out"', "../out/Vault.sol/Vault.json", ARTIFACT),
    "artifacts where tools build": ('[contracts]\nartifacts = "build"', "build/Vault.json", ARTIFACT),
    "a recorded state": ('[networks.recorded]\nkind = "anvil"\nstate = "../state.json"', "../state.json", "{}"),
}


@pytest.mark.parametrize(("plan", "path", "content"), PLANS.values(), ids=PLANS)
def test_it_is_of_the_subject(
    planned: Callable[..., Rollout], tmp_path: Path, plan: str, path: str, content: str
) -> None:
    """E21: changed between the gate and the promotion, the judgement is about something else."""
    text = f'{STAGE}{plan}\n[stages.alpha]\nnetwork = "devnet"\n'
    (tmp_path / "project").mkdir()
    file = tmp_path / "project" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    rollout = planned({}, plan=text)
    root, stage = rollout.folder, rollout.stage("alpha")
    judged = pinning.measure_subject(rollout, stage, root, "devnet")
    manifest = pinning.pin(rollout, stage, root, network="devnet", baseline=())
    assert path in manifest.files
    assert judged.suite_digest == tree.digest_of(manifest.files)

    file.write_text(f"{content} ")

    assert pinning.measure_subject(rollout, stage, root, "devnet").suite_digest != judged.suite_digest
    assert tree.stamps(manifest.files, root)[path]


def test_tests_and_what_is_known_are_left_to_others(planned: Callable[..., Rollout], tmp_path: Path) -> None:
    """A conftest among artifacts is never loaded, and so not owed; nothing is counted twice."""
    plan = f'{STAGE}[contracts]\nartifacts = ["out", "../more"]\n[stages.alpha]\nnetwork = "devnet"\n'
    for name in ("conftest.py", "A.json", "build-info/all.json"):
        (tmp_path / "more" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "more" / name).write_text(ARTIFACT)
    rollout = planned({"out/B.json": ARTIFACT}, plan=plan)

    found = input_files(rollout, rollout.folder, tree.gate_files(rollout, rollout.stage("alpha"), rollout.folder))

    assert set(found) == {"../more/A.json"}
