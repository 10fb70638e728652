"""View functions of one contract, called at one block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pytest_rollout.contracts.values import Speller
from pytest_rollout.core.errors import ContractError, Reverted, listed, suggestion
from pytest_rollout.core.rollout import Value
from pytest_rollout.networks.port import Chain

Function = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """Calls ``address`` with what ``abi`` declares; ``place`` begins every sentence. ``block`` is 0x hex."""

    chain: Chain
    place: str
    address: str
    abi: Sequence[Mapping[str, Any]]
    block: str
    speller: Speller

    def has(self, name: str) -> bool:
        """Whether there is a view function of that name without arguments."""
        return any(each["name"] == name and not each["inputs"] and _is_view(each) for each in self._functions())

    def call(self, call: str, arguments: Sequence[Value], expected: Value | None) -> Value:
        """The result in the plan's spelling; several results are a list. Raises ``ContractError``."""
        function = self._chosen(call, len(arguments))
        outputs = function.get("outputs", ())
        if not outputs:
            raise ContractError(f"{self.place}: {signature(function)} returns nothing that could be compared.")
        inputs = [
            self.speller.argument(parameter, value, f"argument {number}")
            for number, (parameter, value) in enumerate(zip(function["inputs"], arguments, strict=True), 1)
        ]
        results = self._decoded(function, self._called(function, inputs))
        if len(outputs) == 1:
            return self.speller.spelled(outputs[0], results[0], expected)
        return self.speller.spelled({"type": "tuple", "components": outputs}, results, expected)

    def _called(self, function: Function, inputs: Sequence[Any]) -> bytes:
        from eth_abi.abi import encode  # noqa: PLC0415 - heavy
        from eth_utils.crypto import keccak  # noqa: PLC0415

        data = keccak(text=signature(function))[:4] + encode(_types(function["inputs"]), inputs)
        try:
            answer = self.chain.request("eth_call", [{"to": self.address, "data": "0x" + data.hex()}, self.block])
        except Reverted as refusal:
            raise ContractError(f"{self.place}: {signature(function)} {refusal}.") from refusal
        return bytes.fromhex(str(answer).removeprefix("0x"))

    def _decoded(self, function: Function, data: bytes) -> Sequence[Any]:
        from eth_abi.abi import decode  # noqa: PLC0415 - heavy
        from eth_abi.exceptions import DecodingError  # noqa: PLC0415

        try:
            return decode(_types(function["outputs"]), data)
        except (DecodingError, UnicodeDecodeError) as error:
            raise ContractError(
                f"{self.place}: {signature(function)} returned {len(data)} bytes that are not "
                f"({', '.join(_types(function['outputs']))}); is this another contract's address?"
            ) from error

    def _chosen(self, call: str, count: int) -> Function:
        """The one function meant by a name or signature and the number of arguments."""
        name, has_types = call.partition("(")[0], "(" in call
        functions = list(self._functions())
        meant = [each for each in functions if (signature(each) == call if has_types else each["name"] == name)]
        if not meant:
            views = sorted({signature(each) if has_types else each["name"] for each in functions if _is_view(each)})
            raise ContractError(
                f"{self.place}: the contract has no {call}; its views are {listed(views)}.{suggestion(call, views)}"
            )
        fitting = [each for each in meant if len(each["inputs"]) == count]
        if len(fitting) != 1:
            raise ContractError(
                f"{self.place}: {count} arguments fit {len(fitting)} functions of that name; "
                f"there are {listed(signature(each) for each in meant)}; write the signature and its arguments."
            )
        if not _is_view(fitting[0]):
            raise ContractError(f"{self.place}: {signature(fitting[0])} is no view; a check only reads.")
        return fitting[0]

    def _functions(self) -> list[Function]:
        return [each for each in self.abi if each.get("type") == "function"]


def signature(function: Function) -> str:
    """``hasRole(bytes32,address)``."""
    from eth_utils.abi import abi_to_signature  # noqa: PLC0415 - heavy

    return abi_to_signature(cast("Any", function))


def _types(parameters: Sequence[Mapping[str, Any]]) -> list[str]:
    from eth_utils.abi import collapse_if_tuple  # noqa: PLC0415 - heavy

    return [collapse_if_tuple(cast("Any", each)) for each in parameters]


def _is_view(function: Function) -> bool:
    return function.get("stateMutability") in {"view", "pure"}
