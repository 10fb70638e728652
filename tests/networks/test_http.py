"""A node over HTTP is believed only where it is understood, and its URL is never told."""

from __future__ import annotations

import email.utils
import gzip
import json
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from pytest_rollout.core.rollout import Url
from pytest_rollout.networks.http import Endpoint, Patience, Refusal, Silent

SECRETS = ("pass1234", "9aa3d95b3bc440fa", "5b3bc440", "127.0.0.1")
CALL = ("eth_x", [])
REDIRECT = (307, {"Location": "http://elsewhere.example/9aa3d95b3bc440fa"}, b"")


def ok(request: Any, **content: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request["id"], **content}


def raw(content: bytes, status: int = 200, **headers: str) -> tuple[int, dict[str, str], bytes]:
    return status, headers, content


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def node(stub: Callable[[], Any]) -> Any:
    return stub()


@pytest.fixture
def endpoint(node: Any, pauses: list[float]) -> Endpoint:
    return Endpoint("mainnet", node.url, Patience(reply=0.5, pauses=10, largest=1000, sleep=pauses.append))


def trouble(endpoint: Endpoint, calls: Any = (CALL,)) -> str:
    """What the node did, without who it is; the URL is in no part of the error."""
    with pytest.raises(Silent) as caught:
        endpoint.ask(list(calls))
    whole = "".join(traceback.format_exception(caught.value))
    assert not any(secret in whole.replace("<RPC_", "") for secret in SECRETS), whole
    told = str(caught.value)
    assert told.startswith(f"network mainnet: the node at {endpoint.shown} ")
    return told.removeprefix(f"network mainnet: the node at {endpoint.shown} ")


MISUNDERSTOOD: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a page": (lambda _: raw(b"<html>Welcome</html>"), "answered eth_x with something that is not JSON."),
    "nothing": (lambda _: raw(b""), "answered eth_x with something that is not JSON."),
    "null": (lambda _: None, "answered eth_x with None, which is no JSON-RPC reply."),
    "true": (lambda _: True, "answered eth_x with True, which is no JSON-RPC reply."),
    "a list": (lambda r: [ok(r, result="0x1")], "answered eth_x with [{'jsonrpc': '2.0', 'id': 1, 'result': '"),
    "NaN": (
        lambda r: raw(b'{"jsonrpc":"2.0","id":%d,"result":NaN}' % r["id"]),
        "answered eth_x with something that is not JSON.",
    ),
    "another id": (lambda r: ok({"id": r["id"] + 1}, result="0x1"), "answered eth_x with the id 2 instead of 1."),
    "true as id": (lambda _: ok({"id": True}, result="0x1"), "answered eth_x with the id True instead of 1."),
    "text as id": (lambda _: ok({"id": "1"}, result="0x1"), "answered eth_x with the id '1' instead of 1."),
    "no id": (lambda _: {"jsonrpc": "2.0", "result": "0x1"}, "answered eth_x with the id None instead of 1."),
    "no protocol": (
        lambda r: {"id": r["id"], "result": "0x1"},
        "answered eth_x in another protocol than JSON-RPC 2.0.",
    ),
    "result and error": (
        lambda r: ok(r, result="0x1", error={"code": 1, "message": ""}),
        "answered eth_x with neither or both of a result and an error.",
    ),
    "neither": (ok, "answered eth_x with neither or both of a result and an error."),
    "an error that is text": (
        lambda r: ok(r, error="no"),
        "answered eth_x with 'no' as its error, which is no JSON-RPC error.",
    ),
    "503": (lambda _: raw(b"busy", 503), "answered eth_x with HTTP status 503."),
    "404 with a good reply": (
        lambda r: raw(json.dumps(ok(r, result="0x1")).encode(), 404),
        "answered eth_x with HTTP status 404.",
    ),
    "a redirect": (lambda _: REDIRECT, "redirects eth_x to another place; write where it really answers."),
    "more than anybody reads": (lambda _: raw(b" " * 2000), "answered eth_x with more than 1000 bytes."),
    "little that grows": (
        lambda _: raw(gzip.compress(b" " * 100_000), **{"Content-Encoding": "gzip"}),
        "answered eth_x with more than 1000 bytes.",
    ),
    "less than it says": (
        lambda _: raw(b"{}", **{"Content-Length": "100"}),
        "could not be reached, or broke off, during eth_x.",
    ),
}


@pytest.mark.parametrize(("answer", "told"), MISUNDERSTOOD.values(), ids=MISUNDERSTOOD)
def test_what_is_not_understood_is_no_answer(
    node: Any, endpoint: Endpoint, answer: Callable[[Any], Any], told: str
) -> None:
    node.answer = answer

    assert trouble(endpoint).startswith(told)
    assert len(node.asked) == 1, "it was asked again"


