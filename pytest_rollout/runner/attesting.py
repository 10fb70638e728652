"""A judgement as something a stranger can check: signed, with all it rests on, and judged again by the reader."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.attestation import (
    CLAIMS,
    PROMOTED,
    STATEMENT,
    SVR,
    Claims,
    Expected,
    Moved,
    test_results,
    unexpected,
    verification,
)
from pytest_rollout.core.entries import Entry, EntryKind
from pytest_rollout.core.errors import EvidenceError, LedgerError, Refused
from pytest_rollout.core.history import JudgementRecord, read
from pytest_rollout.core.judging import Question, judge
from pytest_rollout.core.records import Record
from pytest_rollout.ledger.canonical import digest, encode, parse, seal
from pytest_rollout.ledger.envelope import decoded, opened, sealed
from pytest_rollout.reporting.verdict import digest_of_file
from pytest_rollout.runner.overridden import rested
from pytest_rollout.runner.record import unpack

if TYPE_CHECKING:  # cryptography, for those who sign or verify
    from pytest_rollout.ledger.keys import Key, Signer

LARGEST = 2**30
"""The largest attestation that is read, in bytes."""
LARGEST_EVIDENCE = 256 * 2**20
_KEYS = {"payload", "payloadType", "signatures", "enclosed"}
_ENCLOSED = {"judgement", "evidence", "testResult"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """An attestation that holds: the judgement's document, what else was claimed, and whose key signed.

    ``moved`` is the promotion by override, if it tells of one, whose signatures were checked; those of the roles
    in ``unconfirmed`` are contract wallets', which only their chain could confirm.
    """

    document: Mapping[str, Any]
    claims: Claims
    key_id: str
    moved: Moved | None = None
    unconfirmed: tuple[str, ...] = ()


def attested(
    recorded: Entry, evidence: bytes, head: Entry, signer: Signer, now: datetime, moved: Moved | None = None
) -> bytes:
    """The attestation of a recorded judgement, as a file: a DSSE envelope with all it rests on enclosed.

    Judges again first: what does not give the same bytes is not signed, nor is a promotion by override (``moved``)
    that its signatures do not carry. Raises ``Refused``.
    """
    document = parse(recorded.payload)
    question = _same_judgement(recorded.payload, document, evidence)
    claims = Claims(
        judgement=digest(recorded.payload),
        file=digest_of_file(recorded.payload),
        entry=recorded.sequence,
        head=head.digest,
        height=head.sequence,
        signed_at=now,
        valid_until=_until(question),
        version=metadata.version("pytest-rollout"),
    )
    if moved is not None:
        _rests(question, document, claims, moved)
    results = encode(test_results(document, claims))
    envelope = sealed(encode(verification(document, claims, digest(results), moved)), signer)
    enclosed = {
        "judgement": base64.b64encode(recorded.payload).decode(),
        "evidence": base64.b64encode(zlib.compress(evidence)).decode(),
        "testResult": sealed(results, signer),
    }
    return json.dumps(envelope | {"enclosed": enclosed}, separators=(",", ":")).encode() + b"\n"


def verified(content: bytes, keys: Sequence[Key], expected: Expected, now: datetime) -> Verified:
    """What an attestation proves, by the public keys alone; raises ``Refused`` with the first thing wrong.

    The signature comes first. Then both statements are written again from the enclosed judgement,
    the judgement is made again from the enclosed evidence, and each must be the same bytes.
    """
    what = "attestation"
    file = _json(content, what)
    payload, key = opened(file, keys, what)
    if file.keys() != _KEYS or not isinstance(file["enclosed"], dict) or file["enclosed"].keys() != _ENCLOSED:
        raise Refused(f"{what}: encloses other parts than judgement, evidence and test result.")
    try:
        found = _parts(file["enclosed"], payload, keys, key.keyid)
    except LedgerError as error:
        raise Refused(f"{what}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused(f"{what}: is not of this version's shape ({type(error).__name__}).") from None
    for why in unexpected(found.document, found.claims, expected, now):
        raise Refused(f"{what}: {why}.")
    return found


def _parts(enclosed: Mapping[str, Any], payload: bytes, keys: Sequence[Key], key_id: str) -> Verified:
    """The judgement and the claims, after every enclosed part was held against what is signed."""
    what, (claims, moved) = "attestation", _claims(payload)
    judgement = decoded(enclosed["judgement"], f"{what}: judgement")
    if digest(judgement) != claims.judgement:
        raise Refused(f"{what}: the judgement enclosed is not the one that was signed for.")
    document = parse(judgement)
    results, other = opened(enclosed["testResult"], keys, f"{what}: test result")
    if other.keyid != key_id:
        raise Refused(f"{what}: its two statements are signed by different keys.")
    evidence = _inflated(decoded(enclosed["evidence"], f"{what}: evidence"))
    if digest(evidence) != document["evidence_digest"]:
        raise Refused(f"{what}: the evidence enclosed is not what the judgement rests on.")
    if encode(test_results(document, claims)) != results:
        raise Refused(f"{what}: the test result enclosed is not that of the judgement.")
    if encode(verification(document, claims, digest(results), moved)) != payload:
        raise Refused(f"{what}: what is signed is not what the judgement says.")
    question = _same_judgement(judgement, document, evidence)
    if digest_of_file(judgement) != claims.file or _until(question) != claims.valid_until:
        raise Refused(f"{what}: its file or its end is not that of the judgement.")
    unconfirmed = () if moved is None else _rests(question, document, claims, moved)
    return Verified(document=document, claims=claims, key_id=key_id, moved=moved, unconfirmed=unconfirmed)


def _rests(question: Question, document: Mapping[str, Any], claims: Claims, moved: Moved) -> tuple[str, ...]:
    """Whose signatures under a promotion by override only a chain could confirm; raises ``Refused`` if it is none."""
    judgement = read(EntryKind.JUDGEMENT, document, sequence=claims.entry, digest=claims.judgement)
    assert isinstance(judgement, JudgementRecord)  # noqa: S101 - by its kind
    found = rested(question.stage, judgement, moved.promotion, moved.overrides)
    if found.why or moved.entry > claims.height:
        why = found.why or "it is newer than the ledger that is told of"
        raise Refused(f"attestation: the promotion by override in ledger entry {moved.entry} does not stand: {why}.")
    return found.unconfirmed


def _json(content: bytes, what: str) -> dict[str, Any]:
    if len(content) > LARGEST:
        raise Refused(f"{what}: {len(content)} bytes; at most {LARGEST} are read.")
    try:
        found = json.loads(content.decode("utf-8"), object_pairs_hook=_table)
    except (ValueError, RecursionError):
        raise Refused(f"{what}: is no JSON, or says something twice.") from None
    if not isinstance(found, dict):
        raise Refused(f"{what}: is no DSSE envelope.")
    return found


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError
    return table


def _claims(payload: bytes) -> tuple[Claims, Moved | None]:
    statement = Record(parse(payload), "the statement")
    for what, wanted in (("_type", STATEMENT), ("predicateType", SVR)):
        if (given := statement.text(what)) != wanted:
            raise Refused(f"attestation: {what} {given[:80]!r} is not the one that this version reads ({wanted}).")
    predicate = statement.table("predicate")
    if CLAIMS not in predicate.document:
        others = ", ".join(each for each in predicate.document if each.startswith("https://pytest-rollout.dev/"))
        raise Refused(
            f"attestation: it has no {CLAIMS}, which this version reads{f', but {others[:120]}' if others else ''}."
        )
    ours = predicate.table(CLAIMS)
    return Claims.read(ours), Moved.read(ours.table(PROMOTED)) if PROMOTED in ours.document else None


def _inflated(packed: bytes) -> bytes:
    try:
        machine = zlib.decompressobj()
        raw = machine.decompress(packed, LARGEST_EVIDENCE)
    except zlib.error:
        raise Refused("attestation: the evidence enclosed cannot be unpacked.") from None
    if not machine.eof or machine.unused_data:
        raise Refused("attestation: the evidence enclosed is larger than what is read, or torn.")
    return raw


def _same_judgement(judgement: bytes, document: Mapping[str, Any], evidence: bytes) -> Question:
    """Judge the evidence again by the plan it encloses; what was asked. Raises ``Refused`` for other bytes."""
    try:
        question = unpack(evidence, None, document["evidence_digest"])
        again = seal(judge(question))
    except EvidenceError as error:
        raise Refused(f"attestation: {error}") from None
    if again.payload != judgement:
        raise Refused(
            "attestation: judging the enclosed evidence again gives another judgement "
            f"({again.judgement.verdict.value}, {again.digest[:12]}, not {digest(judgement)[:12]}). It was forged, or "
            f"made by another version of pytest-rollout than {metadata.version('pytest-rollout')}."
        )
    if question.rollout.plan_digest != question.subject.plan_digest:
        raise Refused("attestation: the plan enclosed is not the one that was judged by.")
    return question


def _until(question: Question) -> datetime:
    """Until when a judgement counts."""
    return question.judged_at + question.rollout.judgement_max_age
