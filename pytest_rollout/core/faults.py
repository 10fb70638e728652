"""A drill: deliberate faults, and which of them the gate noticed.

A fault is an alteration of the world that one item of the gate looks at. An item that still passes
is vacuous in that respect. An item that does not pass without any fault proves nothing either way,
and does not count as having noticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.errors import LedgerError, Refused, listed
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.records import Record
from pytest_rollout.core.subject import Subject


class Fault(StrEnum):
    """What is done to the world."""

    ITEM = "item-removed"
    STATE = "contract-state"
    CODE = "contract-code"
    CHAIN = "wrong-chain"
    FLAG = "flag-flipped"
    METRIC_DOWN = "metric-down"
    METRIC_NAN = "metric-nan"
    METRIC_STALE = "metric-stale"
    ENGINE = "engine-missing"
    NODE = "node-down"
    RECORD = "record-dropped"
    SERVICE_DOWN = "service-500"
    SERVICE_SLOW = "service-slow"
    COMMAND = "command-fails"

    @property
    def words(self) -> str:
        """What was done, in a clause."""
        return _WORDS[self]

    @property
    def mend(self) -> str:
        """What an item lacks that did not notice."""
        return _MENDS.get(self, "it passes whatever it sees; narrow what it must be")


_WORDS: Mapping[Fault, str] = {
    Fault.ITEM: "the item was not run",
    Fault.STATE: "the contract answered otherwise",
    Fault.CODE: "other code at the address, which answers as before",
    Fault.CHAIN: "the node was another chain's",
    Fault.FLAG: "the flag was flipped",
    Fault.METRIC_DOWN: "its source answered nothing",
    Fault.METRIC_NAN: "its source answered NaN",
    Fault.METRIC_STALE: "its source had only old samples",
    Fault.ENGINE: "the candidate could not be loaded",
    Fault.NODE: "the node answered status 500",
    Fault.RECORD: "a record was dropped from a copy of the store",
    Fault.SERVICE_DOWN: "the service answered status 500",
    Fault.SERVICE_SLOW: "the service answered slowly",
    Fault.COMMAND: "the command did nothing and failed",
}


_MENDS: Mapping[Fault, str] = {
    Fault.CODE: "nothing looks at its code; declare its artifact or code_hash",
    Fault.RECORD: "declare at_least, an inventory, or the store it must equal",
    Fault.SERVICE_SLOW: "declare its p95",
    Fault.ITEM: "an item may go missing; declare it",
}


class Came(StrEnum):
    """What an item made of a fault."""

    NOTICED = "noticed"
    MISSED = "missed"
    UNPROVEN = "unproven"
    OUT_OF_REACH = "out_of_reach"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One fault on one item. ``why`` is what the item said of it, or what kept it from telling."""

    fault: Fault
    item: str
    came: Came
    why: str = ""

    def document(self) -> dict[str, object]:
        """As it stands in the ledger."""
        return {"fault": self.fault.value, "item": self.item, "came": self.came.value, "why": self.why}


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillPolicy:
    """How well a gate must have noticed, and for how long a drill counts."""

    score: Fraction
    valid_for: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One drill of one gate, bound to plan, suite, packages and commit as they were when it ended.

    ``stage`` was drilled on ``network``, which may be a fork of the stage's own. ``quiet`` are the
    tests that passed under every fault.
    """

    rollout: str
    stage: str
    entry: int
    network: str
    commit: str
    committed: bool
    plan_digest: str
    suite_digest: str
    packages_digest: str
    person: str
    at: datetime
    tried: tuple[Tried, ...]
    quiet: tuple[str, ...] = ()

    kind = EntryKind.DRILL

    def count(self, came: Came) -> int:
        """How many faults came out so."""
        return sum(each.came is came for each in self.tried)

    @property
    def counted(self) -> int:
        """How many faults count: all but those that were out of reach."""
        return len(self.tried) - self.count(Came.OUT_OF_REACH)

    @property
    def is_about_something(self) -> bool:
        """Whether anything but the absence of items was tried, which the supervisor notices whatever the gate is."""
        return any(each.came is not Came.OUT_OF_REACH and each.fault is not Fault.ITEM for each in self.tried)

    @property
    def score(self) -> Fraction:
        """The share of the faults that count which were noticed; 0 of 0 is 0."""
        return Fraction(self.count(Came.NOTICED), self.counted) if self.counted else Fraction(0)

    @property
    def is_clean(self) -> bool:
        """Whether there was a fault of the world, and every one that counts was noticed."""
        return self.is_about_something and self.count(Came.NOTICED) == self.counted

    def document(self) -> dict[str, object]:
        """As it stands in the ledger."""
        return {
            "rollout": self.rollout,
            "stage": self.stage,
            "entry": self.entry,
            "network": self.network,
            "commit": self.commit,
            "committed": self.committed,
            "plan_digest": self.plan_digest,
            "suite_digest": self.suite_digest,
            "packages_digest": self.packages_digest,
            "person": self.person,
            "at": self.at.isoformat(),
            "tried": [each.document() for each in self.tried],
            "quiet": list(self.quiet),
        }

    @classmethod
    def read(cls, record: Record) -> Drill:
        """The drill a ledger entry holds."""
        return cls(
            rollout=record.text("rollout"),
            stage=record.text("stage"),
            entry=record.number("entry"),
            network=record.text("network"),
            commit=record.text("commit"),
            committed=record.truth("committed"),
            plan_digest=record.text("plan_digest"),
            suite_digest=record.text("suite_digest"),
            packages_digest=record.text("packages_digest"),
            person=record.text("person"),
            at=record.moment("at"),
            tried=tuple(_tried(each) for each in record.tables("tried")),
            quiet=record.texts("quiet"),
        )


def _tried(record: Record) -> Tried:
    try:
        fault, came = Fault(record.text("fault")), Came(record.text("came"))
    except ValueError as error:
        raise LedgerError(
            f"{record.where}: {error}; read it with the version of pytest-rollout that wrote it."
        ) from None
    return Tried(fault=fault, item=record.text("item"), came=came, why=record.text("why"))


def came_out(fault: Fault, before: Outcome | None, after: Outcome | None, *, was_looked_at: bool) -> tuple[Came, str]:
    """What an item made of a fault, by how it came out without it and under it.

    An item that nothing was observed for under the fault failed before it looked: it proves nothing.
    """
    if before is not Outcome.PASS:
        return Came.UNPROVEN, f"without a fault it is {'not there' if before is None else before.value}"
    if after is None:
        return Came.UNPROVEN, "under the fault it has no finding"
    if after is Outcome.PASS:
        return Came.MISSED, fault.mend
    if not was_looked_at:
        return Came.UNPROVEN, f"{after.value} under the fault, before it looked"
    return Came.NOTICED, ""


def require(policy: DrillPolicy, drill: Drill | None, now: Subject, at: datetime, *, place: str) -> None:
    """Raise ``Refused`` unless ``drill`` is about what is there now, recent, and good enough."""
    again = f"Run `rollout drill {place}`."
    if drill is None:
        raise Refused(f"{place}: the plan wants a drill before a promotion and none is recorded. {again}")
    about = ((drill.commit, now.commit), (drill.plan_digest, now.plan_digest), (drill.suite_digest, now.suite_digest))
    moved = [what for what, (then, there) in zip(("commit", "plan", "suite"), about, strict=True) if then != there]
    if drill.packages_digest != now.packages_digest:
        moved.append("installed packages")
    if moved:
        raise Refused(f"{place}: {listed(moved)} changed since the last drill ({drill.at.isoformat()}). {again}")
    if not drill.committed:
        raise Refused(f"{place}: the last drill was of files that no commit has. Commit them. {again}")
    if not drill.at <= at <= drill.at + policy.valid_for:
        raise Refused(
            f"{place}: the last drill was at {drill.at.isoformat()}, the plan allows {policy.valid_for}. {again}"
        )
    if not drill.is_about_something:
        raise Refused(
            f"{place}: the last drill had nothing to alter but the presence of items; declare what the gate is about "
            f"in the plan. {again}"
        )
    if drill.score < policy.score:
        worst = [each.item.rpartition("::")[2] for each in drill.tried if each.came is Came.MISSED]
        named = f"; unnoticed: {listed(dict.fromkeys(worst))}" if worst else ""
        raise Refused(
            f"{place}: the last drill noticed {drill.count(Came.NOTICED)} of {drill.counted} faults, the plan wants "
            f"{float(100 * policy.score):.4g} %{named}. Mend the gate. {again}"
        )
