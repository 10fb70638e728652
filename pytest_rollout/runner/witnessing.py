"""The supervisor's own look at the real chains behind a gate: before the run, after it, at a promotion.

What the recorder says of a chain is what project code let it see. Here nobody's code runs: the
block that everything is read at is chosen, and looked at again when all is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.chain import Block, Sighting, Witness, differences, faults
from pytest_rollout.core.errors import NetworkError, RolloutError
from pytest_rollout.core.inventory import Listed
from pytest_rollout.core.rollout import ContractSettings, Network, Rollout, Stage
from pytest_rollout.core.subject import Deployed, moved_contracts
from pytest_rollout.runner.channel import Pin

if TYPE_CHECKING:  # a gate without a real chain pays for none of it
    from pytest_rollout.networks.nodes import Nodes

Clock = Callable[[], datetime]

MOST_AT_ONCE = 16
"""Networks looked at in the same moment."""


class Watch:
    """Looks at the real chains that one gate reads: those it declares before the run, others when a test opens them.

    A real chain and the forks of it are read at the same block, unless the plan names another.
    """

    def __init__(
        self, rollout: Rollout, stage: Stage, network: str | None, clock: Clock, *, may_write: bool = False
    ) -> None:
        self._rollout = rollout
        self._clock = clock
        self._may_write = may_write
        listed = (check.network for check in stage.checks if isinstance(check, Listed))
        self._declared = [each for each in dict.fromkeys((network or "", *listed)) if self._real(each) is not None]
        self._looks: dict[str, _Look] = {}

    def before(self) -> None:
        """Choose the blocks to read at; a chain that cannot be read, or is not as declared, is noted."""
        chains: dict[str, list[str]] = {}
        for name in self._declared:
            real = self._real(name)
            chains.setdefault("" if real is None else real.name, []).append(name)
        _at_once(self._begin_all, list(chains.values()))

    def pin(self, name: str) -> Pin:
        """Where a network is read in this run, whoever asks first; one that lives only in the run has no such block."""
        if self._real(name) is None:
            return Pin()
        if name not in self._looks:
            self._begin(name)
        look = self._looks[name]
        return Pin(block=look.block, trouble=look.unread)

    def after(self) -> tuple[Witness, ...]:
        """What was seen in all, with one more look at the same blocks."""
        _at_once(_Look.after, list(self._looks.values()))
        return tuple(look.witness for _, look in sorted(self._looks.items()))

    @property
    def pins(self) -> Mapping[str, Block]:
        """The block that a declared network is read or forked at, by the network's name."""
        return {name: look.block for name, look in self._looks.items() if look.block is not None}

    @property
    def unread(self) -> Mapping[str, str]:
        """Why a network may not be opened in this run, by its name."""
        return {name: look.unread for name, look in self._looks.items() if look.unread}

    def _real(self, name: str) -> Network | None:
        network = self._rollout.networks.get(name)
        return None if network is None else network.real

    def _begin_all(self, names: Sequence[str]) -> None:
        for name in names:
            self._begin(name)

    def _begin(self, name: str) -> None:
        network, real = self._rollout.networks[name], self._real(name)
        look = _Look(network, self._rollout.contracts, self._clock, may_write=self._may_write)
        same = [each.block for each in self._looks.copy().values() if each.block is not None and each.real == real]
        look.before(block=same[0].number if network.block is None and same else network.block)
        self._looks[name] = look


