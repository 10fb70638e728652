"""``brief.md``: one page for whoever decides, what stands in the way first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from pytest_rollout.core.criterion import Criterion
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.judgement import Judgement, Sealed
from pytest_rollout.core.outcome import Kind, Outcome, Verdict
from pytest_rollout.core.rollout import Stage
from pytest_rollout.core.store_check import SORTS
from pytest_rollout.reporting import phrases
from pytest_rollout.reporting.text import code, markdown
from pytest_rollout.reporting.verdict import VERIFY

MOST = 100
"""How many rows a table may have; what follows is counted and stands in ``verdict.json``."""

_COMMANDS = ("rollout ", "pytest ")
_ADVICE = {
    Verdict.PROMOTE: "Every required item passed",
    Verdict.HOLD: "Something still stands in the way",
    Verdict.ROLLBACK: "A rollback trigger fired",
}


def parts(sealed: Sealed, stage: Stage) -> Iterator[str]:
    """The page, piece by piece. ``stage`` is the stage of the plan that was judged."""
    judgement = sealed.judgement
    yield f"# {headline(judgement)}\n\n"
    yield f"**{_ADVICE[judgement.verdict]}.** "
    if judgement.run.rehearsal:
        yield f"This is a rehearsal on {markdown(judgement.run.network)}: it cannot promote the stage. "
    yield f"Next: {code(phrases.next_command(judgement))}\n\n"
    for told in phrases.overridden(judgement):
        yield f"**Promoted by override** on the way here: {markdown(told)}\n\n"
    heads, *rows = _particulars(sealed)
    yield from _table(heads, rows)
    yield from _in_the_way(judgement)
    yield from _records(judgement)
    yield from _totals(judgement)
    yield from _criteria(judgement, stage)
    yield from _checklist(judgement, stage)
    yield from _advisory(judgement)
    if judgement.facts:
        yield "## Facts\n\n"
        rows = [(markdown(name), code(value)) for name, value in sorted(judgement.facts.items())]
        yield from _table(("fact", "value"), rows)
    yield "## How to verify\n\n"
    yield f"The judgement's digest is `{sealed.digest}`. Take it again from the file beside this one,\n"
    yield "and look it up in the record:\n\n"
    noted = f" --head {sealed.head}" if sealed.head else ""
    yield f"```sh\n{VERIFY}\nrollout ledger verify{noted}\n```\n"


def headline(judgement: Judgement) -> str:
    """``HOLD — Takumi on mainnet · Alpha launch``, as Markdown."""
    titles = f"{markdown(judgement.rollout_title)} · {markdown(judgement.stage_title)}"
    return f"{judgement.verdict.value.upper()} — {titles}"


def differences(data: bytes, sealed: Sealed) -> str:
    """What in a brief that was read back is not the judgement; empty if nothing."""
    try:
        page = data.decode()
    except UnicodeDecodeError as error:
        return f"it is not UTF-8 ({error})"
    total = re.search(r"^\| \*\*all\*\* \|(.*)\|$", page, re.MULTILINE)
    counts = sealed.judgement.counts()
    expected = [str(counts[outcome.value]) for outcome in Outcome]
    checks = {
        "its verdict is another one": page.startswith(f"# {sealed.judgement.verdict.value.upper()} — "),
        "its digest is another one": f"digest is `{sealed.digest}`" in page,
        "its counts are not those of the judgement": total is not None
        and [cell.strip() for cell in total[1].split("|")] == expected,
    }
    return "; ".join(what for what, is_right in checks.items() if not is_right)


def _particulars(sealed: Sealed) -> Iterator[tuple[str, str]]:
    judgement, run, subject = sealed.judgement, sealed.judgement.run, sealed.judgement.subject
    yield "gate", code(phrases.gate(judgement))
    yield "network", markdown(phrases.place(judgement)) + (" (rehearsal)" if run.rehearsal else "")
    commit = code(subject.commit) or "none: outside a repository"
    yield "commit", commit + ("" if subject.committed else " — **with changes that are not committed**")
    yield "attempt", str(run.attempt)
    yield "run", code(run.id)
    yield "started", run.started_at.isoformat(sep=" ", timespec="seconds")
    yield "judged", judgement.judged_at.isoformat(sep=" ", timespec="seconds")
    yield "judgement", code(phrases.short(sealed.digest))
    if sealed.entry is not None:
        yield "ledger", f"entry {sealed.entry} of {code(run.ledger_id)}, head {code(sealed.head)}"
    if run.arguments:
        yield "command line", code(" ".join(run.arguments))


def _in_the_way(judgement: Judgement) -> Iterator[str]:
    blocking = judgement.blocking
    yield f"## In the way ({len(blocking):,})\n\n"
    if not blocking:
        yield "Nothing.\n\n" if judgement.findings else "Nothing was required, and an empty gate holds.\n\n"
        return
    rows = [
        (
            markdown(finding.title or finding.item),
            _seen(finding),
            markdown(finding.needed),
            f"**{phrases.OUTCOMES[finding.outcome]}**",
            _next(finding),
            _where(finding),
        )
        for finding in blocking[:MOST]
    ]
    yield from _table(("item", "measured", "needed", "outcome", "next", "where"), rows, of=len(blocking))


def _records(judgement: Judgement) -> Iterator[str]:
    """What is wrong in stores, a record or a field of one a row, as far as the findings list it."""
    told = [
        (finding.title or finding.item, *_record(line))
        for finding in judgement.findings
        if finding.kind is Kind.STORE and finding.outcome is Outcome.FAIL
        for line in finding.detail.splitlines()
    ]
    if not told:
        return
    yield f"## In the stores ({len(told):,})\n\n"
    rows = [tuple(map(markdown, row)) for row in told[:MOST]]
    yield from _table(("check", "record", "found"), rows, of=len(told))


def _record(line: str) -> tuple[str, str]:
    """Which record, or which of its fields, and what is wrong with it: ``field: left | right``, or ``sort: record``."""
    before, _, after = line.partition(": ")
    if before in SORTS:
        return after, SORTS[before].format(left="the left one", right="the right one")
    return before, after


def _totals(judgement: Judgement) -> Iterator[str]:
    yield "## Outcomes by kind\n\n"
    tally: dict[Kind, Counter[Outcome]] = {}
    for finding in judgement.findings:
        tally.setdefault(finding.kind, Counter())[finding.outcome] += 1
    rows = [(kind.value, *(str(tally[kind][outcome] or "") for outcome in Outcome)) for kind in Kind if kind in tally]
    counts = judgement.counts()
    rows.append(("**all**", *(str(counts[outcome.value]) for outcome in Outcome)))
    yield from _table(("kind", *phrases.OUTCOMES.values()), rows)


def _criteria(judgement: Judgement, stage: Stage) -> Iterator[str]:
    findings = {f.title: f for f in judgement.findings if f.kind is Kind.CRITERION}
    if not stage.criteria and not findings:
        return
    yield "## Criteria\n\n"
    planned = {criterion.name: criterion for criterion in stage.criteria}
    names = [*planned, *(name for name in findings if name not in planned)]
    rows = [_criterion(name, planned.get(name), findings.get(name)) for name in names[:MOST]]
    yield from _table(
        ("criterion", "measured", "promote", "alert", "rollback", "samples needed", "outcome"),
        rows,
        of=len(names),
    )


def _criterion(name: str, criterion: Criterion | None, finding: Finding | None) -> tuple[str, ...]:
    triggers = criterion.rollback if criterion else ()
    return (
        markdown(name),
        markdown(finding.measured) if finding else "",
        markdown(str(criterion.promote) if criterion else finding.needed if finding else ""),
        markdown(str(criterion.alert)) if criterion and criterion.alert else "",
        markdown(", ".join(f"{t.when} ({t.severity.value})" for t in triggers)),
        f"{criterion.min_samples:,}" if criterion else "",
        _outcome(finding),
    )


def _checklist(judgement: Judgement, stage: Stage) -> Iterator[str]:
    ticks = [finding for finding in judgement.findings if finding.kind is Kind.CHECKLIST]
    if not ticks and not stage.checklist:
        return
    yield "## Checklist\n\n"
    if not ticks:
        yield f"{len(stage.checklist):,} entries of the plan were not judged.\n\n"
        return
    rows = [
        (markdown(finding.title), markdown(finding.measured), _outcome(finding), _next(finding))
        for finding in ticks[:MOST]
    ]
    yield from _table(("entry", "state", "outcome", "next"), rows, of=len(ticks))


def _advisory(judgement: Judgement) -> Iterator[str]:
    shown = [f for f in judgement.findings if not f.required and f.outcome is not Outcome.PASS]
    if not shown:
        return
    yield f"## Advisory, not counted ({len(shown):,})\n\n"
    rows = [
        (
            markdown(finding.title or finding.item),
            _seen(finding),
            markdown(finding.needed),
            phrases.OUTCOMES[finding.outcome],
            _where(finding),
        )
        for finding in shown[:MOST]
    ]
    yield from _table(("item", "measured", "needed", "outcome", "where"), rows, of=len(shown))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, of: int = 0) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}\n"
    shown = 0
    for row in rows:
        shown += 1
        yield f"| {' | '.join(row)} |\n"
    yield "\n"
    if of > shown:
        yield f"… and {of - shown:,} more: see `verdict.json`.\n\n"


def _seen(finding: Finding) -> str:
    seen = markdown(finding.measured or finding.detail)
    # pytest marks the line that says why with an E; a reader wants it beside "failed in call".
    why = re.search(r"^E\s+(\S.*)$", finding.detail, re.MULTILINE) if finding.kind is Kind.TEST else None
    return f"{seen}: {code(why[1])}" if why else seen


def _where(finding: Finding) -> str:
    return code(finding.item) if finding.title and finding.title != finding.item else ""


def _next(finding: Finding) -> str:
    return code(finding.remedy) if finding.remedy.startswith(_COMMANDS) else markdown(finding.remedy)


def _outcome(finding: Finding | None) -> str:
    if finding is None:
        return "**no finding**"
    shown = phrases.OUTCOMES[finding.outcome]
    shown = shown if finding.outcome is Outcome.PASS else f"**{shown}**"
    return shown if finding.required else f"{shown} (advisory)"
