"""What is noted of the item that runs now: what left it, and how a frame of its own function ran."""

from __future__ import annotations

import dis
import inspect
import os
import sys
from collections.abc import Container
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

import pytest
from _pytest.unittest import TestCaseFunction

from pytest_rollout.plugin.asserting import writes_assertions


class Running:
    """What is noted of the item that runs now.

    ``pinned`` are the ids of the functions that the gate's files write: of such an item, only a
    frame of that function in that file proves anything, whatever the item carries by then.
    """

    def __init__(self, item: pytest.Item, pinned: Container[str] = frozenset()) -> None:
        self.nodeid = item.nodeid
        self.phases: list[list[Any]] = []
        self.texts: list[str] = []
        self.cause = ""
        self.is_assertion = False
        self.calls = 0
        self.body = _Body.of(item, pinned)
        self.body_ran: bool | None = None if self.body is None else False
        self.body_raised = False
        self.is_case = isinstance(item, TestCaseFunction)
        self.writes_asserts = False

    def raised(self, error: BaseException) -> None:
        """Note what left the test; a skip or an imperative xfail says so itself in the report."""
        if isinstance(error, pytest.skip.Exception | pytest.xfail.Exception):
            return
        self.cause = type(error).__name__
        self.is_assertion = isinstance(error, AssertionError | pytest.fail.Exception)

    @property
    def left(self) -> str:
        """What left the function: its class, or that it was swallowed by a decorator or a hook before we saw it."""
        is_green = all(outcome == "passed" for _, outcome, _ in self.phases)
        return self.cause or ("an exception" if self.body_raised and is_green else "")

    def watching(self) -> Watch:
        """Look for a frame of the test's own function while the block runs."""
        return Watch(self)


class Watch:
    """A profile function that takes itself out as soon as it has seen the frame it waits for.

    The frame is kept until the test has ended, for it tells how it was left: at a return, or at
    the instruction that raised.
    """

    def __init__(self, running: Running) -> None:
        self._running = running
        self._body = running.body
        self._frame: FrameType | None = None
        self._before: Any = None

    def __enter__(self) -> None:
        if self._body is not None:
            self._before = sys.getprofile()
            sys.setprofile(self._watch)

    def __exit__(self, *_: object) -> None:
        if self._body is not None and not self._running.body_ran:
            sys.setprofile(self._before)
        if self._frame is not None:
            self._running.body_raised = not _has_returned(self._frame)
            self._frame = None

    def _watch(self, frame: FrameType, event: str, _argument: object) -> None:
        if event != "call" or self._body is None:
            return
        if frame.f_code is self._body.outer:
            self._frame = frame
        if self._body.is_of(frame.f_code):
            self._frame = self._frame or frame
            self._running.body_ran = True
            self._running.writes_asserts = writes_assertions(frame.f_code, is_case=self._running.is_case)
            sys.setprofile(self._before)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Body:
    """The function an item is about: ``place`` is file and qualified name where the gate's files write it.

    ``outer`` is what runs the function again and again, as hypothesis does, and may swallow what leaves it.
    """

    code: CodeType | None
    outer: CodeType | None
    place: tuple[str, str] | None

    @classmethod
    def of(cls, item: pytest.Item, pinned: Container[str]) -> _Body | None:
        """What to wait for; None for a kind of item that has no function."""
        function = getattr(item, "obj", None)
        inner = getattr(getattr(function, "hypothesis", None), "inner_test", None)
        code = _code_of(inner if inner is not None else function)
        file, _, names = item.nodeid.partition("::")
        name = names.partition("[")[0].partition("@")[0]
        place = (str(item.path), name.replace("::", ".")) if f"{file}::{name}" in pinned else None
        if code is None and place is None:
            return None
        return cls(code=code, outer=None if inner is None else _code_of(function, unwraps=False), place=place)

    def is_of(self, code: CodeType) -> bool:
        """Whether this is the function's own code."""
        if self.place is None or self.outer is not None:
            return code is self.code and (self.place is None or self._is_here(code))
        return self._is_here(code)

    def _is_here(self, code: CodeType) -> bool:
        file, name = self.place or ("", "")
        return code.co_qualname == name and (
            code.co_filename == file or os.path.realpath(code.co_filename) == os.path.realpath(file)
        )


def _code_of(function: Any, *, unwraps: bool = True) -> CodeType | None:
    if unwraps and callable(function):
        function = inspect.unwrap(function)
    return getattr(getattr(function, "__func__", function), "__code__", None)


def _has_returned(frame: FrameType) -> bool:
    """Whether a frame that is done was left by a return, in CPython 3.11 and later."""
    return frame.f_lasti >= 0 and dis.opname[frame.f_code.co_code[frame.f_lasti]].startswith("RETURN_")