class _Look:
    """One declared network with a real chain behind it; ``seen`` is an earlier look."""

    def __init__(
        self,
        network: Network,
        contracts: ContractSettings,
        clock: Clock,
        *,
        seen: Sighting | None = None,
        may_write: bool = False,
    ) -> None:
        from pytest_rollout.networks.nodes import Nodes  # noqa: PLC0415 - as above

        real = network.real
        if real is None:
            raise NetworkError(f"network {network.name}: no real chain is behind it.")
        self.real = real
        self._network = network
        self._contracts = contracts
        self._clock = clock
        self._writes = may_write and network.writes
        self._nodes: Nodes = Nodes(real)
        self.witness = Witness(network=network.name, before=seen)

    @property
    def block(self) -> Block | None:
        """The block that it is read at."""
        seen = self.witness.before
        return None if seen is None else seen.pinned

    @property
    def unread(self) -> str:
        """Why it may not be opened."""
        seen = self.witness.before
        wrong = list(self.witness.trouble)
        if seen is not None:
            wrong += [f"network {self.real.name}: {fault}." for fault in faults(self.real, seen)]
        return wrong[0] if wrong else ""

    def before(self, *, block: int | None) -> None:
        """Look, and at the contracts of its record; what is wrong is noted."""
        if (seen := self._look(block=block)) is None:
            return
        self.witness = replace(self.witness, before=seen)
        if not self._writes and not any(faults(self.real, seen)):
            self._identify(hex(seen.pinned.number))

    def after(self) -> None:
        """Look once more at the same block; where the run could write, at the contracts as it left them."""
        if self.witness.before is not None:
            seen = self._look(again=self.witness.before.pinned)
            self.witness = replace(self.witness, after=seen)
            if self._writes:
                self._identify("latest")
        self._nodes.close()

    def now(self) -> Mapping[str, Deployed]:
        """The contracts at the newest final block; raises ``RolloutError``."""
        from pytest_rollout.contracts.identity import identities  # noqa: PLC0415 - as above
        from pytest_rollout.networks.looking import look  # noqa: PLC0415 - as above

        newest = look(self.real, self._nodes, now=lambda: self._clock().timestamp()).pinned
        return identities(self._contracts, self._network, self._nodes, hex(newest.number))

    def _identify(self, block: str) -> None:
        if not {self._network.name, self.real.name} & self._contracts.deployments.keys():
            return
        from pytest_rollout.contracts.identity import identities  # noqa: PLC0415 - as above

        try:
            found = identities(self._contracts, self._network, self._nodes, block)
        except RolloutError as error:
            self._note(str(error))
            return
        self.witness = replace(self.witness, contracts=found)

    def _look(self, *, block: int | None = None, again: Block | None = None) -> Sighting | None:
        from pytest_rollout.networks.looking import look  # noqa: PLC0415 - as above

        try:
            return look(self.real, self._nodes, block=block, again=again, now=lambda: self._clock().timestamp())
        except NetworkError as error:
            self._note(str(error))
            return None

    def _note(self, text: str) -> None:
        self.witness = replace(self.witness, trouble=(*self.witness.trouble, text))


def _at_once(work: Callable[[Any], None], each: Sequence[Any]) -> None:
    """Do the work for all of them at the same time."""
    if len(each) < 2:  # noqa: PLR2004 - nothing to do at the same time
        for one in each:
            work(one)
        return
    with ThreadPoolExecutor(min(len(each), MOST_AT_ONCE)) as pool:
        list(pool.map(work, each))


def facts_of(witnesses: Sequence[Witness], own: str) -> dict[str, str]:
    """What reports show of the real chains, as the supervisor read them; the gate's own network first."""
    from pytest_rollout.networks.known import known_chains, named  # noqa: PLC0415 - as above

    facts: dict[str, str] = {}
    for witness in sorted(witnesses, key=lambda each: (each.network != own, each.network)):
        seen = witness.after or witness.before
        if seen is None or witness.before is None:
            continue
        known = known_chains().get(seen.chain_id)
        about = {
            "chain id": named(seen.chain_id),
            "block": str(witness.before.pinned.number),
            "block hash": witness.before.pinned.hash,
            "client": ", ".join(dict.fromkeys(seen.clients)),
            "genesis": seen.genesis,
            "head": _head(seen),
            "too many requests": str(seen.rate_limited),
        }
        about |= {} if known is None else {"currency": known.currency}
        about |= {} if not seen.silent else {"silent nodes": ", ".join(seen.silent)}
        facts |= about if witness.network == own else {f"{witness.network} {key}": each for key, each in about.items()}
    return facts


def changes(rollout: Rollout, witnesses: Sequence[Witness], now: datetime) -> Iterator[str]:
    """What keeps a judgement from standing, by a look at the same chains now: a sentence each (rule 35)."""
    looks: dict[str, _Look] = {}
    for witness in witnesses:
        network = rollout.networks.get(witness.network)
        if network is None or network.real is None or witness.before is None:
            yield f"network {witness.network} is no real chain any more, and was one when it was judged"
            continue
        looks[witness.network] = _Look(network, rollout.contracts, lambda: now, seen=witness.before)
    found: dict[str, list[str]] = {}

    def look_again(witness: Witness) -> None:
        found[witness.network] = list(_changes(looks[witness.network], witness))

    _at_once(look_again, [each for each in witnesses if each.network in looks])
    for each in witnesses:
        yield from found.get(each.network, ())


def _changes(look: _Look, judged: Witness) -> Iterator[str]:
    try:
        if judged.contracts:
            for text in moved_contracts(judged.contracts, look.now()):
                yield f"network {look.real.name}: {text}"
    except RolloutError as error:
        yield str(error).rstrip(".")
        return
    finally:
        look.after()
    if look.witness.after is None or judged.before is None:
        yield " ".join(look.witness.trouble).rstrip(".")
        return
    for text in (*faults(look.real, look.witness.after), *differences(judged.before, look.witness.after)):
        yield f"network {look.real.name}: {text}"


def _head(seen: Sighting) -> str:
    return f"{seen.head.number}, {max(0, seen.at - seen.head.timestamp)} s old"
