"""From a run that has ended to a recorded judgement and its reports; imported while the recorder works."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pytest_rollout.core.chain import Witness
from pytest_rollout.core.checklist import valid_ticks
from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.errors import ReportError
from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.judgement import Judgement, Sealed
from pytest_rollout.core.judging import Ending, Question, judge
from pytest_rollout.core.moves import overridden_facts
from pytest_rollout.core.narrowing import Narrowing
from pytest_rollout.core.outcome import Verdict
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import NetworkKind
from pytest_rollout.core.subject import Deployed, Subject
from pytest_rollout.ledger.canonical import seal
from pytest_rollout.ledger.port import Ledger
from pytest_rollout.reporting import Drawn, Written, write
from pytest_rollout.runner import pinning, tree
from pytest_rollout.runner.kept import kept_plan
from pytest_rollout.runner.sampling import sampled
from pytest_rollout.runner.started import Started
from pytest_rollout.runner.witnessing import facts_of

_ENDS_WITH_THE_RUN = frozenset({NetworkKind.TESTER.value, NetworkKind.ANVIL.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A gate's recorded judgement, how pytest itself ended, and where the reports are.

    ``overtaken`` says by what, if the run decides nothing any more.
    """

    sealed: Sealed
    evidence: Evidence
    pytest_status: int | None
    folder: Path
    written: Written | None
    report_error: str = ""
    overtaken: str = ""


def asked(
    started: Started,
    evidence: Evidence,
    ending: Ending,
    refusals: tuple[str, ...],
    judged_at: datetime,
    ledger: Ledger,
) -> Question:
    """Everything the judge is asked, with what the supervisor and the sources of samples see now."""
    gate = started.gate
    subject = pinning.measure_subject(gate.rollout, gate.stage, gate.root, started.run.network or None)
    narrowings = list(gate.narrowings)
    if subject.suite_digest != tree.digest_of(started.manifest.files):
        narrowings.append(Narrowing(what="files that changed during the run", why="the gate was not one gate"))
    elif changed := sorted(started.stamps.items() ^ tree.stamps(started.manifest.files, gate.root).items()):
        what = f"files that were touched during the run and put back, such as {changed[0][0]}"
        narrowings.append(Narrowing(what=what, why="what ran need not be what was pinned"))
    if subject.commit != started.commit:
        what = (
            f"another commit than at the start, {started.commit[:12] or 'none'} and now {subject.commit[:12] or 'none'}"
        )
        narrowings.append(Narrowing(what=what, why="what ran beside the gate need not be of either"))
    narrowings += [Narrowing(what="an event that was refused", why=why) for why in refusals]
    plan = kept_plan(gate.rollout)
    ticks = valid_ticks(started.history, plan, gate.stage.name, started.run.entry)
    return Question(
        rollout=plan,
        stage=plan.stage(gate.stage.name),
        plan=started.briefing.plan,
        evidence=evidence,
        manifest=started.manifest,
        subject=_on_own_chain(subject, evidence),
        run=started.run,
        ending=ending,
        judged_at=judged_at,
        narrowings=tuple(narrowings),
        ticks={number: f"{tick.person} on {tick.at.date().isoformat()}" for number, tick in ticks.items()},
        facts=_facts(evidence) | overridden_facts(started.history.overridden),
        sampled=sampled(gate.rollout, gate.stage, started.history, subject, ledger, until=judged_at),
    )


def record(started: Started, ledger: Ledger, question: Question, bundle: bytes) -> Judged:
    """Judge; the ledger has the judgement, with the whole question, before any report is written.

    Of a run that was overtaken no report says promote: it would stand where that of the newest belongs.
    """
    digest = hashlib.sha256(bundle).hexdigest()
    judgement: Judgement = judge(replace(question, evidence_digest=digest))
    sealed = seal(judgement)
    entry = ledger.append(EntryKind.JUDGEMENT, sealed.payload, attachments={digest: bundle})
    sealed = replace(sealed, entry=entry.sequence, head=entry.digest)
    gate = started.gate
    folder = gate.reports
    overtaken = started.overtaken(ledger)
    written, error = None, ""
    try:
        if not (overtaken and judgement.verdict is Verdict.PROMOTE):
            written = write(
                sealed,
                question.evidence,
                question.stage,
                folder,
                formats=gate.request.formats,
                redactor=Redactor(gate.rollout.secrets),
                drawn=Drawn(
                    stage=question.stage,
                    metrics=question.rollout.metrics,
                    samples=question.sampled.lines,
                    judged_at=question.judged_at,
                ),
            )
    except ReportError as trouble:
        error = str(trouble)
    return Judged(
        sealed=sealed,
        evidence=question.evidence,
        pytest_status=_pytest_status(question.evidence, question.ending),
        folder=folder,
        written=written,
        report_error=error,
        overtaken=overtaken,
    )


