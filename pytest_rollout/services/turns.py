"""One item at a time asks a service: a rate limit used up by one would refuse the requests of another."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(host: str) -> Iterator[None]:
    """Wait until nobody else on this machine asks ``host``."""
    name = hashlib.sha256(host.encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir(), f"rollout-turn-{os.getuid()}-{name}")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
