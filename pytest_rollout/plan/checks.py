"""What a stage declares beside contracts, flags and criteria: each sort is read by a module of its own.

Most plans have few of these sections, so a module is imported where its section is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_rollout.core.check import Check
    from pytest_rollout.core.database import DatabaseSettings
    from pytest_rollout.core.endpoint import Service
    from pytest_rollout.core.engines import EngineSettings, NodeSettings
    from pytest_rollout.core.rollout import ContractSettings, Metric, Network, Value
    from pytest_rollout.core.store_check import StoreCheck, StoreSettings
    from pytest_rollout.plan.sentence import Written
    from pytest_rollout.plan.stage_shape import StageTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the rest of the plan declares, for stages to refer to.

    ``folder`` holds the plan, ``environment`` lists the variables that reach the gate. ``flags`` maps
    each flag's key to its value, or to None where only the provider knows it.
    """

    networks: Mapping[str, Network]
    contracts: ContractSettings
    flags: Mapping[str, Value | None]
    metrics: Mapping[str, Metric]
    folder: Path
    environment: Sequence[str]
    services: Mapping[str, Service]
    engines: EngineSettings | None = None
    nodes: Mapping[str, NodeSettings] = field(default_factory=dict)
    stores: Mapping[str, StoreSettings]
    databases: Mapping[str, DatabaseSettings] = field(default_factory=dict)


def checks(written: Written, stage: str, table: StageTable, declared: Declared) -> Iterator[Check]:
    """The declared checks of a stage in the order in which they are items; raises ``PlanError``."""
    folder, networks = declared.folder, declared.networks
    held = _stores(written, stage, table, declared)
    if table.commands:
        from pytest_rollout.plan.commands import commands  # noqa: PLC0415 - a plan pays for the sections that it has

        yield from commands(written, stage, table.commands, folder, declared.environment)
    if table.endpoints:
        from pytest_rollout.plan.endpoints import endpoints  # noqa: PLC0415 - as above

        yield from endpoints(written, stage, table.endpoints, folder, declared.services)
    if table.engines is not None or table.nodes:
        from pytest_rollout.plan.engines import engine_checks, node_rungs  # noqa: PLC0415 - as above

        yield from engine_checks(written, stage, table.engines, declared.engines, folder)
        yield from node_rungs(written, stage, table.nodes, declared.nodes)
    if table.inventory is not None:
        from pytest_rollout.plan.inventory import listed  # noqa: PLC0415 - as above

        yield from listed(written, stage, table.inventory, declared.contracts, networks)
    yield from held
    if table.drills or table.ratios:
        from pytest_rollout.plan.drills import drills, ratios  # noqa: PLC0415 - as above

        yield from drills(written, stage, table.drills, folder, declared.environment, held)
        yield from ratios(written, stage, table.ratios, folder, declared.environment)
    if table.rules or table.dashboards or table.alerts or table.manifests or table.environments:
        from pytest_rollout.plan.configuration import configuration  # noqa: PLC0415 - as above

        yield from configuration(written, stage, table, folder, declared.services, networks)
    if table.databases:
        from pytest_rollout.plan.databases import database_checks  # noqa: PLC0415 - as above

        yield from database_checks(written, stage, table.databases, declared.databases, networks, folder)


def _stores(written: Written, stage: str, table: StageTable, declared: Declared) -> Sequence[StoreCheck]:
    if not table.stores:
        return ()
    from pytest_rollout.plan.stores import store_checks  # noqa: PLC0415 - as above

    inventory = declared.contracts.inventory
    return store_checks(written, stage, table.stores, declared.stores, contracts=inventory, networks=declared.networks)
