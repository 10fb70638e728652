"""A state manager's unified JSON: one file a network, its contracts by category, as single records.

``{schemaVersion, network, chainId, contracts: {core: {Name: {proxy, implementation}}}, verification:
{implementationHashes}, extended_Name: {factoryByteCodeHash, implementationHash, deploymentArgs, timestamp}}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_rollout.core.record import Record
from pytest_rollout.stores.folder import FolderStore

_EXTENDED = "extended_"


class UnifiedStore(FolderStore):
    """Each contract of each file as the record a key-value store holds of it."""

    def read(self, place: str, content: Any) -> Iterator[Record]:
        """``{contractName, chainId, networkName, address, proxyAddress?, implementationHash?, …}``."""
        if not isinstance(content, Mapping) or not isinstance(content.get("contracts"), Mapping):
            yield Record(place, None, "is no unified record; it has no table 'contracts'")
            return
        seen: set[str] = set()
        for category, contracts in content["contracts"].items():
            if not isinstance(contracts, Mapping):
                yield Record(f"{place}#{category}", None, "is no table of contracts")
                continue
            for name, written in contracts.items():
                seen.add(name)
                yield self._record(f"{place}#{category}.{name}", content, name, written)
        for key in content:
            if key.startswith(_EXTENDED) and key.removeprefix(_EXTENDED) not in seen:
                yield Record(f"{place}#{key}", None, "extends a contract that the file does not list")

    def _record(self, place: str, content: Mapping[str, Any], name: str, written: Any) -> Record:
        if isinstance(written, str):
            written = {"address": written}
        if not isinstance(written, Mapping):
            return Record(place, None, "is neither an address nor a table")
        extended = content.get(f"{_EXTENDED}{name}", {})
        verification = content.get("verification")
        hashes = verification.get("implementationHashes") if isinstance(verification, Mapping) else None
        told = hashes.get(name) if isinstance(hashes, Mapping) else None
        if not isinstance(extended, Mapping):
            return Record(place, None, "its extension is no table")
        own = extended.get("implementationHash")
        if told is not None and own is not None and str(told).lower() != str(own).lower():
            return Record(place, None, f"has two implementation hashes, {told} and {own}")
        record = {"contractName": name, "chainId": content.get("chainId"), "networkName": content.get("network")}
        if "proxy" in written:
            record |= {"proxyAddress": written["proxy"], "address": written.get("implementation", written["proxy"])}
        elif "address" in written:
            record["address"] = written["address"]
        record |= dict(extended)
        if told is not None:
            record["implementationHash"] = told
        return Record(place, record)
