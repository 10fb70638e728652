"""An endpoint of a service and what its answers must be: values; ``endpoint_rule`` judges them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from pytest_rollout.core.criterion import Bound
from pytest_rollout.core.endpoint_rule import judge
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.results import Result

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Something that answers HTTP: ``url`` is its base, the one host that is contacted for it.

    ``ca`` is a file of certificates to trust besides the machine's own; ``limit`` is how long one
    answer may take, from the first byte asked to the last one read.
    """

    name: str
    url: str
    ca: Path | None = None
    limit: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request: method, path with its query, headers and body."""

    method: str = "GET"
    path: str = "/"
    headers: Pairs = ()
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How many requests measure the 95th percentile, how many at once, and how long all of them may take."""

    p95: Bound
    requests: int = 100
    at_once: int = 1
    limit: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How many requests are answered in a period; the next one gets 429."""

    requests: int
    period: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class BadInput:
    """A request that must be refused, with one of these statuses."""

    name: str
    ask: Ask
    statuses: tuple[int, ...] = (400, 413, 415, 422)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint and everything its answers must be.

    ``schema`` is a file with a JSON Schema, ``values`` are JSON values and their bounds;
    ``headers`` maps a response header to a pattern it must meet, ``never_says`` are patterns no
    answer may hold; ``certificate`` is how much longer the certificate must be valid.
    """

    name: str
    service: Service
    ask: Ask = field(default_factory=Ask)
    statuses: tuple[int, ...] = (200,)
    schema: Path | None = None
    values: tuple[Result, ...] = ()
    headers: Pairs = ()
    never_says: tuple[str, ...] = ()
    certificate: timedelta | None = None
    origins: tuple[str, ...] = ()
    refused_origins: tuple[str, ...] = ()
    load: Load | None = None
    quota: Quota | None = None
    refuses: tuple[BadInput, ...] = ()
    required: bool = True

    @property
    def kind(self) -> Kind:
        """Endpoints."""
        return Kind.ENDPOINT

    def judge(self, item: str, seen: Observation) -> Finding:
        """Every way in which its answers were not as declared; the gravest decides."""
        return judge(self, item, seen)

    def redacted(self, clean: Callable[[Any], Any]) -> Self:
        """The same endpoint with ``clean`` applied to every text that could hold a secret."""

        def cleaned(ask: Ask) -> Ask:
            headers = tuple((name, clean(value)) for name, value in ask.headers)
            return replace(ask, path=clean(ask.path), headers=headers, body=clean(ask.body))

        return replace(
            self,
            service=replace(self.service, url=clean(self.service.url)),
            ask=cleaned(self.ask),
            values=tuple(each.redacted(clean) for each in self.values),
            headers=tuple((name, clean(value)) for name, value in self.headers),
            never_says=tuple(map(clean, self.never_says)),
            origins=tuple(map(clean, self.origins)),
            refused_origins=tuple(map(clean, self.refused_origins)),
            refuses=tuple(replace(each, ask=cleaned(each.ask)) for each in self.refuses),
        )
