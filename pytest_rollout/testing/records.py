"""A format of deployment records that holds them in memory: the public double of the port."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_rollout.contracts.records.place import Place
from pytest_rollout.contracts.records.record import Entry
from pytest_rollout.core.errors import ContractError


class MemoryRecords:
    """Recognises every place, and finds there the contracts it was given, by name, for one chain."""

    name = "memory"

    def __init__(self, addresses: Mapping[str, str], *, chain_id: int | None = None) -> None:
        self._addresses = dict(addresses)
        self._chain_id = chain_id

    def recognises(self, place: Place) -> bool:  # noqa: ARG002 - what is there does not matter
        """Always."""
        return True

    def entries(self, place: Place, chain_id: int | None) -> Iterator[Entry]:
        """One a name, as of the file that was asked for; raises ``ContractError`` for another chain."""
        if None not in {chain_id, self._chain_id} and chain_id != self._chain_id:
            raise ContractError(f"deployments {place.path}: no record for chain id {chain_id}.")
        for name, address in self._addresses.items():
            yield Entry(key=name, address=address, file=place.path, chain_id=self._chain_id)
