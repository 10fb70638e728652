"""What a dual run costs, how replay spreads, and how fast comparisons are judged: ratios in one run.

``python benchmarks/engines.py [overhead] [replay] [judging] [memory] [dask]``, all of them if none is named. Both ways
alternate, and each round says how much of the processors others took meanwhile: timings of a busy machine say little,
so the quietest round is the figure, and all are printed. ``memory`` replays a million blocks and takes minutes.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from pytest_rollout.consensus.corpus import Corpus
from pytest_rollout.consensus.dual import DualRun
from pytest_rollout.consensus.replay import replay
from pytest_rollout.core.engine_check import ReplayCheck
from pytest_rollout.core.engines import EngineKind, EngineSettings, EngineSpec
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.tally import tally

LEAST_ROUNDS, MOST_ROUNDS = 5, 40
QUIET = 0.03
"""A round in which others took no more of the processors is enough; until then they go on."""
MOST_MICROS, MOST_SHARE = 30.0, 0.05
"""What shadow may cost on a block: so many microseconds, or that share of a block that takes long."""
BLOCK = {"index": 1, "transactions": [1, 2, 3], "root": "0xab"}


class Small:
    """Answers at once."""

    version = "small"

    def verify_block(self, block: dict[str, Any]) -> dict[str, Any]:
        return {"valid": True, "index": block["index"], "hash": "0xab"}


class Working:
    """Computes for about a millisecond, holding the interpreter as a Python engine does."""

    version = "working"

    def verify_block(self, block: dict[str, Any]) -> dict[str, Any]:
        return {"index": block["index"], "sum": sum(at * at % 97 for at in range(TURNS))}


def _calibrated() -> int:
    turns = 1000
    best = min(_timed(lambda: sum(at * at % 97 for at in range(turns))) for _ in range(50))
    return int(turns * 0.001 / best)


def _timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


TURNS = _calibrated()


class Others:
    """How much of the processors this process and its children did not take, of what was there; Linux."""

    def __init__(self) -> None:
        self._busy, self._ours, self._at = _busy(), _ours(), time.perf_counter()

    def share(self) -> float:
        """Since it was made: 0 is a machine of our own."""
        took = time.perf_counter() - self._at
        return max(0.0, (_busy() - self._busy) - (_ours() - self._ours)) / (took * (os.cpu_count() or 1))


def _busy() -> float:
    fields = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(fields[:8]) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def _ours() -> float:
    """Seconds of processor time of this process and of every process below it that still runs."""
    total = sum(resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime for who in (0, -1))
    for child in multiprocessing.active_children():
        fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def overhead() -> None:
    """What shadow costs over calling both engines by hand, where the caller waits for the candidate and where not."""
    for name, engine, calls in (("1 ms a block", Working(), 200), ("a small block", Small(), 5000)):
        for way, measure in (("waiting", _waiting), ("deferred", _deferred)):
            found: list[tuple[float, float, float, float]] = []
            while len(found) < LEAST_ROUNDS or (min(found)[0] > QUIET and len(found) < MOST_ROUNDS):
                others = Others()
                micros, hand, caller = measure(engine, calls)
                found.append((others.share(), micros, hand, caller))
            _, micros, hand, caller = min(found)
            limit = MOST_SHARE * hand if calls < 1000 else MOST_MICROS
            told = f" ({micros / hand:+.1%})" if calls < 1000 else ""
            print(
                f"shadow over both by hand, {way}, {name}: {micros:.1f} us a block{told}, {micros / limit:.2f} of the "
                f"{limit:.0f} us allowed; its caller: {caller:.1f} us over the reference alone"
            )
            rest = ", ".join(f"{took:.0%} {each:.1f}" for took, each, _, _ in sorted(found)[:LEAST_ROUNDS])
            print(f"  others took / us a block, the quietest of {len(found)} rounds: {rest}")


def _waiting(engine: Any, calls: int) -> tuple[float, float, float]:
    """Block by block, so what meets one way meets the other: us over both, us of both, us of the caller over one."""
    dual = DualRun(engine, type(engine)(), deferred=False)
    pairs = []
    for _ in range(calls):
        began = time.perf_counter_ns()
        engine.verify_block(BLOCK)
        engine.verify_block(BLOCK)
        between = time.perf_counter_ns()
        dual.verify_block(BLOCK)
        pairs.append((between - began, time.perf_counter_ns() - between))
    assert dual.stats()["comparisons"] == calls
    dual.close()
    over = statistics.median(shadow - hand for hand, shadow in pairs) / 1000
    hand = statistics.median(hand for hand, _ in pairs) / 1000
    return over, hand, statistics.median(shadow - hand / 2 for hand, shadow in pairs) / 1000


def _deferred(engine: Any, calls: int) -> tuple[float, float, float]:
    """The same of all blocks until the last is compared; the caller's time is that of blocks one at a time."""
    dual = DualRun(engine, type(engine)(), limit=60)
    began = time.perf_counter_ns()
    for _ in range(calls):
        engine.verify_block(BLOCK)
        engine.verify_block(BLOCK)
    between = time.perf_counter_ns()
    for _ in range(calls):
        dual.verify_block(BLOCK)
    assert dual.settle(60) == 0
    ended = time.perf_counter_ns()
    pairs = []
    for _ in range(min(calls, 500)):
        before = time.perf_counter_ns()
        engine.verify_block(BLOCK)
        alone = time.perf_counter_ns()
        dual.verify_block(BLOCK)
        pairs.append((alone - before, time.perf_counter_ns() - alone))
        dual.settle(60)
    stats = dual.stats()
    assert stats["comparisons"] == calls + len(pairs)
    assert stats["skipped"] == stats["divergences"] == stats["waiting"] == 0
    dual.close()
    over = ((ended - between) - (between - began)) / calls / 1000
    return over, (between - began) / calls / 1000, statistics.median(b - a for a, b in pairs) / 1000


