"""Selectors and ranges found in queries."""

from __future__ import annotations

import pytest

from pytest_rollout.metrics.promql import is_selector, longest_range_seconds, selectors, without_comments


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("up", ["up"]),
        ('up{job="api"}', ['up{job="api"}']),
        ('{__name__="up"}', ['{__name__="up"}']),
        ('sum(increase(tx_total{status="1"}[5m]))', ['tx_total{status="1"}']),
        ("sum by (instance, job) (a) / on (instance) group_left (job) b", ["a", "b"]),
        ("sum(a) by (x) or vector(0)", ["a"]),
        ("a offset 1h > bool 2", ["a"]),
        ("histogram_quantile(0.95, sum by (le) (rate(http_seconds_bucket[5m])))", ["http_seconds_bucket"]),
        ('a{b="} or c"}', ['a{b="} or c"}']),
        ("a{b='x\\'}'} + a{b='x\\'}'}", ["a{b='x\\'}'}"]),
        ("max_over_time(rate(a:b[1m])[1h:5m])", ["a:b"]),
        ("sum", ["sum"]),
        ("1 + 2", []),
        ("time()", []),
        ('label_replace(a, "x", "$1", "y", "(.*)")', ["a"]),
        ("a # or b\n+ c", ["a", "c"]),
        ("", []),
        ("a and b unless c", ["a", "b", "c"]),
        ("0x1f + 1e3 * a", ["a"]),
        ("NaN + Inf + a", ["a"]),
    ],
)
def test_selectors(query: str, found: list[str]) -> None:
    assert list(selectors(query)) == found


@pytest.mark.parametrize(
    ("query", "is_one"),
    [
        ("up", True),
        (' up{a="b"} # all', True),
        ("up[5m]", False),
        ("-up", False),
        ("up offset 5m", False),
        ("1", False),
    ],
)
def test_a_plain_selector(query: str, is_one: bool) -> None:
    assert is_selector(query) is is_one


@pytest.mark.parametrize(
    ("query", "seconds"), [("a", 0), ("rate(a[5m])", 300), ("a[1h30m] / b[90s]", 5400), ("x[1m][1d:5m]", 86400)]
)
def test_the_longest_range(query: str, seconds: float) -> None:
    assert longest_range_seconds(query) == seconds


def test_a_query_on_one_line() -> None:
    assert without_comments('sum(a) # all\n  / sum("#b")') == 'sum(a)   / sum("#b")'
