"""A gate that holds and is left all the same: a real project, real keys, and everybody who tries it without them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from eth_account import Account

from pytest_rollout import operations
from pytest_rollout.cli.commands import run as type_command
from pytest_rollout.core.entries import Entry, EntryKind, next_entry
from pytest_rollout.core.errors import LedgerError, Refused, RolloutError, UsageError
from pytest_rollout.core.moves import Promotion
from pytest_rollout.core.records import Recorded
from pytest_rollout.ledger.canonical import encode, parse
from pytest_rollout.ledger.export import ExportedLedger, lines
from pytest_rollout.operations import Workspace, overriding, signing
from pytest_rollout.operations.judging_again import Again, judge_again
from pytest_rollout.runner.overridden import Rested, rested

KEYS = {"CTO": "0x" + "22" * 32, "Lead": "0x" + "33" * 32}
ADDRESSES = {role: Account.from_key(key).address for role, key in KEYS.items()}
PLAN = f"""
[rollout]
name = "toy"

[metrics.settled]
unit = "ratio"

[stages.alpha.overrides]
roles = {{ "CTO" = "{ADDRESSES["CTO"]}", "Lead" = "{ADDRESSES["Lead"]}" }}
quorum = 1
valid_for = "12h"
never = ["Audit letter", "suites/alpha/test_a.py::test_sacred"]

[[stages.alpha.checklist]]
text = "Audit letter"
advisory = true

[[stages.alpha.checklist]]
text = "Team ready"

[[stages.alpha.criteria]]
name = "escrows settle"
metric = "settled"
promote = "> 99 %"
rollback = [{{ when = "< 50 %" }}]

[stages.beta]
"""
TEST = """
def test_settles(measure):
    measure("settled", good=98, total=100)

def test_sacred():
    assert True
"""
RATE = "rollout.toml::alpha::criteria::escrows settle"
READY = "rollout.toml::alpha::checklist::Team ready"
REASON = "the counter is off by two, see INC-7"


def now(**later: float) -> datetime:
    return datetime.now(UTC) + timedelta(**later)


@pytest.fixture(scope="module")
def template(make_project: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Committed and judged once: alpha holds, for 98 % and a missing tick."""
    project = make_project(tmp_path_factory.mktemp("overridden"))
    files = {"suites/alpha/test_a.py": TEST, "suites/beta/test_b.py": "def test_b():\n    assert True\n"}
    project.write({"rollout.toml": PLAN} | files).commit()
    ran = project.pytest("--stage=alpha", "--rollout-formats=brief,junit")
    assert ran.judgement["verdict"] == "hold", ran.out
    return project


@pytest.fixture
def project(template: Any, tmp_path: Path) -> Any:
    """A copy of it, for one test."""
    shutil.copytree(template.folder, tmp_path / "project", symlinks=True)
    shutil.rmtree(tmp_path / "project" / ".home")
    return type(template)(tmp_path / "project")


@pytest.fixture
def workspace(project: Any) -> Workspace:
    return at(project)


def at(project: Any) -> Workspace:
    return Workspace.at(project.folder, environment={})


def give(
    workspace: Workspace,
    *items: str,
    role: str = "CTO",
    key: str | None = None,
    reason: str = REASON,
    expires: timedelta | datetime | None = None,
    at: datetime | None = None,
) -> Any:
    moment = at or datetime.now(UTC)
    question = overriding.asked(workspace, "alpha", moment)
    terms = overriding.terms(question, items or (RATE, READY), reason, expires, moment)
    return overriding.override(question, terms, role, lambda: key or KEYS[role], person="Cleo", now=moment)


def promote(workspace: Workspace, **later: float) -> Any:
    return operations.promote(workspace, "alpha", person="Ann", now=now(**later))


def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(RolloutError) as caught:
        work()
    return str(caught.value)


