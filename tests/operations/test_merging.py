"""Partial runs of a CI matrix, judged as one only if together they are exactly the gate, on one subject."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from securesystemslib.signer import CryptoSigner

from pytest_rollout import operations
from pytest_rollout.cli.commands import run as type_command
from pytest_rollout.core.attestation import Expected
from pytest_rollout.core.errors import Refused
from pytest_rollout.core.judging import Question, judge
from pytest_rollout.core.merging import Merge, merged
from pytest_rollout.core.narrowing import Narrowing
from pytest_rollout.ledger.canonical import parse
from pytest_rollout.ledger.export import ExportedLedger
from pytest_rollout.operations import Workspace
from pytest_rollout.operations.merging import merge
from pytest_rollout.runner.attesting import attested, verified
from pytest_rollout.runner.record import unpack

PLAN = """
[rollout]
name = "toy"

[networks.local]
kind = "tester"

[metrics.settled]
unit = "ratio"

[stages.alpha]
network = "local"

[[stages.alpha.criteria]]
name = "escrows settle"
metric = "settled"
promote = "> 90 %"
min_samples = 150

[[stages.alpha.checklist]]
text = "Team ready"

[stages.beta]
"""
MEASURING = "def test_{0}(measure):\n    measure('settled', good=99, total=100)\n"
FILES = {
    "rollout.toml": PLAN,
    "suites/beta/test_beta.py": "def test_beta():\n    assert True\n",
    "suites/alpha/test_a.py": MEASURING.format("a"),
    "suites/alpha/test_b.py": MEASURING.format("b") + "\ndef test_b2():\n    assert True\n",
}
JOBS = {
    "a": ["suites/alpha/test_a.py"],
    "b": ["suites/alpha/test_b.py", "-n", "1"],
    "plan": ["rollout.toml"],
    "b and plan": ["rollout.toml", "suites/alpha/test_b.py"],
}
"""What each job of the matrix runs."""


@pytest.fixture(scope="module")
def matrix(make_project: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A project, and the exports of its jobs: each job is a checkout with a ledger of its own."""
    folder = tmp_path_factory.mktemp("matrix")
    project = make_project(folder).write(FILES).commit()
    exports: dict[str, Any] = {"project": project}
    for name, arguments in JOBS.items():
        shutil.rmtree(project.folder / ".rollout")
        assert project.rollout("init").status == 0
        ran = project.pytest("--stage=alpha", "--rollout-formats=", *arguments)
        assert ran.judgement["verdict"] == "hold", ran.out
        exports[name] = folder / f"{name}.jsonl"
        made = project.rollout("ledger", "export", str(exports[name]))
        assert made.status == 0, made.err
    shutil.rmtree(project.folder / ".rollout")
    assert project.rollout("init").status == 0
    assert project.rollout("check", "alpha", "1").status == 0
    return exports


@pytest.fixture
def place(matrix: dict[str, Any], tmp_path: Path) -> Workspace:
    """The job that merges: the same checkout, with the project's own ledger."""
    folder = tmp_path / "project"
    shutil.copytree(matrix["project"].folder, folder, symlinks=True)
    return Workspace.at(folder, environment={})


def exports(matrix: dict[str, Any], *names: str) -> list[Path]:
    return [matrix[name] for name in names]


def parts(matrix: dict[str, Any], *names: str) -> list[Question]:
    found = []
    for file in exports(matrix, *names):
        ledger = ExportedLedger(file)
        document = parse(ledger.head().payload)
        found.append(unpack(ledger.attachment(document["evidence_digest"]), None, document["evidence_digest"]))
    return found


def about(questions: Sequence[Question], **changes: Any) -> Merge:
    return Merge(**{"run": questions[0].run, "ticks": {1: "ann"}} | changes)


def why_not(questions: Sequence[Question]) -> str:
    with pytest.raises(Refused) as refusal:
        merged(questions, about(questions))
    return str(refusal.value)


