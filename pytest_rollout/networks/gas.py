"""How much gas a transaction needs, on py-evm: found in two runs, where its own search takes thirteen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eth.estimators.gas import binary_gas_search_intrinsic_tolerance
from eth.exceptions import VMError
from eth.vm.spoof import SpoofTransaction
from eth_utils.exceptions import ValidationError

if TYPE_CHECKING:
    from eth.abc import ComputationAPI, SignedTransactionAPI, StateAPI


def gas_needed(state: StateAPI, transaction: SignedTransactionAPI) -> int:
    """The least gas with which it succeeds, exactly wherever its calls do not depend on what is left.

    It is run with all the gas there is, and again with what that took before anything was given
    back. Where the second run fails - a call within it keeps a sixty-fourth back (EIP-150) -
    py-evm searches. Raises ``VMError`` if it fails with all there is.
    """
    plenty = _run(state, transaction, state.gas_limit)
    if plenty.is_error:
        raise plenty.error
    taken = max(state.gas_limit - plenty.get_gas_remaining(), transaction.intrinsic_gas)
    try:
        does = not _run(state, transaction, taken).is_error
    except (VMError, ValidationError):  # less than the least that data must pay (EIP-7623)
        does = False
    return taken if does else int(binary_gas_search_intrinsic_tolerance(state, transaction))


def _run(state: StateAPI, transaction: SignedTransactionAPI, gas: int) -> ComputationAPI:
    before = state.snapshot()
    try:
        return state.apply_transaction(SpoofTransaction(transaction, gas=gas, gas_price=0))  # type: ignore[arg-type]
    finally:
        state.revert(before)
