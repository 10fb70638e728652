"""What a gate costs over bare pytest: start-up, the supervisor, 10,000 trivial items, memory.

Run with `python benchmarks/judging.py [items]`. Every figure is a ratio or a difference taken in
this run, alternating the two sides; the limits are those the project holds itself to. Both sides
may keep bytecode and the first round is not counted, as for anybody's second run: else a fresh
clone would measure Python's compiler. The limits are of seconds passed on an idle machine; the
seconds of CPU, of everything that a side started, are what a busy one leaves to compare.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

PLAN = '[rollout]\nname = "bench"\n\n[stages.alpha]\ntitle = "Alpha"\n'
FILES = 100
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "PYTHON"))} | {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}
GATE = [*PYTEST, "-p", "pytest_rollout.plugin", "--stage=alpha"]


def main() -> None:
    items = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        small, large = Path(name) / "small", Path(name) / "large"
        project(small, 1)
        project(large, items)
        start_up(small)
        judged(large, items)


def project(folder: Path, items: int) -> None:
    (folder / "suites").mkdir(parents=True)
    (folder / "rollout.toml").write_text(PLAN)
    files = min(FILES, items)
    for number in range(files):
        tests = (f"def test_{i}():\n    assert True\n\n" for i in range(items // files))
        (folder / "suites" / f"test_{number}.py").write_text("\n".join(tests))
    subprocess.run([sys.executable, "-m", "pytest_rollout", "init"], cwd=folder, check=True, capture_output=True)


def start_up(folder: Path) -> None:
    with_plugin = [*PYTEST, "-p", "pytest_rollout.plugin"]
    (bare, bare_cpu), (plugin, plugin_cpu) = alternate(folder, 15, PYTEST, with_plugin)
    report(
        "plugin installed, no --stage, over bare pytest",
        (plugin - bare) * 1000,
        30,
        f"ms more, {(plugin_cpu - bare_cpu) * 1000:.0f} ms of CPU",
    )
    (gate, gate_cpu), (alone, alone_cpu) = alternate(folder, 9, [*GATE, "--rollout-formats="], PYTEST)
    report(
        "one-item gate over bare pytest (supervisor and recorder)",
        gate - alone,
        0.4,
        f"s more ({gate:.2f} s against {alone:.2f} s), {gate_cpu - alone_cpu:.2f} s of CPU",
    )


def judged(folder: Path, items: int) -> None:
    beside = folder.parent  # what the peer writes is none of the gate's files, which are hashed
    junit = [*PYTEST, f"--junitxml={beside}/bare.xml"]
    allure = [*PYTEST, "-p", "allure_pytest.plugin", f"--alluredir={beside}/bare-allure", "--clean-alluredir"]
    slim = [*GATE, "--rollout-formats=junit,brief"]
    (bare, bare_cpu), (ours, ours_cpu) = alternate(folder, 3, junit, slim)
    report(
        f"{items} items judged, without Allure, over bare pytest --junitxml",
        ours / bare,
        1.15,
        f"x, {ours_cpu / bare_cpu:.2f} x of CPU",
    )
    (peer, peer_cpu), (ours, ours_cpu) = alternate(folder, 3, allure, GATE)
    report(
        f"{items} items judged, with Allure, over bare pytest with allure-pytest",
        ours / peer,
        1.0,
        f"x, {ours_cpu / peer_cpu:.2f} x of CPU",
    )
    kib = memory(folder, slim, ENVIRONMENT) - memory(folder, PYTEST, ENVIRONMENT)
    report(
        f"peak memory of the largest process over bare pytest's, {items} items",
        kib / items,
        2.0,
        "KiB an item",
    )


def alternate(folder: Path, rounds: int, *sides: Sequence[str]) -> list[tuple[float, float]]:
    """The median seconds of each side, passed and of CPU, taken in turns so that noise hits both."""
    passed: list[list[float]] = [[] for _ in sides]
    worked: list[list[float]] = [[] for _ in sides]
    for number in range(rounds + 1):
        for side, command in enumerate(sides):
            began, before = time.perf_counter(), os.times()
            done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
            after = os.times()
            if number:
                passed[side].append(time.perf_counter() - began)
                cpu = after.children_user + after.children_system - before.children_user - before.children_system
                worked[side].append(cpu)
    return [(statistics.median(times), statistics.median(cpu)) for times, cpu in zip(passed, worked, strict=True)]


def memory(folder: Path, command: Sequence[str], environment: dict[str, str]) -> float:
    """Peak resident KiB of the largest process below a fresh interpreter that runs the command."""
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    unit = 1 if sys.platform == "linux" else 1024
    return float(done.stdout.split()[-1]) / unit


def report(what: str, figure: float, limit: float, unit: str) -> None:
    print(f"{'ok  ' if figure <= limit else 'OVER'} {what}: {figure:.2f} {unit} (limit {limit:g})", flush=True)


if __name__ == "__main__":
    main()
