"""How ``pytest --stage=…`` becomes the supervisor: this process is replaced by a clean interpreter."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import pytest

VARIABLE = "PYTEST_ROLLOUT_RECORD"
"""Where a supervisor's socket is; the same name as ``runner.channel.VARIABLE``, which a test pins."""


def become_supervisor(config: pytest.Config, arguments: list[str]) -> NoReturn:
    """Replace this process by the supervisor, with the same terminal, arguments and exit status.

    ``arguments`` include those of ``addopts`` and ``PYTEST_ADDOPTS``. The new interpreter is
    isolated (``-I``): no ``PYTHON*`` variable, no user site, nothing of the current folder.
    """
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.stop_global_capturing()
    sys.stdout.flush()
    sys.stderr.flush()
    command = [sys.executable, "-I", "-m", "pytest_rollout.runner", *arguments]
    os.execv(command[0], command)  # noqa: S606 - a list, no shell
