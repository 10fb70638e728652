"""The shape of drills and ratios: commands that are run on copies, killed, crowded, or by turns."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from pytest_rollout.core.drill import Damage
from pytest_rollout.core.ratio import LEAST_PAIRS, Measure
from pytest_rollout.plan.command_shape import CommandTable, Pointer
from pytest_rollout.plan.section import Duration, Flagged, Line, Section, Text, Variable, choice, one_or_many, whole

Lines = Annotated[list[Line], BeforeValidator(one_or_many, json_schema_input_type=Line | list[Line])]
Run = Annotated[
    list[Text],
    Field(min_length=1),
    BeforeValidator(one_or_many, json_schema_input_type=Text | Annotated[list[Text], Field(min_length=1)]),
]


class DamageTable(Section):
    """What is done to a file of the copy."""

    file: Line = Field(
        examples=["state/bsc.json"], description="The file or folder, relative to the plan, in what is copied."
    )
    how: Annotated[str, *choice("damage", *Damage)] = Field(
        examples=["truncate"],
        description="empty, truncate, flip (a byte), garbage, remove, unreadable or read-only (for its user).",
    )


class KillTable(Section):
    """When a command is killed."""

    times: Annotated[int, *whole(1, 1000)] = Field(10, description="How many runs are killed, one after the other.")
    when: Text | None = Field(
        None, description="A regular expression: kill when it is found in what the command prints."
    )
    within: Duration | None = Field(None, description="Or kill at ever later moments, the last after this time.")


class DrillTable(CommandTable):
    """An exercised emergency, or a dual write."""

    copies: Lines = Field([], description="Files and folders, relative to the plan, that {copy} holds copies of.")
    damage: DamageTable | None = Field(None, description="What is done to the copy before the command runs.")
    times: Annotated[int, *whole(1, 100_000)] = Field(1, description="How often it runs; {number} counts the runs.")
    at_once: Annotated[int, *whole(1, 64)] = Field(1, description="How many runs there are at a time.")
    kill: KillTable | None = Field(None, description="Whether it is killed, and when.")
    recover: Run | None = Field(None, description="The command that mends, after the damage or after each kill.")
    stores: Line | None = Field(None, description="The name of a store check of this stage that must hold afterwards.")
    grows: Annotated[int, *whole(1, 1_000_000)] | None = Field(
        None, description="How many new records one run writes, to both stores."
    )


class RatioTable(Section):
    """How much a candidate takes beside a reference."""

    name: Line = Field(examples=["reads"], description="Its name; unique in its stage.")
    reference: Run = Field(examples=[["node", "bench.js", "leveldb"]], description="The command of what there was.")
    candidate: Run = Field(examples=[["node", "bench.js", "json"]], description="The command of what there will be.")
    at_most: Line = Field(examples=["2x"], description="How many times the reference's share: 2x, or 150 %.")
    measure: Annotated[str, *choice("measure", *Measure)] = Field(
        Measure.TIME.value, description="time, memory (the most of one process), or reported: a number that it prints."
    )
    pointer: Pointer | None = Field(None, description="reported: where the number stands in the JSON it prints.")
    pairs: Annotated[int, *whole(LEAST_PAIRS, 1000)] = Field(15, description="How many pairs are measured.")
    cwd: Line = Field(".", description="The folder both run in, relative to the plan.")
    environment: list[Variable] = Field([], description="Variables both get besides PATH, HOME and the like.")
    timeout: Duration = Field("10m", description="How long one run may take, 10m if left out.")
    advisory: Flagged = Field(default=False, description="Shown in reports, and never counted.")