def test_a_stage_is_left_by_override_and_says_so_ever_after(project: Any, workspace: Workspace) -> None:
    """No finding changes; the move, the status, the next brief and the ledger tell who, what and why (rule 36)."""
    reports = {path: path.read_bytes() for path in (project.folder / "reports").rglob("*") if path.is_file()}
    assert "says HOLD: 2 findings stand in the way" in refusal(lambda: promote(workspace))

    _, given = give(workspace)
    move, entry = promote(workspace)

    assert (move.to, entry.sequence) == ("beta", given.sequence + 1)
    (one,) = move.overrides
    assert (one.items, one.reason, one.people, one.entries) == (
        (READY, RATE),
        REASON,
        ("Cleo (CTO)",),
        (given.sequence,),
    )
    assert {path: path.read_bytes() for path in reports} == reports
    status = project.rollout("status").out
    assert (
        f"alpha was promoted by override of 2 findings, by Cleo (CTO): {REASON} (ledger entry {entry.sequence})"
        in status
    )
    shown = project.rollout("ledger", "show").out
    assert "Cleo (CTO) signed an override of 2 findings until" in shown
    assert "toy: alpha -> beta by override, Ann" in shown
    later = project.pytest("--stage=beta", "--rollout-formats=brief,html")
    assert later.judgement["facts"][f"promoted by override (ledger entry {entry.sequence})"].startswith(
        "alpha: 2 findings"
    )
    folder = project.folder / "reports" / "toy" / "beta"
    assert "**Promoted by override** on the way here: alpha: 2 findings, by Cleo" in (folder / "brief.md").read_text()
    assert "Promoted by override" in (folder / "brief.html").read_text()


def test_a_part_of_what_is_in_the_way_is_not_enough(workspace: Workspace) -> None:
    give(workspace, "escrows settle")

    said = refusal(lambda: promote(workspace))

    assert "no override covers 1 of the 2 findings in its way, first 'checklist 2: Team ready' (pending)" in said


def test_two_overrides_together_may_cover_it(workspace: Workspace) -> None:
    """Each is told by itself."""
    give(workspace, "escrows settle")
    give(workspace, "Team ready", role="Lead", reason="they are, the list is late")

    move, _ = promote(workspace)

    assert [each.people for each in move.overrides] == [("Cleo (CTO)",), ("Cleo (Lead)",)]


@pytest.mark.parametrize(
    ("items", "says"),
    [
        (["nothing"], "--item nothing: is not in the way of toy:alpha; in the way are"),
        (["*"], "is not in the way"),
        (["rollout.toml::alpha::*"], "is not in the way"),
        ([""], "is not in the way"),
        (["Audit letter"], "is not in the way"),
        (["suites/alpha/test_a.py::test_settles"], "is not in the way"),
        (["escrows setle"], "Did you mean 'escrows settle'"),
        ([], "--item: is missing; in the way are"),
    ],
    ids=["unknown", "wildcard", "wildcard of ids", "empty", "advisory", "passed", "misspelt", "none"],
)
def test_only_a_finding_that_is_in_the_way_is_overridden(workspace: Workspace, items: list[str], says: str) -> None:
    question = overriding.asked(workspace, "alpha", now())
    with pytest.raises(UsageError, match=_literal(says)):
        overriding.terms(question, items, REASON, None, now())


def _literal(text: str) -> str:
    import re

    return re.escape(text)


@pytest.mark.parametrize(
    "reason", ["", "  ", "x" * 501, "two\nlines", "turned \u202e round", "bell \x07"], ids=range(6)
)
def test_an_override_needs_a_reason_that_one_can_read(workspace: Workspace, reason: str) -> None:
    assert "--reason: say in one line why" in refusal(lambda: give(workspace, reason=reason))


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"role": "Intern"}, "no role 'Intern'; the plan has CTO, Lead"),
        ({"key": KEYS["Lead"]}, "the plan names 0x"),
        ({"key": "0x" + "44" * 32}, "the plan names 0x"),
        ({"expires": timedelta(hours=13)}, "'CTO' signed for longer than the 12:00:00 that the plan allows"),
        ({"expires": datetime(2020, 1, 1, tzinfo=UTC)}, "'CTO' signed, but that expired on 2020-01-01"),
    ],
    ids=["no role", "another role's key", "a stranger", "too long", "over"],
)
def test_nobody_else_overrides_and_nobody_for_longer(workspace: Workspace, about: dict[str, Any], says: str) -> None:
    """Refused at once, and nothing is recorded."""
    before = workspace.open().head()

    assert says in refusal(lambda: give(workspace, **about))
    assert workspace.open().head() == before


