"""Who must sign, and who may override, as values: distinct keys, a quorum that can be reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_rollout.core.errors import suggestion
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.override import OverridePolicy
from pytest_rollout.core.rollout import Network, Stage
from pytest_rollout.core.signoff import SignoffPolicy
from pytest_rollout.plan import texts
from pytest_rollout.plan.durations import duration
from pytest_rollout.plan.sentence import GIVEN, Place, Unfit, Written, quoted

if TYPE_CHECKING:
    from pytest_rollout.plan.signoff_shape import OverridesTable, SignoffsTable

DEFAULT_CHAIN_ID = 31337


def signoffs(written: Written, place: Place, table: SignoffsTable, network: Network | None) -> SignoffPolicy:
    """Who signs, by the table at ``place``; raises ``PlanError``."""
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


def overrides(written: Written, table: OverridesTable, stage: Stage, network: Network | None) -> OverridePolicy:
    """Who may override findings of ``stage``, and which; raises ``PlanError``."""
    place: Place = ("stages", stage.name, "overrides")
    signers = signoffs(written, place, table, network)
    if not table.authors and stage.signoffs is not None:
        signers = replace(signers, authors=stage.signoffs.authors)
    if not table.kinds:
        raise written.wrong((*place, "kinds"), "allows none, so nothing can be overridden; leave the section out.")
    for index, name in enumerate(table.never):
        where, known = (*place, "never", index), _named(stage)
        written.read(where, name, texts.line)
        if "::" not in name and name not in known:
            raise written.wrong(
                where,
                f"{GIVEN} names nothing that stage {stage.name} declares; write a test by its id, such as "
                f"beta/test_pause.py::test_pause.{suggestion(name, known)}",
            )
    return OverridePolicy(
        signers=signers, kinds=tuple(map(Kind, dict.fromkeys(table.kinds))), never=tuple(dict.fromkeys(table.never))
    )


def _named(stage: Stage) -> list[str]:
    """The names under which a stage's declared items stand in its judgements."""
    names = [each.name for each in stage.criteria] + [each.name for each in stage.contracts]
    names += [each.name for each in stage.checks] + [each.key for each in stage.flags]
    names += [each.text for each in stage.checklist]
    names += [stage.exposure.flag] if stage.exposure is not None and stage.exposure.flag is not None else []
    return names + (list(stage.soak.metrics) if stage.soak is not None else [])


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
