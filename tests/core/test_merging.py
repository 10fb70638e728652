"""Partial runs become one question only if together they are exactly the gate, on one subject."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pytest_rollout.core.chain import Witness
from pytest_rollout.core.errors import Refused
from pytest_rollout.core.judging import Question, judge
from pytest_rollout.core.manifest import Function, Manifest
from pytest_rollout.core.merging import Merge, merged
from pytest_rollout.core.narrowing import Narrowing
from pytest_rollout.core.outcome import Verdict
from pytest_rollout.core.subject import Deployed

PLACE = "toy:beta: "
ENTERED, UNCHANGED = datetime(2031, 5, 1, tzinfo=UTC), datetime(2031, 5, 2, tzinfo=UTC)
ONE_ENVIRONMENT = "Run all parts on one commit, in one environment."
SELECTED = Narrowing(what="-k", why="a part", selects=True)
FIXED = Narrowing(what="--pdb", why="a debugger", selects=False)


def part(kit: Any, name: str, *items: str, seconds: int = 0, **changes: Any) -> Question:
    """One part of the usual gate that ran these items; ``name`` is its run."""
    asked = kit.question(
        kit.recorded(items), manifest=Manifest(functions=kit.functions(kit.A, kit.X1), baseline=("old",))
    )
    asked = replace(asked, run=replace(asked.run, id=name), judged_at=asked.judged_at + timedelta(seconds=seconds))
    return replace(asked, **changes)


def about(kit: Any, **changes: Any) -> Merge:
    run = replace(part(kit, "m").run, attempt=9)
    return replace(
        Merge(run=run, ticks={1: "ann"}, baseline=("older",), entered=ENTERED, unchanged=UNCHANGED), **changes
    )


def halves(kit: Any, **changes: Any) -> tuple[Question, Question]:
    """Two parts; the second is newer."""
    return part(kit, "one", kit.A), part(kit, "two", kit.X1, kit.X2, seconds=60, **changes)


def refusal(kit: Any, *parts: Question) -> str:
    with pytest.raises(Refused) as caught:
        merged(parts, about(kit))
    return str(caught.value)


def test_two_halves_are_the_gate(kit: Any) -> None:
    """As of the newest part; what only the ledger knows comes from there."""
    one, two = halves(kit, facts={"version": "1"}, evidence_digest="d" * 64)
    whole = merged([one, two], about(kit))

    assert set(whole.evidence.executions) == {kit.A, kit.X1, kit.X2}
    assert set(whole.evidence.processes) == {"main of part 1", "main of part 2"}
    assert whole.manifest == replace(one.manifest, baseline=("old", "older"))
    assert (whole.run, whole.ticks, whole.judged_at) == (about(kit).run, {1: "ann"}, two.judged_at)
    assert (whole.sampled.entered, whole.sampled.unchanged) == (ENTERED, UNCHANGED)
    assert whole.facts == {"version": "1", "parts": "one (attempt 2), two (attempt 2)"}
    assert (whole.narrowings, whole.evidence_digest, whole.subject) == ((), "", one.subject)
    assert merged([two, one], about(kit)).judged_at == two.judged_at


def test_what_is_merged_can_be_judged(kit: Any) -> None:
    one, two = (replace(each, manifest=replace(each.manifest, baseline=())) for each in halves(kit))

    assert judge(merged([one, two], about(kit, baseline=()))).verdict is Verdict.PROMOTE


def test_a_part_keeps_what_is_wrong_with_it(kit: Any) -> None:
    """That it selected is what makes it a part; a debugger is not."""
    one, two = halves(kit, narrowings=(SELECTED, FIXED))
    witnesses = (Witness(network="a"), Witness(network="b"))
    one, two = replace(one, witnesses=witnesses[:1]), replace(two, witnesses=witnesses[1:])

    whole = merged([one, two], about(kit))

    assert (whole.narrowings, [each.narrowings for each in whole.parts]) == ((), [(), (FIXED,)])
    assert [each.evidence for each in whole.parts] == [one.evidence, two.evidence]
    assert [each.ending for each in whole.parts] == [one.ending, two.ending]
    assert [each.witnesses for each in whole.parts] == [witnesses[:1], witnesses[1:]]
    assert whole.witnesses == witnesses


@pytest.mark.parametrize("count", [0, 1])
def test_one_part_is_no_merge(kit: Any, count: int) -> None:
    assert refusal(kit, *halves(kit)[:count]) == f"{PLACE}a merge takes the runs of two parts at least; {count} given."


def differing(what: str, one: str, other: str) -> str:
    return (
        f"{PLACE}parts are about different things: {what} is {one} in run one and {other} in run two. {ONE_ENVIRONMENT}"
    )


RUNS = {
    "rollout": ("rollout", "other", "the rollout", "toy"),
    "stage": ("stage", "alpha", "the stage", "beta"),
    "network": ("network", "devnet", "the network", "none"),
    "rehearsal": ("rehearsal", True, "rehearsal", "False"),
}


@pytest.mark.parametrize(("field", "value", "what", "was"), RUNS.values(), ids=RUNS)
def test_parts_are_runs_of_one_gate(kit: Any, field: str, value: Any, what: str, was: str) -> None:
    one, two = halves(kit)

    assert refusal(kit, one, replace(two, run=replace(two.run, **{field: value}))) == differing(what, was, str(value))


SUBJECTS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "commit": ({"commit": "d" * 40}, "commit", "c" * 40, "d" * 40),
    "no commit": ({"commit": ""}, "commit", "c" * 40, "none"),
    "committed": ({"committed": False}, "committed", "True", "False"),
    "packages": ({"packages_digest": "4" * 64}, "packages digest", "3" * 64, "4" * 64),
    "flags": ({"flags": {"swap": "1"}}, "flags", "0 of them", "1 of them"),
}


@pytest.mark.parametrize(("changes", "what", "was", "is_now"), SUBJECTS.values(), ids=SUBJECTS)
def test_parts_are_about_one_subject(kit: Any, changes: dict[str, Any], what: str, was: str, is_now: str) -> None:
    one, two = halves(kit)

    assert refusal(kit, one, replace(two, subject=replace(two.subject, **changes))) == differing(what, was, is_now)


MANIFESTS: dict[str, tuple[dict[str, Any], str]] = {
    "what the gate declares": ({"declared": ("d",)}, "0 of them"),
    "what the gate's files hold": ({"functions": (Function(id="a"),)}, "2 of them"),
    "the gate's files": ({"files": {"a": "1"}}, "0 of them"),
    "the gate's doubts": ({"doubts": ("d",)}, "0 of them"),
}


@pytest.mark.parametrize(("what", "about_it"), MANIFESTS.items(), ids=MANIFESTS)
def test_parts_are_of_one_gate(kit: Any, what: str, about_it: tuple[dict[str, Any], str]) -> None:
    changes, was = about_it
    one, two = halves(kit)

    assert refusal(kit, one, replace(two, manifest=replace(two.manifest, **changes))) == differing(
        what, was, "1 of them"
    )


def test_a_chain_of_the_gates_own_is_another_one_in_every_part(kit: Any) -> None:
    """Of real chains each part must have read the same block."""
    one, two = halves(kit)
    read = {"chain_id": 5, "genesis": "0x1", "block": 7, "block_hash": "0x2"}
    other = replace(two, subject=replace(two.subject, **read))

    assert merged([one, other], about(kit)).subject == other.subject
    codes = {name: Deployed(address="0x1", code_hash=f"0x{name}") for name in ("Vault", "Safe")}
    pair = [
        replace(each, subject=replace(each.subject, genesis=name, contracts={name: codes[name]}))
        for each, name in ((one, "Vault"), (two, "Safe"))
    ]
    together = merged(pair, about(kit)).subject
    assert (list(together.contracts.items()), together.genesis) == (sorted(codes.items()), "Vault")
    earlier = replace(one, subject=other.subject)
    assert merged([earlier, two], about(kit)).subject == other.subject
    seen = (Witness(network="mainnet"),)
    for pair in ((replace(one, witnesses=seen), other), (one, replace(other, witnesses=seen))):
        assert refusal(kit, *pair) == differing("chain id", "0", "5")


def test_parts_may_be_as_old_as_the_plan_lets_a_judgement_be(kit: Any) -> None:
    one, two = halves(kit)
    age = two.rollout.judgement_max_age
    aged = replace(two, judged_at=one.judged_at + age)
    older = replace(two, judged_at=one.judged_at + age + timedelta(seconds=1))

    assert merged([aged, one], about(kit)).judged_at == aged.judged_at
    assert refusal(kit, one, older) == (
        f"{PLACE}{age + timedelta(seconds=1)} lie between the oldest and the newest part, the plan allows {age}. "
        "Run the older parts again."
    )


EXACTLY = "Parts must be exactly the gate together, each item once."


def test_what_ran_in_no_part_is_refused(kit: Any) -> None:
    """A function of which no item was made, and checks that were declared."""
    one, two = halves(kit)
    declared = replace(one.manifest, declared=tuple(f"d{number}" for number in range(5)))

    assert refusal(kit, one, part(kit, "two")) == (
        f"{PLACE}1 items of the gate ran in no part: {kit.X1.partition('[')[0]}. {EXACTLY}"
    )
    assert refusal(kit, *(replace(each, manifest=declared) for each in (one, two))) == (
        f"{PLACE}5 items of the gate ran in no part: d0, d1, d2 and 2 more. {EXACTLY}"
    )
    assert "ran in no part: d0, d1, d2. " in refusal(
        kit, *(replace(each, manifest=replace(declared, declared=declared.declared[:3])) for each in (one, two))
    )


def test_what_ran_in_two_parts_is_refused(kit: Any) -> None:
    """Neither is the one that counts."""
    one, two = halves(kit)

    assert refusal(kit, one, two, part(kit, "three", kit.A)) == (
        f"{PLACE}1 items of the gate ran in more than one part: {kit.A}. {EXACTLY}"
    )


def test_a_long_difference_is_shown_in_part(kit: Any) -> None:
    one, two = halves(kit)

    assert refusal(kit, one, replace(two, run=replace(two.run, network="n" * 99))) == differing(
        "the network", "none", "n" * 80
    )
