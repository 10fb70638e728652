"""``rollout sign``: the ways to give a signature, exactly one of which is taken."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from pytest_rollout.core.errors import UsageError, listed
from pytest_rollout.core.signoff import Signoff
from pytest_rollout.operations import Workspace, signing, wallets


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What the command line asks for."""

    role: str | None
    keystore: Path | None
    password_env: str | None
    key_env: str | None
    write: Path | None
    read: Path | None
    signature: str | None
    revoke: bool
    contract: bool = False

    @property
    def name(self) -> str:
        """The one way that was given; raises ``UsageError`` for none or several."""
        ways = {
            "--keystore": self.keystore is not None,
            "--key-env": self.key_env is not None,
            "--write": self.write is not None,
            "--import": self.read is not None,
            "--revoke": self.revoke,
        }
        given = [way for way, is_given in ways.items() if is_given]
        if len(given) != 1:
            raise UsageError(f"rollout sign: takes exactly one of {listed(ways)}; {listed(given)} given.")
        if (self.signature is not None) != (given == ["--import"]):
            raise UsageError("rollout sign: --import FILE and --signature HEX go together.")
        if self.contract and given != ["--import"]:
            raise UsageError("rollout sign: --contract goes with --import: a wallet signs elsewhere.")
        return given[0]


def carry_out(workspace: Workspace, place: str, way: Way, *, person: str, now: datetime) -> tuple[dict[str, Any], str]:
    """What was done, for programs and for people."""
    name = way.name
    question = signing.asked(workspace, place)
    if name == "--import":
        assert way.read is not None  # noqa: S101 - name says so
        assert way.signature is not None  # noqa: S101 - name says so
        made, entry = signing.import_signature(
            question,
            way.read,
            way.signature.strip().lower(),
            person=person,
            now=now,
            contract=way.contract,
            ask=wallets.asker(workspace.rollout(question.rollout.name), question.policy),
        )
        return _told(made, entry.sequence, entry.digest)
    role = way.role
    if role is None:
        raise UsageError(f"rollout sign: --role is missing; the plan has {listed(question.policy.roles)}.")
    if way.write is not None:
        data = signing.typed_data(question, role, now)
        _write(way.write, json.dumps(data, indent=1) + "\n")
        text = (
            f"wrote {way.write.name}: let a wallet sign it (eth_signTypedData_v4), then "
            f"`rollout sign {question.place} --import {way.write.name} --signature 0x…`"
        )
        return {"wrote": str(way.write), "typed_data": data}, text
    if way.revoke:
        made, entry = signing.revoke(question, role, person=person, now=now)
    else:
        made, entry = signing.sign(question, role, lambda: _key(way), person=person, now=now)
    return _told(made, entry.sequence, entry.digest)


def _told(made: Signoff, sequence: int, head: str) -> tuple[dict[str, Any], str]:
    statement = made.statement
    what = "took back the signature" if made.revoked else f"signed until {statement.expires_at.isoformat()}"
    text = (
        f"{statement.rollout}:{statement.stage}: '{statement.role}' ({made.signer}) {what}, "
        f"judgement {statement.judgement[:12]}…\nledger entry {sequence}, head {head}"
    )
    return made.document() | {"ledger_entry": sequence, "head": head}, text


def _key(way: Way) -> str:
    from pytest_rollout.ledger import signing as keys  # noqa: PLC0415 - eth_account

    if way.key_env is not None:
        return keys.key_from_environment(way.key_env)
    assert way.keystore is not None  # noqa: S101 - one of the two was given
    if way.password_env is not None:
        password = os.environ.get(way.password_env)
        if password is None:
            raise UsageError(f"--password-env {way.password_env}: the environment has no such variable.")
    else:
        password = str(typer.prompt(f"password of {way.keystore.name}", hide_input=True))
    return keys.key_from_keystore(way.keystore, password)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--write {path.name}: cannot be written ({error.strerror}).") from None
