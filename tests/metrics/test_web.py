"""What stands between a source and its answer: proxies, rate limits, redirects, TLS, endless bodies."""

from __future__ import annotations

import contextlib
import gzip
import json
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.errors import MetricError
from pytest_rollout.metrics import web as web_module
from pytest_rollout.metrics.address import address
from pytest_rollout.metrics.web import Page, Request, UnreachableError, Web
from tests.metrics.conftest import Answer, Site


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def web(slept: list[float]) -> Iterator[Web]:
    """Connections that note how long they would have waited."""
    made = Web(sleep=slept.append)
    yield made
    made.close()


def ask(web: Web, url: str, **given: Any) -> Page:
    return web.ask(Request(address=address(url), **given))


BUSY = Answer(status=429)
FINE = Answer(body={"fine": 1})


def busy(text: str) -> Answer:
    return Answer(status=429, headers={"Retry-After": text})


@pytest.mark.parametrize(
    ("answers", "waits"),
    [
        ([BUSY, BUSY, FINE], [0.5, 1.0]),
        ([busy("7"), FINE], [7.0]),
        ([busy("nonsense"), busy("-3"), FINE], [0.5, 1.0]),
        ([Answer(status=503), Answer(status=502), FINE], [0.5, 1.0]),
        ([busy("Thu, 01 Jan 1970 00:00:00 GMT"), FINE], [0.0]),
    ],
    ids=["without Retry-After", "with it", "with nonsense in it", "unavailable", "a date that has passed"],
)
def test_later_is_waited_for_and_counted(
    web: Web, site: Site, slept: list[float], answers: list[Answer], waits: list[float]
) -> None:
    site.answers = list(answers)

    page = ask(web, site.url)

    assert page.document == {"fine": 1}
    assert page.attempts == len(answers)
    assert slept == waits


def test_a_date_says_how_long_to_wait(web: Web, site: Site, slept: list[float]) -> None:
    site.answers = [busy(format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)), FINE]

    ask(web, site.url)

    assert 10 < slept[0] <= 20


@pytest.mark.parametrize(
    ("answer", "says", "waits"),
    [
        (BUSY, "too many requests (429) after 5 attempts.", 4),
        (busy("3600"), "too many requests (429) after 1 attempt; it asks to wait 3600 s, and 30 s is the longest wait.", 0),
        (busy("12"), "too many requests (429) after 3 attempts.", 2),
        (Answer(status=504), "not available (status 504) after 5 attempts.", 4),
    ],
    ids=["for ever", "an hour", "again and again", "a gateway"],
)  # fmt: skip
def test_waiting_has_an_end(web: Web, site: Site, slept: list[float], answer: Answer, says: str, waits: int) -> None:
    """The budget is the source's own: neither a success nor a failure of the service."""
    site.answers = [answer]

    with pytest.raises(UnreachableError) as caught:
        ask(web, site.url)

    assert str(caught.value) == f"{site.url}: {says}"
    assert len(slept) == waits


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        (b"<!doctype html><title>Sign in</title>", "text/html", "is a web page (HTML), not JSON: a proxy or a login page?"),
        (b"\n <html>", "application/json", "is a web page (HTML), not JSON"),
        (b"", "application/json", "is empty"),
        (b'{"a": 1', "application/json", "is no JSON document"),
        (b'{"a": NaN}', "application/json", "has NaN, which is no JSON"),
        (b'{"a": -Infinity}', "application/json", "has -Infinity, which is no JSON"),
        (b'{"a": 1, "a": 0}', "application/json", "has the key 'a' twice"),
        (b'{"a": {"b": 1, "b": 1}}', "application/json", "has the key 'b' twice"),
        (b"[" * 100_000, "application/json", "is nested too deeply"),
        (b"9" * 5_000, "application/json", "is no JSON document"),
        ('{"a": "é"}'.encode("latin-1"), "application/json", "is not UTF-8"),
        (b"\xef\xbb\xbf{}", "application/json", "is no JSON document"),
        (b"{} {}", "application/json", "is no JSON document"),
    ],
    ids=[
        "a login page", "a page that says JSON", "nothing", "cut off", "NaN", "infinity", "a key twice",
        "a key twice inside", "nested", "a long number", "latin-1", "a byte-order mark", "two documents",
    ],
)  # fmt: skip
def test_bodies_that_are_no_json(web: Web, site: Site, body: bytes, kind: str, says: str) -> None:
    site.answers = [Answer(body=body, headers={"Content-Type": kind})]

    with pytest.raises(UnreachableError) as caught:
        ask(web, site.url)

    assert says in str(caught.value)


def test_a_redirect_to_another_host_is_not_followed(web: Web, site: Site) -> None:
    """The answer of a server that nobody declared is no evidence, and it would be handed the token."""
    site.answers = [Answer(status=302, headers={"Location": "http://elsewhere.example:8080/login?next=secret"})]

    with pytest.raises(MetricError) as caught:
        ask(web, site.url, headers={"Authorization": "Bearer kept-secret"})

    assert "sends elsewhere, to http://elsewhere.example:8080; no other server is asked" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("location", ["/other", "//127.0.0.1:{port}/other"])
def test_a_redirect_on_the_same_host_is_followed(web: Web, site: Site, location: str) -> None:
    port = site.url.rpartition(":")[2]
    site.answers = [Answer(status=307, headers={"Location": location.format(port=port)}), FINE]

    assert ask(web, site.url).document == {"fine": 1}
    assert site.asked[1]["path"] == "/other"


