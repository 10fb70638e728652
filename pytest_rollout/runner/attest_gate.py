"""A gate's run that ends with an attestation, where the plan or the environment names a key.

The key is looked for when everything that the recorder started has ended: it is in no environment, no open
file and no memory of a process that ran project code. What keeps it from signing changes no verdict.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_rollout.core.errors import LedgerError, RolloutError, UsageError
from pytest_rollout.core.rollout import AttestationSettings, Rollout
from pytest_rollout.reporting.clearing import ATTESTATION, put

if TYPE_CHECKING:  # paid for where something is signed
    from pytest_rollout.core.judgement import Sealed
    from pytest_rollout.ledger.port import Ledger

VARIABLE = "ROLLOUT_ATTEST_KEY"
"""Names a key in the place of the plan's, as ``rollout attest --key`` takes it."""

_ENVIRONMENT = "env:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """Where the attestation is, or why there is none; both empty where nobody asked for one."""

    path: Path | None = None
    why: str = ""

    def sentence(self, gate: str, root: Path) -> str:
        """What became of it, for people; empty where nobody asked for an attestation."""
        if self.why:
            return f"not attested: {self.why} The verdict stands; `rollout attest {gate} --key KEY` signs it."
        if self.path is None:
            return ""
        shown = self.path.relative_to(root) if self.path.is_relative_to(root) else self.path
        return f" attested: rollout verify {shown} --key PUBLIC_KEY"


def settings_of(rollout: Rollout, environment: Mapping[str, str]) -> AttestationSettings | None:
    """Which key is to sign: the environment's before the plan's; None where neither names one."""
    planned, given = rollout.attestation, environment.get(VARIABLE, "")
    if not given:
        return planned
    public = None if planned is None else planned.public_key
    return AttestationSettings(
        key=given, public_key=public, password_env="" if planned is None else planned.password_env
    )


def attest_gate(
    rollout: Rollout, reports: Path, sealed: Sealed, opened: Callable[[], Ledger], now: datetime
) -> Attested:
    """Sign the recorded judgement of a run that has ended, beside its ``verdict.json`` in ``reports``."""
    settings = settings_of(rollout, os.environ)
    if settings is None or sealed.entry is None:
        return Attested()
    path = reports / ATTESTATION
    try:
        put(path, _signed(rollout, settings, opened(), sealed, now))
    except RolloutError as error:
        return Attested(why=str(error))
    return Attested(path=path)


def _signed(rollout: Rollout, settings: AttestationSettings, ledger: Ledger, sealed: Sealed, now: datetime) -> bytes:
    from pytest_rollout.ledger.canonical import parse  # noqa: PLC0415 - as above
    from pytest_rollout.ledger.keys import password_from, signer  # noqa: PLC0415 - cryptography
    from pytest_rollout.runner.attesting import attested  # noqa: PLC0415 - as above

    for name in (settings.key.removeprefix(_ENVIRONMENT), settings.password_env):
        if name in rollout.environment:
            raise UsageError(
                f"{VARIABLE}: the variable {name} is among rollout.environment, which the tests get; a key that "
                "project code has signs nothing. Take it off that list."
            )
    recorded = next(ledger.entries(sealed.entry or 0), None)
    if recorded is None or (recorded.payload, recorded.digest) != (sealed.payload, sealed.head):
        raise LedgerError(f"ledger entry {sealed.entry}: is not the judgement that was just recorded there.")
    evidence = ledger.attachment(parse(recorded.payload)["evidence_digest"])
    chosen = signer(
        settings.key,
        public=settings.public_key,
        password=password_from(settings.password_env, "attestation.password_env"),
        option="attestation key",
    )
    return attested(recorded, evidence, ledger.head(), chosen, now)
