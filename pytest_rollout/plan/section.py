"""What every table of a plan has in common, and the kinds of values its keys take."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, LiteralString

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from pytest_rollout.core.errors import suggestion
from pytest_rollout.plan import bounds, durations, texts
from pytest_rollout.plan.sentence import GIVEN, Inexact, misfit, quoted, some

WRONG: Final = "rollout"
"""The type of our own errors among pydantic's; their message is the sentence's text."""

KEY: Final = "rollout_key"
"""The same, where a key is unknown or missing."""

FILLED = r".*\$\{.*"
"""A string that takes its value from the environment: the schema cannot see which."""

_DATE_TIME = re.compile(r"[0-9]T[0-9]")


class Section(BaseModel):
    """One table of the plan: unknown and missing keys are told with the nearest and an example."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _has_its_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            raise wrong(misfit(data, "a table is needed."))
        cls.before_keys(data)
        for key in data:
            if key not in cls.model_fields:
                allowed = list(cls.model_fields)
                near = suggestion(key, allowed)
                raise wrong(f"no key {quoted(key)}; allowed are {', '.join(allowed)}.{near}", KEY)
        for key, field in cls.model_fields.items():
            if field.is_required() and key not in data:
                example = toml((field.examples or [""])[0])
                raise wrong(f"'{key}' is missing; write for example {key} = {example}.", KEY)
        return data

    @classmethod
    def before_keys(cls, data: Mapping[str, Any]) -> None:
        """A section's own word about its table before its keys are looked at."""


def wrong(text: str, kind: LiteralString = WRONG) -> PydanticCustomError:
    """Our own error inside pydantic's validation."""
    return PydanticCustomError(kind, "{text}", {"text": text})


def toml(example: object) -> str:
    """An example as a plan would write it: TOML on one line."""
    if isinstance(example, dict):
        return "{ " + ", ".join(f"{key} = {toml(each)}" for key, each in example.items()) + " }"
    text = json.dumps(example)
    return text.strip('"') if _DATE_TIME.search(text) else text


def needs(what: str, *kinds: type) -> BeforeValidator:
    """A check that a value is of one of these kinds exactly; ``what`` is what is needed instead."""

    def check(value: Any) -> Any:
        if type(value) in kinds:
            return value
        raise wrong(misfit(value, f"{what} is needed.{_unquoted(value, kinds)}"))

    return BeforeValidator(check)


def _unquoted(value: object, kinds: tuple[type, ...]) -> str:
    if isinstance(value, str) and (
        (int in kinds and value.isdecimal()) or (bool in kinds and value in {"true", "false"})
    ):
        return " Leave out the quotes."
    return ""


def _string(pattern: str = "", **more: object) -> WithJsonSchema:
    schema: dict[str, Any] = {"type": "string", **more}
    if pattern:
        schema["pattern"] = f"^(?:{pattern}|{FILLED})$"
    return WithJsonSchema(schema)


def choice(noun: str, *allowed: str, hints: Mapping[str, str] | None = None) -> tuple[Any, ...]:
    """The parts of a closed set of words; ``hints`` say why a word is none of them."""
    are = "allowed are" if len(allowed) > 1 else "allowed is"

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            raise wrong(misfit(value, f"one of {some(allowed)} is needed."))
        if hints and value in hints:
            raise wrong(f"{noun} {GIVEN} {hints[value]}; {are} {some(allowed)}.")
        if value not in allowed:
            raise wrong(f"no {noun} {GIVEN}; {are} {some(allowed)}.{suggestion(value, allowed)}")
        return value

    schema = {"anyOf": [{"enum": list(allowed)}, {"type": "string", "pattern": f"^{FILLED}$"}]}
    return BeforeValidator(check), WithJsonSchema(schema)


def whole(least: int, most: int) -> tuple[Any, ...]:
    """The parts of an integer from ``least`` to ``most``."""

    def check(value: int) -> int:
        if least <= value <= most:
            return value
        raise wrong(f"{GIVEN} is out of range; allowed is {least} to {most}.")

    schema = {"type": "integer", "minimum": least, "maximum": most}
    return AfterValidator(check), needs("an integer", int), WithJsonSchema(schema)


def moment(value: Any) -> Any:
    """A check that a value is a date-time with its offset."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    needed = "a date-time with its offset is needed, such as 2026-12-31T18:00:00Z without quotes."
    raise wrong(misfit(value, needed))


Moment = Annotated[
    datetime,
    BeforeValidator(moment),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})$"}),
]
"""A date-time with its offset."""


def one_or_many(value: Any) -> Any:
    """One entry where an array of them may stand."""
    return value if isinstance(value, list) else [value]


def keys(pattern: str) -> dict[str, Any]:
    """The schema of a table with free keys of one form."""
    return {"propertyNames": {"pattern": f"^(?:{pattern})$"}}


_LINE = r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?"

Text = Annotated[str, needs("a string", str)]
Variable = Annotated[str, needs("an environment variable's name", str), _string(texts.VARIABLE.pattern)]
Module = Annotated[str, needs("a module's name", str), _string(texts.MODULE.pattern)]
Ledger = Annotated[str, needs("a ledger's id", str), _string(texts.LEDGER.pattern)]
NodeId = Annotated[str, needs("a test's id", str), _string(r"\S.*::.*\S")]
Line = Annotated[str, needs("one line of text", str), _string(_LINE, maxLength=texts.LONGEST_LINE)]
Name = Annotated[str, needs("a name", str), _string(r"[a-z][a-z0-9-]{0,31}")]
Metric = Annotated[str, needs("a metric's name", str), _string(texts.METRIC.pattern)]
Flag = Annotated[str, needs("a flag's key", str), _string(texts.FLAG.pattern)]
Duration = Annotated[str, needs("a duration, such as '7d' or '1h30m',", str), _string(rf"(?=.){durations.PATTERN}")]
Bound = Annotated[str, needs("a bound with its unit, such as '> 99 %' or '< 200 ms',", str), _string(bounds.PATTERN)]
Share = Annotated[str, needs("a share in per cent, such as '25 %',", str), _string(texts.SHARE.pattern)]
Hash = Annotated[str, needs("a hash in quotes", str), _string(texts.WORD.pattern)]
Party = Annotated[str, needs("an address, an account role or a contract's name", str), _string(minLength=1)]
Flagged = Annotated[bool, needs("true or false", bool)]
Users = Annotated[
    int | str,
    needs("a number of users, 10, '10..20' or '100..',", int, str),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": 10**12 - 1},
                {"type": "string", "pattern": f"^(?:{texts.USERS.pattern}|{FILLED})$"},
            ]
        }
    ),
]


def _plain(value: Any) -> Any:
    if isinstance(value, Inexact):
        exact = value.text if not value.text.endswith(".0") else value.text.removesuffix(".0")
        raise wrong(f'{GIVEN} is a float, and floats are not exact; write an integer or a string, such as "{exact}".')
    if not isinstance(value, bool | int | str):
        raise wrong(misfit(value, "a boolean, an integer or a string is needed."))
    return value


Scalar = Annotated[
    bool | int | str, BeforeValidator(_plain), WithJsonSchema({"type": ["boolean", "integer", "string"]})
]
