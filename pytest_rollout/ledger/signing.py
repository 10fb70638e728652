"""Signatures of sign-offs and overrides: made with a key, checked by recovering the address, strictly.

Only the canonical form is taken: 65 bytes, s in the lower half of the curve's order, v 27 or 28
(EIP-2 and EIP-191's family). So one statement has one signature of one key, and no other bytes.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_rollout.core.errors import LedgerError, RolloutError, UsageError
from pytest_rollout.core.signoff import Said, Signed

HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Half of secp256k1's order: a signature with a larger s has a twin with a smaller one."""

EIP_1271_MAGIC = bytes.fromhex("1626ba7e")
LARGEST_KEYSTORE = 64 * 1024

_SIGNATURE = re.compile(r"0x[0-9a-f]{130}")
_KEY = re.compile(r"(?:0x)?[0-9a-fA-F]{64}")

AskContract = Callable[[str, bytes, bytes], bytes]
"""What ``isValidSignature(hash, signature)`` of the contract at an address returns; raises ``RolloutError``."""


def sign(statement: Said, key: str, *, ledger_id: str, chain_id: int) -> tuple[str, str]:
    """The address of ``key`` in lower case, and its signature in 0x hex; raises ``UsageError`` for no key."""
    from eth_account import Account  # noqa: PLC0415 - heavy, for those who sign

    if not _KEY.fullmatch(key.strip()):
        raise UsageError("the key is no private key of 32 bytes in hex.")
    account = Account.from_key(key.strip())
    signed = account.sign_message(_message(statement, ledger_id=ledger_id, chain_id=chain_id))
    return account.address.lower(), f"0x{signed.signature.hex().removeprefix('0x')}"


def recover(statement: Said, signature: str, *, ledger_id: str, chain_id: int) -> str:
    """The address that signed, in lower case; raises ``LedgerError`` for what is no canonical signature."""
    from eth_account import Account  # noqa: PLC0415 - as above

    if why := malformed(signature):
        raise LedgerError(f"the signature {why}.")
    raw = bytes.fromhex(signature[2:])
    try:
        recovered = Account.recover_message(_message(statement, ledger_id=ledger_id, chain_id=chain_id), signature=raw)
    except Exception as error:  # noqa: BLE001 - the library raises its own, eth_keys' and ValueError
        raise LedgerError(f"the signature fits no key ({type(error).__name__}).") from None
    return str(recovered).lower()


def malformed(signature: str) -> str:
    """Why this is no canonical signature; empty if it is one."""
    if not _SIGNATURE.fullmatch(signature):
        return "is not 65 bytes in lower-case 0x hex"
    raw = bytes.fromhex(signature[2:])
    if int.from_bytes(raw[32:64]) > HALF_ORDER:
        return "has an s in the upper half, which is the twin of another one"
    if raw[64] not in {27, 28}:
        return f"ends in {raw[64]}, 27 or 28 is needed"
    return ""


def verify(signed: Signed[Any], *, ledger_id: str, chain_id: int, ask: AskContract | None = None) -> str:
    """Why the signature does not hold, empty if it does; contract wallets are asked through ``ask``."""
    if signed.contract:
        return _verify_contract(signed, ledger_id=ledger_id, chain_id=chain_id, ask=ask)
    try:
        signer = recover(signed.statement, signed.signature, ledger_id=ledger_id, chain_id=chain_id)
    except LedgerError as error:
        return str(error).rstrip(".")
    return "" if signer == signed.signer else f"was signed by {signer}"


def digest(statement: Said, *, ledger_id: str, chain_id: int) -> bytes:
    """The 32 bytes that are signed (EIP-712)."""
    from eth_utils.crypto import keccak  # noqa: PLC0415 - as above

    message = _message(statement, ledger_id=ledger_id, chain_id=chain_id)
    return bytes(keccak(b"\x19" + message.version + message.header + message.body))


def key_from_environment(name: str) -> str:
    """The key in a variable of the environment; raises ``UsageError`` without showing it."""
    key = os.environ.get(name, "")
    if not key:
        raise UsageError(f"--key-env {name}: the environment has no such variable, or it is empty.")
    return key


def key_from_keystore(path: Path, password: str) -> str:
    """The key in a keystore file (the JSON of geth and others); others must not be able to read it."""
    from eth_account import Account  # noqa: PLC0415 - as above

    try:
        about = path.stat()
        if about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise UsageError(f"--keystore {path.name}: others may read it; run `chmod 600` on it first.")
        if about.st_size > LARGEST_KEYSTORE:
            raise UsageError(f"--keystore {path.name}: {about.st_size} bytes are no keystore.")
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"--keystore {path.name}: cannot be read ({error.strerror}).") from None
    except ValueError:
        raise UsageError(f"--keystore {path.name}: is not JSON.") from None
    try:
        key: Any = Account.decrypt(content, password)
    except (ValueError, KeyError, TypeError, NotImplementedError):
        raise UsageError(f"--keystore {path.name}: the password does not open it, or it is no keystore.") from None
    return bytes(key).hex()


def _message(statement: Said, *, ledger_id: str, chain_id: int) -> Any:
    from eth_account.messages import encode_typed_data  # noqa: PLC0415 - as above

    return encode_typed_data(full_message=statement.typed_data(ledger_id=ledger_id, chain_id=chain_id))


def _verify_contract(signed: Signed[Any], *, ledger_id: str, chain_id: int, ask: AskContract | None) -> str:
    if ask is None:
        return "is a contract wallet, and no network of kind rpc with the chain id of its signature could be asked"
    raw = bytes.fromhex(signed.signature.removeprefix("0x"))
    try:
        told = ask(signed.signer, digest(signed.statement, ledger_id=ledger_id, chain_id=chain_id), raw)
    except RolloutError as error:
        return f"is a contract wallet that could not be asked: {error}".rstrip(".")
    return "" if told[:4] == EIP_1271_MAGIC and not any(told[4:32]) else "is a contract wallet that says no"
