"""What a dual run costs, how replay spreads, and how fast comparisons are judged: ratios in one run.

``python benchmarks/engines.py [overhead] [replay] [judging] [memory] [dask]``; the machine's load is printed, for
timings of a busy one say little. ``memory`` replays a million blocks and takes a few minutes.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
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

ROUNDS = 7
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
    best = min(_timed(lambda: sum(at * at % 97 for at in range(turns))) for _ in range(20))
    return int(turns * 0.001 / best)


def _timed(work: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> float:
    began = clock()
    work()
    return clock() - began


TURNS = _calibrated()


def overhead() -> None:
    """Rounds of both ways alternate, so that a busy moment meets both."""
    for name, engine, calls in (("1 ms a block", Working(), 200), ("a small block", Small(), 5000)):
        dual = DualRun(engine, engine)

        def by_hand(engine: Any = engine, calls: int = calls) -> None:
            for _ in range(calls):
                engine.verify_block(BLOCK)
                engine.verify_block(BLOCK)

        def in_shadow(dual: DualRun = dual, calls: int = calls) -> None:
            for _ in range(calls):
                dual.verify_block(BLOCK)

        in_shadow()
        for told, clock in (("time", time.perf_counter), ("processor time", time.process_time)):
            pairs = [(_timed(by_hand, clock), _timed(in_shadow, clock)) for _ in range(ROUNDS)]
            share = statistics.median(shadow / hand - 1 for hand, shadow in pairs)
            micros = [(shadow - hand) / calls * 1e6 for hand, shadow in pairs]
            print(
                f"shadow over both by hand, {name}: {f'{share:+.1%}, ' if calls < 1000 else ''}"
                f"{statistics.median(micros):.1f} us of {told} a call (best {min(micros):.1f})"
            )
        assert dual.stats()["divergences"] == 0
        dual.close()


def _pair(folder: Path, work: int) -> EngineSettings:
    (folder / "bench_engines.py").write_text(
        "class Engine:\n"
        "    version = 'bench'\n"
        "    def verify_block(self, block):\n"
        f"        return {{'index': block['index'], 'sum': sum(at * at % 97 for at in range({work}))}}\n"
    )
    spec = EngineSpec(kind=EngineKind.IMPORT, target="bench_engines.py:Engine")
    return EngineSettings(reference=spec, candidate=spec, limit=timedelta(seconds=30))


def _corpus(folder: Path, number: int) -> Corpus:
    path = folder / f"blocks{number}.ndjson"
    with path.open("w") as file:
        for index in range(number):
            file.write(json.dumps({"index": index, "transactions": [index % 7, index % 11]}) + "\n")
    return Corpus(path)


def spread() -> None:
    """Two processes against one, each warm: their start is told apart."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings, corpus = _pair(folder, TURNS), _corpus(folder, 3000)
        times: dict[int, list[float]] = {1: [], 2: []}
        pools = {number: ProcessPoolExecutor(number, mp_context=get_context("spawn")) for number in times}
        for pool in pools.values():
            replay(_corpus(folder, 60), settings, folder, executor=pool, chunk=5)
        for _ in range(3):
            for number, pool in pools.items():
                began = time.perf_counter()
                result = replay(corpus, settings, folder, executor=pool, workers=number, chunk=50)
                times[number].append(time.perf_counter() - began)
                assert result.is_clean
                assert result.blocks == 3000
        ratios = [one / two for one, two in zip(times[1], times[2], strict=True)]
        print(f"replay over two processes: {max(ratios):.2f} x one at best, {statistics.median(ratios):.2f} x median")
        for pool in pools.values():
            pool.shutdown()


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
    """A million blocks through two processes, peak memory looked at on the way."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings, corpus = _pair(folder, 1), _corpus(folder, 1_000_000)
        peaks: dict[int, int] = {}

        def look(result: Any, _offset: int, _size: int) -> None:
            at = result.blocks // 250_000
            peaks.setdefault(at, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)

        began = time.perf_counter()
        result = replay(corpus, settings, folder, workers=2, chunk=2000, progress=look)
        assert result.is_clean
        assert result.blocks == 1_000_000
        print(f"a million blocks: {time.perf_counter() - began:.0f} s, peak MiB by quarter {list(peaks.values())}")


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
            executor._client.wait_for_workers(2)  # noqa: SLF001 - both are to take part
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
    for name in sys.argv[1:] or ("overhead", "replay", "judging"):
        PARTS[name]()
    print(f"load {os.getloadavg()[0]:.1f}")