def test_a_node_that_drips_is_given_up_as_a_whole(node: Any, endpoint: Endpoint) -> None:
    """Each byte in time is not an answer in time."""

    def drips(_: Any) -> Any:
        time.sleep(0.7)
        return raw(b"{}")

    node.answer = drips

    assert trouble(endpoint) == "did not answer eth_x within 0.5 s."


def test_nobody_there_is_told_without_the_address(stub: Callable[[], Any]) -> None:
    gone = stub()
    gone.close()

    assert trouble(Endpoint("mainnet", gone.url)) == "could not be reached, or broke off, during eth_x."


def test_a_page_of_another_protocol_is_told(node: Any) -> None:
    endpoint = Endpoint("mainnet", Url(value=node.url.value.replace("http://", "https://"), shown="<RPC>"))

    assert trouble(endpoint) in {"has no certificate that can be trusted.", "could not be reached for eth_x."}


def test_half_the_requests_failing_is_not_hidden(node: Any, endpoint: Endpoint) -> None:
    """A retry behind one's back would make a provider that is down every second time look healthy."""
    node.answer = lambda r: raw(b"", 503) if len(node.asked) % 2 else ok(r, result="0x1")

    answers = []
    for _ in range(6):
        try:
            answers.append(endpoint.ask([CALL]))
        except Silent:
            answers.append(None)

    assert answers == [None, ["0x1"]] * 3
    assert endpoint.asked == len(node.asked) == 6


