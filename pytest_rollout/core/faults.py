"""Deliberate faults, and what an item made of one.

A fault is an alteration of the world that one item of the gate looks at. An item that still passes
is vacuous in that respect. An item that does not pass without any fault proves nothing either way,
and does not count as having noticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pytest_rollout.core.outcome import Outcome


class Fault(StrEnum):
    """What is done to the world."""

    ITEM = "item-removed"
    STATE = "contract-state"
    CODE = "contract-code"
    CHAIN = "wrong-chain"
    LISTED = "inventory-record"
    LISTED_CODE = "inventory-code"
    FLAG = "flag-flipped"
    SHARE = "share-changed"
    COHORT = "cohort-changed"
    UNSTICKY = "cohort-unsticky"
    METRIC_DOWN = "metric-down"
    METRIC_NAN = "metric-nan"
    METRIC_STALE = "metric-stale"
    METRIC_EMPTY = "metric-empty"
    SOAK_GAP = "soak-gap"
    SOAK_THIN = "soak-thin"
    SOAK_RESTART = "soak-restart"
    ENGINE = "engine-missing"
    NODE = "node-down"
    RECORD = "record-dropped"
    COLUMN = "column-missing"
    INDEX = "index-missing"
    CONSTRAINT = "constraint-missing"
    TABLE = "table-emptied"
    TAG = "tag-altered"
    EXPRESSION = "expression-broken"
    UNKNOWN = "metric-unknown"
    SILENT = "alert-silent"
    LOST = "alert-lost"
    IMAGE = "image-unpinned"
    RESOURCE = "resource-missing"
    PLACEHOLDER = "placeholder"
    ZERO = "zero-address"
    VALUE = "value-altered"
    VARIABLE = "variable-missing"
    SERVICE_GONE = "service-down"
    SERVICE_DOWN = "service-500"
    SERVICE_SLOW = "service-slow"
    COMMAND = "command-fails"
    COMMAND_LIES = "command-lies"
    RESULT_OLD = "result-old"
    RESULT_EMPTY = "result-empty"

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
    Fault.LISTED: "a copy of the deployment record lacked the contract",
    Fault.LISTED_CODE: "other code at the recorded address",
    Fault.FLAG: "the flag was flipped",
    Fault.SHARE: "the flag let in another share of the users",
    Fault.COHORT: "the flag let in as many users, and others than at the stage before",
    Fault.UNSTICKY: "the flag let in others each second",
    Fault.METRIC_DOWN: "its source answered nothing",
    Fault.METRIC_NAN: "its source answered NaN",
    Fault.METRIC_STALE: "its source had only old samples",
    Fault.METRIC_EMPTY: "its source answered with no row",
    Fault.SOAK_GAP: "its samples had a gap",
    Fault.SOAK_THIN: "its samples came too seldom",
    Fault.SOAK_RESTART: "what was soaked was restarted",
    Fault.ENGINE: "the candidate could not be loaded",
    Fault.NODE: "the node answered status 500",
    Fault.RECORD: "a record was dropped from a copy of the store",
    Fault.COLUMN: "a copy of the table lacked a column",
    Fault.INDEX: "a copy of the table lacked an index",
    Fault.CONSTRAINT: "a copy of the table lacked its keys and constraints",
    Fault.TABLE: "a copy of the table was empty",
    Fault.TAG: "a row of a copy was tagged as another environment's",
    Fault.EXPRESSION: "an expression in a copy of the file did not parse",
    Fault.UNKNOWN: "a copy of the file asked for a metric that nobody exposes",
    Fault.SILENT: "an alert in a copy of the file could never fire",
    Fault.LOST: "Alertmanager took the alert and told nobody",
    Fault.IMAGE: "an image in a copy of the file was pinned by tag",
    Fault.RESOURCE: "a copy of the files lacked a resource",
    Fault.PLACEHOLDER: "a copy of the file held a placeholder",
    Fault.ZERO: "a copy of the file held the zero address",
    Fault.VALUE: "a variable in a copy of the file had another value",
    Fault.VARIABLE: "a copy of the file lacked a variable",
    Fault.SERVICE_GONE: "nobody listened where the service was",
    Fault.SERVICE_DOWN: "the service answered status 500",
    Fault.SERVICE_SLOW: "the service answered slowly",
    Fault.COMMAND: "the command did nothing and failed",
    Fault.COMMAND_LIES: "the command did nothing, printed FAILED and ended with a good status",
    Fault.RESULT_OLD: "the command ended well and left the report of an earlier run",
    Fault.RESULT_EMPTY: "the command ended well and wrote a report of nothing",
}


_MENDS: Mapping[Fault, str] = {
    Fault.CODE: "nothing looks at its code; declare its artifact or code_hash",
    Fault.LISTED_CODE: "only what is behind a proxy is compared; declare its artifact as well",
    Fault.LISTED: "something else than the record knows where it is",
    Fault.RECORD: "declare at_least, an inventory, or the store it must equal",
    Fault.COLUMN: "no item looks at its columns; declare them",
    Fault.INDEX: "no item looks at its indexes; declare them",
    Fault.CONSTRAINT: "no item looks at its keys; declare primary_key, unique, foreign_keys or checks",
    Fault.TABLE: "no item counts its rows; declare rows or same_as",
    Fault.TAG: "its rows refer to no chain; declare a chain_id, contract or transaction that is not optional",
    Fault.SILENT: "nothing sees it fire; declare tests",
    Fault.RESOURCE: "declare the inventory",
    Fault.VALUE: "any value will do; declare it under contracts or values",
    Fault.SERVICE_SLOW: "declare its p95",
    Fault.COMMAND_LIES: "its status is believed; declare results, must_print or never_print",
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
