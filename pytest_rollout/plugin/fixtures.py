"""The fixtures: the plan, the chains, the contracts, the flags, the engines, what a test measures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from pytest_rollout.plugin.context import Context, told

if TYPE_CHECKING:  # an ordinary pytest run pays for none of it
    from pytest_rollout.core.rollout import Rollout, Stage
    from pytest_rollout.plugin.handing import Evidence, Measure


@pytest.fixture(scope="session")
def _rollout_context(request: pytest.FixtureRequest) -> Context:
    context: Any = request.config.pluginmanager.get_plugin("rollout-context")
    assert isinstance(context, Context)  # noqa: S101 - registered by this plugin
    return context


@pytest.fixture(scope="session")
def rollout(_rollout_context: Context) -> Rollout:
    """The plan this suite belongs to."""
    with told():
        return _rollout_context.handed_out


@pytest.fixture(scope="session")
def stage(_rollout_context: Context) -> Stage:
    """The stage under judgement; in an ordinary run, the one the test's folder or marker names."""
    with told():
        return _rollout_context.handed_out.stage(_rollout_context.stage.name)


@pytest.fixture(scope="session")
def networks(_rollout_context: Context) -> Mapping[str, Any]:
    """All declared networks by name, each opened when it is first asked for."""
    from pytest_rollout.plugin.chains import Networks  # noqa: PLC0415 - only where a chain is used

    with told():
        return Networks(_rollout_context)


@pytest.fixture(scope="session")
def network(networks: Mapping[str, Any], _rollout_context: Context) -> Any:
    """The stage's network: ``.w3``, ``.chain_id``, ``.snapshot()``, ``.advance(hours=…)``, ``.accounts`` by role."""
    with told():
        return networks[_rollout_context.network.name]


@pytest.fixture(scope="session")
def contracts(network: Any, _rollout_context: Context) -> Any:
    """Contracts by name on the stage's network: ``contracts.SkillProfile.functions.paused().call()``."""
    from pytest_rollout.plugin.chains import open_book  # noqa: PLC0415 - only where a contract is used

    with told():
        return open_book(_rollout_context, network)


@pytest.fixture(scope="session")
def books(networks: Mapping[str, Any], _rollout_context: Context) -> Any:
    """The contracts of every declared network: ``books["bsc-testnet"].LookCoin.functions.paused().call()``."""
    from pytest_rollout.plugin.chains import open_books  # noqa: PLC0415 - only where a contract is used

    with told():
        return open_books(_rollout_context, networks)


@pytest.fixture(scope="session")
def flags(_rollout_context: Context) -> Any:
    """The OpenFeature client, bound to the stage's audience."""
    from pytest_rollout.plugin.declared import open_stage_flags  # noqa: PLC0415 - only where a flag is used

    context = _rollout_context
    with told():
        context.flags = opened = open_stage_flags(context.rollout, context.stage.name)
    context.resources.callback(opened.close)
    return opened


@pytest.fixture(scope="session")
def stores(_rollout_context: Context) -> Any:
    """The declared stores by name: ``stores.before.records()``, ``stores.compare("before", "after", key=[…])``."""
    from pytest_rollout.stores.opening import Stores  # noqa: PLC0415 - only where a store is used

    with told():
        _rollout_context.stores = opened = Stores(_rollout_context.rollout.stores, _rollout_context.rollout.secrets)
    return opened


@pytest.fixture(scope="session")
def databases(_rollout_context: Context) -> Any:
    """The declared databases by name, read-only: ``databases.payments.query("SELECT … WHERE id = :id", id=7)``."""
    from pytest_rollout.databases.opening import Databases  # noqa: PLC0415 - SQLAlchemy, only where one is asked

    with told():
        return Databases(_rollout_context.rollout.databases)


@pytest.fixture(scope="session")
def services(_rollout_context: Context) -> Any:
    """A ``requests`` session for each declared service: ``services.api.get("/health")``; it reaches no other host."""
    from pytest_rollout.services.session import Services  # noqa: PLC0415 - requests, only where a service is used

    context = _rollout_context
    with told():
        opened = Services(context.rollout.services)
    context.resources.callback(opened.close)
    return opened


@pytest.fixture(scope="session")
def engines(_rollout_context: Context) -> Any:
    """Reference, candidate and the dual run around them: ``engines.verify_block(block)``, ``.stats()``, ``.mode``."""
    from pytest_rollout.plugin.engines import open_engines  # noqa: PLC0415 - only where an engine is used

    with told():
        return open_engines(_rollout_context)


@pytest.fixture(scope="session")
def nodes(_rollout_context: Context) -> Mapping[str, Any]:
    """The declared nodes by name: ``nodes["node-1"].stats()`` asks it now."""
    from pytest_rollout.plugin.engines import open_nodes  # noqa: PLC0415 - only where a node is asked

    with told():
        return open_nodes(_rollout_context)


@pytest.fixture
def measure(request: pytest.FixtureRequest, _rollout_context: Context) -> Measure:
    """Record a measurement: ``measure("settled", good=9, total=10)``, ``measure("gas", 21000, unit="gas")``."""
    from pytest_rollout.plugin.handing import Measure  # noqa: PLC0415 - only where something is measured

    with told():
        return Measure(request.node.nodeid, _rollout_context)


@pytest.fixture
def evidence(request: pytest.FixtureRequest, _rollout_context: Context) -> Evidence:
    """Attach ``.text``, ``.json``, ``.file`` or ``.picture`` to this test's finding and to Allure."""
    from pytest_rollout.plugin.handing import Evidence  # noqa: PLC0415 - only where something is attached

    with told():
        return Evidence(request.node.nodeid, _rollout_context)
