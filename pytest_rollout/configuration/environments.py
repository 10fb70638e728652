"""Environment files and ConfigMaps: complete, known to the last variable, true of the record and of the chain."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_rollout.configuration.files import Looked, find, read, shown
from pytest_rollout.configuration.placeholders import is_address, wrong_with
from pytest_rollout.core.configuration import EnvironmentCheck
from pytest_rollout.core.errors import ConfigurationError, RolloutError

_LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)")
_QUOTED = re.compile(r"""(?P<mark>["'])(?P<inside>.*?)(?P=mark)\s*(?:\#.*)?""")
_NUMBER = re.compile(r"[0-9]{1,20}")


def observe(check: EnvironmentCheck, books: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Everything that is wrong with the variables; no value but an address or a chain id is ever told."""
    looked = Looked()
    found: dict[str, str] = {}
    paths = find(check.folder, check.files)
    for path in paths:
        name = shown(path, check.folder)
        for variable, value in variables(path, check.folder):
            if variable in found:
                looked.problems.append(f"{name}: {variable} is set twice")
            found[variable] = value
    looked.looked = len(found)
    owed = {*check.contracts, *check.accounts, *check.values, *check.variables}
    owed |= {check.chain_id} if check.chain_id else set()
    looked.problems += [f"{name} is not set" for name in sorted(owed - found.keys())]
    looked.problems += [
        f"{name} is set, and unknown to the plan" for name in sorted(found.keys() - owed - {*check.optional})
    ]
    for name, value in found.items():
        if why := wrong_with(value):
            looked.problems.append(f"{name} {why}")
        elif name not in {*check.contracts, *check.accounts} and is_address(value):
            looked.problems.append(f"{name} is {value}, an address of no declared contract or account")
    looked.problems += [
        f"{name} is not what the plan says"
        for name, value in check.values.items()
        if name in found and found[name] != value
    ]
    source = ", ".join(shown(path, check.folder) for path in paths)
    looked.said = f"{len(found)} variables"
    if check.network and (check.contracts or check.chain_id):
        source += f"; {_on_chain(check, found, books, looked)}"
        looked.said += f", {len(check.contracts)} of them contracts with code on {check.network}"
    _checksums(check, found, looked)
    return looked.document(), source


def _on_chain(check: EnvironmentCheck, found: Mapping[str, str], books: Mapping[str, Any], looked: Looked) -> str:
    """Hold the chain id and every address against record and chain, all at one block."""
    try:
        book = books[check.network]
        chain = book.chain
        block = chain.pinned.number if chain.pinned is not None else chain.head().number
    except RolloutError as error:
        looked.troubles.append(str(error))
        return check.network
    if check.chain_id in found and (text := found[check.chain_id]) != str(chain.chain_id):
        told = text if _NUMBER.fullmatch(text) else "no number"
        looked.problems.append(f"{check.chain_id} is {told}, and {check.network} has chain id {chain.chain_id}")
    for variable, contract in check.contracts.items():
        address = found.get(variable, "")
        if not is_address(address):
            looked.problems += [f"{variable} is no address"] if address else []
            continue
        try:
            if contract not in book:
                looked.problems.append(f"{variable}: no record of {check.network} names {contract}")
            elif (where := book.where(contract)).lower() != address.lower():
                looked.problems.append(f"{variable} is {address}, and {contract} is at {where}")
            code = str(chain.request("eth_getCode", [address, hex(block)]))
        except RolloutError as error:
            looked.troubles.append(f"{variable}: {error}")
            continue
        if not code.removeprefix("0x").strip("0"):
            looked.problems.append(f"{variable}: no code at {address} on {check.network}")
    return f"{check.network} @ {block}"


def _checksums(check: EnvironmentCheck, found: Mapping[str, str], looked: Looked) -> None:
    """An address in mixed case spells its checksum (EIP-55); two digits swapped show there."""
    wanted = [(name, found[name]) for name in (*check.contracts, *check.accounts) if is_address(found.get(name, ""))]
    mixed = [(name, value) for name, value in wanted if value[2:] not in {value[2:].lower(), value[2:].upper()}]
    if mixed:
        from eth_utils.address import is_checksum_address  # noqa: PLC0415 - for those who write checksums

        looked.problems += [
            f"{name} is {value}, whose checksum is wrong" for name, value in mixed if not is_checksum_address(value)
        ]
    looked.problems += [
        f"{name} is no address" for name in check.accounts if name in found and not is_address(found[name])
    ]


def variables(path: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """The names and values of a file of assignments, or of a ConfigMap's ``data``."""
    name, text = shown(path, folder), read(path, folder)
    if path.suffix in {".yaml", ".yml"}:
        yield from _of_config_maps(name, text)
        return
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ConfigurationError(f"{name}: line {number} is no assignment; write NAME=value.")
        value = match["value"].strip()
        quoted = _QUOTED.fullmatch(value)
        yield match["name"], quoted["inside"] if quoted else re.sub(r"\s+#.*", "", value)


def _of_config_maps(name: str, text: str) -> Iterator[tuple[str, str]]:
    from pytest_rollout.formats.plain_yaml import documents  # noqa: PLC0415 - an extra

    found = documents(name, text, refusal=ConfigurationError)
    maps = [each for each in found if isinstance(each, dict) and each.get("kind") == "ConfigMap"]
    if not maps:
        raise ConfigurationError(f"{name}: holds no ConfigMap.")
    for each in maps:
        data = each.get("data")
        for key, value in data.items() if isinstance(data, dict) else ():
            if not isinstance(value, str):
                raise ConfigurationError(f"{name}: {key} is no text; put it in quotes.")
            yield str(key), value
