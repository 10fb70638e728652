"""Who must sign, as values: distinct keys, a quorum that can be reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pytest_rollout.core.rollout import Network
from pytest_rollout.core.signoff import SignoffPolicy
from pytest_rollout.plan import texts
from pytest_rollout.plan.durations import duration
from pytest_rollout.plan.sentence import GIVEN, Place, Unfit, Written, quoted

if TYPE_CHECKING:
    from pytest_rollout.plan.signoff_shape import SignoffsTable

DEFAULT_CHAIN_ID = 31337


def signoffs(
    written: Written, place: Place, table: SignoffsTable | None, network: Network | None
) -> SignoffPolicy | None:
    """The stage's policy, None where nobody signs; raises ``PlanError``."""
    if table is None:
        return None
    place = (*place, "signoffs")
    roles: dict[str, str] = {}
    for role, address in table.roles.items():
        where = (*place, "roles", role)
        written.read((*place, "roles"), role, _role)
        plain = written.read(where, address, _address)
        if plain in roles.values():
            other = next(each for each, given in roles.items() if given == plain)
            raise written.wrong(
                where, f"is the key of {quoted(other)} too; one key is one person, so each role has its own."
            )
        roles[role] = plain
    if table.quorum is not None and table.quorum > len(roles):
        raise written.wrong((*place, "quorum"), f"{GIVEN} is more than the {len(roles)} roles there are.")
    known = network.chain_id if network is not None else None
    return SignoffPolicy(
        roles=roles,
        quorum=table.quorum or len(roles),
        chain_id=table.chain_id or known or DEFAULT_CHAIN_ID,
        valid_for=written.read((*place, "valid_for"), table.valid_for, duration),
        authors=_authors(written, place, table.authors),
    )


def _authors(written: Written, place: Place, authors: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for mail, address in authors.items():
        written.read((*place, "authors"), mail, _mail)
        found[mail.casefold()] = written.read((*place, "authors", mail), address, _address)
    return found


def _role(text: str) -> str:
    if not text.strip() or text != text.strip() or not text.isprintable() or len(text) > 64:  # noqa: PLR2004 - a line
        raise Unfit(f"{quoted(text)} is no role; write one short line, such as 'Security Lead'.")
    return text


def _mail(text: str) -> str:
    if "@" not in text or not text.isprintable() or " " in text:
        raise Unfit(f"{quoted(text)} is no e-mail address; write it as git knows the author.")
    return text


def _address(text: str) -> str:
    if not texts.ADDRESS.fullmatch(text) or int(text, 16) == 0:
        raise Unfit(f"{GIVEN} is nobody's address; write 0x and 40 hexadecimal digits.")
    return text.lower()
