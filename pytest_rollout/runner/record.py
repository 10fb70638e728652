"""A whole question as bytes, so that anybody can ask the judge again and get the same answer (rule 5).

The events stand first, one JSON line each, in the order they arrived; the last line holds what
the supervisor itself pinned and saw. Only the plan is not enclosed: its digest is.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from pytest_rollout.core.chain import Block, Sighting, Witness
from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.judgement import Run, Subject
from pytest_rollout.core.judging import Ending, Narrowing, Question
from pytest_rollout.core.manifest import Doubt, Function, Manifest
from pytest_rollout.core.rollout import Rollout

_VERSION = 1


def pack(question: Question) -> bytes:
    """The supervisor's own line, which follows the events; ends with a newline."""
    about = {
        "version": _VERSION,
        "plan": question.plan,
        "stage": question.stage.name,
        "manifest": asdict(question.manifest),
        "subject": asdict(question.subject),
        "run": asdict(question.run) | {"started_at": question.run.started_at.isoformat()},
        "ending": asdict(question.ending),
        "judged_at": question.judged_at.isoformat(),
        "narrowings": [asdict(each) for each in question.narrowings],
        "ticks": {str(number): by for number, by in question.ticks.items()},
        "facts": dict(question.facts),
        "witnesses": [asdict(each) for each in question.witnesses],
    }
    line = json.dumps(about, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return line.encode() + b"\n"


def unpack(content: bytes, rollout: Rollout, evidence_digest: str) -> Question:
    """The question that ``pack`` wrote, for the same plan; raises ``EvidenceError`` if it is not one."""
    try:
        *events, last = content.rstrip(b"\n").split(b"\n")
        about = json.loads(last)
        if about["version"] != _VERSION:
            raise EvidenceError(f"the evidence is of version {about['version']}; this version reads {_VERSION}.")
        evidence = Evidence.of(json.loads(line) for line in events)
        return replace(_question(about, rollout, evidence), evidence_digest=evidence_digest)
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceError(f"the recorded evidence cannot be read ({type(error).__name__}: {error}).") from None


def _question(about: dict[str, Any], rollout: Rollout, evidence: Evidence) -> Question:
    run = about["run"] | {
        "started_at": datetime.fromisoformat(about["run"]["started_at"]),
        "arguments": tuple(about["run"]["arguments"]),
    }
    return Question(
        rollout=rollout,
        stage=rollout.stage(about["stage"]),
        plan=about["plan"],
        evidence=evidence,
        manifest=_manifest(about["manifest"]),
        subject=Subject(**about["subject"]),
        run=Run(**run),
        ending=Ending(**about["ending"]),
        judged_at=datetime.fromisoformat(about["judged_at"]),
        narrowings=tuple(Narrowing(**each) for each in about["narrowings"]),
        ticks={int(number): by for number, by in about["ticks"].items()},
        facts=about["facts"],
        # Evidence of gates without a real chain has been written without this key as well.
        witnesses=tuple(_witness(each) for each in about.get("witnesses", [])),
    )


def _manifest(about: dict[str, Any]) -> Manifest:
    functions = (
        Function(**each | {"stages": None if each["stages"] is None else tuple(each["stages"])})
        for each in about["functions"]
    )
    return Manifest(
        declared=tuple(about["declared"]),
        functions=tuple(functions),
        files=about["files"],
        doubts=tuple(Doubt(**each) for each in about["doubts"]),
        baseline=tuple(about["baseline"]),
    )


def _witness(about: dict[str, Any]) -> Witness:
    return Witness(
        network=about["network"],
        before=_sighting(about["before"]),
        after=_sighting(about["after"]),
        trouble=tuple(about["trouble"]),
    )


def _sighting(about: dict[str, Any] | None) -> Sighting | None:
    if about is None:
        return None
    parts = {"head": Block(**about["head"]), "pinned": Block(**about["pinned"])}
    return Sighting(**about | parts | {"clients": tuple(about["clients"]), "silent": tuple(about["silent"])})
