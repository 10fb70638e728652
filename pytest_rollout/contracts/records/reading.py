"""Deployment records of one network, whatever wrote them: recognised, read, and checked once for all formats."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pytest_rollout.contracts.addresses import Unfit, address
from pytest_rollout.contracts.records.ape import Ape
from pytest_rollout.contracts.records.broadcast import Broadcast
from pytest_rollout.contracts.records.hardhat_deploy import HardhatDeploy
from pytest_rollout.contracts.records.ignition import Ignition
from pytest_rollout.contracts.records.listing import Listing
from pytest_rollout.contracts.records.numbers import number
from pytest_rollout.contracts.records.openzeppelin import Manifest
from pytest_rollout.contracts.records.place import LEFTOVER, Place, of_chain
from pytest_rollout.contracts.records.plain import Plain
from pytest_rollout.contracts.records.port import Format
from pytest_rollout.contracts.records.record import Entry, Record, Records
from pytest_rollout.contracts.records.unified import Unified
from pytest_rollout.core.errors import ContractError, listed, suggestion

FORMATS: tuple[Format, ...] = (
    HardhatDeploy(),
    Ignition(),
    Broadcast(),
    Manifest(),
    Ape(),
    Unified(),
    Listing(),
    Plain(),
)
"""All formats; the first that recognises a place reads it."""

_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,127}")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")


def read_records(
    path: Path,
    *,
    chain_id: int | None,
    format: str | None = None,  # noqa: A002 - the plan's word
    names: Mapping[str, str] | None = None,
    formats: Sequence[Format] = FORMATS,
) -> Records:
    """All contracts recorded at ``path`` for a chain; ``ContractError`` that names file and contract.

    ``format`` names the format where it must not be guessed. ``names`` maps names of the plan's
    own to what the record calls a contract, or to its address. ``formats`` are those that are tried.
    """
    if LEFTOVER.search(path.name.removesuffix(path.suffix)):
        raise ContractError(f"deployments {path}: looks like a copy that was put aside; name the record itself.")
    if not path.exists():
        raise ContractError(f"deployments {path}: cannot be read (No such file or directory).")
    place = Place(path=path)
    reader, inner = _reader(place, format, chain_id, formats)
    entries = list(reader.entries(inner, chain_id))
    if not entries:
        raise ContractError(f"deployments {path}: records no contract.")
    contracts: dict[str, Record] = {}
    for name, entry in _named(path, entries, names or {}):
        if name in contracts:
            first = contracts[name]
            raise ContractError(
                f"deployments {path}: {name} is recorded twice, as {first.key} at {first.address} and as "
                f"{entry.key} at {entry.address}; remove one, or give one another name with names = {{ … }}."
            )
        contracts[name] = _checked(name, entry, chain_id)
    return Records(path=path, format=reader.name, contracts=contracts, aside=tuple(sorted(place.aside)))


def _reader(place: Place, given: str | None, chain_id: int | None, known: Sequence[Format]) -> tuple[Format, Place]:
    """The format of a place, and the place itself or the one file in it that is about the chain."""
    if given is not None:
        named = {each.name: each for each in known}
        if given not in named:
            raise ContractError(
                f"deployments {place.path}: no format '{given}'; there are {listed(named)}.{suggestion(given, named)}"
            )
        if named[given].recognises(place) or not place.is_folder:
            return named[given], place
        formats: tuple[Format, ...] = (named[given],)
    else:
        if not place.is_folder and place.path.suffix == ".json":
            place.json()
        formats = tuple(known)
    for each in formats:
        if each.recognises(place):
            return each, place
    if place.is_folder and (files := place.files()):
        found = [(path, _of_file(place.inside(path), formats)) for path in files]
        claims = [(path, _claimed(place.inside(path), each)) for path, each in found]
        chosen = of_chain(place, claims, chain_id)
        return dict(found)[chosen], place.inside(chosen)
    raise _unknown(place)


def _of_file(place: Place, formats: tuple[Format, ...]) -> Format:
    for each in formats:
        if each.recognises(place):
            return each
    raise _unknown(place)


def _unknown(place: Place) -> ContractError:
    return ContractError(
        f"deployments {place.path}: is in no format known here; there are {listed(each.name for each in FORMATS)}, "
        'such as a plain map, {"SkillProfile": "0x…"}.'
    )


def _claimed(place: Place, reader: Format) -> int | None:
    """The chain id that all entries of one file claim."""
    claims = {number(entry.chain_id) for entry in reader.entries(place, None)}
    if len(claims) > 1:
        raise ContractError(f"deployments {place.path}: is about {len(claims)} chains; name this file itself.")
    return next(iter(claims), None)


def _named(path: Path, entries: list[Entry], names: Mapping[str, str]) -> Iterator[tuple[str, Entry]]:
    """Entries with the names they go by: the plan's, else the short one of what the file calls them."""
    given: dict[int, str] = {}
    for name, meant in names.items():
        fitting = [
            position
            for position, entry in enumerate(entries)
            if meant == entry.key or meant.lower() == str(entry.address).lower()
        ]
        if len(fitting) != 1:
            keys = [entry.key for entry in entries]
            raise ContractError(
                f"deployments {path}: '{meant}', meant to be {name}, fits {len(fitting)} of the contracts recorded: "
                f"{listed(keys)}.{suggestion(meant, keys)}"
            )
        if fitting[0] in given:
            raise ContractError(
                f"deployments {path}: {given[fitting[0]]} and {name} are names of one contract; keep one."
            )
        given[fitting[0]] = name
    for position, entry in enumerate(entries):
        short = entry.key.rpartition(":")[2].rpartition("#")[2]
        name = given.get(position, short)
        if not _NAME.fullmatch(name):
            raise ContractError(f"deployments {entry.file}: '{name}' is no contract name.")
        yield name, entry


