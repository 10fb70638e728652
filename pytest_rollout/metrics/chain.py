"""Samples from a chain: what became of submitted transactions (rule 19), the head's age, and events.

``query`` says what: ``transactions`` (a ratio), ``gas``, ``confirmation time``, ``head age``, or an
event: ``paused``, ``unpaused``, ``role granted``, ``role revoked``, or a topic's 32 bytes in hex.

Transactions are those that somebody submitted, for what was dropped or replaced has left no trace
on the chain: ``path`` is a file of one JSON object a line, ``{"hash": "0x…", "time": …, "from":
"0x…", "nonce": 7}``, the last two to tell replaced from dropped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from pytest_rollout.core.errors import MetricError, NetworkError, listed, suggestion
from pytest_rollout.core.rollout import Metric, SourceSettings
from pytest_rollout.core.series import SECOND, Samples, Series, moment_text, nanoseconds, ratios, values
from pytest_rollout.metrics.strict_json import BadJsonError, parse
from pytest_rollout.metrics.times import observation_time

Rpc = Callable[[str, Sequence[Any]], Any]

EVENTS = {
    "paused": "0x62e78cea01bee320cd4e420270b5ea74000d11b0c9f74754ebdbfc544b05a258",
    "unpaused": "0x5db9ee0a495bf2e6ff9c91a7834c1ba4fdd244a5e8aa4e537bd38aeae4b073aa",
    "role granted": "0x2f8788117e7eff1d82e926ec794901d17c78024a50270940304540a733656f0d",
    "role revoked": "0xf6391f5c32d9c69d2a47ea670b442974b53935d1edc7fd64eb21e047a839171b",
}
"""The topics of OpenZeppelin's Pausable and AccessControl."""
OF_TRANSACTIONS = ("transactions", "gas", "confirmation time")
HEAD_AGE = "head age"
FINALIZED = "finalized"
TAGS = frozenset({FINALIZED, "safe"})
MOST_BLOCKS = 2_000
"""Blocks of one request for logs; providers allow about as many."""
MOST_SUBMITTED = 1_000_000
DEADLINE = timedelta(minutes=10)

_TOPIC = re.compile(r"0x[0-9a-fA-F]{64}")


class Fate(StrEnum):
    """What became of a submitted transaction (rule 19)."""

    SUCCEEDED = "succeeded"
    REVERTED = "reverted"
    DROPPED = "dropped"
    REPLACED = "replaced"
    REORGED = "reorged out"
    LATE = "still pending past its deadline"
    OPEN = "not decided yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A transaction somebody sent, and when."""

    hash: str
    time: int
    sender: str = ""
    nonce: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block's number, hash, and time in nanoseconds."""

    number: int
    hash: str
    time: int


