"""Prometheus rules: promtool reads them and runs their unit tests; every alert is tested, every metric exposed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_rollout.configuration.exposition import Exposed
from pytest_rollout.configuration.files import Looked, find, read, shown
from pytest_rollout.core.configuration import RulesCheck
from pytest_rollout.core.errors import ConfigurationError
from pytest_rollout.formats.plain_yaml import table

_LIMIT_SECONDS = 120
_SHOWN = 600


def observe(check: RulesCheck) -> tuple[dict[str, Any], str]:
    """Everything that is wrong with the rules; and promtool's version."""
    promtool = _promtool()
    looked, paths = Looked(), find(check.folder, check.files)
    rules = [each for path in paths for each in rules_of(path, check.folder)]
    alerts = {name for name, _ in _named(rules, "alert")}
    looked.looked = len(rules)
    looked.problems += [f"no rule alerts {name}" for name in check.alerts if name not in alerts]
    looked.problems += _said(promtool, "check", "rules", *map(str, paths))
    tested = _tests(check, promtool, paths, looked)
    if check.tests:
        looked.problems += [f"no test sees {name} fire" for name in sorted(alerts - tested)]
    exposed = Exposed(check.targets, looked)
    recorded = [name for name, _ in _named(rules, "record")]
    metrics: set[str] = set()
    for each in rules:
        metrics |= exposed.compare(str(each.get("alert") or each.get("record")), str(each["expr"]), looked, recorded)
    looked.said = f"{len(rules)} rules, {len(alerts)} alerts, {len(tested & alerts)} of them tested"
    looked.said += f"; {len(metrics)} metrics exposed"
    return looked.document(), _version(promtool)


def rules_of(path: Path, folder: Path) -> list[dict[str, Any]]:
    """The rules of a file; one that says something else raises ``ConfigurationError``."""
    name = shown(path, folder)
    groups = table(name, read(path, folder), refusal=ConfigurationError).get("groups")
    if not isinstance(groups, list):
        raise ConfigurationError(f"{name}: has no groups of rules.")
    rules = [each for group in groups if isinstance(group, dict) for each in group.get("rules") or ()]
    for each in rules:
        if not isinstance(each, dict) or "expr" not in each or ("alert" in each) == ("record" in each):
            raise ConfigurationError(f"{name}: a rule is no table with expr, and alert or record.")
    if not rules:
        raise ConfigurationError(f"{name}: holds no rule.")
    return rules


def _named(rules: list[dict[str, Any]], key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from ((str(each[key]), each) for each in rules if key in each)


def _tests(check: RulesCheck, promtool: str, rules: list[Path], looked: Looked) -> set[str]:
    """Run the unit tests; the alerts that one of them sees firing."""
    fired: set[str] = set()
    paths = find(check.folder, check.tests)
    for path in paths:
        name = shown(path, check.folder)
        document = table(name, read(path, check.folder), refusal=ConfigurationError)
        mentioned = [(path.parent / str(each)).resolve() for each in document.get("rule_files") or ()]
        if not set(mentioned) & {each.resolve() for each in rules}:
            looked.problems.append(f"{name}: tests none of the rules: its rule_files are others")
            continue
        if not all(each in {rule.resolve() for rule in rules} for each in mentioned):
            looked.problems.append(f"{name}: its rule_files are not all among the rules")
            continue
        cases = [
            case
            for test in document.get("tests") or ()
            if isinstance(test, dict)
            for case in test.get("alert_rule_test") or ()
            if isinstance(case, dict)
        ]
        if not cases:
            looked.problems.append(f"{name}: holds no test of an alert")
        fired |= {str(case.get("alertname")) for case in cases if case.get("exp_alerts")}
    if paths:
        looked.problems += _said(promtool, "test", "rules", *map(str, paths))
    return fired


def _said(promtool: str, *arguments: str) -> list[str]:
    """Nothing, or what promtool complains of."""
    done = _run([promtool, *arguments])
    if done.returncode == 0:
        return []
    lines = (each.strip() for each in (done.stdout + done.stderr).splitlines())
    told = "; ".join(each for each in lines if each and not each.startswith(("Unit Testing", "Checking", "FAILED:")))
    return [f"promtool {arguments[0]} rules: {told[:_SHOWN] or f'ended with {done.returncode}'}"]


def _promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        raise ConfigurationError("promtool is not installed; it comes with Prometheus, Debian's package 'prometheus'.")
    return found


def _version(promtool: str) -> str:
    first, *_ = _run([promtool, "--version"]).stdout.splitlines() or ["promtool"]
    return first.partition(" (")[0].replace(", version", "")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_LIMIT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ConfigurationError(f"promtool: not done within {_LIMIT_SECONDS} s; test less in one file.") from None
    except OSError as error:
        raise ConfigurationError(f"promtool: cannot be run: {error.strerror}.") from None
