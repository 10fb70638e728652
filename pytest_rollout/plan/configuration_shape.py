"""The shape of what a stage asks of files beside the chain, and of alerts."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from pytest_rollout.plan import texts
from pytest_rollout.plan.endpoint_shape import Path
from pytest_rollout.plan.section import (
    FILLED,
    Duration,
    Flagged,
    Line,
    Name,
    Section,
    Variable,
    keys,
    needs,
    one_or_many,
)

Lines = Annotated[list[Line], BeforeValidator(one_or_many, json_schema_input_type=Line | list[Line])]
Files = Annotated[
    list[Line],
    Field(min_length=1),
    BeforeValidator(one_or_many, json_schema_input_type=Line | Annotated[list[Line], Field(min_length=1)]),
]
Version = Annotated[
    str,
    needs("a version of Kubernetes in quotes, such as '1.31',", str),
    WithJsonSchema({"type": "string", "pattern": rf"^(?:1\.[0-9]+|{FILLED})$"}),
]


class TargetTable(Section):
    """Where a service exposes its metrics."""

    service: Name = Field(examples=["api"], description="The declared service.")
    path: Path = Field("/metrics", description="The path of its metrics; /metrics, if left out.")


Targets = Annotated[
    list[TargetTable],
    Field(min_length=1),
    BeforeValidator(
        one_or_many, json_schema_input_type=TargetTable | Annotated[list[TargetTable], Field(min_length=1)]
    ),
]


class FilesTable(Section):
    """Files of one sort."""

    name: Line = Field(examples=["alert rules"], description="Its name; unique in its stage among those of its sort.")
    files: Files = Field(examples=[["k8s/*.yaml"]], description="Paths and patterns, relative to the plan.")
    advisory: Flagged = Field(default=False, description="Shown in reports, and never counted.")


class RulesTable(FilesTable):
    """Prometheus rules: they parse, their unit tests pass, what they ask for is exposed."""

    tests: Lines = Field([], description="Unit tests for promtool; then every alert must be seen firing in one.")
    targets: Targets = Field(
        examples=[[{"service": "api"}]], description="The targets that expose every metric the rules ask for."
    )
    alerts: Lines = Field([], description="Names of alerts there must be.")


class DashboardsTable(FilesTable):
    """Grafana dashboards: every query parses and asks for what is exposed."""

    targets: Targets = Field(
        examples=[[{"service": "api"}]], description="The targets that expose every metric the panels ask for."
    )
    rules: Lines = Field([], description="Rules whose recorded series may be asked for as well.")


class AlertTable(Section):
    """A test alert that a running Alertmanager must bring to a webhook."""

    name: Line = Field(examples=["alerts arrive"], description="Its name; unique in its stage among alerts.")
    alertmanager: Name = Field(examples=["alertmanager"], description="The declared service that is an Alertmanager.")
    listen: Line = Field(examples=["127.0.0.1:9095"], description="The address that its webhook tells: host and port.")
    labels: dict[str, Line] = Field(
        examples=[{"alertname": "HighErrorRate"}],
        description="The alert's labels, by which it is routed; alertname is needed.",
        json_schema_extra=keys(texts.VARIABLE.pattern),
    )
    receiver: Line | None = Field(None, description="The receiver it must arrive as; any, if left out.")
    within: Duration = Field("30s", description="How long it may take; 30s if left out.")
    advisory: Flagged = Field(default=False, description="Shown in reports, and never counted.")


class ManifestsTable(FilesTable):
    """Kubernetes manifests: valid, images pinned by digest, nothing that is still owed."""

    version: Version = Field(examples=["1.31"], description="The version of Kubernetes whose schemas they must meet.")
    custom: Lines = Field(
        [], description="Custom resources, which no schema is known of, as group/Kind: traefik.io/Middleware."
    )
    inventory: Lines = Field([], description="Resources there must be, as Kind/name or namespace/Kind/name.")


class EnvironmentTable(FilesTable):
    """Environment files or ConfigMaps: complete, as recorded, true on the chain."""

    network: Name | None = Field(
        None, description="The declared network its addresses are on; the stage's, if left out."
    )
    chain_id: Variable | None = Field(None, description="The variable that holds the network's chain id.")
    contracts: dict[str, Line] = Field(
        {},
        description="Variables that hold addresses, and the contract each must be.",
        json_schema_extra=keys(texts.VARIABLE.pattern),
    )
    accounts: Annotated[
        list[Variable], BeforeValidator(one_or_many, json_schema_input_type=Variable | list[Variable])
    ] = Field([], description="Variables that hold addresses of accounts, which need no code.")
    values: dict[str, Line] = Field(
        {}, description="Variables and their exact values.", json_schema_extra=keys(texts.VARIABLE.pattern)
    )
    variables: Annotated[
        list[Variable], BeforeValidator(one_or_many, json_schema_input_type=Variable | list[Variable])
    ] = Field([], description="Variables that must be set, to anything but a placeholder.")
    optional: Annotated[
        list[Variable], BeforeValidator(one_or_many, json_schema_input_type=Variable | list[Variable])
    ] = Field([], description="Variables that may be set; any other is unknown, and told.")
