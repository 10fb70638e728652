"""A candidate on trial: shown copies of blocks and compared, so that nothing it does reaches whoever shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_rollout.consensus.guard import Guard, LateError, StuckError, ask_here, frozen
from pytest_rollout.consensus.remote import EngineSilent
from pytest_rollout.core.answer import Answer, Comparison, Relation, compare, refusal_of

Copies = Callable[[], Any]
Seen = tuple[Answer | None, Comparison | None]
"""What came of showing it a block: its answer if there is one, and how it compares if it does."""

TIMEOUT: Seen = (None, Comparison(relation=Relation.TIMEOUT, text="the candidate did not answer within its limit"))
NOT_SHOWN: Seen = (None, None)


def copies_of(value: Any) -> Copies | None:
    """Makes copies of a value as it is now; None where none can be made."""
    try:
        return frozen(value)
    except TypeError:
        return None


class Trial:
    """One candidate with its ``limit`` in seconds, and the ``ignore`` and ``reasons`` by which it is compared."""

    def __init__(self, candidate: Any, *, limit: float, ignore: Sequence[str], reasons: Mapping[str, str]) -> None:
        self._candidate = candidate
        self._limit = limit
        self._ignore = ignore
        self._reasons = reasons
        self._guard = Guard()

    def show(self, answer: Answer, copies: Copies) -> Seen:
        """Ask it about a copy of the block and compare with the reference's answer, here; raises nothing."""
        try:
            block = copies()
        except BaseException:  # noqa: BLE001 - whatever an object's own copying raises
            return NOT_SHOWN
        theirs, raised = ask_here(self._candidate.verify_block, block, self._reasons, BaseException)
        if isinstance(raised, EngineSilent):
            return TIMEOUT
        try:
            return theirs, compare(answer, theirs, self._ignore)
        except BaseException as error:  # noqa: BLE001 - an answer may have code of its own, which exits
            theirs = Answer(refusal=refusal_of(error, {}), nanoseconds=theirs.nanoseconds)
            return theirs, compare(answer, theirs, self._ignore)

    def show_in_time(self, answer: Answer, copies: Copies) -> Seen:
        """The same within the limit, in a thread that is left behind where it hangs."""
        try:
            found, _ = self._guard.ask(lambda _: self.show(answer, copies), None, self._limit, {})
        except LateError:
            return TIMEOUT
        except StuckError:
            return NOT_SHOWN
        seen: Seen = found.value
        return seen

    def ask(self, block: Any) -> tuple[Answer, BaseException | None]:
        """Its answer alone; raises ``LateError`` past the limit, ``StuckError`` while too many calls hang."""
        theirs, raised = self._guard.ask(self._candidate.verify_block, block, self._limit, self._reasons)
        if isinstance(raised, EngineSilent):
            raise LateError
        return theirs, raised

    def has_told(self, tell: Callable[[], object]) -> bool:
        """Whether something ran to its end within the limit; what it raises stays here."""
        try:
            answer, _ = self._guard.ask(lambda _: tell(), None, self._limit, {})
        except (LateError, StuckError):
            return False
        return answer.refusal is None

    def close(self) -> None:
        """End the threads that wait for calls."""
        self._guard.close()
