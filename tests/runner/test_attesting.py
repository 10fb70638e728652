"""Attestations against whoever wants to use them for something else: every part forged, swapped or replayed."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from securesystemslib.signer import CryptoSigner, SSlibKey

from pytest_rollout.core.attestation import CLAIMS, SVR, Expected
from pytest_rollout.core.entries import Entry, EntryKind
from pytest_rollout.core.errors import Refused, UsageError
from pytest_rollout.ledger.canonical import digest, encode, parse
from pytest_rollout.ledger.envelope import sealed
from pytest_rollout.ledger.keys import public_key, signer
from pytest_rollout.ledger.sqlite import SqliteLedger
from pytest_rollout.runner.attesting import attested, verified

PLAN = """
[rollout]
name = "toy"
judgement_max_age = "1h"

[networks.local]
kind = "tester"

[metrics.settled]
unit = "ratio"
description = "settled by ${CANARY}"

[flags.values]
swap = "${CANARY}"

[stages.alpha]
network = "local"

[[stages.alpha.criteria]]
name = "escrows settle"
metric = "settled"
promote = "> 90 %"

[stages.beta]
"""
ALPHA = """
import pytest

def test_settles(measure):
    measure('settled', good=99, total=100)

@pytest.mark.advisory
def test_nice_to_have():
    assert False
"""
BETA = "def test_beta():\n    assert False\n"
CANARY = "7c1d9e02bf55aa31"
KEY = CryptoSigner(Ed25519PrivateKey.generate())
OTHER = CryptoSigner(Ed25519PrivateKey.generate())


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A judgement as the ledger has it, and its attestation, signed when it was judged."""

    entry: Entry
    evidence: bytes
    head: Entry
    judged: datetime
    file: bytes

    @property
    def parts(self) -> dict[str, Any]:
        return json.loads(self.file)

    @property
    def statement(self) -> dict[str, Any]:
        return json.loads(base64.b64decode(self.parts["payload"]))


