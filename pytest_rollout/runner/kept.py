"""What may be kept of what a recorder says and of what a plan expects: everything but its secrets.

Both pass through here, so that what a check observed and what the plan expects of it still agree
after both were redacted. Ids are left alone up to their parameters: they are paths and names that
stand in the repository anyway, and the judge finds things by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import Metric, Network, Rollout, Stage

_BARE = frozenset({"hello", "end"})
_NAMES = frozenset(
    {
        *(
            "e",
            "p",
            "n",
            "phases",
            "metric",
            "good",
            "total",
            "kind",
            "file",
            "line",
            "conftests",
            "type",
            "s",
            "calls",
        ),
        *("network", "count"),
    }
)
"""What the judge reads word by word; none of it is text of the project's own making."""


def kept_event(event: Any, redactor: Redactor) -> Any:
    """The event without secrets; anything that is no event comes back as it is, to be refused."""
    if not isinstance(event, Mapping) or event.get("e") in _BARE:
        return event
    if event.get("binary") is True and not redactor.is_clean(str(event.get("content")).encode("utf-8", "replace")):
        raise EvidenceError("an attachment holds a secret of the plan.")
    return {key: _kept(event, key, value, redactor) for key, value in event.items()}


def kept_plan(rollout: Rollout) -> Rollout:
    """The plan as the judge and the ledger may see it: the same, with ``<NAME>`` for each secret."""
    if any(network.real for network in rollout.networks.values()):
        networks = {name: _kept_network(network) for name, network in rollout.networks.items()}
        rollout = replace(rollout, networks=networks)
    if not rollout.secrets:
        return rollout
    redactor = Redactor(rollout.secrets)
    stages = tuple(_kept_stage(stage, redactor) for stage in rollout.stages)
    services = {name: replace(each, url=redactor.text(each.url)) for name, each in rollout.services.items()}
    metrics = {name: _kept_metric(each, redactor) for name, each in rollout.metrics.items()}
    return replace(rollout, title=redactor.text(rollout.title), stages=stages, services=services, metrics=metrics)


def _kept_metric(metric: Metric, redactor: Redactor) -> Metric:
    clean, source = redactor.text, metric.source
    if source is not None:
        source = replace(
            source,
            query=clean(source.query),
            good=clean(source.good),
            total=clean(source.total),
            url=clean(source.url),
            path=clean(source.path),
            pattern=clean(source.pattern),
            per=clean(source.per),
            things=tuple(map(clean, source.things)),
            options=redactor.value(source.options),
        )
    return replace(metric, description=clean(metric.description), source=source)


def kept_id(item: str, redactor: Redactor) -> str:
    """A node id whose parameters hold no secret."""
    name, bracket, parameters = item.partition("[")
    return f"{name}{redactor.text(bracket + parameters)}" if bracket else item


def _kept(event: Mapping[str, Any], key: str, value: Any, redactor: Redactor) -> Any:
    if key == "id" and isinstance(value, str):
        return kept_id(value, redactor)
    if key in {"made", "selected", "excluded"} and isinstance(value, list):
        return [kept_id(each, redactor) if isinstance(each, str) else each for each in value]
    is_number = key == "value" and event.get("e") == "measure"
    is_binary = key == "content" and event.get("binary") is True
    return value if key in _NAMES or is_number or is_binary else redactor.value(value)


def _kept_network(network: Network) -> Network:
    """The network without its URLs: the judge asks nobody."""
    urls = tuple(replace(url, value=url.shown) for url in network.urls)
    return replace(network, urls=urls, of=None if network.of is None else _kept_network(network.of))


def _kept_stage(stage: Stage, redactor: Redactor) -> Stage:
    return replace(
        stage,
        title=redactor.text(stage.title),
        contracts=tuple(replace(each, expected=redactor.value(each.expected)) for each in stage.contracts),
        flags=tuple(replace(each, expected=redactor.value(each.expected)) for each in stage.flags),
        checklist=tuple(replace(each, text=redactor.text(each.text)) for each in stage.checklist),
        known_failures=tuple(
            replace(each, owner=redactor.text(each.owner), reason=redactor.text(each.reason))
            for each in stage.known_failures
        ),
        checks=tuple(check.redacted(redactor.value) for check in stage.checks),
    )
