"""Histories of the platforms that the suites roll out, as their Prometheus would have scraped them.

A slot is three hours of one condition, every 15 seconds; slots lie half a day apart, so that no
window of one reaches into another. Times are fixed: nothing here knows what day it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

BASE = datetime(2026, 2, 2, tzinfo=UTC)
APART = timedelta(hours=12)
LENGTH = timedelta(hours=3)
SCRAPE = timedelta(seconds=15)
COUNT = int(LENGTH / SCRAPE)
BREACH = int(timedelta(hours=2) / SCRAPE)
"""The scrape of a slot at which what happens in it begins."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What a platform was like between two scrapes."""

    scraped: bool = True
    submitted: int = 100
    failed: int = 0
    requests: int = 1000
    server_errors: int = 0
    answered_in: float = 0.1
    gas: float | str = 90_000
    probe: int = 1
    users_with_errors: int = 1
    cpu_share: float = 0.2
    connections: int = 40
    redis_share: float = 0.4
    disk_free: float = 0.6
    database_up: int = 1
    paused: int = 0
    users: int = 20_000
    custody_difference: int = 0
    pauses: int = 0
    role_changes: int = 0
    restarted: bool = False


HEALTHY = Moment()
IN_THE_GRAY = Moment(
    failed=3, gas=700_000, answered_in=0.3, server_errors=5, cpu_share=0.6, connections=80, redis_share=0.8,
    users_with_errors=50, users=9_999,
)  # fmt: skip
ALARMING = Moment(
    failed=20, gas=1_200_000, answered_in=0.9, server_errors=30, cpu_share=0.9, connections=95, redis_share=0.9,
    users_with_errors=200, disk_free=0.1, database_up=0, probe=0, paused=1, users=10, custody_difference=1, pauses=1,
    role_changes=1,
)  # fmt: skip