@pytest.fixture(scope="module")
def project(make_project: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    project = make_project(tmp_path_factory.mktemp("attested"))
    project.environment["CANARY"] = CANARY
    return project.write(
        {"rollout.toml": PLAN, "suites/alpha/test_a.py": ALPHA, "suites/beta/test_b.py": BETA}
    ).commit()


@pytest.fixture(scope="module")
def judged(project: Any) -> dict[str, Recorded]:
    """Two gates of one rollout, each judged once: alpha promotes, beta holds."""
    found = {}
    for stage in ("alpha", "beta"):
        project.pytest(f"--stage={stage}", "--rollout-formats=")
        ledger = SqliteLedger.open(project.folder / ".rollout" / "ledger.db")
        entry = ledger.head()
        document = parse(entry.payload)
        evidence = ledger.attachment(document["evidence_digest"])
        moment = datetime.fromisoformat(document["judged_at"])
        file = attested(entry, evidence, entry, KEY, moment)
        found[stage] = Recorded(entry=entry, evidence=evidence, head=entry, judged=moment, file=file)
    return found


@pytest.fixture(scope="module")
def alpha(judged: dict[str, Recorded]) -> Recorded:
    return judged["alpha"]


def why_not(content: bytes, recorded: Recorded, *, key: Any = None, at: timedelta | None = None, **asked: Any) -> str:
    """The one sentence by which it is refused."""
    with pytest.raises(Refused) as refusal:
        verified(content, [key or KEY.public_key], Expected(**asked), recorded.judged + (at or timedelta(minutes=1)))
    return str(refusal.value)


def altered(recorded: Recorded, change: Callable[[dict[str, Any]], Any], signer: CryptoSigner = KEY) -> bytes:
    """The file with another statement in it, signed by whoever has the key: only what it says is wrong."""
    statement = recorded.statement
    change(statement)
    return json.dumps(sealed(encode(statement), signer) | {"enclosed": recorded.parts["enclosed"]}).encode()


def enclosing(recorded: Recorded, **parts: Any) -> bytes:
    return json.dumps(recorded.parts | {"enclosed": recorded.parts["enclosed"] | parts}).encode()


def test_an_attestation_holds_by_the_public_key_alone(alpha: Recorded) -> None:
    proved = verified(alpha.file, [KEY.public_key], Expected(), alpha.judged + timedelta(minutes=59))

    assert proved.document["verdict"] == "promote"
    assert proved.claims.head == alpha.head.digest
    assert proved.claims.judgement == digest(alpha.entry.payload)
    assert proved.key_id == KEY.public_key.keyid


def test_it_is_laid_out_as_in_toto_and_dsse_want_it(alpha: Recorded) -> None:
    """What other tools read: the envelope's own fields, a v1 statement, two known predicates."""
    assert alpha.parts["payloadType"] == "application/vnd.in-toto+json"
    assert alpha.statement["_type"] == "https://in-toto.io/Statement/v1"
    assert alpha.statement["predicateType"] == "https://in-toto.io/attestation/svr/v0.1"
    assert alpha.statement["predicate"]["properties"] == ["PYTEST_ROLLOUT_VERDICT_PROMOTE"]
    assert alpha.statement["predicate"]["verifier"]["id"].startswith("https://")
    results = json.loads(base64.b64decode(alpha.parts["enclosed"]["testResult"]["payload"]))
    assert results["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert results["predicate"]["result"] == "WARNED"
    assert results["predicate"]["warnedTests"] == ["suites/alpha/test_a.py::test_nice_to_have"]
    assert "suites/alpha/test_a.py::test_settles" in results["predicate"]["passedTests"]
    assert results["subject"] == alpha.statement["subject"]


def test_the_subject_names_the_file_that_other_tools_hash(alpha: Recorded, tmp_path: Path) -> None:
    from pytest_rollout.reporting.verdict import digest_of_file

    (first, *_) = alpha.statement["subject"]

    assert first == {"name": "verdict.json", "digest": {"sha256": digest_of_file(alpha.entry.payload)}}


def test_a_hold_is_attested_as_a_hold(judged: dict[str, Recorded]) -> None:
    beta = judged["beta"]
    proved = verified(beta.file, [KEY.public_key], Expected(stage="beta"), beta.judged)

    assert proved.document["verdict"] == "hold"
    assert beta.statement["predicate"]["properties"] == ["PYTEST_ROLLOUT_VERDICT_HOLD"]


def test_a_secret_of_the_plan_travels_with_none_of_it(alpha: Recorded) -> None:
    """The evidence encloses the plan, whose values from the environment stay at home."""
    statement, judgement = (
        base64.b64decode(each) for each in (alpha.parts["payload"], alpha.parts["enclosed"]["judgement"])
    )

    for part in (alpha.evidence, statement, judgement, alpha.file):
        assert CANARY.encode() not in part
    assert b"<CANARY>" in alpha.evidence
    assert str(Path(__file__).parents[2]).encode() not in alpha.evidence


# Who signed ---------------------------------------------------------------------------------------


def test_another_key_is_refused(alpha: Recorded) -> None:
    assert "is not signed by the key that was given" in why_not(alpha.file, alpha, key=OTHER.public_key)


def test_a_key_identifier_is_not_believed(alpha: Recorded) -> None:
    """The attacker signs and writes the name of the key that is trusted."""
    forged = json.loads(altered(alpha, lambda s: None, OTHER))
    forged["signatures"][0]["keyid"] = KEY.public_key.keyid

    assert "is not signed by the key" in why_not(json.dumps(forged).encode(), alpha)


@pytest.mark.parametrize("signatures", [[], [{"sig": ""}], [{"sig": "AAAA"}], [{}], ["x"], None, {}], ids=range(7))
def test_missing_and_broken_signatures_are_refused(alpha: Recorded, signatures: Any) -> None:
    assert why_not(json.dumps(alpha.parts | {"signatures": signatures}).encode(), alpha).startswith("attestation: ")


def test_a_signature_beside_a_strangers_is_found(alpha: Recorded) -> None:
    """Another tool may have signed as well; its signature says nothing to us."""
    both = [{"keyid": "", "sig": base64.b64encode(b"x" * 64).decode()}, *alpha.parts["signatures"]]
    content = json.dumps(alpha.parts | {"signatures": both}).encode()

    assert (
        verified(content, [OTHER.public_key, KEY.public_key], Expected(), alpha.judged).document["verdict"] == "promote"
    )


def test_the_type_of_the_payload_is_signed_too(alpha: Recorded) -> None:
    """DSSE's own encoding: the same bytes under another type are another message."""
    assert "another type" in why_not(json.dumps(alpha.parts | {"payloadType": "text/plain"}).encode(), alpha)


@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP256R1())], ids=["P-256"])
def test_ecdsa_keys_sign_as_well(alpha: Recorded, key: Any) -> None:
    own = CryptoSigner(key)
    file = attested(alpha.entry, alpha.evidence, alpha.head, own, alpha.judged)

    assert verified(file, [own.public_key], Expected(), alpha.judged).document["verdict"] == "promote"
    assert "is not signed by the key" in why_not(file, alpha)


