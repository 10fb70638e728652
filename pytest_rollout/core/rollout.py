"""The plan as values: what ``rollout.toml`` means once it has been read and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_rollout.core.outcome import Kind

if TYPE_CHECKING:  # a plan pays for the sections that it has
    from pytest_rollout.core.check import Check
    from pytest_rollout.core.criterion import Criterion
    from pytest_rollout.core.database import DatabaseSettings
    from pytest_rollout.core.drilled import DrillPolicy
    from pytest_rollout.core.endpoint import Service
    from pytest_rollout.core.engines import EngineSettings, NodeSettings
    from pytest_rollout.core.mode import Mode
    from pytest_rollout.core.notice import Importance
    from pytest_rollout.core.override import OverridePolicy
    from pytest_rollout.core.signoff import SignoffPolicy
    from pytest_rollout.core.soak import Soak
    from pytest_rollout.core.store_check import StoreSettings
    from pytest_rollout.core.units import Unit

NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
"""What rollouts, stages and networks may be called: safe in paths, node ids and commands."""

_IDENTITY = frozenset(
    {
        *("code_size", "code_hash", "artifact", "proxy", "proxy_admin", "beacon", "delegation"),
        *("implementation", "implementation_code_hash", "implementation_artifact", "implementation_locked"),
    }
)

Value = bool | int | str | list["Value"] | dict[str, "Value"]
"""What a plan may expect of a contract or a flag; integers are exact, floats do not occur."""


class NetworkKind(StrEnum):
    """The kinds of chain a stage may run on."""

    TESTER = "tester"
    ANVIL = "anvil"
    FORK = "fork"
    RPC = "rpc"

    @property
    def is_real(self) -> bool:
        """Whether others use the chain too: it is only read, and goes on by itself."""
        return self is NetworkKind.RPC


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """Where a node answers. ``shown`` is what any text may say of it: no credentials, no path."""

    value: str = field(repr=False)
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One declared network. ``accounts`` maps a role to the index of a funded development account.

    ``state`` is a recorded state that an anvil begins with. ``of`` is what a fork is forked from, a
    real chain or an anvil, ``block`` the block it begins at. The rest is a real chain's:
    ``finality`` is ``finalized``, ``safe`` or a number of confirmations, ``client`` a pattern of file
    names' kind, ``quorum`` how many of the ``urls`` must agree, ``writes`` the first of the two locks
    on transactions.
    """

    name: str
    kind: NetworkKind
    chain_id: int | None = None
    accounts: Mapping[str, int] = field(default_factory=dict)
    binary: str | None = None
    hardfork: str | None = None
    state: Path | None = None
    of: Network | None = None
    block: int | None = None
    urls: tuple[Url, ...] = ()
    finality: str | int = "finalized"
    genesis: str | None = None
    client: str | None = None
    max_head_age: timedelta = timedelta(minutes=10)
    quorum: int = 1
    writes: bool = False

    @property
    def real(self) -> Network | None:
        """The real chain behind it: itself, what it is forked from, or None."""
        if self.of is not None:
            return self.of.real
        return self if self.kind.is_real else None


