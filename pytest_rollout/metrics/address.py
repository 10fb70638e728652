"""An address to ask, taken apart: what goes over the wire, what is kept secret, what may be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

from pytest_rollout.core.errors import MetricError

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A web address without its credentials; ``shown`` has scheme, host and port alone: paths hold keys too."""

    url: str = field(repr=False)
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    shown: str = ""

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: who is asked."""
        return origin(self.url)

    def below(self, path: str) -> Address:
        """The same address with ``path`` appended to its own."""
        parts = urlsplit(self.url)
        url = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + path, parts.query, ""))
        return Address(url=url, credentials=self.credentials, shown=self.shown)


def address(text: str) -> Address:
    """The address of a source; raises ``MetricError`` for what is none, without repeating it."""
    how = "write for example 'http://127.0.0.1:9090'"
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise MetricError(f"the source's url is no web address; {how}.") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise MetricError(f"the source's url is no http or https address; {how}.")
    if not text.strip().isprintable() or any(map(str.isspace, text.strip())):
        raise MetricError(f"the source's url holds spaces or unprintable characters; {how}.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = f"{host}:{port}" if port else host
    credentials = None
    if parts.username is not None or parts.password is not None:
        credentials = (unquote(parts.username or ""), unquote(parts.password or ""))
    return Address(
        url=urlunsplit((parts.scheme, place, parts.path, parts.query, "")),
        credentials=credentials,
        shown=f"{parts.scheme}://{place}",
    )


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").casefold(), parts.port or _PORTS.get(parts.scheme, 0)
