"""A whole question as bytes, so that anybody can ask the judge again and get the same answer (rule 5).

The events stand first, one JSON line each, in the order they arrived; then the samples that sources
answered, one line a metric, and those of baselines; the last line holds what the supervisor itself
pinned and saw, how many lines of samples stand before it, and of the plan what the judge reads,
without secrets: whoever has the evidence needs nothing else to judge again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from datetime import datetime
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any

from pytest_rollout.core.asking import Sampled
from pytest_rollout.core.baseline import Captured
from pytest_rollout.core.chain import Block, Sighting, Witness
from pytest_rollout.core.errors import EvidenceError, Refused
from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.judgement import Run
from pytest_rollout.core.judging import Ending, Question
from pytest_rollout.core.manifest import Doubt, Function, Manifest
from pytest_rollout.core.merging import Merge, merged
from pytest_rollout.core.moves import BY_OVERRIDE
from pytest_rollout.core.narrowing import Narrowing
from pytest_rollout.core.node_memory import Remembered
from pytest_rollout.core.plain import plain, read
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import Network, Rollout, Stage
from pytest_rollout.core.subject import Deployed, Subject

_VERSION = 3
_WITHOUT_PLAN = 2
"""The version that did not enclose the plan: it can be judged again where the plan is."""
_WITHOUT_SAMPLES = 1
"""The version that knew no samples; what it recorded is judged as ever."""


def pack(question: Question) -> bytes:
    """The supervisor's own lines, which follow the events; ends with a newline."""
    sampled = question.sampled
    baselines = {name: each.samples for name, each in sampled.captured.items() if each.samples}
    about = {
        "version": _VERSION,
        "plan": question.plan,
        "rollout": _enclosed(question),
        "stage": question.stage.name,
        "manifest": _flat(question.manifest)
        | {
            "functions": [_flat(each) for each in question.manifest.functions],
            "files": dict(question.manifest.files),
            "doubts": [_flat(each) for each in question.manifest.doubts],
        },
        "subject": asdict(question.subject),
        "run": asdict(question.run) | {"started_at": question.run.started_at.isoformat()},
        "ending": asdict(question.ending),
        "judged_at": question.judged_at.isoformat(),
        "narrowings": [asdict(each) for each in question.narrowings],
        "ticks": {str(number): by for number, by in question.ticks.items()},
        "facts": dict(question.facts),
        "witnesses": [asdict(each) for each in question.witnesses],
        "samples": list(sampled.lines),
        "baselines": list(baselines),
        "entered": _written(sampled.entered),
        "unchanged": _written(sampled.unchanged),
        "captured": {
            name: {"value": str(each.value), "at": each.at.isoformat(), "judgement": each.judgement}
            for name, each in sampled.captured.items()
        },
        "nodes": {name: each.document() for name, each in sampled.nodes.items()},
    }
    line = json.dumps(about, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return b"".join(each + b"\n" for each in (*sampled.lines.values(), *baselines.values(), line.encode()))


def _enclosed(question: Question) -> Any:
    """Of the plan what judges read: one stage, metrics and chains; neither secrets nor places on this machine."""
    plan = question.rollout
    slim = Rollout(
        name=plan.name,
        title=plan.title,
        folder=PurePosixPath(question.plan).parent,  # type: ignore[arg-type] # never opened
        plan_digest=plan.plan_digest,
        stages=(*_before(question), question.stage),
        networks={name: _bare(each) for name, each in plan.networks.items()},
        metrics=plan.metrics,
        judgement_max_age=plan.judgement_max_age,
        ledger_id=plan.ledger_id,
    )
    return Redactor(plan.secrets).value(plain(slim))


def _before(question: Question) -> tuple[Stage, ...]:
    """Of the stage before, its exposure: who was inside must stay inside."""
    before = question.rollout.before(question.stage.name)
    return () if before is None else (Stage(name=before.name, title="", exposure=before.exposure),)


def _bare(network: Network) -> Network:
    of = None if network.of is None else _bare(network.of)
    return replace(network, of=of, binary=None, state=None, urls=(), accounts={})


def _flat(value: Any) -> dict[str, Any]:
    """A dataclass's own fields, not copied: ``asdict`` would copy every text of a large gate."""
    return {each.name: getattr(value, each.name) for each in fields(value)}


def pack_merged(question: Question, bundles: Sequence[bytes]) -> bytes:
    """The evidence of a merged question: the parts' own, whole, and a last line of what they cannot know."""
    about = {
        "version": _VERSION,
        "merged": [len(each) for each in bundles],
        "run": asdict(question.run) | {"started_at": question.run.started_at.isoformat()},
        "baseline": list(question.manifest.baseline),
        "ticks": {str(number): by for number, by in question.ticks.items()},
        "entered": _written(question.sampled.entered),
        "unchanged": _written(question.sampled.unchanged),
        "facts": {key: value for key, value in question.facts.items() if key.startswith(BY_OVERRIDE)},
    }
    line = json.dumps(about, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return b"".join(bundles) + line.encode() + b"\n"


def _unmerged(content: bytes, about: dict[str, Any], rollout: Rollout | None, evidence_digest: str) -> Question:
    """The question that ``pack_merged`` wrote, merged again by the same rules."""
    parts, place = [], 0
    for length in about["merged"]:
        parts.append(unpack(content[place : place + length], rollout, ""))
        place += length
    if any(part.parts for part in parts):
        raise EvidenceError("the recorded evidence is merged from runs that were merged themselves.")
    merge = Merge(
        run=_run(about["run"]),
        baseline=tuple(about["baseline"]),
        ticks={int(number): by for number, by in about["ticks"].items()},
        entered=_moment(about["entered"]),
        unchanged=_moment(about["unchanged"]),
        facts=about.get("facts", {}),  # evidence was merged before anything could be overridden
    )
    try:
        return replace(merged(parts, merge), evidence_digest=evidence_digest)
    except Refused as refusal:
        raise EvidenceError(f"the recorded evidence is no merge: {refusal}") from None


def encloses_plan(content: bytes) -> bool:
    """Whether recorded evidence can be judged again by itself; raises ``EvidenceError``."""
    try:
        about = json.loads(content.rstrip(b"\n").rpartition(b"\n")[2])
        return bool(about["version"] == _VERSION)
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceError(f"the recorded evidence cannot be read ({type(error).__name__}: {error}).") from None


def unpack(content: bytes, rollout: Rollout | None, evidence_digest: str) -> Question:
    """The question that ``pack`` wrote, by ``rollout`` or by the plan it encloses; raises ``EvidenceError``."""
    try:
        last = json.loads(content.rstrip(b"\n").rpartition(b"\n")[2])
        if "merged" in last and last["version"] == _VERSION:
            return _unmerged(content, last, rollout, evidence_digest)
        lines, about = _about(content)
        if rollout is None:
            rollout = _plan(about)
        names, baselines = about["samples"], about["baselines"]
        count = len(lines) - len(names) - len(baselines)
        evidence = Evidence.of(json.loads(line) for line in lines[:count])
        sampled = Sampled(
            lines=dict(zip(names, lines[count:], strict=False)),
            entered=_moment(about["entered"]),
            unchanged=_moment(about["unchanged"]),
            captured=_captured(about, dict(zip(baselines, lines[count + len(names) :], strict=True))),
            nodes={name: Remembered(**each) for name, each in about.get("nodes", {}).items()},
        )
        return replace(_question(about, rollout, evidence), evidence_digest=evidence_digest, sampled=sampled)
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceError(f"the recorded evidence cannot be read ({type(error).__name__}: {error}).") from None


def _plan(about: dict[str, Any]) -> Rollout:
    if about["rollout"] is None:
        raise EvidenceError(
            f"the evidence is of version {about['version']}, which does not enclose the plan; "
            f"version {_VERSION} does. Run the gate again."
        )
    plan = read(about["rollout"])
    if not isinstance(plan, Rollout):
        raise EvidenceError(f"the evidence encloses a {type(plan).__name__} where a plan belongs.")
    return plan


def samples_in(content: bytes) -> dict[str, bytes]:
    """The packed samples of recorded evidence by their metric; raises ``EvidenceError``."""
    try:
        lines, about = _about(content)
        names = about["samples"]
        start = len(lines) - len(names) - len(about["baselines"])
        return dict(zip(names, lines[start:], strict=False))
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceError(f"the recorded evidence cannot be read ({type(error).__name__}: {error}).") from None


def _about(content: bytes) -> tuple[list[bytes], dict[str, Any]]:
    """All lines but the last, and what the last says."""
    *lines, last = content.rstrip(b"\n").split(b"\n")
    about = json.loads(last)
    if about["version"] == _WITHOUT_SAMPLES:
        about |= {"samples": [], "baselines": [], "entered": None, "unchanged": None, "captured": {}}
    if about["version"] in {_WITHOUT_SAMPLES, _WITHOUT_PLAN}:
        about |= {"rollout": None}
    elif about["version"] != _VERSION:
        raise EvidenceError(f"the evidence is of version {about['version']}; this version reads {_VERSION}.")
    if len(about["samples"]) + len(about["baselines"]) > len(lines):
        raise EvidenceError("the recorded evidence lacks samples that it lists.")
    return lines, about


def _captured(about: dict[str, Any], samples: dict[str, bytes]) -> dict[str, Captured]:
    return {
        name: Captured(
            value=Fraction(each["value"]),
            at=datetime.fromisoformat(each["at"]),
            judgement=each["judgement"],
            samples=samples.get(name, b""),
        )
        for name, each in about["captured"].items()
    }


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _question(about: dict[str, Any], rollout: Rollout, evidence: Evidence) -> Question:
    return Question(
        rollout=rollout,
        stage=rollout.stage(about["stage"]),
        plan=about["plan"],
        evidence=evidence,
        manifest=_manifest(about["manifest"]),
        subject=_subject(about["subject"]),
        run=_run(about["run"]),
        ending=Ending(**about["ending"]),
        judged_at=datetime.fromisoformat(about["judged_at"]),
        narrowings=tuple(Narrowing(**each) for each in about["narrowings"]),
        ticks={int(number): by for number, by in about["ticks"].items()},
        facts=about["facts"],
        # Evidence of gates without a real chain has been written without this key as well.
        witnesses=tuple(_witness(each) for each in about.get("witnesses", [])),
    )


def _run(about: dict[str, Any]) -> Run:
    started, arguments = datetime.fromisoformat(about["started_at"]), tuple(about["arguments"])
    return Run(**about | {"started_at": started, "arguments": arguments})


def _subject(about: dict[str, Any]) -> Subject:
    contracts = {name: Deployed(**each) for name, each in about.get("contracts", {}).items()}
    return Subject(**about | {"contracts": contracts})


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
        contracts={name: Deployed(**each) for name, each in about.get("contracts", {}).items()},
    )


def _sighting(about: dict[str, Any] | None) -> Sighting | None:
    if about is None:
        return None
    parts = {"head": Block(**about["head"]), "pinned": Block(**about["pinned"])}
    return Sighting(**about | parts | {"clients": tuple(about["clients"]), "silent": tuple(about["silent"])})