SLOTS: Mapping[str, Callable[[int], Moment]] = {
    "healthy": lambda _: HEALTHY,
    "gray": lambda n: Moment(**{**_as(IN_THE_GRAY), "probe": int(n % 200 > 0)}),
    "alarm": lambda _: ALARMING,
    "breach": lambda n: Moment(failed=15 if n > BREACH else 0),
    "flapping": lambda n: Moment(failed=20 if n >= BREACH and (n - BREACH) // 20 % 2 == 0 else 0),
    "gap in a breach": lambda n: Moment(failed=20 if n >= BREACH else 0, scraped=not BREACH + 40 <= n < BREACH + 160),
    "gap": lambda n: Moment(scraped=not BREACH <= n < BREACH + 120),
    "restart": lambda n: Moment(restarted=n == BREACH),
    "NaN": lambda _: Moment(gas="NaN"),
    "no traffic": lambda _: Moment(submitted=0, requests=0),
    "dead exporters": lambda n: Moment(scraped=n < BREACH),
}


def _as(moment: Moment) -> dict[str, object]:
    return {name: getattr(moment, name) for name in Moment.__dataclass_fields__}


def begin(slot: str) -> datetime:
    """When a slot begins."""
    return BASE + list(SLOTS).index(slot) * APART


def breach(slot: str) -> datetime:
    """When what happens in a slot begins."""
    return begin(slot) + BREACH * SCRAPE


def end(slot: str) -> datetime:
    """When a slot ends."""
    return begin(slot) + LENGTH


BOUNDS = {
    'http_request_duration_seconds_bucket{job="knowton-backend",': 0.5,
    "knowton_page_load_seconds_bucket{": 3.0,
    "knowton_transaction_confirmation_seconds_bucket{": 30.0,
    "knowton_database_query_seconds_bucket{": 0.1,
    "knowton_ipfs_upload_seconds_bucket{": 10.0,
    "knowton_inference_seconds_bucket{": 5.0,
}
"""KnowTon's histograms, and what the 95th percentile of each must stay below."""
DATABASES = ("postgresql", "mongodb", "redis", "clickhouse", "elasticsearch")

Counted = Callable[[Moment], float]
COUNTERS: Mapping[str, Counted] = {
    'takumi_transactions_total{status="confirmed"}': lambda m: m.submitted - m.failed if m.submitted else 0,
    'takumi_transactions_total{status="reverted"}': lambda m: m.failed if m.submitted else 0,
    'http_request_duration_seconds_bucket{job="takumi-api",le="0.1"}': lambda m: _within(m, 0.1),
    'http_request_duration_seconds_bucket{job="takumi-api",le="0.2"}': lambda m: _within(m, 0.2),
    'http_request_duration_seconds_bucket{job="takumi-api",le="0.5"}': lambda m: _within(m, 0.5),
    'http_request_duration_seconds_bucket{job="takumi-api",le="1"}': lambda m: _within(m, 1.0),
    'http_request_duration_seconds_bucket{job="takumi-api",le="+Inf"}': lambda m: m.requests,
    'http_requests_total{job="takumi-api",status="200"}': lambda m: m.requests - m.server_errors if m.requests else 0,
    'http_requests_total{job="takumi-api",status="500"}': lambda m: m.server_errors if m.requests else 0,
    'node_cpu_seconds_total{job="takumi-db",mode="user"}': lambda m: 15 * m.cpu_share,
    'node_cpu_seconds_total{job="takumi-db",mode="idle"}': lambda m: 15 * (1 - m.cpu_share),
    'kustodia_transactions_total{status="confirmed"}': lambda m: m.submitted - m.failed if m.submitted else 0,
    'kustodia_transactions_total{status="reverted"}': lambda m: m.failed if m.submitted else 0,
    'http_requests_total{job="kustodia-backend",status="200"}': lambda m: m.requests - 3 * m.server_errors,
    'http_requests_total{job="kustodia-backend",status="500"}': lambda m: 3 * m.server_errors,
    'kustodia_contract_events_total{event="Paused"}': lambda m: m.pauses,
    'kustodia_contract_events_total{event="RoleGranted"}': lambda m: m.role_changes,
    'lookcoin_operations_total{result="succeeded"}': lambda m: m.requests - 3 * m.server_errors,
    'lookcoin_operations_total{result="failed"}': lambda m: 3 * m.server_errors,
    'lookcoin_deployments_total{result="succeeded"}': lambda m: 1 if m.requests else 0,
    'lookcoin_deployments_total{result="failed"}': lambda m: m.role_changes,
    'knowton_transactions_total{status="confirmed"}': lambda m: m.submitted - m.failed if m.submitted else 0,
    'knowton_transactions_total{status="reverted"}': lambda m: m.failed if m.submitted else 0,
    'http_requests_total{job="knowton-backend",status="200"}': lambda m: m.requests - 3 * m.server_errors,
    'http_requests_total{job="knowton-backend",status="500"}': lambda m: 3 * m.server_errors,
    'node_cpu_seconds_total{job="knowton-node",instance="a",mode="user"}': lambda m: 15 * m.cpu_share,
    'node_cpu_seconds_total{job="knowton-node",instance="a",mode="idle"}': lambda m: 15 * (1 - m.cpu_share),
    **{
        f'{name}le="{edge}"}}': lambda m, factor=factor: _within(m, 0.2 * factor)
        for name, bound in BOUNDS.items()
        for edge, factor in ((f"{bound / 2:g}", 0.5), (f"{bound:g}", 1), (f"{bound * 10:g}", 10), ("+Inf", 1e9))
    },
}
GAUGES: Mapping[str, Callable[[Moment], float | str]] = {
    "takumi_transaction_gas_max": lambda m: m.gas,
    **{f'probe_success{{job="takumi-health",region="{n}"}}': lambda m: m.probe for n in range(7)},
    "takumi_users_with_errors": lambda m: m.users_with_errors,
    "takumi_users_active": lambda _: 1000,
    'pg_stat_activity_count{job="takumi-db"}': lambda m: m.connections,
    'pg_settings_max_connections{job="takumi-db"}': lambda _: 100,
    'pg_up{job="takumi-db"}': lambda m: m.database_up,
    'redis_memory_used_bytes{job="takumi-redis"}': lambda m: m.redis_share * 2**30,
    'redis_memory_max_bytes{job="takumi-redis"}': lambda _: 2**30,
    'node_filesystem_avail_bytes{job="takumi-db"}': lambda m: m.disk_free * 2**40,
    'node_filesystem_size_bytes{job="takumi-db"}': lambda _: 2**40,
    'takumi_contract_paused{contract="SkillProfile"}': lambda m: m.paused,
    'takumi_contract_paused{contract="SkillClaim"}': lambda m: m.paused,
    'takumi_contract_paused{contract="Endorsement"}': lambda m: m.paused,
    "takumi_monthly_active_users": lambda m: m.users,
    "takumi_daily_active_users": lambda m: m.users // 2,
    "takumi_profiles": lambda m: m.users,
    "takumi_skills": lambda m: 5 * m.users,
    "takumi_claims": lambda m: 2 * m.users,
    **{f'probe_success{{job="kustodia-health",region="{n}"}}': lambda m: m.probe for n in range(3)},
    "kustodia_custody_difference_units": lambda m: m.custody_difference,
    **{f'probe_success{{job="lookcoin-state",region="{n}"}}': lambda m: m.probe for n in range(7)},
    "lookcoin_operation_slowdown": lambda m: round(1 + m.answered_in, 3),
    "lookcoin_inconsistent_records": lambda m: m.custody_difference,
    'node_memory_MemTotal_bytes{job="knowton-node",instance="a"}': lambda _: 2**34,
    'node_memory_MemAvailable_bytes{job="knowton-node",instance="a"}': lambda m: (1 - m.redis_share) * 2**34,
    **{f'knowton_database_up{{database="{name}"}}': lambda m: m.database_up for name in DATABASES},
    "knowton_sync_lag_seconds": lambda m: 600 if m.paused else 2,
}


def _within(moment: Moment, seconds: float) -> int:
    """How many requests were answered within that time: the slowest tenth takes ``answered_in``."""
    return moment.requests if moment.answered_in <= seconds else moment.requests * 9 // 10


def history(*, slot: str = "", until: datetime | None = None) -> str:
    """Every slot in the OpenMetrics format; or one of them, moved so that it ends at another time."""
    slots = {end(name): SLOTS[name] for name in SLOTS} if until is None else {until: SLOTS[slot]}
    samples = {until: _samples(moments, until) for until, moments in slots.items()}
    names = [*COUNTERS, *GAUGES]
    parts: list[str] = []
    family = ""
    for index in sorted(range(len(names)), key=lambda number: names[number].partition("{")[0]):
        own = names[index].partition("{")[0]
        if own != family:
            family = own
            parts.append(f"# TYPE {own} unknown\n")
        for rows in samples.values():
            parts += [f"{names[index]} {row[1][index]} {row[0]:.3f}\n" for row in rows]
    return "".join([*parts, "# EOF\n"])


def _samples(slot: Callable[[int], Moment], until: datetime) -> list[tuple[float, list[float | str]]]:
    """Rows of a slot: the time of the scrape, and every series' value."""
    moments = [slot(number) for number in range(COUNT + 1)]
    counters = [list(_running(moments, counted)) for counted in COUNTERS.values()]
    start = (until - LENGTH).timestamp()
    rows = []
    for number, moment in enumerate(moments):
        if moment.scraped:
            values = [column[number] for column in counters] + [gauge(moment) for gauge in GAUGES.values()]
            rows.append((start + number * SCRAPE.total_seconds(), values))
    return rows


def _running(moments: list[Moment], counted: Counted) -> Iterator[float]:
    """A counter's value at each scrape; a restart begins it anew."""
    return accumulate(
        moments[1:], lambda value, m: (0 if m.restarted else value) + counted(m), initial=counted(moments[0])
    )
