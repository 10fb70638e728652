"""JSON-RPC over HTTP, read strictly: one node, asked once, believed only where it is understood.

No proxies, netrc or certificates from the environment, no redirects, no retries behind anybody's
back. Only "too many requests" is asked again, after a pause, within a budget, and counted: it
says something about us, not about the chain. No sentence holds more of the URL than its host.
"""

from __future__ import annotations

import email.utils
import itertools
import json
import os
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pytest_rollout.core.errors import NetworkError
from pytest_rollout.core.rollout import Url
from pytest_rollout.networks.astray import astray
from pytest_rollout.networks.lines import Lines
from pytest_rollout.networks.logs import in_parts, is_too_large, may_be_cut
from pytest_rollout.networks.methods import Call

if TYPE_CHECKING:
    import requests

MOST_AT_ONCE = 100
"""Calls in one batch to begin with; a node that refuses so many is asked for half as many."""

_FIRST_PAUSE = 0.25
_OK, _TOO_LARGE, _TOO_MANY = 200, 413, 429
_CHUNK = 1 << 16
_SHORTEST_KEY, _SHORTEST_PART = 8, 4
"""Shorter parts of a URL are words of the language as well."""
_LIMITED = re.compile(
    r"rate.?limit|too many requests|requests? (?:per|limit)|compute units|capacity exceeded", re.IGNORECASE
)
_BATCH = re.compile(r"batch", re.IGNORECASE)


