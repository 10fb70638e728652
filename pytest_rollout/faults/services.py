"""Faults of what a runbook runs and asks: services, Alertmanager, commands and their reports."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from pytest_rollout.core.command import Command
from pytest_rollout.core.configuration import AlertCheck
from pytest_rollout.core.endpoint import Endpoint, Service
from pytest_rollout.core.faults import Fault, Tried
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.results import Format, Result
from pytest_rollout.core.rollout import Rollout
from pytest_rollout.faults.place import Place, Scene, Staged, Target
from pytest_rollout.faults.standin import NOWHERE, Said, StandIn

_SLOW_SECONDS = 1.0
_FEW = 5
"""Requests of a load that is slow on purpose."""

_HOUR = 3600
_SHELL = "/bin/sh"


def service(fault: Fault) -> Scene:
    """Every service that an endpoint is of is gone, breaks or dawdles."""

    @contextmanager
    def scene(place: Place) -> Iterator[Staged | None]:
        checks: tuple[Endpoint, ...] = place.checks(Kind.ENDPOINT)
        if not checks:
            yield None
            return
        with ExitStack() as stack:
            altered = [_elsewhere(check, _url(fault, check, stack)) for check in checks]
            targets = tuple(place.target(Kind.ENDPOINT, check.name) for check in checks)
            yield Staged(rollout=_served(place, altered), targets=targets)

    return scene


def _url(fault: Fault, check: Endpoint, stack: ExitStack) -> str:
    if fault is Fault.SERVICE_GONE:
        return NOWHERE
    is_slow = fault is Fault.SERVICE_SLOW
    stand_in = StandIn(
        check.service.url,
        alters=_as_it_is if is_slow else None,
        seconds=_slow_seconds(check) if is_slow else 0.0,
        ca=check.service.ca,
    )
    return stack.enter_context(stand_in).url


def _elsewhere(check: Endpoint, url: str) -> Endpoint:
    """At a stand-in, which has no certificate: that none is there must not pass for what the fault does."""
    load = None if check.load is None else replace(check.load, requests=min(check.load.requests, _FEW))
    return replace(check, service=replace(check.service, url=url), load=load, certificate=None)


def _served(place: Place, altered: Sequence[Endpoint]) -> Rollout:
    """The rollout whose services, which its tests ask too, are where its endpoints are."""
    services: dict[str, Service] = dict(place.rollout.services)
    services |= {each.service.name: each.service for each in altered if each.service.name in services}
    return replace(place.with_stage(checks=tuple(altered)), services=services)


def _as_it_is(_asked: bytes, said: Said) -> Said:
    return said


def _slow_seconds(check: Endpoint) -> float:
    """Twice the 95th percentile that is declared, a second where none is."""
    return _SLOW_SECONDS if check.load is None else 2 * float(check.load.p95.limit)


@contextmanager
def alerts(place: Place) -> Iterator[Staged | None]:
    """Alertmanager takes every alert and tells nobody."""
    checks: tuple[AlertCheck, ...] = place.checks(Kind.ALERT)
    if not checks:
        yield None
        return
    with ExitStack() as stack:
        silent = tuple(
            replace(
                check,
                alertmanager=replace(
                    check.alertmanager, url=stack.enter_context(StandIn(check.alertmanager.url, status=200)).url
                ),
            )
            for check in checks
        )
        yield Staged(
            rollout=place.with_stage(checks=silent, contracts=(), flags=()),
            targets=tuple(place.target(Kind.ALERT, each.name) for each in checks),
            runs_tests=False,
        )


def command(fault: Fault) -> Scene:
    """No command is run; what takes its place fails, lies, or leaves a report that is none."""

    @contextmanager
    def scene(place: Place) -> Iterator[Staged | None]:
        checks: tuple[Command, ...] = place.checks(Kind.COMMAND)
        if fault in {Fault.RESULT_OLD, Fault.RESULT_EMPTY}:
            checks = tuple(each for each in checks if each.results)
        if not checks:
            yield None
            return
        altered: list[Command] = []
        far: list[Tried] = []
        targets: list[Target] = []
        for number, check in enumerate(checks):
            other = ACTS[fault](check, place.private(f"{fault.value}-{number}"))
            if other is None:
                why = "its reports are what it prints, which cannot be an earlier run's"
                far.append(place.far(fault, Kind.COMMAND, check.name, why))
                continue
            altered.append(other)
            targets.append(place.target(Kind.COMMAND, check.name))
        yield Staged(
            rollout=place.with_stage(checks=tuple(altered), contracts=(), flags=()),
            targets=tuple(targets),
            out_of_reach=tuple(far),
            runs_tests=False,
        )

    return scene


def _acting(command: Command, script: str) -> Command:
    return replace(command, run=(_SHELL, "-c", script), shell=False)


def _failing(command: Command, _folder: Path) -> Command:
    return _acting(command, f"exit {next(each for each in range(97, 200) if each not in command.statuses)}")


def _lying(command: Command, _folder: Path) -> Command:
    return _acting(command, f"echo FAILED; echo ERROR; echo MISSING; exit {command.statuses[0]}")


def _leaving(command: Command, folder: Path) -> Command | None:
    """The reports it would write were written an hour ago."""
    if not all(each.file for each in command.results):
        return None
    results = []
    for number, result in enumerate(command.results):
        path = folder / f"{number}-{Path(result.file).name}"
        path.write_text(_GOOD[result.format])
        os.utime(path, (time.time() - _HOUR,) * 2)
        results.append(replace(result, file=str(path)))
    return _reporting(command, "", results)


def _emptying(command: Command, folder: Path) -> Command:
    """It writes its reports, and there is nothing in them."""
    files = {each.file: folder / f"{number}-report" for number, each in enumerate(command.results) if each.file}
    results = [replace(each, file=str(files[each.file])) if each.file else each for each in command.results]
    script = "".join(f": > {shlex.quote(str(path))}; " for path in files.values())
    return _reporting(command, script, results)


def _reporting(command: Command, script: str, results: Sequence[Result]) -> Command:
    """It ends well; what it must print is another fault's, for nobody can tell from a pattern what it finds."""
    acting = _acting(command, f"{script}exit {command.statuses[0]}")
    return replace(acting, results=tuple(results), must_print=())


_GOOD: Mapping[Format, str] = {
    Format.JUNIT: '<testsuite tests="1" failures="0"><testcase classname="a" name="b"/></testsuite>',
    Format.TAP: "1..1\nok 1 - a\n",
    Format.JSON: "{}",
    Format.SARIF: '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "a"}}, "results": []}]}',
    Format.COVERAGE: '<coverage lines-valid="1" lines-covered="1" line-rate="1"/>',
}
ACTS = {
    Fault.COMMAND: _failing,
    Fault.COMMAND_LIES: _lying,
    Fault.RESULT_OLD: _leaving,
    Fault.RESULT_EMPTY: _emptying,
}
"""What takes a command's place; None where it cannot be."""
