"""Asking for many users at less cost answers what asking one by one answers."""

from __future__ import annotations

import pytest

from pytest_rollout.flags.users import synthetic_users

USERS = synthetic_users(40)

FLAGS = {
    "share": {"targeting": {"fractional": [["on", 50], ["off", 50]]}},
    "default-variant": {"targeting": {"if": [False, "on"]}},
    "disabled": {"state": "DISABLED"},
    "nobody-decides": {"defaultVariant": None},
    "another-type": {"variants": {"off": "no"}},
    "a-number": {"variants": {"off": 1}},
    "unknown-operator": {"targeting": {"bucket": []}},
    "raises": {"targeting": {"if": [{"/": [1, 0]}, "on"]}},
    "unknown-variant": {"targeting": {"if": [True, "onn"]}},
}


def both(flags, key, default):
    one_by_one = [flags.ask(key, default, user=user) for user in USERS]
    return one_by_one, list(flags.ask_many(key, default=default, users=USERS))


@pytest.mark.parametrize("default", [True, False])
@pytest.mark.parametrize("key", [*FLAGS, "absent"])
def test_the_answers_are_the_same(write_flags, opened, boolean, key, default):
    write_flags(**{name: boolean(**changes) for name, changes in FLAGS.items()})

    one_by_one, many = both(opened(), key, default)

    assert many == one_by_one


@pytest.mark.parametrize("value", [True, "on", 1])
def test_the_answers_are_the_same_in_memory(opened, value):
    flags = opened(key=value)
    one_by_one, many = both(flags, "key", False)

    assert [answer.value for answer in many if not answer.error] == [
        answer.value for answer in one_by_one if not answer.error
    ]
    assert [bool(answer.error) for answer in many] == [value is not True] * len(USERS)


def test_the_answers_are_the_same_after_closing(opened):
    flags = opened(key=True)
    flags.close()

    one_by_one, many = both(flags, "key", False)

    assert many == one_by_one


def test_an_application_wide_context_counts(write_flags, opened, boolean):
    from openfeature import api
    from openfeature.evaluation_context import EvaluationContext

    rule = {"if": [{"==": [{"var": "region"}, "eu"]}, "on", "off"]}
    write_flags(key=boolean(targeting=rule))
    flags = opened()
    api.set_evaluation_context(EvaluationContext(attributes={"region": "eu"}))
    try:
        one_by_one, many = both(flags, "key", False)
    finally:
        api.set_evaluation_context(EvaluationContext())

    assert many == one_by_one
    assert many[0].value is True


def test_a_hook_that_stands_in_between_is_not_passed_by(write_flags, opened, boolean):
    from openfeature.evaluation_context import EvaluationContext
    from openfeature.hook import Hook

    class Region(Hook):
        def before(self, hook_context, hints):
            return EvaluationContext(attributes={"region": "eu"})

    rule = {"if": [{"==": [{"var": "region"}, "eu"]}, "on", "off"]}
    write_flags(key=boolean(targeting=rule))
    flags = opened()
    flags.client.add_hooks([Region()])

    assert {answer.value for answer in flags.ask_many("key", default=False, users=USERS)} == {True}
