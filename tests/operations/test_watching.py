"""Watching a stage: the judge's rules again and again, remembered in the ledger, with the clock handed in."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout import DualRun
from pytest_rollout.core.errors import Refused, UsageError
from pytest_rollout.core.outcome import Outcome, Verdict
from pytest_rollout.core.series_form import unpacked
from pytest_rollout.ledger.canonical import parse
from pytest_rollout.ledger.opening import create_ledger
from pytest_rollout.operations import Workspace
from pytest_rollout.operations.watching import Watch
from pytest_rollout.testing.engines import MemoryEngine

START = datetime(2031, 5, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PLAN = """
[rollout]
name = "toy"
began = 2025-01-01T00:00:00Z

[metrics.success]
unit = "ratio"
source = "recorded"
path = "success.csv"
good = "good"
total = "total"
interval = "1m"

[stages.alpha]
[stages.alpha.soak]
for = "1h"
coverage = "95 %"
max_gap = "5m"
metrics = ["success"]

[[stages.alpha.criteria]]
name = "calls succeed"
metric = "success"
promote = "> 99 %"
over = "10m"
rollback = [{ when = "< 90 %", over = "15m", window = "every" }]

[stages.beta]
[[stages.beta.checklist]]
text = "Done"
"""


class Site:
    """A project whose one metric is a file that grows, and a ledger."""

    def __init__(self, root: Path, plan: str = PLAN) -> None:
        self.root = root
        (root / ".git").mkdir()
        (root / "rollout.toml").write_text(plan)
        self.rows: dict[datetime, tuple[int, int]] = {}
        create_ledger(None, root)

    def samples(self, first: int, last: int, good: int = 100) -> None:
        """One sample a minute, from one minute after the start to another."""
        for minute in range(first, last):
            self.rows[START + minute * MINUTE] = (good, 100)
        lines = [f"{at.isoformat()},{good},{total}\n" for at, (good, total) in sorted(self.rows.items())]
        (self.root / "success.csv").write_text("time,good,total\n" + "".join(lines))

    def watch(self, minute: float) -> Watch:
        return Watch(self.workspace, "alpha", now=START + minute * MINUTE)

    @property
    def workspace(self) -> Workspace:
        return Workspace.at(self.root, environment={})

    def records(self) -> list[dict[str, Any]]:
        entries = self.workspace.open().entries()
        return [parse(entry.payload) for entry in entries if entry.kind.value == "watch"]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def look(watch: Watch, minute: float) -> Any:
    return watch.look(START + minute * MINUTE)


def test_it_holds_until_the_soak_is_covered_and_then_promotes(site: Site) -> None:
    """The evidence decides, not the time since it began."""
    with site.watch(0) as watch:
        for minute in (20, 40, 59):
            site.samples(0, minute + 1)
            seen = look(watch, minute)
            assert (seen.sight.verdict, watch.has_ended(seen)) == (Verdict.HOLD, False), seen.sight.findings
        site.samples(0, 75)
        seen = look(watch, 74)

    assert (seen.sight.verdict, watch.has_ended(seen)) == (Verdict.PROMOTE, True), seen.sight.findings
    assert [each["verdict"] for each in site.records()][-1] == "promote"


def test_a_trigger_ends_it_and_is_recorded_with_its_samples(site: Site) -> None:
    """Sixteen bad minutes: the verdict is rollback, and whoever doubts it has what fired it."""
    site.samples(0, 30)
    site.samples(30, 47, good=80)
    with site.watch(0) as watch:
        seen = look(watch, 46)

    assert (seen.sight.verdict, watch.has_ended(seen)) == (Verdict.ROLLBACK, True)
    record = site.records()[-1]
    assert record["verdict"] == "rollback"
    assert record["fired"] == ["calls succeed: immediate, < 90 %, every sample for more than 15m"]
    samples = unpacked(site.workspace.open().attachment(record["evidence_digest"]))
    assert sum(map(len, samples.series)) > 16


@pytest.mark.parametrize("bad", [15, 16], ids=["exactly 15 minutes", "more"])
def test_it_is_as_strict_as_the_gate(site: Site, bad: int) -> None:
    """Bad for exactly 15 minutes does not trip "more than 15 min"."""
    site.samples(0, 30)
    site.samples(30, 31 + bad, good=80)
    with site.watch(0) as watch:
        assert bool(look(watch, 30 + bad).sight.fired) is (bad > 15)


def test_one_that_was_killed_goes_on_where_it_stopped(site: Site) -> None:
    """Two halves are one whole, and the half that was seen twice counts once."""
    site.samples(0, 41)
    with site.watch(0) as first:
        look(first, 40)
    site.samples(0, 75)
    with site.watch(50) as second:
        assert second.kept == first.kept
        seen = look(second, 74)
    with site.watch(0 + 80) as third:
        again = third.kept

    assert seen.sight.verdict is Verdict.PROMOTE
    soak = next(each for each in seen.sight.findings if each.title == "soak of success")
    assert "samples from 2031-05-04 00:00:00Z to 2031-05-04 01:14:00Z" in soak.detail
    assert again.looks == 2


def test_what_happened_while_nobody_looked_counts(site: Site) -> None:
    """A breach that began and ended between two looks has been one."""
    site.samples(0, 21)
    with site.watch(0) as watch:
        look(watch, 20)
    site.samples(21, 40, good=50)
    site.samples(40, 200)
    with site.watch(199) as watch:
        seen = look(watch, 199)

    assert seen.sight.verdict is Verdict.ROLLBACK


def test_a_gap_is_not_covered_and_is_told(site: Site) -> None:
    """Six minutes without samples begin the soak anew."""
    site.samples(0, 30)
    site.samples(40, 75)
    with site.watch(0) as watch:
        seen = look(watch, 74)

    soak = next(each for each in seen.sight.findings if each.title == "soak of success")
    assert soak.outcome is Outcome.PENDING
    assert "no sample for 11m" in soak.detail


def test_a_source_that_is_gone_is_no_verdict_on_the_service(site: Site) -> None:
    """It holds as blind, goes on for as long as the plan allows, and then ends with a hold."""
    with site.watch(0) as watch:
        seen = look(watch, 1)
        assert (seen.sight.verdict, seen.sight.is_blind) == (Verdict.HOLD, True)
        assert not watch.has_ended(seen)
        seen = look(watch, 17)

    assert watch.has_ended(seen)
    assert seen.sight.verdict is Verdict.HOLD
    assert not seen.sight.fired


def test_a_source_that_comes_back_is_seen_again(site: Site) -> None:
    with site.watch(0) as watch:
        look(watch, 1)
        site.samples(0, 15)
        seen = look(watch, 14)

    assert not seen.sight.is_blind
    assert seen.sight.kept.blind_since is None


def test_a_promotion_after_its_alarm_is_refused(site: Site) -> None:
    """A later no beats an earlier yes (rule 35): the judgement itself may have been green."""
    from pytest_rollout.core.history import History
    from pytest_rollout.ledger.journal import read_history

    site.samples(0, 30)
    site.samples(30, 50, good=80)
    with site.watch(0) as watch:
        look(watch, 49)
    history: History = read_history(site.workspace.open(), "toy")

    alarm = history.alarm_after(0, "alpha")
    assert alarm is not None
    assert alarm.value.fired == ("calls succeed: immediate, < 90 %, every sample for more than 15m",)
    assert history.alarm_after(alarm.sequence, "alpha") is None
    assert history.alarm_after(0, "beta") is None


def test_another_plan_is_another_subject(site: Site) -> None:
    """Its evidence is not this one's: the soak begins anew (rule 17)."""
    site.samples(0, 41)
    with site.watch(0) as watch:
        look(watch, 40)
    (site.root / "rollout.toml").write_text(PLAN.replace('over = "10m"', 'over = "12m"'))

    with site.watch(41) as watch:
        assert (watch.kept.until, watch.kept.looks) == (None, 0)


