"""Keeps the plan's secrets out of whatever is written, in every spelling we know of.

A secret is a value that ``${NAME}`` took from the environment; it is shown as ``<NAME>``. What
prints it is foreign: a client that lower-cases a key, an error that names the host and the path
apart, a header in base64, a record in JSON. Redaction is the best we can do before writing;
``is_clean`` looks at what was written, and whoever asks refuses what is not clean.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from pytest_rollout.core.inert import shortened

SHORTEST = 6
"""Shorter values are replaced only where they are the whole text: ``1`` or ``dev`` is in too many words."""

_SEGMENT = 12
_LONGEST_KEY = 1024
_HEX = re.compile(r"(?:0[xX])?(?P<digits>[0-9a-fA-F]{8,})")
_MARGIN = 4096
_LOCAL = re.compile(r"localhost|127\.[0-9.]+|0\.0\.0\.0|::1")
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,20}://)(?P<userinfo>[^\s/?#@'\"<>]{1,2000})@")
_TOKEN = re.compile(
    r"(?P<key>[?&;](?:[\w.-]{0,40}?)(?:token|key|secret|passw(?:or)?d|sig(?:nature)?|auth|credential|code)=)"
    r"(?P<value>[^\s&#;'\"<>]+)",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"(?P<head>Authorization['\"]?\s*[:=]\s*['\"]?(?:Bearer|Basic|Token)\s+|\bBearer\s+(?=\S{16}))"
    r"(?P<value>[A-Za-z0-9._~+/=-]+)",
    re.IGNORECASE,
)
_OPENS = re.compile(r"token|key|secret|passw|sig|auth|credential|code", re.IGNORECASE)


class Redactor:
    """Replaces the secrets of one plan, by name. Values in URLs are told apart into their secret parts."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._whole = {value: f"<{name}>" for name, value in secrets.items() if value}
        spellings: dict[str, str] = {}
        for name, value in sorted(secrets.items(), key=lambda secret: -len(secret[1])):
            for spelling in _spellings(value):
                spellings.setdefault(_lowered(spelling), f"<{name}>")
        self._spellings = sorted(spellings.items(), key=lambda spelling: -len(spelling[0]))
        self._encoded = [spelling.encode("utf-8", "surrogatepass") for spelling, _ in self._spellings]

    def text(self, text: str) -> str:
        """``text`` with every secret replaced by ``<NAME>``, and credentials in any URL by ``<redacted>``."""
        if text in self._whole:
            return self._whole[text]
        if self._spellings and (found := self._find(text)):
            text = _replaced(text, found)
        if "://" in text:
            text = _USERINFO.sub(r"\g<scheme><redacted>@", text)
        if "=" in text:
            text = _TOKEN.sub(r"\g<key><redacted>", text)
        if "uthorization" in text or "earer" in text:
            text = _HEADER.sub(r"\g<head><redacted>", text)
        return text

    def bounded(self, text: str, limit: int) -> str:
        """As ``text``; of what is longer than ``limit`` characters both ends, and between them how much was cut.

        The time it takes hangs on ``limit``, not on the length: only the ends are looked at, each with a margin that
        is thrown away, so that a secret at the cut is not kept by half.
        """
        margin = max([_MARGIN, *(len(spelling) for spelling, _ in self._spellings[:1])])
        if len(text) <= 2 * (limit + margin):
            return shortened(self.text(text), limit)
        head = self.text(text[: limit + margin])[:-margin]
        tail = self.text(text[-limit - margin :])[margin:]
        note = f"… {len(text) - limit:,} characters cut …"
        return f"{head[: limit - limit // 3]}\n{note}\n{tail[-(limit // 3) :]}"

    def value(self, value: Any) -> Any:
        """A JSON-like value with every text in it redacted, keys and long integers included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.value(key): self.value(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.value(each) for each in value)
        return self._integer(value) if type(value) is int else value

    def is_clean(self, data: bytes) -> bool:
        """Whether no spelling of a secret stands in bytes that are about to be kept."""
        if not self._encoded:
            return True
        lowered = data.lower()  # ASCII letters only, as for texts
        return not any(spelling in lowered for spelling in self._encoded)

    def _integer(self, value: int) -> int | str:
        if not self._spellings or abs(value) < 10**SHORTEST or value.bit_length() > 4096:  # noqa: PLR2004
            return value
        shown = str(value)
        redacted = self.text(shown)
        return value if redacted == shown else redacted

    def _find(self, text: str) -> list[tuple[int, int, str]]:
        """Where secrets stand: start, end, what to show; longest spelling first."""
        lowered = text.lower() if text.isascii() else _lowered(text)
        found = []
        for spelling, shown in self._spellings:
            start = lowered.find(spelling)
            while start >= 0:
                end = start + len(spelling)
                found.append((start, end, shown))
                start = lowered.find(spelling, end)
        return found


def _lowered(text: str) -> str:
    """ASCII letters in lower case and all others as they are, so that places stay where they were."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def _replaced(text: str, found: list[tuple[int, int, str]]) -> str:
    """Replace what was found; where finds overlap, all of it, and the longest gives the name."""
    merged: list[tuple[int, int, int, str]] = []
    for start, end, shown in sorted(found, key=lambda place: (place[0], -place[1])):
        length = end - start
        if merged and start < merged[-1][1]:
            first, last, longest, name = merged[-1]
            merged[-1] = (first, max(last, end), max(longest, length), shown if length > longest else name)
        else:
            merged.append((start, end, length, shown))
    parts = []
    done = 0
    for start, end, _, shown in merged:
        parts += [text[done:start], shown]
        done = end
    return "".join([*parts, text[done:]])


