"""The recorder: tells the supervisor what happens, event by event, and decides nothing.

One object a process. It records what left each test function itself, before any hook could
replace it, beside what the reports say; the judge compares the two.
"""

from __future__ import annotations

import gc
import hashlib
import inspect
import os
import platform
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from _pytest.outcomes import Exit

from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.running import is_telling
from pytest_rollout.plugin.asserting import Asserted, hear_telling_warnings, rewrite_helpers, watch_assertions
from pytest_rollout.plugin.collection import GateCollection
from pytest_rollout.plugin.context import Context
from pytest_rollout.plugin.handover import VARIABLE
from pytest_rollout.plugin.noting import watch_others
from pytest_rollout.plugin.redacting import Redaction, encodable
from pytest_rollout.plugin.unseen import Unseen
from pytest_rollout.plugin.watching import Running
from pytest_rollout.runner.channel import EXIT_STATUS, Outbox
from pytest_rollout.runner.kept import kept_id

LONGEST_TEXT = 20_000
_SELDOM = 50_000, 10, 10
"""When to look for garbage: a session keeps nearly all it makes, and Python's 700 looks through it all the time."""

TRUSTED_FIXTURES = frozenset(
    {
        *("rollout", "stage", "network", "networks", "contracts", "flags", "measure", "evidence"),
        *("engines", "nodes", "books"),
        "_rollout_context",
    }
)


def start_recording(config: pytest.Config) -> None:
    """Connect to the supervisor, wait for its briefing, and register the recorder."""
    gc.set_threshold(*_SELDOM)
    process = os.environ.get("PYTEST_XDIST_WORKER") or _role(config)
    socket = Path(os.environ[VARIABLE])
    outbox = Outbox(str(socket))
    if process != "controller":
        del os.environ[VARIABLE]
    briefing = outbox.introduce(
        process,
        {
            "pid": os.getpid(),
            "python": platform.python_version(),
            "pytest": pytest.__version__,
            "optimize": sys.flags.optimize,
        },
    )
    stage = briefing.rollout.stage(briefing.stage)
    context = Context(briefing.rollout, stage, briefing.network, allow_writes=briefing.allow_writes)
    context.pins, context.unread, context.pin = briefing.pins, briefing.unread, outbox.pin
    config.pluginmanager.register(context, "rollout-context")
    collection = GateCollection(briefing, context)
    config.pluginmanager.register(collection, "rollout-collection")
    asserted = Asserted(socket.parent)
    recorder = Recorder(outbox, context, collection, config, asserted, pinned=frozenset(briefing.functions))
    context.record = recorder.record
    if briefing.fault:
        from pytest_rollout.plugin.drilling import Drilling  # noqa: PLC0415 - in a drill alone

        config.pluginmanager.register(Drilling(context, briefing.fault), "rollout-drilling")
    config.pluginmanager.register(recorder, "rollout-recorder")
    suite = briefing.rollout.suite
    watch_assertions(recorder.asserted)
    unseen = Unseen(recorder.trouble, recorder.unawaited)
    unseen.watch()
    config.pluginmanager.register(unseen, "rollout-unseen")
    watch_others(recorder.asserted, asserted.take_back, lambda: asserted.counted(suite))
    rewrite_helpers(suite)
    secrets = briefing.rollout.secrets
    redaction = Redaction(Redactor(secrets), config, has_secrets=bool(secrets))
    config.pluginmanager.register(redaction, "rollout-redaction")


def _role(config: pytest.Config) -> str:
    workers = getattr(config.known_args_namespace, "numprocesses", None)
    return "controller" if workers not in {None, 0, "0"} else "main"