def test_parts_that_are_the_gate_together_are_one_judgement(matrix: dict[str, Any], place: Workspace) -> None:
    """Three jobs, one with a worker; the criterion needs the samples of two of them."""
    done = merge(place, "alpha", exports(matrix, "a", "b", "plan"), now=datetime.now(UTC))

    judgement = done.sealed.judgement
    assert judgement.verdict.value == "promote", [f.title for f in judgement.blocking]
    items = [f.item for f in judgement.findings]
    assert len(items) == len(set(items)) == 6
    assert next(f.measured for f in judgement.findings if f.title == "escrows settle").startswith("99 % of 200")
    assert judgement.facts["parts"].count("attempt 1") == 3
    assert judgement.run.arguments[0] == "merge"
    (founded,) = (each for each in place.open().entries() if each.sequence == 0)
    assert done.question.sampled.entered == datetime.fromisoformat(parse(founded.payload)["created_at"])
    assert place.open().verify() == done.entry


def test_a_merged_judgement_is_promoted_attested_and_judged_again_by_a_stranger(
    matrix: dict[str, Any], place: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """It is a judgement like any other: the record is enough for all that follows."""
    monkeypatch.chdir(place.root)
    files = [str(each) for each in exports(matrix, "a", "b", "plan")]

    assert type_command(["ledger", "merge", "alpha", *files]) == 0
    said = capsys.readouterr().out
    assert "toy · alpha: PROMOTE" in said
    head = said.strip().rpartition(" ")[2]
    assert f"head `{head}`" in (place.root / "reports/toy/alpha/brief.md").read_text()

    backup = tmp_path / "whole.jsonl"
    assert type_command(["ledger", "export", str(backup)]) == 0
    assert type_command(["ledger", "verify", "--export", str(backup), "--judge", "--head", head]) == 0
    assert "1 judgements judged again: the same" in capsys.readouterr().out
    key = CryptoSigner(Ed25519PrivateKey.generate())
    entry = ExportedLedger(backup).head()
    evidence = ExportedLedger(backup).attachment(parse(entry.payload)["evidence_digest"])
    file = attested(entry, evidence, entry, key, datetime.now(UTC))
    proved = verified(file, [key.public_key], Expected(stage="alpha"), datetime.now(UTC))
    assert proved.document["verdict"] == "promote"
    operations.promote(place, "alpha", person="ann", now=datetime.now(UTC))


def test_a_merged_judgement_is_signed_where_a_key_is_named(
    matrix: dict[str, Any], place: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """As a gate signs its own; a key that cannot be used changes neither verdict nor status, and leaves nothing old."""
    key, private, public = Ed25519PrivateKey.generate(), tmp_path / "ci.pem", tmp_path / "ci.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    private.chmod(0o600)
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    monkeypatch.chdir(place.root)
    files = [str(each) for each in exports(matrix, "a", "b", "plan")]
    file = "reports/toy/alpha/attestation.json"
    monkeypatch.setenv("ROLLOUT_ATTEST_KEY", str(private))

    assert type_command(["ledger", "merge", "alpha", *files]) == 0

    assert f"attested: rollout verify {file} --key PUBLIC_KEY" in capsys.readouterr().out
    assert type_command(["verify", file, "--key", str(public), "--for", "toy:alpha"]) == 0
    capsys.readouterr()

    private.chmod(0o644)
    assert type_command(["ledger", "merge", "alpha", *files, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["verdict"], document["attestation"]) == ("promote", "")
    assert document["not_attested"] == "attestation key ci.pem: others may read it; run `chmod 600` on it first."
    assert not (place.root / file).exists()


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["a"], "a merge takes the runs of two parts at least; 1 given"),
        (["a", "plan"], "2 items of the gate ran in no part: suites/alpha/test_b.py::test_b, suites/alpha/test_b.py::"),
        (["a", "b"], "1 items of the gate ran in no part: rollout.toml::alpha::network::local"),
        (["a", "a", "b", "plan"], "1 items of the gate ran in more than one part: suites/alpha/test_a.py::test_a"),
        (["a", "b", "b and plan"], "2 items of the gate ran in more than one part: suites/alpha/test_b.py::test_b"),
    ],
    ids=["one part", "a file is missing", "the plan is missing", "a part twice", "parts overlap"],
)
def test_parts_that_are_not_exactly_the_gate_are_refused_and_nothing_is_recorded(
    matrix: dict[str, Any], place: Workspace, names: list[str], told: str
) -> None:
    before = place.open().head()

    with pytest.raises(Refused) as refusal:
        merge(place, "alpha", exports(matrix, *names), now=datetime.now(UTC))

    assert told in str(refusal.value)
    assert place.open().head() == before


