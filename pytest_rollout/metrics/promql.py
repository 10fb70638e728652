"""What of a PromQL query has to be known before it is asked: which series it selects, over which ranges.

This is no parser: it finds the selectors and ranges among the tokens, and leaves judging the
query to the server that is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

_TOKEN = re.compile(
    r"""(?P<skip>\s+|\#[^\n]*)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
    |(?P<range>\[[^\]]*\])
    |(?P<number>[0-9][0-9A-Za-z_.]*)
    |(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_LISTS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORDS = frozenset({"and", "or", "unless", "bool", "offset", "inf", "nan", "atan2"})
_AGGREGATIONS = frozenset(
    {"sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values", "bottomk", "topk", "quantile"}
    | {"limitk", "limit_ratio"}
)
_DURATION = re.compile(r"(?P<count>[0-9]+(?:\.[0-9]+)?)(?P<unit>ms|[smhdwy])")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}

Token = tuple[str, str]


def selectors(query: str) -> tuple[str, ...]:
    """The instant selectors of a query without ranges and offsets, each once: ``up{job="api"}``."""
    return tuple(dict.fromkeys(_selectors(_tokens(query))))


def is_selector(query: str) -> bool:
    """Whether the query is one selector and nothing else, so that its raw samples can be asked for."""
    whole = "".join(text for _, text in _tokens(query))
    return selectors(query) == (whole,)


def longest_range_seconds(query: str) -> float:
    """The longest range the query looks back over, 0 without any."""
    ranges = [text[1:-1].partition(":")[0] for kind, text in _tokens(query) if kind == "range"]
    return max(map(_seconds, ranges), default=0.0)


def without_comments(query: str) -> str:
    """The query on one line, for a finding."""
    parts = [m[0] if m.lastgroup != "skip" else " " for m in _TOKEN.finditer(query)]
    return "".join(parts).strip()


def _seconds(text: str) -> float:
    return sum(float(m["count"]) * _SECONDS[m["unit"]] for m in _DURATION.finditer(text))


def _tokens(query: str) -> list[Token]:
    return [(m.lastgroup or "", m[0]) for m in _TOKEN.finditer(query) if m.lastgroup != "skip"]


def _selectors(tokens: list[Token]) -> Iterator[str]:
    inside_list, position = False, 0
    followed = [*pairwise([*tokens, ("", "")])]
    while position < len(followed):
        (kind, text), (_, following) = followed[position]
        position += 1
        if inside_list:
            inside_list = text != ")"
        elif kind == "name" and text.casefold() in _LISTS and following == "(":
            inside_list = True
        elif text == "{" or (kind == "name" and _is_metric(text, following)):
            braces, position = (text, position) if text != "{" else ("", position - 1)
            if position < len(tokens) and tokens[position][1] == "{":
                end = position
                while end < len(tokens) and tokens[end][1] != "}":
                    end += 1
                braces += "".join(each for _, each in tokens[position : end + 1])
                position = end + 1
            yield braces


def _is_metric(name: str, following: str) -> bool:
    folded = name.casefold()
    if folded in _WORDS or folded in _LISTS or following == "(":
        return False
    return not (folded in _AGGREGATIONS and following.casefold() in _LISTS)
