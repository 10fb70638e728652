"""One deployed contract as a record tells it, and all of one network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a format found about one contract, unchecked: ``key`` is what the file calls it.

    ``chain_id`` and the addresses are as written. ``runtime`` is the code that was deployed, 0x
    hex, with zeros where immutables go; the hashes are keccak-256 over code on the chain.
    ``block`` is where it was deployed.
    """

    key: str
    address: object
    file: Path
    chain_id: object = None
    abi: object = None
    runtime: object = None
    code_hash: object = None
    implementation: object = None
    implementation_hash: object = None
    arguments: object = None
    libraries: object = None
    block: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One contract: a name, a checksum address, and what else its file says; None where it says nothing.

    ``key`` is what the file calls it, such as ``Module#Escrow`` or ``src/Escrow.sol:Escrow``.
    """

    name: str
    address: str
    file: Path
    key: str
    chain_id: int | None = None
    abi: tuple[Mapping[str, Any], ...] | None = None
    runtime: str | None = None
    code_hash: str | None = None
    implementation: str | None = None
    implementation_hash: str | None = None
    arguments: tuple[Any, ...] | None = None
    libraries: Mapping[str, str] = field(default_factory=dict)
    block: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """All that is recorded for one network. ``aside`` names files that were left alone: back-ups and the like."""

    path: Path
    format: str
    contracts: Mapping[str, Record] = field(default_factory=dict)
    aside: tuple[str, ...] = ()

    @property
    def addresses(self) -> dict[str, str]:
        """Checksum addresses by name."""
        return {name: record.address for name, record in self.contracts.items()}
