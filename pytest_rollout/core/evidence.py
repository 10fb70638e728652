"""Everything one run observed, folded from the events its processes recorded.

An event is a JSON object with ``e`` (what happened), ``p`` (the process that recorded it:
``main``, ``controller``, ``gw0`` …) and ``n`` (its number within that process, from 0).
Folding only collects; it never prefers a later event over an earlier one, so a second report
of an item stands beside the first instead of replacing it. The vocabulary is in
docs/inside.md; ``fold`` refuses what it does not know, for whatever is folded must be judged:
text is text that can be written, numbers are finite.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from pytest_rollout.core.criterion import Measurement
from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.subject import Deployed

Event = Mapping[str, Any]

_FRACTION = re.compile(r"-?[0-9]{1,1000}(/[0-9]{1,1000})?")
_LONGEST_SECONDS = 10**9


@dataclass(frozen=True, slots=True)
class Phase:
    """One report of one item: ``when`` is setup, call, teardown or subtest."""

    when: str
    outcome: str
    xfail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One item having run once in one process.

    ``cause`` is the class name of the exception that left the test function itself (before any
    hook could replace it), ``assertion`` whether it says "looked and saw otherwise" rather than
    "could not look". ``body_ran`` is the proof that a frame of the item's own function ran, None
    where the kind of item admits no such proof; ``calls`` counts how often it was entered.
    ``asserts`` are the assertions that held and that failed, None where the function writes none and none failed.
    """

    process: str
    phases: tuple[Phase, ...]
    cause: str = ""
    assertion: bool = False
    body_ran: bool | None = None
    calls: int = 1
    asserts: tuple[int, int] | None = None
    seconds: float = 0.0
    text: str = ""

    @property
    def was_skipped_or_xfailed(self) -> bool:
        """Whether a phase was reported as skipped: a skip or an expected failure, raised on purpose."""
        return any(phase.outcome == "skipped" for phase in self.phases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What an item says of itself: shown in reports; ``required`` is false for advisory ones."""

    title: str
    kind: str = "tests"
    required: bool = True
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What one process collected: every id pytest made, and those left to run after all hooks.

    ``settings`` is the file from which pytest took its settings, relative to the root, if there is one.
    """

    process: str
    made: tuple[str, ...]
    selected: tuple[str, ...]
    excluded: tuple[str, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    conftests: tuple[str, ...] = ()
    settings: str = ""


@dataclass(slots=True, kw_only=True)
class Process:
    """One recording process: how it introduced itself and whether it said a counted good-bye."""

    name: str
    about: Mapping[str, Any] = field(default_factory=dict)
    events: int = 0
    gaps: int = 0
    ended: bool = False
    exit_status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a declared check saw: ``value`` as the room read it, or ``error`` if it could not look.

    ``judged_at`` is the judge's clock; the recorder, which judges early, has none to hand in.
    """

    item: str
    value: Any = None
    error: str = ""
    source: str = ""
    judged_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """Something a test handed over for its finding; ``content`` is text, or base64 if ``binary``."""

    item: str
    name: str
    media_type: str
    content: str
    binary: bool = False


@dataclass(slots=True, kw_only=True)
class Evidence:
    """The fold of all events of one run.

    ``opened`` are the networks whose block a process asked for, ``rate_limited`` counts by network
    the answers of "too many requests" that the recording processes got. ``deployed`` is, process by process,
    what stood behind the declared contracts of a chain of the run's own.
    """

    processes: dict[str, Process] = field(default_factory=dict)
    collections: list[Collection] = field(default_factory=list)
    described: dict[str, Described] = field(default_factory=dict)
    executions: dict[str, list[Execution]] = field(default_factory=dict)
    begun: dict[str, set[str]] = field(default_factory=dict)
    seen: dict[str, list[Phase]] = field(default_factory=dict)
    measurements: list[Measurement] = field(default_factory=list)
    observations: dict[str, list[Observation]] = field(default_factory=dict)
    attachments: list[Attachment] = field(default_factory=list)
    warnings: list[tuple[str, str, str]] = field(default_factory=list)
    troubles: list[tuple[str, str, str]] = field(default_factory=list)
    opened: set[str] = field(default_factory=set)
    rate_limited: dict[str, int] = field(default_factory=dict)
    deployed: dict[str, dict[str, Deployed]] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[Event]) -> Evidence:
        """Fold events in the order they arrived."""
        evidence = cls()
        for event in events:
            evidence.fold(event)
        return evidence

    def add(self, other: Evidence, suffix: str) -> None:
        """Take in what another run recorded, its processes under names that end in ``suffix``."""
        for name, process in other.processes.items():
            self.processes[f"{name}{suffix}"] = replace(process, name=f"{name}{suffix}")
        self.collections += [replace(each, process=f"{each.process}{suffix}") for each in other.collections]
        self.described |= other.described
        for item, executions in other.executions.items():
            renamed = [replace(each, process=f"{each.process}{suffix}") for each in executions]
            self.executions.setdefault(item, []).extend(renamed)
        self.begun |= {f"{name}{suffix}": set(items) for name, items in other.begun.items()}
        for item, phases in other.seen.items():
            self.seen.setdefault(item, []).extend(phases)
        self.measurements += [replace(each, worker=f"{each.worker}{suffix}") for each in other.measurements]
        for item, observations in other.observations.items():
            self.observations.setdefault(item, []).extend(observations)
        self.attachments += other.attachments
        self.warnings += other.warnings
        self.troubles += other.troubles
        self.opened |= other.opened
        self.deployed |= {f"{name}{suffix}": found for name, found in other.deployed.items()}
        for network, count in other.rate_limited.items():
            self.rate_limited[network] = self.rate_limited.get(network, 0) + count

    def fold(self, event: Event) -> None:
        """Take one event in; raises ``EvidenceError`` on one that is not of the vocabulary."""
        try:
            process = self._process(event)
            _FOLDS[event["e"]](self, process, event)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise EvidenceError(
                f"event {str(event)[:120]}: not an event of this version ({type(error).__name__}: {error})"
            ) from error

    def _process(self, event: Event) -> Process:
        name = _text(event["p"])
        process = self.processes.setdefault(name, Process(name=name))
        if event["n"] != process.events or process.ended:
            process.gaps += 1
        process.events += 1
        return process

    def _hello(self, process: Process, event: Event) -> None:
        if process.about:
            process.gaps += 1
        process.about = {k: _json(v) for k, v in event.items() if k not in {"e", "p", "n"}}

    def _collected(self, process: Process, event: Event) -> None:
        self.collections.append(
            Collection(
                process=process.name,
                made=_texts(event["made"]),
                selected=_texts(event["selected"]),
                excluded=_texts(event["excluded"]),
                errors=_table(event["errors"]),
                skipped=_table(event["skipped"]),
                conftests=_texts(event["conftests"]),
                settings=_text(event.get("settings", "")),
            )
        )

    def _begin(self, process: Process, event: Event) -> None:
        item, begun = _text(event["id"]), self.begun.setdefault(process.name, set())
        process.gaps += item in begun
        begun.add(item)
        self.described[item] = Described(
            title=_text(event.get("title", "")),
            kind=_text(event.get("kind", "tests")),
            required=bool(event.get("required", True)),
            file=_text(event.get("file", "")),
            line=int(event.get("line", 0)),
        )

    def _item(self, process: Process, event: Event) -> None:
        item, begun = _text(event["id"]), self.begun.setdefault(process.name, set())
        process.gaps += item not in begun
        begun.discard(item)
        ran = event.get("ran")
        self.executions.setdefault(item, []).append(
            Execution(
                process=process.name,
                phases=_phases(event["phases"]),
                cause=_text(event.get("cause", "")),
                assertion=event.get("assertion", False) is True,
                body_ran=None if ran is None else ran is True,
                calls=int(event.get("calls", 1)),
                asserts=_asserts(event.get("asserts")),
                seconds=_seconds(event.get("s", 0.0)),
                text=_text(event.get("text", "")),
            )
        )

    def _seen(self, process: Process, event: Event) -> None:
        process.gaps += process.name != "controller"  # nobody else sees what workers report
        self.seen.setdefault(_text(event["id"]), []).extend(_phases(event["phases"]))

    def _measure(self, process: Process, event: Event) -> None:
        value = event.get("value")
        self.measurements.append(
            Measurement(
                metric=_text(event["metric"]),
                item=_text(event["id"]),
                worker=process.name,
                value=None if value is None else _fraction(value),
                good=event.get("good"),
                total=event.get("total"),
            )
        )

    def _observe(self, _process: Process, event: Event) -> None:
        item = _text(event["id"])
        self.observations.setdefault(item, []).append(
            Observation(
                item=item,
                value=_json(event.get("value")),
                error=_text(event.get("error", "")),
                source=_text(event.get("source", "")),
            )
        )

    def _attach(self, _process: Process, event: Event) -> None:
        self.attachments.append(
            Attachment(
                item=_text(event["id"]),
                name=_text(event["name"]),
                media_type=_text(event["type"]),
                content=_text(event["content"]),
                binary=bool(event.get("binary", False)),
            )
        )

    def _warning(self, _process: Process, event: Event) -> None:
        self.warnings.append((_text(event["category"]), _text(event["text"]), _text(event.get("id", ""))))

    def _trouble(self, _process: Process, event: Event) -> None:
        self.troubles.append((_text(event["what"]), _text(event["text"]), _text(event.get("id", ""))))

    def _pin(self, _process: Process, event: Event) -> None:
        self.opened.add(_text(event["network"]))

    def _limited(self, _process: Process, event: Event) -> None:
        network, count = _text(event["network"]), event["count"]
        if type(count) is not int or count < 0:
            raise ValueError(f"{count!r} is no number of answers")
        self.rate_limited[network] = self.rate_limited.get(network, 0) + count

    def _deployed(self, process: Process, event: Event) -> None:
        found = {_text(name): Deployed(**_table(each)) for name, each in event["contracts"].items()}
        self.deployed.setdefault(process.name, {}).update(found)

    def _end(self, process: Process, event: Event) -> None:
        if event["count"] != process.events:
            process.gaps += 1
        process.ended = True
        process.exit_status = int(event["exit"])


_FOLDS = {
    "hello": Evidence._hello,
    "collected": Evidence._collected,
    "begin": Evidence._begin,
    "item": Evidence._item,
    "seen": Evidence._seen,
    "measure": Evidence._measure,
    "observe": Evidence._observe,
    "attach": Evidence._attach,
    "warning": Evidence._warning,
    "trouble": Evidence._trouble,
    "pin": Evidence._pin,
    "limited": Evidence._limited,
    "deployed": Evidence._deployed,
    "end": Evidence._end,
}


_OFTEN_REPEATED = 256
"""Node ids arrive in four events each; shorter texts are kept once."""


def _text(value: object) -> str:
    """Text that UTF-8 can carry; lone surrogates are spelt out."""
    if not isinstance(value, str):
        raise TypeError(f"text was expected, not {type(value).__name__}")
    if not value.isascii():
        return value.encode("utf-8", "backslashreplace").decode()
    return sys.intern(value) if len(value) < _OFTEN_REPEATED else value


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list | tuple):
        raise TypeError(f"a list was expected, not {type(values).__name__}")
    return tuple(map(_text, values))


def _table(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise TypeError(f"a table was expected, not {type(value).__name__}")
    return {_text(key): _text(each) for key, each in value.items()}


def _json(value: Any) -> Any:
    """A JSON value whose texts can all be written."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return {_text(key): _json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    return value


_CLEAN = tuple(Phase(when, "passed") for when in ("setup", "call", "teardown"))
_CLEAN_AS_SENT = [[phase.when, phase.outcome, phase.xfail] for phase in _CLEAN]


def _phases(values: Sequence[Sequence[Any]]) -> tuple[Phase, ...]:
    """What was reported; nearly every item's phases are the same three, which are kept once."""
    if values == _CLEAN_AS_SENT and all(xfail is False for _, _, xfail in values):
        return _CLEAN
    return tuple(
        Phase(_text(when), _text(outcome), *(each is not False for each in xfail)) for when, outcome, *xfail in values
    )


def _asserts(value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    if not isinstance(value, list) or [type(each) for each in value] != [int, int] or min(value) < 0:
        raise ValueError(f"{str(value)[:40]!r} are no two counts")
    return value[0], value[1]


def _fraction(value: object) -> Fraction:
    """What ``str(Fraction)`` wrote; an exponent could ask for more digits than there is memory."""
    if not isinstance(value, str) or _FRACTION.fullmatch(value) is None:
        raise ValueError(f"{str(value)[:40]!r} is no exact number")
    return Fraction(value)


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LONGEST_SECONDS:
        raise ValueError(f"{value!r} is no duration in seconds")
    return float(value)
