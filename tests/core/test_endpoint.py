"""An endpoint's finding: exact at its bounds, and nothing believed that was not recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.endpoint import Ask, BadInput, Endpoint, Load, Quota, Service
from pytest_rollout.core.endpoint_rule import most_answered, percentile
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
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

    assert (finding.outcome, finding.kind, ENDPOINT.kind) == (Outcome.PASS, Kind.ENDPOINT, Kind.ENDPOINT)
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
    finding = ENDPOINT.judge("x", Observation(item="x", value=value))

    assert (finding.outcome, finding.measured) == (Outcome.ERROR, "not understood (KeyError: 'answer')")


LOADS = {
    "at once": ({"us": [0] * 20}, None),
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
    assert percentile(range(1, 201), 0) == Fraction(190, 10**6)


@pytest.mark.parametrize(
    ("load", "told"),
    [
        ({"us": [0] * 20}, "200, p95 0 ms of 20 requests"),
        ({"us": [2000] * 19, "late": 1}, "200, p95 2 ms of 20 requests"),
    ],
    ids=["at once", "one never answered"],
)
def test_what_was_measured_is_of_all_requests(load, told) -> None:
    assert judged(load=SEEN["load"] | load).measured.startswith(f"{told}, certificate")


def of(changed: dict[str, Any], key: str, *, at: int | None = None) -> dict[str, Any]:
    """What was seen, with one part of it changed."""
    return {
        key: SEEN[key] | changed if at is None else [*SEEN[key][:at], SEEN[key][at] | changed, *SEEN[key][at + 1 :]]
    }


FAIL, ERROR, INCONCLUSIVE = Outcome.FAIL, Outcome.ERROR, Outcome.INCONCLUSIVE
APP, EVIL = "origin https://app.example.org", "origin https://evil.example.org"
TOLD: dict[str, tuple[dict[str, Any], Outcome, str]] = {
    "no answer": (of({"error": "refused"}, "answer"), FAIL, "POST /mint: refused"),
    "another status": (of({"status": 404}, "answer"), FAIL, "answers 404"),
    "elsewhere": (of({"status": 301, "location": "/new"}, "answer"), FAIL, "answers 301 to /new, which is not followed"),
    "a status of text": (of({"status": "200"}, "answer"), ERROR, "not understood (TypeError: no status was recorded)"),
    "a secret": ({"secrets": ["a private key"]}, FAIL, "an answer holds a private key"),
    "what it must never say": (
        {"never_says": ["Traceback" + "x" * 200]}, FAIL,
        f"an answer holds 'Traceback{'x' * 91}', which 'Traceback' must never find",
    ),
    "what it said as text": (
        {"never_says": "x"}, ERROR, "not understood (TypeError: what was said was not compared)",
    ),
    "another header": (
        {"headers": [["x" * 200, False]]}, FAIL, f"header X-Frame-Options is '{'x' * 100}', needs 'DENY'",
    ),
    "no header": ({"headers": [["", False]]}, FAIL, "header X-Frame-Options is missing, needs 'DENY'"),
    "a certificate that ends": (
        of({"seconds": 30 * 86_400 - 1}, "tls"), FAIL, "its certificate is valid for 29 days more",
    ),
    "no expiry": (
        of({"seconds": 9e9}, "tls"), ERROR, "not understood (TypeError: no expiry of a certificate was recorded)",
    ),
    "an origin that cannot be asked": (of({"error": "reset"}, "origins", at=0), ERROR, f"{APP}: reset"),
    "an origin that breaks it": (of({"status": 500}, "origins", at=1), ERROR, f"{EVIL}: answers 500"),
    "an origin that nearly breaks it": (of({"status": 499}, "origins", at=1), Outcome.PASS, ""),
    "refused in advance": (of({"preflight": False}, "origins", at=0), FAIL, f"{APP} is refused"),
    "refused": (of({"simple": False}, "origins", at=0), FAIL, f"{APP} is refused"),
    "refused with one for true": (of({"simple": 1}, "origins", at=0), FAIL, f"{APP} is refused"),
    "let in in advance": (of({"preflight": True}, "origins", at=1), FAIL, f"{EVIL} is let in"),
    "let in": (of({"simple": True}, "origins", at=1), FAIL, f"{EVIL} is let in"),
    "let in with nothing for false": (of({"simple": 0}, "origins", at=1), FAIL, f"{EVIL} is let in"),
    "a bad input that cannot be asked": (of({"error": "reset"}, "refused", at=0), FAIL, "negative: reset"),
    "a bad input that breaks it": (of({"status": 500}, "refused", at=0), FAIL, "negative: broke it, 500"),
    "a bad input that is taken": (of({"status": 200}, "refused", at=0), FAIL, "negative: answers 200"),
    "a slow answer": (of({"us": [200_000] * 20}, "load"), FAIL, "p95 200 ms, not < 200 ms"),
    "late answers": (
        of({"us": [1] * 18, "late": 2}, "load"), FAIL,
        "p95 is no answer at all: 2 of 20 requests were not answered in time",
    ),
    "few answers": (of({"us": [1] * 18, "late": 0}, "load"), INCONCLUSIVE, "18 of 20 requests were done within 60 s"),
    "other answers": (
        of({"other": 7, "others": [f"1 x 50{each}" for each in range(7)]}, "load"), FAIL,
        "7 of 20 requests under load got another answer: 1 x 500, 1 x 501, 1 x 502, 1 x 503, 1 x 504 and 2 more",
    ),
    "no times": (
        of({"us": [True] * 20}, "load"), ERROR,
        "not understood (TypeError: the times of the requests were not recorded)",
    ),
    "times before it began": (
        of({"us": [-1] * 20}, "load"), ERROR,
        "not understood (TypeError: the times of the requests were not recorded)",
    ),
    "no request": (of({"us": []}, "load"), ERROR, "not understood (ValueError: no request was measured)"),
    "a quota that cannot be asked": (of({"error": "reset"}, "quota"), FAIL, "under the rate limit: reset"),
    "no limit": (of({"limited": False}, "quota"), FAIL, "5 requests were answered and none got 429"),
    "an early limit": (of({"answered": 4}, "quota"), FAIL, "request 5 of 5 got 429"),
    "a late limit": (of({"answered": 7}, "quota"), FAIL, "7 requests were answered before one got 429"),
    "a limit that stays": (of({"after": None}, "quota"), FAIL, "did not answer again when the period was over"),
}  # fmt: skip


@pytest.mark.parametrize(("seen", "outcome", "says"), TOLD.values(), ids=TOLD)
def test_each_way_of_not_being_as_declared_has_its_sentence(seen, outcome, says) -> None:
    finding = judged(**seen)

    assert (finding.outcome, finding.measured) == (outcome, says or judged().measured)


def test_a_finding_of_an_endpoint_says_all_that_a_reader_needs() -> None:
    endpoint = replace(ENDPOINT, statuses=(200, 201), schema=Path("schemas/mint.json"))
    needed = (
        "200 or 201, of mint.json, /ok true, p95 < 200 ms of 20 requests, certificate valid for 30 days, "
        "1 headers, 1 origins let in, 1 refused, 1 bad inputs refused, 429 after 5 requests"
    )

    finding = endpoint.judge("i", Observation(item="i", value=SEEN | {"schema": []}, source="api"))

    assert finding == Finding(
        item="i",
        kind=Kind.ENDPOINT,
        title="mint",
        outcome=Outcome.PASS,
        measured=judged().measured,
        needed=needed,
        source="api",
    )
    assert judged(secrets=["x"]).remedy == "mend api, or correct the plan"
    assert not replace(ENDPOINT, required=False).judge("i", Observation(item="i")).required


def test_the_gravest_problem_decides_and_every_one_is_told() -> None:
    finding = judged(origins=[FINE | {"error": "reset"}, SEEN["origins"][1]], **of({"after": None}, "quota"))

    assert finding.outcome is Outcome.FAIL
    assert finding.measured == f"did not answer again when the period was over; {APP}: reset"


def test_an_origin_that_could_not_be_asked_hides_no_other() -> None:
    seen = [FINE | {"error": "reset"}, FINE | {"preflight": True, "simple": True}]

    finding = judged(origins=seen)

    assert (finding.outcome, finding.measured) == (
        Outcome.FAIL, f"origin https://evil.example.org is let in; {APP}: reset",
    )  # fmt: skip


def test_an_answer_that_is_not_of_its_schema_names_where() -> None:
    endpoint = replace(ENDPOINT, schema=Path("mint.json"))

    finding = endpoint.judge("i", Observation(item="i", value=SEEN | {"schema": ["/ok: missing", "/id: text"]}))

    assert (finding.outcome, finding.measured) == (FAIL, "is not of its schema: /ok: missing, /id: text")


@pytest.mark.parametrize(("errors", "told"), [("abcde", "a, b, c, d, e"), ("abcdef", "a, b, c, d, e and 1 more")])
def test_of_many_errors_the_first_five_are_shown(errors: str, told: str) -> None:
    seen = Observation(item="i", value=SEEN | {"schema": list(errors)})

    assert replace(ENDPOINT, schema=Path("mint.json")).judge("i", seen).measured == f"is not of its schema: {told}"


def test_of_a_service_that_did_not_answer_nothing_else_is_told() -> None:
    seen = Observation(item="i", value={"answer": {"error": "refused", "status": 0}})

    assert ENDPOINT.judge("i", seen).measured == "POST /mint: refused"


def test_a_bare_endpoint_needs_its_status_alone() -> None:
    bare = Endpoint(name="health", service=ENDPOINT.service)
    seen = {key: [] for key in ("secrets", "never_says", "values", "headers")} | {"answer": FINE}

    finding = bare.judge("i", Observation(item="i", value=seen))

    assert (finding.outcome, finding.measured, finding.needed) == (Outcome.PASS, "200", "200")
    refusing = replace(bare, refused_origins=("https://evil.example.org",))
    assert refusing.judge("i", Observation(item="i", value=seen)).outcome is ERROR
    assert refusing.judge("i", Observation(item="i", value=seen)).needed == "200, 0 origins let in, 1 refused"


def test_every_text_of_an_endpoint_is_cleaned_of_secrets() -> None:
    def secret(text: str) -> str:
        return f"{text}hunter2"

    ask = Ask(path=secret("/p"), headers=(("A", secret("a")),), body=secret("b"))
    endpoint = Endpoint(
        name="mint",
        service=Service(name="api", url=secret("https://api")),
        ask=ask,
        values=(Result(format=Format.JSON, pointer="/ok", equals=secret("yes")),),
        headers=(("B", secret("b")),),
        never_says=(secret("n"),),
        origins=(secret("o"),),
        refused_origins=(secret("r"),),
        refuses=(BadInput(name="negative", ask=ask),),
    )

    cleaned = endpoint.redacted(lambda text: text.replace("hunter2", "") if isinstance(text, str) else text)

    plain = Ask(path="/p", headers=(("A", "a"),), body="b")
    assert cleaned == replace(
        endpoint,
        service=Service(name="api", url="https://api"),
        ask=plain,
        values=(Result(format=Format.JSON, pointer="/ok", equals="yes"),),
        headers=(("B", "b"),),
        never_says=("n",),
        origins=("o",),
        refused_origins=("r",),
        refuses=(BadInput(name="negative", ask=plain),),
    )
    assert "hunter2" not in repr(cleaned)


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
    quota = Quota(requests=5, period=timedelta(seconds=60))
    answered = {at: most_answered(quota, at) for at in (0, 1, 12_000_000, 12_000_001, 600_000_000)}
    assert answered == {0: 5, 1: 6, 12_000_000: 6, 12_000_001: 7, 600_000_000: 55}
    assert {type(each) for each in answered.values()} == {int}
