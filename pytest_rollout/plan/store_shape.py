"""The shape of stores, and of what their records must be."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from pytest_rollout.core.record import FieldKind
from pytest_rollout.core.store_check import StoreKind
from pytest_rollout.plan.section import Duration, Flagged, Line, Name, Section, choice, needs, one_or_many, whole

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
        description="leveldb, json or unified (folders), ndjson, sqlite, sql (a server), files, manifest.",
    )
    path: Line | None = Field(
        None, examples=["state/leveldb"], description="The folder or file, relative to the plan; none for sql."
    )
    url: Line | None = Field(
        None,
        examples=["${RECORDS_DATABASE_URL}"],
        description="For sql: postgresql://…; its password from the environment.",
    )
    table: Line | None = Field(None, description="The table or view, for sqlite and sql.")
    query: str | None = Field(None, description="One SELECT instead of a table, for sqlite and sql; a record a row.")
    namespace: Line | None = Field(
        None, description="For sql: the schema its tables are in; the server's own default, if left out."
    )
    timeout: Duration | None = Field(
        None, description="For sql: how long the server may take for the next rows; 30s if left out."
    )


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
    null_is_absent: Flagged = Field(
        default=False, description="Whether null means the same as no such field, as a column that is NULL often does."
    )
    advisory: Flagged = Field(default=False, description="Shown in reports, and never counted.")
