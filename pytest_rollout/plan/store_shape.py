"""The shape of stores, and of what their records must be."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from pytest_rollout.core.record import FieldKind
from pytest_rollout.core.store_check import StoreKind
from pytest_rollout.plan.section import Flagged, Line, Name, Section, choice, needs, one_or_many, whole

Value = Annotated[int, *whole(0, 2**63 - 1)] | Line
Fields = Annotated[list[Line], BeforeValidator(one_or_many, json_schema_input_type=Line | list[Line])]
Values = Annotated[list[Value], BeforeValidator(one_or_many, json_schema_input_type=Value | list[Value])]
Inventory = Annotated[
    bool | list[Line],
    needs("true or an array of records", bool, list),
    WithJsonSchema({"anyOf": [{"const": True}, {"type": "array", "items": {"type": "string", "minLength": 1}}]}),
]


class StoreDeclarationTable(Section):
    """Where a system keeps records beside the chain."""

    kind: Annotated[str, *choice("kind", *StoreKind)] = Field(
        examples=["leveldb"],
        description="leveldb, json or unified (folders), ndjson, sqlite, files, manifest.",
    )
    path: Line = Field(examples=["state/leveldb"], description="The folder or file, relative to the plan.")
    table: Line | None = Field(None, description="The table, for sqlite.")


class StoreTable(Section):
    """A store looked through, or two that must hold the same."""

    name: Line = Field(examples=["every contract moved"], description="Its name; unique in its stage.")
    left: Name = Field(examples=["before"], description="The declared store.")
    right: Name | None = Field(None, description="The declared store that must hold the same; none, if left out.")
    key: Annotated[
        list[Line],
        Field(min_length=1),
        BeforeValidator(one_or_many, json_schema_input_type=Line | Annotated[list[Line], Field(min_length=1)]),
    ] = Field(examples=[["chainId", "contractName"]], description="The fields that say who a record is.")
    fields: Fields = Field([], description="The fields that are compared; all of both records, if left out.")
    kinds: dict[str, Annotated[str, *choice("kind", *FieldKind)]] = Field(
        {}, description="Per field, how two spellings mean the same: address, hash, integer, time; else exact."
    )
    aliases: dict[str, dict[str, Fields]] = Field(
        {}, description="Per field of the key: a spelling, and the others that mean it."
    )
    short_names: Flagged = Field(default=False, description="Whether path/File.sol:Name means Name.")
    inventory: Inventory = Field(
        [],
        description="Every record there must be, and no other: the parts of its key, with / between; "
        "true: every contract of contracts.inventory, by its network's chain id and its name.",
    )
    at_least: Annotated[int, *whole(1, 10**12)] = Field(1, description="How many records there must be at least.")
    scope: dict[str, Values] = Field({}, description="Per field, the values that are in scope; others are told.")
    outside: dict[str, Values] = Field(
        {}, description="Per field, values that are known to be out of scope: told, and set aside."
    )
    advisory: Flagged = Field(default=False, description="Shown in reports, and never counted.")