# What is signed -----------------------------------------------------------------------------------


def _claims(statement: dict[str, Any]) -> dict[str, Any]:
    return statement["predicate"][CLAIMS]


FORGERIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "verdict": lambda s: _claims(s).update(verdict="rollback"),
    "property": lambda s: s["predicate"].update(properties=["PYTEST_ROLLOUT_VERDICT_PROMOTE", "SLSA_BUILD_LEVEL_3"]),
    "verifier": lambda s: s["predicate"]["verifier"].update(id="https://elsewhere.example"),
    "rollout": lambda s: _claims(s).update(rollout="vault"),
    "stage": lambda s: _claims(s).update(stage="public"),
    "network": lambda s: _claims(s)["run"].update(network="mainnet"),
    "commit": lambda s: _claims(s)["subject"].update(commit="f" * 40),
    "chain": lambda s: _claims(s)["subject"].update(chain_id="1"),
    "ledger": lambda s: _claims(s)["ledger"].update(id="0" * 32),
    "judged at": lambda s: _claims(s).update(judged_at="2030-01-01T00:00:00+00:00"),
    "valid for longer": lambda s: _claims(s).update(valid_until="2099-01-01T00:00:00+00:00"),
    "evidence": lambda s: _claims(s).update(evidence="0" * 64),
    "test result": lambda s: _claims(s).update(test_result="0" * 64),
    "file": lambda s: _claims(s).update(verdict_file="0" * 64),
    "subject": lambda s: s["subject"].append({"name": "more", "digest": {"sha256": "0" * 64}}),
    "a field of its own": lambda s: _claims(s).update(override="true"),
    "a second predicate": lambda s: s["predicate"].update({"https://pytest-rollout.dev/attestation/v2": {}}),
    "created": lambda s: s["predicate"].update(timeCreated="2020-01-01T00:00:00+00:00"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_statement_that_says_other_than_the_judgement_is_refused(alpha: Recorded, forgery: str) -> None:
    """Even the holder of the key cannot attest what the enclosed judgement does not say."""
    assert why_not(altered(alpha, FORGERIES[forgery]), alpha).startswith("attestation: ")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: s.update(_type="https://in-toto.io/Statement/v0.1"), "_type 'https://in-toto.io/Statement/v0.1'"),
        (lambda s: s.update(_type="https://in-toto.io/Statement/v2"), "is not the one that this version reads"),
        (lambda s: s.update(predicateType=SVR.replace("v0.1", "v0.2")), "predicateType 'https://in-toto.io/att"),
        (lambda s: s.update(predicateType="https://slsa.dev/verification_summary/v1"), "is not the one that"),
        (
            lambda s: s["predicate"].update({CLAIMS.replace("v1", "v0"): s["predicate"].pop(CLAIMS)}),
            "which this version reads, but https://pytest-rollout.dev/attestation/v0",
        ),
        (
            lambda s: s["predicate"].update({CLAIMS.replace("v1", "v2"): s["predicate"].pop(CLAIMS)}),
            "which this version reads, but https://pytest-rollout.dev/attestation/v2",
        ),
        (lambda s: s["predicate"][CLAIMS].pop("ledger"), "no 'ledger'"),
        (lambda s: s["predicate"][CLAIMS]["ledger"].update(entry="2"), "'entry' is '2' where an integer belongs"),
    ],
    ids=["older statement", "newer statement", "newer svr", "another predicate", "downgrade", "newer", "less", "typed"],
)
def test_versions_and_shapes_it_does_not_know_are_refused(
    alpha: Recorded, change: Callable[[dict[str, Any]], Any], told: str
) -> None:
    assert told in why_not(altered(alpha, change), alpha)


