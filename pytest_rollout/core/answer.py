"""What an engine said about one block, and how two of them compare (rules 24 and 25)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pytest_rollout.core.comparison import Difference, Uncomparable, differences, is_below, places, read, same

CRASHES = frozenset(
    {
        *("TypeError", "AttributeError", "NameError", "UnboundLocalError", "ImportError", "ModuleNotFoundError"),
        *("MemoryError", "RecursionError", "NotImplementedError", "SystemError", "OSError", "SystemExit"),
        *("KeyError", "IndexError", "ZeroDivisionError", "KeyboardInterrupt", "Uncomparable", "EngineDied"),
    }
)
"""Classes that tell of a broken engine, never of a refused block: two of them are no agreement."""

_LONGEST_TEXT = 2000
_MOST_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An engine raised: ``reason`` is the class of its reason, ``text`` what it said."""

    reason: str
    text: str = ""

    @property
    def is_crash(self) -> bool:
        """Whether the engine broke, rather than refused the block."""
        return self.reason in CRASHES


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one engine said: a value as it returned it, or a refusal. ``nanoseconds`` is how long it took."""

    value: Any = None
    refusal: Refusal | None = None
    nanoseconds: int = 0

    def document(self) -> dict[str, Any]:
        """The answer as it is kept, in canonical form."""
        if self.refusal is not None:
            return {"raised": self.refusal.reason, "text": self.refusal.text[:_LONGEST_TEXT]}
        try:
            return {"value": read(self.value)}
        except Uncomparable as error:
            return {"raised": "Uncomparable", "text": str(error)}


def refusal_of(error: BaseException, reasons: Mapping[str, str]) -> Refusal:
    """The class of an engine's reason: its own word ``refusal``, else the exception's class, as ``reasons`` renames it.

    Two engines seldom name their exceptions alike; ``reasons`` maps the name of one to that of the other.
    """
    try:
        own = getattr(error, "refusal", None)
    except Exception:  # noqa: BLE001 - an engine's exception may itself be broken
        own = None
    word = own if isinstance(own, str) and own else type(error).__name__
    if isinstance(error, OSError) and word not in reasons:
        word = "OSError"
    try:
        text = str(error)
    except Exception as broken:  # noqa: BLE001 - as above
        text = f"<its text raised {type(broken).__name__}>"
    return Refusal(reason=reasons.get(word, word), text=text[:_LONGEST_TEXT])


class Relation(StrEnum):
    """How the two answers to one block stand to one another; exactly one holds."""

    AGREED = "agreed"
    AGREED_REFUSAL = "agreed_refusal"
    DIFFERING = "differing"
    CANDIDATE_ERROR = "candidate_error"
    REFERENCE_ERROR = "reference_error"
    IGNORED = "ignored"
    TIMEOUT = "timeout"

    @property
    def is_comparison(self) -> bool:
        """Whether two answers were there to be compared; a timeout leaves one only."""
        return self is not Relation.TIMEOUT

    @property
    def is_divergence(self) -> bool:
        """Whether the two did not say the same; a candidate that raises has diverged (rule 24)."""
        return self in {Relation.DIFFERING, Relation.CANDIDATE_ERROR, Relation.REFERENCE_ERROR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The relation of two answers, and the fields in which they differ (the first twenty)."""

    relation: Relation
    differences: tuple[Difference, ...] = ()
    text: str = ""

    @property
    def first(self) -> Difference | None:
        """The first differing field, None where they agree or one of them raised."""
        return self.differences[0] if self.differences else None


AGREED = Comparison(relation=Relation.AGREED)


def compare(reference: Answer, candidate: Answer, ignore: Sequence[str] = ()) -> Comparison:
    """How two answers to one block stand to one another."""
    ours, theirs = reference.refusal, candidate.refusal
    if ours is not None or theirs is not None:
        return _refusals(ours, theirs)
    if same(reference.value, candidate.value):
        return AGREED
    try:
        expected = read(reference.value)
    except Uncomparable as error:
        return Comparison(relation=Relation.REFERENCE_ERROR, text=f"the reference's answer: {error}")
    try:
        given = read(candidate.value)
    except Uncomparable as error:
        return Comparison(relation=Relation.CANDIDATE_ERROR, text=f"the candidate's answer: {error}")
    return _values(expected, given, ignore)


def _values(expected: Any, given: Any, ignore: Sequence[str]) -> Comparison:
    def is_ignored(path: str) -> bool:
        return any(is_below(path, each) for each in ignore)

    found: list[Difference] = []
    ignored: list[Difference] = []
    for difference in differences(expected, given):
        if is_ignored(difference.path):
            if len(ignored) < _MOST_SHOWN:
                ignored.append(difference)
            continue
        found.append(difference)
        if len(found) == _MOST_SHOWN:
            break
    if found:
        return Comparison(relation=Relation.DIFFERING, differences=tuple(found), text=str(found[0]))
    if ignored and all(map(is_ignored, places(expected))):
        text = f"nothing is left to compare but what is ignored; {ignored[0]}"
        return Comparison(relation=Relation.DIFFERING, differences=tuple(ignored), text=text)
    return Comparison(relation=Relation.IGNORED) if ignored else AGREED


def _refusals(ours: Refusal | None, theirs: Refusal | None) -> Comparison:
    """Both refuse for the same class of reason, or one of them erred; crashes agree with nothing."""
    if ours is not None and theirs is not None and not ours.is_crash and not theirs.is_crash:
        if ours.reason == theirs.reason:
            return Comparison(relation=Relation.AGREED_REFUSAL)
        text = f"the reference refuses for {ours.reason}, the candidate for {theirs.reason}"
        difference = Difference(path="raised", reference=ours.reason, candidate=theirs.reason)
        return Comparison(relation=Relation.DIFFERING, differences=(difference,), text=text)
    if theirs is not None and (ours is None or not ours.is_crash):
        what = "answers" if ours is None else f"refuses for {ours.reason}"
        text = f"the candidate raised {theirs.reason}: {theirs.text[:200]}; the reference {what}"
        return Comparison(relation=Relation.CANDIDATE_ERROR, text=text)
    assert ours is not None  # noqa: S101 - one of them raised
    what = "answers" if theirs is None else f"raised {theirs.reason}"
    text = f"the reference raised {ours.reason}: {ours.text[:200]}; the candidate {what}"
    return Comparison(relation=Relation.REFERENCE_ERROR, text=text)