class SourceKind(StrEnum):
    """Where the samples of a metric come from; without a source, the gate's tests measure it."""

    PROMETHEUS = "prometheus"
    HTTP = "http"
    SQL = "sql"
    LOG = "log"
    CHAIN = "chain"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """How a metric's source is asked, as the plan writes it.

    A ratio has ``good`` and ``total``, anything else ``query`` (PromQL, SQL, a path into JSON, a
    pattern, an event). ``url`` and ``path`` say where; ``per`` names the label that tells series
    apart, and ``things`` what it must name (rule 21); without it, more than one series is an error.
    ``interval`` is the time between two samples, ``histogram`` whether the series are the
    cumulative buckets of one. ``options`` are keys of that kind of source alone.
    """

    kind: SourceKind
    query: str = ""
    good: str = ""
    total: str = ""
    url: str = ""
    path: str = ""
    pattern: str = ""
    per: str = ""
    things: tuple[str, ...] = ()
    interval: timedelta = timedelta(seconds=15)
    timeout: timedelta = timedelta(seconds=10)
    histogram: bool = False
    options: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """Something measured; ``unit`` is what its values are in. Without ``source``, tests measure it."""

    name: str
    unit: Unit
    description: str = ""
    source: SourceSettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractState:
    """One declared state of one contract.

    ``what`` is a key of the contract's table in the plan and, where that is a table itself, a key of
    it: ``paused``, ``roles.PAUSER_ROLE``, ``calls.<signature or name>``. ``arguments`` are those of
    a view call, or the first block in which an event counts. ``expected`` is the value, or the list
    of holders that must have a role.
    """

    contract: str
    what: str
    expected: Value
    arguments: tuple[Value, ...] = ()

    @property
    def name(self) -> str:
        """The last part of the item's node id, ``SkillProfile.paused``."""
        return f"{self.contract}.{self.what}"

    @property
    def is_identity(self) -> bool:
        """Whether it says which contract this is; numbers and switches may go on changing."""
        return self.what.partition(".")[0] in _IDENTITY


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagState:
    """A flag and the value the stage's audience must get."""

    key: str
    expected: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Who is inside a stage: a number of users, or a share steered by a flag.

    ``share`` is a fraction of one; ``flag`` is the boolean flag that steers it, evaluated for
    ``sample`` synthetic users; the share must lie within ``confidence`` of the declared one.
    """

    users: tuple[int, int | None] | None = None
    share: Fraction | None = None
    flag: str | None = None
    sample: int = 20_000
    confidence: Fraction = Fraction(999, 1000)
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistEntry:
    """Something a person has to see to; ``number`` counts from 1 in the order written."""

    number: int
    text: str
    evidence: bool = False
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFailure:
    """A test that may fail until ``expires``, and who answers for it (rule 30)."""

    test: str
    owner: str
    reason: str
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """How ``rollout watch`` looks: how often, and for how long it goes on when it sees nothing."""

    interval: timedelta | None = None
    max_blind: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A step of the rollout with one exposure and one gate."""

    name: str
    title: str
    network: str | None = None
    exposure: Exposure | None = None
    flags: tuple[FlagState, ...] = ()
    contracts: tuple[ContractState, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    checklist: tuple[ChecklistEntry, ...] = ()
    known_failures: tuple[KnownFailure, ...] = ()
    removed: tuple[str, ...] = ()
    deadline: timedelta = timedelta(hours=1)
    duration: timedelta | None = None
    soak: Soak | None = None
    checks: tuple[Check, ...] = ()
    signoffs: SignoffPolicy | None = None
    overrides: OverridePolicy | None = None
    drilled: DrillPolicy | None = None
    mode: Mode | None = None
    watch: WatchSettings = field(default_factory=WatchSettings)

    def check(self, kind: Kind, name: str) -> Check:
        """The declared check of that kind and name; ``KeyError`` if there is none."""
        for check in self.checks:
            if (check.kind, check.name) == (kind, name):
                return check
        raise KeyError(f"{kind.value}::{name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Where the contracts of one network are recorded: a file or folder, as some tool left it.

    ``format`` is the tool's where the plan names it, else it is told by what is there. ``names``
    maps names of the plan's own to what the record calls a contract, or to its address.
    """

    path: Path
    format: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractSettings:
    """Where contracts come from: artifact folders, and addresses by network and name.

    ``inventory`` lists, network by network, the contracts there must be, ``proxies`` the
    artifacts that one of the proxies among them is made of.
    """

    artifacts: tuple[Path, ...] = ()
    deployments: Mapping[str, Deployment] = field(default_factory=dict)
    inventory: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagSettings:
    """Which OpenFeature provider answers: ``memory`` (with ``values``) or ``flagd:<file>``."""

    provider: str = "memory"
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifications:
    """Who is told: apprise addresses by importance, and where CDEvents are posted; none of it is ever shown."""

    routes: Mapping[Importance, tuple[str, ...]] = field(default_factory=dict, repr=False)
    cdevents: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestationSettings:
    """Which key signs the judgement of every gate: a file, ``env:NAME``, or a URI with the key's public half.

    ``password_env`` is the variable with its password or PIN, empty where it has none.
    """

    key: str = field(repr=False)
    public_key: Path | None = None
    password_env: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Where the plan's source document contradicts itself, and what the plan's author chose."""

    where: str
    says: tuple[str, ...]
    choice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """One change's whole journey, stages in order.

    ``folder`` holds ``rollout.toml``; ``plan_digest`` is the SHA-256 of the bytes that were read.
    ``began`` is when the first stage was entered, where that was before the ledger was made.
    ``secrets`` maps the names used in ``${NAME}`` to their values; reports show ``<NAME>``.
    """

    name: str
    title: str
    folder: Path
    plan_digest: str
    stages: tuple[Stage, ...]
    networks: Mapping[str, Network] = field(default_factory=dict)
    contracts: ContractSettings = field(default_factory=ContractSettings)
    flags: FlagSettings = field(default_factory=FlagSettings)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    notifications: Notifications = field(default_factory=Notifications)
    attestation: AttestationSettings | None = None
    engines: EngineSettings | None = None
    nodes: Mapping[str, NodeSettings] = field(default_factory=dict)
    contradictions: tuple[Contradiction, ...] = ()
    services: Mapping[str, Service] = field(default_factory=dict)
    stores: Mapping[str, StoreSettings] = field(default_factory=dict)
    databases: Mapping[str, DatabaseSettings] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    judgement_max_age: timedelta = timedelta(hours=24)
    ledger_id: str | None = None
    began: datetime | None = None

    @property
    def plan(self) -> Path:
        """The file the rollout was read from."""
        return self.folder / "rollout.toml"

    @property
    def suite(self) -> Path:
        """Where the tests live: ``suites/`` beside the plan or, without it, beside the plan."""
        suites = self.folder / "suites"
        return suites if suites.is_dir() else self.folder

    def stage(self, name: str) -> Stage:
        """The stage of that name; ``KeyError`` if there is none."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)

    def after(self, name: str) -> Stage | None:
        """The stage that follows, or None after the last."""
        names = [stage.name for stage in self.stages]
        following = names.index(name) + 1
        return self.stages[following] if following < len(names) else None

    def before(self, name: str) -> Stage | None:
        """The stage that precedes, or None before the first."""
        index = [stage.name for stage in self.stages].index(name)
        return self.stages[index - 1] if index else None
