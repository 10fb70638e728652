"""Signatures as they come in, made here or elsewhere, believed only if they would count."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.errors import Refused, UsageError, listed, suggestion
from pytest_rollout.core.history import JudgementRecord
from pytest_rollout.core.signoff import Said, Signed, SignoffPolicy, why_not
from pytest_rollout.operations.wallets import asker
from pytest_rollout.operations.workspace import Workspace
from pytest_rollout.runner.tree import author_of

if TYPE_CHECKING:  # eth_account, for those who sign
    from pytest_rollout.ledger.port import Ledger
    from pytest_rollout.ledger.signing import AskContract

Key = Callable[[], str]
"""Gives the private key when it is needed, and only then."""

_LARGEST_OF_WALLETS = 64 * 1024
_WALLETS = re.compile(rf"0x[0-9a-f]{{0,{2 * _LARGEST_OF_WALLETS}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where the signatures under one judgement are taken.

    ``author`` is the e-mail address of the judged commit's author, where the plan asks for it; ``ask`` asks
    contract wallets.
    """

    place: str
    policy: SignoffPolicy
    ledger: Ledger
    author: str = ""
    ask: AskContract | None = None

    def address(self, role: str) -> str:
        """Whose signature ``role`` takes; raises ``UsageError`` for a role that the plan does not have."""
        roles = self.policy.roles
        if role not in roles:
            raise UsageError(f"{self.place}: no role '{role}'; the plan has {listed(roles)}.{suggestion(role, roles)}")
        return roles[role]

    def typed_data(self, statement: Said) -> dict[str, Any]:
        """What a wallet is to sign."""
        return statement.typed_data(ledger_id=self.ledger.id, chain_id=self.policy.chain_id)

    def signed(self, statement: Said, key: Key) -> tuple[str, str]:
        """Signer and signature by a key that is at hand; another key than the role's is refused."""
        from pytest_rollout.ledger import signing  # noqa: PLC0415 - eth_account

        wanted = self.address(statement.role)
        signer, signature = signing.sign(statement, key(), ledger_id=self.ledger.id, chain_id=self.policy.chain_id)
        if signer != wanted:
            raise Refused(f"{self.place}: that is the key of {signer}; the plan names {wanted} for '{statement.role}'.")
        return signer, signature

    def signer_of(self, statement: Said, signature: str, *, contract: bool) -> str:
        """Who made a signature elsewhere: a key, or a contract wallet, which itself judges what its owners made."""
        if contract:
            if not _WALLETS.fullmatch(signature) or len(signature) % 2:
                raise UsageError(f"--signature: is no text of whole bytes in 0x hex, of {_LARGEST_OF_WALLETS} at most.")
            return self.address(statement.role)
        from pytest_rollout.ledger import signing  # noqa: PLC0415 - eth_account

        return signing.recover(statement, signature, ledger_id=self.ledger.id, chain_id=self.policy.chain_id)

    def why_not(self, signed: Signed[Any]) -> str:
        """Why a recorded signature does not hold, by cryptography or by its wallet; empty if it does."""
        from pytest_rollout.ledger import signing  # noqa: PLC0415 - eth_account

        return signing.verify(signed, ledger_id=self.ledger.id, chain_id=self.policy.chain_id, ask=self.ask)

    def check(self, made: Signed[Any], now: datetime) -> None:
        """Refuse a signature that nobody could use now, rather than at the promotion."""
        role = made.statement.role
        if why := why_not(self.policy, made, self.address(role), self.author, now, self.why_not):
            raise Refused(f"{self.place}: '{role}' {why}; nothing was recorded.")


def desk(workspace: Workspace, place: str, policy: SignoffPolicy, ledger: Ledger, judgement: JudgementRecord) -> Desk:
    """The desk for one judgement of ``ROLLOUT:STAGE``."""
    return Desk(
        place=place,
        policy=policy,
        ledger=ledger,
        author=author_of(workspace.root, judgement.subject.commit) if policy.authors else "",
        ask=asker(workspace.rollout(judgement.rollout), policy),
    )


def message_in(file: Path, command: str) -> tuple[object, Mapping[str, Any]]:
    """The typed data in a file, and its message: to be compared, never believed."""
    try:
        given = json.loads(file.read_bytes())
        said = given["message"]
        if isinstance(said, Mapping):
            return given, said
    except OSError as error:
        raise UsageError(f"--import {file.name}: cannot be read ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise UsageError(f"--import {file.name}: is no file that `{command} --write FILE` wrote.")
