"""``verdict.json``: the judgement for machines, byte for byte as it was recorded.

The file has five lines; the fourth carries the recorded bytes after its key, so anybody can
take the digest again with two common tools (see ``VERIFY``). Shape: schema/verdict.schema.json.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pytest_rollout.core.judgement import Sealed
from pytest_rollout.core.outcome import Kind, Outcome, Verdict

SCHEMA = "https://pytest-rollout.dev/schema/verdict/v1"
VERIFY = """sed -n 's/^"judgement": //p' verdict.json | tr -d '\\n' | sha256sum"""
_KEY = b'\n"judgement": '
_END = b"\n}\n"


def parts(sealed: Sealed) -> Iterator[bytes]:
    """The bytes of the file, piece by piece."""
    return _parts(sealed.payload, sealed.digest)


def digest_of_file(payload: bytes) -> str:
    """The SHA-256, in hex, of the file that a judgement with these recorded bytes has."""
    state = hashlib.sha256()
    for part in _parts(payload, hashlib.sha256(payload).hexdigest()):
        state.update(part)
    return state.hexdigest()


def _parts(payload: bytes, digest: str) -> Iterator[bytes]:
    yield f'{{\n"schema": {json.dumps(SCHEMA)},\n"digest": {json.dumps(digest)},'.encode()
    yield _KEY
    yield payload
    yield _END


def differences(data: bytes, sealed: Sealed) -> str:
    """What in a ``verdict.json`` that was read back is not the judgement; empty if nothing.

    Checks the shape without a schema library, the digest over the bytes as they stand in the
    file, and that the counts are those of the findings listed.
    """
    try:
        document: dict[str, Any] = json.loads(data)
        recorded = data[data.index(_KEY) + len(_KEY) : -len(_END)]
        judgement = document["judgement"]
        findings = judgement["findings"]
        tally = Counter(Outcome(finding["outcome"]) for finding in findings)
        counts = {outcome.value: tally[outcome] for outcome in Outcome}
        for finding in findings:
            Kind(finding["kind"])
        checks = {
            "its schema is another one": document["schema"] == SCHEMA,
            "it has other keys": document.keys() == {"schema", "digest", "judgement"},
            "its digest is another one": document["digest"] == sealed.digest,
            "its bytes do not have its digest": hashlib.sha256(recorded).hexdigest() == sealed.digest,
            "its verdict is another one": Verdict(judgement["verdict"]) is sealed.judgement.verdict,
            "its counts are not those of its findings": judgement["counts"] == counts,
            "its counts are not those of the judgement": counts == sealed.judgement.counts(),
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return f"it is no verdict ({type(error).__name__}: {error})"
    return "; ".join(what for what, is_right in checks.items() if not is_right)
