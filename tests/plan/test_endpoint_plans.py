"""Services and endpoints in a plan: what they mean, and one sentence for each mistake."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import jsonschema
import pytest

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.endpoint import Ask, BadInput, Endpoint, Load, Quota, Service
from pytest_rollout.core.results import Format, Result
from pytest_rollout.core.rollout import Rollout
from pytest_rollout.core.units import UNITS
from pytest_rollout.plan import schema
from pytest_rollout.plan.endpoints import SECURITY, TRANSPORT

PLACE = "suites/takumi/rollout.toml: "
HEAD = """
[rollout]
name = "t"
[services.api]
url = "https://api.example.org/v1"
ca = "devnet.json"
timeout = "5s"
[services.local]
url = "http://127.0.0.1:8000"
[stages.beta]
"""
GOOD = (
    HEAD
    + """
[[stages.beta.endpoints]]
name = "mint"
service = "api"
path = "/mint?dry=1"
method = "POST"
headers = { Content-Type = "application/json" }
body = '{"amount": 1}'
status = [200, 201]
shape = "flags.json"
values = { pointer = "/status", equals = "healthy" }
answer_headers = { X-Frame-Options = "^DENY$" }
security_headers = true
never_says = "Traceback"
certificate = "30d"
cors = { allowed = ["https://app.example.org"], refused = ["null"] }
p95 = "< 500 ms"
requests = 200
at_once = 4
within = "2m"
rate_limit = { requests = 100, per = "1m" }
advisory = true
[[stages.beta.endpoints.refuses]]
name = "negative"
body = '{"amount": -1}'
[[stages.beta.endpoints.refuses]]
name = "no key"
headers = { Authorization = "" }
status = 401
[[stages.beta.endpoints]]
name = "health"
service = "local"
path = "/health"
"""
)


def test_endpoints_become_the_values_they_mean(load_text: Callable[..., Rollout]) -> None:
    rollout = load_text(GOOD)
    mint, health = rollout.stages[0].checks
    local = Service(name="local", url="http://127.0.0.1:8000")
    ask = Ask(
        method="POST",
        path="/mint?dry=1",
        headers=(("Content-Type", "application/json"),),
        body='{"amount": 1}',
    )

    assert rollout.services["local"] == local
    assert health == Endpoint(name="health", service=local, ask=Ask(path="/health"))
    assert mint == Endpoint(
        name="mint",
        service=Service(
            name="api",
            url="https://api.example.org/v1",
            ca=rollout.folder / "devnet.json",
            limit=timedelta(seconds=5),
        ),
        ask=ask,
        statuses=(200, 201),
        schema=rollout.folder / "flags.json",
        values=(Result(format=Format.JSON, pointer="/status", equals="healthy"),),
        headers=tuple((dict([*SECURITY, TRANSPORT]) | {"X-Frame-Options": "^DENY$"}).items()),
        never_says=("Traceback",),
        certificate=timedelta(days=30),
        origins=("https://app.example.org",),
        refused_origins=("null",),
        load=Load(
            p95=Bound(relation=Relation.LESS, limit=Fraction(1, 2), unit=UNITS["ms"]),
            requests=200,
            at_once=4,
            limit=timedelta(minutes=2),
        ),
        quota=Quota(requests=100, period=timedelta(minutes=1)),
        refuses=(
            BadInput(name="negative", ask=Ask(**_of(ask) | {"body": '{"amount": -1}'})),
            BadInput(
                name="no key",
                ask=Ask(**_of(ask) | {"headers": (*ask.headers, ("Authorization", ""))}),
                statuses=(401,),
            ),
        ),
        required=False,
    )


def _of(ask: Ask) -> dict[str, Any]:
    return {"method": ask.method, "path": ask.path, "headers": ask.headers, "body": ask.body}


def test_the_schema_takes_the_same() -> None:
    jsonschema.Draft202012Validator(schema()).validate(json.loads(json.dumps(tomllib.loads(GOOD))))


def endpoint(text: str, service: str = "local", path: str = "/health") -> str:
    return f'{HEAD}[[stages.beta.endpoints]]\nname = "e"\nservice = "{service}"\npath = "{path}"\n{text}\n'


def url(text: str) -> str:
    return GOOD.replace("http://127.0.0.1:8000", text)


AT = "stages.beta.endpoints['e']"
MISTAKES = {
    "a typo": (endpoint("p99 = 1"), f"{AT}: no key 'p99'"),
    "no path": (endpoint("").replace('path = "/health"\n', ""), f"{AT}: 'path' is missing"),
    "an unknown service": (
        endpoint("", service="apl"),
        f"{AT}.service: no service 'apl'; the plan has api, local. Did you mean 'api'?",
    ),
    "an address as path": (
        endpoint("", path="https://evil.example.org"),
        f"{AT}.path: 'https://evil.example.org' is no path; begin it with '/'",
    ),
    "a line break in a path": (endpoint("", path="/a\\r\\nHost: x"), f"{AT}.path: '/a\\r\\nHost: x' is no path"),
    "a line break in a header": (
        endpoint('headers = { A = "b\\r\\nC: d" }'),
        f"{AT}.headers.A: 'b\\r\\nC: d' is no header's value",
    ),
    "a header's name": (endpoint('headers = { "A b" = "c" }'), f"{AT}.headers: 'A b' is no header's name."),
    "an unknown method": (endpoint('method = "FETCH"'), f"{AT}.method: no method 'FETCH'"),
    "a status of another kind": (endpoint("status = 20"), f"{AT}.status"),
    "no schema there": (endpoint('shape = "none.json"'), f"{AT}.shape: no file 'none.json'"),
    "a bound in another unit": (
        endpoint('p95 = "< 5 gas"'),
        f"{AT}.p95: '< 5 gas' is in gas, but the metric is measured in ms",
    ),
    "too few requests for a percentile": (
        endpoint('p95 = "< 5 ms"\nrequests = 19'),
        f"{AT}.requests: 19 is out of range",
    ),
    "requests for nothing": (
        endpoint("requests = 50"),
        f"{AT}.requests: is about p95, which is not declared; write p95 too.",
    ),
    "a certificate without TLS": (
        endpoint('certificate = "30d"'),
        f"{AT}.certificate: service local is not asked over https, so it shows none.",
    ),
    "no origin": (endpoint("cors = {}"), f"{AT}.cors: is empty, which checks nothing"),
    "an origin with a path": (
        endpoint('cors = { allowed = ["https://a.example.org/x"] }'),
        f"{AT}.cors.allowed[#1]: 'https://a.example.org/x' is no origin",
    ),
    "an origin on both sides": (
        endpoint('cors = { allowed = ["null"], refused = ["null"] }'),
        f"{AT}.cors.refused[#1]: 'null' is allowed as well; write it once.",
    ),
    "a period too long": (
        endpoint('rate_limit = { requests = 5, per = "1h" }'),
        f"{AT}.rate_limit.per: '1h' is longer than 5m",
    ),
    "refused with 500": (
        endpoint('refuses = { name = "x", body = "y", status = 500 }'),
        f"{AT}.refuses.status: 500 refuses no input; write one from 400 to 499, not 429.",
    ),
    "refused by the rate": (endpoint('refuses = { name = "x", body = "y", status = 429 }'), "429 refuses no input"),
    "the same request": (endpoint('refuses = { name = "x" }'), f"{AT}.refuses: is the endpoint's own request"),
    "a value without a bound": (endpoint('values = { pointer = "/a" }'), f"{AT}.values: needs bound or equals"),
    "a user in an address": (url("http://jo:pw@127.0.0.1"), "services.local.url: has a user in it"),
    "a query in an address": (url("http://127.0.0.1/?a=1"), "services.local.url: 'http://127.0.0.1/?a=1' has a query"),
    "no host": (url("http://"), "services.local.url: 'http://' is no address"),
    "another protocol": (url("ftp://127.0.0.1"), "services.local.url: 'ftp://127.0.0.1' is no address"),
    "a port out of range": (url("http://127.0.0.1:99999"), "is no address"),
    "two of a name": (
        endpoint("") + '[[stages.beta.endpoints]]\nname = "E"\nservice = "local"\npath = "/"\n',
        "stages.beta.endpoints['E'].name: is the name of two endpoints of this stage",
    ),
}


@pytest.mark.parametrize(("plan", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_one_sentence(sentence_of: Any, plan: str, says: str) -> None:
    sentence = sentence_of(plan)

    assert sentence.startswith(PLACE)
    assert says in sentence


def test_a_user_in_an_address_is_not_repeated(sentence_of: Any) -> None:
    assert "pw" not in sentence_of(url("http://jo:pw@127.0.0.1"))
