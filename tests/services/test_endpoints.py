"""Endpoints asked for real: what they answer, how fast, to whom, and every server that means no good."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.endpoint import Ask, BadInput, Load, Quota, Service
from pytest_rollout.core.errors import ServiceError
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.results import Format, Result
from pytest_rollout.core.units import UNITS
from pytest_rollout.plan.endpoints import SECURITY
from pytest_rollout.services.leaks import leaks

QUICK = Bound(relation=Relation.LESS, limit=Fraction(2), unit=UNITS["s"])
HEALTHY = Result(format=Format.JSON, pointer="/status", equals="healthy")
AT_ONCE = Result(
    format=Format.JSON,
    pointer="/lag_ms",
    unit=UNITS["ms"],
    bound=Bound(relation=Relation.LESS, limit=Fraction(300), unit=UNITS["s"]),
)
SCHEMA = {
    "type": "object",
    "required": ["status", "share"],
    "properties": {"status": {"enum": ["healthy"]}, "share": {"type": "number", "minimum": 0.99}},
}


def test_a_healthy_endpoint_passes(asked, tmp_path) -> None:
    (tmp_path / "health.json").write_text(json.dumps(SCHEMA))

    finding = asked(
        "/health",
        schema=tmp_path / "health.json",
        values=(HEALTHY, AT_ONCE),
        headers=SECURITY,
        never_says=("Traceback",),
        load=Load(p95=QUICK, requests=40, at_once=4),
    )

    assert finding.outcome is Outcome.PASS, finding.measured
    assert finding.measured.startswith("200, p95 ")
    assert finding.measured.endswith(" ms of 40 requests")
    assert finding.source.startswith("api at 127.0.0.1:")


WRONG = {
    "another status": ("/missing", {}, "answers 404"),
    "an unhealthy value": (
        "/health",
        {"values": (Result(format=Format.JSON, pointer="/status", equals="ok"),)},
        "/status is healthy, not ok",
    ),
    "no such value": (
        "/health",
        {"values": (Result(format=Format.JSON, pointer="/state", equals="ok"),)},
        "has nothing at /state",
    ),
    "a missing header": (
        "/health",
        {"headers": (("Strict-Transport-Security", "max-age"),)},
        "header Strict-Transport-Security is missing",
    ),
    "a header of another value": (
        "/health",
        {"headers": (("X-Frame-Options", "^SAMEORIGIN$"),)},
        "header X-Frame-Options is 'DENY'",
    ),
    "a word that never stands there": ("/health", {"never_says": ("heal",)}, "an answer holds 'heal'"),
    "too slow": (
        "/slow",
        {"load": Load(p95=Bound(relation=Relation.LESS, limit=Fraction(1, 100), unit=UNITS["ms"]), requests=20)},
        "not < 10 ms",
    ),
    "other answers under load": (
        "/sometimes",
        {"load": Load(p95=QUICK, requests=20)},
        "2 of 20 requests under load got another answer: 2 x 503",
    ),
}


@pytest.mark.parametrize(("path", "about", "says"), WRONG.values(), ids=WRONG)
def test_what_is_not_as_declared_is_told(asked, path, about, says) -> None:
    finding = asked(path, **about)

    assert finding.outcome in {Outcome.FAIL, Outcome.ERROR}
    assert says in finding.measured


def test_a_redirect_is_an_answer_and_is_not_followed(asked, server) -> None:
    """Only hosts that the plan names are ever contacted."""
    server.elsewhere = server.url + "/elsewhere"

    finding = asked("/moved")

    assert finding.measured == f"answers 302 to {server.elsewhere}, which is not followed"
    assert [path for _, path, _ in server.seen] == ["/moved"]


def test_a_proxy_of_the_machine_is_not_asked(asked, monkeypatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert asked("/health").outcome is Outcome.PASS


HOSTILE = {
    "a byte at a time": ("/drip-body", "no whole answer within 0.5 s"),
    "headers a byte at a time": ("/drip-head", "no whole answer within 0.5 s"),
    "without end": ("/flood", "answers more than 1 MiB"),
}


@pytest.mark.parametrize(("path", "says"), HOSTILE.values(), ids=HOSTILE)
def test_a_server_that_never_comes_to_an_end_is_left(asked, path, says) -> None:
    """Each byte would start the wait of an ordinary time limit anew."""
    started = time.monotonic()
    finding = asked(path, limit=timedelta(seconds=0.5))

    assert time.monotonic() - started < 5
    assert finding.outcome is Outcome.FAIL
    assert says in finding.measured


def test_a_server_that_never_answers_is_slower_than_all(asked, silence) -> None:
    service = Service(name="api", url=silence, limit=timedelta(seconds=0.3))

    assert "GET /health: no whole answer within 0.3 s" in asked("/health", service=service).measured


def test_nobody_there_is_a_failure(asked) -> None:
    finding = asked("/health", service=Service(name="api", url="http://127.0.0.1:9"))

    assert finding.outcome is Outcome.FAIL
    assert "does not answer" in finding.measured


@pytest.mark.parametrize("path", ["/cors", "/cors-all"])
def test_an_origin_is_let_in_or_refused(asked, path) -> None:
    """A server that echoes every origin lets in whom it should not."""
    finding = asked(path, origins=("https://app.example.org",), refused_origins=("https://evil.example.org", "null"))

    if path == "/cors":
        assert finding.outcome is Outcome.PASS
    else:
        assert finding.measured == "origin https://evil.example.org is let in; origin null is let in"


def test_an_origin_that_is_refused_though_it_should_be_let_in_is_told(asked) -> None:
    assert (
        asked("/health", origins=("https://app.example.org",)).measured == "origin https://app.example.org is refused"
    )


def mint(name: str, body: str, **about) -> BadInput:
    return BadInput(name=name, ask=Ask(method="POST", path=about.pop("path", "/mint"), body=body), **about)


INPUTS = {
    "refused": (mint("negative", '{"amount": -1}'), Outcome.PASS, "201, 1 bad inputs refused"),
    "a server error": (mint("not a number", '{"amount": NaN}'), Outcome.FAIL, "not a number: broke it, 500"),
    "accepted": (mint("another user", '{"user": "admin"}'), Outcome.FAIL, "another user: answers 200"),
    "refused by chance": (mint("negative", "{}", path="/mnt"), Outcome.FAIL, "negative: answers 404"),
}


@pytest.mark.parametrize(("bad", "outcome", "says"), INPUTS.values(), ids=INPUTS)
def test_bad_input_is_refused_for_what_it_is(asked, bad, outcome, says) -> None:
    """Not with 5xx, and not because nothing is there at all."""
    finding = asked("/mint", method="POST", body='{"amount": 1}', statuses=(201,), refuses=(bad,))

    assert (finding.outcome, finding.measured) == (outcome, says)


PERIOD = timedelta(seconds=0.3)
QUOTAS = {
    "enforced": ("/limited", 5, Outcome.PASS, "429 after 5 requests"),
    "too early": ("/limited?3", 5, Outcome.FAIL, "request 4 of 5 got 429"),
    "never": ("/health", 3, Outcome.FAIL, "16 requests were answered and none got 429"),
    "another answer": ("/sometimes", 20, Outcome.FAIL, "under the rate limit: answers 503"),
    "and never lifted": ("/limited-for-good", 2, Outcome.FAIL, "did not answer again when the period was over"),
}


@pytest.mark.parametrize(("path", "requests", "outcome", "says"), QUOTAS.values(), ids=QUOTAS)
def test_a_rate_limit_is_used_up_for_real(asked, path, requests, outcome, says) -> None:
    finding = asked(path, quota=Quota(requests=requests, period=PERIOD))

    assert finding.outcome is outcome
    assert says in finding.measured


def test_a_certificate_says_how_long_it_is_valid(asked, secure) -> None:
    server, ca = secure(not_after=datetime.now(UTC) + timedelta(days=20))
    service = Service(name="api", url=server.url, ca=ca)

    enough = asked("/health", service=service, certificate=timedelta(days=14))
    short = asked("/health", service=service, certificate=timedelta(days=30))

    assert (enough.outcome, enough.measured) == (Outcome.PASS, "200, certificate valid for 19 days")
    assert (short.outcome, short.measured) == (Outcome.FAIL, "its certificate is valid for 19 days more")


def test_a_certificate_that_does_not_hold_is_refused(asked, secure) -> None:
    server, ca = secure(
        not_after=datetime.now(UTC) - timedelta(days=1), not_before=datetime.now(UTC) - timedelta(days=9)
    )

    expired = asked("/health", service=Service(name="api", url=server.url, ca=ca))
    unknown = asked("/health", service=Service(name="api", url=server.url))

    assert "its certificate is refused: certificate has expired" in expired.measured
    assert "its certificate is refused: " in unknown.measured


LEAKS = {
    "a key": (b"-----BEGIN EC PRIVATE KEY-----", ["a private key in PEM"]),
    "a field": (b'{"dbPassword": "hunter22"}', ["a value called a secret"]),
    "a masked field": (b'{"password": "********"}', []),
    "a url": (b"cannot reach postgres://app:pw0rd@db/x", ["a database's password"]),
    "a word about secrets": (b'{"error": "the password is wrong", "tokenId": "1"}', []),
}


@pytest.mark.parametrize(("content", "found"), LEAKS.values(), ids=LEAKS)
def test_a_secret_is_known_by_its_form(content, found) -> None:
    assert leaks(content, {}) == found


def test_an_answer_that_holds_a_secret_of_the_plan_fails_and_does_not_repeat_it(asked, server) -> None:
    server.leak = b'{"debug": "c0ffee-c0ffee-1234"}'

    finding = asked("/leak", secrets={"API_KEY": "c0ffee-c0ffee-1234"})

    assert (finding.outcome, finding.measured) == (Outcome.FAIL, "an answer holds the value of API_KEY")


def test_what_refuses_bad_input_may_not_leak_either(asked, server) -> None:
    server.leak = b"-----BEGIN PRIVATE KEY-----"
    bad = BadInput(name="bad", ask=Ask(path="/leak"), statuses=(400,))

    assert "an answer holds a private key in PEM" in asked("/leak?1", refuses=(bad,)).measured


SCHEMAS = {
    "not met": ({"properties": {"status": {"const": "ok"}}}, Outcome.FAIL, "$.status: 'ok' was expected"),
    "on the net": ({"$ref": "http://127.0.0.1:9/x.json"}, ServiceError, "refers to what is not in it"),
    "no schema": ({"type": "objekt"}, ServiceError, "is no JSON Schema"),
    "nothing asked": ({}, ServiceError, "is no JSON Schema"),
}


@pytest.mark.parametrize(("schema", "outcome", "says"), SCHEMAS.values(), ids=SCHEMAS)
def test_a_schema_is_met_or_told(asked, tmp_path, schema, outcome, says) -> None:
    (tmp_path / "s.json").write_text(json.dumps(schema))

    if outcome is ServiceError:
        with pytest.raises(ServiceError, match=says):
            asked("/health", schema=tmp_path / "s.json")
    else:
        finding = asked("/health", schema=tmp_path / "s.json")
        assert (finding.outcome, says in finding.measured) == (outcome, True)
