"""Findings that the judge makes itself, told whole; and that nothing it is handed is left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.baseline import Captured
from pytest_rollout.core.chain import Block, Sighting, Witness
from pytest_rollout.core.command import Command
from pytest_rollout.core.criterion import Baseline, Span
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.inventory import Listed
from pytest_rollout.core.judgement import SCHEMA
from pytest_rollout.core.judging import Ending, Part
from pytest_rollout.core.narrowing import Narrowing
from pytest_rollout.core.node_memory import Remembered
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.rollout import ChecklistEntry, KnownFailure, Metric, Network, NetworkKind
from pytest_rollout.core.soak import Soak
from pytest_rollout.core.units import UNITS

RUN, CRITERION = "suites/toy/rollout.toml::beta::run::", "suites/toy/rollout.toml::beta::criteria::"
MAINNET = Network(name="mainnet", kind=NetworkKind.RPC, chain_id=1)


def told(kit: Any, item: str, said: Any = None, **changes: Any) -> Finding:
    """The one finding of an item of the usual gate, or of a bare stage if one is given."""
    asked = kit.whole(kit.recorded(kit.WHOLE) if said is None else said, **changes)
    return kit.of_item(kit.judge(asked), item)


def test_a_judgement_carries_everything_it_was_handed(kit: Any) -> None:
    asked = kit.whole(kit.recorded(kit.WHOLE), evidence_digest="e" * 64, facts={"python": "3.12"})

    judgement = kit.judge(asked)
    document = judgement.document()

    assert document == {
        "schema": SCHEMA,
        "verdict": "promote",
        "rollout": {"name": "toy", "title": "Toy"},
        "stage": {"name": "beta", "title": "Beta"},
        "run": asked.run.document(),
        "subject": asked.subject.document(),
        "judged_at": "2031-05-04T02:05:00+00:00",
        "counts": {"pass": 7, "fail": 0, "inconclusive": 0, "error": 0, "pending": 0, "not_run": 0},
        "findings": [each.document() for each in judgement.findings],
        "manifest": sorted(kit.WHOLE),
        "manifest_digest": asked.manifest.digest,
        "evidence_digest": "e" * 64,
        "facts": {"python": "3.12"},
    }


def test_a_rehearsal_is_told_with_what_to_do(kit: Any) -> None:
    assert told(kit, f"{RUN}rehearsal", rehearsal=True, network="devnet") == Finding(
        item=f"{RUN}rehearsal",
        kind=Kind.RUN,
        title="rehearsal",
        outcome=Outcome.PENDING,
        measured="ran on network devnet",
        needed="network local",
        detail="a rehearsal cannot promote a stage whose network it is not",
        remedy="run again without --network",
    )


def test_a_clock_that_ran_backwards_is_told_with_both_times(kit: Any) -> None:
    early = kit.STARTED - timedelta(seconds=1)

    assert told(kit, f"{RUN}clock", judged_at=early) == Finding(
        item=f"{RUN}clock",
        kind=Kind.RUN,
        title="the clock ran backwards",
        outcome=Outcome.ERROR,
        measured="started 2031-05-04T02:00:00+00:00, judged 2031-05-04T01:59:59+00:00",
    )
    assert not kit.judge(kit.whole(kit.recorded(kit.WHOLE), judged_at=kit.STARTED)).blocking


def test_an_empty_gate_is_told_with_what_to_do(kit: Any) -> None:
    empty = kit.question(kit.recorded([]), manifest=kit.WHOLE_MANIFEST.__class__())

    assert kit.of_item(kit.judge(empty), f"{RUN}empty") == Finding(
        item=f"{RUN}empty",
        kind=Kind.RUN,
        title="the gate is empty",
        outcome=Outcome.NOT_RUN,
        measured="0 required items",
        needed="at least one",
        detail="an empty gate holds: nothing was looked at",
        remedy="declare a check under stages.beta or write a test",
    )


def test_a_checklist_is_told_by_who_ticked_it(kit: Any) -> None:
    entries = (
        ChecklistEntry(number=1, text="letter"),
        ChecklistEntry(number=2, text="photo", evidence=True, required=False),
    )
    stage = kit.stage(checklist=entries)
    judgement = kit.judge(kit.question(kit.recorded([kit.A]), stage, ticks={1: "ann on 2031-05-01"}))
    place = "suites/toy/rollout.toml::beta::checklist::"

    assert kit.of_item(judgement, "letter") == Finding(
        item=f"{place}letter",
        kind=Kind.CHECKLIST,
        title="checklist 1: letter",
        outcome=Outcome.PASS,
        measured="ticked by ann on 2031-05-01",
        needed="ticked",
        source="the ledger",
    )
    assert kit.of_item(judgement, "photo") == Finding(
        item=f"{place}photo",
        kind=Kind.CHECKLIST,
        title="checklist 2: photo",
        outcome=Outcome.PENDING,
        measured="not ticked",
        needed="ticked, with an evidence file",
        source="the ledger",
        remedy="rollout check toy:beta 2",
        required=False,
    )


def unusable(kit: Any, why: str, **changes: Any) -> Finding:
    return Finding(
        item=f"{CRITERION}success rate",
        kind=Kind.CRITERION,
        title="success rate",
        outcome=Outcome.ERROR,
        measured=f"1 unusable measurements, the first by {kit.A}",
        detail=why,
        **changes,
    )


MOST = 2**256
FORGED = {
    "more good than total": {"good": 3, "total": 2},
    "good below nothing": {"good": -1, "total": 2},
    "a truth": {"good": True, "total": 2},
    "no total": {"good": 1},
    "more than a chain counts": {"good": 1, "total": MOST},
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_counts_that_cannot_be_are_told_with_who_measured_them(kit: Any, forged: dict[str, Any]) -> None:
    said = kit.recorded(dict(kit.WHOLE) | {kit.A: (kit.measured(**forged),)})
    why = "a source error: counts out of range or of the wrong shape"

    assert told(kit, "success rate", said) == unusable(kit, why)
    advisory = replace(kit.WHOLE_STAGE, criteria=(kit.ratio(required=False),))
    assert told(kit, "success rate", said, stage=advisory) == unusable(kit, why, required=False)


def test_as_much_as_a_chain_counts_can_be(kit: Any) -> None:
    said = kit.recorded(dict(kit.WHOLE) | {kit.A: (kit.measured(good=MOST - 1, total=MOST - 1),)})

    assert told(kit, "success rate", said).outcome is Outcome.PASS


@pytest.mark.parametrize(("value", "outcome"), [("0", Outcome.PASS), ("1/2", Outcome.PASS), ("-1/2", Outcome.ERROR)])
def test_a_value_is_sound_from_zero_on(kit: Any, value: str, outcome: Outcome) -> None:
    said = kit.recorded({kit.A: (kit.measured("gas", value=value),)})
    stage = kit.stage(criteria=(kit.values(promote="< 100"),))

    assert kit.of_item(kit.judge(kit.question(said, stage)), "::gas").outcome is outcome


def test_what_an_excused_failure_measured_is_told_to_be_no_evidence(kit: Any) -> None:
    known = KnownFailure(test=kit.A, owner="Jo", reason="r", expires=kit.STARTED + timedelta(days=1))
    said = kit.recorded(kit.WHOLE, test_a={"told": kit.phases(call="failed"), "assertion": True})

    assert told(kit, "success rate", said, stage=replace(kit.WHOLE_STAGE, known_failures=(known,))) == unusable(
        kit, "measured by a test that did not pass and is excused from it; what it measured is no evidence"
    )


def test_what_a_required_test_measured_before_it_failed_is_judged(kit: Any) -> None:
    """The failure itself holds; an advisory test that passed is as good as any."""
    said = kit.recorded(kit.WHOLE, test_a={"told": kit.phases(call="failed"), "assertion": True})
    advisory = replace(kit.WHOLE_MANIFEST, functions=kit.functions(kit.A, kit.X1, advisory=True))

    assert told(kit, "success rate", said).measured == "100 % of 300"
    assert told(kit, "success rate", manifest=advisory).outcome is Outcome.PASS


def test_a_baseline_is_asked_by_the_criterions_name(kit: Any) -> None:
    baseline = Baseline(worse=Fraction(1, 100), max_age=timedelta(days=1))
    stage = replace(kit.WHOLE_STAGE, criteria=(kit.ratio(min_samples=299, baseline=baseline),))
    now = kit.STARTED + timedelta(minutes=5)
    before = {"success rate": Captured(value=Fraction(1, 2), at=now - timedelta(hours=25), judgement="a" * 64)}
    sampled = replace(kit.whole([]).sampled, captured=before)

    assert "is 1d 1h old; 1d are allowed" in told(kit, "success rate", stage=stage, sampled=sampled).detail
    fresh = replace(sampled, captured={"success rate": replace(before["success rate"], at=now)})
    assert told(kit, "success rate", stage=stage, sampled=fresh).outcome is Outcome.PASS
    assert "no baseline" in told(kit, "success rate", stage=stage).detail


def test_a_criterion_with_a_source_is_asked_of_its_source(kit: Any) -> None:
    """What a test measured stands in for no source."""
    stage = replace(kit.WHOLE_STAGE, criteria=(kit.ratio(span=Span(over=10**9)),))
    asked = kit.whole(kit.recorded(kit.WHOLE), stage=stage)
    source = _source()
    metrics = dict(asked.rollout.metrics) | {"success": Metric(name="success", unit=UNITS["ratio"], source=source)}
    asked = replace(asked, rollout=replace(asked.rollout, metrics=metrics))

    (finding,) = [each for each in kit.judge(asked).findings if each.kind is Kind.CRITERION]
    assert finding.outcome is not Outcome.PASS
    assert finding.item == f"{CRITERION}success rate"
    assert finding.source == "nobody: never asked"


def _source() -> Any:
    from pytest_rollout.core.rollout import SourceKind, SourceSettings

    return SourceSettings(kind=SourceKind.PROMETHEUS, interval=timedelta(seconds=15))


def test_a_soak_is_judged_by_its_own_evidence(kit: Any) -> None:
    soak = Soak(period=10**9, coverage=Fraction(1), max_gap=10**9, metrics=("success",))
    asked = kit.whole(kit.recorded(kit.WHOLE), stage=replace(kit.WHOLE_STAGE, soak=soak))
    metrics = dict(asked.rollout.metrics) | {"success": Metric(name="success", unit=UNITS["ratio"], source=_source())}
    asked = replace(asked, rollout=replace(asked.rollout, metrics=metrics))

    (finding,) = [each for each in kit.judge(asked).findings if each.kind is Kind.SOAK]
    assert (finding.item, finding.outcome) == (
        "suites/toy/rollout.toml::beta::soak::success",
        Outcome.INCONCLUSIVE,
    )
    assert finding.measured == "nothing of 1s is covered: no sample"


def test_what_earlier_gates_knew_of_a_node_is_held_against_it(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"n": Remembered(facts={}, judgement="", judged_at="")}
    asked = kit.whole(kit.recorded(kit.WHOLE))
    handed: list[Any] = []

    def with_memory(findings: Any, nodes: Any) -> Any:
        handed.append((len(findings), nodes))
        return findings

    monkeypatch.setattr("pytest_rollout.core.judging.with_memory", with_memory)
    kit.judge(asked)
    kit.judge(replace(asked, sampled=replace(asked.sampled, nodes=known)))

    assert handed == [(5, known)]


def test_what_each_part_says_of_itself_is_told(kit: Any) -> None:
    """Whatever the parts' order, and the same thing once."""
    asked = kit.whole(kit.recorded(kit.WHOLE))
    sound = Part(evidence=asked.evidence, ending=asked.ending)
    killed = replace(sound, ending=Ending(status=None, signal="SIGKILL"))
    narrowed = replace(sound, narrowings=(Narrowing(what="--pdb", why="a debugger"),))

    def titles(*parts: Part) -> list[str]:
        found = kit.judge(replace(asked, parts=parts)).blocking
        return sorted(each.title for each in found if each.kind is Kind.RUN)

    assert titles(sound, sound) == []
    both = titles(killed, narrowed)
    assert both == titles(narrowed, killed) == titles(killed, killed, narrowed)
    assert len(both) == len(titles(killed)) + len(titles(narrowed)) >= 2


