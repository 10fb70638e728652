"""What a gate costs over bare pytest: start-up, the supervisor, 10,000 trivial items, memory.

Run with `python benchmarks/judging.py [items]`. Every figure is a ratio or a difference taken in
this run, alternating the two sides; the limits are those the project holds itself to.
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
    "PYTHONDONTWRITEBYTECODE": "1",
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
        tests = (f"def test_{i}():\n    pass\n\n" for i in range(items // files))
        (folder / "suites" / f"test_{number}.py").write_text("\n".join(tests))
    subprocess.run([sys.executable, "-m", "pytest_rollout", "init"], cwd=folder, check=True, capture_output=True)


def start_up(folder: Path) -> None:
    with_plugin = [*PYTEST, "-p", "pytest_rollout.plugin"]
    bare, plugin = alternate(folder, 15, (PYTEST, ENVIRONMENT), (with_plugin, ENVIRONMENT))
    report("plugin installed, no --stage, over bare pytest", (plugin - bare) * 1000, 30, "ms more")
    gate, alone = alternate(folder, 9, ([*GATE, "--rollout-formats="], ENVIRONMENT), (PYTEST, ENVIRONMENT))
    report("one-item gate over bare pytest (supervisor and recorder)", gate - alone, 0.4, "s more")


def judged(folder: Path, items: int) -> None:
    junit = [*PYTEST, f"--junitxml={folder}/bare.xml"]
    allure = [*PYTEST, "-p", "allure_pytest.plugin", f"--alluredir={folder}/bare-allure", "--clean-alluredir"]
    plain, slim = alternate(folder, 3, (junit, ENVIRONMENT), ([*GATE, "--rollout-formats=junit,brief"], ENVIRONMENT))
    report(f"{items} items judged, without Allure, over bare pytest --junitxml", slim / plain, 1.15, "x")
    peer, full = alternate(folder, 3, (allure, ENVIRONMENT), (GATE, ENVIRONMENT))
    report(f"{items} items judged, with Allure, over bare pytest with allure-pytest", full / peer, 1.0, "x")
    bare = memory(folder, PYTEST, ENVIRONMENT)
    ours = memory(folder, [*GATE, "--rollout-formats=junit,brief"], ENVIRONMENT)
    report(
        f"peak memory of the largest process over bare pytest's, {items} items",
        (ours - bare) / items,
        2.0,
        "KiB an item",
    )


def alternate(folder: Path, rounds: int, *sides: tuple[Sequence[str], dict[str, str]]) -> list[float]:
    """The median seconds of each side, taken in turns so that noise hits both."""
    seconds: list[list[float]] = [[] for _ in sides]
    for number in range(rounds + 1):
        for (command, environment), taken in zip(sides, seconds, strict=True):
            began = time.perf_counter()
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
            if number:
                taken.append(time.perf_counter() - began)
    return [statistics.median(each) for each in seconds]


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
