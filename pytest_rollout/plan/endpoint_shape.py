"""The shape of services and of what is asked of their endpoints."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from pytest_rollout.core.units import UNITS
from pytest_rollout.plan.command_shape import Pointer
from pytest_rollout.plan.section import (
    FILLED,
    Bound,
    Duration,
    Flagged,
    Line,
    Name,
    Scalar,
    Section,
    Text,
    choice,
    needs,
    one_or_many,
    whole,
)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

Url = Annotated[
    str,
    needs("an address", str),
    WithJsonSchema({"type": "string", "pattern": rf"^(?:https?://[^\s]+|{FILLED})$"}),
]
Path = Annotated[
    str,
    needs("a path", str),
    WithJsonSchema({"type": "string", "pattern": rf"^(?:/[^\s]*|{FILLED})$"}),
]
HttpStatus = Annotated[int, *whole(100, 599)]
Statuses = Annotated[
    list[HttpStatus],
    Field(min_length=1),
    BeforeValidator(one_or_many, json_schema_input_type=HttpStatus | Annotated[list[HttpStatus], Field(min_length=1)]),
]
Patterns = Annotated[list[Text], BeforeValidator(one_or_many, json_schema_input_type=Text | list[Text])]


class ServiceTable(Section):
    """Something that answers HTTP."""

    url: Url = Field(examples=["https://api.example.org"], description="Its base address; nothing else is contacted.")
    ca: Line | None = Field(None, description="A file of certificates to trust, relative to the plan.")
    timeout: Duration = Field("10s", description="How long one whole answer may take; 10s if left out.")


class ValueTable(Section):
    """One value of a JSON answer."""

    pointer: Pointer = Field(examples=["/status"], description="Where it stands, as a JSON pointer (RFC 6901).")
    unit: Annotated[str, *choice("unit", *UNITS)] = Field("count", description="What the value is in.")
    bound: Bound | None = Field(None, description="The bound that must hold.")
    equals: Scalar | None = Field(None, description="The value it must be.")


class CorsTable(Section):
    """Whose pages may read the answer."""

    allowed: list[Line] = Field([], description="Origins that are let in.")
    refused: list[Line] = Field([], description="Origins that are not.")


class QuotaTable(Section):
    """A rate limit, used up for real."""

    requests: Annotated[int, *whole(1, 10_000)] = Field(
        examples=[100], description="How many requests in a row are answered; the next one gets 429."
    )
    per: Duration = Field(examples=["1m"], description="The period, after which it must answer again; at most 5m.")


class BadInputTable(Section):
    """A request that must be refused."""

    name: Line = Field(examples=["negative amount"], description="What is wrong with it.")
    path: Path | None = Field(None, description="Its path and query; those of the endpoint, if left out.")
    body: Text | None = Field(None, description="Its body; that of the endpoint, if left out.")
    headers: dict[str, Text] = Field({}, description="Headers that differ from the endpoint's.")
    status: Statuses = Field([400, 413, 415, 422], description="The statuses that refuse it.")


class EndpointTable(Section):
    """What is asked of a service, and what its answers must be."""

    name: Line = Field(examples=["health"], description="The endpoint's name; unique in its stage.")
    service: Name = Field(examples=["api"], description="The declared service it belongs to.")
    path: Path = Field(examples=["/health"], description="Its path and query.")
    method: Annotated[str, *choice("method", *METHODS)] = Field("GET", description="The method; GET if left out.")
    headers: dict[str, Text] = Field({}, description="Headers to send.")
    body: Text | None = Field(None, description="The body to send.")
    status: Statuses = Field([200], description="The status of the answer, or several that will do; 200 if left out.")
    shape: Line | None = Field(None, description="A JSON Schema the answer must meet: a file, relative to the plan.")
    values: Annotated[
        list[ValueTable], BeforeValidator(one_or_many, json_schema_input_type=ValueTable | list[ValueTable])
    ] = Field([], description="Values of a JSON answer.")
    answer_headers: dict[str, Text] = Field({}, description="Patterns that headers of the answer must meet.")
    security_headers: Flagged = Field(
        default=False, description="Whether the answer must have the usual security headers."
    )
    never_says: Patterns = Field([], description="Regular expressions that no answer may hold.")
    certificate: Duration | None = Field(None, description="How much longer its certificate must be valid.")
    cors: CorsTable | None = Field(None, description="Whose pages may read the answer.")
    p95: Bound | None = Field(None, description="A bound on the 95th percentile of the time of raw requests.")
    requests: Annotated[int, *whole(20, 100_000)] = Field(100, description="p95: how many requests; 100 if left out.")
    at_once: Annotated[int, *whole(1, 64)] = Field(1, description="p95: how many of them at once; 1 if left out.")
    within: Duration = Field("1m", description="p95: how long all of them may take; 1m if left out.")
    rate_limit: QuotaTable | None = Field(None, description="A rate limit, used up for real.")
    refuses: Annotated[
        list[BadInputTable], BeforeValidator(one_or_many, json_schema_input_type=BadInputTable | list[BadInputTable])
    ] = Field([], description="Bad inputs it must refuse, never with 5xx.")
    advisory: Flagged = Field(default=False, description="Shown in reports, and never counted.")
