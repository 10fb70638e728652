"""The guide for operators, followed: its plan loads and climbs, its node serves, and each gate passes in its turn."""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.consensus import nodes as asking
from pytest_rollout.consensus.checks import observe
from pytest_rollout.core.asking import Sampled, asks, soak_of
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.node_check import NodeCheck
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.rollout import Rollout
from pytest_rollout.core.series import nanoseconds
from pytest_rollout.plan import load
from pytest_rollout.plan.lint import lint
from pytest_rollout.runner.sampling import ask
from tests import servers

GUIDE = (Path(__file__).parents[2] / "docs" / "replace-an-engine.md").read_text()
BLOCK = timedelta(minutes=10)
ENGINES = """
class Reference:
    def verify_block(self, block):
        return {"valid": True, "duration_ms": 5}
class Candidate(Reference):
    def verify_block(self, block):
        return {"valid": True, "duration_ms": 1}
"""


def _blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def planned(folder: Path, *, urls: dict[str, str], clock: str = "") -> Rollout:
    """The plan that the guide's parts make together."""
    plan = '[rollout]\nname = "guide"\n' + "".join(_blocks("toml"))
    if clock:
        plan = re.sub(r"(\[nodes\.node-.\]\n)", rf'\1clock = "{clock}"\n', plan)
    (folder / "rollout.toml").write_text(plan)
    (folder / "engines.py").write_text(ENGINES)
    for name in ("golden.json", "blocks.ndjson"):
        (folder / name).write_text("")
    return load(folder / "rollout.toml", environment=urls, root=folder)


def test_the_plan_of_the_guide_says_nothing_against_itself(tmp_path) -> None:
    rollout = planned(tmp_path, urls={"NODE_1": "one:8080", "NODE_2": "two:8080", "PROMETHEUS": "three:9090"})

    assert [len(stage.checks) for stage in rollout.stages] == [5, 8, 15, 14, 15, 11]
    assert [str(each) for each in lint(rollout, now=datetime(2031, 1, 1, tzinfo=UTC))] == []


