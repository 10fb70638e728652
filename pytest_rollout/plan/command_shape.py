"""The shape of a command: what is run, and what must come of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from pytest_rollout.core.results import LEVELS, Format
from pytest_rollout.core.units import UNITS
from pytest_rollout.plan.section import (
    FILLED,
    Bound,
    Duration,
    Flagged,
    Line,
    Moment,
    Scalar,
    Section,
    Text,
    Variable,
    choice,
    needs,
    one_or_many,
    whole,
)

Status = Annotated[int, *whole(0, 255)]
Pointer = Annotated[
    str,
    needs("a JSON pointer, such as '/totals/passed',", str),
    WithJsonSchema({"type": "string", "pattern": rf"^(?:|/.*|{FILLED})$"}),
]


class ExcuseTable(Section):
    """A test of the command's suite that may fail for a while."""

    test: Line = Field(examples=["state.test_rounding"], description="The test's name, as the report spells it.")
    owner: Line = Field(examples=["Jo Doe"], description="Who answers for it.")
    reason: Line = Field(examples=["waits for the fix of the fee"], description="Why it may fail.")
    expires: Moment = Field(
        examples=["2026-12-31T18:00:00Z"],
        description="When it may no longer fail, as a date-time with its offset.",
    )


class LevelsTable(Section):
    """How many results of each of SARIF's levels there may be."""

    error: Bound | None = Field(None, description="Of level error; none, if left out.")
    warning: Bound | None = Field(None, description="Of level warning; any number, if left out.")
    note: Bound | None = Field(None, description="Of level note; any number, if left out.")


class ResultTable(Section):
    """One report that the command writes, and what it must say."""

    format: Annotated[str, *choice("format", *Format)] = Field(
        examples=["junit"], description="How it is written: junit, tap, json, sarif or coverage."
    )
    file: Line | None = Field(
        None,
        description="The file, relative to the command's folder or in {results}; standard output, if left out.",
    )
    tests: Bound | None = Field(None, description="junit and tap: how many tests there must be; >= 1, if left out.")
    skipped: Bound | None = Field(None, description="junit and tap: how many may be skipped; none, if left out.")
    known_failures: list[ExcuseTable] = Field([], description="junit and tap: tests that may fail for a while.")
    pointer: Pointer | None = Field(None, description="json: where the value stands, as a JSON pointer (RFC 6901).")
    unit: Annotated[str, *choice("unit", *UNITS)] = Field("count", description="json: what the value is in.")
    bound: Bound | None = Field(None, description="json and coverage: the bound that must hold.")
    equals: Scalar | None = Field(None, description="json: the value it must be.")
    levels: LevelsTable | None = Field(
        None, description=f"sarif: how many results of each level ({', '.join(LEVELS)}) there may be."
    )


class CommandTable(Section):
    """What the runbook runs by hand."""

    name: Line = Field(examples=["unit tests"], description="The command's name; unique in its stage.")
    run: Annotated[
        list[Text],
        Field(min_length=1),
        BeforeValidator(one_or_many, json_schema_input_type=Text | Annotated[list[Text], Field(min_length=1)]),
    ] = Field(examples=[["npm", "test"]], description="The program and its arguments; with shell, one line.")
    shell: Flagged = Field(default=False, description="Whether run is one line for bash -e -o pipefail.")
    cwd: Line = Field(".", description="The folder it runs in, relative to the plan.")
    environment: list[Variable] = Field([], description="Variables it gets besides PATH, HOME and the like.")
    timeout: Duration = Field("10m", description="How long it may take, 10m if left out; then all of it is ended.")
    status: Annotated[
        list[Status],
        Field(min_length=1),
        BeforeValidator(one_or_many, json_schema_input_type=Status | Annotated[list[Status], Field(min_length=1)]),
    ] = Field([0], description="The exit status, or several that will do; 0 if left out.")
    must_print: Annotated[list[Text], BeforeValidator(one_or_many, json_schema_input_type=Text | list[Text])] = Field(
        [], description="Regular expressions that must each be found in what it prints."
    )
    never_print: Annotated[list[Text], BeforeValidator(one_or_many, json_schema_input_type=Text | list[Text])] = Field(
        [], description="Regular expressions that must not be found in what it prints."
    )
    results: Annotated[
        list[ResultTable], BeforeValidator(one_or_many, json_schema_input_type=ResultTable | list[ResultTable])
    ] = Field([], description="The reports it writes, and what each must say.")
    advisory: Flagged = Field(default=False, description="Shown in reports, and never counted.")