def real(kit: Any, *names: str, stage: Any = None, **changes: Any) -> Any:
    """The usual gate among declared real chains."""
    asked = kit.whole(kit.recorded(kit.WHOLE), **({} if stage is None else {"stage": stage}))
    networks = dict(asked.rollout.networks) | {name: replace(MAINNET, name=name) for name in names}
    return replace(asked, rollout=replace(asked.rollout, networks=networks), **changes)


def chains(kit: Any, asked: Any) -> list[tuple[str, Outcome]]:
    usual = {each.item for each in kit.judge(kit.whole(kit.recorded(kit.WHOLE))).findings}
    return sorted((each.title, each.outcome) for each in kit.judge(asked).findings if each.item not in usual)


def test_a_real_chain_that_nobody_saw_is_an_error(kit: Any) -> None:
    """The stage's own, one that an inventory lists and one that a test opened; no other."""
    asked = real(kit, "mainnet", "unused")
    listed = replace(kit.WHOLE_STAGE, checks=(Listed(network="mainnet", contract="Escrow"),))
    opened = replace(asked.evidence, opened={"mainnet", "local", "nowhere"})

    assert chains(kit, asked) == []
    alone = chains(kit, replace(asked, run=replace(asked.run, network="mainnet")))
    assert alone == [
        (f"network mainnet was not looked at {when} the run", Outcome.ERROR) for when in ("after", "before")
    ]
    assert chains(kit, replace(asked, evidence=opened)) == alone
    assert chains(kit, real(kit, "mainnet", stage=listed)) == alone
    deploy = Command(name="deploy", run=("true",), folder=Path())
    beside = chains(kit, real(kit, "mainnet", stage=replace(listed, checks=(deploy, *listed.checks))))
    assert beside == alone, "what looks at no network names none"


