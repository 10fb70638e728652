"""Where a recorder begins: pytest is imported while the supervisor still reads the plan.

The supervisor starts ``python -m pytest_rollout.recording DESCRIPTOR`` at once and writes its orders
to the pipe when it knows them: ``{"arguments": […], "environment": {…}}``. A pipe that is closed
without orders means that nothing is to run. No project code is imported before the orders.
"""

import importlib
import json
import os
import signal
import sys


def main(descriptor: int) -> int:
    """Wait for orders, then be pytest; returns pytest's status, or 4 where no orders came."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    import pytest  # noqa: PLC0415 - after Ctrl-C has been made quiet

    for module in ("pytest_rollout.core.owed", "pytest_rollout.core.redaction", "pytest_rollout.runner.channel"):
        importlib.import_module(module)  # what the plugin needs, as long as there is time
    with os.fdopen(descriptor) as pipe:
        text = pipe.read()
    if not text:
        return 4
    orders = json.loads(text)
    os.environ.update(orders["environment"])
    sys.argv = ["pytest", *orders["arguments"]]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return int(pytest.main(orders["arguments"]))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
