"""``rollout sign`` and ``rollout override``: the ways to give a signature, exactly one of which is taken."""

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
from pytest_rollout.operations import Workspace, signing
from pytest_rollout.operations.workspace import keep_off_gates


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
    command: str = "rollout sign"

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
            raise UsageError(f"{self.command}: takes exactly one of {listed(ways)}; {listed(given)} given.")
        if (self.signature is not None) != (given == ["--import"]):
            raise UsageError(f"{self.command}: --import FILE and --signature HEX go together.")
        if self.contract and given != ["--import"]:
            raise UsageError(f"{self.command}: --contract goes with --import: a wallet signs elsewhere.")
        return given[0]

    @property
    def made_elsewhere(self) -> tuple[Path, str]:
        """The file that was written and the signature that came back."""
        assert self.read is not None  # noqa: S101 - name says so
        assert self.signature is not None  # noqa: S101 - name says so
        return self.read, self.signature.strip().lower()

    def needs_role(self, roles: object) -> str:
        """The role; raises ``UsageError`` where none is given."""
        if self.role is None:
            raise UsageError(f"{self.command}: --role is missing; the plan has {listed(roles)}.")  # type: ignore[arg-type]
        return self.role

    def key(self) -> str:
        """The private key, asked for when it is needed."""
        from pytest_rollout.ledger import signing as keys  # noqa: PLC0415 - eth_account

        if self.key_env is not None:
            return keys.key_from_environment(self.key_env)
        assert self.keystore is not None  # noqa: S101 - one of the two was given
        if self.password_env is not None:
            password = os.environ.get(self.password_env)
            if password is None:
                raise UsageError(f"--password-env {self.password_env}: the environment has no such variable.")
        else:
            password = str(typer.prompt(f"password of {self.keystore.name}", hide_input=True))
        return keys.key_from_keystore(self.keystore, password)

    def wrote(self, workspace: Workspace, data: dict[str, Any], again: str) -> tuple[dict[str, Any], str]:
        """Write what a wallet is to sign; what was done, for programs and for people."""
        assert self.write is not None  # noqa: S101 - name says so
        keep_off_gates(workspace.root, "--write", self.write)
        try:
            self.write.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"--write {self.write.name}: cannot be written ({error.strerror}).") from None
        text = (
            f"wrote {self.write.name}: let a wallet sign it (eth_signTypedData_v4), then "
            f"`{again} --import {self.write} --signature 0x…`"
        )
        return {"wrote": str(self.write), "typed_data": data}, text


def carry_out(workspace: Workspace, place: str, way: Way, *, person: str, now: datetime) -> tuple[dict[str, Any], str]:
    """What was done, for programs and for people."""
    name = way.name
    question = signing.asked(workspace, place, now)
    if name == "--import":
        file, signature = way.made_elsewhere
        made, entry = signing.import_signature(question, file, signature, person=person, now=now, contract=way.contract)
        return _told(made, entry.sequence, entry.digest)
    role = way.needs_role(question.policy.roles)
    if name == "--write":
        return way.wrote(workspace, signing.typed_data(question, role, now), f"rollout sign {question.place}")
    if way.revoke:
        made, entry = signing.revoke(question, role, person=person, now=now)
    else:
        made, entry = signing.sign(question, role, way.key, person=person, now=now)
    return _told(made, entry.sequence, entry.digest)


def _told(made: Signoff, sequence: int, head: str) -> tuple[dict[str, Any], str]:
    statement = made.statement
    what = "took back the signature" if made.revoked else f"signed until {statement.expires_at.isoformat()}"
    text = (
        f"{statement.rollout}:{statement.stage}: '{statement.role}' ({made.signer}) {what}, "
        f"judgement {statement.judgement[:12]}…\nledger entry {sequence}, head {head}"
    )
    return made.document() | {"ledger_entry": sequence, "head": head}, text
