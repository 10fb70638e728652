"""What an ABI declares, as bytes: signatures, selectors and codecs, made once each.

Source: the Solidity contract ABI specification.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, cast

from pytest_rollout.contracts.arguments import Giver, Taker, giver, taker
from pytest_rollout.contracts.digest import keccak as keccak  # noqa: PLC0414 - whoever knows an ABI hashes too
from pytest_rollout.contracts.parameters import Parameter, type_of
from pytest_rollout.contracts.words import words

Abi = Sequence[Mapping[str, Any]]

SELECTOR = 4


class Undecodable(Exception):  # noqa: N818 - a reason, told on with the place it belongs to
    """Bytes that are not values of the declared types."""


def signature(entry: Mapping[str, Any]) -> str:
    """``hasRole(bytes32,address)``."""
    return f"{entry['name']}({','.join(map(type_of, entry.get('inputs', ())))})"


class Codec:
    """Values of the given parameters as bytes, and back."""

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        self.parameters = tuple(parameters)
        self.types = tuple(map(type_of, self.parameters))
        self._words = words(self.types)

    @cached_property
    def takers(self) -> tuple[Taker, ...]:
        """What checks the values, one by one."""
        return tuple(map(taker, self.parameters))

    def encode(self, values: Sequence[Any]) -> bytes:
        """The bytes; what does not fit is told by ``eth_abi``'s ``EncodingError``."""
        if self._words is not None and (plain := self._words.encode(values)) is not None:
            return plain
        from eth_abi.abi import encode  # noqa: PLC0415 - heavy

        return encode(self.types, values)

    def decode(self, data: bytes) -> tuple[Any, ...]:
        """The values; raises ``Undecodable``."""
        if self._words is not None and (plain := self._words.decode(data)) is not None:
            return plain
        try:
            return self._decoder(data)
        except Exception as error:
            if _is_undecodable(error):
                raise Undecodable(str(error)) from error
            raise

    @cached_property
    def _decoder(self) -> Callable[[bytes], tuple[Any, ...]]:
        """As ``eth_abi.abi.decode`` for these types, which looks its decoder up each time."""
        from eth_abi.decoding import ContextFramesBytesIO  # noqa: PLC0415 - heavy
        from eth_abi.registry import registry  # noqa: PLC0415

        decoder = registry.get_tuple_decoder(*self.types, strict=True)
        return lambda data: cast("tuple[Any, ...]", decoder(ContextFramesBytesIO(data)))  # type: ignore[no-untyped-call]


def _is_undecodable(error: Exception) -> bool:
    from eth_abi.exceptions import DecodingError  # noqa: PLC0415 - heavy

    return isinstance(error, DecodingError | UnicodeDecodeError | OverflowError)


class Function:
    """One function of an ABI."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.entry = entry
        self.name = str(entry["name"])
        self.inputs: tuple[Parameter, ...] = tuple(entry.get("inputs", ()))
        self.outputs: tuple[Parameter, ...] = tuple(entry.get("outputs", ()))

    @property
    def is_view(self) -> bool:
        """Whether calling it changes nothing."""
        return self.entry.get("stateMutability") in {"view", "pure"}

    @cached_property
    def signature(self) -> str:
        """``hasRole(bytes32,address)``."""
        return signature(self.entry)

    @cached_property
    def selector(self) -> bytes:
        """The first four bytes of its calls."""
        return keccak(self.signature.encode())[:SELECTOR]

    @cached_property
    def givers(self) -> tuple[Giver, ...]:
        """What makes its decoded results Python's, one by one."""
        return tuple(map(giver, self.outputs))

    @cached_property
    def names(self) -> Mapping[str, int]:
        """The results that have a name, by their number."""
        return {str(each["name"]): number for number, each in enumerate(self.outputs) if each.get("name")}

    @cached_property
    def arguments(self) -> Codec:
        """What it takes."""
        return Codec(self.inputs)

    @cached_property
    def results(self) -> Codec:
        """What it returns."""
        return Codec(self.outputs)

    def data(self, values: Sequence[Any]) -> str:
        """The data of a call, as 0x hex."""
        return "0x" + (self.selector + self.arguments.encode(values)).hex()


class Event:
    """One event of an ABI."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.entry = entry
        self.name = str(entry["name"])
        self.inputs: tuple[Parameter, ...] = tuple(entry.get("inputs", ()))
        self.is_anonymous = entry.get("anonymous") is True

    @cached_property
    def signature(self) -> str:
        """``Stored(address,uint256)``."""
        return signature(self.entry)

    @cached_property
    def topic(self) -> bytes:
        """The first topic of its logs, unless it is anonymous."""
        return keccak(self.signature.encode())

    @cached_property
    def indexed(self) -> tuple[Parameter, ...]:
        """The parameters in topics; of what is longer than a word, a topic holds only the hash."""
        return tuple(
            each if _is_word(each) else {"name": each.get("name", ""), "type": "bytes32"}
            for each in self.inputs
            if each.get("indexed")
        )

    @cached_property
    def topics(self) -> tuple[Codec, ...]:
        """One codec for each indexed parameter."""
        return tuple(Codec((each,)) for each in self.indexed)

    @cached_property
    def data(self) -> Codec:
        """The parameters that are not indexed."""
        return Codec(each for each in self.inputs if not each.get("indexed"))


class Interface:
    """The functions and events of one ABI, by name."""

    def __init__(self, abi: Abi) -> None:
        self.abi = abi
        self.functions: dict[str, tuple[Function, ...]] = {}
        self.events: dict[str, tuple[Event, ...]] = {}
        for entry in abi:
            if entry.get("type") == "function":
                function = Function(entry)
                self.functions[function.name] = (*self.functions.get(function.name, ()), function)
            elif entry.get("type") == "event":
                event = Event(entry)
                self.events[event.name] = (*self.events.get(event.name, ()), event)

    @cached_property
    def constructor(self) -> Codec:
        """What the constructor takes; nothing, where none is declared."""
        declared: Mapping[str, Any] = next((each for each in self.abi if each.get("type") == "constructor"), {})
        return Codec(declared.get("inputs", ()))

    def every_function(self) -> list[Function]:
        """All functions, overloads one by one, in the order of the ABI."""
        return [each for overloads in self.functions.values() for each in overloads]


def _is_word(parameter: Parameter) -> bool:
    kind = str(parameter["type"])
    return kind not in {"string", "bytes"} and not kind.startswith("tuple") and not kind.endswith("]")
