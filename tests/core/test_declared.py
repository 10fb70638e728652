"""What a plan declares is opened by name and as an attribute; a wrong name is told with the nearest."""

from __future__ import annotations

import pytest

from pytest_rollout.core.declared import Declared
from pytest_rollout.core.errors import PlanError


class Stores(Declared[int, str]):
    what = "store"
    error = PlanError


STORES = Stores({"before": 1, "after": 2}, lambda number: f"opened {number}")


def test_each_is_opened_when_it_is_asked_for() -> None:
    made = Stores({"one": 1}, str)

    assert (made["one"], dict(made)) == ("1", {"one": "1"})
    assert STORES["before"] == "opened 1"
    assert STORES.after == "opened 2"
    assert [*STORES] == ["before", "after"]
    assert len(STORES) == 2
    assert dict(STORES) == {"before": "opened 1", "after": "opened 2"}


def test_a_name_that_is_not_declared_is_told_with_the_nearest() -> None:
    for ask in (lambda: STORES["befor"], lambda: STORES.befor):
        with pytest.raises(PlanError) as refused:
            ask()
        assert str(refused.value) == "no store 'befor'; the plan has before, after. Did you mean 'before'?"


def test_a_private_name_is_an_attribute_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="^_befor$"):
        _ = STORES._befor
