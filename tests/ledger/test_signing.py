"""Signatures of sign-offs: real keys, the canonical form alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from pytest_rollout.core.errors import LedgerError, NetworkError, UsageError
from pytest_rollout.core.signoff import Signoff, Statement
from pytest_rollout.ledger.signing import (
    EIP_1271_MAGIC,
    digest,
    key_from_environment,
    key_from_keystore,
    malformed,
    recover,
    sign,
    verify,
)

KEY = "0x" + "11" * 32
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
LEDGER: dict[str, Any] = {"ledger_id": "ab" * 16, "chain_id": 1}
STATEMENT = Statement(rollout="toy", stage="beta", judgement="11" * 32, role="CTO", expires=1_935_000_000)


@pytest.fixture(scope="module")
def signed() -> Signoff:
    signer, signature = sign(STATEMENT, KEY, **LEDGER)
    at = datetime(2031, 5, 4, tzinfo=UTC)
    return Signoff(statement=STATEMENT, entry=0, signer=signer, signature=signature, at=at)


def test_a_signature_is_recovered_to_the_address_of_its_key(signed: Signoff) -> None:
    assert signed.signer == Account.from_key(KEY).address.lower()
    assert recover(STATEMENT, signed.signature, **LEDGER) == signed.signer
    assert verify(signed, **LEDGER) == ""


def test_it_is_what_a_wallet_signs(signed: Signoff) -> None:
    """The library's own way from the same JSON gives the same bytes."""
    by_wallet = Account.sign_typed_data(KEY, full_message=json.loads(json.dumps(STATEMENT.typed_data(**LEDGER))))

    assert signed.signature == "0x" + by_wallet.signature.hex().removeprefix("0x")
    assert digest(STATEMENT, **LEDGER) == by_wallet.message_hash


@pytest.mark.parametrize(
    "changed",
    [
        {"rollout": "other"},
        {"stage": "alpha"},
        {"judgement": "22" * 32},
        {"role": "CEO"},
        {"expires": 1_935_000_001},
        {"verdict": "hold"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_another_statement_is_another_signature(signed: Signoff, changed: dict[str, Any]) -> None:
    """Nothing that is signed for can be exchanged."""
    assert verify(replace(signed, statement=replace(STATEMENT, **changed)), **LEDGER).startswith("was signed by 0x")


@pytest.mark.parametrize("elsewhere", [{"ledger_id": "cd" * 16}, {"chain_id": 2}], ids=["ledger", "chain"])
def test_a_signature_counts_in_one_ledger_and_on_one_chain(signed: Signoff, elsewhere: dict[str, Any]) -> None:
    assert verify(signed, **(LEDGER | elsewhere)).startswith("was signed by 0x")


def twin(signature: str) -> str:
    """The other signature of the same key over the same bytes, which a library would accept."""
    raw = bytes.fromhex(signature[2:])
    s = ORDER - int.from_bytes(raw[32:64])
    return "0x" + (raw[:32] + s.to_bytes(32) + bytes([55 - raw[64]])).hex()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (twin, "has an s in the upper half"),
        (lambda text: text[:-2] + "00", "ends in 0, 27 or 28 is needed"),
        (lambda text: text[:-2], "is not 65 bytes"),
        (lambda text: text + "00", "is not 65 bytes"),
        (str.upper, "is not 65 bytes"),
        (lambda _: "", "is not 65 bytes"),
    ],
    ids=["twin", "v of 0", "short", "long", "upper case", "empty"],
)
def test_only_the_canonical_form_is_a_signature(signed: Signoff, change: Any, why: str) -> None:
    """One statement, one key, one signature."""
    assert malformed(change(signed.signature)).startswith(why)
    with pytest.raises(LedgerError, match=why):
        recover(STATEMENT, change(signed.signature), **LEDGER)


def test_bytes_that_fit_no_key_are_told(signed: Signoff) -> None:
    assert "fits no key" in verify(replace(signed, signature="0x" + "00" * 64 + "1b"), **LEDGER)


def test_a_contract_wallet_is_asked(signed: Signoff) -> None:
    """EIP-1271: it is asked for this very digest, and only the magic value is a yes."""
    wallet = replace(signed, contract=True, signature="0xabcd")
    asked: list[tuple[str, bytes, bytes]] = []

    def say(told: bytes) -> Any:
        def ask(address: str, hashed: bytes, raw: bytes) -> bytes:
            asked.append((address, hashed, raw))
            return told

        return ask

    assert verify(wallet, ask=say(EIP_1271_MAGIC + bytes(28)), **LEDGER) == ""
    assert asked == [(wallet.signer, digest(STATEMENT, **LEDGER), b"\xab\xcd")]
    for told in (b"", bytes(32), EIP_1271_MAGIC + b"\x01" * 28, bytes(28) + EIP_1271_MAGIC):
        assert verify(wallet, ask=say(told), **LEDGER) == "is a contract wallet that says no"


def test_a_contract_wallet_that_cannot_be_asked_has_not_signed(signed: Signoff) -> None:
    def ask(*_: object) -> bytes:
        raise NetworkError("network mainnet: gone.")

    wallet = replace(signed, contract=True)
    assert verify(wallet, ask=ask, **LEDGER) == "is a contract wallet that could not be asked: network mainnet: gone"
    assert "no network of kind rpc with the chain id" in verify(wallet, **LEDGER)


def test_keys_come_from_the_environment_or_a_file_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNING_KEY", KEY)
    keystore = tmp_path / "key.json"
    keystore.write_text(json.dumps(Account.encrypt(KEY, "open", kdf="pbkdf2", iterations=1000)))
    keystore.chmod(0o600)

    assert key_from_environment("SIGNING_KEY") == KEY
    assert key_from_keystore(keystore, "open") == KEY[2:]


def test_a_key_that_cannot_be_had_is_told_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong, the sentence holds neither key nor password."""
    keystore = tmp_path / "key.json"
    keystore.write_text(json.dumps(Account.encrypt(KEY, "open", kdf="pbkdf2", iterations=1000)))
    keystore.chmod(0o644)
    with pytest.raises(UsageError, match="others may read it"):
        key_from_keystore(keystore, "open")
    keystore.chmod(0o600)
    with pytest.raises(UsageError, match="the password does not open it") as caught:
        key_from_keystore(keystore, "s3cret-password")
    assert "s3cret" not in str(caught.value)
    keystore.write_text("{")
    with pytest.raises(UsageError, match="is not JSON"):
        key_from_keystore(keystore, "open")
    monkeypatch.setenv("SIGNING_KEY", "11" * 31)
    with pytest.raises(UsageError, match="no private key of 32 bytes") as short:
        sign(STATEMENT, key_from_environment("SIGNING_KEY"), **LEDGER)
    assert "1111" not in str(short.value)
    with pytest.raises(UsageError, match="no such variable"):
        key_from_environment("NO_SUCH_KEY")
