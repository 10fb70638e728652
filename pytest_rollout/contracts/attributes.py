"""What a node tells, as Python has it: receipts and logs by key or by attribute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pytest_rollout.contracts.addresses import checksum

_QUANTITIES = frozenset(
    {
        *("blockNumber", "blockTimestamp", "transactionIndex", "logIndex", "status", "type", "nonce", "value"),
        *("gas", "gasUsed", "gasPrice", "cumulativeGasUsed", "effectiveGasPrice", "blobGasPrice", "blobGasUsed"),
        *("maxFeePerGas", "maxPriorityFeePerGas"),
    }
)
_ADDRESSES = frozenset({"from", "to", "address", "contractAddress"})
_BYTES = frozenset({"data", "input", "blockHash", "transactionHash", "logsBloom", "hash", "root"})


class Attributes(dict[str, Any]):
    """A dictionary whose keys are attributes as well: ``receipt.status``, ``receipt["status"]``."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Results(list[Any]):
    """Several results in their order; those with a name are attributes as well."""

    def __init__(self, values: Iterable[Any], names: Mapping[str, int]) -> None:
        super().__init__(values)
        self._names = names

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._names:
            raise AttributeError(name)
        return self[self._names[name]]


def attributes(answer: Mapping[str, Any]) -> Attributes:
    """A receipt, log or transaction: numbers as integers, hashes as bytes, addresses with their checksum."""
    return Attributes({key: _value(key, value) for key, value in answer.items()})


def bytes_of(text: Any) -> Any:
    """0x hex as bytes that also show as such."""
    from hexbytes import HexBytes  # noqa: PLC0415 - for those who read receipts

    is_plain = isinstance(text, str) and text[:2] == "0x" and len(text) % 2 == 0
    return HexBytes(bytes.fromhex(text[2:]) if is_plain else text)


def _value(key: str, value: Any) -> Any:
    if isinstance(value, str):
        return _TEXTS.get(key, str)(value)
    if key == "logs" and isinstance(value, list):
        return [attributes(each) for each in value]
    if key == "topics" and isinstance(value, list):
        return [bytes_of(each) for each in value]
    return value


def _number(text: str) -> int | str:
    """py-evm's logs have a word for their type."""
    return int(text, 16) if text.startswith("0x") else text


_TEXTS: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(_QUANTITIES, _number),
    **dict.fromkeys(_ADDRESSES, checksum),
    **dict.fromkeys(_BYTES, bytes_of),
}
