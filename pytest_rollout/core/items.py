"""How one executed item came out: only a clean, single, proven run is a pass (rule 30)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_rollout.core.evidence import Execution, Phase
from pytest_rollout.core.outcome import Outcome

_CLEAN = ("setup", "call", "teardown")


@dataclass(frozen=True, slots=True)
class Came:
    """An item's outcome and the sentence that explains it."""

    outcome: Outcome
    why: str = ""
    text: str = ""


def came_out(
    executions: Sequence[Execution], seen: Sequence[Phase], *, unfinished: bool, has_function: bool = False
) -> Came:
    """The worst of everything that was recorded of one item, in workers and controller.

    ``has_function`` says that the gate's files write this test as a function: then the proof that
    it ran is owed, and no other kind of item can stand in for it.
    """
    verdicts = [_one(execution, has_function=has_function) for execution in executions]
    if unfinished:
        verdicts.append(Came(Outcome.ERROR, "the process ended while this test ran"))
    if not verdicts:
        return Came(Outcome.NOT_RUN, "it was collected or is owed, and never ran")
    if len(executions) > 1:
        places = ", ".join(execution.process for execution in executions)
        verdicts.append(Came(Outcome.INCONCLUSIVE, f"it ran {len(executions)} times ({places}); once is owed"))
    if executions and verdicts[0].outcome is Outcome.PASS and (differing := _disagreement(executions, seen)):
        verdicts.append(Came(Outcome.ERROR, differing))
    return min(verdicts, key=lambda came: came.outcome.gravity)


def _one(execution: Execution, *, has_function: bool) -> Came:  # noqa: PLR0911 - one line a way in which a run is not clean
    failed = [phase for phase in execution.phases if phase.outcome == "failed"]
    text = execution.text
    if failed:
        return Came(*_failure(execution, failed), text)
    if execution.cause and not execution.was_skipped_or_xfailed:
        return Came(
            Outcome.FAIL if execution.assertion else Outcome.ERROR,
            f"the test raised {execution.cause}, but its report says otherwise",
            text,
        )
    if any(phase.xfail and phase.outcome == "skipped" for phase in execution.phases):
        return Came(Outcome.FAIL, "marked as an expected failure (xfail), which is no pass", text)
    if any(phase.xfail for phase in execution.phases):
        return Came(Outcome.INCONCLUSIVE, "marked as an expected failure, but it passed (xpass)", text)
    if skipped := [phase.when for phase in execution.phases if phase.outcome == "skipped"]:
        return Came(Outcome.NOT_RUN, f"skipped in {', '.join(skipped)}", text)
    if not _is_clean(execution.phases):
        return Came(Outcome.INCONCLUSIVE, f"no clean setup, call and teardown, but {_shown(execution.phases)}", text)
    if any(phase.outcome != "passed" for phase in execution.phases):
        return Came(Outcome.INCONCLUSIVE, f"not every subtest passed: {_shown(execution.phases)}", text)
    if execution.body_ran is False or (has_function and execution.body_ran is None):
        return Came(Outcome.NOT_RUN, "no frame of the test's own function ran", text)
    if execution.calls != 1:
        return Came(Outcome.INCONCLUSIVE, f"the test was entered {execution.calls} times; once is owed", text)
    return _asserted(execution)


def _asserted(execution: Execution) -> Came:
    """A pass whose assertions say otherwise, or were never asked, is none."""
    held, failed = execution.asserts or (1, 0)
    if failed:
        why = "one of its assertions failed, and what it raised was caught before anybody saw"
        return Came(Outcome.FAIL, why, execution.text)
    if not held:
        return Came(Outcome.INCONCLUSIVE, "none of its assertions was reached: it looked at nothing", execution.text)
    return Came(Outcome.PASS)


def _failure(execution: Execution, failed: Sequence[Phase]) -> tuple[Outcome, str]:
    whens = [phase.when for phase in failed]
    if execution.calls > 1:
        return Outcome.FAIL, f"failed in {', '.join(whens)}, entered {execution.calls} times"
    if execution.assertion or "subtest" in whens:
        return Outcome.FAIL, f"failed in {', '.join(whens)}"
    if "call" in whens and not execution.cause:
        return _without_cause(execution)
    cause = f" ({execution.cause})" if execution.cause else ""
    return Outcome.ERROR, f"could not look: {', '.join(whens)} failed{cause}"


def _without_cause(execution: Execution) -> tuple[Outcome, str]:
    """A failed call that raised nothing through it: a strict xpass, a unittest failure, or a hook's word."""
    if execution.text.startswith("[XPASS(strict)]"):
        return Outcome.INCONCLUSIVE, "marked as an expected failure, but it passed (strict xpass)"
    return Outcome.FAIL, "failed in call"


def _disagreement(executions: Sequence[Execution], seen: Sequence[Phase]) -> str:
    if not any(execution.process.startswith("gw") for execution in executions):
        return ""
    if not seen:
        return "the controller never received this test's report"
    wrong = [phase for phase in seen if phase.outcome != "passed" or phase.xfail]
    if wrong or not _is_clean(seen):
        return f"the worker says passed, the controller says {_shown(wrong or seen)}"
    return ""


def _is_clean(phases: Sequence[Phase]) -> bool:
    """Whether, subtests aside, there is one passed setup, call and teardown each, in this order."""
    outcomes = [(phase.when, phase.outcome) for phase in phases if phase.when != "subtest"]
    return outcomes == [(when, "passed") for when in _CLEAN]


def _shown(phases: Sequence[Phase]) -> str:
    return ", ".join(f"{phase.when} {phase.outcome}" for phase in phases) or "nothing"
