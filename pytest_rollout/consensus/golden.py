"""Golden vectors: a file of inputs and the answers that every engine must give.

``[{"input": {…}, "expected": true}, {"input": {…}, "raises": "BadMerkleRoot"},
{"call": "sha256", "input": {"$hex": ""}, "expected": "0xe3b0…"}]``. ``call`` names another method
than ``verify_block``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_rollout.consensus.guard import Guard, LateError, StuckError, frozen
from pytest_rollout.consensus.kept import decode
from pytest_rollout.core.answer import Answer, Refusal, Relation, compare
from pytest_rollout.core.errors import EngineError

_KEYS = {"name", "call", "input", "expected", "raises"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """One input, copied for each engine, and its answer."""

    name: str
    call: str
    copies: Callable[[], Any]
    answer: Answer


def read_vectors(path: Path) -> tuple[Vector, ...]:
    """The vectors of a file; raises ``EngineError`` for a file with none, or with one that is malformed."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise EngineError(f"{path.name}: no golden vectors ({type(error).__name__}: {error}).") from error
    if not isinstance(found, list) or not found:
        raise EngineError(f"{path.name}: a JSON array of at least one vector is needed.")
    return tuple(_vector(each, f"{path.name}, vector {index + 1}") for index, each in enumerate(found))


def _vector(each: Any, where: str) -> Vector:
    if not isinstance(each, dict) or "input" not in each:
        raise EngineError(f"{where}: a table with 'input' and 'expected' or 'raises' is needed.")
    if unknown := sorted(each.keys() - _KEYS):
        raise EngineError(f"{where}: no key {unknown[0]!r}; allowed are {', '.join(sorted(_KEYS))}.")
    if ("expected" in each) == ("raises" in each):
        raise EngineError(f"{where}: either 'expected' or 'raises' is needed.")
    call = each.get("call", "verify_block")
    if not isinstance(call, str) or not call.isidentifier() or call.startswith("_"):
        raise EngineError(f"{where}: 'call' is {call!r:.40}; the name of a method is needed.")
    if "raises" in each and not (isinstance(each["raises"], str) and each["raises"]):
        raise EngineError(f"{where}: 'raises' names the class of a reason.")
    try:
        block = decode(each["input"])
        expected = decode(each.get("expected"))
    except (ValueError, TypeError) as error:
        raise EngineError(f"{where}: {error}.") from error
    answer = Answer(refusal=Refusal(reason=each["raises"])) if "raises" in each else Answer(value=expected)
    return Vector(name=str(each.get("name", where)), call=call, copies=frozen(block), answer=answer)


def matched(
    vectors: tuple[Vector, ...], engine: Any, *, seconds: float, reasons: Mapping[str, str], ignore: tuple[str, ...]
) -> dict[str, Any]:
    """How many vectors an engine answers as expected, and what the first other one was."""
    guard = Guard()
    number, first = 0, ""
    for vector in vectors:
        ask = getattr(engine, vector.call, None)
        if not callable(ask):
            raise EngineError(f"{vector.name}: the engine {type(engine).__name__} has no method {vector.call!r}.")
        try:
            answer, _ = guard.ask(ask, vector.copies(), seconds, reasons)
        except (LateError, StuckError):
            first = first or f"{vector.name}: no answer within {seconds:g} s"
            continue
        comparison = compare(vector.answer, answer, ignore)
        if comparison.relation.is_divergence:
            first = first or f"{vector.name}: {comparison.text}"
        else:
            number += comparison.relation in {Relation.AGREED, Relation.AGREED_REFUSAL, Relation.IGNORED}
    guard.close()
    return {"matched": number, "first": first}
