"""Attesting a judgement, and verifying an attestation without anything else at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_rollout.core.attestation import Expected, Moved
from pytest_rollout.core.errors import Refused, UsageError
from pytest_rollout.core.history import History
from pytest_rollout.core.outcome import Verdict
from pytest_rollout.operations.recording import history_of
from pytest_rollout.operations.workspace import Workspace

if TYPE_CHECKING:  # cryptography, for those who sign or verify
    from pytest_rollout.runner.attesting import Verified


def attest(
    workspace: Workspace,
    place: str,
    *,
    key: str,
    public: Path | None,
    password: Callable[[], str] | None,
    now: datetime,
) -> bytes:
    """The attestation of the newest judgement of a gate, as a file; raises ``Refused`` or ``UsageError``."""
    from pytest_rollout.ledger.keys import signer  # noqa: PLC0415 - cryptography
    from pytest_rollout.runner.attesting import attested  # noqa: PLC0415 - as above

    rollout, stage = workspace.gate(place)
    ledger = workspace.open()
    history = history_of(ledger, rollout, whole=True)
    record = history.newest_judgement(stage.name)
    if record is None:
        raise Refused(f"{rollout.name}:{stage.name}: not judged yet; run `pytest --stage={rollout.name}:{stage.name}`.")
    newest = history.newest_run(stage.name)
    if record.verdict == Verdict.PROMOTE.value and newest is not None and newest.value.id != record.run.id:
        raise Refused(
            f"{rollout.name}:{stage.name}: a newer run ({newest.value.id}) was started since the judgement that says "
            f"PROMOTE, and the newest decides; wait for it, or run `pytest --stage={rollout.name}:{stage.name}` again."
        )
    recorded = next(ledger.entries(record.sequence))
    evidence = ledger.attachment(record.evidence_digest)
    chosen = signer(key, public=public, password=password)
    return attested(recorded, evidence, ledger.head(), chosen, now, _moved(history, record.digest))


def _moved(history: History, judgement: str) -> Moved | None:
    """The promotion by override that rests on a judgement, with the signatures it names."""
    for each in history.overridden:
        if each.value.judgement == judgement:
            numbers = {number for one in each.value.overrides for number in one.entries}
            signed = tuple(one for one in history.overrides if one.sequence in numbers)
            return Moved(entry=each.sequence, promotion=each.value, overrides=signed)
    return None


def verify(file: Path, keys: Sequence[Path], expected: Expected, now: datetime) -> Verified:
    """What the attestation in ``file`` proves by these public keys; no ledger, no plan, no network is asked."""
    from pytest_rollout.ledger.keys import public_key  # noqa: PLC0415 - as above
    from pytest_rollout.runner.attesting import LARGEST, verified  # noqa: PLC0415 - as above

    known = [public_key(each) for each in keys]
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{file.name}: cannot be read ({error.strerror}).") from None
    return verified(content, known, expected, now)
