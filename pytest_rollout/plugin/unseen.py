"""What nobody could see: exceptions that futures and tasks keep to themselves, coroutines that never ran."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator
from types import ModuleType
from typing import Any

import pytest

from pytest_rollout.plugin.imported import when_imported

Told = Callable[[str, str], None]
"""Is told what happened, and what it was about."""

_NEVER = ("never retrieved", "Exception in callback")
"""In what a loop of asyncio says of exceptions that reach nobody."""


class Unseen:
    """Hears of them where they happen, whatever filters, handlers and contexts a test sets up."""

    def __init__(self, trouble: Told, warning: Callable[[str], None]) -> None:
        self._trouble = trouble
        self._warning = warning
        self._unasked: dict[int, tuple[Any, BaseException]] = {}

    def watch(self) -> None:
        """From now on, in this process."""
        tells: Any = vars(warnings)["_warn_unawaited_coroutine"]  # the interpreter looks for it under this name

        def never_awaited(coroutine: Any) -> None:
            self._warning(f"coroutine '{coroutine.__qualname__}' was never awaited")
            tells(coroutine)

        vars(warnings)["_warn_unawaited_coroutine"] = never_awaited
        when_imported({"asyncio.base_events": self._watch_loops, "concurrent.futures._base": self._watch_futures})

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """What an item leaves behind is its own."""
        try:
            return (yield)
        finally:
            self._tell_unasked()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """What came after the last item; pytest itself searches for garbage before our last word."""
        self._tell_unasked()

    def _tell_unasked(self) -> None:
        for _, error in [self._unasked.pop(key) for key in list(self._unasked)]:
            self._trouble("an exception that nobody asked its future for", f"{type(error).__name__}: {error}")

    def _watch_futures(self, module: ModuleType) -> None:
        future, unasked = module.Future, self._unasked
        sets = future.set_exception

        def set_exception(self: Any, exception: BaseException | None) -> None:
            if exception is not None:
                unasked[id(self)] = self, exception
            sets(self, exception)

        def asked(method: Callable[..., Any]) -> Callable[..., Any]:
            def asks(self: Any, timeout: float | None = None) -> Any:
                try:
                    return method(self, timeout)
                finally:
                    if self.done():
                        unasked.pop(id(self), None)

            return asks

        future.set_exception, future.result, future.exception = (
            set_exception,
            asked(future.result),
            asked(future.exception),
        )

    def _watch_loops(self, module: ModuleType) -> None:
        handles = module.BaseEventLoop.call_exception_handler

        def call_exception_handler(loop: Any, context: dict[str, Any]) -> None:
            error, what = context.get("exception"), str(context.get("message", ""))
            if error is not None and any(each in what for each in _NEVER):
                self._trouble("an exception of asyncio that nobody saw", f"{type(error).__name__}: {error}")
            handles(loop, context)

        module.BaseEventLoop.call_exception_handler = call_exception_handler
