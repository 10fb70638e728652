"""No room left, on a real file system: what was recorded stays, nothing is half there, no verdict is better for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.room import inside

FULL = "the disk is full; nothing was recorded. Make room, then try again."
LIMIT = "disk I/O error; nothing counts as recorded. Check space, quota and file size limits, then run `rollout ledger verify`."

LEDGER = """
import json, sys
from pathlib import Path

from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.ledger.canonical import encode
from pytest_rollout.ledger.sqlite import SqliteLedger
from tests.room import Room

folder = Path(sys.argv[1])
room, told, left = Room(folder), set(), set()
tick = encode({
    "rollout": "toy", "stage": "alpha", "entry": 0, "number": 1, "text": "t", "person": "p", "note": "x" * 9000,
    "at": "2026-11-02T10:00:00+00:00", "evidence_digest": "", "evidence_name": "", "ticked": True,
})
ledger = SqliteLedger.create(folder / "ledger.db", shown="ledger.db")
came = []
for size in (*range(0, 48 * 1024, 4096), 2**20):
    before = ledger.head().sequence
    room.leave(size)
    try:
        came.append(ledger.append(EntryKind.TICK, tick).sequence - before)
    except LedgerError as error:
        came.append(0)
        told.add(str(error))
    left |= {path.name for path in folder.iterdir()}
    came[-1] = [came[-1], ledger.verify().sequence - before]
room.widen()
after = ledger.append(EntryKind.TICK, tick).sequence, ledger.verify().sequence

made = []
for size in (*range(0, 64 * 1024, 8192), 2**20):
    room.leave(size)
    path = folder / "new" / f"{size}.db"
    try:
        made.append(SqliteLedger.create(path, shown="new.db").verify().sequence)
    except LedgerError as error:
        made.append(-1)
        told.add(str(error))
    left |= {each.name for each in path.parent.iterdir()} if path.parent.exists() else set()
room.widen()
print(json.dumps({"real": room.is_real, "came": came, "after": after, "made": made, "told": sorted(told), "left": sorted(left)}))
"""


def test_a_ledger_without_room_records_whole_entries_or_none(tmp_path: Path) -> None:
    """At every number of free blocks: what was told is what is there, and with room again the next one follows."""
    said = inside(LEDGER, tmp_path / "disk")

    assert all(told == there for told, there in said["came"]), said
    assert said["came"][0] == [0, 0]
    assert said["came"][-1] == [1, 1]
    assert said["after"] == [sum(told for told, _ in said["came"]) + 1] * 2
    assert (said["made"][0], said["made"][-1]) == (-1, 0)
    assert said["told"], said
    for sentence in said["told"]:
        assert sentence.startswith(("ledger ledger.db: ", "ledger new.db: "))
        assert sentence.endswith(("Make room, then try again.", "`rollout ledger verify`.", "the space there."))
    assert (f"ledger ledger.db: {FULL if said['real'] else LIMIT}") in said["told"]
    assert [each for each in said["left"] if not each.endswith(".db") and each not in {".filler", "new"}] == []


REPORTS = """
import json, sys
from pathlib import Path
from xml.etree import ElementTree

sys.path.insert(0, "tests/reporting")
import conftest
from pytest_rollout.core.errors import ReportError
from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.rollout import Stage
from pytest_rollout.reporting import write
from tests.room import Room

folder = Path(sys.argv[1])
room, seen = Room(folder), []
(folder / "large").write_bytes(bytes(4096))
sealed = conftest.make_sealed([conftest.make_finding(f"test_{i}", Outcome.FAIL, detail="E   x" * 400) for i in range(40)])
for size in (*range(0, 512 * 1024, 32 * 1024), 4 * 2**20):
    place = folder / f"{size}" / "takumi" / "alpha"
    room.leave(size)
    told = ""
    try:
        write(sealed, Evidence(), Stage(name="alpha", title="A"), place)
    except ReportError as error:
        told = str(error)
    room.widen()
    names = sorted(each.name for each in place.iterdir()) if place.exists() else []
    if "verdict.json" in names:
        assert json.loads((place / "verdict.json").read_bytes())["judgement"]["verdict"] == sealed.judgement.verdict.value
    if "junit.xml" in names:
        ElementTree.parse(place / "junit.xml")
    seen.append([names, told])