# Mix and match ------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["judgement", "evidence", "testResult"])
def test_parts_of_another_attestation_are_refused(judged: dict[str, Recorded], part: str) -> None:
    alpha, beta = judged["alpha"], judged["beta"]
    why = why_not(enclosing(alpha, **{part: beta.parts["enclosed"][part]}), alpha)

    assert why.startswith("attestation: the ")
    assert "enclosed is not" in why


def test_the_envelope_of_another_attestation_is_refused(judged: dict[str, Recorded]) -> None:
    """A hold's evidence under a promotion's signature."""
    alpha, beta = judged["alpha"], judged["beta"]
    mixed = json.dumps(alpha.parts | {"enclosed": beta.parts["enclosed"]}).encode()

    assert "the judgement enclosed is not the one that was signed for" in why_not(mixed, alpha)


def test_a_test_result_signed_by_somebody_else_is_refused(alpha: Recorded) -> None:
    results = base64.b64decode(alpha.parts["enclosed"]["testResult"]["payload"])
    content = enclosing(alpha, testResult=sealed(results, OTHER))

    assert "test result: is not signed by the key" in why_not(content, alpha)
    with pytest.raises(Refused, match="its two statements are signed by different keys"):
        verified(content, [KEY.public_key, OTHER.public_key], Expected(), alpha.judged)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda parts: parts | {"more": 1}, "encloses other parts"),
        (lambda parts: {key: parts[key] for key in parts if key != "enclosed"}, "encloses other parts"),
        (lambda parts: parts | {"enclosed": parts["enclosed"] | {"plan": ""}}, "encloses other parts"),
        (lambda parts: parts | {"enclosed": []}, "encloses other parts"),
    ],
    ids=["more beside", "nothing", "more inside", "a list"],
)
def test_other_parts_are_refused(alpha: Recorded, change: Callable[[dict[str, Any]], Any], told: str) -> None:
    assert told in why_not(json.dumps(change(alpha.parts)).encode(), alpha)


def test_a_promotion_made_up_from_a_hold_is_refused_though_the_key_signs_it(judged: dict[str, Recorded]) -> None:
    """The signer's machine is taken over: evidence still has to give the judgement, byte for byte."""
    beta = judged["beta"]
    document = parse(beta.entry.payload) | {"verdict": "promote", "findings": []}
    forged = replace(beta.entry, payload=encode(document))

    with pytest.raises(Refused, match="judging the enclosed evidence again gives another judgement"):
        attested(forged, beta.evidence, beta.head, KEY, beta.judged)


def test_evidence_that_was_edited_is_refused_though_all_digests_fit(alpha: Recorded) -> None:
    """A measurement made better in the evidence, and every digest taken again."""
    edited = alpha.evidence.replace(b'"good":99', b'"good":98')
    assert edited != alpha.evidence
    document = parse(alpha.entry.payload) | {"evidence_digest": digest(edited)}
    forged = replace(alpha.entry, payload=encode(document))

    with pytest.raises(Refused, match="gives another judgement"):
        attested(forged, edited, alpha.head, KEY, alpha.judged)


def test_evidence_without_its_plan_cannot_be_attested(alpha: Recorded) -> None:
    """A downgrade: an older form of evidence, which nobody could judge again without the plan."""
    older = alpha.evidence.replace(b'"version":3,', b'"version":2,')
    document = parse(alpha.entry.payload) | {"evidence_digest": digest(older)}

    with pytest.raises(Refused, match="the evidence is of version 2, which does not enclose the plan"):
        attested(replace(alpha.entry, payload=encode(document)), older, alpha.head, KEY, alpha.judged)


