"""The shape of who must sign, and of who may override: every key, its kind of value and what it is for."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from pytest_rollout.core.override import NEVER, OVERRIDABLE
from pytest_rollout.plan import texts
from pytest_rollout.plan.section import Duration, Line, Section, choice, needs, whole

Address = Annotated[
    str,
    needs("an address", str),
    WithJsonSchema({"type": "string", "pattern": rf"^(?:{texts.ADDRESS.pattern}|.*\$\{{.*)$"}),
]


def _quorum(value: object) -> object:
    return None if value == "all" else value


class SignoffsTable(Section):
    """Who must sign a judgement before its stage is left, with ``rollout sign``."""

    roles: Annotated[dict[str, Address], Field(min_length=1)] = Field(
        examples=[{"CTO": "0x…"}], description="Each role and the address of the key or contract wallet that plays it."
    )
    quorum: Annotated[
        Annotated[int, *whole(1, 1000)] | None,
        BeforeValidator(_quorum),
        WithJsonSchema({"anyOf": [{"const": "all"}, {"type": "integer", "minimum": 1, "maximum": 1000}]}),
    ] = Field(None, description="How many of the roles are needed; all, if left out.")
    valid_for: Duration = Field("14d", description="How long a signature counts, at most; 14d if left out.")
    chain_id: Annotated[int, *whole(1, 2**63 - 1)] | None = Field(
        None, description="The chain id wallets are shown; that of the stage's network, if left out."
    )
    authors: dict[str, Address] = Field(
        {},
        description="E-mail addresses of authors and their keys' addresses: nobody signs for their own commit.",
    )


class OverridesTable(SignoffsTable):
    """Who may let a stage be left although its gate holds, with ``rollout override``; without it nobody may."""

    roles: Annotated[dict[str, Address], Field(min_length=1)] = Field(
        examples=[{"CTO": "0x…"}], description="Each role that may, and the address of its key or contract wallet."
    )
    valid_for: Duration = Field("24h", description="How long an override counts, at most; 24h if left out.")
    chain_id: Annotated[int, *whole(1, 2**63 - 1)] | None = Field(
        None, description="The chain id wallets are shown; that of the stage's network, if left out."
    )
    authors: dict[str, Address] = Field(
        {}, description="As in signoffs, and those of signoffs if left out: nobody overrides for their own commit."
    )
    kinds: list[
        Annotated[
            str,
            *choice(
                "kind",
                *(each.value for each in OVERRIDABLE),
                hints={each.value: "is never overridden, it says whether the gate looked at all" for each in NEVER},
            ),
        ]
    ] = Field(
        [each.value for each in OVERRIDABLE], description="The kinds of items that may be overridden; all, if left out."
    )
    never: list[Line] = Field(
        [], description="Items that may not be: names the plan gives its checks, and ids of tests."
    )