class Silent(NetworkError):  # noqa: N818 - a node that did not answer, or not in a way that can be believed
    """One node could not be asked; another one may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A node's own word that it will not answer this call: a JSON-RPC error."""

    code: int
    message: str
    data: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds for a connection, for one answer as a whole, and for all pauses of one call together."""

    connect: float = 5.0
    reply: float = 30.0
    pauses: float = 30.0
    largest: int = 1 << 26
    sleep: Callable[[float], None] = time.sleep


class _TooLong(Silent):
    """An answer of more bytes than are read."""


class _Slower(Exception):  # noqa: N818 - what a node asks for
    """The node wants a pause of so many seconds, or of some."""

    def __init__(self, seconds: float | None) -> None:
        super().__init__()
        self.seconds = seconds


class _Fewer(Exception):  # noqa: N818 - as above
    """The node wants fewer calls at once."""


class Endpoint:
    """One node. ``rate_limited`` counts its answers of "too many requests", ``asked`` the HTTP requests."""

    def __init__(self, network: str, url: Url, patience: Patience | None = None) -> None:
        self.shown = url.shown
        self.asked = 0
        self.rate_limited = 0
        self._network = network
        self._url = url.value
        self._hidden = _secret_parts(url.value)
        self._patience = patience or Patience()
        self._counting = threading.Lock()
        self._numbers = itertools.count(1)
        self._most = MOST_AT_ONCE
        self._takes_so_many = True
        self._lines = Lines()
        self._own = threading.local()
        self._sessions: list[requests.Session] = []

    @property
    def most_at_once(self) -> int:
        """How many calls are put into one request."""
        return self._most

    def ask(self, calls: Sequence[Call]) -> list[Any]:
        """A result, or a ``Refusal``, for each call in order; raises ``Silent``.

        A question for logs that is too large is answered in parts, and as a whole or not at all.
        """
        return [
            answer if _is_whole(call, answer) else in_parts(call, self._alone, _is_whole)
            for call, answer in zip(calls, self._each(calls), strict=True)
        ]

    def _alone(self, call: Call) -> Any:
        return self._each([call])[0]

    def _each(self, calls: Sequence[Call]) -> list[Any]:
        answers: dict[int, Any] = {}
        while still := [index for index in range(len(calls)) if index not in answers]:
            parts = [still[at : at + self._most] for at in range(0, len(still), self._most)]
            if not self._takes_so_many:
                parts = parts[:1]
            told = self._lines.each(lambda part: self._patiently([calls[index] for index in part]), parts)
            self._takes_so_many = None not in told
            for part, given in zip(parts, told, strict=True):
                answers |= zip(part, given or (), strict=given is not None)
        for index, call in enumerate(calls):
            if wrong := astray(call, answers[index]):
                raise self._silent(f"answered {call[0]} with {wrong}")
        return [answers[index] for index in range(len(calls))]

    def close(self) -> None:
        """Let go of the connections."""
        self._lines.close()
        for session in self._sessions:
            session.close()
        self._sessions.clear()
        self._own = threading.local()

    def _patiently(self, calls: Sequence[Call]) -> list[Any] | None:
        """The answers, with pauses where the node asks for them; None where it wants smaller batches."""
        answers: dict[int, Any] = {}
        budget, pause = self._patience.pauses, _FIRST_PAUSE
        while True:
            still = [index for index in range(len(calls)) if index not in answers]
            wanted = None
            try:
                given = self._once([calls[index] for index in still])
                answers |= {i: each for i, each in zip(still, given, strict=True) if not _is_limited(each)}
            except _Fewer:
                self._most = min(self._most, max(1, len(still) // 2))
                return None
            except _Slower as slower:
                wanted = slower.seconds
            if len(answers) == len(calls):
                return [answers[index] for index in range(len(calls))]
            with self._counting:
                self.rate_limited += 1
            pause = pause * 2 if wanted is None else wanted
            if pause > budget:
                raise self._silent(
                    f"answers {_named(calls)} with 'too many requests' (429) and wants a pause of {pause:g} s; "
                    f"{budget:g} s are left of {self._patience.pauses:g}"
                )
            budget -= pause
            self._patience.sleep(pause)

    def _once(self, calls: Sequence[Call]) -> list[Any]:
        """The answers to one HTTP request; ``_Slower`` and ``_Fewer`` are what a node may ask for instead."""
        numbers = [next(self._numbers) for _ in calls]
        bodies = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
            for number, (method, params) in zip(numbers, calls, strict=True)
        ]
        what = _named(calls)
        body = json.dumps(bodies[0] if len(calls) == 1 else bodies, default=plain, separators=(",", ":"))
        content = self._sent(body.encode(), calls, what)
        if content is None:
            return [_TOO_LONG]
        reply = self._parsed(content, what)
        if len(calls) == 1:
            return [self._answer(reply, numbers[0], what)]
        if isinstance(reply, dict) and isinstance(error := reply.get("error"), dict):
            refusal = self._refusal(error)
            if _is_limited(refusal):
                raise _Slower(None)
            if _BATCH.search(refusal.message):
                raise _Fewer
        return self._answers(reply, numbers, what)

    def _sent(self, body: bytes, calls: Sequence[Call], what: str) -> bytes | None:
        """What the node answered; None where it is too long, and fewer blocks can be asked for."""
        is_one = len(calls) == 1
        can_be_split = is_one and is_too_large(calls[0], _TOO_LONG.message)
        try:
            status, seconds, content = self._post(body, what)
        except _TooLong:
            if is_one and not can_be_split:
                raise
            status, seconds, content = _TOO_LARGE, None, b""
        if status == _TOO_MANY:
            raise _Slower(seconds)
        if status == _TOO_LARGE and not is_one:
            raise _Fewer
        if status == _TOO_LARGE and can_be_split:
            return None
        if status != _OK:
            raise self._silent(f"answered {what} with HTTP status {status}")
        return content

    def _answers(self, reply: object, numbers: Sequence[int], what: str) -> list[Any]:
        if not isinstance(reply, list):
            raise self._silent(f"answered {what} with something that is not a list of replies")
        by_id = {}
        for each in reply:
            number = each.get("id") if isinstance(each, dict) else None
            if type(number) is not int or number not in numbers or number in by_id:
                raise self._silent(f"answered {what} with the id {number!r}, which is none of its calls or comes twice")
            by_id[number] = self._answer(each, number, what)
        if len(by_id) != len(numbers):
            raise self._silent(f"answered {len(by_id)} of the {len(numbers)} calls of {what}")
        return [by_id[number] for number in numbers]

    def _answer(self, reply: object, number: int, what: str) -> Any:
        if not isinstance(reply, dict):
            raise self._silent(f"answered {what} with {_short(reply)}, which is no JSON-RPC reply")
        if reply.get("jsonrpc") != "2.0":
            raise self._silent(f"answered {what} in another protocol than JSON-RPC 2.0")
        # A node that cannot even read a request answers it with an error and no id.
        given = reply.get("id")
        if (type(given) is not int or given != number) and not (given is None and "error" in reply):
            raise self._silent(f"answered {what} with the id {given!r} instead of {number}")
        if ("result" in reply) == (reply.get("error") is not None):
            raise self._silent(f"answered {what} with neither or both of a result and an error")
        if (error := reply.get("error")) is None:
            return reply["result"]
        if not isinstance(error, dict):
            raise self._silent(f"answered {what} with {_short(error)} as its error, which is no JSON-RPC error")
        return self._refusal(error)

    def _post(self, body: bytes, what: str) -> tuple[int, float | None, bytes]:
        import requests  # noqa: PLC0415 - paid for where a real chain is asked

        with self._counting:
            self.asked += 1
        latest = time.monotonic() + self._patience.reply
        trouble = ""
        try:
            with self._connected().post(
                self._url,
                data=body,
                timeout=(self._patience.connect, self._patience.reply),
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.is_redirect or 300 <= response.status_code < 400:  # noqa: PLR2004 - as HTTP has it
                    raise self._silent(f"redirects {what} to another place; write where it really answers")
                content = bytearray()
                for chunk in response.iter_content(_CHUNK):
                    content += chunk
                    if len(content) > self._patience.largest:
                        trouble = f"answered {what} with more than {self._patience.largest} bytes"
                        raise _TooLong(str(self._silent(trouble)))
                    if time.monotonic() > latest:
                        raise self._silent(f"did not answer {what} within {self._patience.reply:g} s")
                return response.status_code, _seconds(response.headers.get("Retry-After")), bytes(content)
        except requests.Timeout:
            trouble = f"did not answer {what} within {self._patience.reply:g} s"
        except requests.exceptions.SSLError:
            trouble = "has no certificate that can be trusted"
        except requests.ConnectionError:
            trouble = f"could not be reached, or broke off, during {what}"
        except requests.RequestException as error:
            trouble = f"did not answer {what} ({type(error).__name__})"
        # Outside of the block: requests' own errors hold the whole URL, and must not travel along.
        raise self._silent(trouble)

    def _connected(self) -> requests.Session:
        """One kept connection a thread; a forked copy of this process opens its own."""
        import requests  # noqa: PLC0415 - as above

        if getattr(self._own, "process", None) != os.getpid():
            session = requests.Session()
            session.trust_env = False
            session.headers.update({"Content-Type": "application/json", "User-Agent": "pytest-rollout"})
            self._sessions.append(session)
            self._own.process, self._own.session = os.getpid(), session
        own: requests.Session = self._own.session
        return own

    def _parsed(self, content: bytes, what: str) -> object:
        try:
            parsed: object = json.loads(content, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            parsed = Silent
        if parsed is Silent:
            raise self._silent(f"answered {what} with something that is not JSON")
        return parsed

    def _silent(self, what: str) -> Silent:
        return Silent(f"network {self._network}: the node at {self.shown} {self._clean(what)}.")

    def _refusal(self, error: Mapping[str, Any]) -> Refusal:
        code, message = error.get("code"), error.get("message")
        return Refusal(
            code=code if type(code) is int else 0,
            message=self._clean(message) if isinstance(message, str) else "",
            data=error.get("data"),
        )

    def _clean(self, text: str) -> str:
        """A node's own words without what it was asked with: some tell the key that they did not know."""
        text = text.replace(self._url, self.shown)
        for each in self._hidden:
            text = text.replace(each, "<url>")
        return text


