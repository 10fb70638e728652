"""Answers over HTTP: bounded in size and time, patient with rate limits, silent about credentials.

One ``Web`` holds the connections of all sources of a run; it is asked from many threads at once.
Proxies, ``.netrc`` and certificates named in the environment are not used.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin

from pytest_rollout.core.errors import MetricError
from pytest_rollout.metrics.address import Address, origin
from pytest_rollout.metrics.strict_json import BadJsonError, parse

if TYPE_CHECKING:
    import requests

CONNECTIONS = 128
"""Connections kept to one host: as many sources as a gate asks at the same time."""
MOST_BYTES = 64 * 1024 * 1024
MOST_ATTEMPTS = 5
MOST_REDIRECTS = 3
LONGEST_GET = 4_000
PATIENCE_SECONDS = 30.0
"""How long a source that says "later" is waited for, all waits together."""
LATER = frozenset({429, 502, 503, 504})
TOO_MANY = 429
_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer: its status, its JSON, when the server says it was made, and how often it was asked for."""

    status: int
    document: Any
    made: datetime | None
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to ask. ``parameters`` go into the URL, or a form where they are long; ``read`` parses."""

    address: Address
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_seconds: float = 10.0
    certificates: str | None = None
    read: Callable[[bytes], Any] = parse


class UnreachableError(MetricError):
    """The source could not be asked: nobody there, too slow, too busy, or no answer of its own."""


class Web:
    """Connections that are kept, one pool for all sources; ``sleep`` and ``clock`` are the waiting itself."""

    def __init__(
        self,
        *,
        connections: int = CONNECTIONS,
        patience_seconds: float = PATIENCE_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        import requests  # noqa: PLC0415 - 0.2 s, for those who ask over HTTP

        from pytest_rollout.metrics.deadline import Punctual  # noqa: PLC0415 - as above

        self._patience = patience_seconds
        self._sleep = sleep
        self._reading = threading.Lock()  # one at a time is as fast, and a hundredth of the memory
        self._clock = clock
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Accept"] = "application/json"
        self._session.headers["User-Agent"] = "pytest-rollout"
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, Punctual(pool_maxsize=connections, max_retries=0))

    def ask(self, request: Request) -> Page:
        """The answer; waits and asks again where the server says "later". Raises ``MetricError``."""
        waited, attempts = 0.0, 0
        while True:
            attempts += 1
            page, why, wait = self._once(request, attempts)
            if page is not None:
                return page
            pause = min(0.25 * 2**attempts, 8.0) if wait is None else wait
            if attempts >= MOST_ATTEMPTS or waited + pause > self._patience:
                raise UnreachableError(f"{request.address.shown}: {why}{_gave_up(attempts, wait, self._patience)}.")
            self._sleep(pause)
            waited += pause

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def _once(self, request: Request, attempts: int) -> tuple[Page | None, str, float | None]:
        """An answer; or why there is none yet, and how long the server asks to wait."""
        shown = request.address.shown
        until = self._clock() + request.timeout_seconds
        with (
            self._translated(shown, request.timeout_seconds),
            contextlib.closing(self._send(request, until)) as response,
        ):
            if response.status_code in LATER:
                return None, _later(response.status_code), _retry_after(response.headers.get("Retry-After"))
            body = self._read(response, shown, until, request.timeout_seconds)
            status, kind = response.status_code, response.headers.get("Content-Type", "")
            made = _date(response.headers.get("Date"))
        try:
            with self._reading:
                document = request.read(body)
        except BadJsonError as error:
            is_page = "html" in kind.casefold() or body.lstrip()[:1] == b"<"
            what = "is a web page (HTML), not JSON: a proxy or a login page?" if is_page else f"{error}."
            raise UnreachableError(f"{shown}: the answer, status {status}, {what}") from None
        return Page(status=status, document=document, made=made, attempts=attempts), "", None

    def _send(self, request: Request, until: float) -> requests.Response:
        from urllib3 import Timeout  # noqa: PLC0415 - loaded by now

        form = urlencode(request.parameters)
        url, method, body = request.address.url, "GET", None
        headers = dict(request.headers)
        if len(form) > LONGEST_GET:
            method, body = "POST", form
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif form:
            url += f"{'&' if '?' in url else '?'}{form}"
        for _ in range(MOST_REDIRECTS + 1):
            timeout: Any = Timeout(total=max(0.001, until - self._clock()))
            response = self._session.request(
                method,
                url,
                data=body,
                headers=headers,
                auth=request.address.credentials,
                timeout=timeout,
                allow_redirects=False,
                stream=True,
                verify=request.certificates or True,
            )
            if not response.is_redirect:
                return response
            response.close()
            url = urljoin(url, response.headers["Location"])
            if origin(url) != request.address.origin:
                scheme, host, port = origin(url)
                raise MetricError(
                    f"{request.address.shown}: the answer sends elsewhere, to {scheme}://{host}:{port}; "
                    "no other server is asked, so write the source's own address."
                )
        raise MetricError(f"{request.address.shown}: more than {MOST_REDIRECTS} redirects; write the final address.")

    def _read(self, response: requests.Response, shown: str, until: float, timeout: float) -> bytes:
        parts: list[bytes] = []
        size = 0
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            size += len(chunk)
            if size > MOST_BYTES:
                raise MetricError(f"{shown}: the answer is larger than {MOST_BYTES // 2**20} MiB; ask for less.")
            if self._clock() > until:
                raise UnreachableError(f"{shown}: the answer was not complete within {timeout:g} s.")
            parts.append(chunk)
        return b"".join(parts)

    @contextlib.contextmanager
    def _translated(self, shown: str, timeout: float) -> Any:
        """Foreign troubles as ours; their texts hold addresses and are not repeated."""
        from requests import exceptions  # noqa: PLC0415 - loaded by now
        from urllib3.exceptions import HTTPError, ReadTimeoutError  # noqa: PLC0415 - as above

        try:
            yield
        except (exceptions.Timeout, ReadTimeoutError):
            raise UnreachableError(f"{shown}: no answer within {timeout:g} s.") from None
        except exceptions.SSLError as error:
            raise UnreachableError(f"{shown}: TLS: {_tls_reason(error)}.") from None
        except (exceptions.InvalidHeader, UnicodeError):
            raise MetricError(f"{shown}: a header of the request holds characters that none may hold.") from None
        except (exceptions.RequestException, HTTPError, OSError) as error:
            raise UnreachableError(f"{shown}: {_reason(error)}.") from None


def _later(status: int) -> str:
    return "too many requests (429)" if status == TOO_MANY else f"not available (status {status})"


def _gave_up(attempts: int, wait: float | None, patience: float) -> str:
    times = "1 attempt" if attempts == 1 else f"{attempts} attempts"
    if wait is not None and wait > patience:
        return f" after {times}; it asks to wait {wait:g} s, and {patience:g} s is the longest wait"
    return f" after {times}"


def _retry_after(text: str | None) -> float | None:
    """Seconds to wait, as the server says it: a number or a date; None where it says nothing usable."""
    if text is None:
        return None
    if text.strip().isdecimal() and text.isascii() and len(text) <= len("86400000"):
        return float(text)
    moment = _date(text)
    return None if moment is None else max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except (TypeError, ValueError, IndexError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _tls_reason(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not trusted ({cause.verify_message})"
        if isinstance(cause, ssl.SSLError):
            return f"no secure connection ({(cause.reason or 'unknown').replace('_', ' ').lower()})"
    return "no secure connection"


def _reason(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.strerror and cause.errno is not None:
            return f"nobody answers ({cause.strerror.lower()})"
    return "the connection broke off, or the answer is no HTTP"


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what stands behind it: causes, contexts, reasons and wrapped arguments."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting and len(found) < 20:  # noqa: PLR2004 - deep enough for every library
        each = waiting.pop(0)
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            waiting += [*each.args, each.__cause__, each.__context__, getattr(each, "reason", None)]
    return found
