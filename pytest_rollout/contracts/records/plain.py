"""A plain map, ``{"SkillProfile": "0x…"}``, or one a chain: ``{"1": {"SkillProfile": "0x…"}}``."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_rollout.contracts.records.numbers import number
from pytest_rollout.contracts.records.place import Place
from pytest_rollout.contracts.records.record import Entry
from pytest_rollout.core.errors import ContractError, listed


class Plain:
    """Names and addresses, and nothing else."""

    name = "plain"

    def recognises(self, place: Place) -> bool:
        """All values are texts, or such maps under chain ids."""
        content = place.json_or_none()
        return _is_map(content) or _is_by_chain(content)

    def entries(self, place: Place, chain_id: int | None) -> Iterator[Entry]:
        """One a name."""
        content = place.json()
        claimed = None
        if _is_by_chain(content):
            chains = {number(key): each for key, each in content.items()}
            if len(chains) != len(content):
                raise ContractError(
                    f"deployments {place.path}: two keys are the same chain id; keep the one that is right."
                )
            claimed = chain_id if chain_id is not None else next(iter(chains)) if len(chains) == 1 else None
            if claimed not in chains:
                raise ContractError(
                    f"deployments {place.path}: no record for chain id {chain_id}; there are {listed(content)}."
                )
            content = chains[claimed]
        if not _is_map(content):
            raise ContractError(f"deployments {place.path}: is no map of contract names to addresses.")
        for name, address in content.items():
            yield Entry(key=name, address=address, file=place.path, chain_id=claimed)


def _is_map(content: object) -> bool:
    return isinstance(content, dict) and bool(content) and all(isinstance(each, str) for each in content.values())


def _is_by_chain(content: object) -> bool:
    return (
        isinstance(content, dict)
        and bool(content)
        and all(number(key) is not None for key in content)
        and all(_is_map(each) for each in content.values())
    )
