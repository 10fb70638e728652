"""What an attestation says: in-toto statements about one judgement, and what a reader may expect of it.

Two statements speak of the same judgement: a Simple Verification Result with the verdict, and a Test
Result with every item. Both follow from the judgement and a few ``Claims``, so whoever has those can
write them again and compare.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pytest_rollout.core.moves import Promotion
from pytest_rollout.core.override import Override
from pytest_rollout.core.records import Record, Recorded

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
SVR = "https://in-toto.io/attestation/svr/v0.1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
CLAIMS = "https://pytest-rollout.dev/attestation/v1"
"""The key of our own part of the predicate; another version would be another key."""
PROMOTED = "promoted_by_override"
VERIFIER = "https://pytest-rollout.dev/verifier"

SKEW = timedelta(seconds=60)
"""So far apart may two clocks be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What an attestation says beside the judgement itself. Digests are SHA-256 in hex.

    ``judgement`` is the digest of its recorded bytes, ``file`` that of ``verdict.json``. It stands in
    ledger entry ``entry``; when it was signed the ledger's newest entry was ``height`` with digest
    ``head``. It counts from ``signed_at`` until ``valid_until``; ``version`` is ours.
    """

    judgement: str
    file: str
    entry: int
    head: str
    height: int
    signed_at: datetime
    valid_until: datetime
    version: str

    @classmethod
    def read(cls, record: Record) -> Claims:
        """The claims in our part of a predicate; raises ``LedgerError`` where one is missing."""
        ledger = record.table("ledger")
        return cls(
            judgement=record.text("judgement"),
            file=record.text("verdict_file"),
            entry=ledger.number("entry"),
            head=ledger.text("head"),
            height=ledger.number("height"),
            signed_at=record.moment("signed_at"),
            valid_until=record.moment("valid_until"),
            version=record.text("version"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A promotion by override of the judgement: its ledger entry, what that says, and the signatures it rests on."""

    entry: int
    promotion: Promotion
    overrides: tuple[Recorded[Override], ...]

    def document(self) -> dict[str, Any]:
        """As it stands in our part of the predicate."""
        return {
            "entry": self.entry,
            "promotion": self.promotion.document(),
            "overrides": [{"entry": each.sequence, "override": each.value.document()} for each in self.overrides],
        }

    @classmethod
    def read(cls, record: Record) -> Moved:
        """The promotion in our part of a predicate; raises ``LedgerError`` where a field is missing."""
        return cls(
            entry=record.number("entry"),
            promotion=Promotion.read(record.table("promotion")),
            overrides=tuple(
                Recorded(sequence=each.number("entry"), value=Override.read(each.table("override")))
                for each in record.tables("overrides")
            ),
        )


def verification(
    document: Mapping[str, Any], claims: Claims, test_result: str, moved: Moved | None = None
) -> dict[str, Any]:
    """The statement with the verdict; ``test_result`` is the digest of the other statement's bytes.

    The verdict stays what it was where somebody ``moved`` all the same, by override.
    """
    by_override = {} if moved is None else {PROMOTED: moved.document()}
    subject = {key: value for key, value in document["subject"].items() if key != "packages"}
    predicate = {
        "verifier": {"id": VERIFIER, "version": {"pytest-rollout": claims.version}},
        "timeCreated": claims.signed_at.isoformat(),
        "properties": [f"PYTEST_ROLLOUT_VERDICT_{document['verdict'].upper()}"],
        CLAIMS: {
            "verdict": document["verdict"],
            "rollout": document["rollout"]["name"],
            "stage": document["stage"]["name"],
            "run": document["run"],
            "subject": subject,
            "judged_at": document["judged_at"],
            "judgement": claims.judgement,
            "evidence": document["evidence_digest"],
            "verdict_file": claims.file,
            "test_result": test_result,
            "ledger": {
                "id": document["run"]["ledger_id"],
                "entry": claims.entry,
                "head": claims.head,
                "height": claims.height,
            },
            "signed_at": claims.signed_at.isoformat(),
            "valid_until": claims.valid_until.isoformat(),
            "version": claims.version,
            **by_override,
        },
    }
    return _statement(document, claims, SVR, predicate)


def test_results(document: Mapping[str, Any], claims: Claims) -> dict[str, Any]:
    """The statement with every item by how it came out; what did not pass and does not count is a warning."""
    passed: list[str] = []
    warned: list[str] = []
    failed: list[str] = []
    for finding in document["findings"]:
        is_pass = finding["outcome"] == "pass"
        (passed if is_pass else failed if finding["required"] else warned).append(finding["item"])
    predicate = {
        "result": "FAILED" if failed or document["verdict"] != "promote" else "WARNED" if warned else "PASSED",
        "configuration": _configuration(document),
        "passedTests": passed,
        "warnedTests": warned,
        "failedTests": failed,
    }
    return _statement(document, claims, TEST_RESULT, predicate)


def _statement(document: Mapping[str, Any], claims: Claims, kind: str, predicate: dict[str, Any]) -> dict[str, Any]:
    commit = document["subject"]["commit"]
    named = [{"name": f"git+commit:{commit}", "digest": {"gitCommit": commit}}] if commit else []
    return {
        "_type": STATEMENT,
        "subject": [
            {"name": "verdict.json", "digest": {"sha256": claims.file}},
            {"name": "judgement", "digest": {"sha256": claims.judgement}},
            *named,
        ],
        "predicateType": kind,
        "predicate": predicate,
    }


def _configuration(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    subject = document["subject"]
    digests = {
        "rollout.toml": subject["plan_digest"],
        "suite": subject["suite_digest"],
        "packages": subject["packages_digest"],
        "evidence": document["evidence_digest"],
    }
    return [{"name": name, "digest": {"sha256": digest}} for name, digest in digests.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a reader wants an attestation to be about; None is not asked.

    ``at_least`` is the smallest ledger entry the judgement may stand in: who has seen entry 40 takes
    nothing older (a downgrade).
    """

    rollout: str | None = None
    stage: str | None = None
    network: str | None = None
    commit: str | None = None
    ledger_id: str | None = None
    at_least: int | None = None

    @property
    def unasked(self) -> tuple[str, ...]:
        """What is not compared with anything."""
        asked = {
            "rollout and stage": self.stage,
            "network": self.network,
            "commit": self.commit,
            "ledger": self.ledger_id,
        }
        return tuple(name for name, value in asked.items() if value is None)


def unexpected(document: Mapping[str, Any], claims: Claims, expected: Expected, now: datetime) -> Iterator[str]:
    """Why a reader should not take this attestation for what it wants, a clause each."""
    subject = document["subject"]
    for what, given, wanted in (
        ("rollout", document["rollout"]["name"], expected.rollout),
        ("stage", document["stage"]["name"], expected.stage),
        ("network", document["run"]["network"], expected.network),
        ("commit", subject["commit"], expected.commit),
        ("ledger", document["run"]["ledger_id"], expected.ledger_id),
    ):
        if wanted is not None and given != wanted:
            yield f"it is about {what} {given[:80] or 'none'}, not {wanted}"
    if expected.commit is not None and not subject["committed"]:
        yield "what was judged had changes that its commit does not have"
    if expected.at_least is not None and claims.entry < expected.at_least:
        yield f"its judgement is ledger entry {claims.entry}, older than {expected.at_least}, which is asked for"
    if claims.signed_at - SKEW > now:
        yield f"it counts from {claims.signed_at.isoformat()}, and now it is {now.isoformat()}"
    if claims.valid_until <= now:
        yield f"it expired on {claims.valid_until.isoformat()}, and now it is {now.isoformat()}"
