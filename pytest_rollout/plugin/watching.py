"""What is noted of the item that runs now: what left it, and whether a frame of its own function ran."""

from __future__ import annotations

import inspect
import sys
from types import CodeType, FrameType
from typing import Any

import pytest


class Running:
    """What is noted of the item that runs now."""

    def __init__(self, item: pytest.Item) -> None:
        self.nodeid = item.nodeid
        self.phases: list[list[Any]] = []
        self.texts: list[str] = []
        self.cause = ""
        self.is_assertion = False
        self.calls = 0
        self._code = _code_of(item)
        self.body_ran: bool | None = None if self._code is None else False

    def raised(self, error: BaseException) -> None:
        """Note what left the test; a skip or an imperative xfail says so itself in the report."""
        if isinstance(error, pytest.skip.Exception | pytest.xfail.Exception):
            return
        self.cause = type(error).__name__
        self.is_assertion = isinstance(error, AssertionError | pytest.fail.Exception)

    def watching(self) -> Watch:
        """Look for a frame of the test's own function while the block runs."""
        return Watch(self, self._code)


class Watch:
    """A profile function that takes itself out as soon as it has seen the frame it waits for."""

    def __init__(self, running: Running, code: CodeType | None) -> None:
        self._running = running
        self._code = code
        self._before: Any = None

    def __enter__(self) -> None:
        if self._code is not None:
            self._before = sys.getprofile()
            sys.setprofile(self._watch)

    def __exit__(self, *_: object) -> None:
        if self._code is not None and not self._running.body_ran:
            sys.setprofile(self._before)

    def _watch(self, frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code is self._code:
            self._running.body_ran = True
            sys.setprofile(self._before)


def _code_of(item: pytest.Item) -> CodeType | None:
    function = getattr(item, "obj", None)
    given = getattr(function, "hypothesis", None)
    function = getattr(given, "inner_test", function)
    function = inspect.unwrap(function) if callable(function) else None
    return getattr(getattr(function, "__func__", function), "__code__", None)
