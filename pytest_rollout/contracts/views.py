"""View functions of one contract, read at one block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pytest_rollout.contracts.interface import Codec, Function, Interface, Undecodable
from pytest_rollout.contracts.reading import Reading, ask
from pytest_rollout.contracts.values import Speller
from pytest_rollout.core.errors import ContractError, Reverted, listed, suggestion
from pytest_rollout.core.rollout import Value

LONGEST_ANSWER = 64 * 1024
"""Bytes; nobody writes more than that into a plan, and reports have to hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """Calls ``address`` with what ``interface`` declares; ``place`` begins every sentence. ``block`` is 0x hex."""

    place: str
    address: str
    interface: Interface
    block: str
    speller: Speller

    def has(self, name: str) -> bool:
        """Whether there is a view function of that name without arguments."""
        return any(not each.inputs and each.is_view for each in self.interface.functions.get(name, ()))

    def call(self, call: str, arguments: Sequence[Value], expected: Value | None) -> Reading[Value]:
        """The result in the plan's spelling; several results are a list. Raises ``ContractError``."""
        function = self._chosen(call, len(arguments))
        outputs = function.outputs
        if not outputs:
            raise ContractError(f"{self.place}: {function.signature} returns nothing that could be compared.")
        inputs = [
            self.speller.argument(parameter, value, f"argument {number}")
            for number, (parameter, value) in enumerate(zip(function.inputs, arguments, strict=True), 1)
        ]
        results = yield from self._called(function, inputs)
        if len(outputs) == 1:
            return self.speller.spelled(outputs[0], results[0], expected)
        return self.speller.spelled({"type": "tuple", "components": outputs}, results, expected)

    def _called(self, function: Function, inputs: Sequence[Any]) -> Reading[Sequence[Any]]:
        transaction = {"to": self.address, "data": function.data(inputs)}
        try:
            answer = yield from ask("eth_call", [transaction, self.block])
        except Reverted as refusal:
            raise ContractError(f"{self.place}: {function.signature} {refusal}.") from refusal
        data = bytes.fromhex(str(answer).removeprefix("0x"))
        if len(data) > LONGEST_ANSWER:
            raise ContractError(
                f"{self.place}: {function.signature} returned {len(data)} bytes; a check compares "
                f"{LONGEST_ANSWER} at most."
            )
        return self._decoded(function.signature, function.results, data)

    def _decoded(self, signature: str, results: Codec, data: bytes) -> Sequence[Any]:
        try:
            return results.decode(data)
        except Undecodable as reason:
            raise ContractError(
                f"{self.place}: {signature} returned {len(data)} bytes that are not ({', '.join(results.types)}); "
                "is this another contract's address?"
            ) from reason

    def _chosen(self, call: str, count: int) -> Function:
        """The one function meant by a name or signature and the number of arguments."""
        name, has_types = call.partition("(")[0], "(" in call
        functions = self.interface.every_function()
        meant = [each for each in functions if (each.signature == call if has_types else each.name == name)]
        if not meant:
            views = sorted({each.signature if has_types else each.name for each in functions if each.is_view})
            raise ContractError(
                f"{self.place}: the contract has no {call}; its views are {listed(views)}.{suggestion(call, views)}"
            )
        fitting = [each for each in meant if len(each.inputs) == count]
        if len(fitting) != 1:
            raise ContractError(
                f"{self.place}: {count} arguments fit {len(fitting)} functions of that name; "
                f"there are {listed(each.signature for each in meant)}; write the signature and its arguments."
            )
        if not fitting[0].is_view:
            raise ContractError(f"{self.place}: {fitting[0].signature} is no view; a check only reads.")
        return fitting[0]
