"""Killed or out of room at every single write of one append and of one creation, one after the other.

A tracer stops the writing process before each system call that changes a file, and kills it there: at the
first, then in a fresh copy at the second, until it ends by itself. So no point is left to chance.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.entries import EntryKind
from pytest_rollout.ledger.sqlite import SqliteLedger

TRACER = r'''
import json, os, resource, shutil, signal, sys
from itertools import count
from pathlib import Path

from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.ledger.sqlite import SqliteLedger
from tests.ledger.tracing import CHANGES, HERE, killed, stopped_at

HOW, PRISTINE, FOLDER = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
PAYLOAD = Path(sys.argv[4]).read_bytes()


def write(path):
    if HOW == "create":
        SqliteLedger.create(path)
    else:
        SqliteLedger.open(path).append(EntryKind.TICK, PAYLOAD)


def limited(path, size):
    """An append by a process whose files may grow to ``size`` bytes; whether it said that it was done."""
    reading, told = os.pipe()
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        try:
            write(path)
            os.write(told, b"done")
        except LedgerError:
            os._exit(3)
        os._exit(0)
    os.close(told)
    _, status = os.waitpid(pid, 0)
    with os.fdopen(reading, "rb") as said:
        return os.waitstatus_to_exitcode(status), said.read() == b"done"


def after(path):
    """What whoever comes next finds: the newest entry, and whether the next append finds its place."""
    try:
        ledger = SqliteLedger.open(path)
        newest = ledger.verify().sequence
        again = ledger.append(EntryKind.TICK, PAYLOAD).sequence
        return [newest, again, ledger.verify().sequence]
    except LedgerError as error:
        return str(error)


for point in count(1):
    place = FOLDER / str(point)
    place.mkdir()
    path = place / "ledger.db"
    if HOW != "create":
        shutil.copyfile(PRISTINE, path)
    if HOW == "full":
        size = 512 * point
        status, done = limited(path, size)
        is_last = size > PRISTINE.stat().st_size + 65536
        print(json.dumps({"point": point, "status": status, "done": done, "after": after(path)}), flush=True)
    else:
        was_killed, done, _ = stopped_at(point, CHANGES[HERE], lambda: lambda: write(path), killed)
        is_last = not was_killed
        found = after(path) if path.exists() else "nothing"
        left = sorted(each.name for each in place.iterdir())
        print(json.dumps({"point": point, "killed": int(was_killed), "done": done, "after": found, "left": left}), flush=True)
    shutil.rmtree(place)
    if is_last:
        break
'''


def traced(how: str, pristine: Path, folder: Path) -> list[dict[str, Any]]:
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", TRACER, how, str(pristine), str(folder), str(folder.parent / "payload")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def pristine(tmp_path: Path, tick: Callable[..., bytes]) -> Path:
    """A ledger of three entries, each larger than a page."""
    path = tmp_path / "pristine.db"
    ledger = SqliteLedger.create(path)
    for _ in range(2):
        ledger.append(EntryKind.TICK, tick(note="x" * 6000))
    (tmp_path / "payload").write_bytes(tick(note="y" * 6000))
    return path


def test_a_kill_at_every_write_point_loses_nothing_acknowledged(pristine: Path, tmp_path: Path) -> None:
    """The entry is there whole or not at all, and it is there if anybody was told so; the next one finds its place."""
    points = traced("append", pristine, tmp_path / "append")

    assert len(points) > 10
    for each in points:
        assert each["after"] in ([2, 3, 3], [3, 4, 4]), each
        assert not each["done"] or each["after"] == [3, 4, 4], each
    assert {tuple(each["after"]) for each in points} == {(2, 3, 3), (3, 4, 4)}
    assert points[-1] | {"left": []} == {
        "point": len(points), "killed": 0, "done": True, "after": [3, 4, 4], "left": []
    }  # fmt: skip


def test_a_kill_at_every_point_of_a_creation_leaves_a_whole_ledger_or_none(pristine: Path, tmp_path: Path) -> None:
    """Never half of one that a later command would take for the record."""
    points = traced("create", pristine, tmp_path / "create")

    assert len(points) > 10
    for each in points:
        assert each["after"] in ("nothing", [0, 1, 1]), each
        assert not each["done"] or each["after"] == [0, 1, 1], each


def test_a_write_that_fails_at_any_point_loses_nothing(pristine: Path, tmp_path: Path) -> None:
    """No room, 512 bytes at a time: refused with a sentence and unchanged, or done; never in between."""
    points = traced("full", pristine, tmp_path / "full")

    assert {each["status"] for each in points} == {0, 3}
    for each in points:
        assert each["after"] == ([3, 4, 4] if each["done"] else [2, 3, 3]), each
        assert (each["status"] == 0) == each["done"], each
