"""Watching a stage on a real Prometheus: its history, its gaps, and what it asks for rollback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_rollout.core.outcome import Verdict
from pytest_rollout.ledger.opening import create_ledger
from pytest_rollout.operations import Workspace
from pytest_rollout.operations.watching import Seen, Watch
from tests import servers

START = datetime(2026, 1, 5, tzinfo=UTC)
STEP = timedelta(seconds=15)
PLAN = """
[rollout]
name = "toy"
began = 2025-01-01T00:00:00Z

[metrics.success]
unit = "ratio"
source = "prometheus"
url = "${PROMETHEUS_URL}"
good = "good"
total = "total"
interval = "15s"

[stages.alpha]
[stages.alpha.soak]
for = "1h"
max_gap = "5m"

[[stages.alpha.criteria]]
name = "calls succeed"
metric = "success"
promote = "> 99 %"
over = "10m"
rollback = [{ when = "< 90 %", over = "15m", window = "every" }]
"""


def history() -> str:
    """Two good hours with a gap of ten minutes in the first, then half an hour of failing calls."""
    text = ""
    for name, value in (("good", lambda n: 100 if n < 480 else 50), ("total", lambda _: 100)):
        text += f"# TYPE {name} gauge\n"
        for number in range(600):
            if not 100 <= number < 140:
                text += f"{name} {value(number)} {(START + number * STEP).timestamp():.3f}\n"
    return text + "# EOF\n"


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with servers.prometheus(tmp_path_factory.mktemp("watched"), history()) as url:
        yield url


def look(root: Path, url: str, minute: float) -> Seen:
    """One look of a watch that is started for it, as a scheduler would."""
    if not (root / ".git").exists():
        (root / ".git").mkdir()
        (root / "rollout.toml").write_text(PLAN)
        create_ledger(None, root)
    now = START + timedelta(minutes=minute)
    with Watch(Workspace.at(root, environment={"PROMETHEUS_URL": url}), "alpha", now=now) as watch:
        return watch.look(now)


def test_it_holds_over_the_gap_promotes_after_the_hour_and_then_asks_for_rollback(
    prometheus: str, tmp_path: Path
) -> None:
    """One visit, four looks, each by a watch of its own that goes on where the last one stopped."""
    verdicts = {minute: look(tmp_path, prometheus, minute).sight.verdict for minute in (24, 60, 100, 134, 137)}

    assert verdicts == {
        24: Verdict.HOLD,
        60: Verdict.HOLD,
        100: Verdict.PROMOTE,
        134: Verdict.HOLD,
        137: Verdict.ROLLBACK,
    }


def test_a_server_that_is_gone_is_told_and_its_address_is_not(tmp_path: Path) -> None:
    """Blind, not red; and whoever reads the record cannot reach it."""
    seen = look(tmp_path, "http://ops:s3cret-word@127.0.0.1:9/prometheus", 30)

    assert (seen.sight.verdict, seen.sight.is_blind, seen.sight.fired) == (Verdict.HOLD, True, ())
    assert "s3cret-word" not in str(seen.sight.findings)
