"""Three engines that execute the same signed transactions: py-evm, the executable specification (EELS), pyrevm.

A block is what ``make_blocks.py`` wrote. The answer of each is the receipts, the accounts after it
and, from the two that know one, the state root. A transaction that is refused refuses the block.
"""

from __future__ import annotations

import importlib.metadata
from typing import Any


class TransactionRefused(Exception):  # noqa: N818 - what projects write
    """``refusal`` is the class of the reason, which the engines spell in their own ways."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.refusal = reason


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


class PyEvm:
    """The reference."""

    version = f"py-evm {importlib.metadata.version('py-evm')}"

    def verify_block(self, block: dict[str, Any]) -> dict[str, Any]:
        """Execute every transaction on py-evm's Cancun state."""
        from eth.constants import BLANK_ROOT_HASH
        from eth.db.atomic import AtomicDB
        from eth.vm.execution_context import ExecutionContext
        from eth.vm.forks.cancun import CancunVM
        from eth_utils import ValidationError

        env = block["env"]
        context = ExecutionContext(
            coinbase=_bytes(env["coinbase"]),
            timestamp=env["timestamp"],
            block_number=env["number"],
            difficulty=0,
            mix_hash=_bytes(env["prev_randao"]),
            gas_limit=env["gas_limit"],
            prev_hashes=(),
            chain_id=env["chain_id"],
            base_fee_per_gas=env["base_fee"],
            excess_blob_gas=0,
        )
        state = CancunVM.get_state_class()(AtomicDB(), context, BLANK_ROOT_HASH)
        for address, account in block["pre"].items():
            state.set_balance(_bytes(address), account["balance"])
            state.set_nonce(_bytes(address), account["nonce"])
            state.set_code(_bytes(address), _bytes(account["code"]))
            for slot, value in account["storage"].items():
                state.set_storage(_bytes(address), int(slot), value)
        state.persist()
        receipts = []
        for raw in block["transactions"]:
            transaction = CancunVM.get_transaction_builder().decode(_bytes(raw))
            try:
                transaction.validate()
                state.lock_changes()  # what was warm for the transaction before is cold again
                computation = state.apply_transaction(transaction)
            except ValidationError as error:
                raise TransactionRefused(_reason(str(error)), str(error)) from error
            state.persist()
            receipts.append(
                {
                    "status": int(computation.is_success),
                    "gas_used": CancunVM.finalize_gas_used(transaction, computation),
                    "logs": [
                        {"address": address, "topics": [topic.to_bytes(32) for topic in topics], "data": data}
                        for address, topics, data in computation.get_log_entries()
                    ],
                }
            )
        return {
            "receipts": receipts,
            "post": {
                address: {
                    "balance": state.get_balance(_bytes(address)),
                    "nonce": state.get_nonce(_bytes(address)),
                    "storage": {str(slot): state.get_storage(_bytes(address), slot) for slot in range(6)},
                }
                for address in block["pre"]
            },
            "state_root": state.make_state_root(),
        }


def _reason(text: str) -> str:
    lowered = text.lower()
    for word, reason in (("nonce", "nonce"), ("balance", "balance"), ("afford", "balance"), ("cost", "balance")):
        if word in lowered:
            return reason
    return "gas" if "gas" in lowered else text


