"""A Dask cluster as an executor, by its scheduler's address."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from pytest_rollout.core.errors import EngineError

SECONDS = 30


@contextmanager
def dask_executor(address: str) -> Iterator[Executor]:
    """The executor of a running cluster, such as ``tcp://scheduler:8786``; raises ``EngineError`` without one."""
    try:
        from distributed import Client  # noqa: PLC0415 - an extra
    except ImportError:
        raise EngineError("replay on Dask needs the extra 'dask': pip install 'pytest-rollout[dask]'.") from None
    try:
        client: Any = Client(address, timeout=SECONDS, set_as_default=False)  # type: ignore[no-untyped-call] # Dask has no types
    except (OSError, ValueError) as error:
        raise EngineError(f"no Dask scheduler answers at {address} ({type(error).__name__}).") from error
    try:
        if not client.scheduler_info()["workers"]:
            raise EngineError(f"the Dask cluster at {address} has no worker.")
        yield client.get_executor(pure=False)
    finally:
        client.close()
