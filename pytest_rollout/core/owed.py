"""The items a gate owes - declared checks, tests, what ran before - and how each came out."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from pytest_rollout.core.collected import Collected
from pytest_rollout.core.evidence import Evidence, Observation
from pytest_rollout.core.exposure import judge_exposure
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.flag_rule import judge_flag
from pytest_rollout.core.inert import shortened
from pytest_rollout.core.items import Came, came_out
from pytest_rollout.core.judgement import exact
from pytest_rollout.core.manifest import Manifest, base_of
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.rollout import ContractState, Exposure, KnownFailure, Rollout, Stage
from pytest_rollout.core.state import agree

_DETAIL = 2000


def findings(
    rollout: Rollout, stage: Stage, manifest: Manifest, evidence: Evidence, judged_at: datetime
) -> Iterator[Finding]:
    """One finding an item, whether it ran or not; nothing that is owed can be left out."""
    declared = Declared(rollout, stage, manifest, evidence, judged_at)
    yield from declared.findings()
    yield from _tests(stage, manifest, evidence, judged_at)


def manifest_after(stage: Stage, manifest: Manifest, evidence: Evidence) -> tuple[str, ...]:
    """What must run from now on; what went missing stays on the list until its removal is accepted.

    So a second shrunk run cannot make the first one's shrinking normal (rule 31).
    """
    return Collected.of(manifest, evidence).owed_next(stage)


class Declared:
    """The declared checks of one stage: each is judged on what was observed, not on its colour."""

    def __init__(
        self, rollout: Rollout, stage: Stage, manifest: Manifest, evidence: Evidence, judged_at: datetime
    ) -> None:
        self._rollout = rollout
        self._stage = stage
        self._manifest = manifest
        self._evidence = evidence
        self._judged_at = judged_at

    def findings(self) -> Iterator[Finding]:
        """A finding for each id the plan declares."""
        optional = {(check.kind, check.name) for check in self._stage.checks if not check.required}
        for item in self._manifest.declared:
            finding = self._finding(item)
            _, _, kind, name = item.split("::", 3)
            yield finding.advisory() if (kind, name) in optional else finding

    def _finding(self, item: str) -> Finding:
        _, _, kind, name = item.split("::", 3)
        came = _came(self._evidence, item)
        observations = self._evidence.observations.get(item, [])
        seconds = sum(e.seconds for e in self._evidence.executions.get(item, [])) or None
        if came.outcome in {Outcome.NOT_RUN, Outcome.INCONCLUSIVE} or len(observations) != 1:
            why = came.why or f"{len(observations)} observations were recorded; exactly one is owed"
            outcome = came.outcome if came.outcome is not Outcome.PASS else Outcome.NOT_RUN
            return _unobserved(item, Kind(kind), name, outcome, why, came.text)
        seen = replace(observations[0], judged_at=self._judged_at)
        finding = judge_observation(self._rollout, self._stage, item, seen)
        if finding.outcome is Outcome.PASS and came.outcome is not Outcome.PASS:
            return _unobserved(item, Kind(kind), name, came.outcome, came.why, came.text)
        return replace(finding, seconds=seconds)


def judge_observation(rollout: Rollout, stage: Stage, item: str, seen: Observation) -> Finding:
    """One declared check judged on what was observed; ``item`` is its full node id."""
    _, _, kind_name, name = item.split("::", 3)
    kind = Kind(kind_name)
    if seen.error:
        return _unobserved(item, kind, name, Outcome.ERROR, seen.error, "")
    if kind is Kind.CONTRACT:
        return _contract(item, next(s for s in stage.contracts if s.name == name), seen)
    if kind is Kind.FLAG:
        return judge_flag(item, next(s for s in stage.flags if s.key == name), seen.value, source=seen.source)
    if kind is Kind.EXPOSURE and stage.exposure is not None:
        earlier = shared_exposure(rollout, stage)
        return judge_exposure(item, stage.exposure, seen.value, earlier=earlier, source=seen.source)
    if kind is Kind.NETWORK:
        return _network(rollout, item, name, seen)
    check = stage.check(kind, name)
    return replace(check.judge(item, seen), item=item, kind=kind)


def shared_exposure(rollout: Rollout, stage: Stage) -> Exposure | None:
    """The exposure of the stage before, where the same flag steers both shares; else None."""
    before = rollout.before(stage.name)
    if before is None or before.exposure is None or stage.exposure is None or before.exposure.share is None:
        return None
    return before.exposure if before.exposure.flag == stage.exposure.flag else None


def _network(rollout: Rollout, item: str, name: str, seen: Observation) -> Finding:
    expected = rollout.networks[name].chain_id
    value = seen.value if isinstance(seen.value, Mapping) else {}
    chain_id, block = value.get("chain_id"), value.get("number")
    if type(chain_id) is not int or type(block) is not int:
        return _unobserved(item, Kind.NETWORK, name, Outcome.ERROR, "the node told no chain id or no block", "")
    return Finding(
        item=item,
        kind=Kind.NETWORK,
        title=f"network {name}",
        outcome=Outcome.PASS if expected in {None, chain_id} else Outcome.FAIL,
        measured=f"chain id {chain_id}, block {block}",
        needed="an answering node" if expected is None else f"chain id {expected}",
        source=str(value.get("client") or seen.source),
    )


def _contract(item: str, state: ContractState, seen: Observation) -> Finding:
    return Finding(
        item=item,
        kind=Kind.CONTRACT,
        title=f"{state.contract} {state.what}",
        outcome=Outcome.PASS if agree(state.expected, seen.value) else Outcome.FAIL,
        measured=_shown(seen.value),
        needed=_shown(state.expected),
        source=seen.source,
        remedy="" if agree(state.expected, seen.value) else f"correct {state.contract} on the chain, or the plan",
    )


def _tests(stage: Stage, manifest: Manifest, evidence: Evidence, judged_at: datetime) -> Iterator[Finding]:
    collected = Collected.of(manifest, evidence)
    declared = set(manifest.declared)
    known = {failure.test: failure for failure in stage.known_failures}
    for item in collected.ids:
        if item not in declared:
            is_required = not collected.is_advisory(item)
            has_function = base_of(item) in collected.functions
            yield _test(item, evidence, known, judged_at, is_required=is_required, has_function=has_function)
    for item in collected.aside:
        yield _absent(
            item,
            "set aside by a stage marker that its file does not write on the function, class or module",
            collected.is_advisory(item),
        )
    for function in collected.unmade():
        yield _absent(function.id, "its file defines it, but pytest never made an item of it", function.advisory)
    for item in collected.vanished(stage):
        yield _absent(
            item,
            "it belonged to the last judgement of this stage and is gone",
            remedy=f'put it back, or accept it: stages.{stage.name}.removed = ["{item}"]',
        )
    named = {name for item in (*collected.ids, *collected.aside) for name in (item, base_of(item))}
    for test in known:
        if test not in named and test not in collected.functions:
            yield _absent(
                test,
                "listed as a known failure, but this gate has no such test",
                remedy=f"correct stages.{stage.name}.known_failures",
            )
    for accepted in stage.removed:
        if accepted in named or accepted in declared or accepted in collected.functions:
            yield _absent(
                accepted,
                "its removal is accepted, but it is still here; a list that waits would hide its next removal",
                remedy=f"take it off stages.{stage.name}.removed",
            )


def _test(
    item: str,
    evidence: Evidence,
    known: dict[str, KnownFailure],
    judged_at: datetime,
    *,
    is_required: bool,
    has_function: bool,
) -> Finding:
    came = _came(evidence, item, has_function=has_function)
    described = evidence.described.get(item)
    outcome, why, required = came.outcome, came.why, is_required
    failure = known.get(item) or known.get(base_of(item))
    if failure is not None:
        outcome, why, required = _excused(failure, came, judged_at, is_required=is_required)
    return Finding(
        item=item,
        kind=Kind.TEST,
        title=described.title if described and described.title else item,
        outcome=outcome,
        measured=why or "passed",
        needed="one clean pass",
        source=", ".join(dict.fromkeys(e.process for e in evidence.executions.get(item, []))),
        remedy="" if outcome is Outcome.PASS else f"pytest {shlex.quote(item)}",
        detail=shortened(came.text, _DETAIL),
        required=required,
        seconds=sum(e.seconds for e in evidence.executions.get(item, [])),
    )


def _excused(failure: KnownFailure, came: Came, judged_at: datetime, *, is_required: bool) -> tuple[Outcome, str, bool]:
    """A listed failure does not hold until it expires; if it passes, the list must be corrected."""
    until = f"known failure until {failure.expires.isoformat()}, {failure.owner}: {failure.reason}"
    if judged_at >= failure.expires:
        return came.outcome, f"{came.why or 'passed'}; {until}, which has expired", is_required
    if came.outcome is Outcome.PASS:
        return Outcome.INCONCLUSIVE, f"passed, but is listed as {until}; correct the list", is_required
    if came.outcome is Outcome.FAIL:
        return Outcome.FAIL, f"{came.why}; {until}", False
    return came.outcome, f"{came.why}; {until}, which covers a failure only", is_required


def _absent(item: str, why: str, advisory: bool = False, remedy: str = "") -> Finding:
    kind, title = Kind.TEST, item
    plan, *names = item.split("::", 3)
    if plan.endswith("rollout.toml") and len(names) == 3 and names[1] in set(Kind):  # noqa: PLR2004 - stage, kind, name
        title, kind = names[2], Kind(names[1])
    return Finding(
        item=item,
        kind=kind,
        title=title,
        outcome=Outcome.NOT_RUN,
        measured=why,
        needed="one clean pass",
        remedy=remedy or f"pytest {shlex.quote(item)}",
        required=not advisory,
    )


def _unobserved(item: str, kind: Kind, name: str, outcome: Outcome, why: str, text: str) -> Finding:
    return Finding(
        item=item,
        kind=kind,
        title=name,
        outcome=outcome,
        measured=why,
        needed="one observation",
        detail=shortened(text, _DETAIL),
        remedy="run the gate again",
    )


def _came(evidence: Evidence, item: str, *, has_function: bool = False) -> Came:
    unfinished = any(item in started for started in evidence.begun.values())
    executions, seen = evidence.executions.get(item, []), evidence.seen.get(item, [])
    return came_out(executions, seen, unfinished=unfinished, has_function=has_function)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_shown(each) for each in value) or "nobody"
    if isinstance(value, dict):
        return ", ".join(f"{key} = {_shown(each)}" for key, each in value.items())
    return str(exact(value))