def _pair(folder: Path, work: int) -> EngineSettings:
    (folder / "bench_engines.py").write_text(
        "class Engine:\n"
        "    version = 'bench'\n"
        "    def verify_block(self, block):\n"
        f"        return {{'index': block['index'], 'sum': sum(at * at % 97 for at in range({work}))}}\n"
        "class Other(Engine):\n"
        "    pass\n"
    )
    reference, candidate = (
        EngineSpec(kind=EngineKind.IMPORT, target=f"bench_engines.py:{each}") for each in ("Engine", "Other")
    )
    return EngineSettings(reference=reference, candidate=candidate, limit=timedelta(seconds=30))


def _corpus(folder: Path, number: int) -> Corpus:
    path = folder / f"blocks{number}.ndjson"
    with path.open("w") as file:
        for index in range(number):
            file.write(json.dumps({"index": index, "transactions": [index % 7, index % 11]}) + "\n")
    return Corpus(path)


def spread() -> None:
    """Two processes against one, each warm: their start is told apart. Bare processes say what the machine allows."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as resources:
        folder = Path(name)
        settings, corpus = _pair(folder, TURNS), _corpus(folder, 1500)
        context = multiprocessing.get_context("spawn")
        pools = {n: resources.enter_context(ProcessPoolExecutor(n, mp_context=context)) for n in (1, 2)}
        for pool in pools.values():
            replay(_corpus(folder, 60), settings, folder, executor=pool, chunk=5)
        found: list[tuple[float, float, float]] = []
        work: dict[int, list[float]] = {1: [], 2: []}
        while len(found) < LEAST_ROUNDS or (min(found)[0] > QUIET and len(found) < MOST_ROUNDS // 4):
            others, times = Others(), {}
            for number, pool in pools.items():
                began = time.perf_counter()
                list(pool.map(_bare, [2 * 1500 // number] * number, [TURNS] * number))
                times["bare", number] = time.perf_counter() - began
                began, busy, here = time.perf_counter(), _ours(), time.process_time()
                result = replay(corpus, settings, folder, executor=pool, workers=number, chunk=25)
                times["replay", number] = time.perf_counter() - began
                # One worker's own time is what a replay on it takes; two share with the parent what there is to do.
                work[number].append(_ours() - busy - (time.process_time() - here if number == 1 else 0))
                assert result.is_clean
                assert result.blocks == 1500
            replayed, alone = (times[what, 1] / times[what, 2] for what in ("replay", "bare"))
            found.append((others.share(), replayed, alone))
        _, ratio, bare = min(found)
        print(f"replay over two processes: {ratio:.2f} x one in the quietest round, bare processes {bare:.2f} x")
        rest = ", ".join(f"{took:.0%} {x:.2f} {y:.2f}" for took, x, y in sorted(found)[:LEAST_ROUNDS])
        shared = 2 * statistics.median(work[1]) / statistics.median(work[2])
        print(f"  by processor time, which others do not change: {shared:.2f} x")
        print(f"  others took / replay / bare, the quietest of {len(found)} rounds: {rest}")


def _bare(calls: int, turns: int) -> int:
    """The engines' work without any replay around it."""
    return sum(sum(at * at % 97 for at in range(turns)) for _ in range(calls))


