"""What the supervisor saw of a real chain decides, and nothing seen is an error."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pytest_rollout.core.chain import Block, Sighting, Witness, differences, faults, findings, strays
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.rollout import Network, NetworkKind

NOW = 1_800_000_000
MAINNET = Network(name="mainnet", kind=NetworkKind.RPC, chain_id=1, genesis="0xd4", client="Geth/*")
SEEN = Sighting(
    at=NOW,
    chain_id=1,
    genesis="0xd4",
    clients=("Geth/v1.15", "Geth/v1.16"),
    head=Block(number=100, hash="0xaa", timestamp=NOW - 12),
    pinned=Block(number=36, hash="0xbb", timestamp=NOW - 800),
)


def head(age: int) -> Block:
    return replace(SEEN.head, timestamp=NOW - age)


def test_the_declared_chain_has_no_faults() -> None:
    assert list(faults(MAINNET, SEEN)) == []


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "chain id": ({"chain_id": 137}, "expected chain id 1, the node answers 137"),
    "genesis": ({"genesis": "0xee"}, "expected genesis 0xd4, the node answers 0xee"),
    "one client of two": (
        {"clients": ("Geth/v1.15", "anvil/v1.7")},
        "expected a client like Geth/*, the node is 'anvil/v1.7'",
    ),
    "an old head": (
        {"head": head(601)},
        "its newest block, 100, is 601 s old and may be 600 s: the node stands still",
    ),
    "a head from the future": (
        {"head": head(-61)},
        "its newest block, 100, is 61 s ahead of this machine's clock: one of them is wrong",
    ),
}


@pytest.mark.parametrize(("seen", "told"), FAULTS.values(), ids=FAULTS)
def test_another_chain_or_a_sick_one_is_told(seen: dict[str, Any], told: str) -> None:
    assert list(faults(MAINNET, replace(SEEN, **seen))) == [told]


@pytest.mark.parametrize("age", [600, 0, -60])
def test_the_bounds_of_a_head_s_age_are_inside(age: int) -> None:
    """Exactly as old as allowed is allowed."""
    assert list(faults(MAINNET, replace(SEEN, head=head(age)))) == []


def test_what_is_not_declared_is_not_asked_for() -> None:
    bare = Network(name="mainnet", kind=NetworkKind.RPC, chain_id=1, max_head_age=timedelta(days=1))

    assert list(faults(bare, replace(SEEN, genesis="0xee", clients=("anything",), head=head(86_400)))) == []


AFTER = replace(SEEN, at=NOW + 60, head=Block(number=105, hash="0xcc", timestamp=NOW + 50))

CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "reorganised": (
        {"pinned": replace(SEEN.pinned, hash="0xff")},
        "block 36 was 0xbb before the run and is 0xff now: the chain was reorganised, and what was read is not on it",
    ),
    "gone back": (
        {"head": replace(SEEN.head, number=35)},
        "block 36 was there before the run, and the newest one is 35 now",
    ),
    "another id": ({"chain_id": 5}, "its chain id was 1 before the run and is 5 now: another node answers"),
    "another genesis": (
        {"genesis": "0xee"},
        "its genesis was 0xd4 before the run and is 0xee now: another node answers",
    ),
}


@pytest.mark.parametrize(("after", "told"), CHANGES.values(), ids=CHANGES)
def test_what_changed_between_two_looks_is_told(after: dict[str, Any], told: str) -> None:
    assert list(differences(SEEN, replace(AFTER, **after))) == [told]


def test_a_chain_that_went_on_did_not_change() -> None:
    assert list(differences(SEEN, AFTER)) == []


def test_a_healthy_chain_throughout_has_no_finding() -> None:
    assert list(findings(MAINNET, Witness(network="mainnet", before=SEEN, after=AFTER))) == []


WITNESSES: dict[str, tuple[Witness, list[str]]] = {
    "nobody looked": (
        Witness(network="mainnet"),
        ["network mainnet was not looked at before the run", "network mainnet was not looked at after the run"],
    ),
    "nobody looked again": (
        Witness(network="mainnet", before=SEEN),
        ["network mainnet was not looked at after the run"],
    ),
    "it could not be read": (
        Witness(network="mainnet", trouble=("gone",)),
        ["network mainnet could not be read"],
    ),
    "it could not be read again": (
        Witness(network="mainnet", before=SEEN, trouble=("gone",)),
        ["network mainnet could not be read"],
    ),
    "it stood still meanwhile": (
        Witness(network="mainnet", before=SEEN, after=replace(SEEN, at=NOW + 3600)),
        ["network mainnet is not as declared after the run"],
    ),
    "two things at once": (
        Witness(network="mainnet", before=replace(SEEN, chain_id=2), after=replace(AFTER, pinned=AFTER.head)),
        [
            "network mainnet is not as declared before the run",
            "network mainnet did not stay the same",
            "network mainnet did not stay the same",
        ],
    ),
}


@pytest.mark.parametrize(("witness", "titles"), WITNESSES.values(), ids=WITNESSES)
def test_what_was_not_seen_or_not_sound_is_an_error(witness: Witness, titles: list[str]) -> None:
    """Missing data never passes, and is no failure of a test either."""
    found = list(findings(MAINNET, witness))

    assert [each.title for each in found] == titles
    assert {each.outcome for each in found} == {Outcome.ERROR}
    assert all(each.item == f"run::{each.title}: {each.measured}" for each in found)
    assert all(each.required for each in found)
    assert len({each.item for each in found}) == len(found)


def test_a_chain_that_nobody_could_read_is_told_whole() -> None:
    """As any finding of the run itself."""
    trouble, unseen = (
        Witness(network="mainnet", before=SEEN, after=AFTER, trouble=("gone",)), Witness(network="mainnet", before=SEEN),
    )  # fmt: skip
    told = Finding(
        item="run::network mainnet could not be read: gone",
        kind=Kind.RUN,
        title="network mainnet could not be read",
        outcome=Outcome.ERROR,
        measured="gone",
        needed="the declared chain, healthy, at one block throughout",
        source="read by the supervisor",
        remedy="run the gate again",
    )

    assert list(findings(MAINNET, trouble)) == [told]
    assert [each.measured for each in findings(MAINNET, unseen)] == ["nothing was read"]
    other = Witness(network="mainnet", before=replace(SEEN, chain_id=2), trouble=("gone",))
    assert [each.measured for each in findings(MAINNET, other)] == ["gone", "expected chain id 1, the node answers 2"]


def test_a_chain_whose_newest_block_is_the_pinned_one_did_not_go_back() -> None:
    assert list(differences(SEEN, replace(SEEN, head=SEEN.pinned))) == []


@pytest.mark.parametrize(
    ("network", "value", "count"),
    [
        (MAINNET, {"number": SEEN.pinned.number, "hash": SEEN.pinned.hash}, 0),
        (MAINNET, {"number": SEEN.pinned.number, "hash": "0x" + "ef" * 32}, 1),
        (MAINNET, {"number": SEEN.pinned.number + 1, "hash": SEEN.pinned.hash}, 1),
        (MAINNET, None, 0),
        (replace(MAINNET, writes=True), {"number": 1, "hash": "0x"}, 0),
        (Network(name="rehearsal", kind=NetworkKind.FORK, of=MAINNET), {"number": 1, "hash": "0x"}, 0),
    ],
    ids=["the same", "another hash", "another number", "nothing read", "it may be written", "a fork goes on"],
)
def test_a_run_that_read_another_block_is_an_error(network: Network, value: object, count: int) -> None:
    """What was looked at by the supervisor is what was judged, or nothing was."""
    found = list(strays(network, Witness(network=network.name, before=SEEN, after=AFTER), [value]))

    assert [each.title for each in found] == [f"network {network.name} was read at another block"] * count
    if isinstance(value, dict):
        told = f"block {value['number']}, {value['hash']}, was read, and this gate is pinned to 36, 0xbb"
        assert [each.measured for each in found] == [told] * count
    assert all(each.outcome is Outcome.ERROR for each in found)
