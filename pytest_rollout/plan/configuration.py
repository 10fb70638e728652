"""What a stage asks of files beside the chain - rules, dashboards, manifests, environments - and of alerts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.configuration import (
    AlertCheck,
    DashboardCheck,
    EnvironmentCheck,
    FilesCheck,
    ManifestCheck,
    RulesCheck,
    Target,
)
from pytest_rollout.core.endpoint import Service
from pytest_rollout.core.rollout import Network
from pytest_rollout.plan import texts
from pytest_rollout.plan.durations import duration
from pytest_rollout.plan.endpoints import url_path
from pytest_rollout.plan.sentence import GIVEN, Place, Unfit, Written, quoted, unknown

if TYPE_CHECKING:
    from pytest_rollout.plan.configuration_shape import AlertTable, EnvironmentTable, FilesTable, TargetTable
    from pytest_rollout.plan.stage_shape import StageTable

_LISTEN = re.compile(r"(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:]{2,39}\]):(?P<port>[0-9]{1,5})")
_HIGHEST_PORT = 65535
_CUSTOM = re.compile(r"[a-z0-9][-a-z0-9.]*/[A-Z][A-Za-z0-9]*")
_RESOURCE = re.compile(r"(?:[a-z0-9][-a-z0-9.]*/)?[A-Z][A-Za-z0-9]*/[a-z0-9][-a-z0-9.]*")
_VERSION = re.compile(r"1\.[0-9]{1,2}")


def configuration(
    written: Written,
    stage: str,
    table: StageTable,
    folder: Path,
    services: Mapping[str, Service],
    networks: Mapping[str, Network],
) -> tuple[FilesCheck | AlertCheck, ...]:
    """All checks of these five sorts, in the order written; raises ``PlanError``."""
    reader = _Reader(written=written, stage=stage, folder=folder, services=services)
    return (
        *(
            RulesCheck(
                **common,
                tests=reader.lines((*place, "tests"), each.tests),
                targets=reader.targets(place, each.targets),
                alerts=reader.lines((*place, "alerts"), each.alerts),
            )
            for place, each, common in reader.named("rules", table.rules)
        ),
        *(
            DashboardCheck(
                **common,
                targets=reader.targets(place, each.targets),
                rules=reader.lines((*place, "rules"), each.rules),
            )
            for place, each, common in reader.named("dashboards", table.dashboards)
        ),
        *(
            ManifestCheck(
                **common,
                version=written.read((*place, "version"), each.version, _version),
                custom=reader.lines((*place, "custom"), each.custom, _custom),
                inventory=reader.lines((*place, "inventory"), each.inventory, _resource),
            )
            for place, each, common in reader.named("manifests", table.manifests)
        ),
        *(
            reader.environment(place, each, common, table.network, networks)
            for place, each, common in reader.named("environments", table.environments)
        ),
        *reader.alerts(table.alerts),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    written: Written
    stage: str
    folder: Path
    services: Mapping[str, Service]

    def named(self, sort: str, tables: Sequence[FilesTable]) -> list[tuple[Place, Any, dict[str, Any]]]:
        """Each table with its place and what all sorts of files have in common."""
        found: dict[str, tuple[Place, Any, dict[str, Any]]] = {}
        for index, table in enumerate(tables):
            place: Place = ("stages", self.stage, sort, index)
            common = {
                "name": self.name(place, table.name, found, sort),
                "folder": self.folder,
                "files": self.lines((*place, "files"), table.files),
                "required": not table.advisory,
            }
            found[texts.folded(table.name)] = place, table, common
        return list(found.values())

    def name(self, place: Place, name: str, found: Mapping[str, Any], sort: str) -> str:
        name = self.written.read((*place, "name"), name, texts.item_name)
        if texts.folded(name) in found:
            raise self.written.wrong((*place, "name"), f"is the name of two {sort} of this stage; give each its own.")
        return name

    def lines(self, place: Place, given: Sequence[str], check: Any = texts.line) -> tuple[str, ...]:
        """Lines of text, each once."""
        for index, each in enumerate(given):
            self.written.read((*place, index), each, check)
            if each in given[:index]:
                raise self.written.wrong((*place, index), f"{GIVEN} is listed twice; list it once.")
        return tuple(given)

    def targets(self, place: Place, tables: Sequence[TargetTable]) -> tuple[Target, ...]:
        return tuple(
            Target(
                service=self.service((*place, "targets", index, "service"), each.service),
                path=self.written.read((*place, "targets", index, "path"), each.path, url_path),
            )
            for index, each in enumerate(tables)
        )

    def service(self, place: Place, name: str) -> Service:
        if name not in self.services:
            raise self.written.wrong(place, unknown("service", name, self.services))
        return self.services[name]

    def environment(
        self,
        place: Place,
        table: EnvironmentTable,
        common: Mapping[str, Any],
        own: str | None,
        networks: Mapping[str, Network],
    ) -> EnvironmentCheck:
        if table.network is not None and table.network not in networks:
            raise self.written.wrong((*place, "network"), unknown("network", table.network, networks))
        network = table.network or own or ""
        if not network and (table.contracts or table.chain_id):
            raise self.written.wrong(place, "has contracts or a chain id and no network; write the network's name.")
        for variable, contract in table.contracts.items():
            self.written.read((*place, "contracts", variable), contract, texts.like(texts.CONTRACT, "contract's name"))
        for sort in ("contracts", "values"):
            self.variables((*place, sort), getattr(table, sort))
        for variable, value in table.values.items():
            self.written.read((*place, "values", variable), value, texts.line)
        roles: dict[str, str] = {}
        held = {"contracts": table.contracts, "accounts": table.accounts, "values": table.values}
        held |= {"chain_id": [table.chain_id] if table.chain_id else []}
        for role, names in {**held, "variables": table.variables, "optional": table.optional}.items():
            for name in names:
                if name in roles:
                    told = f"lists {quoted(name)}, which is listed under {roles[name]} already; list it once."
                    raise self.written.wrong((*place, role), told)
                roles[name] = role
        if set(roles.values()) <= {"optional"}:
            raise self.written.wrong(place, "asks for no variable; write contracts, values or variables.")
        return EnvironmentCheck(
            **common,
            network=network,
            chain_id=table.chain_id or "",
            contracts=dict(table.contracts),
            accounts=tuple(table.accounts),
            values=dict(table.values),
            variables=tuple(table.variables),
            optional=tuple(table.optional),
        )

    def variables(self, place: Place, names: Mapping[str, str]) -> None:
        for name in names:
            if not texts.VARIABLE.fullmatch(name):
                raise self.written.wrong(place, f"{quoted(name)} is no name of a variable or label.")

    def alerts(self, tables: Sequence[AlertTable]) -> list[AlertCheck]:
        found: dict[str, AlertCheck] = {}
        for index, table in enumerate(tables):
            place: Place = ("stages", self.stage, "alerts", index)
            name = self.name(place, table.name, found, "alerts")
            if "alertname" not in table.labels:
                raise self.written.wrong((*place, "labels"), "has no alertname, which every alert needs; write one.")
            self.variables((*place, "labels"), table.labels)
            for label, value in table.labels.items():
                self.written.read((*place, "labels", label), value, texts.line)
            found[texts.folded(name)] = AlertCheck(
                name=name,
                alertmanager=self.service((*place, "alertmanager"), table.alertmanager),
                listen=self.written.read((*place, "listen"), table.listen, _listen),
                labels=dict(table.labels),
                receiver=table.receiver or "",
                within=self.written.read((*place, "within"), table.within, duration),
                required=not table.advisory,
            )
        return list(found.values())


def _listen(text: str) -> str:
    match = _LISTEN.fullmatch(text)
    if match is None or not 0 < int(match["port"]) <= _HIGHEST_PORT:
        raise Unfit(f"{GIVEN} is no host and port; write them such as '127.0.0.1:9095'.")
    return text


def _version(text: str) -> str:
    if not _VERSION.fullmatch(text):
        raise Unfit(f"{GIVEN} is no version of Kubernetes; write it such as '1.31'.")
    return text


def _custom(text: str) -> str:
    if not _CUSTOM.fullmatch(text):
        raise Unfit(f"{GIVEN} names no custom resource; write its group and kind, such as 'traefik.io/Middleware'.")
    return text


def _resource(text: str) -> str:
    if not _RESOURCE.fullmatch(text):
        raise Unfit(f"{GIVEN} names no resource; write it such as 'Deployment/api'.")
    return text