SUBJECTS: dict[str, tuple[dict[str, Any], str]] = {
    "commit": ({"commit": "f" * 40}, "commit is "),
    "uncommitted": ({"committed": False}, "committed is True"),
    "suite": ({"suite_digest": "f" * 64}, "suite digest is "),
    "plan": ({"plan_digest": "f" * 64}, "plan digest is "),
    "packages": ({"packages_digest": "f" * 64}, "packages digest is "),
    "flags": ({"flags": {"swap": "f"}}, "flags is "),
    "engines": ({"engines": {"candidate": "x==2"}}, "engines is "),
    "network": ({"network_kind": "anvil"}, "network kind is "),
}


@pytest.mark.parametrize("what", SUBJECTS)
def test_parts_about_different_subjects_are_refused(matrix: dict[str, Any], what: str) -> None:
    first, second, third = parts(matrix, "a", "b", "plan")
    changes, told = SUBJECTS[what]
    other = replace(second, subject=replace(second.subject, **changes))

    assert f"parts are about different things: {told}" in why_not([first, other, third])


def test_parts_of_other_gates_runs_and_files_are_refused(matrix: dict[str, Any]) -> None:
    first, second, third = parts(matrix, "a", "b", "plan")
    for change, told in (
        ({"run": replace(second.run, stage="beta")}, "the stage is alpha"),
        ({"run": replace(second.run, rollout="vault")}, "the rollout is toy"),
        ({"run": replace(second.run, network="mainnet")}, "the network is local"),
        ({"run": replace(second.run, rehearsal=True)}, "rehearsal is False"),
        ({"manifest": replace(second.manifest, files={})}, "the gate's files is "),
        ({"manifest": replace(second.manifest, functions=())}, "what the gate's files hold is "),
    ):
        assert told in why_not([first, replace(second, **change), third])


def test_parts_that_lie_too_far_apart_are_refused(matrix: dict[str, Any]) -> None:
    first, second, third = parts(matrix, "a", "b", "plan")
    older = replace(first, judged_at=first.judged_at - timedelta(days=2))

    assert "lie between the oldest and the newest part, the plan allows 1 day" in why_not([older, second, third])


def test_what_else_is_wrong_with_a_part_stays_wrong(matrix: dict[str, Any]) -> None:
    """A merge takes away what made a part a part, and nothing more."""
    first, second, third = parts(matrix, "a", "b", "plan")
    stopped = replace(first, narrowings=(*first.narrowings, Narrowing(what="-x", why="stops at the first failure")))
    killed = replace(second, ending=replace(second.ending, signal="SIGKILL"))
    questions = [stopped, killed, third]

    judgement = judge(merged(questions, about(questions)))

    assert judgement.verdict.value == "hold"
    assert {f.title for f in judgement.blocking} == {"narrowed by -x", "the recorder ended by SIGKILL"}


def test_a_failure_in_one_part_is_a_failure_of_the_gate(matrix: dict[str, Any]) -> None:
    questions = parts(matrix, "a", "b", "plan")
    item = "suites/alpha/test_b.py::test_b2"
    (ran,) = questions[1].evidence.executions[item]
    questions[1].evidence.executions[item] = [replace(ran, cause="AssertionError", assertion=True)]

    judgement = judge(merged(questions, about(questions)))

    assert [f.item for f in judgement.blocking] == [item]