_TOO_LONG = Refusal(code=_TOO_LARGE, message="response too large")
"""What stands for an answer that is too long to be sent or read."""


def _is_whole(call: Call, answer: Any) -> bool:
    """Whether this is all there is to say, rather than a refusal of a question's size or a part of an answer."""
    if isinstance(answer, Refusal):
        return not is_too_large(call, answer.message)
    return not may_be_cut(call, answer)


def plain(value: object) -> object:
    """What web3.py leaves in parameters besides JSON: bytes, and mappings of its own."""
    if isinstance(value, bytes | bytearray):
        return "0x" + value.hex()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be sent to a node as JSON")


def _named(calls: Sequence[Call]) -> str:
    return calls[0][0] if len(calls) == 1 else f"a batch of {len(calls)} calls"


def _secret_parts(url: str) -> list[str]:
    """What of a URL opens doors, longest first: all of it, credentials, long parts of the path, what the query says."""
    split = urlsplit(url)
    path = [each for each in split.path.split("/") if len(each) >= _SHORTEST_KEY]
    query = [each for _, each in parse_qsl(split.query)]
    parts = [url, split.username or "", split.password or "", *path, *query]
    parts += [unquote(each) for each in parts]
    return sorted({each for each in parts if len(each) >= _SHORTEST_PART}, key=len, reverse=True)


def _is_limited(answer: object) -> bool:
    return isinstance(answer, Refusal) and (answer.code == _TOO_MANY or _LIMITED.search(answer.message) is not None)


def _seconds(text: str | None) -> float | None:
    """The pause a node asks for, written as seconds or as a date; None where it is neither."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def _short(value: object) -> str:
    return repr(value)[:40]


def _no_constant(name: str) -> None:
    raise ValueError(name)
