"""A plan's values answer what is derived from them: files, stages around a stage, the chain behind a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_rollout.core.rollout import ContractState, Network, NetworkKind, Rollout, Stage


def rollout(folder: Path = Path("toy")) -> Rollout:
    stages = tuple(Stage(name=name, title=name.title()) for name in ("alpha", "beta", "public"))
    return Rollout(name="toy", title="Toy", folder=folder, plan_digest="1" * 64, stages=stages)


def test_a_rollout_knows_its_files(tmp_path: Path) -> None:
    """Tests lie in ``suites`` beside the plan or, without it, beside the plan."""
    made = rollout(tmp_path)

    assert (made.plan, made.suite) == (tmp_path / "rollout.toml", tmp_path)
    (tmp_path / "suites").mkdir()
    assert made.suite == tmp_path / "suites"


def test_each_stage_knows_its_neighbours() -> None:
    made = rollout()
    alpha, beta, public = made.stages

    assert [made.stage(each.name) for each in made.stages] == [alpha, beta, public]
    assert [made.before(each.name) for each in made.stages] == [None, alpha, beta]
    assert [made.after(each.name) for each in made.stages] == [beta, public, None]
    with pytest.raises(KeyError, match="^'gamma'$"):
        made.stage("gamma")


def test_behind_a_fork_is_the_chain_that_it_was_made_of() -> None:
    mainnet = Network(name="mainnet", kind=NetworkKind.RPC, chain_id=1)
    fork = Network(name="fork", kind=NetworkKind.FORK, of=mainnet)
    local = Network(name="local", kind=NetworkKind.ANVIL)

    assert [each.real for each in (mainnet, fork, local)] == [mainnet, mainnet, None]
    assert Network(name="copy", kind=NetworkKind.FORK, of=local).real is None


@pytest.mark.parametrize(
    ("what", "is_identity"), [("code_hash", True), ("code_hash.x", True), ("paused", False), ("roles.code_hash", False)]
)
def test_what_says_which_contract_it_is_is_told_by_its_first_word(what: str, is_identity: bool) -> None:
    assert ContractState(contract="Vault", what=what, expected=True).is_identity is is_identity
