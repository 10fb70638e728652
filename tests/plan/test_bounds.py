"""Bounds: relation, number, unit - exact, and nothing that merely looks like one."""

# ruff: noqa: RUF001 - whole sentences as they are told, and the look-alikes they are about

from fractions import Fraction

import pytest

from pytest_rollout.core.criterion import Relation
from pytest_rollout.core.units import UNITS
from pytest_rollout.plan.bounds import bound
from pytest_rollout.plan.sentence import Unfit

HOW = "write a relation (<, <=, >, >= or ==), a number and a unit, such as "


@pytest.mark.parametrize(
    ("text", "metric", "relation", "limit"),
    [
        ("> 99 %", "ratio", Relation.MORE, Fraction(99, 100)),
        (">99.95%", "ratio", Relation.MORE, Fraction(9995, 10000)),
        ("== 100 %", "ratio", Relation.EQUAL, Fraction(1)),
        ("> 0 %", "ratio", Relation.MORE, Fraction(0)),
        ("< 200 ms", "ms", Relation.LESS, Fraction(1, 5)),
        ("< 0.2 s", "ms", Relation.LESS, Fraction(1, 5)),
        ("<= 3 min", "s", Relation.AT_MOST, Fraction(180)),
        ("< 500k gas", "gas", Relation.LESS, Fraction(500_000)),
        ("<= 1M gas", "gas", Relation.AT_MOST, Fraction(1_000_000)),
        (">= 1,000", "count", Relation.AT_LEAST, Fraction(1000)),
        ("== 0", "count", Relation.EQUAL, Fraction(0)),
        ("<= 0", "count", Relation.AT_MOST, Fraction(0)),
        (">= 0.1 ether", "wei", Relation.AT_LEAST, Fraction(10**17)),
        ("> -5 units", "units", Relation.MORE, Fraction(-5)),
        ("== 340282366920938463463374607431768211455 wei", "wei", Relation.EQUAL, Fraction(2**128 - 1)),
    ],
)
def test_a_bound_converts_exactly_within_its_dimension(
    text: str, metric: str, relation: Relation, limit: Fraction
) -> None:
    result = bound(text, UNITS[metric])

    assert (result.relation, result.limit) == (relation, limit)


REFUSED = {
    ("≥ 99 %", "ratio"): "{given} begins with '≥'; write '>='.",
    ("≤ 99 %", "ratio"): "{given} begins with '≤'; write '<='.",
    ("=< 99 %", "ratio"): "{given} begins with '=<'; write '<='.",
    ("=> 99 %", "ratio"): "{given} begins with '=>'; write '>='.",
    ("= 99 %", "ratio"): "{given} begins with '='; write '=='.",
    ("＞ 99 %", "ratio"): "{given} begins with '＞'; write '>'.",
    ("at least 99 %", "ratio"): "{given} begins with 'at least'; write '>='.",
    ("less than 200 ms", "ms"): "{given} begins with 'less than'; write '<'.",
    ("!= 99 %", "ratio"): "{given} excludes one value, which bounds nothing; " + HOW + "'> 99 %'.",
    ("<> 99 %", "ratio"): "{given} excludes one value, which bounds nothing; " + HOW + "'> 99 %'.",
    ("about 99 %", "ratio"): "{given} is no bound; " + HOW + "'> 99 %'.",
    ("99 %", "ratio"): "{given} says no relation; " + HOW + "'> 99 %'.",
    ("0.99", "ratio"): "{given} says no relation; write '> 99 %'.",
    ("> 0.99", "ratio"): "{given} says no unit, and the metric is measured in ratio; write '> 99 %'.",
    ("< 0.001", "ratio"): "{given} says no unit, and the metric is measured in ratio; write '< 0.1 %'.",
    (
        "> 99",
        "ratio",
    ): "{given} says no unit, and the metric is measured in ratio; write the unit too, such as '> 99 %'.",
    ("> 0.99 ratio", "ratio"): "{given} is in ratio; bounds on a ratio are in per cent, such as '> 99 %'.",
    (
        "< 200",
        "ms",
    ): "{given} says no unit, and the metric is measured in ms; write the unit too, such as '< 200 ms'.",
    (
        "< 200 ms",
        "ratio",
    ): "{given} is in ms, but the metric is measured in ratio; write for example '> 99 %'.",
    ("> 99 %", "count"): "{given} is in %, but the metric is measured in count; write for example '>= 100'.",
    ("< 200 msec", "ms"): "{given} is no bound; " + HOW + "'< 200 ms'. Did you mean 'ms'?",
    ("< 2e2 ms", "ms"): "{given} is no bound; " + HOW + "'< 200 ms'.",
    ("> 100 %", "ratio"): "{given} can never hold, since the metric reaches 100 % at the utmost.",
    ("< 0 %", "ratio"): "{given} can never hold, since the metric reaches 0 % at the utmost.",
    ("< 0", "count"): "{given} can never hold, since the metric reaches 0 at the utmost.",
    (">= 0 %", "ratio"): "{given} always holds, so it bounds nothing; every value of the metric meets it.",
    ("<= 100 %", "ratio"): "{given} always holds, so it bounds nothing; every value of the metric meets it.",
    (">= 0", "count"): "{given} always holds, so it bounds nothing; every value of the metric meets it.",
    ("> 101 %", "ratio"): "{given} is outside what the metric can be, 0 % to 100 %.",
    ("> -1 %", "ratio"): "{given} is outside what the metric can be, 0 % to 100 %.",
    ("> -1 ms", "ms"): "{given} is outside what the metric can be, 0 and more.",
    ("> 90 % and < 99 %", "ratio"): "{given} is no bound; " + HOW + "'> 99 %'.",
    ("90 % < x < 99 %", "ratio"): "{given} says no relation; " + HOW + "'> 99 %'.",
    ("> > 99 %", "ratio"): "{given} has more than one relation; " + HOW + "'> 99 %'.",
    ("< = 99 %", "ratio"): "{given} has more than one relation; " + HOW + "'> 99 %'.",
    (">", "ratio"): "{given} is no bound; " + HOW + "'> 99 %'.",
    ("", "ratio"): "{given} is no bound; " + HOW + "'> 99 %'.",
    ("> nan %", "ratio"): "{given} is no bound; " + HOW + "'> 99 %'.",
    ("> 1,5 %", "ratio"): "{given} is no bound; " + HOW + "'> 99 %'.",
    ("> ٩٩ %", "ratio"): "{given} is no bound; " + HOW + "'> 99 %'.",
    ("> " + "9" * 5000, "count"): "{given} is no bound; " + HOW + "'>= 100'.",
}


@pytest.mark.parametrize(("text", "metric", "sentence"), [(*key, value) for key, value in REFUSED.items()])
def test_what_is_no_bound_is_refused_with_what_to_write(text: str, metric: str, sentence: str) -> None:
    with pytest.raises(Unfit) as caught:
        bound(text, UNITS[metric])

    assert str(caught.value) == sentence