@pytest.mark.parametrize("minute", [39, 0], ids=["a minute", "all of it"])
def test_a_clock_that_runs_backwards_is_refused(site: Site, minute: int) -> None:
    """Time that was seen is not seen again."""
    site.samples(0, 41)
    with site.watch(0) as watch:
        look(watch, 40)
        with pytest.raises(Refused, match="a clock runs backwards"):
            look(watch, minute)
    with pytest.raises(Refused, match="a clock is wrong"):
        site.watch(minute)


def test_two_at_once_lose_nothing(site: Site) -> None:
    """Both record; the ledger stays a chain, and the next one remembers one of them whole."""
    site.samples(0, 41)
    watches = [site.watch(0) for _ in range(4)]
    threads = [threading.Thread(target=look, args=(watch, 40)) for watch in watches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    site.workspace.open().verify()
    assert len(site.records()) == 4
    with site.watch(41) as watch:
        assert watch.kept == watches[0].kept


def test_only_the_current_stage_is_watched_and_only_where_there_is_something(site: Site) -> None:
    with pytest.raises(UsageError, match="toy:beta: nothing to watch"):
        Watch(site.workspace, "beta", now=START)
    (site.root / "rollout.toml").write_text(
        PLAN.replace("[stages.alpha]\n", '[stages.first]\n[[stages.first.checklist]]\ntext = "x"\n[stages.alpha]\n')
    )
    with pytest.raises(Refused, match="toy:alpha: toy stands at 'first'; only its current stage is watched"):
        Watch(site.workspace, "alpha", now=START)


class Stats(BaseHTTPRequestHandler):
    """Serves what a dual run counts."""

    dual: DualRun

    def do_GET(self) -> None:
        body = json.dumps(self.dual.stats()).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def node() -> Iterator[tuple[DualRun, ThreadingHTTPServer]]:
    """A node in shadow whose candidate is wrong on block 13."""
    answers = {str(block): {"weight": block} for block in range(14)}
    dual = DualRun(MemoryEngine(answers), MemoryEngine(answers | {"13": {"weight": 1}}))
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Served", (Stats,), {"dual": dual}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield dual, server
    server.shutdown()
    server.server_close()
    dual.close()


ON_A_NODE = """
[nodes.one]
stats = "http://127.0.0.1:PORT/"
[stages.alpha.nodes.one]
mode = "shadow"
min_comparisons = 5
"""


@pytest.mark.parametrize("plan", [PLAN, PLAN[: PLAN.index("[metrics")] + PLAN[PLAN.index("[stages.beta]") :]])
def test_nodes_are_watched_like_everything_a_gate_asks(
    tmp_path: Path, node: tuple[DualRun, ThreadingHTTPServer], plan: str
) -> None:
    """Beside metrics, or alone: all metrics hold from the beginning, and the nodes decide."""
    dual, server = node
    metrics, _, rest = plan.partition("[stages.beta]")
    site = Site(tmp_path, f"{metrics}{ON_A_NODE.replace('PORT', str(server.server_port))}[stages.beta]{rest}")
    site.samples(0, 121)
    verdicts = []
    with site.watch(70) as watch:
        assert watch.interval == MINUTE
        verdicts.append(look(watch, 70).sight)
        for block in range(6):
            dual.verify_block({"index": block})
        verdicts.append(look(watch, 80).sight)
        dual.verify_block({"index": 13})
        verdicts.append(look(watch, 90).sight)
        server.shutdown()
        server.server_close()
        verdicts.append(look(watch, 100).sight)

    def told(sight: Any) -> list[str]:
        return [f"{each.title}: {each.measured}" for each in sight.findings if each.outcome is not Outcome.PASS]

    idle, well, diverged, gone = verdicts
    assert [each.verdict for each in verdicts] == [Verdict.HOLD, Verdict.PROMOTE, Verdict.HOLD, Verdict.HOLD]
    assert "one traffic: 0 of 5 comparisons" in told(idle)
    assert told(well) == []
    assert told(diverged) == ["one divergences: 1 of 7"]
    assert gone.is_blind
    assert all("node one is unreachable" in each for each in told(gone))


def test_nothing_is_recorded_while_nothing_changes(site: Site) -> None:
    """A week of looks is no thousands of entries."""
    site.samples(0, 61)
    with site.watch(0) as watch:
        for second in range(0, 600, 15):
            look(watch, 30 + second / 60)

    assert len(site.records()) == 1


def test_whoever_cannot_be_told_changes_no_verdict(tmp_path: Path) -> None:
    """And is told of by name, without an address."""
    plan = PLAN + '\n[notifications.warning]\nurls = ["json://127.0.0.1:9/s3cret-path-of-a-hook"]\n'
    site = Site(tmp_path, plan)
    site.samples(0, 21)
    with site.watch(0) as watch:
        seen = look(watch, 20)

    assert seen.sight.verdict is Verdict.HOLD
    assert [each.route for each in seen.undelivered] == ["notifications.warning.urls[0] (json)"]
    assert "s3cret" not in json.dumps(site.records())


def _listening(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What people are told from now on."""
    told: list[Any] = []

    class Ear:
        def tell(self, notice: Any) -> Sequence[Any]:
            told.append(notice)
            return []

    monkeypatch.setattr(Watch, "_open_notifier", staticmethod(lambda _: Ear()))
    return told


@pytest.mark.parametrize("is_restarted", [False, True], ids=["one watch", "once for a scheduler"])
def test_a_divergence_in_a_soak_that_still_lasts_is_told_once(
    tmp_path: Path, node: tuple[DualRun, ThreadingHTTPServer], monkeypatch: pytest.MonkeyPatch, is_restarted: bool
) -> None:
    """The stage holds before and after, for another reason; whoever waits for a week must not learn of it at its end."""
    dual, server = node
    metrics, _, rest = PLAN.partition("[stages.beta]")
    site = Site(tmp_path, f"{metrics}{ON_A_NODE.replace('PORT', str(server.server_port))}[stages.beta]{rest}")
    site.samples(0, 121)
    told = _listening(monkeypatch)
    watch = site.watch(0)
    for minute, blocks in ((20, range(6)), (21, ()), (22, (13,)), (23, ()), (24, ())):
        for block in blocks:
            dual.verify_block({"index": block})
        if is_restarted:
            watch.close()
            watch = site.watch(minute)
        look(watch, minute)
        if minute == 23:  # the last look meets nobody
            server.shutdown()
            server.server_close()
    watch.close()

    assert [(each.importance.value, each.title) for each in told] == [("warning", "toy:alpha: HOLD")] * 3
    waits, diverges, gone = (each.text for each in told)
    assert "soak of success" in waits
    assert "one divergences" not in waits
    assert "one divergences: 1 of 7" in diverges
    assert "node one is unreachable" in gone


def test_people_are_told_when_the_verdict_changes_and_not_before(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each change, by how much it interrupts."""
    told = _listening(monkeypatch)
    with site.watch(0) as watch:
        site.samples(0, 75)
        for minute in (20, 30, 74):
            look(watch, minute)
        site.samples(75, 95, good=10)
        look(watch, 94)

    assert [(each.importance.value, each.facts["verdict"]) for each in told] == [
        ("warning", "hold"),
        ("info", "promote"),
        ("critical", "rollback"),
    ]


def test_the_command_ends_as_its_verdict_says(site: Site, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """Once, for schedulers: 10 while it waits, 20 when a trigger fires; lines where there is no terminal."""
    from pytest_rollout.cli.commands import run

    monkeypatch.chdir(site.root)
    _until_now(site, good=100)
    assert run(["watch", "alpha", "--once", "--metrics-file", "toy.prom"]) == 10
    told = capsys.readouterr().out
    assert "toy:alpha: HOLD, 1 of 2 watched items hold, ledger entry 1" in told
    assert "  soak of success: " in told
    metrics = (site.root / "toy.prom").read_text()
    assert 'rollout_watch_verdict{rollout="toy",stage="alpha",verdict="hold"} 1.0' in metrics

    _until_now(site, good=50)
    assert run(["watch", "alpha", "--once", "--json"]) == 20
    document = json.loads(capsys.readouterr().out)
    assert (document["verdict"], document["ledger_entry"]) == ("rollback", 2)
    assert run(["watch", "alpha", "--metrics-file", "toy.txt"]) == 4


def _until_now(site: Site, *, good: int) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    site.rows = {now - minute * MINUTE: (good, 100) for minute in range(25)}
    site.samples(0, 0)


def test_what_was_before_the_rollout_counts_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the first stage as of the others: neither a soak nor a trigger of bad minutes from before the ledger."""
    from pytest_rollout.cli.watching import How, keep_watching

    site = Site(tmp_path, PLAN.replace("began = 2025-01-01T00:00:00Z\n", ""))
    monkeypatch.chdir(site.root)
    _until_now(site, good=50)
    looked: list[str] = []
    monkeypatch.setattr("builtins.print", lambda text, **_: looked.append(text))

    assert keep_watching(site.workspace, "alpha", How(once=True)) == 10

    assert "  calls succeed: no sample (inconclusive)" in looked
    assert "  soak of success: nothing of 1h is covered: no sample (inconclusive)" in looked


def test_it_looks_at_the_plans_interval_until_it_ends(site: Site, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """The loop sleeps between looks, and ends by itself."""
    from pytest_rollout.cli.watching import How, keep_watching

    monkeypatch.chdir(site.root)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        _until_now(site, good=100 if len(slept) < 2 else 50)

    _until_now(site, good=100)
    assert keep_watching(site.workspace, "alpha", How(), sleep=sleep) == 20
    assert len(slept) == 2
    assert all(50 < each <= 60 for each in slept)
    assert capsys.readouterr().out.count("HOLD") == 2


def test_metrics_are_answered_on_a_port_of_this_machine() -> None:
    """And stop with the watch."""
    import requests

    from pytest_rollout.monitoring.exporter import Exporter

    with Exporter("toy", "alpha", overridden=2) as exporter:
        port = exporter.serve(0)
        told = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
        assert "rollout_watch_looks_total" in told
        assert 'rollout_watch_promotions_by_override{rollout="toy",stage="alpha"} 2.0' in told
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5)