def test_the_environment_s_proxies_are_not_used(node: Any, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sets a variable could answer in the chain's name."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert endpoint.ask([CALL]) == ["0x1"]


def test_a_call_s_refusal_is_a_value_of_its_own(node: Any, endpoint: Endpoint) -> None:
    node.answer = lambda r: ok(r, error={"code": 3, "message": "execution reverted", "data": "0x08"})

    assert endpoint.ask([CALL]) == [Refusal(code=3, message="execution reverted", data="0x08")]


def limited(times: int, node: Any, **headers: str) -> Callable[[Any], Any]:
    return lambda r: raw(b"slow down", 429, **headers) if len(node.asked) <= times else ok(r, result="0x1")


def test_too_many_requests_are_backed_off_and_counted(node: Any, endpoint: Endpoint, pauses: list[float]) -> None:
    node.answer = limited(3, node)

    assert endpoint.ask([CALL]) == ["0x1"]
    assert pauses == [0.5, 1.0, 2.0]
    assert endpoint.rate_limited == 3


def test_a_node_says_how_long_to_wait(node: Any, endpoint: Endpoint, pauses: list[float]) -> None:
    node.answer = limited(2, node, **{"Retry-After": "3"})

    assert endpoint.ask([CALL]) == ["0x1"]
    assert pauses == [3.0, 3.0]


def test_a_node_says_until_when_to_wait(node: Any, endpoint: Endpoint, pauses: list[float]) -> None:
    node.answer = limited(1, node, **{"Retry-After": email.utils.formatdate(time.time() + 5, usegmt=True)})

    assert endpoint.ask([CALL]) == ["0x1"]
    assert 2 < pauses[0] <= 5


def test_a_pause_that_is_no_time_is_one_of_ours(node: Any, endpoint: Endpoint, pauses: list[float]) -> None:
    node.answer = limited(1, node, **{"Retry-After": "soon"})

    assert endpoint.ask([CALL]) == ["0x1"]
    assert pauses == [0.5]


@pytest.mark.parametrize(
    ("headers", "waited", "told"),
    [
        pytest.param({}, [0.5, 1.0, 2.0, 4.0], "8 s; 2.5 s", id="again and again"),
        pytest.param({"Retry-After": "3600"}, [], "3600 s; 10 s", id="an hour"),
    ],
)
def test_waiting_has_an_end(
    node: Any, endpoint: Endpoint, pauses: list[float], headers: dict[str, str], waited: list[float], told: str
) -> None:
    node.answer = limited(100, node, **headers)

    assert trouble(endpoint) == (
        f"answers eth_x with 'too many requests' (429) and wants a pause of {told} are left of 10."
    )
    assert pauses == waited


def test_a_limit_told_as_an_error_is_one_as_well(node: Any, endpoint: Endpoint, pauses: list[float]) -> None:
    """Some providers answer 200 and say it inside."""
    error = {"code": -32005, "message": "Too Many Requests: daily request count exceeded"}
    node.answer = lambda r: ok(r, error=error) if len(node.asked) == 1 else ok(r, result="0x1")

    assert endpoint.ask([CALL]) == ["0x1"]
    assert (pauses, endpoint.rate_limited) == ([0.5], 1)


BATCH = [("eth_a", []), ("eth_b", [1]), ("eth_c", [])]


def test_a_batch_is_one_request_answered_in_any_order(node: Any, endpoint: Endpoint) -> None:
    node.answer = lambda requests: [ok(r, result=r["method"]) for r in reversed(requests)]

    assert endpoint.ask(BATCH) == ["eth_a", "eth_b", "eth_c"]
    assert len(node.asked) == 1


def test_one_call_of_a_batch_that_is_refused_hides_no_other(node: Any, endpoint: Endpoint) -> None:
    node.answer = lambda requests: [
        ok(r, error={"code": -32000, "message": "no"}) if r["method"] == "eth_b" else ok(r, result="0x1")
        for r in requests
    ]

    assert endpoint.ask(BATCH) == ["0x1", Refusal(code=-32000, message="no"), "0x1"]


def test_only_the_calls_that_were_too_many_are_asked_again(node: Any, endpoint: Endpoint, pauses: list[float]) -> None:
    def answer(request: Any) -> Any:
        if isinstance(request, dict):
            return ok(request, result="late")
        return [
            ok(r, error={"code": 429, "message": ""}) if r["method"] == "eth_b" else ok(r, result="0x1")
            for r in request
        ]

    node.answer = answer

    assert endpoint.ask(BATCH) == ["0x1", "late", "0x1"]
    assert (len(node.asked[0]), node.asked[1]["method"]) == (3, "eth_b")


def test_what_fits_no_batch_is_asked_in_several_at_the_same_time(node: Any) -> None:
    """On a slow line three requests take as long as one: here each is answered only when all three are there."""
    all_there = threading.Barrier(3, timeout=10)
    endpoint = Endpoint("mainnet", node.url, Patience(reply=20))

    def answer(request: Any) -> Any:
        all_there.wait()
        return [ok(each, result=each["method"]) for each in reversed(request)]

    node.answer = answer
    calls = [(f"eth_{number}", []) for number in range(250)]

    assert endpoint.ask(calls) == [method for method, _ in calls]
    assert endpoint.ask(calls) == [method for method, _ in calls]
    assert sorted(len(each) for each in node.asked) == [50, 50, 100, 100, 100, 100]
    endpoint.close()


def test_a_part_that_is_not_answered_is_an_error_of_the_whole(node: Any) -> None:
    endpoint = Endpoint("mainnet", node.url, Patience(reply=20))
    node.answer = lambda request: raw(b"", 503) if len(request) < 100 else [ok(each, result=1) for each in request]

    assert trouble(endpoint, [CALL] * 250) == "answered a batch of 50 calls with HTTP status 503."
    endpoint.close()


@pytest.mark.parametrize("how", ["status 413", "an error of the whole"])
def test_a_node_that_takes_fewer_calls_at_once_gets_fewer(node: Any, endpoint: Endpoint, how: str) -> None:
    def answer(request: Any) -> Any:
        requests = request if isinstance(request, list) else [request]
        if len(requests) > 2:
            if how == "status 413":
                return raw(b"", 413)
            return {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batch size too large"}}
        replies = [ok(r, result=r["method"]) for r in requests]
        return replies if isinstance(request, list) else replies[0]

    node.answer = answer
    calls = [(f"eth_{number}", []) for number in range(9)]

    assert endpoint.ask(calls) == [method for method, _ in calls]
    assert endpoint.ask(calls[:2]) == ["eth_0", "eth_1"]


ODD_BATCHES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "one reply": (lambda rs: ok(rs[0], result=1), "answered a batch of 3 calls with something that is not a list"),
    "one is missing": (
        lambda rs: [ok(r, result=1) for r in rs[1:]],
        "answered 2 of the 3 calls of a batch of 3 calls.",
    ),
    "one comes twice": (
        lambda rs: [ok(r, result=1) for r in (*rs, rs[0])],
        "answered a batch of 3 calls with the id 1, which is none of its calls or comes twice.",
    ),
    "an id that was never asked": (
        lambda rs: [ok({"id": 77}, result=1)],
        "answered a batch of 3 calls with the id 77, which is none of its calls or comes twice.",
    ),
    "true as id": (
        lambda rs: [ok({"id": True}, result=1)],
        "answered a batch of 3 calls with the id True, which is none of its calls or comes twice.",
    ),
    "numbers": (
        lambda rs: [1, 2, 3],
        "answered a batch of 3 calls with the id None, which is none of its calls or comes twice.",
    ),
    "one with both": (
        lambda rs: [ok(r, result=1, error={"code": 1, "message": ""}) for r in rs],
        "answered a batch of 3 calls with neither or both of a result and an error.",
    ),
}


@pytest.mark.parametrize(("answer", "told"), ODD_BATCHES.values(), ids=ODD_BATCHES)
def test_a_batch_is_answered_call_by_call_or_not_at_all(
    node: Any, endpoint: Endpoint, answer: Callable[[Any], Any], told: str
) -> None:
    node.answer = answer

    assert trouble(endpoint, BATCH).startswith(told)
