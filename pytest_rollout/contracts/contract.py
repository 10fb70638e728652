"""A contract at an address: its functions and events, spoken to without more than the node needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from pytest_rollout.contracts.binding import bind
from pytest_rollout.contracts.call import Call
from pytest_rollout.contracts.events import EventReader
from pytest_rollout.contracts.interface import Event, Function, Interface
from pytest_rollout.core.errors import ContractError, listed, suggestion
from pytest_rollout.networks.port import Chain

if TYPE_CHECKING:
    from web3 import Web3
    from web3.contract import Contract as Web3Contract


class Contract:
    """``.functions``, ``.events``, ``.address`` and ``.abi`` as web3.py has them.

    Whatever else is asked of it is asked of web3.py's contract, ``.web3``; importing web3 is
    paid for then and not before.
    """

    def __init__(self, chain: Chain, name: str, address: str, interface: Interface) -> None:
        self.chain = chain
        self.name = name
        self.address = address
        self.interface = interface
        self.functions = Functions(self)
        self.events = Events(self)

    @property
    def abi(self) -> list[Any]:
        """What the artifact declares."""
        return list(self.interface.abi)

    @property
    def place(self) -> str:
        """How sentences about it begin."""
        return f"network {self.chain.name}: {self.name}"

    @property
    def w3(self) -> Web3:
        """The chain's web3.py connection."""
        return self.chain.w3

    @cached_property
    def web3(self) -> Web3Contract:
        """The same contract as web3.py's."""
        made: Web3Contract = self.chain.w3.eth.contract(address=cast("Any", self.address), abi=cast("Any", self.abi))
        return made

    def encode_abi(
        self, abi_element_identifier: str, args: Sequence[Any] | None = None, kwargs: dict[str, Any] | None = None
    ) -> str:
        """The data of a call, as 0x hex; the function by its name or signature."""
        data: str = self.functions[abi_element_identifier](*(args or ()), **(kwargs or {})).data
        return data

    def __getattr__(self, name: str) -> Any:
        """What only web3.py can do with it."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.web3, name)

    def __eq__(self, other: object) -> bool:
        same_place = isinstance(other, Contract) and other.chain is self.chain and other.address == self.address
        return same_place and cast("Contract", other).interface is self.interface

    def __hash__(self) -> int:
        return hash(self.address)

    def __repr__(self) -> str:
        return f"<{self.place} at {self.address}>"


class FunctionCaller:
    """A function by its name, with all its overloads, or by its signature: call it with its arguments."""

    def __init__(self, contract: Contract, overloads: tuple[Function, ...]) -> None:
        self._contract = contract
        self.overloads = overloads

    def __call__(self, *args: Any, **kwargs: Any) -> Call:
        """The call, if the arguments fit exactly one overload; raises ``ContractError``."""
        function, values = bind(self._contract.place, self.overloads, args, kwargs)
        return Call(self._contract, function, values, _positional(function, args, kwargs))

    def __repr__(self) -> str:
        return f"<{self._contract.place}: {listed(each.signature for each in self.overloads)}>"


class Functions:
    """A contract's functions: ``functions.add(1)``, ``functions["add(uint256)"](1)``."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._callers: dict[str, FunctionCaller] = {}

    def __getattr__(self, name: str) -> FunctionCaller:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> FunctionCaller:
        if name not in self._callers:
            self._callers[name] = FunctionCaller(self._contract, self._overloads(name))
        return self._callers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._contract.interface.functions)

    def __contains__(self, name: object) -> bool:
        return name in self._contract.interface.functions

    def __dir__(self) -> list[str]:
        return sorted(self)

    def _overloads(self, name: str) -> tuple[Function, ...]:
        declared = self._contract.interface.functions
        bare, has_types = name.partition("(")[0], "(" in name
        meant = tuple(each for each in declared.get(bare, ()) if not has_types or each.signature == name)
        if not meant:
            names = [each.signature for overloads in declared.values() for each in overloads] if has_types else declared
            raise ContractError(
                f"{self._contract.place}: the contract has no function {name}; there are {listed(sorted(names))}."
                f"{suggestion(name, names)}"
            )
        return meant


class Events:
    """A contract's events: ``events.Stored().process_receipt(receipt)``."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def __getattr__(self, name: str) -> EventReader:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> EventReader:
        return EventReader(self._contract.chain, self._contract.address, self._contract.place, self._event(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._contract.interface.events)

    def __contains__(self, name: object) -> bool:
        return name in self._contract.interface.events

    def __dir__(self) -> list[str]:
        return sorted(self)

    def _event(self, name: str) -> Event:
        declared = self._contract.interface.events
        bare, has_types = name.partition("(")[0], "(" in name
        meant = [each for each in declared.get(bare, ()) if not has_types or each.signature == name]
        if len(meant) == 1:
            return meant[0]
        if meant:
            raise ContractError(
                f"{self._contract.place}: {len(meant)} events are called {name}; "
                f"write one of {listed(each.signature for each in meant)}."
            )
        raise ContractError(
            f"{self._contract.place}: the contract has no event {name}; there are {listed(sorted(declared))}."
            f"{suggestion(name, declared)}"
        )


def _positional(function: Function, args: Sequence[Any], kwargs: dict[str, Any]) -> Sequence[Any]:
    names = [str(each.get("name", "")) for each in function.inputs]
    return args if not kwargs else [*args, *(kwargs[name] for name in names[len(args) :])]