def test_one_person_counts_once(workspace: Workspace) -> None:
    made, entry = give(workspace)
    question = overriding.asked(workspace, "alpha", now())
    terms = overriding.joined(question, entry.sequence)

    assert terms == made.statement.terms
    again = refusal(lambda: overriding.override(question, terms, "CTO", lambda: KEYS["CTO"], person="C", now=now()))
    assert "'CTO' has signed this override already, and one person counts once" in again


def test_an_override_expires(workspace: Workspace) -> None:
    give(workspace, expires=timedelta(hours=2))

    assert "says HOLD" in refusal(lambda: promote(workspace, hours=3))
    assert promote(workspace, hours=1)[0].to == "beta"


def test_an_override_is_taken_back(workspace: Workspace) -> None:
    """Without a key, for that can only hold; by nobody who gave none."""
    made, _ = give(workspace)
    question = overriding.asked(workspace, "alpha", now())
    none = refusal(lambda: overriding.take_back(question, made.statement.terms, "Lead", person="A", now=now()))
    assert "'Lead' has no signature under that override" in none

    overriding.take_back(question, made.statement.terms, "CTO", person="Ann", now=now())

    assert "says HOLD" in refusal(lambda: promote(workspace))
    (given,) = operations.standings(workspace, [workspace.rollouts[0]], now())[0].given
    assert [each.why.partition(" on ")[0] for each in given.answer.roles] == [
        "took the signature back",
        "has not signed",
    ]


def test_a_second_run_voids_what_was_given_for_the_first(project: Any, workspace: Workspace) -> None:
    """The same findings, another judgement: nobody has answered for it, and the old entry cannot be joined."""
    _, entry = give(workspace)
    project.pytest("--stage=alpha", "--rollout-formats=")

    assert "says HOLD: 2 findings" in refusal(lambda: promote(at(project)))
    question = overriding.asked(at(project), "alpha", now())
    assert "has no override of its newest judgement" in refusal(lambda: overriding.joined(question, entry.sequence))


def test_two_promotions_by_override_at_once_are_one(workspace: Workspace) -> None:
    give(workspace)
    with ThreadPoolExecutor(2) as pool:
        answers = [each.exception() for each in [pool.submit(promote, workspace) for _ in range(2)]]

    assert sorted(type(answer).__name__ for answer in answers if answer) in (["LedgerError"], ["Refused"])
    kinds = [entry.kind.value for entry in workspace.open().entries()]
    assert kinds.count("promotion") == 1


def test_two_overrides_at_once_are_one_entry_and_one_refusal(workspace: Workspace) -> None:
    """The head is compared when the entry is appended."""
    asked = [overriding.asked(workspace, "alpha", now()) for _ in range(2)]
    terms = [overriding.terms(each, [RATE], REASON, None, now()) for each in asked]
    overriding.override(asked[0], terms[0], "CTO", lambda: KEYS["CTO"], person="C", now=now())

    with pytest.raises(LedgerError):
        overriding.override(asked[1], terms[1], "Lead", lambda: KEYS["Lead"], person="L", now=now())


