"""The shape of databases, and of what a stage asks of one."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from pytest_rollout.core.database import Risk
from pytest_rollout.plan.section import (
    Bound,
    Duration,
    Flagged,
    Line,
    Name,
    Scalar,
    Section,
    choice,
    one_or_many,
    wrong,
)
from pytest_rollout.plan.sentence import misfit

Lines = Annotated[list[Line], BeforeValidator(one_or_many, json_schema_input_type=Line | list[Line])]


class DatabaseTable(Section):
    """Where a database is; it is only ever read."""

    url: Line = Field(
        examples=["${PAYMENTS_DATABASE_URL}"],
        description="sqlite:///file, relative to the plan, or postgresql://…; its password from the environment.",
    )
    namespace: Line | None = Field(
        None, description="PostgreSQL: the schema its tables are in; the server's own default, if left out."
    )
    timeout: Duration = Field(
        "30s", description="How long one question, a copy or a migration may take; 30s if left out."
    )
    copies: Line | None = Field(
        None, description="PostgreSQL: the URL of a server where a copy may be made, migrated and dropped."
    )


class ColumnTable(Section):
    """What a column must be."""

    type: Line | None = Field(None, description="Its type, such as varchar(20).")
    null: Flagged | None = Field(None, description="Whether it may be null.")
    default: Scalar | None = Field(None, description="Its default; NULL for none.")


def _column(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


AColumn = Annotated[ColumnTable, BeforeValidator(_column, json_schema_input_type=Line | ColumnTable)]


class IndexTable(Section):
    """The columns of an index."""

    columns: Annotated[
        list[Line],
        Field(min_length=1),
        BeforeValidator(one_or_many, json_schema_input_type=Line | Annotated[list[Line], Field(min_length=1)]),
    ] = Field(examples=[["blockchain_network"]], description="Its columns, in their order.")
    unique: Flagged = Field(default=False, description="Whether it is unique.")


def _index(value: Any) -> Any:
    return value if isinstance(value, dict) else {"columns": value}


AnIndex = Annotated[IndexTable, BeforeValidator(_index, json_schema_input_type=Line | list[Line] | IndexTable)]


def _groups(value: Any) -> Any:
    if not isinstance(value, list):
        raise wrong(misfit(value, "an array of columns, or of arrays of them, is needed."))
    return [one_or_many(each) for each in value]


Groups = Annotated[
    list[Annotated[list[Line], Field(min_length=1)]],
    BeforeValidator(_groups),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": {"type": "string"}}]},
        }
    ),
]


class TagTable(Section):
    """The column that says of which environment a row is."""

    column: Line = Field(examples=["blockchain_network"], description="The column.")
    networks: Annotated[dict[str, Name], Field(min_length=1)] = Field(
        examples=[{"mainnet": "arbitrum"}],
        description="For each value it may have, the declared network it stands for.",
    )
    chain_id: Line | None = Field(None, description="The column with the row's chain id.")
    contract: Line | None = Field(
        None, description="The column with the address of a contract, which must be one of that network's record."
    )
    transaction: Line | None = Field(
        None, description="The column with the hash of a transaction, which that network's node must know as mined."
    )
    optional: Flagged = Field(default=False, description="Whether rows may have no such reference yet.")


class StageDatabaseTable(Section):
    """What a database must be and hold."""

    name: Line = Field(examples=["payments say their network"], description="Its name; unique in its stage.")
    database: Name = Field(examples=["payments"], description="The declared database.")
    table: Line | None = Field(None, description="The table that columns, rows and the like are asked of.")
    columns: dict[str, AColumn] = Field({}, description="For each column, its type, or a table with more about it.")
    exact: Flagged = Field(default=False, description="Whether there may be no other column and no other index.")
    primary_key: Lines = Field([], description="The columns of its primary key.")
    unique: Groups = Field([], description="The columns, or groups of them, that are unique.")
    indexes: dict[str, AnIndex] = Field({}, description="For each index, its columns, or a table with more about it.")
    foreign_keys: dict[str, Line] = Field(
        {}, description="For each column, the table and column it refers to: escrows.id."
    )
    checks: Lines = Field([], description="Conditions that the database itself must hold rows to: amount > 0.")
    rows: Bound | None = Field(None, description="How many rows there must be.")
    sums: Lines = Field([], description="Columns whose exact sums must be equal before and after.")
    same_as: Name | None = Field(None, description="The declared database whose table has the same rows and sums.")
    tag: TagTable | None = Field(None, description="The column that says of which environment a row is.")
    migrations: Lines = Field(
        [],
        description="SQL files, by name or pattern, that are read, and run on a copy; all else is asked of the copy.",
    )
    revisions: Line | None = Field(
        None, description="A folder of Alembic's: its newest revision must have been applied."
    )
    rehearse: Flagged = Field(
        default=False, description="Whether the revisions that are missing are run on a copy instead."
    )
    allow: Annotated[
        list[Annotated[str, *choice("risk", *Risk)]],
        BeforeValidator(one_or_many, json_schema_input_type=str | list[str]),
    ] = Field([], description="What migrations may do although it cannot be taken back: drop column and the like.")
    changing: Lines = Field([], description="Tables whose rows a migration may make more or fewer.")
    models: Line | None = Field(
        None, description="SQLAlchemy metadata that the database must be the same as: app.models:Base."
    )
    advisory: Flagged = Field(default=False, description="Shown in reports, and never counted.")