def test_redirects_have_an_end(web: Web, site: Site) -> None:
    site.answers = [Answer(status=302, headers={"Location": "/again"})]

    with pytest.raises(MetricError, match="more than 3 redirects"):
        ask(web, site.url)


def test_a_long_question_is_sent_as_a_form(web: Web, site: Site) -> None:
    site.answers = [FINE]

    ask(web, site.url, parameters={"query": "x" * 9_000})

    assert site.asked[0]["body"] == "query=" + "x" * 9_000


def test_credentials_in_the_address_are_sent_and_never_shown(web: Web, site: Site) -> None:
    site.answers = [Answer(status=302, headers={"Location": "http://elsewhere.example/"})]
    place = address(site.url.replace("http://", "http://me:kept%2Dsecret@") + "/api?key=kept-secret")

    with pytest.raises(MetricError) as caught:
        web.ask(Request(address=place))

    assert site.asked[0]["headers"]["Authorization"].startswith("Basic ")
    assert "kept" not in f"{caught.value} {place!r} {place.shown}"


@pytest.mark.parametrize(
    "text",
    ["", "127.0.0.1:9090", "ftp://x", "http://", "http://[::1", "http://a:99999/", "http://a b/", "file:///etc/passwd"],
)
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(MetricError, match="write for example 'http://127.0.0.1:9090'"):
        address(text)


def test_the_environment_is_not_asked(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A proxy or a .netrc of the machine would send questions and passwords where the plan did not say."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password kept-secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    site.answers = [FINE]
    web = Web()

    assert ask(web, site.url).document == {"fine": 1}
    assert "Authorization" not in site.asked[0]["headers"]
    web.close()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_an_answer_without_end_is_cut(web: Web, site: Site, monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    """A few kilobytes of gzip become gigabytes; what is counted is what comes out."""
    monkeypatch.setattr(web_module, "MOST_BYTES", 100_000)
    body = json.dumps("x" * 10_000_000).encode()
    headers = {"Content-Encoding": "gzip"} if packed else {}
    site.answers = [Answer(body=gzip.compress(body) if packed else body, headers=headers)]

    with pytest.raises(MetricError, match="the answer is larger than"):
        ask(web, site.url)


def test_an_answer_that_drips_is_given_up(web: Web, site: Site) -> None:
    """Each byte comes in time, the whole never does."""

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(1000):
            try:
                handler.wfile.write(b" ")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.02)

    site.answers = [drip]

    with pytest.raises(UnreachableError, match=r"no answer within 0\.2 s|not complete within 0\.2 s"):
        ask(web, site.url, timeout_seconds=0.2)


@pytest.mark.parametrize("what", ["status", "header", "blank lines"])
def test_headers_that_drip_are_given_up(web: Web, site: Site, what: str) -> None:
    """Each byte comes in time, and would begin an ordinary timeout anew: it would take ten seconds."""
    sent = {
        "status": b"HTTP/1.1 2",
        "header": b"HTTP/1.1 200 OK\r\nX-Slow: ",
        "blank lines": b"HTTP/1.1 100 Continue\r\n",
    }
    gone, ended = threading.Event(), list[str]()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        with contextlib.suppress(OSError):
            handler.wfile.write(sent[what])
            for _ in range(500):
                handler.wfile.write(b"0")
                if gone.wait(0.02):
                    return
            ended.append(what)

    site.answers = [drip]

    with pytest.raises(UnreachableError, match=r"no answer within 0\.2 s"):
        ask(web, site.url, timeout_seconds=0.2)
    gone.set()
    assert not ended


def test_a_server_that_says_nothing_is_given_up(web: Web, site: Site) -> None:
    site.answers = [lambda _: time.sleep(0.5)]

    with pytest.raises(UnreachableError, match=r"no answer within 0\.1 s"):
        ask(web, site.url, timeout_seconds=0.1)


def test_a_connection_that_breaks_off_is_an_error(web: Web, site: Site) -> None:
    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"a":')
        handler.close_connection = True

    site.answers = [cut]

    with pytest.raises(UnreachableError, match="broke off"):
        ask(web, site.url)


def test_a_certificate_nobody_vouches_for(web: Web, secure: Site, tmp_path: Path) -> None:
    secure.answers = [FINE]

    with pytest.raises(UnreachableError, match=r"TLS: the certificate is not trusted \(self-signed certificate\)"):
        ask(web, secure.url)


def test_a_certificate_the_plan_vouches_for(web: Web, secure: Site, certificate: Path) -> None:
    assert ask(web, secure.url, certificates=str(certificate)).document == {"secure": 1}


def test_https_towards_a_plain_server(web: Web, site: Site) -> None:
    site.answers = [FINE]

    with pytest.raises(UnreachableError, match="TLS: no secure connection"):
        ask(web, site.url.replace("http:", "https:"))


def test_a_name_that_does_not_exist(web: Web) -> None:
    with pytest.raises(UnreachableError, match="http://no-such-host.invalid: nobody answers"):
        ask(web, "http://no-such-host.invalid/")


def test_a_token_that_no_header_may_hold(web: Web, site: Site) -> None:
    site.answers = [FINE]

    with pytest.raises(MetricError, match="characters that none may hold") as caught:
        ask(web, site.url, headers={"Authorization": "Bearer kept\r\nsecret"})

    assert "kept" not in str(caught.value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that vouches for itself, with its key beside it."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run([*command.split(), *names], cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem"


@pytest.fixture
def secure(certificate: Path) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"secure": 1}')

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield Site(url=f"https://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()
    thread.join()