def forged(workspace: Workspace, **changes: Any) -> None:
    """An entry that somebody appended who can write the ledger and has no key."""
    ledger = workspace.open()
    made, _ = give(workspace)
    document = made.document() | {"signature": "0x" + "11" * 64 + "1b"} | changes
    revoked = made.document() | {"revoked": True, "signature": ""}
    ledger.append(EntryKind.OVERRIDE, encode(revoked))
    ledger.append(EntryKind.OVERRIDE, encode(document))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"signature": ""},
        {"signature": "0x"},
        {"contract": True},
        {"signer": "0x" + "55" * 20},
        {"reason": "a better one"},
        {"items": [READY, RATE, "more"]},
        {"judgement": "22" * 32},
        {"expires": 2**53 - 1},
    ],
    ids=["bytes", "none", "empty", "as a wallet", "signer", "reason", "items", "judgement", "for ever"],
)
def test_whoever_can_write_the_ledger_still_cannot_sign(workspace: Workspace, changes: dict[str, Any]) -> None:
    """A signature that was given for something else, or for nothing, is asked again at the promotion."""
    forged(workspace, **changes)

    assert "says HOLD" in refusal(lambda: promote(workspace))


def test_a_signature_for_another_ledger_is_none_here(workspace: Workspace, project: Any) -> None:
    """The ledger is part of what is signed: a copy of the project with a ledger of its own is another place."""
    made, _ = give(workspace)
    statement = made.statement
    elsewhere = Account.sign_typed_data(
        KEYS["CTO"], full_message=statement.typed_data(ledger_id="ab" * 16, chain_id=31337)
    )
    forged_ = "0x" + elsewhere.signature.hex().removeprefix("0x")
    ledger = workspace.open()
    ledger.append(EntryKind.OVERRIDE, encode(made.document() | {"signature": forged_}))

    (given,) = operations.standings(workspace, [workspace.rollouts[0]], now())[0].given
    assert not given.counts


JUDGED_OTHERWISE = {
    "a run that was narrowed": (
        {},
        {"narrowed by -k": "whether, and at what, the gate looked at all", "test_sacred": "nobody looked"},
        ("-k", "settles"),
    ),
    "a trigger that fired": (
        {"suites/alpha/test_a.py": TEST.replace("good=98", "good=40")},
        {RATE: "a rollback trigger fired, and that is never overridden"},
        (),
    ),
    "nothing in the way": (
        {
            "suites/alpha/test_a.py": TEST.replace("good=98", "good=100"),
            "rollout.toml": PLAN.replace('text = "Team ready"', 'text = "Team ready"\nadvisory = true'),
        },
        {RATE: "the newest judgement says PROMOTE: nothing is in its way"},
        (),
    ),
}


@pytest.mark.parametrize(("files", "items", "options"), JUDGED_OTHERWISE.values(), ids=JUDGED_OTHERWISE)
def test_what_nobody_may_override(
    project: Any, files: dict[str, str], items: dict[str, str], options: tuple[str, ...]
) -> None:
    if files:
        project.write(files).commit()
    ran = project.pytest("--stage=alpha", "--rollout-formats=", *options)

    for name, says in items.items():
        ids = [each["item"] for each in ran.judgement["findings"] if name in each["item"]]
        assert says in refusal(lambda item=(ids or [name])[0]: give(at(project), item))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"Audit letter", ', '"escrows settle", ', "stages.alpha.overrides.never lists it"),
        ("::test_sacred", "::test_sacrde", "which this gate does not have; correct it before anything is overridden"),
        ("never =", 'kinds = ["soak", "checklist"]\nnever =', "the plan lets nobody override criteria"),
        ("[stages.alpha.overrides]", "[stages.beta.overrides]", "the plan lets nobody override"),
    ],
    ids=["the item", "an item that is not there", "the kind", "the stage"],
)
def test_what_the_plan_keeps_from_everybody(project: Any, old: str, new: str, says: str) -> None:
    """A plan that protects what is not there protects nothing, so then nothing is overridden."""
    assert old in PLAN
    plan = PLAN.replace(old, new)
    project.write({"rollout.toml": plan if "beta.over" not in new else "\n".join(_without_never(plan))})

    assert says in refusal(lambda: give(at(project), RATE))


def _without_never(plan: str) -> list[str]:
    return [each for each in plan.splitlines() if not each.startswith("never")]


