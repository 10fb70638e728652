"""A drill as it is recorded: what the gate noticed of deliberate faults, and what a promotion wants of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.errors import LedgerError, Refused, listed
from pytest_rollout.core.faults import Came, Fault, Tried
from pytest_rollout.core.records import Record
from pytest_rollout.core.subject import Subject


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
