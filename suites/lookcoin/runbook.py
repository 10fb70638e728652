"""What LookCoin's runbook runs by hand: ``python runbook.py analyse | migrate | mode | rollback | … STATE``.

Each command ends with 0 only where all of it was done, and says in one JSON document or one line what.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # a gate starts Python without the script's own folder

import manager  # noqa: E402 - found there
from manager import FILES, JsonState, LevelDbState, StateError, open_state  # noqa: E402 - as above

PAUSE_SECONDS = 20.0
PAIRS = 60
"""Repetitions of each measurement; both backends take turns, so what slows one slows the other."""


def analyse(state: Path) -> dict[str, Any]:
    """What LevelDB holds: contracts by network, what cannot be read, what is out of scope."""
    with _copy(state) as copy:
        leveldb = LevelDbState(copy / "leveldb")
        counts = dict.fromkeys(FILES.values(), 0)
        corrupted, outside = [], []
        for key, value in leveldb.everything():
            chain_id, _, name = key.partition("-")
            try:
                record = json.loads(value)
                readable = (record["contractName"], str(record["chainId"])) == (name, chain_id)
            except (ValueError, KeyError, TypeError):
                readable = False
            if not chain_id.isdecimal() or int(chain_id) not in FILES:
                outside.append(key)
            elif readable:
                counts[FILES[int(chain_id)]] += 1
            else:
                corrupted.append(key)
        leveldb.close()
    return {
        "contracts": sum(counts.values()),
        "networks": counts,
        "corrupted": len(corrupted),
        "outside": len(outside),
        "which": [*corrupted, *outside],
    }


def migrate(state: Path, target: Path) -> dict[str, Any]:
    """Write every record in scope to unified JSON in another folder, reading each back."""
    target.mkdir(parents=True, exist_ok=True)
    migrated = 0
    with _copy(state) as copy:
        leveldb, unified = LevelDbState(copy / "leveldb"), JsonState(target)
        for chain_id, network in FILES.items():
            for name, record in sorted(leveldb.of(chain_id).items(), key=lambda pair: pair[1]["timestamp"]):
                unified.put(record)
                if JsonState(target).get(chain_id, name) != record:
                    raise StateError(f"{network}: {name} is not what was written")
                migrated += 1
        leveldb.close()
    return {"migrated": migrated}


def switch(state: Path, mode: str) -> dict[str, Any]:
    """Another mode; out of dual mode, JSON agrees with LevelDB and is durable before."""
    brought: list[str] = []
    if manager.mode_of(state) == "dual" and mode == "json":
        dual = open_state(state, "dual")
        brought = dual.recover() if isinstance(dual, manager.DualState) else []
        dual.close()
        JsonState(state / "deployments").sync()
    manager.set_mode(state, mode)
    return {"mode": manager.mode_of(state), "brought": brought}


def deploy(state: Path, number: int, *, pause: bool) -> dict[str, Any]:
    """Record one more contract, as a deployment script does; ``pause`` lets a drill end it midway."""
    opened = open_state(state)
    record = {**(opened.get(97, "FeeManager") or {}), "contractName": f"FeeManagerV{number}"}
    if isinstance(opened, manager.DualState):
        opened.between = lambda: _tell(pause=pause)
    opened.put(record)
    opened.close()
    return {"recorded": f"97-{record['contractName']}"}


def _tell(*, pause: bool) -> None:
    sys.stdout.write("written to LevelDB\n")
    sys.stdout.flush()
    if pause:
        time.sleep(PAUSE_SECONDS)


def check(state: Path) -> dict[str, Any]:
    """Read everything that JSON holds."""
    unified = JsonState(state / "deployments")
    return {"contracts": sum(len(unified.of(chain_id)) for chain_id in FILES)}


def recover(state: Path) -> dict[str, Any]:
    """After a crash in dual mode: files that cannot be read are written anew from LevelDB, differences settled."""
    unreadable = []
    for chain_id, name in FILES.items():
        try:
            JsonState(state / "deployments").of(chain_id)
        except StateError:
            (state / "deployments" / f"{name}.json").unlink()
            unreadable.append(name)
    open_state(state, "dual").close()
    return {"written anew": unreadable}


def timed(state: Path, mode: str, operation: str) -> dict[str, Any]:
    """The median microseconds of one operation on a copy, on one backend."""
    with _copy(state) as copy:
        opened = open_state(copy, mode)
        record = opened.get(56, "LookCoin") or {}
        calls: dict[str, tuple[Callable[[int], Any], int]] = {
            "read": (lambda _: opened.get(56, "FeeManager"), 2_000),
            "query": (lambda _: opened.of(56), 500),
            "write": (lambda n: opened.put(record | {"timestamp": n}), 15),
        }
        call, many = calls[operation]
        times = []
        for number in range(many):
            started = time.perf_counter_ns()
            call(number)
            times.append(time.perf_counter_ns() - started)
        opened.close()
    return {"us": round(statistics.median(times) / 1000, 3)}


def rollback(state: Path) -> dict[str, Any]:
    """The emergency: LevelDB gets what JSON alone has seen, then answers alone. May be repeated."""
    unified, leveldb = JsonState(state / "deployments"), LevelDbState(state / "leveldb")
    brought = 0
    for chain_id in FILES:
        there, kept = unified.of(chain_id), leveldb.of(chain_id)
        for name in sorted(there.keys() | kept.keys()):
            if there.get(name) == kept.get(name):
                continue
            leveldb.put(there[name]) if name in there else leveldb.remove(chain_id, name)
            brought += 1
    leveldb.close()
    manager.set_mode(state, "leveldb")
    return {"brought": brought, "mode": manager.mode_of(state)}


def measure(state: Path) -> dict[str, Any]:
    """How many times as long JSON takes as LevelDB, by the medians of paired repetitions; and as much memory."""
    with _copy(state) as copy:
        leveldb, unified = LevelDbState(copy / "leveldb"), JsonState(copy / "deployments")
        record = leveldb.get(56, "LookCoin")
        if record is None:
            raise StateError("56-LookCoin: is missing")

        def turn(state: manager.State, stamp: int) -> None:
            state.put(record | {"timestamp": record["timestamp"] + stamp})

        found = {
            "read": _paired(lambda _: unified.get(56, "FeeManager"), lambda _: leveldb.get(56, "FeeManager"), many=200),
            "query": _paired(lambda _: unified.of(56), lambda _: leveldb.of(56), many=50),
            "write": _paired(lambda n: turn(unified, n), lambda n: turn(leveldb, n)),
        }
        leveldb.close()
    memory = {mode: _memory(state, mode) for mode in ("leveldb", "json")}
    return {
        "repetitions": PAIRS,
        "ratios": {name: round(ratio, 3) for name, (ratio, _) in found.items()},
        "leveldb_us": {name: round(base, 1) for name, (_, base) in found.items()},
        "memory": round(memory["json"] / memory["leveldb"], 3),
    }


def _paired(one: Callable[[int], Any], base: Callable[[int], Any], many: int = 1) -> tuple[float, float]:
    """The ratio of the medians of one against those of the other, and the other's median in microseconds."""
    times: tuple[list[int], list[int]] = ([], [])
    for number in range(PAIRS):
        for kept, call in zip(times, (one, base), strict=True):
            started = time.perf_counter_ns()
            for _ in range(many):
                call(number)
            kept.append((time.perf_counter_ns() - started) // many)
    left, right = map(statistics.median, times)
    return left / right, right / 1000


def _memory(state: Path, mode: str) -> int:
    """Bytes that a process of its own uses once it has read everything in a mode."""
    command = [sys.executable, __file__, "hold", str(state), mode]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(json.loads(done.stdout)["bytes"])


def hold(state: Path, mode: str) -> int:
    """The resident bytes of this process, every record read."""
    with _copy(state) as copy:
        opened = open_state(copy, mode)
        kept = [opened.of(chain_id) for chain_id in FILES]
        size = int(psutil.Process().memory_info().rss) if kept else 0
        opened.close()
    return size


class _copy:  # noqa: N801 - used as a function
    """A state on a copy, for opening a LevelDB changes it."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def __enter__(self) -> Path:
        self._folder = tempfile.TemporaryDirectory(prefix="lookcoin-")
        copy = Path(self._folder.name)
        for part in ("leveldb", "deployments"):
            if (self._state / part).is_dir():
                shutil.copytree(self._state / part, copy / part, ignore=shutil.ignore_patterns("LOCK"))
        return copy

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()


COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], Any], tuple[str, ...]]] = {
    "analyse": (lambda given: analyse(given.state), ()),
    "check": (lambda given: check(given.state), ()),
    "deploy": (lambda given: deploy(given.state, int(given.number), pause=given.pause), ("number", "--pause")),
    "hold": (lambda given: {"bytes": hold(given.state, given.mode)}, ("mode",)),
    "measure": (lambda given: measure(given.state), ()),
    "migrate": (lambda given: migrate(given.state, Path(given.target)), ("target",)),
    "mode": (lambda given: switch(given.state, given.mode), ("mode",)),
    "recover": (lambda given: recover(given.state), ()),
    "rollback": (lambda given: rollback(given.state), ()),
    "time": (lambda given: timed(given.state, given.mode, given.operation), ("mode", "operation")),
}
"""Each with what it takes besides the state's folder."""


def main(arguments: list[str]) -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, more) in COMMANDS.items():
        command = commands.add_parser(name)
        command.add_argument("state", type=Path)
        for each in more:
            command.add_argument(each, **({"action": "store_true"} if each.startswith("--") else {}))
    given = parser.parse_args(arguments)
    try:
        said = COMMANDS[given.command][0](given)
    except (StateError, OSError) as error:
        sys.stderr.write(f"FAILED: {error}\n")
        return 1
    sys.stdout.write(f"{json.dumps(said)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
