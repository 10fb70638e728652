"""What one can do with a judged rollout, on a real project with a real ledger and a real commit."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout import operations
from pytest_rollout.core.errors import LedgerError, Refused, RolloutError, UsageError
from pytest_rollout.core.judging import judge
from pytest_rollout.ledger.canonical import parse, seal
from pytest_rollout.operations import Workspace
from pytest_rollout.runner.record import pack, unpack

PLAN = """
[rollout]
name = "toy"
title = "Toy"
judgement_max_age = "1h"

[networks.local]
kind = "tester"

[networks.other]
kind = "tester"

[metrics.settled]
unit = "ratio"

[stages.alpha]
title = "Alpha"
network = "local"

[[stages.alpha.criteria]]
name = "escrows settle"
metric = "settled"
promote = "> 90 %"

[[stages.alpha.checklist]]
text = "Audit letter"
evidence = true

[[stages.alpha.checklist]]
text = "Team ready"

[stages.beta]
title = "Beta"

[stages.public]
title = "Public"
"""
SUITE = "def test_settles(measure):\n    measure('settled', good=99, total=100)\n"
BETA = "def test_beta():\n    assert True\n"
ANN = "Ann <ann@example.org>"
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def template(make_project: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Committed, ticked, judged once: alpha may be promoted."""
    project = make_project(tmp_path_factory.mktemp("judged"))
    files = {"rollout.toml": PLAN, "suites/alpha/test_a.py": SUITE, "suites/public/test_p.py": BETA}
    project.write(files | {"suites/beta/test_b.py": BETA, "letter.pdf": "signed"}).commit()
    workspace = Workspace.at(project.folder, environment={})
    letter = project.folder / "letter.pdf"
    operations.tick(workspace, "alpha", 1, person=ANN, now=datetime.now(UTC), evidence=letter)
    operations.tick(workspace, "alpha", 2, person=ANN, now=datetime.now(UTC))
    ran = project.pytest("--stage=alpha", "--rollout-formats=")
    assert ran.judgement["verdict"] == "promote", ran.out
    return project


@pytest.fixture
def judged(template: Any, tmp_path: Path) -> Any:
    """A copy of it, for one test."""
    shutil.copytree(template.folder, tmp_path / "project", symlinks=True)
    return type(template)(_without_home(tmp_path / "project"))


def _without_home(folder: Path) -> Path:
    shutil.rmtree(folder / ".home")
    return folder


def at(project: Any) -> Workspace:
    return Workspace.at(project.folder, environment={})


def promote(project: Any, place: str = "alpha", later: timedelta = timedelta(seconds=1)) -> Any:
    return operations.promote(at(project), place, person=ANN, now=datetime.now(UTC) + later)


def test_a_standing_judgement_is_promoted_once(judged: Any) -> None:
    """The move consumes its judgement and enters the next stage only."""
    move, entry = promote(judged)

    assert (move.stage, move.to, move.person, move.attempts) == ("alpha", "beta", ANN, 1)
    assert entry.sequence == 5
    with pytest.raises(Refused, match="toy stands at 'beta', and a move starts where it stands"):
        promote(judged)
    with pytest.raises(Refused, match="toy:beta: not judged yet"):
        promote(judged, "beta")


def test_the_recorded_evidence_gives_the_recorded_judgement_byte_for_byte(judged: Any) -> None:
    """Rule 5: packed, kept, unpacked and judged again; and packed again it is the same question."""
    workspace = at(judged)
    ledger = workspace.open()
    entry = next(each for each in ledger.entries() if each.kind.value == "judgement")
    digest = parse(entry.payload)["evidence_digest"]
    content = ledger.attachment(digest)

    question = unpack(content, workspace.rollouts[0], digest)

    assert seal(judge(question)).payload == entry.payload
    assert content.endswith(pack(question))


STANDS_NO_MORE: dict[str, tuple[Callable[[Any], object], str]] = {
    "a changed suite": (
        lambda p: p.write({"suites/alpha/test_a.py": SUITE + "#"}),
        "is now with changes that commit",
    ),
    "a changed and committed suite": (
        lambda p: p.write({"suites/alpha/test_a.py": SUITE + "#"}).commit(),
        "judged at commit",
    ),
    "a changed plan": (lambda p: p.write({"rollout.toml": PLAN + "#"}), "changes that commit"),
    "a new untracked file": (lambda p: p.write({"suites/alpha/data.json": "{}"}), "changes that commit"),
    "a removed test": (lambda p: (p.folder / "suites/alpha/test_a.py").unlink(), "changes that commit"),
    "a commit of something else": (lambda p: p.write({"README.md": "x"}).commit(), "judged at commit"),
    "no repository any more": (lambda p: shutil.rmtree(p.folder / ".git"), "lies in no git repository"),
    "a tick taken back": (
        lambda p: operations.tick(at(p), "alpha", 2, person=ANN, now=datetime.now(UTC), undo=True),
        r"checklist 2 \('Team ready'\) is no longer ticked",
    ),
}


