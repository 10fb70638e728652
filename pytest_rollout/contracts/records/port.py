"""What every format of deployment records can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from pytest_rollout.contracts.records.place import Place
from pytest_rollout.contracts.records.record import Entry


class Format(Protocol):
    """One way in which a tool writes down what it deployed.

    A format reads what it finds and judges only what is its own: what is still pending, was only
    simulated or failed. Addresses, names and chain ids are checked once for all formats.
    """

    @property
    def name(self) -> str:
        """What a plan calls it."""
        ...

    def recognises(self, place: Place) -> bool:
        """Whether this is such a record, told by what is there."""
        ...

    def entries(self, place: Place, chain_id: int | None) -> Iterator[Entry]:
        """What is recorded for that chain, or for the only one there where it is None; raises ``ContractError``."""
        ...
