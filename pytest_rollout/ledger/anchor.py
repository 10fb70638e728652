"""What an anchor is on a chain: a log that says ledger, entry and head, and who wrote it.

The contract below is 15 bytes and has no state and no owner: it logs what it is called with, under the
first word of it (the ledger's id) and the caller. Whoever reads filters by the account that anchors, so
what strangers log there says nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pytest_rollout.core.errors import LedgerError, UsageError

RUNTIME = "366000600037336000353660" + "00a200"
"""CALLDATACOPY(0, 0, size); LOG2(0, size, CALLDATALOAD(0), CALLER); STOP."""
CREATION = "600f80600b6000396000f3" + RUNTIME

_WORD = 64
_KEY = re.compile(r"(?:0x)?[0-9a-fA-F]{64}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """One anchor as it was found: the ledger's entry and its digest, and where on the chain it stands."""

    sequence: int
    digest: str
    block: int
    transaction: str


def topic(ledger_id: str) -> str:
    """The ledger's id as a word, 0x hex."""
    return f"0x{ledger_id:0>{_WORD}}"


def data(ledger_id: str, sequence: int, digest: str) -> str:
    """What the contract is called with, 0x hex: ledger, entry, head."""
    return f"0x{ledger_id:0>{_WORD}}{sequence:0{_WORD}x}{digest}"


def caller(account: str) -> str:
    """An account as a topic; raises ``UsageError`` for what is no address."""
    return f"0x{address(account, '--account')[2:]:0>{_WORD}}"


def address(given: str, option: str) -> str:
    """An address in lower case; raises ``UsageError``."""
    if not _ADDRESS.fullmatch(given):
        raise UsageError(f"{option} {given[:60]}: is no address of 20 bytes in 0x hex.")
    return given.lower()


def read(log: Any, ledger_id: str) -> Anchored | None:
    """The anchor in a log; None for a log of another shape, which nobody wrote with ``data``."""
    try:
        text = str(log["data"]).removeprefix("0x")
        words = [text[at : at + _WORD] for at in range(0, len(text), _WORD)]
        if len(words) == 3 and words[0] == f"{ledger_id:0>{_WORD}}" and len(words[2]) == _WORD:  # noqa: PLR2004 - data's
            return Anchored(
                sequence=int(words[1], 16),
                digest=words[2].lower(),
                block=int(log["blockNumber"], 16),
                transaction=str(log["transactionHash"]),
            )
    except (KeyError, TypeError, ValueError):
        pass
    return None


def signed(key: str, transaction: dict[str, Any]) -> str:
    """A transaction signed with ``key``, as ``eth_sendRawTransaction`` takes it; raises ``UsageError``."""
    from eth_account import Account  # noqa: PLC0415 - heavy, for those who sign

    raw = Account.sign_transaction(transaction, _checked(key)).raw_transaction
    return f"0x{bytes(raw).hex()}"


def account_of(key: str) -> str:
    """The address of a key, in lower case."""
    from eth_account import Account  # noqa: PLC0415 - as above

    return str(Account.from_key(_checked(key)).address).lower()


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key.strip()):
        raise UsageError("the key is no private key of 32 bytes in hex.")
    return key.strip()


def missing(found: Anchored, entry_digest: str | None) -> None:
    """Refuse a ledger that does not hold what was anchored; ``entry_digest`` is that of its entry there, if any."""
    if entry_digest == found.digest:
        return
    what = "its end was cut off, or it is an older copy" if entry_digest is None else "it was rewritten, or is a fork"
    raise LedgerError(
        f"entry {found.sequence} was anchored as {found.digest[:12]}… (transaction {found.transaction}, block "
        f"{found.block}), and this ledger has {'no such entry' if entry_digest is None else entry_digest[:12] + '…'}: "
        f"{what}. Restore it from a backup."
    )
