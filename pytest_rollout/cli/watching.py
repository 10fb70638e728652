"""``rollout watch``: the loop, and what one sees of it - a live view in a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from pytest_rollout.core.notice import Undelivered
from pytest_rollout.core.outcome import Outcome, Verdict
from pytest_rollout.monitoring.exporter import Exporter
from pytest_rollout.operations.watching import Seen, Watch
from pytest_rollout.operations.workspace import Workspace
from pytest_rollout.reporting.text import line

_STYLES = {
    Outcome.PASS: "green",
    Outcome.FAIL: "bold red",
    Outcome.ERROR: "red",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.PENDING: "yellow",
    Outcome.NOT_RUN: "red",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """What the command line asks for."""

    once: bool = False
    as_json: bool = False
    metrics_file: Path | None = None
    metrics_port: int | None = None


class View(Protocol):
    """Shows one look after the other."""

    def show(self, watch: Watch, seen: Seen) -> None:
        """Show one look."""
        ...

    def say(self, text: str) -> None:
        """Say something that is no look."""
        ...


def keep_watching(workspace: Workspace, place: str, how: How, *, sleep: Callable[[float], None] = time.sleep) -> int:
    """Watch until there is nothing more to wait for; returns 0, 10 or 20."""
    with ExitStack() as resources:
        watch = resources.enter_context(Watch(workspace, place, now=datetime.now(UTC)))
        view = _view(how, resources)
        exporter = _exporter(watch, how, resources, view)
        if watch.unwatched:
            view.say(f"not watched, the gate's tests measure them: {', '.join(watch.unwatched)}")
        while True:
            began = datetime.now(UTC)
            seen = watch.look(began)
            if exporter is not None:
                exporter.show(seen.sight, len(seen.undelivered))
            view.show(watch, seen)
            if how.once or watch.has_ended(seen):
                return _status(seen)
            sleep(max(0.0, (began + watch.interval - datetime.now(UTC)) / timedelta(seconds=1)))


def _status(seen: Seen) -> int:
    """A verdict's own; what could not be seen is a hold."""
    return Verdict.HOLD.exit_status if seen.sight.is_blind and not seen.sight.fired else seen.sight.verdict.exit_status


def _exporter(watch: Watch, how: How, resources: ExitStack, view: View) -> Exporter | None:
    if how.metrics_file is None and how.metrics_port is None:
        return None
    exporter = resources.enter_context(Exporter(watch.rollout.name, watch.stage.name, overridden=watch.overridden))
    if how.metrics_file is not None:
        exporter.write_to(how.metrics_file)
    if how.metrics_port is not None:
        view.say(f"metrics at http://127.0.0.1:{exporter.serve(how.metrics_port)}/metrics")
    return exporter


def _view(how: How, resources: ExitStack) -> View:
    if how.as_json:
        return JsonLines()
    if sys.stdout.isatty() and not how.once:
        return resources.enter_context(LiveView())
    return PlainLines()


class JsonLines:
    """One JSON document a look."""

    def show(self, watch: Watch, seen: Seen) -> None:
        """Print the look."""
        sight = seen.sight
        document = {
            "place": watch.place,
            "at": _at(seen),
            "verdict": sight.verdict.value,
            "findings": [each.document() for each in sight.findings],
            "fired": [f"{each.finding.title}: {each.trigger}" for each in sight.fired],
            "ledger_entry": None if seen.entry is None else seen.entry.sequence,
            "undelivered": [{"route": each.route, "why": each.why} for each in seen.undelivered],
        }
        print(json.dumps(document, ensure_ascii=False), flush=True)  # noqa: T201 - it prints

    def say(self, text: str) -> None:
        """Print it where it is in nobody's way."""
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - as above


class PlainLines:
    """A line a look, and one for each thing that does not hold; for logs and pipelines."""

    def show(self, watch: Watch, seen: Seen) -> None:
        """Print the look."""
        recorded = "" if seen.entry is None else f", ledger entry {seen.entry.sequence}"
        self.say(f"{_at(seen)} {watch.place}: {seen.sight.verdict.value.upper()}, {_tally(seen)}{recorded}")
        for fired in seen.sight.fired:
            self.say(f"  {fired.trigger.severity.value} rollback: {line(fired.finding.title)}, {fired.trigger}")
        for finding in seen.sight.findings:
            if finding.outcome is not Outcome.PASS:
                self.say(f"  {line(finding.title)}: {line(finding.measured)} ({finding.outcome.value})")
        for each in seen.undelivered:
            self.say(f"  not told: {each.route}, {each.why}")

    def say(self, text: str) -> None:
        """Print it at once: somebody may follow."""
        print(text, flush=True)  # noqa: T201 - it prints


class LiveView:
    """A table that stays in its place, redrawn at each look."""

    def __enter__(self) -> Self:
        from rich.live import Live  # noqa: PLC0415 - for terminals

        self._live = Live(auto_refresh=False, transient=False)
        self._live.__enter__()
        self._untold: tuple[Undelivered, ...] = ()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, watch: Watch, seen: Seen) -> None:
        """Redraw; who was not told stays in view until there is something new to tell."""
        self._untold = seen.undelivered or self._untold
        self._live.update(self.table(watch, replace(seen, undelivered=self._untold)), refresh=True)

    def say(self, text: str) -> None:
        """Print above the table."""
        self._live.console.print(line(text), markup=False, highlight=False)

    @staticmethod
    def table(watch: Watch, seen: Seen) -> Any:
        """The look as a table of rich."""
        from rich.table import Table  # noqa: PLC0415 - for terminals
        from rich.text import Text  # noqa: PLC0415 - as above

        sight = seen.sight
        following = "" if watch.has_ended(seen) else f", looks again every {watch.interval.total_seconds():g} s"
        table = Table(
            title=Text(f"{watch.place}: {sight.verdict.value.upper()} at {_at(seen)}{following}", style="bold"),
            title_justify="left",
            expand=False,
        )
        for head in ("item", "measured", "needed", "outcome"):
            table.add_column(head, overflow="fold")
        for finding in sight.findings:
            table.add_row(
                Text(line(finding.title)),
                Text(line(finding.measured)),
                Text(line(finding.needed)),
                Text(finding.outcome.value, style=_STYLES[finding.outcome]),
            )
        for fired in sight.fired:
            severity = Text(f"{fired.trigger.severity.value} rollback", style="bold red")
            table.add_row(Text(line(fired.finding.title)), Text("trigger fired"), Text(str(fired.trigger)), severity)
        for each in seen.undelivered:
            table.add_row(Text("notification"), Text(each.why), Text(each.route), Text("not told", style="yellow"))
        return table


def _at(seen: Seen) -> str:
    return f"{datetime.fromtimestamp(seen.sight.now / 10**9, UTC):%Y-%m-%d %H:%M:%SZ}"


def _tally(seen: Seen) -> str:
    passed = sum(each.outcome is Outcome.PASS for each in seen.sight.findings)
    return f"{passed} of {len(seen.sight.findings)} watched items hold"