print(json.dumps(seen))
"""


def test_reports_without_room_are_whole_or_not_there(tmp_path: Path) -> None:
    """From no room to enough: each report that is there is whole, and one sentence names the first that is not."""
    seen = inside(REPORTS, tmp_path / "disk")

    assert seen[0][0] == []
    assert seen[-1] == [["allure-results", "brief.html", "brief.md", "junit.xml", "verdict.json"], ""]
    for names, told in seen:
        assert (told == "") is (len(names) == 5), (names, told)
        assert [each for each in names if each.endswith(".part")] == []
        assert "\n" not in told


GATE = """
import json, os, shutil, subprocess, sys
from pathlib import Path

from tests.room import Room

folder, template, size = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
project, room = folder / "project", Room(folder)
shutil.copytree(template, project, symlinks=True)
environment = {name: each for name, each in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON", "GIT_"))}
environment |= {"HOME": str(folder / "home"), "NO_COLOR": "1"}


def typed(*words):
    command = [sys.executable, "-m", "pytest_rollout", *words]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    return [done.returncode, done.stdout, done.stderr]


def names(place):
    return sorted(each.name for each in place.iterdir()) if place.exists() else []


room.leave(size)
full = typed("gate", "alpha")
reports = names(project / "reports/toy/alpha")
room.widen()
verified = typed("ledger", "verify")
again = typed("gate", "alpha")
room.leave(0)
refused = [typed("promote", "alpha"), typed("ledger", "export", ".rollout/whole.jsonl"), typed("check", "alpha", "1")]
left = names(project / ".rollout")
room.widen()
promoted = typed("promote", "alpha")
print(json.dumps({
    "full": full, "reports": reports, "verified": verified, "again": again, "refused": refused, "left": left,
    "promoted": promoted,
}))
"""
PLAN = """
[rollout]
name = "toy"

[stages.alpha]

[[stages.alpha.checklist]]
text = "Team ready"

[stages.beta]
"""
NOISY = "import os\n\ndef test_a(evidence):\n    evidence.text('noise', os.urandom(100_000).hex())\n    assert True\n"


@pytest.fixture(scope="module")
def template(make_project: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = make_project(tmp_path_factory.mktemp("full"))
    project.write({"rollout.toml": PLAN, "suites/alpha/test_a.py": NOISY, "suites/beta/test_b.py": NOISY}).commit()
    assert project.rollout("check", "alpha", "1").status == 0
    return project.folder


@pytest.mark.parametrize(
    ("size", "ran", "reports"),
    [
        (0, False, set()),
        (20_000, True, set()),
        (170_000, True, {"brief.html", "brief.md", "junit.xml", "verdict.json"}),
    ],
    ids=["nothing", "the start of a run", "all but the evidence's report"],
)
def test_a_gate_without_room_holds_and_recovers_by_itself(
    template: Path, tmp_path: Path, size: int, ran: bool, reports: set[str]
) -> None:
    """Whatever could not be recorded or reported: 10 and one sentence; with room again everything goes on."""
    said = inside(GATE, tmp_path / "disk", template, size)

    status, out, err = said["full"]
    assert status == 10, out + err
    assert err.startswith("HOLD: ")
    assert err.count("\n") == 1
    assert ("1 passed" in out) is ran
    assert set(said["reports"]) == reports
    assert said["verified"][0] == 0, said["verified"]
    assert said["again"][0] == 0, said["again"]
    for number, out, err in said["refused"]:
        assert number != 0, out
        assert err.count("\n") == 1, err
    assert said["left"] == ["ledger.db"]
    assert said["promoted"][0] == 0, said["promoted"]
    assert "Traceback" not in str(said)
