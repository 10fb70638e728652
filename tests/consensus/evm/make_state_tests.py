"""A few of Ethereum's public state tests, made again from what they do: ``python make_state_tests.py > state_tests.json``.

The suite is github.com/ethereum/tests, folder GeneralStateTests; a name is a file there. Programs are
assembled and transactions signed here. What the suite publishes of each - the hash of the signed
transaction and the state root after it - is given as it stands there, so a scenario that were made
otherwise could not pass.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from eth_account import Account

KEY = "0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8"
SENDER = "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b"
COINBASE = "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba"
CALLED = "0x095e7baea6a6c7c4c2dfeb977efac326af552d87"
CALLEE = "0xaaae7baea6a6c7c4c2dfeb977efac326af552aaa"
TRANSIENT = "0xa00000000000000000000000000000000000000a"
ETHER = 10**18

OPCODES = {"STOP": 0x00, "ADD": 0x01, "SSTORE": 0x55, "TLOAD": 0x5C, "TSTORE": 0x5D, "PUSH0": 0x5F, "CALL": 0xF1}


def assembled(*words: str | int) -> str:
    """A program: names of opcodes, and numbers to push, in as few bytes as they take but one."""
    code = bytearray()
    for word in words:
        if isinstance(word, str):
            code.append(OPCODES[word])
        else:
            pushed = word.to_bytes(max(1, -(-word.bit_length() // 8)))
            code += bytes([0x5F + len(pushed)]) + pushed
    return f"0x{code.hex()}"


def account(balance: int, *, nonce: int = 0, code: str = "0x", storage: dict[str, int] | None = None) -> dict[str, Any]:
    """What is there before."""
    return {"balance": balance, "nonce": nonce, "code": code, "storage": storage or {}}


def scenario(
    name: str,
    *,
    pre: dict[str, Any],
    transaction: dict[str, Any],
    published: tuple[str, str],
    gas_limit: int = 1_000_000,
    base_fee: int = 10,
) -> dict[str, Any]:
    """One test as a block; ``published`` are the hash of its transaction and the state root after it."""
    to = bytes.fromhex(transaction["to"][2:])
    chain = {} if "gasPrice" in transaction else {"chainId": 1, "type": 2}
    raw = Account.sign_transaction({"nonce": 0, "value": 0, "data": "0x", **chain, **transaction, "to": to}, KEY)
    environment = {
        "number": 1,
        "timestamp": 1000,
        "coinbase": COINBASE,
        "gas_limit": gas_limit,
        "base_fee": base_fee,
        "prev_randao": f"0x{0x20000:064x}",
        "chain_id": 1,
    }
    return {
        "name": name,
        "env": environment,
        "pre": pre,
        "transactions": [f"0x{bytes(raw.raw_transaction).hex()}"],
        "published": {"transaction": published[0], "state_root": published[1]},
    }


def scenarios() -> list[dict[str, Any]]:
    """All of them."""
    return [
        scenario(
            "stExample/basefeeExample",
            pre={CALLED: account(ETHER, code=assembled(1, 1, "ADD", 0, "SSTORE", "STOP")), SENDER: account(ETHER)},
            transaction={
                "to": CALLED,
                "value": 100_000,
                "data": "0x00",
                "gas": 4_000_000,
                "maxFeePerGas": 5_000_000_000,
                "maxPriorityFeePerGas": 2,
                "accessList": [
                    {"address": bytes.fromhex(CALLED[2:]), "storageKeys": [f"0x{slot:064x}" for slot in (0, 1)]}
                ],
            },
            gas_limit=0x1000000000,
            base_fee=70_000_000,
            published=(
                "0x6143c89384b58f92fceda500e24e3ffe89a30c5441620fd1f3234a98ebc8a8d4",
                "0x824d2219f7aeda8c6055bfb967db764cc4297a6656216ef4abc85f5685685217",
            ),
        ),
        scenario(
            "Cancun/stEIP1153-transientStorage/02_tloadAfterTstore",
            pre={
                TRANSIENT: account(
                    ETHER,
                    code=assembled(88, "PUSH0", "TSTORE", "PUSH0", "TLOAD", 1, "SSTORE", "STOP"),
                ),
                SENDER: account(1000 * ETHER),
            },
            transaction={"to": TRANSIENT, "gas": 2**52, "maxFeePerGas": 4000, "maxPriorityFeePerGas": 0},
            gas_limit=2**52,
            published=(
                "0xbb32958e1b4842066690af14631e70b212650421be330a39fa91f0f3ee3eaaa8",
                "0x2dbebb243ba557e9e72e8708f22ea439a413bf5239dd3752185addc279a59e31",
            ),
        ),
        scenario(
            "stRefundTest/refund50_1",
            pre={
                CALLED: account(
                    ETHER,
                    code=assembled(*(word for slot in range(1, 6) for word in (0, slot, "SSTORE")), "STOP"),
                    storage={str(slot): 1 for slot in range(1, 6)},
                ),
                COINBASE: account(0, nonce=1),
                SENDER: account(10_000_000),
            },
            transaction={"to": CALLED, "gas": 100_000, "gasPrice": 10},
            published=(
                "0x796371581aafa574e278653b054952e8ed412d40547d1c0f5a2fad7bcf456800",
                "0xcee9df64aa53d370593c0cb60a58e66b761bf6964047befabc1b592e77a3cb63",
            ),
        ),
        scenario(
            "stRefundTest/refund_CallA",
            pre={
                CALLED: account(
                    ETHER,
                    code=assembled(0, 0, 0, 0, 0, int(CALLEE, 16), 5500, "CALL", 0, "SSTORE", "STOP"),
                    storage={"1": 1},
                ),
                COINBASE: account(0, nonce=1),
                SENDER: account(20_000_000),
                CALLEE: account(ETHER, code=assembled(0, 1, "SSTORE", "STOP"), storage={"1": 1}),
            },
            transaction={"to": CALLED, "value": 10, "gas": 200_000, "gasPrice": 10},
            published=(
                "0x59790d063356dc0a6a58d5325ae0fd1b9c2c5377bb31d039902c3227a229936f",
                "0x17533f9e720793b485ffe8e465370502a065e07afbc254bbb71ac0d73e0666d1",
            ),
        ),
    ]


if __name__ == "__main__":
    json.dump(scenarios(), sys.stdout, indent=1)
    sys.stdout.write("\n")
