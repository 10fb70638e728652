"""A declared endpoint, asked: its answer and every aspect the plan declares, as JSON for the judge."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytest_rollout.core.endpoint import Ask, Endpoint
from pytest_rollout.core.errors import ServiceError
from pytest_rollout.services.http import Answer, Line
from pytest_rollout.services.leaks import leaks
from pytest_rollout.services.load import exhaust, measure
from pytest_rollout.services.reports.json_value import find, parse
from pytest_rollout.services.turns import turn

_ERRORS = 5
_FOUND = 200


def observe(endpoint: Endpoint, secrets: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """What ``endpoint_rule.judge`` takes, and who said so; raises ``ServiceError`` where it could not ask."""
    line = Line(endpoint.service)
    source = urlsplit(endpoint.service.url).netloc.rpartition("@")[2]
    with turn(source):
        try:
            return _look(endpoint, line, secrets), f"{endpoint.service.name} at {source}"
        finally:
            line.close()


def _look(endpoint: Endpoint, line: Line, secrets: Mapping[str, str]) -> dict[str, Any]:
    answer = line.ask(endpoint.ask)
    seen: dict[str, Any] = {"answer": answer.document()}
    if answer.error:
        return seen
    told = [answer]
    hidden = {name: value for name, value in secrets.items() if value not in endpoint.service.url}
    if endpoint.refuses:
        refused = [line.ask(bad.ask) for bad in endpoint.refuses]
        seen["refused"] = [each.document() for each in refused]
        told += refused
    seen["secrets"] = sorted({leak for each in told for leak in leaks(_whole(each), hidden)})
    seen["never_says"] = [_first(pattern, told) for pattern in endpoint.never_says]
    seen["headers"] = [_header(answer, name, pattern) for name, pattern in endpoint.headers]
    seen["values"] = [_value(answer, each.pointer) for each in endpoint.values]
    if endpoint.schema is not None:
        seen["schema"] = _schema_errors(endpoint.schema, answer)
    if endpoint.certificate is not None:
        seen["tls"] = {"seconds": _seconds_left(line)}
    if endpoint.origins or endpoint.refused_origins:
        seen["origins"] = [_origin(endpoint, line, each) for each in (*endpoint.origins, *endpoint.refused_origins)]
    line.close()
    if endpoint.load is not None:
        seen["load"] = measure(endpoint.service, endpoint.ask, endpoint.load, endpoint.statuses)
    if endpoint.quota is not None:
        seen["quota"] = exhaust(endpoint.service, endpoint.ask, endpoint.quota, endpoint.statuses)
    return seen


def _whole(answer: Answer) -> bytes:
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    return headers.encode("utf-8", "replace") + b"\n\n" + answer.body


def _first(pattern: str, answers: list[Answer]) -> str | None:
    """The first text that the pattern finds in any answer."""
    form = re.compile(pattern, re.MULTILINE)
    for answer in answers:
        if match := form.search(_whole(answer).decode("utf-8", "replace")):
            return match[0][:_FOUND]
    return None


def _header(answer: Answer, name: str, pattern: str) -> list[Any]:
    value = answer.headers.get(name.lower())
    return [(value or "")[:_FOUND], value is not None and re.search(pattern, value, re.IGNORECASE) is not None]


def _value(answer: Answer, pointer: str) -> dict[str, Any]:
    try:
        return {"value": find(parse(answer.body), pointer)}
    except ServiceError as error:
        return {"error": str(error)}


def _schema_errors(file: Path, answer: Answer) -> list[str]:
    """Where the answer is not of its schema; raises ``ServiceError`` for a schema that is none."""
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - for those who declare a schema
    from jsonschema.validators import validator_for  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    schema = parse(_read(file))
    if not isinstance(schema, dict) or not schema:
        raise ServiceError(f"{file.name}: is no JSON Schema; an object that asks for something is needed.")
    try:
        document = _plain(parse(answer.body))
    except ServiceError as error:
        return [f"it {error}"]
    kind = validator_for(schema)
    schema = _plain(schema)
    try:
        kind.check_schema(schema)
        errors = kind(schema, registry=Registry()).iter_errors(document)
        return [f"{each.json_path}: {each.message}"[:_FOUND] for each, _ in zip(errors, range(_ERRORS), strict=False)]
    except SchemaError as error:
        raise ServiceError(f"{file.name}: is no JSON Schema ({error.message[:200]}).") from None
    except Unresolvable as error:
        raise ServiceError(f"{file.name}: refers to what is not in it ({str(error)[:200]}).") from None


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ServiceError(f"{file.name}: cannot be read: {error.strerror}.") from None


def _plain(value: Any) -> Any:
    """Exact decimals as floats, which a schema compares."""
    if isinstance(value, dict):
        is_number = set(value) == {"decimal"}
        return float(value["decimal"]) if is_number else {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _seconds_left(line: Line) -> int | None:
    """How much longer the certificate that was just shown is valid."""
    expiry = line.certificate.get("notAfter")
    return None if expiry is None else int(ssl.cert_time_to_seconds(str(expiry)) - time.time())


def _origin(endpoint: Endpoint, line: Line, origin: str) -> dict[str, Any]:
    """Whether pages of an origin may read the answer: asked before (preflight), and by the request itself."""
    asked = {"Origin": origin, "Access-Control-Request-Method": endpoint.ask.method}
    preflight = line.ask(Ask(method="OPTIONS", path=endpoint.ask.path), asked)
    simple = line.ask(endpoint.ask, {"Origin": origin})
    return {
        "status": simple.status,
        "error": preflight.error or simple.error,
        "preflight": _admits(preflight, origin),
        "simple": _admits(simple, origin),
    }


def _admits(answer: Answer, origin: str) -> bool:
    return answer.headers.get("access-control-allow-origin", "").strip() in {origin, "*"}
