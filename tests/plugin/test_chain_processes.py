"""No anvil and no folder of ours outlives a run, however the run ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

WORD = "told:"
TELLS = """
import os
import sys
import time
from pathlib import Path

import psutil
import pytest

@pytest.fixture(scope="session", autouse=True)
def tells(network):
    "Where this process and its chain are, for whoever started it."
    place = Path(os.environ["HOME"]) / f"told-{os.getpid()}"
    place.write_text(f"{os.getpid()} {network.pid}")

"""
SUITES = {
    "passing": "def test_a(network):\n    assert network.head().number == 0\n",
    "failing": "def test_a(network):\n    assert False\n",
    "os._exit": "def test_a(network):\n    os._exit(0)\n",
    "sys.exit in a fixture": "@pytest.fixture\ndef leaves(network):\n    yield\n    sys.exit(3)\n\ndef test_a(leaves):\n    pass\n",
    "chain killed": "def test_a(network):\n    os.kill(network.pid, 9)\n\ndef test_b(network):\n    pass\n",
    "waiting": "@pytest.mark.parametrize('n', range(4))\ndef test_a(n, network):\n    time.sleep(60)\n",
}


class Run:
    """One run of a project in the background, and the processes it told of."""

    def __init__(self, project, *arguments: str) -> None:
        self.project = project
        self.temporary = project.folder / ".home" / "tmp"
        self.temporary.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
            cwd=project.folder,
            env=project.environment | {"TMPDIR": str(self.temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def told(self, count: int = 1) -> list[tuple[int, int]]:
        """The (process, chain) pairs, once there are ``count`` of them."""
        latest = time.monotonic() + 60
        while len(pairs := self._pairs()) < count:
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() < latest
            time.sleep(0.05)
        return pairs

    def end(self) -> str:
        return self.process.communicate(timeout=90)[0]

    def left(self) -> list[str]:
        """Chains and recorders still alive a while after the end, and folders of ours still there."""
        latest = time.monotonic() + 15
        while (alive := list(self._alive())) and time.monotonic() < latest:
            time.sleep(0.1)
        return [*alive, *(path.name for path in self.temporary.glob("rollout-*"))]

    def _pairs(self) -> list[tuple[int, int]]:
        texts = [path.read_text().split() for path in (self.project.folder / ".home").glob("told-*")]
        return [(int(text[0]), int(text[1])) for text in texts if len(text) == 2]

    def _alive(self) -> Iterator[str]:
        place = str(self.project.folder)
        for process in psutil.process_iter(["pid", "status"]):
            if process.info["status"] == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
            try:
                line, here = " ".join(process.cmdline()), process.cwd()
            except psutil.Error:
                continue
            if place in line or here.startswith(place):
                yield f"{process.pid} {line[:80]}"


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def chained(chain_project, tmp_path: Path):
    """``chained("failing")``: a project whose only stage has an anvil and that suite."""

    def make(suite: str):
        files = {"conftest.py": "", "suites/alpha/test_x.py": TELLS + SUITES[suite]}
        return chain_project(tmp_path, "anvil", files)

    return make


STATUS = {
    ("passing", "gate"): 0,
    ("passing", "ordinary"): 0,
    ("failing", "gate"): 10,
    ("failing", "ordinary"): 1,
    ("os._exit", "gate"): 10,
    ("os._exit", "ordinary"): 0,
    ("sys.exit in a fixture", "gate"): 10,
    ("chain killed", "gate"): 3,
    ("chain killed", "ordinary"): 3,
}


@pytest.mark.parametrize(("suite", "how"), STATUS)
def test_no_chain_outlives_its_run(chained, suite: str, how: str) -> None:
    """A private folder stays behind only where nobody was left to remove it."""
    arguments = ["--stage=alpha", "--rollout-formats="] if how == "gate" else ["suites"]
    run = Run(chained(suite), *arguments)

    out = run.end()

    assert run.process.returncode == STATUS[suite, how], out
    assert run._pairs(), "the suite never opened its chain"
    left = run.left()
    if suite == "os._exit":
        left = [each for each in left if not each.startswith("rollout-anvil-")]
    assert left == []


def test_a_chain_that_dies_is_named_and_holds_the_gate(chained) -> None:
    """Nothing after it could be isolated, so nothing after it runs."""
    project = chained("chain killed")

    ran = project.pytest("--stage=alpha", "--rollout-formats=")

    assert ran.status == 3
    assert "isolation failed after suites/alpha/test_x.py::test_a: local: network local: anvil ended" in ran.says
    outcomes = {f["item"]: f["outcome"] for f in ran.judgement["findings"]}
    assert outcomes["suites/alpha/test_x.py::test_b"] == "not_run"
    assert outcomes["suites/alpha/test_x.py::test_a"] != "pass"


@pytest.mark.parametrize("how", ["gate", "ordinary"])
def test_ctrl_c_ends_the_chain_with_the_run(chained, how: str) -> None:
    """The chain is in a session of its own, so the tests' own tear-down can still speak to it."""
    run = Run(chained("waiting"), *(["--stage=alpha"] if how == "gate" else ["suites"]))
    run.told()

    os.killpg(run.process.pid, signal.SIGINT)
    out = run.end()

    assert run.process.returncode == 2, out
    assert run.left() == []


def test_a_killed_worker_takes_its_chain_along_and_holds_the_gate(chained) -> None:
    """xdist starts another worker; the lost one is named."""
    run = Run(chained("waiting"), "--stage=alpha", "-n", "2", "--rollout-formats=", "--max-worker-restart=0")
    (worker, chain), _ = run.told(2)

    os.kill(worker, signal.SIGKILL)
    latest = time.monotonic() + 10
    while is_alive(chain) and time.monotonic() < latest:
        time.sleep(0.05)
    assert not is_alive(chain)
    os.killpg(run.process.pid, signal.SIGINT)
    out = run.end()

    assert run.process.returncode in {2, 3, 10}, out
    assert "HOLD" in out
    assert [each for each in run.left() if not each.startswith("rollout-anvil-")] == []


def test_a_killed_recorder_takes_its_chain_along_and_holds_the_gate(chained) -> None:
    """The supervisor is another process: it still judges."""
    run = Run(chained("waiting"), "--stage=alpha", "--rollout-formats=")
    ((recorder, _),) = run.told()

    os.kill(recorder, signal.SIGKILL)
    out = run.end()

    assert run.process.returncode == 10, out
    verdict = (run.project.folder / "reports/toy/alpha/verdict.json").read_text()
    assert "the recorder ended by SIGKILL" in verdict
    assert [each for each in run.left() if not each.startswith("rollout-anvil-")] == []


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_killed_supervisor_takes_everything_along(chained, workers: str) -> None:
    """Nobody is left to clean up but the kernel; folders are removed by the next run that starts a chain."""
    run = Run(chained("waiting"), "--stage=alpha", "-n", workers)
    run.told(max(1, int(workers)))

    run.process.kill()
    run.process.communicate(timeout=60)

    assert [each for each in run.left() if not each.startswith("rollout-")] == []