def _pytest_status(evidence: Evidence, ending: Ending) -> int | None:
    """Pytest's own exit status, as the process that led the run reported it."""
    for name in ("controller", "main"):
        if (process := evidence.processes.get(name)) and process.exit_status is not None:
            return process.exit_status
    return ending.status


def with_witnesses(question: Question, witnesses: tuple[Witness, ...]) -> Question:
    """The question with what was seen of the real chains, whose own word outranks the recorder's."""
    if not witnesses:
        return question
    own = question.run.network
    facts = {**question.facts, **facts_of(witnesses, own)}
    return replace(
        question,
        witnesses=witnesses,
        facts=facts | _limits(facts, question),
        subject=_on_real_chains(question.subject, witnesses, own),
    )


def _on_real_chains(subject: Subject, witnesses: tuple[Witness, ...], own: str) -> Subject:
    """The subject with the gate's own chain, and the recorded contracts of every chain it read."""
    contracts = dict(subject.contracts)
    for witness in witnesses:
        place = "" if witness.network == own else f"{witness.network}."
        contracts |= {f"{place}{name}": each for name, each in witness.contracts.items()}
        if witness.network == own and (seen := witness.before) is not None:
            subject = replace(
                subject,
                chain_id=seen.chain_id,
                genesis=seen.genesis,
                block=seen.pinned.number,
                block_hash=seen.pinned.hash,
            )
    return replace(subject, contracts=contracts)


def _limits(facts: Mapping[str, str], question: Question) -> dict[str, str]:
    """The answers of "too many requests" that supervisor and recorders got together."""
    found = {}
    for network, count in question.evidence.rate_limited.items():
        key = "too many requests" if network == question.run.network else f"{network} too many requests"
        found[key] = str(int(facts.get(key, "0")) + count)
    return found


def _on_own_chain(subject: Subject, evidence: Evidence) -> Subject:
    """The subject with what the run itself saw of its chain; a real one is looked at by the supervisor.

    Where several workers have a chain each, the contracts are those of the first that tells of them.
    """
    contracts: dict[str, Deployed] = {}
    if subject.network_kind in _ENDS_WITH_THE_RUN:
        for _, found in sorted(evidence.deployed.items(), reverse=True):
            contracts |= found
    subject = replace(subject, contracts=dict(sorted(contracts.items())))
    for item, observations in evidence.observations.items():
        if "::network::" in item and observations and isinstance(value := observations[0].value, dict):
            chain_id, block, digest = (value.get(key) for key in ("chain_id", "number", "hash"))
            if type(chain_id) is int and type(block) is int and isinstance(digest, str):
                return replace(subject, chain_id=max(0, chain_id), block=max(0, block), block_hash=digest)
    return subject


def _facts(evidence: Evidence) -> dict[str, str]:
    """Chain and tool facts for reports, as the processes reported them."""
    facts: dict[str, str] = {}
    for process in evidence.processes.values():
        facts |= {key: str(process.about[key]) for key in ("python", "pytest") if key in process.about}
    workers = sum(1 for name in evidence.processes if name.startswith("gw"))
    facts["workers"] = str(workers)
    for item, observations in evidence.observations.items():
        if "::network::" in item and observations and isinstance(value := observations[0].value, dict):
            facts |= {
                "chain id": str(value.get("chain_id")),
                "block": str(value.get("number")),
                "client": str(value.get("client")),
            }
    return facts
