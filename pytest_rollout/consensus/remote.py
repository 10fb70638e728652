"""Engines outside this process: a command, a process of our own, a server. All answer in plain values.

``is_elsewhere`` tells a dual run that they compute beside the caller, not in its stead.

A command gets one line ``{"block": …}`` and answers with one, ``{"value": …}`` or
``{"raised": "Reason", "text": "…"}``; a server gets the same as a POST. Bytes travel as ``0x…``.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import sys
import threading
from pathlib import Path
from typing import Any

from pytest_rollout.consensus.pipe import Pipe, PipeBrokenError, SilentError
from pytest_rollout.core.comparison import canonical
from pytest_rollout.core.errors import EngineError

START_SECONDS = 60.0


class EngineDied(Exception):  # noqa: N818 - the word a refusal carries
    """The engine's process ended, or its server gave no answer that can be read."""

    refusal = "EngineDied"


class EngineRefused(Exception):  # noqa: N818 - as above
    """The engine raised, over there; ``refusal`` is the class of its reason."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.refusal = reason


class EngineSilent(Exception):  # noqa: N818 - as above
    """The engine did not answer within its limit; the dual run counts it as a timeout."""


def _answer(document: Any) -> Any:
    if isinstance(document, dict) and "value" in document and "raised" not in document:
        return document["value"]
    if isinstance(document, dict) and isinstance(document.get("raised"), str) and document["raised"]:
        raise EngineRefused(document["raised"], str(document.get("text", "")))
    raise EngineDied(f"it answered {str(document)[:200]!r}, which is neither a value nor a refusal")


class CommandEngine:
    """A program as an engine."""

    is_elsewhere = True

    def __init__(self, command: tuple[str, ...], *, folder: Path, seconds: float, memory: int | None = None) -> None:
        self.version = " ".join(command)
        self._seconds = seconds
        self._pipe = Pipe(command, folder=folder, memory=memory)

    def verify_block(self, block: Any) -> Any:
        """The program's answer; the block goes in canonical form."""
        try:
            return _answer(self._pipe.ask({"block": canonical(block)}, self._seconds))
        except SilentError:
            raise EngineSilent from None
        except PipeBrokenError as error:
            raise EngineDied(str(error)) from None

    def close(self) -> None:
        """End the program."""
        self._pipe.close()


class ProcessEngine:
    """An engine by import path, in a process of its own with a bound on its memory."""

    is_elsewhere = True

    def __init__(self, target: str, *, folder: Path, seconds: float, memory: int | None = None) -> None:
        self.target = target
        self._seconds = seconds
        command = [sys.executable, "-m", "pytest_rollout.consensus.child", target, str(folder)]
        package = str(Path(__file__).parents[2])
        path = [package, *(each for each in sys.path if each)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
        self._pipe = Pipe(command, folder=folder, memory=memory, environment=environment)
        self._loading = threading.Lock()
        self._pid: int | None = None
        self.tokens: tuple[str, ...] = ()
        self.version = self._load(START_SECONDS)

    @property
    def pid(self) -> int | None:
        """The child's process number."""
        return self._pipe.pid

    def ready(self) -> None:
        """Raise ``EngineError`` unless the engine is loaded over there."""
        self._load(START_SECONDS)

    def verify_block(self, block: Any) -> Any:
        """The engine's answer, in canonical form; the block goes whole."""
        if self._pid is None or self._pid != self._pipe.pid:
            try:
                self._load(START_SECONDS)  # a child that ended is started again, outside the block's own limit
            except EngineError as error:
                raise EngineDied(str(error)) from None
        question = {"pickle": base64.b64encode(pickle.dumps(block, protocol=5)).decode()}
        try:
            return _answer(self._pipe.ask(question, self._seconds))
        except SilentError:
            raise EngineSilent from None
        except PipeBrokenError as error:
            raise EngineDied(str(error)) from None

    def close(self) -> None:
        """End the child."""
        self._pipe.close()

    def _load(self, seconds: float) -> str:
        with self._loading:
            try:
                said = self._pipe.ask({"hello": True}, seconds)
            except SilentError:
                raise EngineError(f"engine {self.target}: did not load within {seconds:g} s.") from None
            except PipeBrokenError as error:
                raise EngineError(f"engine {self.target}: {error} while it loaded.") from None
            if not isinstance(said, dict) or "version" not in said:
                text = said.get("error") if isinstance(said, dict) else said
                self._pipe.close()
                raise EngineError(f"{text}")
            self._pid = self._pipe.pid
            self.tokens = tuple(map(str, said.get("tokens", ())))
            return str(said["version"])


class HttpEngine:
    """A server as an engine: ``POST`` of ``{"block": …}`` as JSON."""

    is_elsewhere = True

    def __init__(self, url: str, *, seconds: float) -> None:
        import requests  # noqa: PLC0415 - only where an engine is a server

        self.version = url
        self._url = url
        self._seconds = seconds
        self._local = threading.local()
        self._requests = requests

    def verify_block(self, block: Any) -> Any:
        """The server's answer; anything but status 200 is a dead engine."""
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = self._requests.Session()
            session.trust_env = False
        try:
            response = session.post(self._url, json={"block": canonical(block)}, timeout=self._seconds)
        except self._requests.Timeout:
            raise EngineSilent from None
        except self._requests.RequestException as error:
            raise EngineDied(f"no answer ({type(error).__name__})") from None
        if response.status_code != 200:  # noqa: PLR2004 - OK
            raise EngineDied(f"status {response.status_code}")
        try:
            return _answer(json.loads(response.content))
        except ValueError:
            raise EngineDied("its answer is no JSON") from None