# Replay -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"rollout": "vault"}, "it is about rollout toy, not vault"),
        ({"stage": "beta"}, "it is about stage alpha, not beta"),
        ({"network": "mainnet"}, "it is about network local, not mainnet"),
        ({"commit": "f" * 40}, "it is about commit "),
        ({"ledger_id": "0" * 32}, "it is about ledger "),
        ({"at_least": 3}, "its judgement is ledger entry 2, older than 3, which is asked for"),
    ],
    ids=["rollout", "stage", "network", "commit", "ledger", "an older one"],
)
def test_a_replay_elsewhere_is_refused(alpha: Recorded, asked: dict[str, Any], told: str) -> None:
    assert told in why_not(alpha.file, alpha, **asked)


def test_what_it_is_about_is_accepted(alpha: Recorded) -> None:
    run, subject = (parse(alpha.entry.payload)[key] for key in ("run", "subject"))
    asked = Expected(
        rollout="toy",
        stage="alpha",
        network="local",
        commit=subject["commit"],
        ledger_id=run["ledger_id"],
        at_least=alpha.entry.sequence,
    )

    assert asked.unasked == ()
    assert verified(alpha.file, [KEY.public_key], asked, alpha.judged)


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (timedelta(hours=1), "it expired on "),
        (timedelta(days=4000), "it expired on "),
        (timedelta(seconds=-61), "it counts from "),
        (timedelta(days=-4000), "it counts from "),
    ],
    ids=["at its end", "long after", "a minute early", "long before"],
)
def test_it_counts_neither_before_nor_after_its_time(alpha: Recorded, at: timedelta, told: str) -> None:
    assert told in why_not(alpha.file, alpha, at=at)


def test_uncommitted_changes_are_no_commit(alpha: Recorded) -> None:
    from pytest_rollout.core.attestation import unexpected

    proved = verified(alpha.file, [KEY.public_key], Expected(), alpha.judged)
    document = proved.document | {"subject": proved.document["subject"] | {"committed": False}}
    wanted = Expected(commit=document["subject"]["commit"])

    assert list(unexpected(document, proved.claims, wanted, alpha.judged)) == [
        "what was judged had changes that its commit does not have"
    ]


# Hostile files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"payload": "", "payload": ""}',
        b"{}",
        b'{"payload": 1}',
    ],
    ids=["empty", "torn", "list", "null", "no text", "nested", "doubled", "nothing", "typed"],
)
def test_what_is_no_attestation_is_refused_in_one_sentence(alpha: Recorded, content: bytes) -> None:
    assert why_not(content, alpha).startswith("attestation: ")


def test_base64_has_one_spelling(alpha: Recorded) -> None:
    """Otherwise one attestation would have many digests."""
    for other in (alpha.parts["payload"] + "\n", alpha.parts["payload"].rstrip("=") + "===="):
        assert "holds no base64" in why_not(json.dumps(alpha.parts | {"payload": other}).encode(), alpha)


def test_a_bomb_is_not_unpacked(alpha: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_rollout.runner.attesting.LARGEST_EVIDENCE", 2**20)
    bomb = base64.b64encode(zlib.compress(b"\0" * 2**24)).decode()

    assert "larger than what is read" in why_not(enclosing(alpha, evidence=bomb), alpha)


# Keys ---------------------------------------------------------------------------------------------


def private(key: Any, password: bytes | None = None) -> bytes:
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)


def half(key: CryptoSigner) -> bytes:
    return key._private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    file = tmp_path / "ci.pem"
    file.write_bytes(private(Ed25519PrivateKey.generate()))
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o610, 0o620])
def test_a_key_file_that_others_may_open_is_refused(pem: Path, mode: int) -> None:
    pem.chmod(mode)

    with pytest.raises(UsageError, match=r"^--key ci.pem: others may read it; run `chmod 600` on it first\.$"):
        signer(str(pem), public=None, password=None)


