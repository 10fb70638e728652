"""The pytest plugin: options, hand-over to the supervisor, and what registers the rest.

``pytest --stage=…`` is replaced by the supervisor before any conftest is read; the pytest that
the supervisor starts registers a ``Recorder``. Without ``--stage`` only fixtures are added.
"""

from __future__ import annotations

import os

import pytest

from pytest_rollout.plugin import handover

MARKERS = (
    "stage(*names): the test belongs to the gates of these stages of its rollout only.",
    "advisory: the test is shown in the judgement and never counts.",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare what the supervisor reads; pytest itself uses none of it."""
    group = parser.getgroup("rollout", "gates of a blockchain rollout (pytest-rollout)")
    for option, metavar, text in (
        (
            "--stage",
            "STAGE",
            "judge the gate of STAGE (or ROLLOUT:STAGE): exit 0 promote, 10 hold, 20 rollback",
        ),
        ("--network", "NAME", "rehearse on another network of the plan; a rehearsal cannot promote"),
        ("--rollout-ledger", "URL", "the ledger (default: sqlite:///.rollout/ledger.db)"),
        ("--rollout-reports", "DIR", "where reports are written (default: reports)"),
        (
            "--rollout-formats",
            "LIST",
            "which of allure,brief,html,junit are written beside verdict.json (default: all)",
        ),
    ):
        group.addoption(option, action="append", default=[], metavar=metavar, help=text)
    group.addoption(
        "--allow-writes",
        action="store_true",
        help="the second lock on transactions towards a real chain, beside `writes = true` in the plan",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """With ``--stage``: record if a supervisor asked for it, else become the supervisor."""
    if not early_config.known_args_namespace.stage:
        return
    if handover.VARIABLE in os.environ:
        from pytest_rollout.plugin.recorder import start_recording  # noqa: PLC0415 - only under a supervisor

        start_recording(early_config)
    else:
        handover.become_supervisor(early_config, args)


def pytest_configure(config: pytest.Config) -> None:
    """Add the markers and the fixtures."""
    from pytest_rollout.plugin import fixtures, isolation  # noqa: PLC0415 - after capture has started
    from pytest_rollout.plugin.context import Context  # noqa: PLC0415 - as above

    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    if not config.pluginmanager.hasplugin("rollout-context"):
        context = Context(allow_writes=config.getoption("--allow-writes"))
        config.pluginmanager.register(context, "rollout-context")
    config.pluginmanager.register(fixtures, "rollout-fixtures")
    config.pluginmanager.register(isolation.ChainIsolation(config), "rollout-isolation")