def test_a_gate_that_changed_since_is_not_promoted_by_override(project: Any, workspace: Workspace) -> None:
    give(workspace)
    project.write({"suites/alpha/test_a.py": TEST + "\n"})

    assert "with changes that commit" in refusal(lambda: promote(at(project)))


def test_sign_offs_are_owed_all_the_same(project: Any) -> None:
    """They say that they are for a promotion by override, and one for a promotion is none for it."""
    lead = ADDRESSES["Lead"]
    project.write({"rollout.toml": PLAN + f'\n[stages.alpha.signoffs]\nroles = {{ "Board" = "{lead}" }}\n'}).commit()
    project.pytest("--stage=alpha", "--rollout-formats=")
    workspace = at(project)
    assert "only a promotion is signed for" in refusal(lambda: signing.asked(workspace, "alpha", now()))
    give(workspace)
    assert "0 of the 1 signatures that are needed count" in refusal(lambda: promote(workspace))

    question = signing.asked(workspace, "alpha", now())
    assert signing.typed_data(question, "Board", now())["message"]["verdict"] == "promote by override"
    as_promote = replace(question, verdict="promote")
    signing.sign(as_promote, "Board", lambda: KEYS["Lead"], person="B", now=now())
    assert "'Board' signed for 'promote', not for promote by override" in refusal(lambda: promote(workspace))
    question = signing.asked(workspace, "alpha", now())
    signing.sign(question, "Board", lambda: KEYS["Lead"], person="B", now=now())

    assert promote(workspace)[0].to == "beta"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data["message"].update(items=["*"]), "is not in the way"),
        (lambda data: data["message"].update(items=[]), "--item: is missing"),
        (lambda data: data["message"].update(judgement="0x" + "00" * 32), "is about another ledger, rollout, stage"),
        (lambda data: data["domain"].update(salt="0x" + "00" * 32), "is about another ledger, rollout, stage"),
        (lambda data: data["message"].update(stage="beta"), "is about another ledger, rollout, stage"),
        (lambda data: data.update(message={}), "is no file that `rollout override toy:alpha --write FILE` wrote"),
        (lambda data: data.update(message=3), "is no file that `rollout override toy:alpha --write FILE` wrote"),
    ],
    ids=["wildcard", "nothing", "judgement", "ledger", "stage", "empty", "a number"],
)
def test_a_file_that_was_changed_is_refused(workspace: Workspace, tmp_path: Path, change: Any, says: str) -> None:
    """Typed data is built by the verifier; what a file says is only compared with it."""
    question = overriding.asked(workspace, "alpha", now())
    terms = overriding.terms(question, [RATE], REASON, None, now())
    data = json.loads(json.dumps(overriding.typed_data(question, terms, "CTO")))
    change(data)
    file = tmp_path / "cto.json"
    file.write_text(json.dumps(data))

    made = lambda: overriding.import_override(question, file, "0x" + "11" * 65, person="A", now=now(), contract=False)  # noqa: E731 - one use

    assert says in refusal(made)


Typed = Callable[..., tuple[int, str]]


