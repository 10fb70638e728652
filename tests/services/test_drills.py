"""Drills on copies: dual writes, kills between two writes, torn files, crowds; ratios of real commands by turns."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.command import Command
from pytest_rollout.core.drill import Damage, Drill, Kill
from pytest_rollout.core.errors import ServiceError
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.ratio import Measure, Ratio
from pytest_rollout.core.record import Identity
from pytest_rollout.core.results import Format, Result
from pytest_rollout.core.store_check import StoreCheck, StoreKind, StoreSettings
from pytest_rollout.core.store_tally import Asked
from pytest_rollout.services import drills, ratios

WRITE = """
import json, sys, time
folder, number, between, sides = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
line = json.dumps({"id": number}) + chr(10)
for side in sides.split(","):
    with open(f"{folder}/state/{side}.ndjson", "a") as file:
        file.write(line)
    print(side, "written", flush=True)
    time.sleep(between)
"""
MEND = """
import shutil, sys
shutil.copy(f"{sys.argv[1]}/state/one.ndjson", f"{sys.argv[1]}/state/other.ndjson")
"""
READ = """
import json, sys
with open(f"{sys.argv[1]}/state/one.ndjson") as file:
    print(sum(1 for line in file if json.loads(line)), "records")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two stores of one record each."""
    (tmp_path / "state").mkdir()
    for name in ("one", "other"):
        (tmp_path / "state" / f"{name}.ndjson").write_text('{"id": 0}\n')
    return tmp_path


@pytest.fixture
def drilled(folder: Path) -> Callable[..., Finding]:
    """Runs a drill, its stores compared as a gate would, and judges what was seen."""
    from pytest_rollout.stores.opening import Stores

    one, other = (
        StoreSettings(name=name, kind=StoreKind.NDJSON, path=folder / "state" / f"{name}.ndjson")
        for name in ("one", "other")
    )
    both = StoreCheck(name="both", left=one, right=other, asked=Asked(identity=Identity(key=("id",))))

    def command(code: str, *arguments: str, **about: Any) -> Command:
        about = {"limit": timedelta(seconds=20)} | about
        return Command(name="it", run=(sys.executable, "-c", code, *arguments), folder=folder, **about)

    def drill(
        code: str = WRITE,
        *arguments: str,
        recover: tuple[str, ...] = (),
        stores: bool = True,
        run: dict[str, Any] | None = None,
        **about: Any,
    ) -> Finding:
        given = arguments or ("{copy}", "{number}", "0", "one,other")
        made = Drill(
            name="it",
            run=command(code, *given, **(run or {})),
            recover=command(*recover) if recover else None,
            stores=both if stores else None,
            **{"copy": ("state",)} | about,
        )
        value, source = drills.observe(made, folder, Stores({}).look)
        return made.judge("item", Observation(item="item", value=json.loads(json.dumps(value)), source=source))

    return drill


def test_a_dual_write_reaches_both_sides(drilled: Any, folder: Path) -> None:
    finding = drilled(times=3, grows=1)

    assert (finding.outcome, finding.measured) == (Outcome.PASS, "3 runs as declared, 4 records hold")
    assert (folder / "state" / "one.ndjson").read_text() == '{"id": 0}\n'


SIDES = {
    "the left alone": ("one", "3 only in one"),
    "the right alone": ("other", "3 only in other"),
    "neither": ("elsewhere", "0 records came to one, not 3; 0 records came to other, not 3"),
    "both, twice": ("one,other,one,other", "6 records came to one, not 3"),
}


@pytest.mark.parametrize(("sides", "says"), SIDES.values(), ids=SIDES)
def test_a_write_that_reached_one_side_only_is_found(drilled: Any, sides: str, says: str) -> None:
    finding = drilled(WRITE, "{copy}", "{number}", "0", sides, times=3, grows=1)

    assert finding.outcome is Outcome.FAIL
    assert says in finding.measured


def test_a_command_that_writes_nothing_is_no_dual_write(drilled: Any) -> None:
    """Two stores that nobody touched agree."""
    finding = drilled("pass", times=2, grows=1)

    assert finding.measured == "0 records came to one, not 2; 0 records came to other, not 2"


def test_a_kill_between_the_two_writes_is_recovered_from(drilled: Any) -> None:
    recovered = drilled(
        WRITE,
        *("{copy}", "{number}", "5", "one,other"),
        kill=Kill(times=2, when="^one written"),
        recover=(MEND, "{copy}"),
    )
    not_mended = drilled(
        WRITE,
        *("{copy}", "{number}", "5", "one,other"),
        kill=Kill(times=1, when="^one written"),
        recover=("pass", "{copy}"),
    )

    assert (recovered.outcome, recovered.measured) == (
        Outcome.PASS,
        "2 kills, 2 between the two writes, recovered from each",
    )
    assert not_mended.outcome is Outcome.FAIL
    assert "after kill 1: 1 only in one: 1" in not_mended.measured


def test_stores_that_differed_before_are_no_kill_between_two_writes(drilled: Any, folder: Path) -> None:
    """Else a command that is killed before it writes anything would pass, for it was 'recovered from'."""
    with (folder / "state" / "one.ndjson").open("a") as file:
        file.write('{"id": 99}\n')

    finding = drilled(
        "print('started', flush=True); import time; time.sleep(60)",
        "{copy}",
        kill=Kill(times=2, when="^started"),
        recover=(MEND, "{copy}"),
    )

    assert finding.outcome is Outcome.FAIL
    assert finding.measured.startswith("before the first kill: 1 only in one: 99")


def test_recovering_by_throwing_records_away_is_told(drilled: Any) -> None:
    """Two empty stores agree as well as two full ones."""
    finding = drilled(
        "import pathlib, sys; [each.write_text('') for each in pathlib.Path(sys.argv[1], 'state').iterdir()]",
        "{copy}",
        damage=Damage.TRUNCATE,
        file="state/one.ndjson",
    )

    assert finding.outcome is not Outcome.PASS
    assert "1 records of one are lost; 1 records of other are lost" in finding.measured


def test_an_original_that_was_changed_and_set_back_in_time_is_told(drilled: Any, folder: Path) -> None:
    """Its size and the time of its last change can be forged."""
    original = folder / "state" / "one.ndjson"
    code = (
        "import os, sys; path = sys.argv[1]; was = os.stat(path); text = open(path).read().replace('0', '7');"
        "open(path, 'w').write(text); os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))"
    )

    finding = drilled(code, str(original), stores=False)

    assert finding.outcome is Outcome.FAIL
    assert "the drill reached the original" in finding.measured


def test_a_kill_that_came_too_late_or_not_between_proves_nothing(drilled: Any) -> None:
    late = drilled(kill=Kill(times=1, within=timedelta(seconds=15)), recover=(MEND, "{copy}"))
    behind = drilled(
        "import time; time.sleep(60)",
        "{copy}",
        kill=Kill(times=1, when="^never printed", within=None),
        run={"limit": timedelta(seconds=0.2)},
        recover=(MEND, "{copy}"),
    )

    assert late.outcome is Outcome.INCONCLUSIVE
    assert "1 of 1 runs ended before they could be killed" in late.measured
    assert "no kill came between the two writes" in late.measured
    assert (behind.outcome, behind.measured.partition(";")[0]) == (
        Outcome.INCONCLUSIVE,
        "no kill came between the two writes",
    )


DAMAGES: dict[Damage, str] = {
    Damage.EMPTY: "0 records",
    Damage.TRUNCATE: "JSONDecodeError",
    Damage.FLIP: "UnicodeDecodeError|JSONDecodeError",
    Damage.GARBAGE: "Error",
    Damage.REMOVE: "FileNotFoundError",
}


@pytest.mark.parametrize("how", [Damage.EMPTY, Damage.TRUNCATE, Damage.FLIP, Damage.REMOVE])
def test_damage_is_done_to_the_copy_and_must_be_noticed(drilled: Any, folder: Path, how: Damage) -> None:
    before = (folder / "state" / "one.ndjson").read_bytes()
    about = {
        "damage": how,
        "file": "state/one.ndjson",
        "run": {"statuses": (0,) if how is Damage.EMPTY else (1,), "must_print": (DAMAGES[how],)},
    }

    noticed = drilled(READ, "{copy}", stores=False, **about)
    overlooked = drilled("pass", "{copy}", stores=False, **about)

    assert noticed.outcome is Outcome.PASS, noticed.measured
    assert overlooked.outcome is Outcome.FAIL
    assert (folder / "state" / "one.ndjson").read_bytes() == before


def test_what_was_torn_is_mended_and_both_sides_agree(drilled: Any) -> None:
    torn = {"damage": Damage.TRUNCATE, "file": "state/other.ndjson"}

    mended = drilled("pass", "{copy}", recover=(MEND, "{copy}"), **torn)
    left_so = drilled("pass", "{copy}", **torn)

    assert mended.outcome is Outcome.PASS, mended.measured
    assert "1 cannot be read: other.ndjson:1: was cut off" in left_so.measured


@pytest.mark.parametrize("how", [Damage.UNREADABLE, Damage.READ_ONLY])
def test_whom_no_permission_stops_is_told_so(drilled: Any, monkeypatch: Any, how: Damage) -> None:
    """Root, who would read and write all the same."""
    monkeypatch.setattr(drills.os, "access", lambda *_: True)

    with pytest.raises(ServiceError, match="no permission stops root, as whom the gate runs"):
        drilled(READ, "{copy}", damage=how, file="state", stores=False)


AS_ANYBODY = """
import ctypes, os, sys
if os.geteuid() == 0:
    libc = ctypes.CDLL(None, use_errno=True)
    for overrides in (1, 2):  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, gone for good after the next exec
        if libc.prctl(24, overrides, 0, 0, 0):
            sys.exit(os.strerror(ctypes.get_errno()))
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
STOPPED = """
import json, sys
from pathlib import Path
from pytest_rollout.core.command import Command
from pytest_rollout.core.drill import Damage, Drill
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.record import Identity
from pytest_rollout.core.store_check import StoreCheck, StoreKind, StoreSettings
from pytest_rollout.core.store_tally import Asked
from pytest_rollout.services import drills
from pytest_rollout.stores.opening import Stores

folder = Path(sys.argv[1])
one, other = (
    StoreSettings(name=name, kind=StoreKind.NDJSON, path=folder / "state" / f"{name}.ndjson")
    for name in ("one", "other")
)
both = StoreCheck(name="both", left=one, right=other, asked=Asked(identity=Identity(key=("id",))))
said = []
for how, code in json.loads(sys.argv[2]):
    given = dict(folder=folder)
    stopped = Command(
        name="it", run=(sys.executable, "-c", code, "{copy}/state/one.ndjson"), statuses=(1,),
        must_print=("^PermissionError",), **given,
    )
    mended = Command(name="mended", run=("cat", "{copy}/state/one.ndjson"), must_print=("id",), **given)
    made = Drill(
        name="it", run=stopped, recover=mended, copy=("state",), damage=Damage(how), file="state", stores=both
    )
    value, source = drills.observe(made, folder, Stores({}).look)
    finding = made.judge("item", Observation(item="item", value=value, source=source))
    said.append([finding.outcome, finding.measured])
print(json.dumps(said))
"""
OPENS = "import sys; print(open(sys.argv[1]).read())"
APPENDS = "import sys; open(sys.argv[1], 'a').write('half')"
SWALLOWS = "import sys\ntry: open(sys.argv[1], 'r+')\nexcept OSError: pass"


