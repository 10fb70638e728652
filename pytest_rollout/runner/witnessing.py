"""The supervisor's own look at the real chain behind a gate: before the run, after it, at a promotion.

What the recorder says of a chain is what project code let it see. Here nobody's code runs: the
block that everything is read at is chosen, and looked at again when all is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_rollout.core.chain import Block, Sighting, Witness, differences, faults
from pytest_rollout.core.errors import NetworkError
from pytest_rollout.core.rollout import Network

if TYPE_CHECKING:  # a gate without a real chain pays for none of it
    from pytest_rollout.networks.nodes import Nodes

Clock = Callable[[], datetime]


class Watch:
    """Looks at one declared network, if there is a real chain behind it; ``seen`` is an earlier look."""

    def __init__(self, network: Network | None, clock: Clock, *, seen: Sighting | None = None) -> None:
        self._network = network
        self._real = None if network is None else network.real
        self._clock = clock
        self._witness: Witness | None = None
        self._nodes: Nodes | None = None
        if network is not None and self._real is not None:
            from pytest_rollout.networks.nodes import Nodes  # noqa: PLC0415 - as above

            self._nodes = Nodes(self._real)
            self._witness = Witness(network=network.name, before=seen)

    def before(self) -> None:
        """Choose the block to read at; a chain that cannot be read, or is not as declared, is noted."""
        if self._network is not None:
            self._look("before", block=self._network.block)

    def after(self) -> tuple[Witness, ...]:
        """What was seen in all, with one more look at the same block."""
        if self._witness is None or self._nodes is None:
            return ()
        if self._witness.before is not None:
            self._look("after", again=self._witness.before.pinned)
        self._nodes.close()
        return (self._witness,)

    @property
    def pins(self) -> Mapping[str, Block]:
        """The block that a declared network is read or forked at, by the network's name."""
        seen = self._witness
        return {} if seen is None or seen.before is None else {seen.network: seen.before.pinned}

    @property
    def unread(self) -> Mapping[str, str]:
        """Why a network may not be opened in this run, by its name."""
        seen = self._witness
        if seen is None or self._real is None:
            return {}
        wrong = list(seen.trouble)
        if seen.before is not None:
            wrong += [f"network {self._real.name}: {fault}." for fault in faults(self._real, seen.before)]
        return {seen.network: wrong[0]} if wrong else {}

    def _look(self, when: str, *, block: int | None = None, again: Block | None = None) -> None:
        if self._real is None or self._nodes is None or self._witness is None:
            return
        from pytest_rollout.networks.looking import look  # noqa: PLC0415 - as above

        try:
            seen = look(self._real, self._nodes, block=block, again=again, now=lambda: self._clock().timestamp())
        except NetworkError as error:
            self._witness = replace(self._witness, trouble=(*self._witness.trouble, str(error)))
            return
        before, after = (seen, None) if when == "before" else (self._witness.before, seen)
        self._witness = replace(self._witness, before=before, after=after)


def facts_of(witnesses: Sequence[Witness]) -> dict[str, str]:
    """What reports show of the real chain, as the supervisor read it."""
    from pytest_rollout.networks.known import known_chains, named  # noqa: PLC0415 - as above

    facts: dict[str, str] = {}
    for witness in witnesses:
        seen = witness.after or witness.before
        if seen is None or witness.before is None:
            continue
        known = known_chains().get(seen.chain_id)
        facts |= {
            "chain id": named(seen.chain_id),
            "block": str(witness.before.pinned.number),
            "block hash": witness.before.pinned.hash,
            "client": ", ".join(dict.fromkeys(seen.clients)),
            "genesis": seen.genesis,
            "head": _head(seen),
            "too many requests": str(seen.rate_limited),
        }
        facts |= {} if known is None else {"currency": known.currency}
        facts |= {} if not seen.silent else {"silent nodes": ", ".join(seen.silent)}
    return facts


def changes(networks: Mapping[str, Network], witnesses: Sequence[Witness], now: datetime) -> Iterator[str]:
    """What keeps a judgement from standing, by a look at the same blocks now: a sentence each (rule 35)."""
    for witness in witnesses:
        network = networks.get(witness.network)
        real = None if network is None else network.real
        if network is None or real is None or witness.before is None:
            yield f"network {witness.network} is no real chain any more, and was one when it was judged"
            continue
        watch = Watch(network, lambda: now, seen=witness.before)
        (witnessed,) = watch.after()
        if witnessed.after is None:
            yield " ".join(witnessed.trouble).rstrip(".")
            continue
        for text in (*faults(real, witnessed.after), *differences(witness.before, witnessed.after)):
            yield f"network {real.name}: {text}"


def _head(seen: Sighting) -> str:
    return f"{seen.head.number}, {max(0, seen.at - seen.head.timestamp)} s old"
