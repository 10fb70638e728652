"""What the sources of a stage answer when its gate is judged: asked all at once, by no project code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_rollout.core.asking import Sampled, asks
from pytest_rollout.core.baseline import Captured
from pytest_rollout.core.errors import EvidenceError, LedgerError, MetricError
from pytest_rollout.core.history import History
from pytest_rollout.core.node_memory import Remembered
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import Metric, Rollout, Stage
from pytest_rollout.core.series import Outage, Samples, moment, nanoseconds
from pytest_rollout.core.series_form import packed
from pytest_rollout.core.subject import Subject
from pytest_rollout.runner.chains import Chains
from pytest_rollout.runner.record import samples_in

if TYPE_CHECKING:
    from pytest_rollout.ledger.port import Ledger


def sampled(
    rollout: Rollout, stage: Stage, history: History, subject: Subject, ledger: Ledger, *, until: datetime
) -> Sampled:
    """The answers of all sources that the stage's criteria and soak need, with since when they count."""
    return Sampled(
        lines=ask(rollout, asks(rollout, stage, nanoseconds(until)), until=until),
        entered=history.entered(rollout.began),
        unchanged=_unchanged_since(history, stage, subject),
        captured=_captured(stage, history, ledger),
        nodes=known_nodes(history),
    )


def known_nodes(history: History) -> dict[str, Remembered]:
    """What the newest judgement that read a node read of it, by the node's name."""
    return {
        name: Remembered(facts=facts, judgement=record.digest, judged_at=record.judged_at.isoformat())
        for name, (facts, record) in history.nodes.items()
    }


def ask(rollout: Rollout, since: Mapping[str, int], *, until: datetime) -> dict[str, bytes]:
    """The packed answer of each metric's source, without secrets; a source that is down answers with an outage."""
    if not since:
        return {}
    from pytest_rollout.metrics.opening import Sources  # noqa: PLC0415 - for plans that name a source
    from pytest_rollout.metrics.port import Asked  # noqa: PLC0415 - as above

    redactor, lines = Redactor(rollout.secrets), {}
    asked = [Asked(metric=rollout.metrics[name], since=moment(begin), until=until) for name, begin in since.items()]
    with Chains(rollout) as chains, Sources(rollout.folder, rpc=chains.rpc) as sources:
        for each, answer in sources.collect(asked):
            samples = answer if isinstance(answer, Samples) else _down(each.metric, each.since, until, answer)
            lines[each.metric.name] = packed(_clean(samples, redactor))
    return {name: lines[name] for name in since}


def _down(metric: Metric, since: datetime, until: datetime, why: MetricError) -> Samples:
    """What stands for a source that could not be asked at all: no data, and the reason (rule 13)."""
    source = metric.source
    begin, end = nanoseconds(since), nanoseconds(until)
    asked = "" if source is None else source.query or f"{source.good} / {source.total}"
    return Samples(
        metric=metric.name,
        source="no source" if source is None else source.kind.value,
        query=asked,
        since=begin,
        until=end,
        outages=(Outage(since=begin, until=end, why=str(why)),),
    )


def _clean(samples: Samples, redactor: Redactor) -> Samples:
    clean = redactor.text
    return replace(
        samples,
        source=clean(samples.source),
        query=clean(samples.query),
        warnings=tuple(map(clean, samples.warnings)),
        outages=tuple(replace(each, why=clean(each.why)) for each in samples.outages),
        series=tuple(
            replace(each, labels={clean(key): clean(value) for key, value in each.labels.items()})
            for each in samples.series
        ),
    )


def _unchanged_since(history: History, stage: Stage, subject: Subject) -> datetime | None:
    """When another artefact, plan or network was last judged in this visit; None if it never was (rule 17)."""
    others = [
        each.judged_at
        for each in history.judgements
        if each.stage == stage.name
        and each.run.entry == history.entry
        and not each.run.rehearsal
        and _identity(each.subject) != _identity(subject)
    ]
    return max(others, default=None)


def _identity(subject: Subject) -> tuple[str, ...]:
    return subject.commit, subject.plan_digest, subject.network, subject.network_kind


def _captured(stage: Stage, history: History, ledger: Ledger) -> dict[str, Captured]:
    """The newest values that passed in a judgement that said promote, by the titles of their findings."""
    found: dict[str, Captured] = {}
    for criterion in stage.criteria:
        if criterion.baseline is None:
            continue
        for title, (value, record) in history.passed.items():
            if title == criterion.name or title.startswith(f"{criterion.name} ["):
                raw = b""
                if criterion.baseline.significance is not None:
                    raw = _raw(ledger, record.evidence_digest, criterion.metric)
                found[title] = Captured(value=value, at=record.judged_at, judgement=record.digest, samples=raw)
    return found


def _raw(ledger: Ledger, digest: str, metric: str) -> bytes:
    """The packed samples behind an earlier judgement; without them there is nothing to compare."""
    try:
        return samples_in(ledger.attachment(digest)).get(metric, b"")
    except (LedgerError, EvidenceError):
        return b""
