"""What a contract says when it refuses, told by name and with its arguments.

Selectors are the first four bytes of the Keccak hash of the signature (Solidity ABI
specification): ``Error(string)`` is 0x08c379a0, ``Panic(uint256)`` 0x4e487b71.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_rollout.core.errors import Reverted
from pytest_rollout.networks.digest import checksum

Abi = Sequence[Mapping[str, Any]]

SELECTOR = 4
_ERROR = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Declared:
    name: str
    inputs: tuple[Mapping[str, Any], ...]


class CustomErrors:
    """The custom errors known so far, by selector. Grows as ABIs are learnt, forgets nothing.

    Sources given to ``learn_later`` are asked once, when a revert carries a selector that is
    not known yet, so that an ABI is read only where it is needed.
    """

    def __init__(self) -> None:
        self._declared: dict[bytes, _Declared] = {}
        self._sources: list[Callable[[], Iterable[Abi]]] = []

    def learn(self, abi: Abi) -> None:
        """Add the errors an ABI declares."""
        from eth_utils.abi import (  # noqa: PLC0415 - heavy
            abi_to_signature,
            function_signature_to_4byte_selector,
        )

        for entry in abi:
            if entry.get("type") == "error":
                selector = function_signature_to_4byte_selector(abi_to_signature(entry))  # type: ignore[arg-type]
                inputs = tuple(entry.get("inputs", ()))
                self._declared.setdefault(selector, _Declared(name=entry["name"], inputs=inputs))

    def learn_later(self, source: Callable[[], Iterable[Abi]]) -> None:
        """Have ``source`` asked for ABIs when an unknown error turns up; the newest source is asked first."""
        self._sources.insert(0, source)

    def reverted(self, data: bytes) -> Reverted:
        """The error for the return data of a reverted call; empty data is a revert without a reason."""
        selector, payload = data[:SELECTOR], data[SELECTOR:]
        if not data:
            return Reverted("")
        if selector == _ERROR and (decoded := _decode([{"type": "string"}], payload)):
            return Reverted(decoded[0], error="Error", data=data)
        if selector == _PANIC and (decoded := _decode([{"type": "uint256"}], payload)):
            return Reverted(f"Panic(0x{decoded[0]:02x})", error="Panic", data=data)
        if (known := self._find(selector)) and (decoded := _decode(known.inputs, payload)) is not None:
            shown = _show_all(known.inputs, decoded)
            return Reverted(f"{known.name}({shown})", error=known.name, data=data)
        return Reverted(f"custom error 0x{selector.hex()}", data=data)

    def _find(self, selector: bytes) -> _Declared | None:
        while selector not in self._declared and self._sources:
            for abi in self._sources.pop(0)():
                self.learn(abi)
        return self._declared.get(selector)


def halted(name: str) -> Reverted:
    """The error for an execution that ended without return data, from the machine's name for it.

    py-evm, revm and its traces have a name each for the same end; those that differ are made one.
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).strip().lower()
    return Reverted("out of gas" if words.endswith("oog") else _SAME_END.get(words, words))


_SAME_END = {
    "bad instruction": "invalid instruction",
    "invalid feopcode": "invalid instruction",
    "opcode not found": "invalid instruction",
    "not activated": "invalid instruction",
    "bad jump destination": "invalid jump destination",
    "invalid jump": "invalid jump destination",
    "insufficient stack": "stack underflow",
    "full stack": "stack overflow",
}


def _decode(parameters: Sequence[Mapping[str, Any]], payload: bytes) -> tuple[Any, ...] | None:
    """The values, or None if ``payload`` is something else that only shares the selector."""
    from eth_abi.abi import decode  # noqa: PLC0415 - heavy
    from eth_abi.exceptions import DecodingError  # noqa: PLC0415
    from eth_utils.abi import collapse_if_tuple  # noqa: PLC0415

    try:
        return decode([collapse_if_tuple(dict(each)) for each in parameters], payload)
    except (DecodingError, UnicodeDecodeError):
        return None


def _show(parameter: Mapping[str, Any], value: Any) -> str:
    """One argument as Solidity would write it; texts are quoted, so no text can pose as a value."""
    kind = str(parameter["type"])
    if kind.endswith("]"):
        inner = {**parameter, "type": kind.rpartition("[")[0]}
        return f"[{_show_all([inner] * len(value), value)}]"
    if kind == "tuple":
        return f"({_show_all(parameter['components'], value)})"
    if kind == "address":
        return checksum(value)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool) else str(value)


def _show_all(parameters: Sequence[Mapping[str, Any]], values: Sequence[Any]) -> str:
    return ", ".join(_show(*each) for each in zip(parameters, values, strict=True))


_REVERT_CODE = 3


class Refused(Protocol):
    """A JSON-RPC error as a node told it."""

    @property
    def code(self) -> int:
        """Its number."""
        ...

    @property
    def message(self) -> str:
        """Its text."""
        ...

    @property
    def data(self) -> Any:
        """What came with it."""
        ...


def is_revert(refusal: Refused) -> bool:
    """Whether a node's error says that a contract refused; geth gives such errors the code 3."""
    in_data = isinstance(refusal.data, str) and refusal.data.startswith("Reverted ")
    in_text = "revert" in refusal.message.lower() or _halt_in(refusal.message) is not None
    return refusal.code == _REVERT_CODE or in_data or in_text


def told(refusal: Refused, errors: CustomErrors) -> Reverted:
    """A contract's refusal from a node's error, whichever client's way of writing it down."""
    if (halt := _halt_in(refusal.message)) is not None:
        return halted(halt)
    data = refusal.data
    if isinstance(data, Mapping):
        data = data.get("data") or data.get("result")
    if isinstance(data, str):
        raw = data.removeprefix("Reverted ").strip('"')
        if re.fullmatch(r"0x(?:[0-9a-fA-F]{2})*", raw):
            return errors.reverted(bytes.fromhex(raw[2:]))
    said = re.sub(r"(?i)^.*?(?:execution )?reverted:? ?", "", refusal.message)
    return Reverted(said)


def _halt_in(message: str) -> str | None:
    match = _HALTED.search(message)
    return None if match is None else match[1] or match[2] or match[3]


_HALTED = re.compile(r"EVM error:? (\w+)|(Out of gas): gas required exceeds|(?i:^(out of gas)\b)")
