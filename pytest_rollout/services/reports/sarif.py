"""SARIF 2.1.0: how many results an analyser reported, by level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_rollout.core.errors import ServiceError
from pytest_rollout.core.results import LEVELS
from pytest_rollout.services.reports.json_value import parse

_EXAMPLES = 20


def read(content: bytes) -> dict[str, Any]:
    """Counts by level; results that were suppressed are counted apart. A run that failed is an error."""
    document = parse(content)
    runs = document.get("runs") if isinstance(document, dict) else None
    if not isinstance(runs, list) or not runs:
        raise ServiceError("holds no run, so nothing was analysed.")
    counts: Counter[str] = Counter()
    examples: list[str] = []
    for level, text in (found for run in runs for found in _results(run)):
        counts[level] += 1
        if level in LEVELS and len(examples) < _EXAMPLES:
            examples.append(text)
    return {f"{level}s": counts[level] for level in LEVELS} | {
        "suppressed": counts["suppressed"],
        "examples": sorted(examples),
    }


def _results(run: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(run, dict) or not isinstance(run.get("results"), list):
        raise ServiceError("has a run without results, so nothing was analysed.")
    for invocation in run.get("invocations") or ():
        if invocation.get("executionSuccessful") is False:
            raise ServiceError("has a run that says it was not successful.")
    rules = _rules(run)
    for result in run["results"]:
        if not isinstance(result, dict):
            raise ServiceError("has a result that is no object.")
        name = str(result.get("ruleId") or _rule(result, rules).get("id") or "a result without a rule")
        if result.get("kind", "fail") in {"pass", "notApplicable", "informational"}:
            continue
        if any(each.get("status", "accepted") == "accepted" for each in result.get("suppressions") or ()):
            yield "suppressed", name
            continue
        level = result.get("level") or _rule(result, rules).get("defaultConfiguration", {}).get("level") or "warning"
        if level not in {*LEVELS, "none"}:
            raise ServiceError(f"has a result of level {str(level)[:40]!r}, which SARIF does not know.")
        yield level, f"{name} ({level})"


def _rules(run: Mapping[str, Any]) -> list[Any]:
    driver = run.get("tool", {}).get("driver", {})
    rules = driver.get("rules") or []
    return rules if isinstance(rules, list) else []


def _rule(result: Mapping[str, Any], rules: list[Any]) -> Mapping[str, Any]:
    """The rule a result names by index or id, or nothing."""
    index = result.get("ruleIndex", result.get("rule", {}).get("index", -1))
    if type(index) is int and 0 <= index < len(rules) and isinstance(rules[index], dict):
        rule: Mapping[str, Any] = rules[index]
        return rule
    return next((each for each in rules if isinstance(each, dict) and each.get("id") == result.get("ruleId")), {})
