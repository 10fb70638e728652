"""Transactions as outcomes: what was submitted is followed until it is final, or has failed in one of six ways."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from pytest_rollout.contracts.attributes import attributes
from pytest_rollout.contracts.call import Call
from pytest_rollout.contracts.transaction import Transaction, TransactionOutcome, counts
from pytest_rollout.core.errors import ContractError, NetworkError, Reverted
from pytest_rollout.networks.port import Chain, quantity

Finality = int | str
"""Blocks that must lie upon a transaction's own, or the tag of a block that must have reached it."""

WITHIN_SECONDS = 30.0
POLL_SECONDS = 0.01
SLOWEST_POLL_SECONDS = 1.0
SEARCHED_BLOCKS = 64
"""Blocks in which the transaction that took another one's number is looked for."""

_OVER = {TransactionOutcome.SUCCEEDED, TransactionOutcome.REVERTED, TransactionOutcome.REPLACED}
_GONE = {TransactionOutcome.DROPPED, TransactionOutcome.REORGED}


class Submission:
    """A transaction that was handed to the network; ``look()`` tells what became of it so far."""

    def __init__(
        self, *, chain: Chain, digest: str, sender: str, nonce: int, finality: Finality, reason: str, began: float
    ) -> None:
        self._chain = chain
        self.hash = digest
        self.sender = sender
        self.nonce = nonce
        self._finality = finality
        self._reason = reason
        self._began = began
        self._first_block = _number(chain, "eth_blockNumber")
        self._was_included = False
        self._seconds: float | None = None

    def look(self) -> Transaction:
        """What became of it, as the network says now; an earlier answer binds nobody after a reorganisation."""
        answer = self._chain.request("eth_getTransactionReceipt", [self.hash])
        if isinstance(answer, Mapping) and self._is_on_the_chain(answer):
            self._was_included = True
            return self._included(answer)
        self._seconds = None
        if self._chain.request("eth_getTransactionByHash", [self.hash]) is not None:
            return self._made(TransactionOutcome.REORGED if self._was_included else TransactionOutcome.PENDING)
        if _number(self._chain, "eth_getTransactionCount", self.sender, "latest") > self.nonce:
            by = self._taker()
            return self._made(
                TransactionOutcome.REORGED if self._was_included else TransactionOutcome.REPLACED, replaced_by=by
            )
        return self._made(TransactionOutcome.REORGED if self._was_included else TransactionOutcome.DROPPED)

    def settle(self, *, within: float = WITHIN_SECONDS) -> Transaction:
        """What became of it, at the latest after so many seconds; one that still waits then has timed out."""
        deadline, pause = self._began + within, POLL_SECONDS
        while not self._is_over(made := self.look()):
            if time.monotonic() >= deadline:
                if made.outcome is TransactionOutcome.PENDING:
                    return self._made(TransactionOutcome.TIMED_OUT)
                return made
            time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
            pause = min(2 * pause, SLOWEST_POLL_SECONDS)
        return made

    def _is_over(self, made: Transaction) -> bool:
        """On a real chain one node may not know what another one has; there it is looked for until the deadline."""
        return made.outcome in _OVER or (made.outcome in _GONE and not self._chain.kind.is_real)

    def _is_on_the_chain(self, receipt: Mapping[str, Any]) -> bool:
        """A node may still have the receipt of a block that is no longer part of the chain."""
        block = self._chain.request("eth_getBlockByNumber", [receipt["blockNumber"], False])
        return isinstance(block, Mapping) and block["hash"] == receipt["blockHash"]

    def _included(self, answer: Mapping[str, Any]) -> Transaction:
        receipt = attributes(answer)
        on_top = _number(self._chain, "eth_blockNumber") - receipt["blockNumber"]
        if receipt["status"] != 1:
            return self._made(TransactionOutcome.REVERTED, receipt=receipt, confirmations=on_top, reason=self._why())
        if not self._is_final(receipt["blockNumber"], on_top):
            return self._made(TransactionOutcome.INCLUDED, receipt=receipt, confirmations=on_top)
        if self._seconds is None:
            self._seconds = time.monotonic() - self._began
        return self._made(TransactionOutcome.SUCCEEDED, receipt=receipt, confirmations=on_top, seconds=self._seconds)

    def _is_final(self, block: int, on_top: int) -> bool:
        if isinstance(self._finality, int):
            return on_top >= self._finality
        final = self._chain.request("eth_getBlockByNumber", [self._finality, False])
        return isinstance(final, Mapping) and quantity(self._chain.name, "number", final.get("number")) >= block

    def _why(self) -> str:
        """Why it reverted: as it was told when it was sent, else what the same call says one block earlier."""
        if not self._reason:
            sent = self._chain.request("eth_getTransactionByHash", [self.hash])
            asked = {key: sent[key] for key in ("from", "to", "value", "gas") if sent.get(key)} | {
                "data": sent.get("input") or sent.get("data")
            }
            before = quantity(self._chain.name, "blockNumber", sent["blockNumber"]) - 1
            try:
                self._chain.request("eth_call", [asked, hex(before)])
            except Reverted as refusal:
                self._reason = refusal.reason
            except NetworkError:
                return ""
        return self._reason

    def _taker(self) -> str:
        """The hash of the transaction that has its number; nothing if it is too long ago."""
        newest = _number(self._chain, "eth_blockNumber")
        for number in range(newest, max(-1, self._first_block - 2, newest - SEARCHED_BLOCKS), -1):
            block = self._chain.request("eth_getBlockByNumber", [hex(number), True])
            for each in block["transactions"]:
                if each["from"].lower() == self.sender.lower() and int(each["nonce"], 16) == self.nonce:
                    return str(each["hash"])
        return ""

    def _made(self, outcome: TransactionOutcome, **known: Any) -> Transaction:
        return Transaction(hash=self.hash, sender=self.sender, nonce=self.nonce, outcome=outcome, **known)


