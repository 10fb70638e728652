"""``rollout.toml`` -> ``Rollout``: read once, filled, shaped, understood."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_rollout.core.rollout import Rollout
from pytest_rollout.plan import settings, texts
from pytest_rollout.plan.checks import Declared
from pytest_rollout.plan.durations import duration
from pytest_rollout.plan.environment import filled
from pytest_rollout.plan.metrics import metrics
from pytest_rollout.plan.networks import read_networks, secrets_in
from pytest_rollout.plan.notifications import notifications
from pytest_rollout.plan.reading import parse, read
from pytest_rollout.plan.sentence import Written
from pytest_rollout.plan.stages import is_owed_something, stages
from pytest_rollout.plan.testfiles import has_tests

if TYPE_CHECKING:
    from pytest_rollout.core.database import DatabaseSettings
    from pytest_rollout.core.endpoint import Service
    from pytest_rollout.core.engines import EngineSettings, NodeSettings
    from pytest_rollout.core.store_check import StoreSettings
    from pytest_rollout.plan.shape import Plan


def load(path: Path, *, environment: Mapping[str, str], root: Path) -> Rollout:
    """The rollout that the plan at ``path`` declares.

    ``environment`` answers ``${NAME}``; sentences name the file relative to ``root``. Raises
    ``PlanError`` - one sentence with place, value, what is allowed and the nearest name - for
    everything that keeps the plan from being meant as it stands.
    """
    from pytest_rollout.plan.shaping import shaped  # noqa: PLC0415 - pydantic is paid for by plans alone

    path = path.absolute()
    name = relative(path, root)
    content = read(path, name)
    written = filled(name, parse(content, name), environment)
    return _rollout(written, shaped(written), path.parent, _digest(content, written.secrets))


def _digest(content: bytes, filled_in: Mapping[str, str]) -> str:
    """SHA-256 of the file's bytes and, where ``${NAME}`` took values, of what was filled in.

    A bound or a role holder from the environment is part of the plan: another value, another plan.
    """
    state = hashlib.sha256(content)
    for name in sorted(filled_in):
        value = hashlib.sha256(f"{name}={filled_in[name]}".encode()).digest()
        state.update(b"\0filled in\0" + value)
    return state.hexdigest()


def relative(path: Path, root: Path) -> str:
    """A file's name for sentences: relative to ``root`` where it lies below, always printable."""
    absolute, base = (Path(os.path.normpath(each.absolute())) for each in (path, root))
    shown = absolute.relative_to(base) if absolute.is_relative_to(base) else absolute
    text = shown.as_posix()
    return text if text.isprintable() else repr(text)[1:-1]


def _rollout(written: Written, plan: Plan, folder: Path, digest: str) -> Rollout:
    table = plan.rollout
    name = written.read(("rollout", "name"), table.name, texts.name)
    networks = read_networks(written, folder, plan.networks)
    flags = settings.flags(written, folder, plan.flags)
    declared = Declared(
        networks=networks,
        contracts=settings.contracts(written, folder, plan.contracts, networks),
        flags=flags.known,
        metrics=metrics(written, plan.metrics, networks),
        folder=folder,
        environment=settings.variables(written, table.environment),
        services=_services(written, folder, plan),
        engines=_engines(written, folder, plan),
        nodes=_nodes(written, plan),
        stores=_stores(written, folder, plan),
        databases=_databases(written, folder, plan),
    )
    told, addresses = notifications(written, plan.notifications, plan.cdevents)
    ledger = texts.like(texts.LEDGER, "ledger's id; `rollout ledger show` prints it")
    rollout = Rollout(
        name=name,
        title=written.read(("rollout", "title"), table.title or name, texts.line),
        folder=folder,
        plan_digest=digest,
        stages=stages(written, plan.stages, declared),
        networks=networks,
        contracts=declared.contracts,
        flags=flags.settings,
        metrics=declared.metrics,
        engines=declared.engines,
        nodes=declared.nodes,
        contradictions=settings.contradictions(written, plan.contradictions),
        notifications=told,
        attestation=settings.attestation(written, folder, plan.attestation, declared.environment),
        services=declared.services,
        secrets=addresses | secrets_in(networks) | _passwords(declared) | dict(written.secrets),
        stores=declared.stores,
        databases=declared.databases,
        environment=tuple(declared.environment),
        plugins=settings.plugins(written, table.plugins),
        judgement_max_age=written.read(("rollout", "judgement_max_age"), table.judgement_max_age, duration),
        began=table.began,
        ledger_id=None if table.ledger is None else written.read(("rollout", "ledger"), table.ledger, ledger),
    )
    _check_gates(written, rollout)
    return rollout


def _services(written: Written, folder: Path, plan: Plan) -> dict[str, Service]:
    if not plan.services:
        return {}
    from pytest_rollout.plan.endpoints import services  # noqa: PLC0415 - a plan pays for the sections that it has

    return services(written, folder, plan.services)


def _engines(written: Written, folder: Path, plan: Plan) -> EngineSettings | None:
    if plan.engines is None:
        return None
    from pytest_rollout.plan.engines import engines  # noqa: PLC0415 - as above

    return engines(written, folder, plan.engines)


def _nodes(written: Written, plan: Plan) -> dict[str, NodeSettings]:
    if not plan.nodes:
        return {}
    from pytest_rollout.plan.engines import nodes  # noqa: PLC0415 - as above

    return nodes(written, plan.nodes)


def _stores(written: Written, folder: Path, plan: Plan) -> dict[str, StoreSettings]:
    if not plan.stores:
        return {}
    from pytest_rollout.plan.stores import stores  # noqa: PLC0415 - as above

    return stores(written, folder, plan.stores)


def _databases(written: Written, folder: Path, plan: Plan) -> dict[str, DatabaseSettings]:
    if not plan.databases:
        return {}
    from pytest_rollout.plan.databases import databases  # noqa: PLC0415 - as above

    return databases(written, folder, plan.databases)


def _passwords(declared: Declared) -> dict[str, str]:
    behind = [each.database for each in declared.stores.values() if each.database is not None]
    if not declared.databases and not behind:
        return {}
    from pytest_rollout.plan.databases import passwords  # noqa: PLC0415 - as above

    return passwords(declared.databases.values(), "databases") | passwords(behind, "stores")


def _check_gates(written: Written, rollout: Rollout) -> None:
    """Refuse a gate that looks at nothing, or only at what never counts (rules 1 and 4)."""
    for stage in rollout.stages:
        if is_owed_something(stage) or has_tests(rollout, stage):
            continue
        advisory = stage.criteria or stage.checklist or stage.checks
        what = "only advisory items, which never count" if advisory else "nothing to look at"
        folder = relative(rollout.suite / stage.name, rollout.folder)
        raise written.wrong(
            ("stages", stage.name),
            f"the gate has {what}; declare a check that counts, or write a test in {folder}/test_*.py.",
        )