class Operated:
    """Two nodes as the guide makes them, living by one clock, and what an operator does with them."""

    def __init__(self, folder: Path) -> None:
        self.now = datetime(2031, 1, 1, tzinfo=UTC)
        self.servers: list[ThreadingHTTPServer] = []
        self.verify: list[Any] = []
        self.urls: dict[str, str] = {}
        (folder / "engines.py").write_text(ENGINES)
        for number in (1, 2):
            names: dict[str, Any] = {"block": {"index": 0}, "clock": lambda: self.now}
            node, serve = _blocks("python")[:2]
            node = node.replace("/var/lib/node", str(folder / f"node-{number}"))
            node = node.replace("Path(__file__).parent", f"Path({str(folder)!r})")
            node = re.sub(r"    memory=.*\n", "    now=clock,\n", node)  # weeks in a moment; no process for each
            exec(node + serve, names)
            self.consensus = names["consensus"]
            self.verify.append(names["consensus"].verify_block)
            names["Consensus"].log_message = lambda *_: None
            server = ThreadingHTTPServer(("127.0.0.1", 0), names["Consensus"])
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.servers.append(server)
            self.urls[f"NODE_{number}"] = f"127.0.0.1:{server.server_port}"
        self.rollout = planned(folder, urls=self.urls | {"PROMETHEUS": "127.0.0.1:9"}, clock="rehearsed")

    def live(self, days: float) -> None:
        """A block every ten minutes on both nodes."""
        for index in range(int(timedelta(days=days) / BLOCK)):
            self.now += BLOCK
            for verify in self.verify:
                verify({"index": index})

    def post(self, node: str, document: dict[str, Any], token: str = "from your secrets") -> tuple[int, dict[str, Any]]:
        request = urllib.request.Request(
            f"http://{self.urls[node]}/v1/consensus/mode",
            json.dumps(document).encode(),
            {"X-Admin-Token": token},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def nodes(self) -> asking.Nodes:
        made = asking.Nodes(self.rollout.nodes)
        for node in made.values():
            node._now = lambda: self.now
        return made

    def owed(self, stage: str) -> dict[str, str]:
        """What a gate's node checks still find, each on what the nodes say over HTTP."""
        found, nodes, asked = {}, self.nodes(), self.rollout.stage(stage)
        for check in asked.checks:
            if isinstance(check, NodeCheck):
                value, source = observe(check, self.rollout, asked, nodes)
                finding = check.judge("item", Observation(item="item", value=value, source=source))
                if finding.outcome is not Outcome.PASS:
                    found[check.name] = finding.outcome.value
        return found


@pytest.fixture
def operated(tmp_path, monkeypatch) -> Iterator[Operated]:
    monkeypatch.setattr(asking, "PAUSE_SECONDS", 0)
    made = Operated(tmp_path)
    yield made
    for server in made.servers:
        server.shutdown()
        server.server_close()


def test_the_guide_leads_from_legacy_to_final(operated: Operated) -> None:
    """Step by step as it is written; before its time each gate says what is owed, and after it nothing."""
    operated.live(1)
    assert operated.post("NODE_1", {"mode": "shadow"}) == (200, {"mode": "shadow"})
    operated.live(6.9)
    assert operated.owed("shadow-node-1") == {"node-1.traffic": "inconclusive", "node-1.soak": "pending"}
    operated.live(0.2)
    assert operated.owed("shadow-node-1") == {}

    assert operated.owed("shadow-both")["node-2.mode"] == "fail"
    operated.post("NODE_2", {"mode": "shadow"})
    operated.live(7.1)
    assert operated.owed("shadow-both") == {}

    operated.post("NODE_1", {"mode": "rust"})
    operated.live(2)
    assert set(operated.owed("primary-node-1")) == {"node-1.traffic", "node-1.soak"}
    operated.live(5.1)
    assert operated.owed("primary-node-1") == {}

    operated.post("NODE_2", {"mode": "rust"})
    operated.live(7.1)
    assert operated.owed("primary-both") == {}
    measured = []
    names: dict[str, Any] = {}
    exec(_blocks("python")[2], names)
    names["test_fallbacks"](operated.nodes(), lambda name, good, total: measured.append((name, good, total)))
    assert measured == [("fallbacks", 0, 2044), ("fallbacks", 0, 1022)]

    operated.post("NODE_1", {"mode": "final"})
    operated.live(1.1)
    operated.post("NODE_2", {"mode": "final"})
    operated.live(30.1)
    assert operated.owed("final") == {}


def test_the_guides_node_lets_nobody_in_and_sets_no_mode_that_is_none(operated: Operated) -> None:
    assert operated.post("NODE_1", {"mode": "final"}, token="guessed") == (403, {})
    status, said = operated.post("NODE_1", {"mode": "primary"})
    assert (status, said["error"].partition(";")[0]) == (400, "no mode 'primary'")
    with urllib.request.urlopen(f"http://{operated.urls['NODE_1']}/v1/consensus/stats", timeout=10) as response:
        assert json.loads(response.read())["mode"] == "legacy"
    with urllib.request.urlopen(f"http://{operated.urls['NODE_1']}/metrics", timeout=10) as response:
        assert b"rollout_consensus_verifications_total" in response.read()


def test_the_guides_way_back_is_one_request(operated: Operated) -> None:
    """The rung above is void, and its soak starts over."""
    operated.post("NODE_1", {"mode": "shadow"})
    operated.post("NODE_1", {"mode": "rust"})
    operated.live(7.1)

    assert operated.post("NODE_1", {"demote": True}) == (200, {"mode": "shadow"})
    operated.post("NODE_1", {"mode": "rust"})
    operated.live(0.1)

    assert {"node-1.traffic", "node-1.soak"} <= operated.owed("primary-node-1").keys()


def _scraped(now: datetime) -> str:
    """Eight days of both nodes as Prometheus would have scraped them; node 2 was started again two days ago."""
    times = [int((now - timedelta(minutes=5 * ago)).timestamp()) for ago in range(8 * 288, -1, -1)]
    again = int((now - timedelta(days=2)).timestamp())
    text = ["# TYPE rollout_consensus_comparisons counter"]
    for node, started in (("node-1:8080", times[0]), ("node-2:8080", again)):
        for time in times:
            counted = time - (started if time >= started else times[0])
            text.append(f'rollout_consensus_comparisons_total{{instance="{node}"}} {counted} {time}')
    text.append("# TYPE rollout_consensus_start_time_seconds gauge")
    for node, started in (("node-1:8080", times[0]), ("node-2:8080", again)):
        for time in times:
            since = started if time >= started else times[0]
            text.append(f'rollout_consensus_start_time_seconds{{instance="{node}"}} {since} {time}')
    return "\n".join([*text, "# EOF", ""])


def test_the_guides_soak_by_prometheus_finds_the_node_that_was_restarted(tmp_path) -> None:
    """A real Prometheus, asked as a gate asks it; what node 1 covered is of no use to node 2."""
    now = datetime.now(UTC).replace(microsecond=0)
    with servers.prometheus(tmp_path, _scraped(now)) as url:
        urls = {"NODE_1": "one:8080", "NODE_2": "two:8080", "PROMETHEUS": url.removeprefix("http://")}
        rollout = planned(tmp_path, urls=urls)
        stage = rollout.stage("shadow-both")
        lines = ask(rollout, asks(rollout, stage, nanoseconds(now)), until=now)

    found = {each.title: each for each in soak_of(rollout, stage, Sampled(lines=lines), now, "item::")}

    one, two = (found[f"soak of compared[{node}]"] for node in ("node-1:8080", "node-2:8080"))
    assert (one.outcome, one.measured) == (Outcome.PASS, "7d of 7d covered")
    assert two.outcome is Outcome.PENDING
    assert two.measured.startswith("2d of 7d covered, 5d missing")
    assert "the start time changed" in two.detail or "a counter ran back" in two.detail


def test_every_command_of_the_guide_is_one() -> None:
    """Of the command line of ours."""
    from typer.main import get_command

    from pytest_rollout.cli.commands import app

    used = set(re.findall(r"^rollout ([a-z]+)", GUIDE, re.MULTILINE))

    assert used == {"init", "lint", "promote", "replay", "rollback"}
    assert used <= get_command(app).commands.keys()  # type: ignore[attr-defined] # a group
