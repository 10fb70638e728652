"""``rollout attest`` and ``rollout verify``: what they ask, write and print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.attestation import PROMOTED, Expected, Moved
from pytest_rollout.core.errors import UsageError
from pytest_rollout.core.outcome import Verdict
from pytest_rollout.operations import Workspace, attesting
from pytest_rollout.operations.workspace import keep_off_gates
from pytest_rollout.reporting.clearing import ATTESTATION, put
from pytest_rollout.reporting.text import line

if TYPE_CHECKING:
    from pytest_rollout.runner.attesting import Verified

_COMMIT = (40, 64)


def write(
    workspace: Workspace, place: str, *, key: str, public: Path | None, password_env: str | None, output: Path | None
) -> tuple[dict[str, Any], str]:
    """Sign the newest judgement and write the file; what was done, for programs and for people."""
    from pytest_rollout.ledger.keys import password_from  # noqa: PLC0415 - for those who sign

    rollout, stage = workspace.gate(place)
    content = attesting.attest(
        workspace,
        place,
        key=key,
        public=public,
        password=password_from(password_env, "--password-env"),
        now=datetime.now(UTC),
    )
    if output is not None:
        keep_off_gates(workspace.root, "--output", output)
    path = output or workspace.root / "reports" / rollout.name / stage.name / ATTESTATION
    put(path, content)
    shown = path.relative_to(workspace.root) if path.is_relative_to(workspace.root) else path
    text = (
        f"{rollout.name}:{stage.name}: attested in {shown}, {len(content)} bytes\n"
        f"next: rollout verify {shown} --key PUBLIC_KEY"
    )
    return {"rollout": rollout.name, "stage": stage.name, "file": str(path), "size": len(content)}, text


def expected(
    place: str | None, network: str | None, commit: str | None, ledger_id: str | None, at_least: int | None
) -> Expected:
    """What the command line wants the attestation to be about; raises ``UsageError``."""
    rollout, colon, stage = (place or "").partition(":")
    if place is not None and not (colon and rollout and stage):
        raise UsageError(f"--for {place}: write ROLLOUT:STAGE, such as takumi:alpha.")
    if commit is not None and (len(commit) not in _COMMIT or set(commit) - set("0123456789abcdef")):
        raise UsageError(f"--commit {commit[:70]}: write the whole commit, as `git rev-parse HEAD` prints it.")
    return Expected(
        rollout=rollout or None,
        stage=stage or None,
        network=network,
        commit=commit,
        ledger_id=ledger_id,
        at_least=at_least,
    )


def moment(text: str | None) -> datetime:
    """The time to verify at, fixed once: now, or what ``--at`` says."""
    if text is None:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.min  # noqa: DTZ901 - refused below, like every time without an offset
    if found.tzinfo is None:
        raise UsageError(f"--at {text[:40]}: write a time with its offset, such as 2026-11-02T10:00:00+00:00.")
    return found


def told(verified: Verified, wanted: Expected, *, accept_override: bool) -> tuple[dict[str, Any], str, int]:
    """The attestation for programs and for people, and the exit status of its verdict.

    With ``accept_override`` a promotion by override counts as one, if every signature under it was checked.
    """
    document, claims = verified.document, verified.claims
    run, subject = document["run"], document["subject"]
    verdict = Verdict(document["verdict"])
    chain = f" (chain {subject['chain_id']}, block {subject['block']})" if subject["chain_id"] != "0" else ""
    changed = "" if subject["committed"] else " with uncommitted changes"
    lines = [
        f"{run['rollout']}:{run['stage']}: {verdict.value.upper()}, judged again: the same",
        f"signed by {verified.key_id}",
        f"network {run['network'] or 'none'}{chain}, commit {subject['commit'] or 'none'}{changed}",
        f"ledger {run['ledger_id']}, entry {claims.entry}, head {claims.head} at {claims.height}",
        f"judged {document['judged_at']}, counts until {claims.valid_until.isoformat()}",
    ]
    if verified.moved is not None:
        lines += _moved(verified.moved, verified.unconfirmed)
    if wanted.unasked:
        lines.append(
            f"not compared with anything: {', '.join(wanted.unasked)}; see --for, --network, --commit, --ledger-id"
        )
    findings = [each for each in document["findings"] if each["required"] and each["outcome"] != "pass"]
    shown = {
        "verdict": verdict.value,
        "rollout": run["rollout"],
        "stage": run["stage"],
        "run": run,
        "subject": {key: value for key, value in subject.items() if key != "packages"},
        "judgement": claims.judgement,
        "judged_at": document["judged_at"],
        "valid_until": claims.valid_until.isoformat(),
        "ledger_id": run["ledger_id"],
        "ledger_entry": claims.entry,
        "head": claims.head,
        "height": claims.height,
        "key_id": verified.key_id,
        "blocking": len(findings),
        "not_compared": list(wanted.unasked),
    }
    if verified.moved is not None:
        shown[PROMOTED] = verified.moved.document() | {"unconfirmed": list(verified.unconfirmed)}
    is_accepted = accept_override and verified.moved is not None and not verified.unconfirmed
    return shown, "\n".join(lines), Verdict.PROMOTE.exit_status if is_accepted else verdict.exit_status


def _moved(moved: Moved, unconfirmed: Sequence[str]) -> Iterator[str]:
    """What is told of a promotion by override."""
    promotion = moved.promotion
    where = f"to {promotion.to}" if promotion.to else "to its end"
    by = line(promotion.person)
    yield f"PROMOTED BY OVERRIDE {where} by {by}, {promotion.at.isoformat()}, ledger entry {moved.entry}"
    for each in promotion.overrides:
        yield f"  {line(str(each))}"
        yield from (f"  - {line(item)}" for item in each.items)
    if unconfirmed:
        yield f"  not confirmed here, by contract wallets or secret addresses: {', '.join(unconfirmed)}"