class Eels:
    """The executable specification."""

    version = f"EELS {importlib.metadata.version('ethereum-execution')}"

    def verify_block(self, block: dict[str, Any]) -> dict[str, Any]:
        """Execute every transaction by the letter of the specification."""
        from ethereum import exceptions
        from ethereum.forks.cancun import fork, state, vm
        from ethereum.forks.cancun.fork_types import Account, Address
        from ethereum.forks.cancun.transactions import LegacyTransaction, decode_transaction
        from ethereum_rlp import rlp
        from ethereum_types.bytes import Bytes, Bytes32
        from ethereum_types.numeric import U64, U256, Uint

        env = block["env"]
        world = state.State()
        for address, account in block["pre"].items():
            at = Address(_bytes(address))
            made = Account(
                nonce=Uint(account["nonce"]), balance=U256(account["balance"]), code=Bytes(_bytes(account["code"]))
            )
            state.set_account(world, at, made)
            for slot, value in account["storage"].items():
                state.set_storage(world, at, Bytes32(int(slot).to_bytes(32)), U256(value))
        environment = vm.BlockEnvironment(
            chain_id=U64(env["chain_id"]),
            state=world,
            block_gas_limit=Uint(env["gas_limit"]),
            block_hashes=[],
            coinbase=Address(_bytes(env["coinbase"])),
            number=Uint(env["number"]),
            base_fee_per_gas=Uint(env["base_fee"]),
            time=U256(env["timestamp"]),
            prev_randao=Bytes32(_bytes(env["prev_randao"])),
            excess_blob_gas=U64(0),
            parent_beacon_block_root=Bytes32(bytes(32)),
        )
        output = vm.BlockOutput()
        receipts, before = [], 0
        for index, raw in enumerate(block["transactions"]):
            content = _bytes(raw)
            encoded: Any = rlp.decode_to(LegacyTransaction, content) if content[0] >= 0xC0 else Bytes(content)
            logs = len(output.block_logs)
            try:
                fork.process_transaction(environment, output, decode_transaction(encoded), Uint(index))
            except exceptions.InvalidTransaction as error:
                reasons = {"NonceMismatchError": "nonce", "InsufficientBalanceError": "balance"}
                name = type(error).__name__
                reason = reasons.get(name, "gas" if "Gas" in name else name)
                raise TransactionRefused(reason, name) from error
            used = int(output.block_gas_used) - before
            before += used
            receipts.append(
                {
                    "status": int(_receipt(output, index).succeeded),
                    "gas_used": used,
                    "logs": [
                        {
                            "address": bytes(each.address),
                            "topics": [bytes(t) for t in each.topics],
                            "data": bytes(each.data),
                        }
                        for each in output.block_logs[logs:]
                    ],
                }
            )
        return {
            "receipts": receipts,
            "post": {
                address: {
                    "balance": int(state.get_account(world, Address(_bytes(address))).balance),
                    "nonce": int(state.get_account(world, Address(_bytes(address))).nonce),
                    "storage": {
                        str(slot): int(state.get_storage(world, Address(_bytes(address)), Bytes32(slot.to_bytes(32))))
                        for slot in range(6)
                    },
                }
                for address in block["pre"]
            },
            "state_root": bytes(state.state_root(world)),
        }


def _receipt(output: Any, index: int) -> Any:
    from ethereum.forks.cancun.blocks import decode_receipt
    from ethereum.forks.cancun.trie import trie_get
    from ethereum_rlp import rlp
    from ethereum_types.numeric import Uint

    return decode_receipt(trie_get(output.receipts_trie, rlp.encode(Uint(index))))


class PyRevm:
    """revm through its bindings: one EVM for a block, whose warm addresses and slots outlive a transaction."""

    version = f"pyrevm {importlib.metadata.version('pyrevm')}"

    def verify_block(self, block: dict[str, Any]) -> dict[str, Any]:
        """Call after call in one EVM; receipts only."""
        import pyrevm
        from eth.vm.forks.cancun import CancunVM

        env = block["env"]
        evm = pyrevm.EVM(
            env=pyrevm.Env(
                cfg=pyrevm.CfgEnv(chain_id=env["chain_id"]),
                block=pyrevm.BlockEnv(
                    number=env["number"],
                    coinbase=env["coinbase"],
                    timestamp=env["timestamp"],
                    prevrandao=_bytes(env["prev_randao"]),
                    basefee=env["base_fee"],
                    gas_limit=env["gas_limit"],
                    excess_blob_gas=0,
                ),
            ),
            spec_id="CANCUN",
        )
        for address, account in block["pre"].items():
            code = _bytes(account["code"])
            info = pyrevm.AccountInfo(balance=account["balance"], nonce=account["nonce"], code=code)
            evm.insert_account_info(address, info)
            for slot, value in account["storage"].items():
                evm.insert_account_storage(address, int(slot), value)
        receipts = []
        for raw in block["transactions"]:
            transaction = CancunVM.get_transaction_builder().decode(_bytes(raw))
            try:
                evm.message_call(
                    caller=f"0x{transaction.sender.hex()}",
                    to=f"0x{transaction.to.hex()}",
                    calldata=transaction.data,
                    value=transaction.value,
                    gas=transaction.gas,
                    gas_price=env["base_fee"],
                )
            except RuntimeError as error:
                if not str(error).startswith(("Revert", "Halt", "Call")) and evm.result is None:
                    raise
            result = evm.result
            assert result is not None
            receipts.append({"status": int(result.is_success), "gas_used": result.gas_used})
        return {"receipts": receipts}
