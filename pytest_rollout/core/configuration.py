"""What lies in files beside the chain - rules, dashboards, manifests, environments - and one alert that must arrive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Self

from pytest_rollout.core.endpoint import Service
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.inert import shortened
from pytest_rollout.core.outcome import Kind, Outcome

_SHOWN = 3
_DETAIL = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a service exposes its metrics."""

    service: Service
    path: str = "/metrics"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesCheck:
    """Files that were read, and everything that is wrong with them.

    What is seen is a table: ``looked`` counts what was looked at - zero is never right -,
    ``problems`` and ``troubles`` are sentences about what is wrong and about what could not be
    looked at, ``said`` sums up what was found. ``files`` are paths or patterns in ``folder``.
    """

    name: str
    folder: Path
    files: tuple[str, ...]
    required: bool = True

    KIND: ClassVar[Kind]
    NEEDED: ClassVar[str]

    @property
    def kind(self) -> Kind:
        """Its own."""
        return self.KIND

    def redacted(self, clean: Callable[[Any], Any]) -> Self:
        """The same check; its paths could hold a value of the environment."""
        return replace(self, files=tuple(map(clean, self.files)))

    def judge(self, item: str, seen: Observation) -> Finding:
        """Nothing wrong, everything looked at, and something looked at at all."""
        return judge_looked(self, item, seen, self.NEEDED, f"mend {', '.join(self.files)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesCheck(FilesCheck):
    """Alert and recording rules: they parse, their unit tests pass, what they ask for is exposed."""

    KIND = Kind.RULES
    NEEDED = "rules that parse, pass their tests and ask for what is exposed"

    tests: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    alerts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardCheck(FilesCheck):
    """Grafana dashboards: every query parses and asks for what is exposed, or recorded by ``rules``."""

    KIND = Kind.DASHBOARD
    NEEDED = "dashboards whose every query parses and asks for what is exposed"

    targets: tuple[Target, ...] = ()
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestCheck(FilesCheck):
    """Kubernetes manifests of a ``version``; ``custom`` are the resources that no schema is known of."""

    KIND = Kind.MANIFEST
    NEEDED = "valid manifests, images pinned by digest, no placeholder and no zero address"

    version: str
    custom: tuple[str, ...] = ()
    inventory: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentCheck(FilesCheck):
    """What a program is configured with, against the deployment record and the chain of ``network``.

    ``contracts`` and ``chain_id`` say which variable holds what, ``accounts`` which hold addresses
    without code; every variable of the files is one of those, of ``values``, ``variables`` or ``optional``.
    """

    KIND = Kind.ENVIRONMENT
    NEEDED = "every variable set and known, every address as recorded and with code on the chain"

    network: str = ""
    chain_id: str = ""
    contracts: Mapping[str, str] = field(default_factory=dict)
    accounts: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    variables: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    def redacted(self, clean: Callable[[Any], Any]) -> Self:
        """As of all files, and its values."""
        values = {name: clean(value) for name, value in self.values.items()}
        return replace(self, files=tuple(map(clean, self.files)), values=values)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCheck:
    """One alert sent through a running Alertmanager, which must tell the webhook at ``listen``: host and port."""

    name: str
    alertmanager: Service
    listen: str
    labels: Mapping[str, str]
    receiver: str = ""
    within: timedelta = timedelta(seconds=30)
    required: bool = True

    @property
    def kind(self) -> Kind:
        """Alerts."""
        return Kind.ALERT

    def redacted(self, clean: Callable[[Any], Any]) -> Self:
        """The same check, with nothing secret in its labels."""
        labels = {name: clean(value) for name, value in self.labels.items()}
        service = replace(self.alertmanager, url=clean(self.alertmanager.url))
        return replace(self, labels=labels, alertmanager=service, listen=clean(self.listen))

    def judge(self, item: str, seen: Observation) -> Finding:
        """It arrived, firing, where it should."""
        needed = f"a test alert arrives at {self.listen}" + (f" as {self.receiver}" if self.receiver else "")
        return judge_looked(self, item, seen, needed, "look at Alertmanager's routes, receivers and silences")


def judge_looked(check: FilesCheck | AlertCheck, item: str, seen: Observation, needed: str, remedy: str) -> Finding:
    """The finding of what was looked at: wrong is fail, not looked at is error."""
    try:
        outcome, measured, detail = _judged(seen.value)
    except (KeyError, TypeError) as error:
        outcome, measured, detail = Outcome.ERROR, f"not understood ({type(error).__name__}: {error})", ""
    return Finding(
        item=item,
        kind=check.kind,
        title=check.name,
        outcome=outcome,
        measured=measured,
        needed=needed,
        source=seen.source,
        remedy="" if outcome is Outcome.PASS else remedy,
        detail=shortened(detail, _DETAIL, beginning=1),
        required=check.required,
    )


def _judged(value: Any) -> tuple[Outcome, str, str]:
    if not isinstance(value, Mapping):
        raise TypeError("nothing was recorded")
    looked, said = value["looked"], value["said"]
    problems, troubles = value["problems"], value["troubles"]
    if type(looked) is not int or looked < 0 or not isinstance(said, str):
        raise TypeError("no count of what was looked at")
    if not all(isinstance(each, list) and all(isinstance(text, str) for text in each) for each in (problems, troubles)):
        raise TypeError("no lists of sentences")
    told = [*problems, *troubles]
    if not told and looked == 0:
        return Outcome.ERROR, f"nothing was looked at; {said}" if said else "nothing was looked at", ""
    if not told:
        return Outcome.PASS, said, ""
    more = f"; and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    return Outcome.FAIL if problems else Outcome.ERROR, "; ".join(told[:_SHOWN]) + more, "\n".join(told)
