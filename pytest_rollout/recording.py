"""Where a recorder begins: pytest is imported while the supervisor still reads the plan.

The supervisor starts ``python -m pytest_rollout.recording DESCRIPTOR`` at once and writes its orders
to the pipe when it knows them: ``{"arguments": […], "environment": {…}, "folder": …, "supervisor": pid}``.
A pipe that is closed without orders means that nothing is to run. No project code is imported before the orders.
"""

import gc
import importlib
import json
import os
import signal
import sys
from types import ModuleType

_SET_PDEATHSIG = 1


def main(descriptor: int) -> int:
    """Wait for orders, then be pytest; returns pytest's status, or 4 where no orders came."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    plugin = _imported()
    _end_with_parent()
    with os.fdopen(descriptor) as pipe:
        text = pipe.read()
    orders = json.loads(text or "{}")
    if orders.get("supervisor") != os.getppid():
        return 4
    os.chdir(orders["folder"])
    os.environ.update(orders["environment"])
    sys.argv = ["pytest", *orders["arguments"]]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    import pytest  # noqa: PLC0415 - it is there by now

    try:
        return int(pytest.main(orders["arguments"], plugins=[plugin]))
    finally:
        gc.freeze()  # nothing is garbage in what ends with this process


def _imported() -> ModuleType:
    """Our plugin, with pytest and everything both will need, as long as there is time.

    What is imported here stays: the garbage collector need not look at it whenever it looks. Its
    bytecode is kept as that of any import is; only that of the gate's own files never is.
    """
    gc.disable()
    sys.dont_write_bytecode = False
    plugin = importlib.import_module("pytest_rollout.plugin")
    importlib.import_module("pytest_rollout.plugin.ahead")
    sys.dont_write_bytecode = True
    gc.freeze()
    gc.enable()
    return plugin


def _end_with_parent() -> None:
    """A recorder whose supervisor was killed has nobody to tell; the kernel ends it (Linux)."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - on Linux alone

        ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
