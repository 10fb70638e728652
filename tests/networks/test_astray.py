"""A node that answers another question than the one it was asked is not believed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_rollout.networks.http import Endpoint, Silent

ONE, OTHER = "0x" + "11" * 32, "0x" + "ab" * 32
RANGE = {"fromBlock": "0x10", "toBlock": "0x20"}
LOG = {"blockNumber": "0x15", "blockHash": ONE, "topics": [], "data": "0x", "removed": False}

STRAY = {
    "receipt": ("eth_getTransactionReceipt", [ONE], {"transactionHash": OTHER, "status": "0x1"}, "with that of '0xab"),
    "nameless": ("eth_getTransactionReceipt", [ONE], {"status": "0x1"}, "with that of None"),
    "transaction": ("eth_getTransactionByHash", [ONE], {"hash": OTHER}, "with that of '0xab"),
    "earlier": ("eth_getLogs", [RANGE], [LOG, LOG | {"blockNumber": "0xf"}], "a log of block '0xf', and was asked for"),
    "later": ("eth_getLogs", [RANGE], [LOG | {"blockNumber": "0x21"}], "asked for 16 to 32"),
    "pending": ("eth_getLogs", [RANGE], [LOG | {"blockNumber": None}], "a log of block None"),
    "no log": ("eth_getLogs", [RANGE], ["0x"], "a log of block None"),
    "another block": ("eth_getLogs", [{"blockHash": OTHER}], [LOG], "asked for '0xab"),
    "removed": ("eth_getLogs", [{"blockHash": ONE}], [LOG | {"removed": True}], "that a reorganisation has removed"),
}


@pytest.fixture
def answered(stub: Callable[[], Any]) -> Callable[..., Any]:
    def ask(method: str, params: list[Any], result: Any) -> Any:
        node = stub()
        node.answer = lambda request: {"jsonrpc": "2.0", "id": request["id"], "result": result}
        (answer,) = Endpoint("mainnet", node.url).ask([(method, params)])
        return answer

    return ask


@pytest.mark.parametrize(("method", "params", "result", "told"), STRAY.values(), ids=STRAY)
def test_an_answer_to_another_question_is_none(
    answered: Callable[..., Any], method: str, params: list[Any], result: Any, told: str
) -> None:
    with pytest.raises(Silent) as caught:
        answered(method, params, result)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("method", "params", "result"),
    [
        ("eth_getTransactionReceipt", [ONE], None),
        ("eth_getTransactionReceipt", [OTHER.upper().replace("X", "x")], {"transactionHash": OTHER}),
        ("eth_getLogs", [RANGE], [LOG]),
        ("eth_getLogs", [{"blockHash": ONE}], [LOG]),
        ("eth_getLogs", [{}], [LOG]),
    ],
)
def test_what_was_asked_for_is_believed(
    answered: Callable[..., Any], method: str, params: list[Any], result: Any
) -> None:
    assert answered(method, params, result) == result
