"""How a judgement is put into words, the same in every report. Foreign text is not inert yet."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_rollout.core.finding import Finding
from pytest_rollout.core.judgement import Judgement
from pytest_rollout.core.moves import BY_OVERRIDE
from pytest_rollout.core.outcome import Kind, Outcome, Verdict

OUTCOMES = {outcome: outcome.value.replace("_", " ") for outcome in Outcome}
"""Outcomes as people read them: ``not run``."""

BLOCK = "block"
"""The fact that carries the number of the block everything was read at."""


def gate(judgement: Judgement) -> str:
    """The gate as commands take it: ``takumi:alpha``."""
    return f"{judgement.run.rollout}:{judgement.run.stage}"


def next_command(judgement: Judgement) -> str:
    """What to type next: the move the verdict advises, or where to look for what is owed."""
    if judgement.verdict is Verdict.ROLLBACK:
        return f"rollout rollback {gate(judgement)}"
    if judgement.verdict is Verdict.PROMOTE and not judgement.run.rehearsal:
        return f"rollout promote {gate(judgement)}"
    return f"rollout status {judgement.run.rollout}"


def circumstances(judgement: Judgement) -> str:
    """What a reader must know beside the verdict: ``rehearsal on devnet, attempt 3``, or nothing."""
    run = judgement.run
    rehearsal = f"rehearsal on {run.network}" if run.rehearsal else ""
    attempt = f"attempt {run.attempt}" if run.attempt > 1 else ""
    return ", ".join(filter(None, (rehearsal, attempt)))


def overridden(judgement: Judgement) -> list[str]:
    """What is told of promotions before this stage that rested on overrides, oldest first."""
    return [value for key, value in judgement.facts.items() if key.startswith(BY_OVERRIDE)]


def place(judgement: Judgement) -> str:
    """Where it was judged: ``mainnet-fork @ 23 481 007``."""
    network = judgement.run.network or "no network"
    block = judgement.facts.get(BLOCK, "")
    if block.isascii() and block.isdigit():
        block = f"{int(block):,}".replace(",", " ") if len(block) < 20 else block  # noqa: PLR2004 - an uint64
    return f"{network} @ {block}" if block else network


def short(digest: str) -> str:
    """A digest to compare at a glance: ``5f1c…e2``."""
    return f"{digest[:4]}…{digest[-2:]}"


def reason(finding: Finding, text: str = "") -> str:
    """Why a finding came out as it did: ``98 %; needed > 99 %; 2 more samples are needed``.

    A detail that only repeats the beginning of ``text``, which is shown elsewhere, is left out.
    """
    is_repeated = bool(text) and text.startswith(finding.detail)
    parts = (
        finding.measured,
        finding.needed and f"needed {finding.needed}",
        "" if is_repeated else finding.detail,
    )
    return "; ".join(filter(None, parts))


def message(finding: Finding, text: str = "") -> str:
    """One line that begins with the outcome, so that readers may sort by it: ``advisory: fail: …``."""
    standing = "" if finding.required else "advisory: "
    why = reason(finding, text)
    return f"{standing}{OUTCOMES[finding.outcome]}" + (f": {why}" if why else "")


def passed(findings: Iterable[Finding]) -> str:
    """``41 tests passed, 12 declared checks passed``; findings about the run itself are neither."""
    tests = checks = 0
    for finding in findings:
        if finding.outcome is Outcome.PASS and finding.kind is not Kind.RUN:
            tests += finding.kind is Kind.TEST
            checks += finding.kind is not Kind.TEST
    return f"{_count(tests, 'test')} passed, {_count(checks, 'declared check')} passed"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
