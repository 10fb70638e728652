"""``rollout override``: what it asks, does and prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pytest_rollout.cli.signing import Way
from pytest_rollout.core.errors import UsageError
from pytest_rollout.core.override import Override, Terms
from pytest_rollout.operations import Workspace, overriding
from pytest_rollout.plan.durations import duration
from pytest_rollout.plan.sentence import Unfit


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be overridden and why, or the override that somebody else began (``join``)."""

    items: Sequence[str]
    reason: str
    expires: str | None
    join: int | None

    def terms(self, question: overriding.Asked, now: datetime) -> Terms:
        """What is to be signed; raises ``UsageError`` or ``Refused``."""
        if self.join is None:
            return overriding.terms(question, self.items, self.reason, _end(self.expires), now)
        if self.items or self.reason or self.expires is not None:
            raise UsageError("rollout override: --join takes items, reason and end from that entry; leave them out.")
        return overriding.joined(question, self.join)


def carry_out(
    workspace: Workspace, place: str, asked: Asked, way: Way, *, person: str, now: datetime
) -> tuple[dict[str, Any], str]:
    """What was done, for programs and for people."""
    name = way.name
    question = overriding.asked(workspace, place, now)
    if name == "--import":
        file, signature = way.made_elsewhere
        made, entry = overriding.import_override(
            question, file, signature, person=person, now=now, contract=way.contract
        )
        return _told(question, made, entry.sequence, entry.digest)
    role = way.needs_role(question.policy.signers.roles)
    if way.revoke and asked.join is None:
        raise UsageError("rollout override: --revoke needs --join ENTRY, the override to take back.")
    terms = asked.terms(question, now)
    if name == "--write":
        data = overriding.typed_data(question, terms, role)
        return way.wrote(workspace, data, f"rollout override {question.place}")
    if way.revoke:
        made, entry = overriding.take_back(question, terms, role, person=person, now=now)
    else:
        made, entry = overriding.override(question, terms, role, way.key, person=person, now=now)
    return _told(question, made, entry.sequence, entry.digest)


def _end(text: str | None) -> timedelta | datetime | None:
    if text is None:
        return None
    try:
        return duration(text)
    except Unfit:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.min  # noqa: DTZ901 - refused below, like every time without an offset
    if found.tzinfo is None:
        raise UsageError(
            f"--expires {text[:40]}: write a duration, such as 6h, or a time with its offset, such as "
            "2026-11-02T10:00:00+00:00."
        )
    return found


def _told(question: overriding.Asked, made: Override, sequence: int, head: str) -> tuple[dict[str, Any], str]:
    said = made.statement
    what = "took back" if made.revoked else "signed"
    place = f"{said.rollout}:{said.stage}"
    lines = [
        f"{place}: '{said.role}' ({made.signer}) {what} an override until {said.expires_at.isoformat()}",
        f"  {said.terms.reason}",
        *(f"  - {item}" for item in said.terms.items),
        "the judgement stays HOLD, and no finding changes",
        f"ledger entry {sequence}, head {head}",
    ]
    policy = question.policy.signers
    if not made.revoked and policy.quorum > 1:
        lines.append(f"{policy.quorum} signatures are needed: `rollout override {place} --join {sequence} --role ROLE`")
    return made.document() | {"ledger_entry": sequence, "head": head}, "\n".join(lines)
