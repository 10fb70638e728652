"""The shape of a network in a plan: every key, its kind of value and what it is for."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from pytest_rollout.core.rollout import NetworkKind
from pytest_rollout.plan import texts
from pytest_rollout.plan.section import (
    Duration,
    Flagged,
    Hash,
    Section,
    Text,
    choice,
    keys,
    one_or_many,
    whole,
    wrong,
)
from pytest_rollout.plan.sentence import GIVEN, misfit

HARDFORKS = ("paris", "shanghai", "cancun", "prague", "osaka")
ACCOUNTS = 10
"""Development accounts every network of kind tester, anvil or fork has."""

TAGS = ("finalized", "safe")
MOST_CONFIRMATIONS = 1_000_000


def _finality(value: Any) -> Any:
    if type(value) is int and 0 <= value <= MOST_CONFIRMATIONS:
        return value
    if type(value) is str and value in TAGS:
        return value
    allowed = f"'finalized', 'safe', or a number of confirmations from 0 to {MOST_CONFIRMATIONS}"
    if isinstance(value, str | int) and not isinstance(value, bool):
        unquoted = " Leave out the quotes." if isinstance(value, str) and value.isdecimal() else ""
        raise wrong(f"no finality {GIVEN}; allowed are {allowed}.{unquoted}")
    raise wrong(misfit(value, f"{allowed} is needed."))


Finality = Annotated[
    str | int,
    BeforeValidator(_finality),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(TAGS)},
                {"type": "integer", "minimum": 0, "maximum": MOST_CONFIRMATIONS},
            ]
        }
    ),
]


class NetworkTable(Section):
    """One network that stages may run on."""

    kind: Annotated[
        str,
        *choice(
            "kind",
            *NetworkKind,
        ),
    ] = Field(
        examples=["tester"],
        description="tester: py-evm in this process; anvil: started and stopped for you; fork: an anvil that goes on "
        "from another network; rpc: a real chain, only read.",
    )
    chain_id: Annotated[int, *whole(1, 2**63 - 1)] | None = Field(
        None, description="The chain id the network must have; checked before anything else. Required for kind rpc."
    )
    accounts: dict[str, Annotated[int, *whole(0, ACCOUNTS - 1)]] = Field(
        {},
        description="Account roles and the index, 0 to 9, of the development account that plays each.",
        json_schema_extra=keys(texts.ACCOUNT.pattern),
    )
    binary: Text | None = Field(
        None, description="The anvil program, where it is not found by itself (anvil and fork only)."
    )
    hardfork: Annotated[str, *choice("hardfork", *HARDFORKS)] | None = Field(
        None, description="The rules the chain follows, prague if left out; osaka is known to anvil alone."
    )
    state: Text | None = Field(
        None, description="A recorded state that the chain begins with, relative to the plan (anvil only)."
    )
    of: Text | None = Field(None, description="The network it is forked from, one of kind rpc or anvil (fork only).")
    block: Annotated[int, *whole(0, 2**63 - 1)] | None = Field(
        None, description="The block it is forked at; the newest final one if left out (fork of kind rpc only)."
    )
    url: (
        Annotated[
            list[Text],
            Field(min_length=1),
            BeforeValidator(one_or_many, json_schema_input_type=Text | Annotated[list[Text], Field(min_length=1)]),
        ]
        | None
    ) = Field(None, description="Where its nodes answer JSON-RPC over HTTP, one or several (rpc only).")
    finality: Finality = Field(
        "finalized", description="Which block is final: finalized, safe, or so many confirmations (rpc only)."
    )
    genesis: Hash | None = Field(None, description="The hash its first block must have (rpc only).")
    client: Text | None = Field(
        None, description="What its nodes must call themselves, with * for anything, such as 'Geth/*' (rpc only)."
    )
    max_head_age: Duration | None = Field(
        None, description="How old its newest block may be, as a duration; 10m if left out (rpc only)."
    )
    quorum: Annotated[int, *whole(1, 100)] | None = Field(
        None, description="How many of its URLs must agree; more than half of them if left out (rpc only)."
    )
    writes: Flagged = Field(
        False, description="Whether transactions may be sent when --allow-writes is given as well (rpc only)."
    )
