"""One HTTP request to a declared service: no proxy, no redirect, bounded in time and size."""

from __future__ import annotations

import http.client
import ssl
import time
from urllib.error import HTTPError, URLError
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from pytest_rollout.core.endpoint import Service
from pytest_rollout.core.errors import ConfigurationError

LARGEST = 32 * 1024 * 1024
_CHUNK = 64 * 1024


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """None: another host is another service."""


def ask(service: Service, path: str, body: bytes | None = None, accept: str = "*/*") -> bytes:
    """The answer's body, of status 200 alone; raises ``ConfigurationError``."""
    limit = service.limit.total_seconds()
    until = time.monotonic() + limit
    headers = {"Accept": accept, "User-Agent": "pytest-rollout"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    request = Request(service.url.rstrip("/") + path, data=body, headers=headers)  # noqa: S310 - http(s), as the plan says
    try:
        with _opener(service).open(request, timeout=limit) as response:
            return _read(response, f"{service.name}{path}", until)
    except HTTPError as error:
        error.close()
        raise ConfigurationError(f"{service.name}{path}: answers {error.code}, not 200.") from None
    except TimeoutError:
        raise ConfigurationError(f"{service.name}{path}: no whole answer within {limit:g} s.") from None
    except (URLError, OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        if isinstance(reason, TimeoutError):
            raise ConfigurationError(f"{service.name}{path}: no whole answer within {limit:g} s.") from None
        raise ConfigurationError(f"{service.name}{path}: does not answer ({str(reason)[:200]}).") from None


def _read(response: http.client.HTTPResponse, where: str, until: float) -> bytes:
    if response.status != http.client.OK:
        raise ConfigurationError(f"{where}: answers {response.status}, not 200.")
    content = bytearray()
    while chunk := response.read1(_CHUNK):
        content += chunk
        if len(content) > LARGEST:
            raise ConfigurationError(f"{where}: answers more than {LARGEST // 1024**2} MiB.")
        if time.monotonic() > until:
            raise TimeoutError
    return bytes(content)


def _opener(service: Service) -> OpenerDirector:
    context = ssl.create_default_context()
    if service.ca is not None:
        try:
            context.load_verify_locations(service.ca)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                f"service {service.name}: {service.ca.name} holds no certificates ({error})."
            ) from None
    return build_opener(ProxyHandler({}), _NoRedirect, HTTPHandler(), HTTPSHandler(context=context))
