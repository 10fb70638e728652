"""The shape of a metric: what it is in, and where its samples come from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, WithJsonSchema

from pytest_rollout.core.rollout import SourceKind
from pytest_rollout.core.units import UNITS
from pytest_rollout.plan.section import Duration, Flagged, Line, Section, Text, choice, needs

TESTS = "tests"


class MetricTable(Section):
    """Something measured."""

    unit: Annotated[
        str,
        needs("a unit", str),
        WithJsonSchema(
            {
                "anyOf": [
                    {"enum": [u for u in UNITS if u != "%"]},
                    {"type": "string", "pattern": r"^.*\$\{.*$"},
                ]
            }
        ),
    ] = Field(
        examples=["ratio"],
        description="What the metric's values are in; bounds convert within its dimension.",
    )
    description: Line | None = Field(None, description="What is measured, for people.")
    source: Annotated[str, *choice("source", TESTS, *SourceKind)] = Field(
        TESTS, description="Who measures it: the gate's tests with measure(), or a source that is asked for samples."
    )
    url: Text | None = Field(
        None, description="Where the source is: a Prometheus, an address that answers JSON, a database."
    )
    path: Text | None = Field(None, description="The file of log lines, recorded samples or submitted transactions.")
    query: Text | None = Field(None, description="What is asked: PromQL, a path into JSON, SQL, a column, an event.")
    good: Text | None = Field(None, description="Of a ratio: what counts the good ones, asked like a query.")
    total: Text | None = Field(None, description="Of a ratio: what counts all, asked like a query.")
    pattern: Text | None = Field(None, description="How a log line is read: a regular expression with a group 'time'.")
    per: Text | None = Field(None, description="The label that tells things apart, each of which is judged by itself.")
    things: Annotated[list[Line], Field(min_length=1)] | None = Field(
        None, description="The things that must answer; one that does not is not_run."
    )
    interval: Duration = Field("15s", description="The time between two samples; 15s if left out.")
    timeout: Duration = Field("10s", description="How long the source may take to answer; 10s if left out.")
    histogram: Flagged = Field(
        default=False, description="Whether the series are the buckets of one Prometheus histogram."
    )
    token: Text | None = Field(None, description="A bearer token for the source.")
    tenant: Text | None = Field(None, description="Whose data is asked for, in the header X-Scope-OrgID.")
    certificates: Text | None = Field(None, description="A file with the certificates to trust, relative to the plan.")
    observed: Text | None = Field(None, description="PromQL for the time at which what is asked was observed.")
    time: Text | None = Field(None, description="The path or column of the observation time.")
    time_format: Text | None = Field(None, description="How log lines write times, as for strptime.")
    zone: Text | None = Field(None, description="The time zone of times that name none, such as Europe/Berlin.")
    network: Text | None = Field(None, description="The declared network whose chain is asked.")
    finality: Text | None = Field(
        None, description="When a transaction is final: finalized, safe, or a number of blocks."
    )
    addresses: Text | None = Field(None, description="The contracts whose events count, with blanks between them.")
    deadline: Duration | None = Field(None, description="How long a transaction may be pending.")
