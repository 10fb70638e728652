"""Blocks with signed transactions, such as Ethereum's own state tests try: ``python make_blocks.py > blocks.json``.

Each block carries its environment, the accounts before it and its transactions, RLP and all, so that
any engine can execute it. Keys and signatures are fixed; the file is the same on every machine.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from eth_account import Account

KEY = "0x" + "45" * 32
SENDER = Account.from_key(KEY).address
OTHER = "0x" + "aa" * 20
CALLED = "0x00000000000000000000000000000000000c0de0"
ENVIRONMENT = {
    "number": 100,
    "timestamp": 1_900_000_000,
    "coinbase": "0x" + "cb" * 20,
    "gas_limit": 30_000_000,
    "base_fee": 7,
    "prev_randao": "0x" + "5a" * 32,
    "chain_id": 31337,
}

CODE = {
    "count up": "600054600101600055",  # storage[0] += 1
    "clear": "600060005500",  # storage[0] = 0, for the refund
    "log": "602a60005260aa60bb60206000a200",  # LOG2 of 32 bytes
    "revert": "602a60005260206000fd",
    "run out of gas": "5b600056",
    "invalid opcode": "fe",
    "transient": "602a60005d60005c600055",  # storage[0] = transient[0] = 42
    "sha256": "602060006000600060006002" + "62fffffff1" + "600051600055",
    "identity": "602a600052" + "602060006020600060006004" + "62fffffff1" + "600051600155",
    "call another": "60006000600060006001" + "73" + "aa" * 20 + "61fffff1" + "600055",
    "create": "600060006000f0600055",
    "balances": "3031600055" + "73" + "bb" * 20 + "31600155",
    "environment": "43600055" + "42600155" + "44600255" + "46600355" + "48600455" + "41600555",
    "destroy itself": "73" + "aa" * 20 + "ff",
    "push zero and copy": "5f5f5260205f60205e602051600055",
}


def signed(nonce: int, **fields: Any) -> str:
    """One transaction, signed; type 2 unless it says a gas price."""
    body = {"nonce": nonce, "chainId": 31337, "gas": 200_000, "to": CALLED, "value": 0, "data": "0x", **fields}
    body["to"] = bytes.fromhex(body["to"].removeprefix("0x"))
    if "gasPrice" not in body:
        body |= {"maxFeePerGas": 100, "maxPriorityFeePerGas": 3, "type": 2}
    return "0x" + bytes(Account.sign_transaction(body, KEY).raw_transaction).hex()


def block(index: int, name: str, *transactions: str, code: str = "", storage: dict[str, int] | None = None) -> dict:
    """A block and what was there before it."""
    accounts = {SENDER: {"balance": 10**18, "nonce": 0, "code": "0x", "storage": {}}}
    if code:
        accounts[CALLED] = {"balance": 5, "nonce": 1, "code": f"0x{code}", "storage": storage or {}}
    return {"index": index, "name": name, "env": ENVIRONMENT, "pre": accounts, "transactions": list(transactions)}


def blocks() -> list[dict]:
    """All of them."""
    found = [
        block(0, "a transfer", signed(0, to=OTHER, value=1000)),
        block(1, "three transfers", *(signed(nonce, to=OTHER, value=nonce) for nonce in range(3))),
        block(2, "a legacy transaction", signed(0, to=OTHER, value=1, gasPrice=50)),
        block(
            3,
            "an access list",
            signed(
                0,
                gasPrice=50,
                type=1,
                accessList=[{"address": bytes.fromhex(CALLED[2:]), "storageKeys": ["0x" + "00" * 32]}],
            ),
            code=CODE["count up"],
        ),
        block(4, "a contract is made", signed(0, to="", data="0x600a600c600039600a6000f3602a60005260206000f3")),
        block(5, "data that costs", signed(0, to=OTHER, data="0x" + "00ff00ff" * 20)),
        block(6, "the same slot twice", signed(0), signed(1), code=CODE["count up"], storage={"0": 5}),
        block(7, "a nonce too high", signed(5, to=OTHER)),
        block(8, "more than there is", signed(0, to=OTHER, value=10**19)),
        block(9, "too little gas", signed(0, to=OTHER, gas=20_000)),
    ]
    for name, code in CODE.items():
        storage = {"0": 9} if name in {"clear", "count up"} else {}
        found.append(block(len(found), name, signed(0), code=code, storage=storage))
    return found


if __name__ == "__main__":
    json.dump(blocks(), sys.stdout, indent=1)
    sys.stdout.write("\n")