class Transactions:
    """Everything submitted through it, and what became of each; nothing that was submitted is left out."""

    def __init__(self, chain: Chain, finality: Finality, within: float) -> None:
        self._chain = chain
        self._finality = finality
        self._within = within
        self._submitted: list[Submission] = []

    def __len__(self) -> int:
        return len(self._submitted)

    def submit(
        self,
        call: Call,
        *,
        sender: str | None = None,
        value: int = 0,
        gas: int | None = None,
        nonce: int | None = None,
        **fees: int,
    ) -> Submission:
        """Send a call from an account of the node, and follow it; ``sender`` is a role or an address.

        One that the node refuses to send - an estimate that reverts, no money - was not
        submitted: the error is raised. ``nonce`` repeats a number to replace what has it; ``fees``
        are ``maxFeePerGas``, ``maxPriorityFeePerGas`` or ``gasPrice``, in wei.
        """
        if call.contract.chain is not self._chain:
            raise ContractError(f"{call.place}: is on another network than {self._chain.name}.")
        said = {"from": sender, "value": value or None, "gas": gas, "nonce": nonce, **fees}
        (transaction,) = call.params({key: each for key, each in said.items() if each is not None})
        if gas is None:
            # Some nodes send what their own estimate refuses, others do not.
            transaction["gas"] = hex(self._estimated(transaction))
        if nonce is None:
            nonce = _number(self._chain, "eth_getTransactionCount", transaction["from"], "pending")
        transaction["nonce"] = hex(nonce)
        return self._submitted_as(
            lambda: self._chain.request("eth_sendTransaction", [transaction]), transaction["from"], nonce
        )

    def submit_raw(self, signed: bytes | str, *, sender: str, nonce: int) -> Submission:
        """Send a signed transaction."""
        raw = signed if isinstance(signed, str) else "0x" + bytes(signed).hex()
        return self._submitted_as(lambda: self._chain.request("eth_sendRawTransaction", [raw]), sender, nonce)

    def look(self) -> tuple[Transaction, ...]:
        """What became of each so far."""
        return tuple(each.look() for each in self._submitted)

    def settle(self) -> tuple[Transaction, ...]:
        """What became of each, once all are final or past their deadline.

        Looked at once more when the last one is: a block that held an earlier one may be gone by then.
        """
        last = [each.settle(within=self._within) for each in self._submitted]
        again = [each.look() for each in self._submitted]
        late = TransactionOutcome.TIMED_OUT
        pairs = zip(last, again, strict=True)
        return tuple(
            was if was.outcome is late and now.outcome is TransactionOutcome.PENDING else now for was, now in pairs
        )

    def counts(self) -> dict[str, int]:
        """``measure("tx_success", **transactions.counts())``: the total is what was submitted."""
        if not self._submitted:
            raise ContractError(
                f"network {self._chain.name}: no transaction was submitted, so there is nothing to count."
            )
        return counts(self.settle())

    def _estimated(self, transaction: Mapping[str, Any]) -> int:
        try:
            return _number(self._chain, "eth_estimateGas", transaction)
        except Reverted as refusal:
            refusal.add_note("nothing was submitted; give gas= to send what an estimate refuses")
            raise

    def _submitted_as(self, send: Callable[[], Any], sender: str, nonce: int) -> Submission:
        began, reason = time.monotonic(), ""
        try:
            digest = str(send())
        except Reverted as refusal:
            if not refusal.transaction:
                raise
            digest, reason = refusal.transaction, refusal.reason
        made = Submission(
            chain=self._chain,
            digest=digest,
            sender=sender,
            nonce=nonce,
            finality=self._finality,
            reason=reason,
            began=began,
        )
        self._submitted.append(made)
        return made


def _number(chain: Chain, method: str, *params: Any) -> int:
    return quantity(chain.name, method, chain.request(method, list(params)))
