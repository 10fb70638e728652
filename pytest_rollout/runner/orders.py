"""What a recorder's pytest is called with: what the request allows, then what no request can change."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pytest_rollout.core.rollout import Rollout
from pytest_rollout.runner.arguments import Request
from pytest_rollout.runner.scan import PYTHON_CLASSES, PYTHON_FILES, PYTHON_FUNCTIONS
from pytest_rollout.runner.tree import passed_over

_FORCED = (
    "addopts=",
    "testpaths=",
    f"python_files={' '.join(PYTHON_FILES)}",
    f"python_classes={PYTHON_CLASSES}",
    f"python_functions={PYTHON_FUNCTIONS}",
    "collect_imported_tests=true",
    "empty_parameter_set_mark=fail_at_collect",
    "strict_markers=true",
    "strict_xfail=true",
    "strict_config=false",
    "strict_parametrization_ids=true",
    "usefixtures=",
    "faulthandler_timeout=0",
)

_HEARD = ("always::pytest.PytestWarning", "always::SyntaxWarning", "always:coroutine:RuntimeWarning")
"""Warnings behind which a test passes without having looked: no filter of the project's silences them."""


def pytest_arguments(request: Request, rollout: Rollout, *, stage: str, root: Path, below: Sequence[str]) -> list[str]:
    """The recorder's command line: what the request allows, then what no request can change."""
    loaded = list(rollout.plugins)
    if request.uses_workers:  # a recorder has our plugin already, its workers load it
        loaded = ["pytest_rollout.plugin", *loaded, "xdist.plugin"]
    arguments = [f"-p{name}" for name in loaded]
    if not request.uses_cache:
        arguments.append("-pno:cacheprovider")
    own_roots = any(option.startswith("--confcutdir") for option in request.forwarded)
    arguments += [] if own_roots else [f"--confcutdir={root}"]
    arguments += [
        f"--rootdir={root}",
        *request.forwarded,
        *(f"-W{each}" for each in _HEARD),
        f"--stage={rollout.name}:{stage}",
    ]
    unread = " ".join((".*", *sorted(passed_over(rollout, rollout.suite))))
    arguments += [f"--override-ini={setting}" for setting in (*_FORCED, f"norecursedirs={unread}")]
    whole = [str(rollout.folder)] if rollout.suite == rollout.folder else [str(rollout.plan), str(rollout.suite)]
    return [*arguments, "--", *(below or whole)]