def _spellings(value: str) -> Iterator[str]:
    """Every text that gives ``value`` away, unless it is too short to look for."""
    for secret in {value, value.strip(), *_parts_of_url(value)}:
        if len(secret) >= SHORTEST:
            yield from _written(secret)
    if match := _HEX.fullmatch(value.strip()):
        yield from (spelling for spelling in _written_key(match["digits"]) if len(spelling) >= SHORTEST)


def _written(secret: str) -> Iterator[str]:
    """A text as URLs, JSON, Python, XML and base64 write it."""
    yield secret
    yield quote(secret, errors="surrogatepass")
    yield quote(secret, safe="", errors="surrogatepass")
    yield quote_plus(secret, errors="surrogatepass")
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield html.escape(secret, quote=False)
    yield html.escape(secret)
    yield from _in_base64(secret.encode("utf-8", "surrogatepass"))


def _written_key(digits: str) -> Iterator[str]:
    """A key given in hex, without prefix, as a number and as bytes."""
    yield digits
    if len(digits) > _LONGEST_KEY:
        return
    yield str(int(digits, 16))
    if len(digits) % 2 == 0:
        raw = bytes.fromhex(digits)
        yield repr(raw)[2:-1]
        yield from _in_base64(raw)


def _in_base64(raw: bytes) -> Iterator[str]:
    """What of ``raw`` is the same wherever it stands in a text that was encoded whole."""
    for before in range(3):
        # A group of three bytes makes four characters: those shared with a neighbour are cut off.
        encoded = base64.b64encode(bytes(before) + raw)
        start = (0, 2, 3)[before]
        end = (before + len(raw)) // 3 * 4 + (0, 1, 2)[(before + len(raw)) % 3]
        kept = encoded[start:end].decode("ascii")
        if len(kept) >= 2 * SHORTEST or (before == 0 and len(kept) >= SHORTEST):
            yield kept
            yield kept.translate(str.maketrans("+/", "-_"))


def _parts_of_url(value: str) -> Iterator[str]:
    """The parts of a URL that open doors by themselves: user, password, host, path, tokens."""
    try:
        url = urlsplit(value.strip())
        host, port = url.hostname or "", url.port
    except ValueError:
        return
    if not url.scheme or "://" not in value:
        return
    userinfo = url.netloc.rpartition("@")[0]
    for part in (userinfo, url.password or url.username):
        if part:
            yield part
            yield unquote(part)
    if host and not _LOCAL.fullmatch(host):
        yield host
        yield f"{host}:{port}" if port else host
    keys = [segment for segment in url.path.split("/") if _is_key(segment)]
    for part in (f"{url.path}?{url.query}", url.path, *keys) if keys else ():
        yield part
        yield unquote(part)
    for key, token in parse_qsl(url.query):
        if _OPENS.search(key) or _is_key(token):
            yield token


def _is_key(text: str) -> bool:
    """Whether part of an address looks like a key rather than a word: ``/v3/9aa3d95b3bc440fa``."""
    return len(text) >= _SEGMENT and any(map(str.isdigit, text))