class ChainSource:
    """One chain, asked over JSON-RPC that somebody else opened."""

    def __init__(self, settings: SourceSettings, folder: Path, rpc: Rpc) -> None:
        known = [*OF_TRANSACTIONS, HEAD_AGE, *EVENTS]
        if settings.query not in known and not _TOPIC.fullmatch(settings.query):
            raise MetricError(
                f"a chain knows no '{settings.query}'; it knows {listed(known)} or a topic of 32 bytes in hex."
                f"{suggestion(settings.query, known)}"
            )
        if settings.query in OF_TRANSACTIONS and not settings.path:
            raise MetricError(f"'{settings.query}' needs 'path', the file of submitted transactions.")
        self._settings = settings
        self._file = folder / settings.path
        self._rpc = rpc
        self._finality = str(settings.options.get("finality", FINALIZED))
        if self._finality not in TAGS and not self._finality.isdecimal():
            raise MetricError(f"finality '{self._finality[:40]}' is none; write finalized, safe or a number of blocks.")
        self._addresses = str(settings.options.get("addresses", "")).replace(",", " ").split()
        self._deadline = float(str(settings.options.get("deadline_seconds", DEADLINE.total_seconds())))

    def samples(self, metric: Metric, since: datetime, until: datetime) -> Samples:
        """What happened on the chain in that time, as far as its head goes."""
        begin, end = nanoseconds(since), nanoseconds(until)
        what = self._settings.query
        try:
            if what == HEAD_AGE:
                series = self._head_age(end)
            elif what in OF_TRANSACTIONS:
                series = self._transactions(what, begin, end)
            else:
                series = self._events(EVENTS.get(what, what.lower()), begin, end)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise MetricError("the node's answer has not the form that Ethereum's JSON-RPC gives.") from None
        except NetworkError as error:
            raise MetricError(str(error)) from None
        return Samples(
            metric=metric.name,
            source=f"chain {self._settings.options.get('network', '')}".strip(),
            query=what,
            since=begin,
            until=end,
            series=(series,),
        )

    def close(self) -> None:
        """Nothing of its own to close: the connection belongs to the network."""

    # ------------------------------------------------------------------------ the head, events

    def _block(self, tag: str | int) -> Block:
        given = self._rpc("eth_getBlockByNumber", [hex(tag) if isinstance(tag, int) else tag, False])
        if given is None:
            raise MetricError(f"the node has no block {tag}.")
        number, time = int(given["number"], 16), int(given["timestamp"], 16)
        return Block(number=number, hash=given["hash"], time=time * SECOND)

    def _head_age(self, end: int) -> Series:
        """How old the newest block is, in seconds, at the moment of asking."""
        age = end - self._block("latest").time
        slack = 15 * SECOND  # a block may be stamped a little ahead
        if age < -slack:
            raise MetricError(f"the head block is of {moment_text(end - age)}, in the future; look at the clocks.")
        return values([end], [max(age, 0) // SECOND])

    def _events(self, topic: str, begin: int, end: int) -> Series:
        """How many such events there were, as of the newest block: a stalled head makes it old."""
        head = self._final()
        if head.time <= begin:
            return values([], [])
        low = self._first_after(begin, head)
        high = head.number if head.time <= end else self._first_after(end, head).number - 1
        seen: set[tuple[str, str]] = set()
        for start in range(low.number, high + 1, MOST_BLOCKS):
            stop = min(start + MOST_BLOCKS - 1, high)
            wanted: dict[str, Any] = {"fromBlock": hex(start), "toBlock": hex(stop), "topics": [topic]}
            if self._addresses:
                wanted["address"] = self._addresses
            for log in self._rpc("eth_getLogs", [wanted]):
                if log.get("removed") is True or log["topics"][0].lower() != topic:
                    continue
                seen.add((log["blockHash"], log["logIndex"]))
        return values([min(head.time, end)], [len(seen)])

    def _first_after(self, time: int, head: Block) -> Block:
        """The first block later than ``time``, found by halving."""
        low, high, found = 0, head.number, head
        while low < high:
            middle = (low + high) // 2
            block = self._block(middle)
            if block.time > time:
                high, found = middle, block
            else:
                low = middle + 1
        return found

    def _final(self) -> Block:
        """The newest block that is final by the declared rule."""
        if self._finality in TAGS:
            return self._block(self._finality)
        head = self._block("latest")
        confirmations = int(self._finality)
        return self._block(max(0, head.number - confirmations + 1)) if confirmations > 1 else head

    # ------------------------------------------------------------------------ transactions

    def _transactions(self, what: str, begin: int, end: int) -> Series:
        """Each submitted transaction is an event of its own, at the time it was submitted."""
        final = self._final()
        times: list[int] = []
        numbers: list[int | None] = []
        for each in sorted(self._submitted(), key=lambda s: (s.time, s.hash)):
            if not begin < each.time <= end:
                continue
            receipt, fate = self._fate(each, final, end)
            times.append(each.time)
            if what == "transactions":
                numbers.append(None if fate is Fate.OPEN else int(fate is Fate.SUCCEEDED))
            elif receipt is not None and fate in {Fate.SUCCEEDED, Fate.REVERTED}:
                numbers.append(int(receipt["gasUsed"], 16) if what == "gas" else self._waited(receipt, each))
            else:  # one that never came is as slow as it has been so far (rule 12)
                never = what != "gas" and fate is not Fate.OPEN
                numbers.append((end - each.time) // SECOND if never else None)
        if what != "transactions":
            return values(times, numbers, events=True)
        return ratios(times, numbers, [None if each is None else 1 for each in numbers], events=True)

    def _waited(self, receipt: Mapping[str, Any], sent: Submitted) -> int:
        return max(0, self._block(int(receipt["blockNumber"], 16)).time - sent.time) // SECOND

    def _fate(self, sent: Submitted, final: Block, now: int) -> tuple[Mapping[str, Any] | None, Fate]:
        """What became of it, with its receipt where it is on the chain."""
        late = now - sent.time > int(self._deadline * SECOND)
        receipt = self._rpc("eth_getTransactionReceipt", [sent.hash])
        if receipt is None:
            return None, self._without_receipt(sent, late=late)
        number = int(receipt["blockNumber"], 16)
        if self._rpc("eth_getBlockByNumber", [hex(number), False])["hash"] != receipt["blockHash"]:
            return receipt, Fate.REORGED
        if number > final.number:
            return receipt, Fate.LATE if late else Fate.OPEN
        return receipt, Fate.SUCCEEDED if int(receipt["status"], 16) == 1 else Fate.REVERTED

    def _without_receipt(self, sent: Submitted, *, late: bool) -> Fate:
        if self._rpc("eth_getTransactionByHash", [sent.hash]) is not None:
            return Fate.LATE if late else Fate.OPEN
        if sent.sender and sent.nonce is not None:
            used = int(self._rpc("eth_getTransactionCount", [sent.sender, "latest"]), 16)
            if used > sent.nonce:
                return Fate.REPLACED
        return Fate.DROPPED if late else Fate.OPEN

    def _submitted(self) -> Iterator[Submitted]:
        seen: set[str] = set()
        try:
            raw = self._file.read_bytes()
        except OSError as error:
            raise MetricError(f"{self._settings.path}: {(error.strerror or 'it cannot be read').lower()}.") from None
        for number, line in enumerate(raw.split(b"\n")[:-1], start=1):
            try:
                row = parse(line)
                sent = Submitted(
                    hash=str(row["hash"]).lower(),
                    time=observation_time(row["time"]),
                    sender=str(row.get("from", "")),
                    nonce=row.get("nonce"),
                )
            except (BadJsonError, KeyError, TypeError, AttributeError, MetricError) as error:
                raise MetricError(
                    f"{self._settings.path}: line {number} is no submitted transaction ({error})."
                ) from None
            if not _TOPIC.fullmatch(sent.hash) or sent.hash in seen:
                what = "is there twice" if sent.hash in seen else "is no transaction's hash"
                raise MetricError(f"{self._settings.path}: line {number}: '{sent.hash[:70]}' {what}.")
            seen.add(sent.hash)
            if len(seen) > MOST_SUBMITTED:
                raise MetricError(f"{self._settings.path}: more than {MOST_SUBMITTED} transactions.")
            yield sent
