"""Much to read is shared out over processes: whatever becomes of one, each question has an answer or an error."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.metrics.conftest import START, Answer, Site

AT = int(START.timestamp())


def body(count: int, step: int) -> dict[str, Any]:
    parts = [[str(1e308)] * count, [str(AT + step * n) for n in range(1, count + 1)]]
    result = [
        {"metric": {"rollout_part": part}, "values": [[AT + step * n, text] for n, text in enumerate(texts, 1)]}
        for part, texts in zip(("value", "observed"), parts, strict=True)
    ]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


BODY = body(199, 15)
LARGE = json.dumps(body(3600, 1)).encode()
"""As much as a pipe holds, once read: its process cannot be through with its share before one is taken."""
BEFORE = """
import multiprocessing, os, signal, sys, threading, time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from pytest_rollout.core.rollout import Metric, SourceKind, SourceSettings
from pytest_rollout.core.units import UNITS
from pytest_rollout.metrics import opening, shares
from pytest_rollout.metrics.opening import Sources
from pytest_rollout.metrics.port import Asked

opening.SHARED_FROM = 1
shares.MOST_PROCESSES = 2
os.sched_getaffinity = lambda _: {0, 1}
SINCE = datetime(2026, 1, 5, tzinfo=UTC)

def prometheus(name, query="sum(x)"):
    settings = SourceSettings(kind=SourceKind.PROMETHEUS, url=URL, query=query, interval=timedelta(seconds=1))
    metric = Metric(name=name, unit=UNITS["count"], source=settings)
    return Asked(metric=metric, since=SINCE, until=SINCE + timedelta(hours=1))

def children():
    return sorted(each.pid for each in multiprocessing.active_children())

def are_gone(pids):
    return not any(Path(f"/proc/{each}").exists() for each in pids)
"""


def program(site: Site, after: str) -> list[str]:
    return [sys.executable, "-c", f"URL = {site.url!r}\n{BEFORE}\n{after}"]


def run(site: Site, after: str) -> str:
    """What the program prints; its one thread is what lets it fork."""
    done = subprocess.run(program(site, after), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_two_processes_answer_what_one_does_and_nothing_is_left_of_them(site: Site, tmp_path: Path) -> None:
    """Sources that are no web servers stay where they are, and are asked at the same time."""
    site.answers = [Answer(body=BODY)]
    (tmp_path / "recorded.csv").write_text("time,value\n2026-01-05T00:30:00Z,4\n")
    said = run(
        site,
        f"""
asked = [prometheus(f"m{{n}}") for n in range(7)] + [prometheus("bad", "vector(1)")]
settings = SourceSettings(kind=SourceKind.RECORDED, options={{"file": "recorded.csv"}})
asked.append(Asked(metric=Metric(name="recorded", unit=UNITS["count"], source=settings), since=SINCE, until=asked[0].until))
def collected():
    with Sources(Path({str(tmp_path)!r})) as sources:
        pids, found = [], {{}}
        for each, answer in sources.collect(asked):
            pids += children()
            found[each.metric.name] = str(answer)
        assert children() == [] and are_gone(pids)
        return len(set(pids)), dict(sorted(found.items()))
count, shared = collected()
opening.SHARED_FROM = 10**9
alone, unshared = collected()
print(count, alone, len(shared), shared == unshared, shared["bad"], shared["recorded"].count("4"))
""",
    )

    assert said.startswith("2 0 9 True metric bad: 'vector(1)' selects no series")


def test_a_process_that_dies_leaves_an_error_for_each_of_its_questions(site: Site) -> None:
    """The kernel ends what takes too much memory; what was not answered is never silently left out."""
    site.answers = [Answer(body=LARGE)]
    said = run(
        site,
        """
opening.MOST_SAMPLES = 2 * 3600  # one at a time in each process
with Sources(Path.cwd()) as sources:
    found = {}
    for each, answer in sources.collect(prometheus(f"m{n}") for n in range(20)):
        if not found:
            victim = children()[int(each.metric.name[1:]) % 2]
            os.kill(victim, signal.SIGKILL)
        found[each.metric.name] = str(answer) if isinstance(answer, Exception) else len(answer.series[0])
errors = {each for each in found.values() if isinstance(each, str)}
print(len(found), sum(each == 3600 for each in found.values()) >= 11, sorted(errors)[0])
assert are_gone([victim])
""",
    )

    assert said.startswith("20 True metric m")
    assert "the process that asked for it was ended (SIGKILL) before it had the answer; judge again" in said


def test_a_process_that_cannot_go_on_says_with_which_status(site: Site) -> None:
    site.answers = [Answer(body=BODY)]
    said = run(
        site,
        """
opening._afresh = lambda folder, asked, most: os._exit(3)
with Sources(Path.cwd()) as sources:
    print({str(answer).partition(": ")[2] for _, answer in sources.collect(prometheus(f"m{n}") for n in range(3))})