def test_a_key_comes_from_a_file_or_from_the_environment(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_KEY", pem.read_text())

    by_file, by_name = (signer(each, public=None, password=None) for each in (str(pem), "env:CI_KEY"))

    assert by_file.public_key.keyid == by_name.public_key.keyid


def test_an_encrypted_key_needs_its_password(tmp_path: Path) -> None:
    file = tmp_path / "ci.pem"
    file.write_bytes(private(Ed25519PrivateKey.generate(), b"hunter22"))
    file.chmod(0o600)

    assert signer(str(file), public=None, password=lambda: "hunter22").public_key.scheme == "ed25519"
    for password, told in ((None, "it is encrypted"), (lambda: "hunter23", "the password does not open it")):
        with pytest.raises(UsageError, match=told) as refusal:
            signer(str(file), public=None, password=password)
        assert "hunter" not in str(refusal.value)


SECRET = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0c2VjcmV0\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("env:NOBODY", "the environment has no such variable"),
        ("env:BROKEN", "is no private key in PEM that can sign"),
        ("gone.pem", "cannot be read (No such file or directory)"),
        ("file2:ci.pem", "no keys are kept in 'file2'; give a file, env:NAME, or one of awskms, azurekms,"),
        ("https://keys.example/1", "no keys are kept in 'https'"),
        ("hsm:2", "a file with its public half must be named"),
        ("awskms:alias/ci", "a file with its public half must be named"),
    ],
    ids=["no variable", "no key", "no file", "a scheme of the library", "url", "token", "service"],
)
def test_what_is_no_key_is_refused_and_never_shown(monkeypatch: pytest.MonkeyPatch, given: str, told: str) -> None:
    monkeypatch.setenv("BROKEN", SECRET)

    with pytest.raises(UsageError) as refusal:
        signer(given, public=None, password=None)

    assert told in str(refusal.value)
    assert "c2VjcmV0" not in str(refusal.value)


def test_a_key_behind_a_library_that_is_not_there_is_told(tmp_path: Path, pem: Path) -> None:
    public = tmp_path / "ci.pub"
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    public.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    with pytest.raises(UsageError, match=r"that key cannot be reached .*securesystemslib\[awskms\]"):
        signer("awskms:alias/ci", public=public, password=None)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (private(Ed25519PrivateKey.generate()), "is a private key; verifying takes the public one alone"),
        (b"nothing", "no public key in PEM"),
        (b"x" * 70_000, "too large for a key"),
        (
            rsa.generate_private_key(65537, 2048)
            .public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "signs with rsassa-pss-sha256; allowed are ed25519, ecdsa-sha2-nistp256",
        ),
    ],
    ids=["private", "nothing", "large", "rsa"],
)
def test_only_a_public_key_that_fits_verifies(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "ci.pub"
    file.write_bytes(content)

    with pytest.raises(UsageError, match="^--key ci.pub: ") as refusal:
        public_key(file)

    assert told in str(refusal.value)


def test_a_key_that_does_not_sign_is_told(alpha: Recorded) -> None:
    """A token that was pulled out."""

    class Pulled(CryptoSigner):
        def sign(self, payload: bytes) -> Any:
            raise OSError("CKR_DEVICE_REMOVED pin=1234")

    with pytest.raises(UsageError, match=r"^--key: the key did not sign \(OSError\)\.$"):
        attested(alpha.entry, alpha.evidence, alpha.head, Pulled(Ed25519PrivateKey.generate()), datetime.now(UTC))


def test_openssl_makes_keys_that_fit(tmp_path: Path, pem: Path) -> None:
    """The commands that the documentation gives."""
    import subprocess

    public = tmp_path / "ci.pub"
    subprocess.run(["openssl", "pkey", "-in", pem, "-pubout", "-out", public], check=True, capture_output=True)

    made = public_key(public)
    assert isinstance(made, SSlibKey)
    assert made.keyid == signer(str(pem), public=None, password=None).public_key.keyid


# On the command line ------------------------------------------------------------------------------


@pytest.fixture
def typed(
    judged: dict[str, Recorded], project: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    from pytest_rollout.cli.commands import run

    monkeypatch.chdir(project.folder)
    monkeypatch.setenv("CANARY", CANARY)

    def type_(*arguments: str) -> tuple[int, str]:
        status = run(arguments)
        said = capsys.readouterr()
        return status, said.out + said.err

    return type_


@pytest.mark.parametrize("algorithm", ["ed25519", "ecdsa"])
def test_what_is_typed_is_what_the_documentation_says(
    typed: Callable[..., tuple[int, str]], tmp_path: Path, algorithm: str
) -> None:
    """Attested, verified, and checked by openssl alone, over the bytes that DSSE signs."""
    import subprocess

    def openssl(*arguments: str) -> str:
        return subprocess.run(["openssl", *arguments], check=True, cwd=tmp_path, capture_output=True, text=True).stdout

    kinds = {"ed25519": ["ed25519"], "ecdsa": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]}
    openssl("genpkey", "-algorithm", *kinds[algorithm], "-out", "ci.pem")
    (tmp_path / "ci.pem").chmod(0o600)
    openssl("pkey", "-in", "ci.pem", "-pubout", "-out", "ci.pub")
    file = "reports/toy/alpha/attestation.json"

    status, said = typed("attest", "alpha", "--key", str(tmp_path / "ci.pem"))
    assert (status, said.splitlines()[1]) == (0, f"next: rollout verify {file} --key PUBLIC_KEY")
    status, said = typed("verify", file, "--key", str(tmp_path / "ci.pub"), "--for", "toy:alpha")
    assert status == 0
    assert said.startswith("toy:alpha: PROMOTE, judged again: the same\n")
    assert "not compared with anything: network, commit, ledger" in said

    parts = json.loads(Path(file).read_text())
    payload = base64.b64decode(parts["payload"])
    (tmp_path / "signed").write_bytes(b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload))
    (tmp_path / "signature").write_bytes(base64.b64decode(parts["signatures"][0]["sig"]))
    checks = {
        "ed25519": "pkeyutl -verify -pubin -inkey ci.pub -rawin -in signed -sigfile signature",
        "ecdsa": "dgst -sha256 -verify ci.pub -signature signature signed",
    }
    assert "Verified" in openssl(*checks[algorithm].split()).replace("Signature Verified Successfully", "Verified OK")


