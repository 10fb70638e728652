"""The shape of one stage: every key, its kind of value and what it is for."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from pytest_rollout.core.criterion import Statistic
from pytest_rollout.core.outcome import Severity
from pytest_rollout.core.rollout import NAME
from pytest_rollout.plan import states, texts
from pytest_rollout.plan.command_shape import CommandTable, ExcuseTable
from pytest_rollout.plan.configuration_shape import (
    AlertTable,
    DashboardsTable,
    EnvironmentTable,
    ManifestsTable,
    RulesTable,
)
from pytest_rollout.plan.database_shape import StageDatabaseTable
from pytest_rollout.plan.drill_shape import DrillTable, RatioTable
from pytest_rollout.plan.endpoint_shape import EndpointTable
from pytest_rollout.plan.engine_shape import StageEnginesTable, StageNodeTable
from pytest_rollout.plan.section import (
    FILLED,
    Bound,
    Duration,
    Flag,
    Flagged,
    Hash,
    Line,
    Metric,
    Name,
    NodeId,
    Party,
    Scalar,
    Section,
    Share,
    Text,
    Users,
    choice,
    keys,
    needs,
    one_or_many,
    whole,
    wrong,
)
from pytest_rollout.plan.sentence import misfit
from pytest_rollout.plan.signoff_shape import OverridesTable, SignoffsTable
from pytest_rollout.plan.soak_shape import SoakTable
from pytest_rollout.plan.store_shape import StoreTable

_WINDOW = r"every|aggregate|[1-9][0-9]{0,3} of [1-9][0-9]{0,3}"


class TriggerTable(Section):
    """A bound whose breach asks for rollback."""

    when: Bound = Field(examples=["< 90 %"], description="The bound that asks for rollback when it holds.")
    severity: Annotated[str, *choice("severity", *Severity)] = Field(
        Severity.IMMEDIATE.value, description="How urgent the rollback is: immediate, or planned."
    )
    over: Duration | None = Field(None, description="Bad for more than this; without it, what the criterion looks at.")
    window: Annotated[
        str | None,
        needs("a window, 'every', 'aggregate' or '3 of 5',", str),
        WithJsonSchema({"type": "string", "pattern": f"^(?:{_WINDOW}|{FILLED})$"}),
    ] = Field(None, description="every sample bad, the aggregate bad, or k of the last n samples bad; no default.")


class BaselineTable(Section):
    """How much worse than before a value may be."""

    worse: Share = Field(
        examples=["20 %"], description="At most this share worse than in the newest judgement that passed."
    )
    max_age: Duration = Field("30d", description="How old that judgement may be; 30d if left out.")
    significance: Share | None = Field(
        None, description="Also compare raw samples by a rank test: worse with less chance than this fails."
    )


class CriterionTable(Section):
    """Bounds on one metric."""

    name: Line = Field(examples=["transactions succeed"], description="The criterion's name; unique in its stage.")
    metric: Metric = Field(examples=["tx_success"], description="The declared metric it bounds.")
    promote: Bound = Field(examples=["> 99 %"], description="The bound that must hold to leave the stage.")
    alert: Bound | None = Field(None, description="A bound that holds the stage when it is reached.")
    statistic: Annotated[str, *choice("statistic", *Statistic)] = Field(
        Statistic.EVERY.value,
        description="How several values become one; every value must meet the bound, if left out.",
    )
    min_samples: Annotated[int, *whole(1, 10**12)] = Field(
        1, description="How many samples are needed: for a ratio, those of its total."
    )
    advisory: Flagged = Field(default=False, description="Shown in reports, and never counted.")
    rollback: Annotated[
        list[TriggerTable],
        BeforeValidator(one_or_many, json_schema_input_type=TriggerTable | list[TriggerTable]),
    ] = Field([], description="The triggers, one table or an array of them, that ask for rollback.")
    on_no_data: Annotated[
        str,
        *choice("on_no_data", "hold", hints={"promote": "is never allowed, missing data is no reason to go on"}),
    ] = Field("hold", description="What missing data means: hold, and nothing else.")
    over: Duration | None = Field(None, description="The time that is looked back on; the newest samples, if left out.")
    max_age: Duration | None = Field(
        None, description="How old the newest sample may be; 5m or four intervals, if left out."
    )
    max_gap: Duration | None = Field(
        None, description="The longest time between two samples that counts as seen; three intervals, if left out."
    )
    max_blind: Duration | None = Field(
        None, description="How much of the time may be unseen or the source down; a twentieth or a gap, if left out."
    )
    baseline: BaselineTable | None = Field(None, description="How much worse than before the value may be.")


class ChecklistTable(Section):
    """Something a person has to see to."""

    text: Line = Field(examples=["Audit letter received"], description="What has to be true; unique in its stage.")
    evidence: Flagged = Field(default=False, description="Whether a file has to be handed over with the tick.")
    advisory: Flagged = Field(default=False, description="Shown in reports, and never counted.")


class KnownFailureTable(ExcuseTable):
    """A test of the gate that may fail for a while."""

    test: NodeId = Field(
        examples=["suites/beta/test_pause.py::test_pause"],
        description="The node id of the test, as pytest prints it.",
    )


class ExposureTable(Section):
    """Who is inside a stage."""

    users: Users | None = Field(None, description='How many users: 10, "10..20" or "100..".')
    share: Share | None = Field(None, description='The share of users a flag lets in, such as "25 %".')
    flag: Flag | None = Field(None, description="The boolean flag that steers the share.")
    sample: Annotated[int, *whole(100, 1_000_000)] = Field(
        20_000, description="How many made-up users the share is measured on."
    )
    confidence: Share = Field("99.9 %", description="How surely the measured share must agree with the declared one.")
    description: Line | None = Field(None, description="Who these users are, for people.")


class CallTable(Section):
    """A view call and what it must answer."""

    arguments: Annotated[list[Any], needs("an array of arguments", list)] = Field(
        [], description="The call's arguments, in order."
    )
    equals: Annotated[Any, WithJsonSchema({"type": ["boolean", "integer", "string", "array"]})] = Field(
        examples=[True], description="The value the call must return."
    )


class EventTable(Section):
    """How often an event must have happened."""

    since: Annotated[int, *whole(0, 2**63 - 1)] | None = Field(
        None, description="The first block that counts; where the record says the contract was deployed, if left out."
    )
    equals: Annotated[
        bool | int, needs("true, false or a number", bool, int), WithJsonSchema({"type": ["boolean", "integer"]})
    ] = Field(examples=[False], description="true: at least once; false: never; a number: so many times.")


def _event(value: Any) -> Any:
    if isinstance(value, dict):
        return value
    if type(value) in {bool, int}:
        return {"equals": value}
    raise wrong(misfit(value, "true, false, a number or a table is needed."))


Event = Annotated[
    EventTable,
    BeforeValidator(
        _event,
        json_schema_input_type=Annotated[Any, WithJsonSchema({"type": ["boolean", "integer"]})] | EventTable,
    ),
]
Amount = Annotated[int, *whole(0, 2**256 - 1)]
ArtifactName = Annotated[str, needs("an artifact's name", str), WithJsonSchema({"type": "string", "minLength": 1})]


def _call(value: Any) -> Any:
    return value if isinstance(value, dict) else {"equals": value}


Call = Annotated[
    CallTable,
    BeforeValidator(
        _call,
        json_schema_input_type=Annotated[Any, WithJsonSchema({"type": ["boolean", "integer", "string", "array"]})]
        | CallTable,
    ),
]


class ContractTable(Section):
    """The states one contract must be in; each key is one item of the gate."""

    paused: Flagged | None = Field(None, description="Whether the contract is paused (Pausable).")
    owner: Party | None = Field(
        None, description="Its owner: an address, an account role or a contract's name (Ownable)."
    )
    roles: dict[str, Annotated[list[Party], Field(min_length=1)]] | None = Field(
        None,
        description="For each role, those who must hold it (AccessControl).",
        json_schema_extra={**keys(texts.ROLE.pattern), "minProperties": 1},
    )
    code_size: Annotated[int, *whole(1, 10**9)] | None = Field(
        None, description="The exact size of its code, in bytes."
    )
    code_hash: Hash | None = Field(None, description="The keccak-256 hash of its code.")
    implementation: Party | None = Field(
        None, description="Behind a proxy (EIP-1967): the implementation's address or contract name."
    )
    pending_owner: Party | None = Field(
        None, description="Who may accept the ownership (Ownable2Step); the zero address for nobody."
    )
    members: dict[str, list[Party]] | None = Field(
        None,
        description="For each role, those who hold it and nobody else (AccessControl); an empty array for nobody.",
        json_schema_extra={**keys(texts.ROLE.pattern), "minProperties": 1},
    )
    mappings: dict[str, Annotated[list[Party], Field(min_length=1)]] | None = Field(
        None,
        description="For each mapping from addresses to true and false, such as pausers, those it says true for.",
        json_schema_extra={**keys(texts.CONTRACT.pattern), "minProperties": 1},
    )
    proxy: Annotated[str, *choice("kind of proxy", *states.PROXIES)] | None = Field(
        None, description="The kind of proxy it is (EIP-1967): uups, transparent, beacon or none."
    )
    proxy_admin: Party | None = Field(None, description="Who may upgrade a transparent proxy (EIP-1967).")
    beacon: Party | None = Field(None, description="Where a beacon proxy asks for its implementation (EIP-1967).")
    implementation_code_hash: Hash | None = Field(
        None, description="Behind a proxy: the keccak-256 hash of the implementation's code."
    )
    implementation_artifact: ArtifactName | None = Field(
        None, description="Behind a proxy: the artifact that the implementation's code must be."
    )
    implementation_locked: Flagged | None = Field(
        None, description="Behind a proxy: whether the implementation itself can never be initialised."
    )
    initialised: Flagged | None = Field(None, description="Whether it was initialised (Initializable).")
    reinitialisable: Flagged | None = Field(
        None, description="Whether anybody could initialise it again; every initialiser is tried, and nothing is sent."
    )
    delegation: Party | None = Field(None, description="Where an account delegates to (EIP-7702).")
    interfaces: Annotated[list[Line], Field(min_length=1)] | None = Field(
        None, description="The interfaces it supports (EIP-165): names such as ERC721, or ids such as 0x80ac58cd."
    )
    artifact: ArtifactName | None = Field(
        None, description="The artifact its code must be: without metadata, immutables left open, libraries linked."
    )
    libraries: dict[str, Party] | None = Field(
        None,
        description="For each library its code is linked to, where that is.",
        json_schema_extra={**keys(texts.CONTRACT.pattern), "minProperties": 1},
    )
    immutables: dict[str, Scalar] | None = Field(
        None,
        description="The value of each immutable, by its name in the source.",
        json_schema_extra={**keys(states.IMMUTABLE.pattern), "minProperties": 1},
    )
    events: dict[str, Event] | None = Field(
        None,
        description="How often events must have happened: true, false or a number, or a table with a first block.",
        json_schema_extra={**keys(states.EVENT.pattern), "minProperties": 1},
    )
    balance: Amount | None = Field(None, description="Its balance of the chain's own currency, in wei.")
    balances: dict[str, Amount] | None = Field(
        None,
        description="Its exact balance of each token, by contract name or address, in the token's units.",
        json_schema_extra={**keys(states.TOKEN.pattern), "minProperties": 1},
    )
    allowances: dict[str, Annotated[dict[str, Amount], Field(min_length=1)]] | None = Field(
        None,
        description="For each token and spender, what the spender may still take from this contract.",
        json_schema_extra={**keys(states.TOKEN.pattern), "minProperties": 1},
    )
    calls: dict[str, Call] | None = Field(
        None,
        description="View calls, by name or signature, and what each must return.",
        json_schema_extra={**keys(states.CALL.pattern), "minProperties": 1},
    )


Inventory = Annotated[
    bool | list[Name],
    needs("true or an array of networks", bool, list),
    WithJsonSchema(
        {"anyOf": [{"const": True}, {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}}]}
    ),
]


class WatchTable(Section):
    """How ``rollout watch`` looks."""

    interval: Duration | None = Field(
        None,
        description="How often it looks; if left out, as often as the stage's quickest source, each minute for nodes.",
    )
    max_blind: Duration = Field("15m", description="For how long it goes on when it sees nothing; 15m if left out.")


class DrilledTable(Section):
    """What `rollout drill` must have found before the stage is left."""

    score: Share = Field(
        examples=["90 %"], description="The share of faults that the gate must have noticed, at least."
    )
    valid_for: Duration = Field("7d", description="How long a drill counts; 7d if left out.")


class StageTable(Section):
    """A step of the rollout with one exposure and one gate."""

    title: Line | None = Field(None, description="The stage's name for people; the name, if left out.")
    network: Name | None = Field(None, description="The declared network its gate runs on.")
    deadline: Duration = Field("1h", description="How long a run of the gate may take, at most 24h; 1h if left out.")
    duration: Duration | None = Field(
        None, description="How long the stage is planned to last; checked against its soak."
    )
    soak: SoakTable | None = Field(None, description="Time covered by samples before the stage may end.")
    exposure: ExposureTable | None = Field(None, description="Who is inside the stage.")
    flags: dict[str, Scalar] = Field(
        {},
        description="The value each flag must have in this stage; each is one item of the gate.",
        json_schema_extra=keys(texts.FLAG.pattern),
    )
    contracts: dict[str, ContractTable] = Field(
        {},
        description="The states contracts must be in; each is one item of the gate.",
        json_schema_extra=keys(texts.CONTRACT.pattern),
    )
    inventory: Inventory | None = Field(
        None,
        description="true: every contract of contracts.inventory is one item; or the networks whose contracts are.",
    )
    criteria: list[CriterionTable] = Field([], description="Bounds on metrics; each is one item of the gate.")
    commands: list[CommandTable] = Field([], description="What the runbook runs; each is one item of the gate.")
    endpoints: list[EndpointTable] = Field([], description="What services must answer; each is one item of the gate.")
    engines: StageEnginesTable | None = Field(None, description="What the gate asks of both engines.")
    nodes: dict[str, StageNodeTable] = Field(
        {},
        description="The rung each node stands on; each aspect is one item of the gate.",
        json_schema_extra=keys(NAME.pattern),
    )
    stores: list[StoreTable] = Field([], description="What stores must hold; each is one item of the gate.")
    rules: list[RulesTable] = Field([], description="Alert and recording rules; each is one item of the gate.")
    dashboards: list[DashboardsTable] = Field([], description="Grafana dashboards; each is one item of the gate.")
    alerts: list[AlertTable] = Field([], description="Test alerts that must arrive; each is one item of the gate.")
    manifests: list[ManifestsTable] = Field([], description="Kubernetes manifests; each is one item of the gate.")
    environments: list[EnvironmentTable] = Field(
        [], description="What programs are configured with; each is one item of the gate."
    )
    drills: list[DrillTable] = Field(
        [], description="Emergencies exercised on copies, and dual writes; each is one item of the gate."
    )
    ratios: list[RatioTable] = Field(
        [], description="How much a candidate takes beside a reference; each is one item of the gate."
    )
    databases: list[StageDatabaseTable] = Field(
        [], description="What databases must be and hold; each is one item of the gate."
    )
    checklist: list[ChecklistTable] = Field(
        [], description="What people see to and tick; each is one item of the gate."
    )
    known_failures: list[KnownFailureTable] = Field([], description="Tests that may fail for a while.")
    watch: WatchTable | None = Field(None, description="How `rollout watch` looks at the stage.")
    signoffs: SignoffsTable | None = Field(None, description="Who must sign a judgement before the stage is left.")
    overrides: OverridesTable | None = Field(None, description="Who may let the stage be left although it holds.")
    drilled: DrilledTable | None = Field(None, description="What a drill must have found before the stage is left.")
    removed: list[Text] = Field([], description="Ids of items the gate used to have and no longer owes.")