""",
    )

    assert "the process that asked for it ended with status 3 before it had the answer" in said


def test_where_no_process_can_be_made_all_is_asked_as_ever(site: Site) -> None:
    site.answers = [Answer(body=BODY)]
    said = run(
        site,
        """
from types import SimpleNamespace
from unittest.mock import patch
def collected():
    while len(os.listdir("/proc/self/task")) > 1:  # a thread that ended is there for a moment
        time.sleep(0.001)
    with Sources(Path.cwd()) as sources:
        asked = [prometheus(f"m{n}") for n in range(20)]
        found = [(len(answer.series[0]), len(children())) for _, answer in sources.collect(asked)]
    return len(found), *max(found)
for what, hindrance in {
    "nothing": patch.object(opening, "SHARED_FROM", 1),
    "too little": patch.object(opening, "SHARED_FROM", 20 * 3600 + 1),
    "one core": patch.object(os, "sched_getaffinity", lambda _: {0}),
    "no Linux": patch.object(shares, "sys", SimpleNamespace(platform="darwin")),
    "no more processes": patch.object(os, "fork", side_effect=BlockingIOError(11, "no more processes")),
}.items():
    with hindrance:
        print(what, collected())
ended = threading.Event()
threading.Thread(target=ended.wait).start()
with Sources(Path.cwd()) as sources:
    asked = [prometheus(f"m{n}") for n in range(20)]
    print("another thread", sum(len(answer.series[0]) + 1000 * len(children()) for _, answer in sources.collect(asked)))
ended.set()
""",
    )

    assert said.splitlines() == [
        "nothing (20, 199, 2)",
        "too little (20, 199, 0)",
        "one core (20, 199, 0)",
        "no Linux (20, 199, 0)",
        "no more processes (20, 199, 0)",
        f"another thread {20 * 199}",
    ]


def test_whoever_stops_taking_ends_the_processes(site: Site) -> None:
    site.answers = [Answer(body=LARGE)]
    said = run(
        site,
        """
with Sources(Path.cwd()) as sources:
    for _ in sources.collect(prometheus(f"m{n}") for n in range(20)):
        pids = children()
        break
print(len(pids), are_gone(pids), threading.active_count())
""",
    )

    assert said == "2 True 1\n"


def test_answers_wait_in_their_processes_until_the_last_was_handed_on(site: Site) -> None:
    """Memory is bounded by what may be read at a time: two in each of two processes, one in its pipe, one handed on."""
    site.answers = [Answer(body=LARGE)]
    run(
        site,
        """
opening.MOST_SAMPLES = 4 * 3600
with Sources(Path.cwd()) as sources:
    for _ in sources.collect(prometheus(f"m{n}") for n in range(40)):
        time.sleep(0.3)
        break
""",
    )

    assert 2 <= len(site.asked) <= 2 * (2 + 2)


def test_the_connections_of_a_process_are_its_own(site: Site) -> None:
    """Two that read from one connection would each get a part of the other's answer."""
    site.answers = [Answer(body=BODY)]
    said = run(
        site,
        """
def connections(sources):
    pools = sources.web._session.get_adapter(URL).poolmanager.pools
    return [(pools[key].num_connections, pools[key].num_requests) for key in pools.keys()]
with Sources(Path.cwd()) as sources:
    list(sources.collect([prometheus("before")]))
    while len(os.listdir("/proc/self/task")) > 1:  # a thread that ended is there for a moment
        time.sleep(0.001)
    assert len(list(sources.collect(prometheus(f"m{n}") for n in range(10)))) == 10
    list(sources.collect([prometheus("after")]))
    print(connections(sources))
""",
    )

    assert said == "[(1, 2)]\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_no_process_outlives_the_one_it_answers(site: Site, number: signal.Signals) -> None:
    """Ctrl-C reaches all of a terminal's processes: the one that forked ends the others, or the kernel does."""
    site.answers = [lambda _: time.sleep(2)]
    after = """
class Noted(shares.Share):
    def answers(self):
        print(self._process.pid, flush=True)
        return super().answers()
opening.Share = Noted
with Sources(Path.cwd()) as sources:
    list(sources.collect(prometheus(f"m{n}") for n in range(4)))
"""
    with subprocess.Popen(
        program(site, after), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        pids = [int(process.stdout.readline()) for _ in range(2)]
        while len(site.asked) < 4:
            time.sleep(0.01)
        os.killpg(process.pid, number) if number == signal.SIGINT else process.kill()
        _, said = process.communicate(timeout=30)

    until = time.monotonic() + 10
    while any(Path(f"/proc/{each}").exists() for each in pids) and time.monotonic() < until:
        time.sleep(0.01)
    assert not [each for each in pids if Path(f"/proc/{each}").exists()]
    assert said == "" or said.rstrip().endswith("KeyboardInterrupt")
