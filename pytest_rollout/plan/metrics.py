"""What is measured, and how each source is asked."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from pytest_rollout.core.rollout import Metric, Network, SourceKind, SourceSettings, Value
from pytest_rollout.core.units import UNITS
from pytest_rollout.plan import texts
from pytest_rollout.plan.durations import duration
from pytest_rollout.plan.sentence import GIVEN, Place, Unfit, Written, some, unknown

if TYPE_CHECKING:
    from pytest_rollout.plan.metric_shape import MetricTable

_RATIO = ("good", "total")
_ALWAYS = ("interval", "timeout")
_KEYS: dict[SourceKind, tuple[str, ...]] = {
    SourceKind.PROMETHEUS: (
        *("url", "query", *_RATIO, "per", "things", "histogram"),
        *("token", "tenant", "certificates", "observed"),
    ),
    SourceKind.HTTP: ("url", "query", *_RATIO, "token", "certificates", "time", "zone"),
    SourceKind.SQL: ("url", "query", "per", "things", "zone"),
    SourceKind.LOG: ("path", "pattern", "query", *_RATIO, "zone", "time_format"),
    SourceKind.RECORDED: ("path", "query", *_RATIO, "per", "things", "time", "zone"),
    SourceKind.CHAIN: ("network", "query", "path", "finality", "addresses", "deadline"),
}
_NEEDED: dict[SourceKind, tuple[str, ...]] = {
    SourceKind.PROMETHEUS: ("url",),
    SourceKind.HTTP: ("url",),
    SourceKind.SQL: ("url", "query"),
    SourceKind.LOG: ("path", "pattern"),
    SourceKind.RECORDED: ("path",),
    SourceKind.CHAIN: ("network", "query"),
}
_COUNTS_BY_ITSELF = frozenset({SourceKind.SQL, SourceKind.LOG, SourceKind.CHAIN})
"""Sources whose one query can answer both counts of a ratio."""

_OPTIONS = (
    "token",
    "tenant",
    "certificates",
    "observed",
    "time",
    "time_format",
    "zone",
    "network",
    "finality",
    "addresses",
)
_EXAMPLES = {
    "url": 'url = "http://localhost:9090"',
    "path": 'path = "logs/api.log"',
    "query": 'query = "up"',
    "pattern": "pattern = '(?P<time>\\S+) status=(?P<value>\\d+)'",
    "network": 'network = "mainnet"',
}


def metrics(written: Written, tables: Mapping[str, MetricTable], networks: Mapping[str, Network]) -> dict[str, Metric]:
    """The declared metrics by name; raises ``PlanError``."""
    found = {}
    form = texts.key_like(
        texts.METRIC, "metric's name; write lower-case letters, digits, '-' or '_', such as 'tx_success'"
    )
    for name, table in tables.items():
        place: Place = ("metrics", name)
        written.read(("metrics",), name, form)
        if table.unit == "%":
            raise written.wrong((*place, "unit"), 'a share is measured as counts; write unit = "ratio".')
        if table.unit not in UNITS:
            raise written.wrong(
                (*place, "unit"),
                unknown("unit", table.unit, (u for u in UNITS if u != "%"), where="allowed are"),
            )
        description = table.description or ""
        found[name] = Metric(
            name=name,
            unit=UNITS[table.unit],
            description=written.read((*place, "description"), description, texts.line) if description else "",
            source=_source(written, place, table, networks),
        )
    return found


def _source(
    written: Written, place: Place, table: MetricTable, networks: Mapping[str, Network]
) -> SourceSettings | None:
    given = table.model_fields_set - {"unit", "description", "source"}
    if table.source not in set(SourceKind):
        _refuse_others(written, place, given, ())
        return None
    kind = SourceKind(table.source)
    _refuse_others(written, place, given, (*_KEYS[kind], *_ALWAYS), kind)
    for key in _NEEDED[kind]:
        if key not in given:
            raise written.wrong(place, f"a source of kind {kind} needs '{key}'; write for example {_EXAMPLES[key]}.")
    _check_counts(written, place, table, kind)
    for key in sorted(given - {"things", *_ALWAYS, "histogram", "deadline"}):
        written.read((*place, key), getattr(table, key), _filled)
    if table.network is not None and table.network not in networks:
        raise written.wrong((*place, "network"), unknown("network", table.network, networks))
    if table.pattern is not None:
        written.read((*place, "pattern"), table.pattern, _pattern)
    if table.things is not None and table.per is None:
        raise written.wrong((*place, "things"), "names things that nothing tells apart; write 'per', their label, too.")
    if table.things is not None and len(set(table.things)) < len(table.things):
        raise written.wrong((*place, "things"), "names a thing twice; name each once.")
    return SourceSettings(
        kind=kind,
        query=table.query or "",
        good=table.good or "",
        total=table.total or "",
        url=table.url or "",
        path=table.path or "",
        pattern=table.pattern or "",
        per=table.per or "",
        things=tuple(table.things or ()),
        interval=written.read((*place, "interval"), table.interval, duration),
        timeout=written.read((*place, "timeout"), table.timeout, duration),
        histogram=table.histogram,
        options=_options(written, place, table),
    )


def _options(written: Written, place: Place, table: MetricTable) -> dict[str, Value]:
    options: dict[str, Value] = {key: each for key in _OPTIONS if (each := getattr(table, key)) is not None}
    if table.deadline is not None:
        seconds = written.read((*place, "deadline"), table.deadline, duration).total_seconds()
        options["deadline_seconds"] = int(seconds)
    return options


def _refuse_others(
    written: Written, place: Place, given: Collection[str], allowed: Collection[str], kind: SourceKind | None = None
) -> None:
    for key in sorted(given):
        if key in allowed:
            continue
        if kind is None:
            text = "belongs to a source, and this metric is measured by tests; name the source, or leave it out."
        else:
            text = f"does not belong to a source of kind {kind}; its keys are {some(allowed)}."
        raise written.wrong((*place, key), text)


def _check_counts(written: Written, place: Place, table: MetricTable, kind: SourceKind) -> None:
    """Good and total for a ratio, one query for anything else (rule 8)."""
    is_ratio = table.unit == "ratio"
    has_counts = [key for key in _RATIO if getattr(table, key) is not None]
    if not is_ratio and has_counts:
        raise written.wrong(
            (*place, has_counts[0]), "counts a ratio; write unit = \"ratio\", or one 'query' for values."
        )
    if is_ratio and len(has_counts) == 1:
        other = next(key for key in _RATIO if key not in has_counts)
        raise written.wrong(place, f"has '{has_counts[0]}' without '{other}'; a ratio is counted by both.")
    if is_ratio and not has_counts and kind not in _COUNTS_BY_ITSELF:
        raise written.wrong(
            place, "is a ratio without counts; write 'good' and 'total', so that it can be compared exactly."
        )
    if table.histogram and is_ratio:
        raise written.wrong((*place, "histogram"), "goes with values, not with a ratio; leave it out.")
    if not is_ratio and table.query is None and kind in {SourceKind.PROMETHEUS, SourceKind.HTTP, SourceKind.RECORDED}:
        raise written.wrong(place, f"a source of kind {kind} needs 'query'; write for example {_EXAMPLES['query']}.")
    if has_counts and table.query is not None:
        raise written.wrong((*place, "query"), "stands beside good and total, which say all; leave it out.")


def _filled(text: str) -> str:
    if not text.strip():
        raise Unfit(f"{GIVEN} is empty; write it, or leave the key out.")
    return text


def _pattern(text: str) -> str:
    try:
        groups = re.compile(text).groupindex
    except (re.error, RecursionError, OverflowError) as error:
        raise Unfit(f"{GIVEN} is no regular expression ({error}).") from None
    if "time" not in groups:
        raise Unfit(f"{GIVEN} has no group 'time'; write for example '(?P<time>\\S+)', so that each line has its own.")
    return text