def judging() -> None:
    """A million recorded comparisons, counted and judged."""
    records = [("agreed", 1_000_000 + at % 977, 200_000 + at % 991) for at in range(1_000_000)]
    check = ReplayCheck(file=Path("blocks.ndjson"), min_comparisons=1_000_000)

    def judge() -> None:
        counts, ratio = tally(records)
        seen = {"blocks": counts.verifications, "counts": counts.document(), "ratio_millionths": ratio}
        assert check.judge("item", Observation(item="item", value=seen)).outcome is Outcome.PASS

    print(f"a million recorded comparisons judged: {min(_timed(judge) for _ in range(3)):.2f} s")


def memory() -> None:
    """A million blocks through two processes; what each process holds, looked at on the way."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings, corpus = _pair(folder, 1), _corpus(folder, 1_000_000)
        held: dict[int, list[int]] = {}

        def look(result: Any, _offset: int, _size: int) -> None:
            at = result.blocks // 100_000
            if at not in held:
                pids = ["self", *sorted(str(each.pid) for each in multiprocessing.active_children())]
                held[at] = [_resident(pid) for pid in pids]

        began = time.perf_counter()
        result = replay(corpus, settings, folder, workers=2, chunk=2000, progress=look)
        assert result.is_clean
        assert result.blocks == 1_000_000
        print(f"a million blocks: {time.perf_counter() - began:.0f} s; MiB held by parent and workers by tenth:")
        print("  " + ", ".join("/".join(map(str, each)) for each in held.values()))


def _resident(pid: str) -> int:
    (line,) = (each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if each.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


def dask() -> None:
    """The same counts on a Dask cluster of two processes as in this one."""
    from pytest_rollout.consensus.cluster import dask_executor

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings, corpus = _pair(folder, TURNS // 10), _corpus(folder, 3000)
        about = ("--scheduler-file", str(folder / "scheduler.json"))
        program = str(Path(sys.executable).parent / "dask")
        commands = [[program, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", *about]]
        commands += [[program, "worker", *about, "--nthreads", "1", "--no-dashboard", "--no-nanny"]] * 2
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
        running = [subprocess.Popen(command, **quiet) for command in commands]  # type: ignore[call-overload] # as given
        while not (folder / "scheduler.json").exists():
            time.sleep(0.1)
        with dask_executor(json.loads((folder / "scheduler.json").read_text())["address"]) as executor:
            executor._client.wait_for_workers(2)  # type: ignore[attr-defined]  # noqa: SLF001 - Dask's own; both are to take part
            there = replay(corpus, settings, folder, executor=executor, workers=2, chunk=50)
        here = replay(corpus, settings, folder, workers=0, chunk=50)
        assert there.counts == here.counts
        print(f"Dask, two workers: {there.counts.comparisons} comparisons, the same counts as in one process")
        for process in running:
            process.terminate()
            process.wait()


PARTS = {"overhead": overhead, "replay": spread, "judging": judging, "memory": memory, "dask": dask}

if __name__ == "__main__":
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()
    print(f"load {os.getloadavg()[0]:.1f}")
