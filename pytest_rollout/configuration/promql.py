"""Which series a PromQL query asks for, by Prometheus's own grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import promql_parser

LONGEST = 20_000
DEEPEST = 64
"""How deep brackets may nest: the parser ends the whole process on thousands."""

_STRINGS = re.compile(r"""(?x) "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | `[^`]*` | \#[^\n]*""")
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
_BELOW = ("lhs", "rhs", "param", "expr", "vector_selector")

MADE = frozenset(
    {"up", "ALERTS", "ALERTS_FOR_STATE", "scrape_duration_seconds", "scrape_samples_scraped"}
    | {"scrape_samples_post_metric_relabeling", "scrape_series_added", "scrape_timeout_seconds"}
    | {"scrape_sample_limit", "scrape_body_size_bytes"}
)
"""Series that Prometheus itself makes of every target and rule."""


class BadQueryError(Exception):
    """The query is no PromQL; its text says why."""


class Asked:
    """One series or more that a query asks for: of one name, or of names that match a pattern."""

    __slots__ = ("matches", "name")

    def __init__(self, name: str, matches: re.Pattern[str] | None = None) -> None:
        self.name = name
        self.matches = matches

    def is_among(self, names: frozenset[str] | set[str]) -> bool:
        """Whether any of the names is meant."""
        if self.matches is None:
            return self.name in names
        return any(self.matches.fullmatch(each) for each in names)


def asked(query: str) -> list[Asked]:
    """What the query asks for, in its order; raises ``BadQueryError``."""
    if not query.strip():
        raise BadQueryError("is empty")
    if len(query) > LONGEST:
        raise BadQueryError(f"has more than {LONGEST} characters")
    if _depth(query) > DEEPEST:
        raise BadQueryError(f"nests more than {DEEPEST} brackets")
    try:
        expression = promql_parser.parse(query)
    except ValueError as error:
        raise BadQueryError(" ".join(str(error).split())[:200]) from None
    return list(_walk(expression))


def _depth(query: str) -> int:
    """How deep brackets and signs nest outside of texts."""
    deepest = depth = run = 0
    for letter in _STRINGS.sub("", query):
        run = run + 1 if letter in "+-" else run if letter.isspace() else 0
        depth += (letter in _OPEN) - (letter in _CLOSE)
        deepest = max(deepest, depth + run)
    return deepest


def _walk(node: Any) -> Iterator[Asked]:
    if isinstance(node, promql_parser.VectorSelector):
        yield _selected(node)
        return
    for each in _BELOW:
        below = getattr(node, each, None)
        if below is not None:
            yield from _walk(below)
    for each in getattr(node, "args", None) or ():
        yield from _walk(each)


def _selected(selector: Any) -> Asked:
    if selector.name:
        return Asked(selector.name)
    for each in selector.matchers.matchers:
        if each.name == "__name__" and each.op == promql_parser.MatchOp.Equal:
            return Asked(each.value)
        if each.name == "__name__" and each.op == promql_parser.MatchOp.Re:
            try:
                return Asked(f"~{each.value}", re.compile(each.value))
            except re.error:
                raise BadQueryError(f"has a pattern that cannot be read: {each.value[:80]}") from None
    raise BadQueryError("selects series of any name; name the metric")