def test_what_the_ledger_lists_is_owed_by_the_merge_too(matrix: dict[str, Any]) -> None:
    """Rule 31: an item that vanished since the last judgement is not forgotten by splitting the gate."""
    questions = parts(matrix, "a", "b", "plan")
    gone = "suites/alpha/test_c.py::test_c"

    judgement = judge(merged(questions, about(questions, baseline=(gone,))))

    assert [f.item for f in judgement.blocking] == [gone]


def test_a_checklist_is_that_of_the_ledger_here(matrix: dict[str, Any]) -> None:
    """A tick in the ledger of a job, which nobody keeps, is none."""
    questions = parts(matrix, "a", "b", "plan")

    judgement = judge(merged(questions, about(questions, ticks={})))

    assert [f.title for f in judgement.blocking] == ["checklist 1: Team ready"]


def test_an_old_part_is_refused(matrix: dict[str, Any], place: Workspace) -> None:
    later = datetime.now(UTC) + timedelta(days=2)

    with pytest.raises(Refused, match="and the plan allows 1 day, 0:00:00; run that part again"):
        merge(place, "alpha", exports(matrix, "a", "b", "plan"), now=later)


def test_a_part_whose_run_never_ended_is_refused(matrix: dict[str, Any], place: Workspace, tmp_path: Path) -> None:
    """The newest started run counts, so a red run cannot be covered by killing the next one."""
    lines = matrix["a"].read_bytes().splitlines(keepends=True)
    header = json.loads(lines[0])
    entries = [json.loads(line) for line in lines[1:] if b'"sequence"' in line]
    started = entries[-2]
    header |= {"entries": started["sequence"] + 1, "head": started["digest"]}
    file = tmp_path / "torn.jsonl"
    file.write_bytes(json.dumps(header).encode() + b"\n" + b"".join(lines[1 : 1 + started["sequence"] + 1]))

    with pytest.raises(Refused, match="torn.jsonl holds a newest run without one judgement of this gate"):
        merge(place, "alpha", [file, *exports(matrix, "b", "plan")], now=datetime.now(UTC))


def test_a_part_of_another_plan_is_refused(matrix: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(matrix["project"].folder, folder, symlinks=True)
    (folder / "rollout.toml").write_text(PLAN.replace("> 90 %", "> 80 %"))

    with pytest.raises(Refused, match="does not give its judgement again|judged by another plan"):
        merge(Workspace.at(folder, environment={}), "alpha", exports(matrix, "a", "b", "plan"), now=datetime.now(UTC))


@pytest.mark.parametrize(
    ("file", "is_of_a_gate"),
    [
        ("whole.jsonl", True),
        ("suites/alpha/whole.jsonl", True),
        ("suites/alpha/../beta/whole.jsonl", True),
        ("suites/whole.jsonl", True),
        (".rollout/whole.jsonl", False),
        ("reports/whole.jsonl", False),
        ("../whole.jsonl", False),
    ],
)
def test_a_ledger_is_not_exported_into_a_gate(
    place: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: Any, file: str, is_of_a_gate: bool
) -> None:
    """It would make the gate another one than was judged; no variable of the plan is needed to see that."""
    plan = place.root / "rollout.toml"
    plan.write_text(plan.read_text() + '\n[networks.real]\nkind = "rpc"\nchain_id = 1\nurl = "${NOBODY_SET_THIS}"\n')
    monkeypatch.chdir(place.root)
    (place.root / "reports").mkdir(exist_ok=True)

    status = type_command(["ledger", "export", file])

    assert (place.root / file).exists() is not is_of_a_gate
    assert status == (4 if is_of_a_gate else 0)
    said = capsys.readouterr()
    told = "export whole.jsonl: lies among the files of the gates of rollout.toml, which would not be the judged ones"
    assert (told in said.err) is is_of_a_gate, said