def _checked(name: str, entry: Entry, chain_id: int | None) -> Record:
    place = f"deployments {entry.file}: {name}"
    told = number(entry.chain_id)
    if entry.chain_id is not None and told is None:
        raise ContractError(f"{place}: {entry.chain_id!r} is no chain id.")
    if None not in {told, chain_id} and told != chain_id:
        raise ContractError(f"{place}: recorded for chain id {told}, the network's is {chain_id}.")
    return Record(
        name=name,
        address=_address(place, entry.address),
        file=entry.file,
        key=entry.key,
        chain_id=told,
        abi=tuple(entry.abi) if isinstance(entry.abi, list) and all(isinstance(e, dict) for e in entry.abi) else None,
        runtime=_code(entry.runtime),
        code_hash=_hash(f"{place}: its code hash", entry.code_hash),
        implementation=None
        if entry.implementation is None
        else _address(f"{place}: implementation", entry.implementation),
        implementation_hash=_hash(f"{place}: its implementation hash", entry.implementation_hash),
        arguments=tuple(entry.arguments) if isinstance(entry.arguments, list) else None,
        libraries=dict(_libraries(place, entry.libraries)),
        block=number(entry.block),
    )


def _address(place: str, written: object) -> str:
    try:
        return address(written)
    except Unfit as reason:
        raise ContractError(f"{place}: {reason}") from None


def _hash(place: str, written: object) -> str | None:
    if written is None:
        return None
    if not isinstance(written, str) or not _HASH.fullmatch(written):
        raise ContractError(f"{place} {written!r} is no hash of 32 bytes; 0x and 64 hex digits are needed.")
    return written.lower()


def _code(written: object) -> str | None:
    if isinstance(written, dict):
        written = written.get("object")
    if not isinstance(written, str) or written in {"", "0x"}:
        return None
    return written if written.startswith("0x") else f"0x{written}"


def _libraries(place: str, written: object) -> Iterator[tuple[str, str]]:
    for name, each in written.items() if isinstance(written, dict) else ():
        yield str(name).rpartition(":")[2], _address(f"{place}: library {name}", each)