def test_lost_permissions_stop_a_command_for_real(folder: Path) -> None:
    """The kernel refuses whoever is not above permissions; root gives up being so. Both come back to mend the copy."""
    cases = [
        (Damage.UNREADABLE, OPENS),
        (Damage.READ_ONLY, APPENDS),
        (Damage.UNREADABLE, SWALLOWS),
        (Damage.READ_ONLY, SWALLOWS),
        (Damage.READ_ONLY, OPENS),
    ]
    command = [sys.executable, "-c", AS_ANYBODY, "-c", STOPPED, str(folder), json.dumps(cases)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr
    unreadable, read_only, *overlooked = json.loads(done.stdout)
    assert unreadable[0] == read_only[0] == Outcome.PASS, done.stdout
    assert [outcome for outcome, _ in overlooked] == [Outcome.FAIL] * 3, done.stdout
    assert (folder / "state").stat().st_mode & 0o700 == 0o700
    assert (folder / "state" / "one.ndjson").read_text() == '{"id": 0}\n'


def test_damage_that_would_do_nothing_is_no_drill(drilled: Any, folder: Path) -> None:
    (folder / "state" / "empty.json").touch()

    with pytest.raises(ServiceError, match="empty.json is empty already"):
        drilled(READ, "{copy}", damage=Damage.FLIP, file="state/empty.json")
    with pytest.raises(ServiceError, match="the copy has no gone.json to damage"):
        drilled(READ, "{copy}", damage=Damage.REMOVE, file="state/gone.json")


def test_a_link_out_of_the_copy_is_refused(drilled: Any, folder: Path) -> None:
    """Damage done through it would be done to the original."""
    original = folder / "state" / "one.ndjson"
    (folder / "state" / "current.ndjson").symlink_to(original)
    about = {"damage": Damage.EMPTY, "file": "state/current.ndjson", "stores": False}

    with pytest.raises(ServiceError, match="state/current.ndjson is a link that leads out of the copy"):
        drilled("pass", "{copy}", **about)
    assert original.read_text() == '{"id": 0}\n'

    (folder / "state" / "current.ndjson").unlink()
    (folder / "state" / "current.ndjson").symlink_to("one.ndjson")
    assert drilled("pass", "{copy}", **about).outcome is Outcome.PASS
    assert original.read_text() == '{"id": 0}\n'


def test_many_at_once_all_write(drilled: Any) -> None:
    """What each loses of the others is a write that never came."""
    lossy = """
import json, sys, time
for side in ("one", "other"):
    path = f"{sys.argv[1]}/state/{side}.ndjson"
    content = open(path).read()
    time.sleep(0.5)
    open(path, "w").write(content + json.dumps({"id": int(sys.argv[2])}) + chr(10))
"""
    crowd = drilled(times=4, at_once=4, grows=1)
    losing = drilled(lossy, "{copy}", "{number}", times=4, at_once=4, grows=1)

    assert crowd.outcome is Outcome.PASS, crowd.measured
    assert "records came to one, not 4" in losing.measured


def test_a_drill_that_reaches_the_original_is_told(drilled: Any, folder: Path) -> None:
    """A command that forgets where its copy is."""
    finding = drilled(WRITE, str(folder), "{number}", "0", "one,other", stores=False, times=1)

    assert "the drill reached the original, not only its copy; use {copy}" in finding.measured


# -------------------------------------------------------------------------------------------------- ratios

WORK = "import sys; held = bytearray(int(sys.argv[1]) << 20); print('{\"us\": %s}' % sys.argv[2])"


def ratio(measure: Measure, reference: tuple[int, int], candidate: tuple[int, int], **about: Any) -> Finding:
    def side(name: str, megabytes: int, us: int) -> Command:
        results = (Result(format=Format.JSON, pointer="/us", equals=us),) if measure is Measure.REPORTED else ()
        run = (sys.executable, "-c", WORK, str(megabytes), str(us))
        return Command(name=name, run=run, folder=Path(), results=results, limit=timedelta(seconds=20))

    made = Ratio(
        name="it",
        reference=side("reference", *reference),
        candidate=side("candidate", *candidate),
        measure=measure,
        at_most=Fraction(3, 2),
        pairs=5,
    )
    made = replace(made, **about)
    value, source = ratios.observe(made)
    return made.judge("item", Observation(item="item", value=value, source=source))


def test_what_commands_report_is_compared() -> None:
    assert ratio(Measure.REPORTED, (1, 100), (1, 140)).measured.startswith("1.40x (1.40x to 1.40x at 95 %) in 5 pairs")
    assert ratio(Measure.REPORTED, (1, 100), (1, 160)).outcome is Outcome.FAIL


def test_the_most_memory_of_each_is_compared() -> None:
    """100 MB beside 200 MB, each with an interpreter around it."""
    finding = ratio(Measure.MEMORY, (100, 0), (200, 0))

    assert finding.outcome is Outcome.FAIL
    assert finding.measured.startswith("1.9")


def test_time_is_the_programs_own() -> None:
    """Not that of what watches it; the finding says a ratio whatever the machine is doing."""
    finding = ratio(Measure.TIME, (1, 0), (1, 0), at_most=Fraction(1000))

    assert finding.outcome is Outcome.PASS
    assert finding.source == "it, 5 pairs by turns"


def test_a_side_that_fails_ends_the_measuring() -> None:
    side = Command(name="reference", run=("true",), folder=Path())
    made = Ratio(
        name="it",
        reference=side,
        candidate=replace(side, name="candidate", run=("false",)),
        measure=Measure.TIME,
        at_most=Fraction(2),
    )

    value, _ = ratios.observe(made)
    finding = made.judge("item", Observation(item="item", value=value))

    assert (finding.outcome, finding.measured) == (Outcome.ERROR, "candidate: ended with status 1")
