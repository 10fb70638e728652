"""An endpoint's finding: exact at its bounds, and nothing believed that was not recorded."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.endpoint import Ask, BadInput, Endpoint, Load, Quota, Service
from pytest_rollout.core.endpoint_rule import most_answered, percentile
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.results import Format, Result
from pytest_rollout.core.units import UNITS

P95 = Bound(relation=Relation.LESS, limit=Fraction(1, 5), unit=UNITS["ms"])
ENDPOINT = Endpoint(
    name="mint",
    service=Service(name="api", url="https://api.example.org"),
    ask=Ask(method="POST", path="/mint"),
    values=(Result(format=Format.JSON, pointer="/ok", equals=True),),
    headers=(("X-Frame-Options", "DENY"),),
    never_says=("Traceback",),
    certificate=timedelta(days=30),
    origins=("https://app.example.org",),
    refused_origins=("https://evil.example.org",),
    load=Load(p95=P95, requests=20),
    quota=Quota(requests=5, period=timedelta(seconds=60)),
    refuses=(BadInput(name="negative", ask=Ask()),),
)
FINE = {"status": 200, "error": ""}
SEEN: dict[str, Any] = {
    "answer": FINE | {"location": ""},
    "secrets": [],
    "never_says": [None],
    "values": [{"value": True}],
    "headers": [["DENY", True]],
    "tls": {"seconds": 30 * 86400},
    "origins": [FINE | {"preflight": True, "simple": True}, FINE | {"preflight": False, "simple": False}],
    "load": {"us": [199_999] * 20, "late": 0, "other": 0, "others": []},
    "refused": [{"status": 422, "error": ""}],
    "quota": {"answered": 5, "us": 1000, "limited": True, "error": "", "after": True},
}


def judged(**changed: Any) -> Any:
    value = {key: each for key, each in (SEEN | changed).items() if each is not KeyError}
    return ENDPOINT.judge("plan::beta::endpoints::mint", Observation(item="x", value=value))


def test_an_endpoint_that_is_as_declared_passes() -> None:
    finding = judged()

    assert (finding.outcome, finding.kind) == (Outcome.PASS, Kind.ENDPOINT)
    assert finding.measured == (
        "200, p95 199.999 ms of 20 requests, certificate valid for 30 days, 429 after 5 requests, 1 bad inputs refused"
    )


@pytest.mark.parametrize("key", sorted(SEEN))
@pytest.mark.parametrize("value", [KeyError, None, "x", [], {}], ids=["missing", "null", "text", "list", "table"])
def test_what_was_not_recorded_as_it_must_be_never_passes(key, value) -> None:
    if (key, value) == ("secrets", []):
        return
    assert judged(**{key: value}).outcome is Outcome.ERROR


@pytest.mark.parametrize("value", [None, [], "x", {}], ids=repr)
def test_what_is_no_observation_of_an_endpoint_is_an_error(value) -> None:
    assert ENDPOINT.judge("x", Observation(item="x", value=value)).outcome is Outcome.ERROR


LOADS = {
    "one of twenty is slow": ({"us": [1] * 19 + [10**9]}, None),
    "two of twenty are slow": ({"us": [1] * 18 + [10**9] * 2}, Outcome.FAIL),
    "exactly at the bound": ({"us": [200_000] * 20}, Outcome.FAIL),
    "one never answered": ({"us": [1] * 19, "late": 1}, None),
    "two never answered": ({"us": [1] * 18, "late": 2}, Outcome.FAIL),
    "fewer than asked": ({"us": [1] * 19}, Outcome.INCONCLUSIVE),
    "another answer": ({"us": [1] * 20, "other": 1, "others": ["1 x 503"]}, Outcome.FAIL),
    "none at all": ({"us": []}, Outcome.ERROR),
    "a fraction of a microsecond": ({"us": [0.5] * 20}, Outcome.ERROR),
}


@pytest.mark.parametrize(("load", "outcome"), LOADS.values(), ids=LOADS)
def test_the_95th_percentile_is_of_raw_requests(load, outcome) -> None:
    finding = judged(load=SEEN["load"] | load)

    assert finding.outcome is (outcome or Outcome.PASS)


def test_the_percentile_is_nearest_rank() -> None:
    assert percentile(range(1, 101), 0) == Fraction(95, 10**6)
    assert percentile(range(1, 96), 5) == Fraction(95, 10**6)
    assert percentile(range(1, 95), 6) is None


QUOTAS = {
    "one early": ({"answered": 4}, Outcome.FAIL),
    "what flows in meanwhile": ({"answered": 6, "us": 12_000_000}, None),
    "more than flows in": ({"answered": 7, "us": 12_000_000}, Outcome.FAIL),
    "never limited": ({"limited": False}, Outcome.FAIL),
    "never back": ({"after": False}, Outcome.FAIL),
    "one for true": ({"limited": 1}, Outcome.FAIL),
}


@pytest.mark.parametrize(("quota", "outcome"), QUOTAS.values(), ids=QUOTAS)
def test_a_quota_is_what_is_declared(quota, outcome) -> None:
    assert judged(quota=SEEN["quota"] | quota).outcome is (outcome or Outcome.PASS)
    assert most_answered(Quota(requests=5, period=timedelta(seconds=60)), 12_000_000) == 6