@pytest.mark.parametrize(("change", "says"), [pytest.param(*case, id=name) for name, case in STANDS_NO_MORE.items()])
def test_a_promotion_looks_again(judged: Any, change: Callable[[Any], object], says: str) -> None:
    """Rule 35: what was judged must be what is there, in its own words."""
    change(judged)

    with pytest.raises(Refused, match=says) as refused:
        promote(judged)

    assert "\n" not in str(refused.value)
    assert len(list(at(judged).open().entries())) in {5, 6}


def test_a_judgement_grows_old(judged: Any) -> None:
    """An hour is what this plan allows."""
    with pytest.raises(Refused, match="the plan allows 1:00:00"):
        promote(judged, later=timedelta(hours=2))


def test_a_clock_before_the_judgement_is_wrong(judged: Any) -> None:
    with pytest.raises(Refused, match="a clock is wrong"):
        promote(judged, later=timedelta(days=-1))


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("gamma", "no stage 'gamma'; there are alpha, beta, public"),
        ("alhpa", "Did you mean 'alpha'"),
        ("tyo:alpha", "no rollout 'tyo'; this project has toy. Did you mean 'toy'"),
        ("", "no stage ''"),
        (":", "no rollout ''"),
        ("toy:", "no stage ''"),
    ],
)
def test_a_place_that_is_none_is_a_mistake_of_the_command(judged: Any, place: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        promote(judged, place)


def test_a_stage_is_not_skipped(judged: Any) -> None:
    with pytest.raises(Refused, match="toy stands at 'alpha', and a move starts where it stands"):
        promote(judged, "public")


def test_two_promotions_at_once_are_one_entry_and_one_refusal(judged: Any) -> None:
    """Rule 37: the head is compared when the entry is appended."""
    with ThreadPoolExecutor(2) as pool:
        answers = [each.exception() for each in [pool.submit(promote, judged) for _ in range(2)]]

    assert sorted(type(answer).__name__ for answer in answers if answer) in (["LedgerError"], ["Refused"])
    kinds = [entry.kind.value for entry in at(judged).open().entries()]
    assert kinds.count("promotion") == 1


def test_a_rollout_goes_on_to_its_end_and_can_be_reopened(judged: Any) -> None:
    """Three stages, each judged in its own visit; a complete rollout is reopened by naming its last stage."""
    promote(judged)
    for stage in ("beta", "public"):
        ran = judged.pytest(f"--stage={stage}", "--rollout-formats=")
        assert ran.judgement["verdict"] == "promote", ran.out
        move, _ = promote(judged, stage)
    workspace = at(judged)
    standing = operations.standings(workspace, [workspace.rollouts[0]], datetime.now(UTC))[0]

    assert move.to == ""
    assert standing.stage is None
    assert standing.following == ""
    with pytest.raises(Refused, match="toy is complete"):
        operations.tick(workspace, "alpha", 2, person=ANN, now=NOW)
    with pytest.raises(Refused, match="`rollout rollback toy:public` reopens it"):
        promote(judged, "public")
    back, _ = operations.roll_back(workspace, "public", person=ANN, reason="a bug", now=datetime.now(UTC))
    assert (back.stage, back.to) == ("public", "public")
    with pytest.raises(Refused, match="last judged in an earlier visit"):
        promote(judged, "public")


def test_a_rollback_enters_the_stage_before_and_what_was_judged_there_counts_no_more(judged: Any) -> None:
    """Ticks and judgements belong to one visit."""
    promote(judged)

    move, _ = operations.roll_back(at(judged), "beta", person=ANN, reason="gas doubled", now=datetime.now(UTC))
    workspace = at(judged)
    standing = operations.standings(workspace, [workspace.rollouts[0]], datetime.now(UTC))[0]

    assert (move.stage, move.to, move.reason) == ("beta", "alpha", "gas doubled")
    assert standing.judgement is None
    assert [entry.number for entry in standing.unticked] == [1, 2]
    with pytest.raises(Refused, match="last judged in an earlier visit"):
        promote(judged)


@pytest.mark.parametrize(
    ("stage", "reason", "to", "says"),
    [
        ("alpha", "x", None, "the first stage has none before it"),
        ("beta", "x", None, "toy stands at 'alpha'"),
        ("alpha", " ", None, "a rollback is recorded with its reason"),
        ("alpha", "x", "public", "the first stage has none before it"),
    ],
)
def test_a_rollback_that_goes_nowhere_is_refused(
    judged: Any, stage: str, reason: str, to: str | None, says: str
) -> None:
    with pytest.raises(Refused, match=says):
        operations.roll_back(at(judged), stage, person=ANN, reason=reason, now=NOW, to=to)


def test_a_later_run_supersedes_an_earlier_judgement(judged: Any) -> None:
    """A rehearsal, a hold and a crashed run all come after the promote, and each says why it is in the way."""
    rehearsed = judged.pytest("--stage=alpha", "--network=other", "--rollout-formats=")
    assert rehearsed.status == 10
    assert "rehearsal" in rehearsed.says
    assert [f["title"] for f in rehearsed.judgement["findings"] if f["outcome"] != "pass"] == ["rehearsal"]
    with pytest.raises(Refused, match="the newest run was a rehearsal on network 'other', the stage's is 'local'"):
        promote(judged)

    narrowed = judged.pytest("--stage=alpha", "-k", "settles", "--rollout-formats=")
    assert narrowed.status == 10
    with pytest.raises(Refused, match=r"attempt 3, run .* says HOLD: 2 findings stand in the way, first 'narrowed by"):
        promote(judged)

    again = judged.pytest("--stage=alpha", "--rollout-formats=")
    assert again.says == "", "a rehearsal leaves nothing behind that the real run owes"
    assert promote(judged)[0].attempts == 4


TICKS = {
    "an unknown number": (3, {}, UsageError, r"no checklist entry 3; it has 1 \(Audit letter\), 2 \(Team ready\)"),
    "number zero": (0, {}, UsageError, "no checklist entry 0"),
    "without its evidence": (1, {}, Refused, "checklist 1 asks for an evidence file"),
    "a missing file": (1, {"evidence": Path("nowhere.pdf")}, RolloutError, "nowhere.pdf: cannot be read"),
    "a folder": (1, {"evidence": Path("/tmp")}, RolloutError, "tmp: is no file"),
    "a device": (1, {"evidence": Path("/dev/zero")}, RolloutError, "zero: is no file"),
}


@pytest.mark.parametrize(("number", "more", "error", "says"), [pytest.param(*case, id=n) for n, case in TICKS.items()])
def test_a_tick_that_says_nothing_is_refused(judged: Any, number: int, more: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        operations.tick(at(judged), "alpha", number, person=ANN, now=NOW, **more)


def test_only_the_current_stage_is_ticked(judged: Any) -> None:
    promote(judged)

    with pytest.raises(Refused, match="toy stands at 'beta'; only its current stage is ticked"):
        operations.tick(at(judged), "alpha", 2, person=ANN, now=NOW)


def test_the_evidence_of_a_tick_is_kept_in_the_ledger(judged: Any) -> None:
    """Its bytes, under their SHA-256; an empty file and a name that is no text are kept as well."""
    odd = judged.folder / "reports" / "le\udcfftter.bin"
    odd.write_bytes(bytes(range(256)))
    empty = judged.folder / "reports" / "empty"
    empty.write_bytes(b"")
    workspace = at(judged)

    made = operations.tick(workspace, "alpha", 1, person=ANN, now=NOW, evidence=odd, note="see page 2")
    operations.tick(workspace, "alpha", 1, person=ANN, now=NOW, evidence=empty)
    ledger = workspace.open()

    assert ledger.attachment(made.evidence_digest) == bytes(range(256))
    assert made.evidence_name == "le\\udcfftter.bin"
    assert ledger.verify().sequence == 6


def test_evidence_that_is_too_large_is_refused(judged: Any, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(operations.LARGEST_EVIDENCE + 1)

    with pytest.raises(RolloutError, match="large.bin: larger than 50 MiB"):
        operations.tick(at(judged), "alpha", 1, person=ANN, now=NOW, evidence=large)


def edit(project: Any, *statements: str) -> None:
    """What somebody with a database browser does, the guards taken away first."""
    with sqlite3.connect(project.folder / ".rollout/ledger.db") as database:
        triggers = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        guards = [sql for (sql,) in database.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")]
        for name in triggers:
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            database.execute(statement)
        for guard in guards:
            database.execute(guard)
    database.close()


TAMPERED = {
    "a payload": (
        "UPDATE entries SET payload = CAST(replace(CAST(payload AS TEXT), 'Ann', 'Bob') AS BLOB) WHERE sequence = 2",
        "ledger entry 2",
    ),
    "a kind": ("UPDATE entries SET kind = 'promotion' WHERE sequence = 3", "ledger entry 3"),
    "an entry gone": ("DELETE FROM entries WHERE sequence = 1", "ledger entry"),
    "the evidence of the judgement": (
        "UPDATE attachments SET content = x'789c030000000001' WHERE sequence = 4",
        "ledger entry 4: .*evidence .* does not match its digest",
    ),
    "the evidence gone": ("DELETE FROM attachments WHERE sequence = 4", "ledger entry 4: .*evidence missing"),
}


@pytest.mark.parametrize(("statement", "says"), [pytest.param(*case, id=name) for name, case in TAMPERED.items()])
def test_an_edited_ledger_promotes_nothing(judged: Any, statement: str, says: str) -> None:
    """The chain names the entry where it breaks."""
    edit(judged, statement)

    with pytest.raises(LedgerError, match=says):
        promote(judged)
    with pytest.raises(LedgerError, match=says):
        at(judged).open().verify()


def test_a_status_says_where_it_stands_and_what_comes_next(judged: Any) -> None:
    """The obstacle is the sentence of the refusal, so nobody has to try a promotion to read it."""
    workspace = at(judged)
    rollout = workspace.rollouts[0]

    ready = operations.standings(workspace, [rollout], datetime.now(UTC))[0]
    operations.tick(workspace, "alpha", 2, person=ANN, now=datetime.now(UTC), undo=True)
    held = judged.pytest("--stage=alpha", "--rollout-formats=")
    waiting = operations.standings(workspace, [rollout], datetime.now(UTC))[0]

    assert (ready.obstacle, ready.following, ready.attempts) == ("", "rollout promote toy:alpha", 1)
    assert held.status == 10
    assert waiting.following == "rollout check toy:alpha 2"
    assert [finding["title"] for finding in waiting.findings] == ["checklist 2: Team ready"]
    assert "says HOLD" in waiting.obstacle


def test_a_ledger_of_another_project_promotes_nothing(judged: Any, template: Any) -> None:
    """The plan may pin its ledger; any other one is refused."""
    ledger_id = at(judged).open().id
    judged.write({"rollout.toml": PLAN.replace("[rollout]", '[rollout]\nledger = "0123456789abcdef"')}).commit()

    with pytest.raises(Refused, match=f"the plan belongs to ledger 0123456789abcdef, this one is {ledger_id}"):
        promote(judged)


def test_a_secret_in_what_people_write_does_not_reach_the_ledger(judged: Any, tmp_path: Path) -> None:
    """Notes, names and reasons are redacted; a file that holds one is refused."""
    judged.write({"rollout.toml": PLAN.replace('title = "Toy"', 'title = "Toy ${KEY}"', 1)}).commit()
    workspace = Workspace.at(judged.folder, environment={"KEY": "s3cr3t-value"})
    leak = tmp_path / "s3cr3t-value.txt"
    leak.write_text("the key is s3cr3t-value")
    fine = tmp_path / "s3cr3t-value.pdf"
    fine.write_text("nothing")

    with pytest.raises(Refused, match=r"--evidence <KEY>.txt: holds a secret of the plan"):
        operations.tick(workspace, "alpha", 1, person=ANN, now=NOW, evidence=leak)
    made = operations.tick(workspace, "alpha", 1, person="s3cr3t-value", now=NOW, evidence=fine, note="s3cr3t-value")

    assert (made.person, made.note, made.evidence_name) == ("<KEY>", "<KEY>", "<KEY>.pdf")
    assert b"s3cr3t" not in (judged.folder / ".rollout/ledger.db").read_bytes()


def test_two_rollouts_of_one_name_of_stage_must_be_told_apart(judged: Any) -> None:
    """``alpha`` alone is not enough; ``toy:alpha`` is, even where another plan cannot be read."""
    other = '[rollout]\nname = "other"\ntitle = "O"\n[stages.alpha]\ntitle = "A"\n'
    judged.write({"other/rollout.toml": other, "other/suites/test_o.py": BETA})

    with pytest.raises(UsageError, match="'alpha' is a stage of 2 rollouts; name one of other:alpha, toy:alpha"):
        at(judged).gate("alpha")

    assert at(judged).gate("toy:alpha")[0].name == "toy"
    judged.write({"other/rollout.toml": other.replace('"O"', '"${MISSING}"')})
    assert Workspace.at(judged.folder, environment={}, place="toy:alpha").gate("toy:alpha")[1].name == "alpha"


def test_a_project_without_a_plan_or_a_ledger_says_so(bare: Any) -> None:
    with pytest.raises(UsageError, match="no rollout.toml in this project; create one with `rollout init`"):
        at(bare)

    bare.write({"rollout.toml": PLAN, "suites/test_a.py": BETA})
    with pytest.raises(LedgerError, match="rollout init"):
        promote(bare)
