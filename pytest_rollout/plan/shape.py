"""The shape of ``rollout.toml``: every key, its kind of value and what it is for.

Meaning - names that must exist, units that must fit - is checked by the modules beside this one.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from pytest_rollout.core.rollout import NAME
from pytest_rollout.plan import texts
from pytest_rollout.plan.database_shape import DatabaseTable
from pytest_rollout.plan.endpoint_shape import ServiceTable
from pytest_rollout.plan.engine_shape import EnginesTable, NodeTable
from pytest_rollout.plan.metric_shape import MetricTable
from pytest_rollout.plan.network_shape import NetworkTable
from pytest_rollout.plan.notification_shape import CdeventsTable, NotificationsTable
from pytest_rollout.plan.recorded import FORMATS
from pytest_rollout.plan.section import (
    Duration,
    Ledger,
    Line,
    Module,
    Moment,
    Name,
    Scalar,
    Section,
    Text,
    Variable,
    choice,
    keys,
    needs,
    one_or_many,
)
from pytest_rollout.plan.stage_shape import StageTable
from pytest_rollout.plan.store_shape import StoreDeclarationTable


class RolloutTable(Section):
    """The rollout itself."""

    name: Name = Field(
        examples=["takumi"],
        description="The rollout's name in commands, paths and the ledger; unique in the repository.",
    )
    title: Line | None = Field(None, description="The rollout's name for people; the name, if left out.")
    judgement_max_age: Duration = Field(
        "24h", description="How long a judgement may be acted on, as a duration; 24h if left out."
    )
    environment: list[Variable] = Field(
        [], description="Environment variables handed on to the tests; all others are withheld."
    )
    plugins: list[Module] = Field([], description="pytest plugin modules the gate's tests may load.")
    began: Moment | None = Field(
        None,
        examples=["2026-11-02T09:00:00Z"],
        description="When the first stage was entered, if before its ledger was made: evidence from then on counts.",
    )
    ledger: Ledger | None = Field(
        None, description="The id of the ledger this rollout is recorded in; any other one is refused."
    )


class DeploymentTable(Section):
    """Where the contracts of one network are recorded."""

    path: Text = Field(
        examples=["deployments/mainnet"], description="The file or folder with the record, relative to the plan."
    )
    format: Annotated[str, *choice("format", *FORMATS)] | None = Field(
        None, description="What wrote the record; told by what is there, if left out."
    )
    names: dict[str, Text] = Field(
        {},
        description="Names of the plan's own, and what the record calls each contract, or its address.",
        json_schema_extra=keys(texts.CONTRACT.pattern),
    )


def _deployment(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


Deployed = Annotated[DeploymentTable, BeforeValidator(_deployment, json_schema_input_type=Text | DeploymentTable)]


class ContractsTable(Section):
    """Where contracts come from."""

    artifacts: Annotated[
        list[Text],
        Field(min_length=1),
        BeforeValidator(one_or_many, json_schema_input_type=Text | Annotated[list[Text], Field(min_length=1)]),
    ] = Field([], description="Folders with compiled artifacts, <Name>.json at any depth, relative to the plan.")
    deployments: dict[str, Deployed] = Field(
        {},
        description="For each network, the file or folder that records its contracts, or a table with more about it.",
        json_schema_extra=keys(NAME.pattern),
    )
    inventory: dict[str, Annotated[list[Text], Field(min_length=1)]] = Field(
        {},
        description="For each network, the names of all contracts that must be there.",
        json_schema_extra=keys(NAME.pattern),
    )
    proxies: list[Text] = Field(
        [],
        examples=[["ERC1967Proxy"]],
        description="Artifacts of proxies: the own code of each proxy in the inventory must be that of one of them.",
    )


class FlagsTable(Section):
    """Where feature flags come from."""

    provider: Annotated[
        str,
        needs("a provider", str),
        WithJsonSchema({"type": "string", "pattern": r"^(?:memory|flagd:.+|.*\$\{.*)$"}),
    ] = Field(
        "memory",
        description="The OpenFeature provider: memory, or flagd:<file> for a flagd file beside the plan.",
    )
    values: dict[str, Scalar] = Field(
        {},
        description="What the memory provider answers, flag by flag.",
        json_schema_extra=keys(texts.FLAG.pattern),
    )


class AttestationTable(Section):
    """The key that signs the judgement of every gate when its run has ended."""

    key: Text = Field(
        examples=["env:CI_KEY"],
        description="A PEM file relative to the plan, env:NAME, or a URI such as hsm:2; as `rollout attest --key`.",
    )
    public_key: Text | None = Field(None, description="The file with the public half of a key that a URI names.")
    password_env: Variable | None = Field(None, description="The variable with the key's password or PIN.")


class ContradictionTable(Section):
    """Where the source document contradicts itself, and what this plan does about it."""

    where: Line = Field(examples=["profiles in beta"], description="What the document contradicts itself about.")
    says: Annotated[list[Line], Field(min_length=2)] = Field(
        examples=[["500+", "100+"]], description="The two or more things it says."
    )
    choice: Line = Field(examples=["500+, the stricter one"], description="What this plan does, and why.")


class Plan(Section):
    """A rollout's plan, the whole of rollout.toml."""

    rollout: RolloutTable = Field(
        examples=[{"name": "takumi"}],
        description="The rollout itself: its name, and what holds in every stage.",
    )
    networks: dict[str, NetworkTable] = Field(
        {}, description="The networks that stages may run on.", json_schema_extra=keys(NAME.pattern)
    )
    contracts: ContractsTable = Field(
        default_factory=lambda: ContractsTable.model_validate({}),
        description="Where contracts come from: artifacts, and deployed addresses.",
    )
    flags: FlagsTable = Field(
        default_factory=lambda: FlagsTable.model_validate({}),
        description="Where feature flags come from: a provider, and its values.",
    )
    metrics: dict[str, MetricTable] = Field(
        {}, description="What is measured.", json_schema_extra=keys(texts.METRIC.pattern)
    )
    notifications: NotificationsTable | None = Field(None, description="Who is told when a verdict or a stage changes.")
    cdevents: CdeventsTable | None = Field(None, description="Where the same is posted for machines.")
    attestation: AttestationTable | None = Field(None, description="The key that signs every judgement.")
    stores: dict[str, StoreDeclarationTable] = Field(
        {}, description="Where records are kept beside the chain.", json_schema_extra=keys(NAME.pattern)
    )
    databases: dict[str, DatabaseTable] = Field(
        {}, description="Databases, which are only ever read.", json_schema_extra=keys(NAME.pattern)
    )
    services: dict[str, ServiceTable] = Field(
        {}, description="What answers HTTP, and may be asked.", json_schema_extra=keys(NAME.pattern)
    )
    engines: EnginesTable | None = Field(None, description="The two consensus engines, and how they are compared.")
    nodes: dict[str, NodeTable] = Field(
        {}, description="The live nodes, by name.", json_schema_extra=keys(NAME.pattern)
    )
    contradictions: list[ContradictionTable] = Field(
        [], description="Where the source document contradicts itself, and what was chosen."
    )
    stages: dict[str, StageTable] = Field(
        examples=[{"beta": {"network": "local"}}],
        description="The stages, in the order written.",
        json_schema_extra={**keys(NAME.pattern), "minProperties": 1},
    )
