"""py-evm under eth-tester, made to keep what a contract said when it refused.

eth-tester turns a revert into text and loses a mined one altogether; this backend raises
``Reverted`` from the return data, and remembers why each failed transaction failed.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from eth.exceptions import Revert, VMError
from eth_tester.backends.pyevm.main import (
    BLOB_TX_TYPE,
    PyEVMBackend,
    _get_vm_for_block_number,
)
from eth_tester.exceptions import TransactionFailed

from pytest_rollout.core.errors import Reverted
from pytest_rollout.networks.accounts import BALANCE_ETHER, COUNT, MNEMONIC
from pytest_rollout.networks.gas import gas_needed
from pytest_rollout.networks.reverts import CustomErrors, halted

WEI_PER_ETHER = 10**18
_OTHER_CHAIN = 7_357_001


class Backend(PyEVMBackend):  # type: ignore[misc] # eth-tester has no types
    """eth-tester's backend; ``failures`` maps a transaction's hash to why it failed."""

    errors: CustomErrors
    failures: dict[bytes, Reverted]

    @classmethod
    def create(cls, *, chain_id: int, hardfork: str, errors: CustomErrors) -> Backend:
        """A fresh chain with the development accounts, each with 10,000 ether."""
        fork = importlib.import_module(f"eth.vm.forks.{hardfork}")
        backend: Backend = cls.from_mnemonic(
            MNEMONIC,
            num_accounts=COUNT,
            genesis_state_overrides={"balance": BALANCE_ETHER * WEI_PER_ETHER},
            hd_path="m/44'/60'/0'/0",
            vm_configuration=((0, getattr(fork, f"{hardfork.capitalize()}VM")),),
        )
        # The class is made for this backend alone, and a revert to the first block makes a new
        # chain of it; so the id belongs on the class.
        type(backend.chain).chain_id = chain_id
        type(backend.chain).gas_estimator = staticmethod(gas_needed)
        backend.chain.gas_estimator = gas_needed
        backend.errors = errors
        backend.failures = {}
        return backend

    def call(self, transaction: dict[str, Any], block_number: int | str = "latest") -> bytes:
        """The return data; raises ``Reverted``."""
        limited = {"gas": self._max_available_gas()} | transaction
        unsigned = self._spoofed(limited, block_number)
        state = _get_vm_for_block_number(self.chain, block_number).state
        snapshot = state.snapshot()
        # A node lets anybody ask; py-evm would have the asker pay for the gas.
        state.delta_balance(unsigned.sender, unsigned.gas * unsigned.max_fee_per_gas)
        computation = state.apply_transaction(unsigned)
        state.revert(snapshot)
        if computation.is_error:
            raise self._refused(computation.error)
        output: bytes = computation.output
        return output

    def estimate_gas(self, transaction: dict[str, Any], block_number: int | str = "latest") -> int:
        """The gas needed; raises ``Reverted``."""
        try:
            gas: int = super().estimate_gas(transaction, block_number)
        except VMError as error:
            raise self._refused(error) from None
        except TransactionFailed as error:
            raise self._refused(error.__cause__ or error) from None
        return gas

    def send_transaction(self, transaction: dict[str, Any]) -> bytes:
        """Sign and execute; the hash."""
        return self._apply(self._get_normalized_and_signed_evm_transaction(transaction))

    def send_raw_transaction(self, raw_transaction: bytes) -> bytes:
        """Execute what is signed already; the hash."""
        if raw_transaction[0] == BLOB_TX_TYPE:
            blob_hash: bytes = super().send_raw_transaction(raw_transaction)
            return blob_hash
        return self._apply(self.chain.get_transaction_builder().decode(raw_transaction))

    def alter(self, address: bytes, code: bytes | None, slots: Mapping[int, int]) -> None:
        """Change an account under the newest block and mine one on top, which holds the change."""
        vm = self.chain.get_vm()
        if code is not None:
            vm.state.set_code(address, code)
        for slot, word in slots.items():
            vm.state.set_storage(address, slot, word)
        vm.state.lock_changes()
        root = vm.state.make_state_root()
        vm.state.persist()
        self.chain.header = self.chain.header.copy(state_root=root)
        self.mine_blocks()

    def _apply(self, transaction: Any) -> bytes:
        _, _, computation = self.chain.apply_transaction(transaction)
        digest: bytes = transaction.hash
        if computation.is_error:
            self.failures[digest] = self._refused(computation.error)
        return digest

    def _spoofed(self, transaction: dict[str, Any], block_number: int | str) -> Any:
        from eth.vm.spoof import SpoofTransaction  # noqa: PLC0415 - untyped beside its base

        unsigned = self._get_normalized_and_unsigned_evm_transaction(transaction, block_number)
        return SpoofTransaction(unsigned, from_=transaction["from"])

    def _refused(self, error: BaseException) -> Reverted:
        if isinstance(error, Revert):
            return self.errors.reverted(bytes(error.args[0]) if error.args else b"")
        return halted(type(error).__name__)


def every_chain_is_another() -> None:
    """For a drill: chains made here from now on have an id that is nobody's, whatever is declared."""
    created = Backend.create

    def create(*, chain_id: int, **given: Any) -> Backend:
        del chain_id
        return created(chain_id=_OTHER_CHAIN, **given)

    Backend.create = create  # type: ignore[method-assign]  # the one place where a world is made