@pytest.fixture
def typed(project: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    monkeypatch.chdir(project.folder)
    for role, key in KEYS.items():
        monkeypatch.setenv(f"{role.upper()}_KEY", key)

    def type_(*arguments: str) -> tuple[int, str]:
        status = type_command(list(arguments))
        said = capsys.readouterr()
        assert not any(key[2:] in said.out + said.err for key in KEYS.values())
        return status, said.out + said.err

    return type_


def test_a_quorum_joins_one_override(project: Any, typed: Typed) -> None:
    """The second person signs what the first one wrote; status says who is awaited."""
    project.write({"rollout.toml": PLAN.replace("quorum = 1", "quorum = 2")}).commit()
    project.pytest("--stage=alpha", "--rollout-formats=")
    begin = ("override", "alpha", "--item", "escrows settle", "--item", "Team ready", "--reason", REASON)
    status, said = typed(*begin, "--expires", "6h", "--role", "CTO", "--key-env", "CTO_KEY", "--by", "Cleo", "--json")
    assert status == 0
    entry = str(json.loads(said)["ledger_entry"])
    assert typed("promote", "alpha")[0] == 10
    assert f"next: rollout override toy:alpha --join {entry} --role Lead" in typed("status")[1]

    assert (
        typed("override", "alpha", "--join", entry, "--reason", "x", "--role", "Lead", "--key-env", "LEAD_KEY")[0] == 4
    )
    assert typed("override", "alpha", "--join", entry, "--role", "Lead", "--key-env", "LEAD_KEY", "--by", "Lea")[0] == 0

    status, said = typed("promote", "alpha", "--by", "Ann")
    assert status == 0
    assert f"toy: alpha promoted by override of 2 findings, by Cleo (CTO), Lea (Lead): {REASON}, by Ann" in said


def test_a_wallet_elsewhere_signs_what_was_written(typed: Typed) -> None:
    """The file goes out, the signature comes back."""
    file = ".rollout/cto.json"
    asked = ("--item", "escrows settle", "--item", "Team ready", "--reason", REASON, "--role", "CTO")
    assert typed("override", "alpha", *asked, "--write", file)[0] == 0
    made = Account.sign_typed_data(KEYS["CTO"], full_message=json.loads(Path(file).read_text()))
    signature = "0x" + made.signature.hex().removeprefix("0x")

    assert typed("override", "alpha", "--import", file, "--signature", signature, "--by", "Cleo")[0] == 0
    assert typed("override", "alpha", "--import", file, "--signature", signature)[0] == 10

    assert typed("promote", "alpha")[0] == 0


def test_an_end_is_a_duration_or_a_time(typed: Typed) -> None:
    begin = (
        "override",
        "alpha",
        "--item",
        "escrows settle",
        "--reason",
        REASON,
        "--role",
        "CTO",
        "--key-env",
        "CTO_KEY",
    )

    assert "write a duration, such as 6h, or a time with its offset" in typed(*begin, "--expires", "tomorrow")[1]
    assert "write a duration, such as 6h" in typed(*begin, "--expires", "2031-01-01")[1]
    assert typed(*begin, "--expires", now(hours=2).isoformat())[0] == 0


@pytest.mark.parametrize("place", ["cto.json", "suites/alpha/cto.json", "suites/alpha/../cto.json"])
def test_what_a_wallet_signs_is_not_written_among_the_files_of_a_gate(project: Any, typed: Typed, place: str) -> None:
    """It would make the judged gate another one; said before, not at the promotion."""
    begin = ("override", "alpha", "--item", "escrows settle", "--reason", REASON, "--role", "CTO")
    status, said = typed(*begin, "--write", place)

    assert status == 4
    assert "lies among the files of the gates of rollout.toml, which would not be the judged ones any more" in said
    assert not (project.folder / place).exists()


def keys(folder: Path) -> tuple[Path, Path]:
    """A key to attest with, and its public half."""
    key = Ed25519PrivateKey.generate()
    private, public = folder / "ci.pem", folder / "ci.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    private.chmod(0o600)
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


def test_an_attestation_tells_of_the_promotion_by_override(typed: Typed, workspace: Workspace, tmp_path: Path) -> None:
    """Whoever verifies sees a hold that was moved on, by whom and why; it counts as a promotion only if they ask for it."""
    private, public = keys(tmp_path)
    give(workspace)
    file = "reports/toy/alpha/attestation.json"
    assert typed("attest", "alpha", "--key", str(private))[0] == 0
    assert "OVERRIDE" not in typed("verify", file, "--key", str(public))[1]
    promote(workspace)
    assert typed("attest", "alpha", "--key", str(private))[0] == 0

    status, said = typed("verify", file, "--key", str(public))

    assert status == 10
    assert "toy:alpha: HOLD, judged again: the same" in said
    assert "PROMOTED BY OVERRIDE to beta by Ann" in said
    assert f"2 findings, by Cleo (CTO): {REASON}" in said
    assert f"- {RATE}" in said
    assert typed("verify", file, "--key", str(public), "--accept-override")[0] == 0
    status, said = typed("verify", file, "--key", str(public), "--json")
    assert json.loads(said)["promoted_by_override"]["overrides"][0]["override"]["signer"] == ADDRESSES["CTO"].lower()


def moved(workspace: Workspace, **changes: Any) -> Promotion:
    """A promotion by override as somebody writes it who has no key of the plan's."""
    ledger = workspace.open()
    history = operations.recording.history_of(ledger, workspace.rollouts[0])
    judgement = history.newest_judgement("alpha")
    assert judgement is not None
    about: dict[str, Any] = {
        "rollout": "toy",
        "stage": "alpha",
        "to": "beta",
        "entry": 0,
        "judgement": judgement.digest,
        "judgement_sequence": judgement.sequence,
        "run": judgement.run.id,
        "attempts": 1,
        "person": "Mallory",
        "at": now(),
    }
    return Promotion(**(about | changes))


def test_an_export_with_a_forged_promotion_does_not_verify(workspace: Workspace, tmp_path: Path) -> None:
    """The chain is sound, for it was written anew; what the promotion rests on is not (`ledger verify --judge`)."""
    give(workspace, "escrows settle")
    ledger = workspace.open()
    ledger.append(EntryKind.PROMOTION, encode(moved(workspace).document()))
    file = tmp_path / "export.jsonl"
    file.write_bytes(b"".join(lines(ledger)))
    exported = ExportedLedger(file)
    exported.verify()

    assert "the promotion out of 'alpha' does not stand" in refusal(lambda: judge_again(exported))


def test_a_sound_promotion_by_override_verifies_from_its_export(workspace: Workspace, tmp_path: Path) -> None:
    give(workspace)
    promote(workspace)
    file = tmp_path / "export.jsonl"
    file.write_bytes(b"".join(lines(workspace.open())))

    assert judge_again(ExportedLedger(file)) == Again(same=1, overridden=1)


def test_an_export_whose_override_was_edited_is_torn(workspace: Workspace, tmp_path: Path) -> None:
    give(workspace)
    file = tmp_path / "export.jsonl"
    whole = b"".join(lines(workspace.open()))
    file.write_bytes(whole.replace(b"INC-7", b"INC-8"))
    assert file.read_bytes() != whole

    with pytest.raises((LedgerError, Refused)):
        ExportedLedger(file).verify()


def test_an_entry_of_another_ledger_follows_nothing_here(workspace: Workspace) -> None:
    """Replay: what was recorded elsewhere cannot be put in."""
    made, entry = give(workspace)
    other = next_entry(
        Entry(
            ledger_id="ab" * 16, sequence=entry.sequence, previous="", kind=entry.kind, payload=b"", digest="cd" * 32
        ),
        ledger_id="ab" * 16,
        kind=EntryKind.OVERRIDE,
        payload=encode(made.document()),
    )

    with pytest.raises(LedgerError):
        workspace.open().extend([other], lambda _: b"")
    assert parse(workspace.open().head().payload)["reason"] == REASON


def test_a_contract_wallet_under_an_override_is_named_as_unconfirmed(workspace: Workspace, tmp_path: Path) -> None:
    """From the record alone nobody can ask it, so nobody may take it for a key's signature."""
    made, given = give(workspace)
    move, _ = promote(workspace)
    ledger = workspace.open()
    history = operations.recording.history_of(ledger, workspace.rollouts[0])
    (judgement,) = history.judgements
    wallet = Recorded(sequence=given.sequence, value=replace(made, contract=True, signature="0x00"))

    found = rested(workspace.rollouts[0].stage("alpha"), judgement, move, [wallet])

    assert found == Rested(unconfirmed=("CTO",))
    forged = replace(wallet, value=replace(made, signature="0x" + "11" * 64 + "1b"))
    assert (
        "'CTO' the signature fits no key" in rested(workspace.rollouts[0].stage("alpha"), judgement, move, [forged]).why
    )
