"""A judgement is signed for before its stage is left: a real project, real keys, the real command."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from pytest_rollout import operations
from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.errors import LedgerError, Refused, UsageError
from pytest_rollout.core.moves import Promotion
from pytest_rollout.ledger.canonical import encode
from pytest_rollout.operations import Workspace, signing
from pytest_rollout.operations.judging_again import Again, judge_again
from pytest_rollout.runner.overridden import Rested, signed_for

KEYS = {"Security Lead": "0x" + "11" * 32, "CTO": "0x" + "22" * 32}
ADDRESSES = {role: Account.from_key(key).address for role, key in KEYS.items()}
PLAN = f"""
[rollout]
name = "toy"

[stages.alpha.signoffs]
roles = {{ "Security Lead" = "{ADDRESSES["Security Lead"]}", "CTO" = "{ADDRESSES["CTO"]}" }}

[stages.beta]
"""
TEST = "def test_it():\n    assert True\n"


@pytest.fixture(scope="module")
def template(make_project: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    project = make_project(tmp_path_factory.mktemp("signed"))
    project.write({"rollout.toml": PLAN, "suites/test_it.py": TEST}).commit()
    ran = project.pytest("--stage=alpha", "--rollout-formats=")
    assert ran.judgement["verdict"] == "promote", ran.out
    return project


@pytest.fixture
def workspace(template: Any, tmp_path: Path) -> Workspace:
    shutil.copytree(template.folder, tmp_path / "project", symlinks=True)
    shutil.rmtree(tmp_path / "project" / ".home")
    return Workspace.at(tmp_path / "project", environment={})


def now(**later: int) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=2, **later)


def sign(workspace: Workspace, role: str, key: str | None = None) -> None:
    signing.sign(
        signing.asked(workspace, "alpha", now()), role, lambda: key or KEYS[role], person="Ann", now=datetime.now(UTC)
    )


def promote(workspace: Workspace, **later: int) -> Any:
    return operations.promote(workspace, "alpha", person="Ann", now=now(**later))


def test_a_promotion_waits_for_every_signature(workspace: Workspace) -> None:
    """Each refusal names who is owed; the status names the next command."""
    with pytest.raises(Refused, match="0 of the 2 signatures that are needed count: 'Security Lead' has not signed"):
        promote(workspace)
    sign(workspace, "Security Lead")
    with pytest.raises(Refused, match="1 of the 2 signatures that are needed count: 'CTO' has not signed"):
        promote(workspace)
    standing = operations.standings(workspace, [workspace.rollouts[0]], now())[0]
    assert [each.role for each in standing.unsigned] == ["CTO"]
    assert standing.following == "rollout sign toy:alpha --role CTO"

    sign(workspace, "CTO")

    assert operations.standings(workspace, [workspace.rollouts[0]], now())[0].following == "rollout promote toy:alpha"
    assert promote(workspace)[0].to == "beta"


def test_nobody_signs_with_another_key(workspace: Workspace) -> None:
    """A role is a key, not a claim; nothing is recorded."""
    before = workspace.open().head().sequence
    with pytest.raises(Refused, match="the plan names 0x"):
        sign(workspace, "CTO", KEYS["Security Lead"])

    assert workspace.open().head().sequence == before


def test_a_revocation_is_heard(workspace: Workspace) -> None:
    for role in KEYS:
        sign(workspace, role)
    signing.revoke(signing.asked(workspace, "alpha", now()), "CTO", person="Ann", now=now())

    with pytest.raises(Refused, match="'CTO' took the signature back"):
        promote(workspace)


def test_signatures_expire(workspace: Workspace) -> None:
    """The judgement is too old by then as well; the standing says what the signature itself lacks."""
    sign(workspace, "CTO")

    later = signing.answered(signing.asked(workspace, "alpha", now()), now=now(days=14))
    assert later.owed[1].why.startswith("signed, but that expired on")


def test_a_new_judgement_wants_new_signatures(workspace: Workspace, template: Any) -> None:
    """What was signed is one judgement, not the stage (rule 33)."""
    for role in KEYS:
        sign(workspace, role)
    project = type(template)(workspace.root)
    assert project.pytest("--stage=alpha", "--rollout-formats=").judgement["verdict"] == "promote"

    with pytest.raises(Refused, match="0 of the 2 signatures"):
        promote(workspace)


def forged(workspace: Workspace) -> LedgerError:
    """What a stranger is told of a promotion that somebody wrote into the ledger by hand."""
    ledger = workspace.open()
    (judgement,) = operations.recording.history_of(ledger, workspace.rollouts[0]).judgements
    move = Promotion(
        rollout="toy",
        stage="alpha",
        to="beta",
        entry=0,
        judgement=judgement.digest,
        judgement_sequence=judgement.sequence,
        run=judgement.run.id,
        attempts=1,
        person="Mallory",
        at=now(),
    )
    ledger.append(EntryKind.PROMOTION, encode(move.document()))
    ledger.verify()
    with pytest.raises(LedgerError) as caught:
        judge_again(ledger)
    return caught.value


def test_a_promotion_that_nobody_signed_for_does_not_verify(workspace: Workspace) -> None:
    """The chain is sound and the judgement says promote; those who must answer for it did not (rule 33)."""
    sign(workspace, "CTO")

    assert str(forged(workspace)) == (
        "ledger entry 4: the promotion out of 'alpha' does not stand: 1 of 2 signatures under it count: "
        "'Security Lead' has not signed."
    )


def test_a_signature_that_was_taken_back_before_a_forged_promotion_is_none(workspace: Workspace) -> None:
    for role in KEYS:
        sign(workspace, role)
    signing.revoke(signing.asked(workspace, "alpha", now()), "CTO", person="Ann", now=datetime.now(UTC))

    assert "'CTO' took the signature back" in str(forged(workspace))


def test_a_promotion_that_was_signed_for_verifies(workspace: Workspace) -> None:
    for role in KEYS:
        sign(workspace, role)
    promote(workspace)

    assert judge_again(workspace.open()) == Again(same=1)


def test_a_role_whose_address_is_secret_is_named_as_unconfirmed(workspace: Workspace) -> None:
    """The record has only <NAME>; that somebody signed is seen, and that one key is no two people."""
    for role in KEYS:
        sign(workspace, role)
    move, _ = promote(workspace)
    history = operations.recording.history_of(workspace.open(), workspace.rollouts[0])
    (judgement,), stage = history.judgements, workspace.rollouts[0].stage("alpha")
    assert stage.signoffs is not None
    secret = replace(stage.signoffs, roles={"Security Lead": "<LEAD>", "CTO": "<CTO>"})

    found = signed_for(replace(stage, signoffs=secret), judgement, move, history.signoffs)

    assert found == Rested(unconfirmed=("Security Lead", "CTO"))
    lead = history.signoffs[0].value
    twice = [
        history.signoffs[0],
        replace(history.signoffs[1], value=replace(history.signoffs[1].value, signer=lead.signer)),
    ]
    assert "1 of 2 signatures" in signed_for(replace(stage, signoffs=secret), judgement, move, twice).why


def test_a_wallet_elsewhere_signs_what_was_written(workspace: Workspace, tmp_path: Path) -> None:
    """The file goes out, the signature comes back."""
    question = signing.asked(workspace, "alpha", now())
    file = tmp_path / "cto.json"
    file.write_text(json.dumps(signing.typed_data(question, "CTO", datetime.now(UTC))))
    made = Account.sign_typed_data(KEYS["CTO"], full_message=json.loads(file.read_text()))
    signature = "0x" + made.signature.hex().removeprefix("0x")

    signing.import_signature(question, file, signature, person="Ann", now=now(), contract=False)

    assert [each.role for each in signing.answered(signing.asked(workspace, "alpha", now()), now=now()).owed] == [
        "Security Lead"
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda data: data["message"].update(judgement="0x" + "00" * 32), "is about another ledger, rollout, stage"),
        (lambda data: data["domain"].update(salt="0x" + "00" * 32), "is about another ledger, rollout, stage"),
        (lambda data: data["types"]["SignOff"].pop(), "is about another ledger, rollout, stage"),
        (lambda data: data.update(message={}), "is no file that `rollout sign toy:alpha"),
    ],
    ids=["judgement", "ledger", "type", "nothing"],
)
def test_a_file_that_was_changed_is_refused(workspace: Workspace, tmp_path: Path, change: Any, sentence: str) -> None:
    """Typed data is built by the verifier; what a file says is only compared with it."""
    question = signing.asked(workspace, "alpha", now())
    data = json.loads(json.dumps(signing.typed_data(question, "CTO", datetime.now(UTC))))
    change(data)
    file = tmp_path / "cto.json"
    file.write_text(json.dumps(data))

    with pytest.raises((Refused, UsageError), match=sentence):
        signing.import_signature(question, file, "0x" + "11" * 65, person="A", now=now(), contract=False)


def test_only_a_role_of_the_plan_signs(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="no role 'CT0'; the plan has Security Lead, CTO. Did you mean 'CTO'?"):
        sign(workspace, "CT0", KEYS["CTO"])


def test_the_command_signs_and_says_so(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """With a key from the environment, which nothing prints."""
    from pytest_rollout.cli.commands import run

    monkeypatch.chdir(workspace.root)
    monkeypatch.setenv("CTO_KEY", KEYS["CTO"])

    assert run(["sign", "alpha", "--role", "CTO", "--key-env", "CTO_KEY", "--by", "Ben"]) == 0
    assert run(["sign", "alpha", "--role", "CTO"]) == 4
    assert run(["sign", "alpha", "--role", "CTO", "--key-env", "CTO_KEY", "--revoke"]) == 4

    told = capsys.readouterr()
    assert f"toy:alpha: 'CTO' ({ADDRESSES['CTO'].lower()}) signed until" in told.out
    assert "takes exactly one of --keystore, --key-env, --write, --import, --revoke" in told.err
    assert KEYS["CTO"][2:] not in told.out + told.err


def test_what_a_wallet_signs_is_not_written_among_the_files_of_a_gate(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """It would make the judged gate another one, which nobody sees before the promotion."""
    from pytest_rollout.cli.commands import run

    monkeypatch.chdir(workspace.root)
    for place in ("cto.json", "suites/cto.json"):
        assert run(["sign", "alpha", "--role", "CTO", "--write", place]) == 4
        assert "lies among the files of the gates of rollout.toml" in capsys.readouterr().err
        assert not (workspace.root / place).exists()

    assert run(["sign", "alpha", "--role", "CTO", "--write", ".rollout/cto.json"]) == 0
    assert "rollout sign toy:alpha --import .rollout/cto.json --signature 0x" in capsys.readouterr().out
