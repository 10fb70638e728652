"""A random walk over a chain: what a snapshot remembered is what its revert brings back, whatever happened between.

Steps pay, fail, move time, mine, give balances, play others, switch mining off and leave
transactions waiting, take snapshots within snapshots and revert to any of them. Each revert is
compared with everything that was seen when the snapshot was taken: one difference is a leak.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pytest_rollout.core.errors import RolloutError
from pytest_rollout.core.rollout import NetworkKind
from pytest_rollout.networks.port import Chain, SnapshotId

DEEPEST = 6
STRANGERS = tuple(f"0x{number:040x}" for number in range(0xA11CE0, 0xA11CE4))


class LeakError(AssertionError):
    """A revert brought back something else than there was."""


@dataclass
class Walk:
    """One walk of a seed; ``counts`` says what was done how often."""

    chain: Chain
    seed: int
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._stack: list[tuple[SnapshotId, Any]] = []
        steps: list[tuple[int, Callable[[], None]]] = [
            (30, self.pay),
            (20, self.snapshot),
            (20, self.revert),
            (6, self.advance),
            (6, self.mine),
            (4, self.refused),
        ]
        if self.chain.kind is not NetworkKind.TESTER:
            steps += [(6, self.give), (4, self.play), (8, self.leave_waiting), (2, self.leave_far), (2, self.settings)]
        self._weights = [weight for weight, _ in steps]
        self._steps = [step for _, step in steps]

    def run(self, steps: int) -> None:
        """Walk, and at the end go back to where it began."""
        begun = self.seen()
        first = self.chain.snapshot()
        for _ in range(steps):
            (step,) = self._random.choices(self._steps, self._weights)
            step()
            self.counts[step.__name__] = self.counts.get(step.__name__, 0) + 1
        self.chain.revert(first)
        self._same(begun)

    def seen(self) -> Any:
        """All that a test could notice of another one before it."""
        self._settle()
        accounts = self.chain.accounts.addresses[:3]
        calls: list[tuple[str, list[Any]]] = [("eth_getBlockByNumber", ["latest", False])]
        calls += [("eth_getBalance", [each, "latest"]) for each in (*STRANGERS, *accounts)]
        calls += [("eth_getTransactionCount", [each, "pending"]) for each in accounts]
        if self.chain.kind is not NetworkKind.TESTER:
            calls += [("txpool_status", []), ("anvil_getAutomine", []), ("eth_accounts", [])]
            calls += [("eth_feeHistory", ["0x1", "latest", []])]
        block, *rest = self.chain.batch(calls)
        return [block["hash"], block["number"], block["timestamp"], *rest]

    def pay(self) -> None:
        """A payment that is mined, or waits if a test has switched mining off."""
        sender, to = self._random.choice(self.chain.accounts.addresses[:3]), self._random.choice(STRANGERS)
        value = hex(self._random.randrange(1, 10**9))
        self.chain.request("eth_sendTransaction", [{"from": sender, "to": to, "value": value, "gas": "0x5208"}])

    def refused(self) -> None:
        """A transaction that no node takes."""
        try:
            self.chain.request("eth_sendTransaction", [{"from": STRANGERS[0], "to": STRANGERS[1], "gas": "0x1"}])
        except RolloutError:
            return
        raise LeakError("a transaction of a stranger was taken: an account that was played outlived its test")

    def advance(self) -> None:
        """Time, from a second to a year."""
        self.chain.advance(seconds=self._random.choice([1, 60, 3600, 86400, 365 * 86400]))

    def mine(self) -> None:
        """A few blocks."""
        self.chain.mine(self._random.randrange(1, 4))

    def give(self) -> None:
        """A balance out of nowhere."""
        self.chain.set_balance(self._random.choice(STRANGERS), self._random.randrange(10**20))

    def play(self) -> None:
        """Somebody else's account, within a scope of its own."""
        scope, before = self.chain.snapshot(), self.seen()
        self.chain.set_balance(STRANGERS[2], 10**18)
        self.chain.impersonate(STRANGERS[2])
        payment = {"from": STRANGERS[2], "to": STRANGERS[3], "value": "0x7", "gas": "0x5208"}
        self.chain.request("eth_sendTransaction", [payment])
        self.chain.revert(scope)
        self._same(before)

    def leave_waiting(self) -> None:
        """Transactions that are sent and not mined when the scope ends."""
        scope, before = self.chain.snapshot(), self.seen()
        self.chain.request("evm_setAutomine", [False])
        for _ in range(self._random.randrange(1, 4)):
            self.pay()
        if self._random.random() < 0.3:
            self.chain.mine()
        self.chain.revert(scope)
        self._same(before)

    def leave_far(self) -> None:
        """A transaction whose turn never comes."""
        scope, before = self.chain.snapshot(), self.seen()
        far = {"from": self.chain.accounts["user"], "to": STRANGERS[0], "nonce": "0xffff", "gas": "0x5208"}
        self.chain.request("evm_setAutomine", [False])
        self.chain.request("eth_sendTransaction", [far])
        self.chain.request("evm_setAutomine", [True])
        self.chain.revert(scope)
        self._same(before)

    def settings(self) -> None:
        """A node that is set otherwise."""
        scope, before = self.chain.snapshot(), self.seen()
        self.chain.request("anvil_setCoinbase", [STRANGERS[1]])
        self.chain.request("anvil_setNextBlockBaseFeePerGas", [hex(10**9 + self._random.randrange(10**9))])
        self.pay()
        self.chain.revert(scope)
        self._same(before)

    def snapshot(self) -> None:
        """A scope within those there are."""
        if len(self._stack) < DEEPEST:
            self._stack.append((self.chain.snapshot(), self.seen()))

    def revert(self) -> None:
        """Back to any of them, which ends those within."""
        if not self._stack:
            return
        index = self._random.choice([len(self._stack) - 1, self._random.randrange(len(self._stack))])
        snapshot, before = self._stack[index]
        del self._stack[index:]
        self.chain.revert(snapshot)
        self._same(before)

    def _settle(self) -> None:
        """What was mined leaves the pool, and enters the history of fees, a moment later; here nothing else is in it."""
        if self.chain.kind is not NetworkKind.TESTER:
            for _ in range(1000):
                fees = self.chain.request("eth_feeHistory", ["0x1", "latest", []])
                if self.chain.request("txpool_status")["pending"] == "0x0" and fees["gasUsedRatio"]:
                    return

    def _same(self, before: Any) -> None:
        now = self.seen()
        if now != before:
            done = sum(self.counts.values())
            raise LeakError(f"seed {self.seed}, after {done} steps: {before} became {now}")