class Recorder:
    """Turns pytest's hooks into events."""

    def __init__(
        self,
        outbox: Outbox,
        context: Context,
        collection: GateCollection,
        config: pytest.Config,
        asserted: Asserted,
        pinned: frozenset[str] = frozenset(),
    ) -> None:
        self._outbox = outbox
        self._send = outbox.send
        self._context = context
        self._collection = collection
        self._config = config
        self._pinned = pinned
        self._redactor = Redactor(context.rollout.secrets)
        self._now = time.perf_counter  # kept, for a test may replace the clock
        self._runs_tests = outbox.process != "controller"
        self._made: list[str] = []
        self._cut: dict[str, str] = {}
        self._errors: dict[str, str] = {}
        self._skipped: dict[str, str] = {}
        self._current: Running | None = None
        self._asserted = asserted
        self._failed_outside = 0
        self._seen: dict[str, list[list[Any]]] = {}
        self._status = EXIT_STATUS

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Hear of exceptions that no test sees, whatever the warning filters say; pytest's hooks are behind ours."""
        if self._runs_tests:
            threading.excepthook = self._chain(threading.excepthook, "exception in a thread")
            sys.unraisablehook = self._chain(sys.unraisablehook, "exception nobody could catch")

    def record(self, event: dict[str, Any]) -> None:
        """Record what a fixture or a declared check of the item ``id`` has to say."""
        self._send(event | {"id": self._id(event["id"])})

    def asserted(self, held: bool) -> None:
        """Count an assertion for the item that runs now; one that failed between items is none's, and told."""
        self._asserted.note(held)

    def trouble(self, what: str, text: str) -> None:
        """Tell what happened beside the item that runs now, if one does."""
        self._trouble(what, text, self._current.nodeid if self._current is not None else "")

    def unawaited(self, text: str) -> None:
        """Tell of a coroutine that never ran; a warning of it may reach nobody."""
        item = self._current.nodeid if self._current is not None else ""
        self._send({"e": "warning", "category": "RuntimeWarning", "text": self._text(text), "id": self._id(item)})

    @pytest.hookimpl(tryfirst=True)
    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Every id pytest makes is owed, unless its stage excludes it."""
        self._made.append(item.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A collection error leaves tests out; a module-level skip leaves no other trace."""
        if report.failed:
            self._errors[report.nodeid or "the root"] = self._text(report.longreprtext)
        elif report.skipped:
            self._skipped[report.nodeid] = self._text(_skip_reason(report.longrepr))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell what was made and what is left after every hook had its say."""
        if not self._runs_tests:
            return
        self._send(
            {
                "e": "collected",
                "made": [self._id(each) for each in self._made],
                "selected": [self._id(item.nodeid) for item in session.items],
                "excluded": [self._id(each) for each in self._collection.excluded],
                "errors": self._errors,
                "skipped": self._skipped,
                "conftests": sorted(self._conftests()),
                "settings": self._settings(),
            }
        )

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """One item from its beginning to its end, however often something runs it in between."""
        self._failed_outside += self._asserted.take()[1]
        self._current = running = Running(item, self._pinned)
        self._context.item = item
        self._send(self._beginning(item))
        began = self._now()
        try:
            return (yield)
        finally:
            self._current = None
            asserts = self._asserted.take()
            self._send(
                {
                    "e": "item",
                    "id": self._id(item.nodeid),
                    "phases": running.phases,
                    "cause": running.left,
                    "assertion": running.is_assertion,
                    "ran": running.body_ran,
                    "calls": running.calls,
                    "asserts": asserts if running.writes_asserts or asserts[1] else None,
                    "s": round(self._now() - began, 6),
                    "text": self._text("\n\n".join(running.texts)),
                }
            )

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Innermost: what leaves the test itself, and whether a frame of its function ran."""
        running = self._current
        if running is None:
            return (yield)
        running.calls += 1
        if item.get_closest_marker("filterwarnings") is not None:
            hear_telling_warnings()
        with running.watching():
            try:
                return (yield)
            except BaseException as error:
                running.raised(error)
                raise

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Every report as it is finally published, in the worker and in the controller."""
        when = "subtest" if type(report).__name__ == "SubtestReport" else str(report.when)
        phase = [when, str(report.outcome), hasattr(report, "wasxfail")]
        if not self._runs_tests:
            phases = self._seen.setdefault(report.nodeid, [])
            phases.append(phase)
            if when == "teardown":
                self._send({"e": "seen", "id": self._id(report.nodeid), "phases": self._seen.pop(report.nodeid)})
        elif self._current is not None and report.nodeid == self._current.nodeid:
            self._current.phases.append(phase)
            if report.outcome != "passed":
                self._current.texts.append(_report_text(report))
        else:
            self._trouble("a report of another test", f"{report.nodeid} {when} {report.outcome}")

    def pytest_warning_recorded(self, warning_message: Any, nodeid: str) -> None:
        """Warnings behind which a test passes without having looked."""
        category = warning_message.category.__name__
        text = str(warning_message.message)
        if is_telling(category, text) and self._runs_tests:
            self._send(
                {
                    "e": "warning",
                    "category": category,
                    "text": self._text(text),
                    "id": self._id(nodeid),
                }
            )

    def pytest_enter_pdb(self) -> None:
        """A debugger can change what a test sees."""
        self._trouble("a debugger was entered", "what follows is not what the test saw")

    def pytest_internalerror(self, excrepr: object) -> None:
        """Pytest itself, or a plugin, broke."""
        self._trouble("internal error of pytest or a plugin", str(excrepr))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C or ``pytest.exit``."""
        what = "pytest.exit was called" if isinstance(excinfo.value, Exit) else "interrupted"
        self._trouble(what, str(excinfo.value) or "by the keyboard")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker that ended by an error takes its tests with it."""
        if error:
            self._trouble(f"worker {node.gateway.id} was lost", str(error))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None, object, object]:
        """Note pytest's own status; this process's is never 0, for nobody is to believe it."""
        self._status = int(exitstatus)
        try:
            return (yield)
        except BaseException as error:
            self._trouble("a plugin broke the end of the session", f"{type(error).__name__}: {error}")
            raise
        finally:
            session.exitstatus = EXIT_STATUS

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Say how each unfinished report stood and what no item can tell, then the counted good-bye."""
        if self._failed_outside + self._asserted.take()[1]:
            self._trouble("an assertion failed outside of every test", "and what it raised was caught unseen")
        if self._context.is_changed:
            self._trouble("the plan was changed in memory", "checks may have asked something else than it says")
        for nodeid, phases in self._seen.items():
            self._send({"e": "seen", "id": self._id(nodeid), "phases": phases})
        for name, chain in self._context.chains.items():
            if limited := getattr(getattr(chain, "nodes", None), "rate_limited", 0):
                self._send({"e": "limited", "network": name, "count": limited})
        self._outbox.end(self._status)

    def _beginning(self, item: pytest.Item) -> dict[str, Any]:
        for name in _overridden(item):
            self._trouble(f"fixture '{name}' is overridden", "what it gives is not what the gate gives", item.nodeid)
        event: dict[str, Any] = {"e": "begin", "id": self._id(item.nodeid)}
        declared = getattr(item, "declared", None)
        if declared is not None:
            event |= {"title": self._text(declared.title), "kind": declared.kind}
            return event
        doc = inspect.getdoc(getattr(item, "obj", None)) if hasattr(item, "obj") else None
        if doc:
            event["title"] = self._text(doc.partition("\n")[0][:200])
        if item.get_closest_marker("advisory") is not None:
            event["required"] = False
        file, line, _ = item.location
        return event | {"file": file, "line": (line or 0) + 1}

    def _trouble(self, what: str, text: str, item: str = "") -> None:
        self._send({"e": "trouble", "what": self._text(what), "text": self._text(text), "id": self._id(item)})

    def _chain(self, before: Any, what: str) -> Any:
        def hook(about: Any) -> None:
            self.trouble(what, f"{about.exc_type.__name__}: {about.exc_value}")
            before(about)

        return hook

    def _conftests(self) -> set[str]:
        plugins = self._config.pluginmanager.get_plugins()
        files = {getattr(plugin, "__file__", None) or "" for plugin in plugins}
        root = str(self._config.rootpath) + os.sep
        return {f.removeprefix(root).replace(os.sep, "/") for f in files if f.endswith(os.sep + "conftest.py")}

    def _settings(self) -> str:
        path = self._config.inipath
        return "" if path is None else os.path.relpath(path, self._config.rootpath).replace(os.sep, "/")

    def _id(self, item: str) -> str:
        if item.isascii() and "[" not in item and len(item) <= LONGEST_TEXT:
            return item  # most ids: without parameters there is nothing to hide or to spell out
        if len(item) <= LONGEST_TEXT:
            return encodable(kept_id(item, self._redactor))
        if item not in self._cut:
            self._cut[item] = encodable(_short(kept_id(item, self._redactor)))
        return self._cut[item]

    def _text(self, text: str) -> str:
        return encodable(self._redactor.bounded(text, LONGEST_TEXT))


def _overridden(item: pytest.Item) -> list[str]:
    info = getattr(item, "_fixtureinfo", None)
    if info is None:
        return []
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    wrong = []
    for name in TRUSTED_FIXTURES.intersection(info.name2fixturedefs):
        module = getattr(info.name2fixturedefs[name][-1].func, "__module__", "")
        if module != "pytest_rollout.plugin.fixtures" or name in parameters:
            wrong.append(name)
    return wrong + [name for name in TRUSTED_FIXTURES.intersection(parameters) if name not in info.name2fixturedefs]


def _short(item: str) -> str:
    """An id that can be written: told apart from others of the same beginning, and still one with parameters."""
    digest = hashlib.sha256(item.encode("utf-8", "surrogatepass")).hexdigest()
    end = "]" if item.endswith("]") else ""
    return f"{item[:LONGEST_TEXT]}… {len(item) - LONGEST_TEXT:,} characters cut, sha256 {digest[:16]}…{end}"


def _report_text(report: pytest.TestReport) -> str:
    if report.outcome == "skipped":
        return _skip_reason(report.longrepr)
    return report.longreprtext


def _skip_reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr or "")
