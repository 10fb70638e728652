"""Two answers to one block: what they agree in, what each raised, in whole sentences (rules 24 and 25)."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_rollout.core.answer import AGREED, Answer, Comparison, Refusal, Relation, compare, refusal_of
from pytest_rollout.core.comparison import Difference


class EnginesError(Exception):
    refusal: Any = "bad_nonce"


class NamelessError(Exception):
    refusal = ""


class NumberedError(Exception):
    refusal = 7


class BrokenError(Exception):
    @property
    def refusal(self) -> str:
        raise KeyError("x")

    def __str__(self) -> str:
        raise TypeError("y")


REFUSALS: dict[str, tuple[BaseException, Refusal]] = {
    "its class": (ValueError("low"), Refusal(reason="ValueError", text="low")),
    "its own word": (EnginesError("low"), Refusal(reason="bad_nonce", text="low")),
    "no word": (NamelessError("low"), Refusal(reason="NamelessError", text="low")),
    "a number for a word": (NumberedError("low"), Refusal(reason="NumberedError", text="low")),
    "one that is itself broken": (BrokenError(), Refusal(reason="BrokenError", text="<its text raised TypeError>")),
    "one of the machine": (FileNotFoundError("gone"), Refusal(reason="OSError", text="gone")),
    "a renamed one of the machine": (PermissionError("no"), Refusal(reason="Denied", text="no")),
    "a renamed one": (LookupError("no"), Refusal(reason="Missing", text="no")),
    "a long one": (ValueError("x" * 3000), Refusal(reason="ValueError", text="x" * 2000)),
}
REASONS = {"LookupError": "Missing", "PermissionError": "Denied"}


@pytest.mark.parametrize(("error", "refusal"), REFUSALS.values(), ids=REFUSALS)
def test_an_exception_is_a_refusal_of_a_class(error, refusal) -> None:
    assert refusal_of(error, REASONS) == refusal


@pytest.mark.parametrize(
    ("answer", "document"),
    [
        (Answer(value={"gas": 1}), {"value": {"gas": 1}}),
        (Answer(refusal=Refusal(reason="Low", text="x" * 3000)), {"raised": "Low", "text": "x" * 2000}),
        (Answer(value=object()), {"raised": "Uncomparable"}),
    ],
    ids=["a value", "a refusal", "what cannot be compared"],
)
def test_an_answer_is_kept_in_canonical_form(answer, document) -> None:
    assert {key: each for key, each in answer.document().items() if key in document} == document
    assert set(answer.document()) == {*document} | ({"text"} if "raised" in document else set())


def value(given: Any) -> Answer:
    return Answer(value=given)


def raised(reason: str, text: str = "why") -> Answer:
    return Answer(refusal=Refusal(reason=reason, text=text))


def told(relation: Relation, text: str, *differences: Difference) -> Comparison:
    return Comparison(relation=relation, differences=differences, text=text)


GAS = Difference(path="gas", reference=1, candidate=2)
REASON = Difference(path="raised", reference="Low", candidate="High")
LONG = "x" * 300
OURS, THEIRS = Relation.REFERENCE_ERROR, Relation.CANDIDATE_ERROR
COMPARED: dict[str, tuple[Answer, Answer, Comparison]] = {
    "the same": (value({"gas": 1}), value({"gas": 1}), AGREED),
    "one field": (value({"gas": 1}), value({"gas": 2}), told(Relation.DIFFERING, "gas: reference 1, candidate 2", GAS)),
    "one reason": (raised("Low", "a"), raised("Low", "b"), Comparison(relation=Relation.AGREED_REFUSAL)),
    "two reasons": (
        raised("Low"), raised("High"),
        told(Relation.DIFFERING, "the reference refuses for Low, the candidate for High", REASON),
    ),
    "one crash twice": (
        raised("KeyError"), raised("KeyError"),
        told(OURS, "the reference raised KeyError: why; the candidate raised KeyError"),
    ),
    "the candidate refuses": (
        value(1), raised("Low", LONG), told(THEIRS, f"the candidate raised Low: {LONG[:200]}; the reference answers"),
    ),
    "the candidate crashes": (
        raised("Low"), raised("KeyError"),
        told(THEIRS, "the candidate raised KeyError: why; the reference refuses for Low"),
    ),
    "the reference refuses": (
        raised("Low", LONG), value(1), told(OURS, f"the reference raised Low: {LONG[:200]}; the candidate answers"),
    ),
    "the reference crashes": (
        raised("KeyError"), raised("Low"), told(OURS, "the reference raised KeyError: why; the candidate raised Low"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("reference", "candidate", "comparison"), COMPARED.values(), ids=COMPARED)
def test_two_answers_stand_to_one_another_in_one_way(reference, candidate, comparison) -> None:
    assert compare(reference, candidate) == comparison


@pytest.mark.parametrize(
    ("reference", "candidate", "relation", "begin"),
    [(object(), 1, OURS, "the reference's answer: "), (1, object(), THEIRS, "the candidate's answer: ")],
)
def test_an_answer_that_cannot_be_compared_is_an_error_of_its_engine(reference, candidate, relation, begin) -> None:
    comparison = compare(value(reference), value(candidate))

    assert comparison.relation is relation
    assert comparison.text.startswith(begin)


def test_what_is_ignored_is_no_difference_and_no_agreement() -> None:
    one, other = {"gas": 1, "time": 1}, {"gas": 2, "time": 2}

    left = {"valid": True}
    assert compare(value(one | left), value(other | left), ["gas", "time"]) == Comparison(relation=Relation.IGNORED)
    assert compare(value(one), value(other), ["time"]).differences == (GAS,)
    assert compare(value(one), value(one | {"time": 2}), ["time"]).relation is Relation.IGNORED


NOTHING_LEFT: dict[str, tuple[Any, Any, list[str]]] = {
    "every field": ({"gas": 1, "time": 1}, {"gas": 2, "time": 1}, ["time", "gas"]),
    "the field that holds all": ({"result": {"gas": 1, "logs": [1]}}, {"result": {"gas": 2, "logs": [1]}}, ["result"]),
    "every field of a field": ({"result": {"gas": 1}}, {"result": {"gas": 2}}, ["result.gas"]),
    "every place of a list": ([{"gas": 1}, {"gas": 1}], [{"gas": 2}, {"gas": 1}], ["[].gas"]),
    "a list's every place, by no name": ([1, 2], [1, 3], [""]),
    "the answer itself": (1, 2, [""]),
}


@pytest.mark.parametrize(("one", "other", "ignore"), NOTHING_LEFT.values(), ids=NOTHING_LEFT)
def test_answers_that_differ_and_are_ignored_whole_do_not_agree(one, other, ignore) -> None:
    """Nothing of them was compared, so a million such blocks are no million comparisons."""
    comparison = compare(value(one), value(other), ignore)

    assert (comparison.relation, [*map(type, comparison.differences)]) == (Relation.DIFFERING, [Difference])
    assert comparison.text == f"nothing is left to compare but what is ignored; {comparison.first}"
    assert compare(value(one), value(one), ignore) == AGREED, "equal in what is ignored is equal all the same"


@pytest.mark.parametrize("left", [0, None, "", [], {}], ids=repr)
def test_one_field_that_both_have_is_left_to_agree_on(left) -> None:
    one, other = {"gas": 1, "left": left}, {"gas": 2, "left": left}

    assert compare(value(one), value(other), ["gas"]).relation is Relation.IGNORED


def test_ignored_differences_are_told_up_to_twenty() -> None:
    one, other = ({f"f{index:02d}": side for index in range(25)} for side in (1, 2))

    assert len(compare(value(one), value(other), list(one)).differences) == 20


def test_the_first_twenty_differences_are_told() -> None:
    one, other = ({f"f{index:02d}": side for index in range(25)} for side in (1, 2))

    comparison = compare(value(one), value(other))

    assert [each.path for each in comparison.differences] == [f"f{index:02d}" for index in range(20)]
    assert comparison.first == comparison.differences[0]
    assert AGREED.first is None
