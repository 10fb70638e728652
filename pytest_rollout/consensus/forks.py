"""A forked process has none of its parent's threads, and locks as they happened to be: it begins with its own."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable


def begin_after_fork(begin: Callable[[], None]) -> None:
    """Call a bound method in every process that is forked from here, as long as its object lives."""
    method = weakref.WeakMethod(begin)

    def anew() -> None:
        alive = method()
        if alive is not None:
            alive()

    if hasattr(os, "register_at_fork"):  # where it is not, nothing forks
        os.register_at_fork(after_in_child=anew)
