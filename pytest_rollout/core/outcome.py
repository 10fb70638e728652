"""The closed sets a judgement is made of."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """How one item came out."""

    PASS = "pass"  # noqa: S105 - an outcome, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    PENDING = "pending"
    NOT_RUN = "not_run"

    @property
    def gravity(self) -> int:
        """0 is the gravest; findings are listed in this order."""
        return _GRAVITY[self]


_GRAVITY = {
    Outcome.FAIL: 0,
    Outcome.ERROR: 1,
    Outcome.NOT_RUN: 2,
    Outcome.INCONCLUSIVE: 3,
    Outcome.PENDING: 4,
    Outcome.PASS: 5,
}


class Verdict(StrEnum):
    """What a judgement advises; moves act."""

    PROMOTE = "promote"
    HOLD = "hold"
    ROLLBACK = "rollback"

    @property
    def exit_status(self) -> int:
        """0 promote, 10 hold, 20 rollback: an interface, see docs/reference."""
        return _EXIT[self]


_EXIT = {Verdict.PROMOTE: 0, Verdict.HOLD: 10, Verdict.ROLLBACK: 20}


class Kind(StrEnum):
    """What sort of thing an item is; the value is the story in Allure."""

    RUN = "run"
    NETWORK = "network"
    CONTRACT = "contracts"
    FLAG = "flags"
    EXPOSURE = "exposure"
    TEST = "tests"
    CRITERION = "criteria"
    COMMAND = "commands"
    SOAK = "soak"
    ENDPOINT = "endpoints"
    STORE = "stores"
    DATABASE = "databases"
    DRILL = "drills"
    RATIO = "ratios"
    CHECKLIST = "checklist"
    ENGINE = "engines"
    NODE = "nodes"
    INVENTORY = "inventory"
    RULES = "rules"
    DASHBOARD = "dashboards"
    ALERT = "alerts"
    MANIFEST = "manifests"
    ENVIRONMENT = "environments"


class Severity(StrEnum):
    """How urgently a breached trigger asks for rollback."""

    IMMEDIATE = "immediate"
    PLANNED = "planned"
