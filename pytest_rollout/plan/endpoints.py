"""Services, and what a stage asks of their endpoints."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_rollout.core.criterion import Bound
from pytest_rollout.core.endpoint import Ask, BadInput, Endpoint, Load, Pairs, Quota, Service
from pytest_rollout.core.results import Format, Result
from pytest_rollout.core.units import UNITS
from pytest_rollout.plan import texts
from pytest_rollout.plan.bounds import bound
from pytest_rollout.plan.commands import pattern
from pytest_rollout.plan.durations import duration
from pytest_rollout.plan.sentence import GIVEN, Place, Unfit, Written, quoted, unknown

if TYPE_CHECKING:
    from pytest_rollout.plan.endpoint_shape import BadInputTable, EndpointTable, ServiceTable, ValueTable

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_LONGEST_PERIOD = timedelta(minutes=5)
_LONGEST_ANSWER = timedelta(minutes=10)
SECURITY: Pairs = (
    ("Content-Security-Policy", r"(?:default|script|frame)-[a-z]+"),
    ("X-Content-Type-Options", r"^\s*nosniff\s*$"),
    ("X-Frame-Options", r"^\s*(?:DENY|SAMEORIGIN)\s*$"),
    ("Referrer-Policy", r"^\s*(?:no-referrer|same-origin|strict-origin|strict-origin-when-cross-origin)\b"),
)
"""The usual security headers, and what each must say; with TLS, the next as well."""

TRANSPORT = ("Strict-Transport-Security", r"max-age=\"?(?:[0-9]{8,}|1[6-9][0-9]{6}|[2-9][0-9]{7})")
"""Half a year or more (RFC 6797)."""


def services(written: Written, folder: Path, tables: Mapping[str, ServiceTable]) -> dict[str, Service]:
    """The declared services by name."""
    found = {}
    for name, table in tables.items():
        place: Place = ("services", name)
        written.read(("services",), name, texts.key_name)
        limit = written.read((*place, "timeout"), table.timeout, duration)
        if limit > _LONGEST_ANSWER:
            raise written.wrong((*place, "timeout"), f"{GIVEN} is longer than 10m, the longest an answer may take.")
        found[name] = Service(
            name=name,
            url=written.read((*place, "url"), table.url, _url),
            ca=None if table.ca is None else written.read((*place, "ca"), table.ca, _file(folder)),
            limit=limit,
        )
    return found


def endpoints(
    written: Written, stage: str, tables: Sequence[EndpointTable], folder: Path, declared: Mapping[str, Service]
) -> tuple[Endpoint, ...]:
    """The stage's endpoints in the order written; raises ``PlanError``."""
    found: dict[str, Endpoint] = {}
    for index, table in enumerate(tables):
        place: Place = ("stages", stage, "endpoints", index)
        name = written.read((*place, "name"), table.name, texts.item_name)
        if texts.folded(name) in found:
            raise written.wrong((*place, "name"), "is the name of two endpoints of this stage; give each its own.")
        if table.service not in declared:
            raise written.wrong((*place, "service"), unknown("service", table.service, declared))
        reader = _Reader(written=written, place=place, folder=folder, table=table)
        found[texts.folded(name)] = reader.endpoint(name, declared[table.service])
    return tuple(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    written: Written
    place: Place
    folder: Path
    table: EndpointTable

    def endpoint(self, name: str, service: Service) -> Endpoint:
        table, read = self.table, self.written.read
        ask = Ask(
            method=table.method,
            path=read((*self.place, "path"), table.path, url_path),
            headers=self._headers((*self.place, "headers"), table.headers),
            body=table.body or "",
        )
        origins, refused = self._origins()
        return Endpoint(
            name=name,
            service=service,
            ask=ask,
            statuses=tuple(table.status),
            schema=None if table.shape is None else read((*self.place, "shape"), table.shape, _file(self.folder)),
            values=tuple(self._value((*self.place, "values", index), each) for index, each in enumerate(table.values)),
            headers=self._answer_headers(service),
            never_says=tuple(
                read((*self.place, "never_says", index), each, pattern) for index, each in enumerate(table.never_says)
            ),
            certificate=self._certificate(service),
            origins=origins,
            refused_origins=refused,
            load=self._load(),
            quota=self._quota(),
            refuses=self._refuses(ask),
            required=not table.advisory,
        )

    def _headers(self, place: Place, headers: Mapping[str, str]) -> Pairs:
        for name, value in headers.items():
            if not _HEADER.fullmatch(name):
                raise self.written.wrong(place, f"{quoted(name)} is no header's name.")
            self.written.read((*place, name), value, _header_value)
        return tuple(headers.items())

    def _answer_headers(self, service: Service) -> Pairs:
        place = (*self.place, "answer_headers")
        wanted = dict(SECURITY if self.table.security_headers else ())
        if self.table.security_headers and service.url.startswith("https:"):
            wanted |= dict([TRANSPORT])
        for name, text in self.table.answer_headers.items():
            if not _HEADER.fullmatch(name):
                raise self.written.wrong(place, f"{quoted(name)} is no header's name.")
            wanted[name] = self.written.read((*place, name), text, pattern)
        return tuple(wanted.items())

    def _certificate(self, service: Service) -> timedelta | None:
        if self.table.certificate is None:
            return None
        where = (*self.place, "certificate")
        if not service.url.startswith("https:"):
            raise self.written.wrong(where, f"service {service.name} is not asked over https, so it shows none.")
        return self.written.read(where, self.table.certificate, duration)

    def _origins(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        cors = self.table.cors
        if cors is None:
            return (), ()
        place = (*self.place, "cors")
        if not cors.allowed and not cors.refused:
            raise self.written.wrong(place, "is empty, which checks nothing; write allowed, refused, or both.")
        for key, origins in (("allowed", cors.allowed), ("refused", cors.refused)):
            for index, origin in enumerate(origins):
                self.written.read((*place, key, index), origin, _origin)
                if key == "refused" and origin in cors.allowed:
                    raise self.written.wrong((*place, key, index), f"{GIVEN} is allowed as well; write it once.")
        return tuple(cors.allowed), tuple(cors.refused)

    def _value(self, place: Place, table: ValueTable) -> Result:
        if (table.bound is None) == (table.equals is None):
            raise self.written.wrong(place, 'needs bound or equals, one of the two, such as equals = "healthy".')
        if table.pointer and not table.pointer.startswith("/"):
            raise self.written.wrong((*place, "pointer"), f"{GIVEN} is no JSON pointer; write it such as '/status'.")
        unit = UNITS["ratio"] if table.unit == "%" else UNITS[table.unit]
        wanted: Bound | None = None
        if table.bound is not None:
            wanted = self.written.read((*place, "bound"), table.bound, lambda each: bound(each, unit))
        return Result(
            format=Format.JSON,
            pointer=table.pointer,
            unit=UNITS[table.unit],
            bound=wanted,
            equals=table.equals,
        )

    def _load(self) -> Load | None:
        given = self.written.at(self.place)
        if self.table.p95 is None:
            for key in ("requests", "at_once", "within"):
                if isinstance(given, dict) and key in given:
                    raise self.written.wrong((*self.place, key), "is about p95, which is not declared; write p95 too.")
            return None
        return Load(
            p95=self.written.read((*self.place, "p95"), self.table.p95, lambda each: bound(each, UNITS["ms"])),
            requests=self.table.requests,
            at_once=self.table.at_once,
            limit=self.written.read((*self.place, "within"), self.table.within, duration),
        )

    def _quota(self) -> Quota | None:
        if self.table.rate_limit is None:
            return None
        where = (*self.place, "rate_limit", "per")
        period = self.written.read(where, self.table.rate_limit.per, duration)
        if period > _LONGEST_PERIOD:
            raise self.written.wrong(where, f"{GIVEN} is longer than 5m, the longest that is waited for.")
        return Quota(requests=self.table.rate_limit.requests, period=period)

    def _refuses(self, ask: Ask) -> tuple[BadInput, ...]:
        found: dict[str, BadInput] = {}
        for index, table in enumerate(self.table.refuses):
            place = (*self.place, "refuses", index)
            name = self.written.read((*place, "name"), table.name, texts.line)
            if name in found:
                raise self.written.wrong((*place, "name"), "is listed twice; give each its own.")
            for number, status in enumerate(table.status):
                if not 400 <= status < 500 or status == 429:  # noqa: PLR2004 - refusals, other than of the rate
                    raise self.written.wrong(
                        (*place, "status", number),
                        f"{GIVEN} refuses no input; write one from 400 to 499, not 429.",
                    )
            found[name] = BadInput(name=name, ask=self._bad(place, table, ask), statuses=tuple(table.status))
        return tuple(found.values())

    def _bad(self, place: Place, table: BadInputTable, ask: Ask) -> Ask:
        if table.path is None and table.body is None and not table.headers:
            raise self.written.wrong(place, "is the endpoint's own request; write a path, body or headers.")
        return replace(
            ask,
            path=ask.path if table.path is None else self.written.read((*place, "path"), table.path, url_path),
            body=ask.body if table.body is None else table.body,
            headers=tuple((dict(ask.headers) | dict(self._headers((*place, "headers"), table.headers))).items()),
        )


def _url(text: str) -> str:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise Unfit(f"{GIVEN} is no address; write it such as 'https://api.example.org'.") from None
    if url.scheme not in {"http", "https"} or not url.hostname or port == 0 or not text.isprintable() or " " in text:
        raise Unfit(f"{GIVEN} is no address; write it such as 'https://api.example.org'.")
    if url.query or url.fragment:
        raise Unfit(f"{GIVEN} has a query or fragment; write the base alone.")
    if "@" in url.netloc:
        raise Unfit("has a user in it; send a header of the endpoint, such as Authorization.")
    return text


def url_path(text: str) -> str:
    """A path with its query; raises ``Unfit``."""
    if not text.startswith("/") or not text.isascii() or not text.isprintable() or " " in text:
        raise Unfit(f"{GIVEN} is no path; begin it with '/', percent-encoded, such as '/v1/tokens?limit=1'.")
    return text


def _header_value(text: str) -> str:
    if not text.isprintable() or not text.isascii():
        raise Unfit(f"{GIVEN} is no header's value; write one line of plain ASCII.")
    return text


def _origin(text: str) -> str:
    url = urlsplit(text)
    if text != "null" and (url.scheme not in {"http", "https"} or not url.hostname or url.path or url.query):
        raise Unfit(f"{GIVEN} is no origin; write it such as 'https://app.example.org', without a path.")
    return text


def _file(folder: Path) -> Callable[[str], Path]:
    def check(text: str) -> Path:
        path = folder / texts.line(text)
        if not path.is_file():
            raise Unfit(f"no file {GIVEN}; it is looked for relative to the plan.")
        return path

    return check
