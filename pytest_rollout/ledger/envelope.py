"""Signed bytes: DSSE envelopes, opened only by a key that was named beforehand."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.attestation import PAYLOAD_TYPE
from pytest_rollout.core.errors import Refused, UsageError

if TYPE_CHECKING:  # cryptography, for those who sign or verify
    from pytest_rollout.ledger.keys import Key, Signer

MOST_SIGNATURES = 16


def sealed(payload: bytes, signer: Signer) -> dict[str, Any]:
    """The envelope of ``payload`` as JSON, signed once and verified; raises ``UsageError`` where that fails."""
    from securesystemslib.dsse import Envelope  # noqa: PLC0415 - cryptography

    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    try:
        envelope.sign(signer)
    except Exception as error:  # noqa: BLE001 - tokens and services raise their own
        raise UsageError(f"--key: the key did not sign ({type(error).__name__}).") from None
    document = dict(envelope.to_dict())
    try:
        opened(document, [signer.public_key], "what the key signed")
    except Refused:
        raise UsageError(
            "--key: what the key signed does not verify by its public half; --public-key is that of another key."
        ) from None
    return document


def opened(envelope: object, keys: Sequence[Key], what: str) -> tuple[bytes, Key]:
    """The payload and the key that signed it; raises ``Refused`` unless one of ``keys`` did.

    Nothing of the payload is looked at before. Which scheme is used is the key's to say; a
    signature by somebody else is passed over, and no key identifier is believed.
    """
    from securesystemslib.dsse import Envelope  # noqa: PLC0415 - as above
    from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError  # noqa: PLC0415 - as above
    from securesystemslib.signer import Signature  # noqa: PLC0415 - as above

    if not isinstance(envelope, Mapping) or not isinstance(envelope.get("signatures"), list):
        raise Refused(f"{what}: is no DSSE envelope.")
    if envelope.get("payloadType") != PAYLOAD_TYPE:
        raise Refused(f"{what}: its payload is of another type than {PAYLOAD_TYPE}.")
    payload, signatures = decoded(envelope.get("payload"), what), envelope["signatures"]
    if not 0 < len(signatures) <= MOST_SIGNATURES:
        raise Refused(f"{what}: has {len(signatures)} signatures; 1 to {MOST_SIGNATURES} are read.")
    signed = Envelope(payload, PAYLOAD_TYPE, {}).pae()
    for each in signatures:
        if not isinstance(each, Mapping):
            raise Refused(f"{what}: is no DSSE envelope.")
        raw = decoded(each.get("sig"), what).hex()
        for key in keys:
            try:
                key.verify_signature(Signature(key.keyid, raw), signed)
            except (UnverifiedSignatureError, VerificationError):
                continue
            return payload, key
    raise Refused(f"{what}: is not signed by the key that was given; do not use it.")


def decoded(text: object, what: str) -> bytes:
    """Bytes from base64 in its one plain spelling; raises ``Refused``."""
    try:
        if isinstance(text, str):
            raw = base64.b64decode(text, validate=True)
            if base64.b64encode(raw).decode() == text:
                return raw
    except (binascii.Error, ValueError):
        pass
    raise Refused(f"{what}: holds no base64 where it must.")