def test_a_hold_exits_with_10_and_another_gate_too(
    typed: Callable[..., tuple[int, str]], pem: Path, tmp_path: Path
) -> None:
    key = signer(str(pem), public=None, password=None)
    public = tmp_path / "ci.pub"
    public.write_bytes(half(key))
    file = str(tmp_path / "beta.json")

    assert typed("attest", "beta", "--key", str(pem), "--output", file)[0] == 0
    status, said = typed("verify", file, "--key", str(public))
    assert (status, said.splitlines()[0]) == (10, "toy:beta: HOLD, judged again: the same")
    assert typed("verify", file, "--key", str(public), "--for", "toy:alpha") == (
        10,
        "rollout: attestation: it is about stage beta, not alpha.\n",
    )


def test_a_promote_that_a_newer_run_has_overtaken_is_not_attested(
    judged: dict[str, Recorded],
    project: Any,
    pem: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever has the file would take it for what the gate says now; the newest run may be about to say otherwise."""
    import shutil

    from pytest_rollout.cli.commands import run

    shutil.copytree(project.folder, tmp_path / "project", symlinks=True)
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("CANARY", CANARY)
    ledger = SqliteLedger.open(tmp_path / "project" / ".rollout" / "ledger.db")
    newer = parse(judged["alpha"].entry.payload)["run"] | {"id": "newer", "attempt": 2}
    ledger.append(EntryKind.RUN_STARTED, encode(newer))

    assert run(["attest", "alpha", "--key", str(pem)]) == 10
    assert "toy:alpha: a newer run (newer) was started since the judgement that says PROMOTE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--for", "alpha"], "write ROLLOUT:STAGE"),
        (["--commit", "abc123"], "write the whole commit"),
        (["--at", "tomorrow"], "write a time with its offset"),
        (["--at", "2026-11-02T10:00:00"], "write a time with its offset"),
        ([], "gone.json: cannot be read (No such file or directory)"),
    ],
    ids=["no rollout", "a short commit", "no time", "no offset", "no file"],
)
def test_what_cannot_be_asked_is_told(
    typed: Callable[..., tuple[int, str]], tmp_path: Path, arguments: list[str], told: str
) -> None:
    (tmp_path / "ci.pub").write_bytes(half(KEY))
    status, said = typed("verify", "gone.json", "--key", str(tmp_path / "ci.pub"), *arguments)

    assert status == 4
    assert told in said
