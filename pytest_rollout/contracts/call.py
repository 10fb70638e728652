"""One call of one contract's function, ready to be read, sent or asked for its gas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_rollout.contracts.attributes import Results, bytes_of
from pytest_rollout.contracts.interface import Function, Undecodable
from pytest_rollout.contracts.reading import Reading, ask
from pytest_rollout.contracts.transaction_fields import block, fields
from pytest_rollout.core.errors import ContractError
from pytest_rollout.networks.port import quantity

if TYPE_CHECKING:
    from pytest_rollout.contracts.contract import Contract


class Call:
    """``contracts.Probe.functions.store(5)``: what web3.py's bound function can do, over the chain itself.

    What is not here - ``build_transaction``, say - is web3.py's, which is imported then.
    """

    def __init__(self, contract: Contract, function: Function, values: Sequence[Any], args: Sequence[Any]) -> None:
        self.contract = contract
        self.function = function
        self.address = contract.address
        self.values = values
        self.args = tuple(args)
        self._data = ""

    @property
    def name(self) -> str:
        """``store``."""
        return self.function.name

    fn_name = name

    @property
    def signature(self) -> str:
        """``store(uint256)``."""
        return self.function.signature

    @property
    def selector(self) -> str:
        """The first four bytes of its data, as 0x hex."""
        return "0x" + self.function.selector.hex()

    @property
    def abi(self) -> Mapping[str, Any]:
        """The function as the ABI declares it."""
        return self.function.entry

    @property
    def place(self) -> str:
        """How sentences about it begin."""
        return f"{self.contract.place}.{self.function.signature}"

    @property
    def data(self) -> str:
        """What is sent, as 0x hex."""
        if not self._data:
            self._data = self.function.data(self.values)
        return self._data

    def call(
        self,
        transaction: Mapping[str, Any] | None = None,
        block_identifier: Any = None,
        state_override: Mapping[str, Any] | None = None,
    ) -> Any:
        """The result: one value, or a list of several; raises ``Reverted`` if the contract refuses."""
        params = self.params(transaction, block(self.place, block_identifier))
        if state_override is not None:
            params.append(state_override)
        return self.result(self.contract.chain.request("eth_call", params))

    def transact(self, transaction: Mapping[str, Any] | None = None) -> Any:
        """The hash of the transaction that it was sent as; raises ``Reverted`` if it was mined and refused."""
        return bytes_of(self.contract.chain.request("eth_sendTransaction", self.params(transaction)))

    def estimate_gas(self, transaction: Mapping[str, Any] | None = None, block_identifier: Any = None) -> int:
        """The gas it needs; raises ``Reverted``."""
        at = [] if block_identifier is None else [block(self.place, block_identifier)]
        told = self.contract.chain.request("eth_estimateGas", self.params(transaction, *at))
        return quantity(self.contract.chain.name, "eth_estimateGas", told)

    def params(self, transaction: Mapping[str, Any] | None = None, *more: Any) -> list[Any]:
        """The transaction in 0x hex, as the first parameter of what is asked."""
        told = fields(self.place, self.contract.chain, transaction)
        return [{**told, "to": self.address, "data": self.data}, *more]

    def reading(self, at: str) -> Reading[Any]:
        """The result at one block, 0x hex, to be read along with others."""
        answer = yield from ask("eth_call", self.params(None, at))
        return self.result(answer)

    def result(self, answer: object) -> Any:
        """What the node's answer says; raises ``ContractError`` if it is nothing this function returns."""
        function = self.function
        data = bytes.fromhex(str(answer).removeprefix("0x"))
        try:
            decoded = function.results.decode(data)
        except Undecodable as reason:
            raise ContractError(
                f"{self.place}: returned {len(data)} bytes that are not ({', '.join(function.results.types)}); "
                "is this another contract's address?"
            ) from reason
        values = [give(value) for give, value in zip(function.givers, decoded, strict=True)]
        return values[0] if len(values) == 1 else Results(values, function.names)

    def __getattr__(self, name: str) -> Any:
        """What only web3.py can do with it."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.contract.web3.get_function_by_signature(self.function.signature)(*self.args), name)

    def __repr__(self) -> str:
        return f"<{self.place}: {', '.join(map(repr, self.args))}>"
