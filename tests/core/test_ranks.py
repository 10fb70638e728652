"""Two lots of values differ where a known implementation of the same test says so."""

from __future__ import annotations

import pytest

from pytest_rollout.core.ranks import LEAST, compare

RANGE = [*range(50)]
KNOWN = {
    "no ties": (RANGE, [each + 12.5 for each in range(60)], 1.7408613311181392e-06, 0.5313333333333333),
    "many ties": ([1] * 20 + [2] * 20 + [3] * 10, [1] * 10 + [2] * 20 + [3] * 25, 0.0021645109069315226, 0.32727272727272727),
    "all but one the same": ([5] * 50, [5] * 49 + [6], 0.3270861186553847, 0.02),
    "the second is smaller": ([each + 7 for each in RANGE], RANGE, 0.02504029227827443, -0.2604),
    "no difference": (RANGE, RANGE, 1.0, 0.0),
    "one value": ([5] * 50, [5] * 50, 1.0, 0.0),
}  # fmt: skip


@pytest.mark.parametrize(("first", "second", "p", "delta"), KNOWN.values(), ids=KNOWN)
def test_chance_and_effect_are_those_of_scipy(first: list[float], second: list[float], p: float, delta: float) -> None:
    """``scipy.stats.mannwhitneyu(first, second, method="asymptotic")``, and Cliff's delta by counting pairs."""
    found = compare(first, second)

    assert found.p == pytest.approx(p, rel=1e-12)
    assert found.delta == pytest.approx(delta, rel=1e-12)


def test_one_thing_seen_by_all_of_both_sides_but_for_two_is_judged_by_its_ties() -> None:
    """The smallest variance there is: a single value apart among many."""
    assert compare([1] * 50, [2] * 50).delta == 1.0
    assert compare([1] * 50, [2] * 50).p < 1e-20


@pytest.mark.parametrize(("first", "second"), [(LEAST - 1, LEAST), (LEAST, LEAST - 1), (0, LEAST)])
def test_too_few_values_of_either_side_are_refused(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="^50 values a side are needed$"):
        compare([1] * first, [1] * second)