PINNED = Sighting(
    at=1_800_000_000, chain_id=1, genesis="0xd4", clients=(), head=Block(number=9, hash="0xaa", timestamp=1_800_000_000),
    pinned=Block(number=7, hash="0xbb", timestamp=1_799_999_000),
)  # fmt: skip


@pytest.mark.parametrize(("read", "wrong"), [((7, "0xbb"), 0), ((8, "0xcc"), 1)], ids=["the pinned", "another"])
def test_a_run_that_read_another_block_than_the_supervisor_saw_is_an_error(kit: Any, read: Any, wrong: int) -> None:
    """Of the chain that it names, and what it says of another chain is not held against it."""
    asked = real(kit, "mainnet", "other")
    network = replace(asked.rollout.networks["mainnet"], chain_id=1, genesis=None, client=None)
    rollout = replace(asked.rollout, networks=asked.rollout.networks | {"mainnet": network})
    number, block = read
    looked = {"value": {"number": number, "hash": block}, "error": "", "source": ""}
    observed = {
        asked.item(Kind.NETWORK, "mainnet"): [Observation(item="x", **looked)],
        asked.item(Kind.NETWORK, "local"): asked.evidence.observations[kit.NODE],
    }
    witness = Witness(network="mainnet", before=PINNED, after=PINNED)
    gone = Witness(network="no longer in the plan", before=PINNED, after=PINNED)
    asked = replace(
        asked, rollout=rollout, evidence=replace(asked.evidence, observations=observed), witnesses=(witness, gone)
    )

    told = [f"block {number}, {block}, was read, and this gate is pinned to 7, 0xbb"] * wrong
    assert [each.measured for each in kit.judge(asked).findings if each.kind is Kind.RUN] == told


def test_the_chains_of_every_part_are_told(kit: Any) -> None:
    asked = real(kit, "one", "two")
    parts = tuple(
        Part(evidence=asked.evidence, ending=asked.ending, witnesses=(Witness(network=name),))
        for name in ("one", "two", "local")
    )

    assert len(chains(kit, replace(asked, parts=parts))) == 4
    assert len(chains(kit, replace(asked, witnesses=parts[0].witnesses + parts[1].witnesses))) == 4
