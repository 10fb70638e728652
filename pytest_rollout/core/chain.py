"""What the judge itself saw of a real chain, and whether that is the chain the plan means.

Nothing here asks a node: whoever reads hands in a ``Sighting``, and the same sightings give the
same findings whenever they are judged (rules 5, 19, 20, 22).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.rollout import Network
from pytest_rollout.core.subject import Deployed

AHEAD_SECONDS = 60
"""A block may be this far ahead of our clock; beyond that one of the two clocks is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block: ``hash`` as 0x hex, ``timestamp`` in seconds since 1970."""

    number: int
    hash: str
    timestamp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What the nodes of a real chain said at one moment, ``at`` seconds since 1970 by our clock.

    ``head`` is the newest block that a quorum has, ``pinned`` the one the gate reads at.
    ``silent`` names the nodes that did not answer, ``rate_limited`` counts answers of "too many
    requests".
    """

    at: int
    chain_id: int
    genesis: str
    clients: tuple[str, ...]
    head: Block
    pinned: Block
    silent: tuple[str, ...] = ()
    rate_limited: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """What the supervisor saw of one network before and after a run; ``trouble`` is why it could not look.

    ``contracts`` are those of the network's deployment record, by name, as they were judged.
    """

    network: str
    before: Sighting | None = None
    after: Sighting | None = None
    trouble: tuple[str, ...] = ()
    contracts: Mapping[str, Deployed] = field(default_factory=dict)


def faults(network: Network, seen: Sighting) -> Iterator[str]:
    """Everything by which this is not the chain the plan means, or not a healthy one; one clause each."""
    if seen.chain_id != network.chain_id:
        yield f"expected chain id {network.chain_id}, the node answers {seen.chain_id}"
    if network.genesis is not None and seen.genesis != network.genesis:
        yield f"expected genesis {network.genesis}, the node answers {seen.genesis}"
    if network.client is not None:
        for client in seen.clients:
            if not fnmatchcase(client, network.client):
                yield f"expected a client like {network.client}, the node is {client!r}"
    age = seen.at - seen.head.timestamp
    if age > network.max_head_age.total_seconds():
        yield (
            f"its newest block, {seen.head.number}, is {age} s old and may be "
            f"{network.max_head_age.total_seconds():.0f} s: the node stands still"
        )
    if age < -AHEAD_SECONDS:
        yield f"its newest block, {seen.head.number}, is {-age} s ahead of this machine's clock: one of them is wrong"


def differences(before: Sighting, after: Sighting) -> Iterator[str]:
    """What changed between two looks that may not change; one clause each."""
    if after.pinned.hash != before.pinned.hash:
        yield (
            f"block {before.pinned.number} was {before.pinned.hash} before the run and is {after.pinned.hash} now: "
            "the chain was reorganised, and what was read is not on it"
        )
    if after.head.number < before.pinned.number:
        yield f"block {before.pinned.number} was there before the run, and the newest one is {after.head.number} now"
    for what, then, now in (
        ("chain id", before.chain_id, after.chain_id),
        ("genesis", before.genesis, after.genesis),
    ):
        if then != now:
            yield f"its {what} was {then} before the run and is {now} now: another node answers"


def findings(network: Network, witness: Witness) -> Iterator[Finding]:
    """Nothing where the chain was the same healthy one throughout; else what was wrong with it."""
    for text in witness.trouble:
        yield _finding(network, "could not be read", text)
    for seen, when in ((witness.before, "before the run"), (witness.after, "after the run")):
        if seen is not None:
            for fault in faults(network, seen):
                yield _finding(network, f"is not as declared {when}", fault)
        elif not witness.trouble:
            yield _finding(network, f"was not looked at {when}", "nothing was read")
    if witness.before is not None and witness.after is not None:
        for difference in differences(witness.before, witness.after):
            yield _finding(network, "did not stay the same", difference)


def strays(network: Network, witness: Witness, observed: Sequence[object]) -> Iterator[Finding]:
    """What a run says it read of a chain that it only reads, if that is not the block it was given."""
    if witness.before is None or not network.kind.is_real or network.writes:
        return  # a fork and a chain that is written go on
    pinned = witness.before.pinned
    for value in observed:
        read = (value.get("number"), str(value.get("hash")).lower()) if isinstance(value, Mapping) else None
        if read is not None and read != (pinned.number, pinned.hash):
            text = f"block {read[0]}, {read[1]}, was read, and this gate is pinned to {pinned.number}, {pinned.hash}"
            yield _finding(network, "was read at another block", text)


def _finding(network: Network, title: str, text: str) -> Finding:
    return Finding(
        item=f"run::network {network.name} {title}: {text}",
        kind=Kind.RUN,
        title=f"network {network.name} {title}",
        outcome=Outcome.ERROR,
        measured=text,
        needed="the declared chain, healthy, at one block throughout",
        source="read by the supervisor",
        remedy="run the gate again",
    )
