"""Keys that sign attestations: from a file, from the environment, or where a token or a service keeps them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_rollout.core.errors import UsageError, listed

if TYPE_CHECKING:  # cryptography, for those who sign or verify
    from securesystemslib.signer import Key, Signer, SSlibKey

__all__ = ["ELSEWHERE", "LARGEST_KEY", "SCHEMES", "Key", "Signer", "password_from", "public_key", "signer"]

LARGEST_KEY = 64 * 1024
ELSEWHERE = ("awskms", "azurekms", "gcpkms", "hsm", "hv")
"""Schemes of keys that never leave where they are: the library's own (PKCS#11 is ``hsm``, ``hv`` is Vault)."""
SCHEMES = ("ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384")
"""What a key may sign with. The key decides, never the envelope, so nothing weaker can be asked for."""
_ENVIRONMENT = "env:"


def public_key(path: Path) -> Key:
    """The public key in a PEM file; raises ``UsageError``."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - cryptography
    from securesystemslib.signer import SSlibKey  # noqa: PLC0415 - as above

    try:
        if path.stat().st_size > LARGEST_KEY:
            raise UsageError(f"--key {path.name}: too large for a key.")
        pem = path.read_bytes()
    except OSError as error:
        raise UsageError(f"--key {path.name}: cannot be read ({error.strerror}).") from None
    if b"PRIVATE KEY" in pem:
        raise UsageError(f"--key {path.name}: is a private key; verifying takes the public one alone.")
    try:
        key = SSlibKey.from_crypto(load_pem_public_key(pem))
    except Exception:  # noqa: BLE001 - the libraries raise ValueError, TypeError and their own
        raise UsageError(
            f"--key {path.name}: no public key in PEM (`openssl pkey -in KEY -pubout -out {path.name}`)."
        ) from None
    return _fit(key, f"--key {path.name}")


def signer(given: str, *, public: Path | None, password: Callable[[], str] | None, option: str = "--key") -> Signer:
    """Who signs with the key ``given`` names: a PEM file, ``env:NAME``, or a URI such as ``hsm:2``.

    A file must not be readable by others. ``password`` opens an encrypted key, or is a token's PIN; a
    URI needs ``public``, the file of the key's public half. ``option`` is what sentences call it. Raises
    ``UsageError`` without showing any of it.
    """
    scheme, colon, _ = given.partition(":")
    if colon and scheme in ELSEWHERE:
        return _elsewhere(given, scheme, public, password, option)
    if given.startswith(_ENVIRONMENT):
        name = given.removeprefix(_ENVIRONMENT)
        pem = os.environ.get(name, "").encode("utf-8", "surrogateescape")
        if not pem:
            raise UsageError(f"{option} {_ENVIRONMENT}{name}: the environment has no such variable, or it is empty.")
        return _loaded(pem, f"{option} {_ENVIRONMENT}{name}", password)
    if colon and scheme.isalnum() and not Path(given).exists():
        raise UsageError(
            f"{option}: no keys are kept in '{scheme[:20]}'; give a file, {_ENVIRONMENT}NAME, or one of "
            f"{listed(ELSEWHERE)}."
        )
    return _loaded(_private(Path(given), option), f"{option} {Path(given).name}", password)


def password_from(name: str | None, option: str) -> Callable[[], str] | None:
    """What reads a password from the variable ``name`` when it is needed; None where none is named."""
    if not name:
        return None

    def found() -> str:
        value = os.environ.get(name)
        if value is None:
            raise UsageError(f"{option} {name}: the environment has no such variable.")
        return value

    return found


def _private(path: Path, option: str) -> bytes:
    shown = f"{option} {path.name}"
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            if about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise UsageError(f"{shown}: others may read it; run `chmod 600` on it first.")
            if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST_KEY:
                raise UsageError(f"{shown}: is no file that a key could be in.")
            return file.read(LARGEST_KEY)
    except OSError as error:
        raise UsageError(f"{shown}: cannot be read ({error.strerror}).") from None


def _loaded(pem: bytes, shown: str, password: Callable[[], str] | None) -> Signer:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - as above
    from securesystemslib.signer import CryptoSigner  # noqa: PLC0415 - as above

    secret = password().encode() if password is not None and b"ENCRYPTED" in pem else None
    try:
        made = CryptoSigner(load_pem_private_key(pem, secret))
    except Exception:  # noqa: BLE001 - as above; what they say may hold a part of the key
        hint = "the password does not open it, or it" if secret is not None else "it"
        if secret is None and b"ENCRYPTED" in pem:
            hint = "it is encrypted and no variable with its password is named, or it"
        raise UsageError(
            f"{shown}: {hint} is no private key in PEM that can sign; ed25519 and ECDSA on P-256 do "
            "(`openssl genpkey -algorithm ed25519`)."
        ) from None
    _fit(made.public_key, shown)
    return made


def _elsewhere(given: str, scheme: str, public: Path | None, password: Callable[[], str] | None, option: str) -> Signer:
    from securesystemslib.signer import Signer  # noqa: PLC0415 - as above

    if public is None:
        raise UsageError(f"{option} {scheme}: the key stays where it is, so a file with its public half must be named.")
    handler = None if password is None else lambda _: password()
    try:
        return Signer.from_priv_key_uri(given, public_key(public), handler)
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - each library its own
        raise UsageError(
            f"{option} {scheme}: that key cannot be reached ({type(error).__name__}). Its library may be missing "
            f"(`pip install 'securesystemslib[{_EXTRAS[scheme]}]'`), or the address is another one."
        ) from None


_EXTRAS = {"awskms": "awskms", "azurekms": "azurekms", "gcpkms": "gcpkms", "hsm": "PKCS11", "hv": "vault"}


def _fit(key: SSlibKey, shown: str) -> SSlibKey:
    if key.scheme not in SCHEMES:
        raise UsageError(f"{shown}: signs with {key.scheme}; allowed are {listed(SCHEMES)}.")
    return key
