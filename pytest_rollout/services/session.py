"""A ``requests`` session for each declared service: its base address, its limit, and no other host."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

from pytest_rollout.core.declared import Declared
from pytest_rollout.core.endpoint import Service
from pytest_rollout.core.errors import ServiceError
from pytest_rollout.services.http import Line

LARGEST = 16 * 1024 * 1024
"""An answer is read up to here, in bytes."""


class ServiceSession(requests.Session):
    """``session.get("/health")``: paths of one service; redirects are answers and never followed.

    A whole answer takes no longer than the service's ``timeout``; ``ServiceError`` is raised where it
    does, where it cannot be had, and for an address of another host. ``.elapsed`` of an answer is the
    time to its last byte. Cookies are not kept; proxies and passwords of the machine are not used.
    """

    def __init__(self, service: Service) -> None:
        super().__init__()
        self.service = service
        self.trust_env = False
        self.headers.pop("Accept-Encoding", None)
        self.adapters.clear()
        self.mount(f"{service.url.rstrip('/')}/", _Bounded(service))

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **more: Any) -> requests.Response:
        """The answer to one request, read whole."""
        path = url.decode() if isinstance(url, bytes) else url
        place = path if "://" in path else f"{self.service.url.rstrip('/')}/{path.lstrip('/')}"
        own, asked = urlsplit(self.service.url), urlsplit(place)
        if (own.scheme, own.netloc) != (asked.scheme, asked.netloc):
            name = self.service.name
            raise ServiceError(
                f"service {name}: {asked.netloc} is another host than the plan names; declare it as well."
            )
        return super().request(method, place, *args, **more | {"allow_redirects": False})


class _Bounded(BaseAdapter):
    """Carries requests over a ``Line``, which no server can keep waiting."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service
        self._base = urlsplit(service.url).path.rstrip("/")
        self._line = Line(service, LARGEST)
        self._builder = HTTPAdapter()

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """One request, one whole answer."""
        body = request.body or b""
        headers = {str(name): str(value) for name, value in request.headers.items()}
        path = request.path_url.removeprefix(self._base)
        content = body.encode() if isinstance(body, str) else bytes(body)
        answer = self._line.send(str(request.method), path, headers, content)
        if answer.error:
            raise ServiceError(f"service {self._service.name}: {request.method} {path}: {answer.error}.")
        raw = HTTPResponse(
            body=io.BytesIO(answer.body),
            headers=answer.headers,
            status=answer.status,
            preload_content=False,
        )
        return self._builder.build_response(request, raw)

    def close(self) -> None:
        """Close the connection."""
        self._line.close()


class Services(Declared[Service, ServiceSession]):
    """The declared services by name, each opened when it is first asked for."""

    what, error = "service", ServiceError

    def __init__(self, declared: Mapping[str, Service]) -> None:
        super().__init__(declared, self._once)
        self._open: dict[str, ServiceSession] = {}

    def _once(self, service: Service) -> ServiceSession:
        if service.name not in self._open:
            self._open[service.name] = ServiceSession(service)
        return self._open[service.name]

    def close(self) -> None:
        """Close every connection."""
        for session in self._open.values():
            session.close()
        self._open.clear()
