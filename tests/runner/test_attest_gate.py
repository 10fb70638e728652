"""A gate that signs its own judgement: the key is nobody's who runs project code, and changes no verdict."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pytest_rollout.core.rollout import AttestationSettings, Rollout
from pytest_rollout.runner.attest_gate import settings_of

PLAN = """
[rollout]
name = "toy"

[attestation]
key = "env:CI_KEY"

[stages.alpha]

[stages.beta]
"""
SPY = """
import os
from pathlib import Path

def test_no_key_is_here():
    mark = "PRIVATE" + " KEY"
    seen = [*os.environ, *os.environ.values(), Path("/proc/self/environ").read_bytes().decode("utf-8", "replace")]
    for descriptor in Path("/proc/self/fd").iterdir():
        if descriptor.is_file():
            seen.append(descriptor.read_bytes().decode("utf-8", "replace"))
    assert not [each for each in seen if mark in each or "CI_KEY" in each or "ROLLOUT_ATTEST" in each]
"""
RED = "def test_red():\n    assert False\n"
FILE = "reports/toy/{stage}/attestation.json"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A private key in a file of its own, and its public half."""
    key, folder = Ed25519PrivateKey.generate(), tmp_path_factory.mktemp("keys")
    private, public = folder / "ci.pem", folder / "ci.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    private.chmod(0o600)
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture(scope="module")
def template(make_project: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    project = make_project(tmp_path_factory.mktemp("signing"))
    files = {"rollout.toml": PLAN, "suites/alpha/test_a.py": SPY, "suites/beta/test_b.py": RED}
    return project.write(files).commit()


@pytest.fixture
def project(template: Any, tmp_path: Path) -> Any:
    shutil.copytree(template.folder, tmp_path / "project", symlinks=True)
    shutil.rmtree(tmp_path / "project" / ".home")
    return type(template)(tmp_path / "project")


def test_a_gate_signs_what_it_judged_and_no_test_sees_the_key(project: Any, keys: tuple[Path, Path]) -> None:
    """By the plan, from the environment, which the recorder does not get; whoever verifies needs the public half."""
    private, public = keys
    ran = project.pytest("--stage=alpha", "--rollout-formats=", env={"CI_KEY": private.read_text()})

    assert ran.judgement["verdict"] == "promote", ran.out
    assert ran.status == 0
    file = FILE.format(stage="alpha")
    assert f"attested: rollout verify {file} --key PUBLIC_KEY" in ran.out
    verified = project.rollout("verify", file, "--key", str(public), "--for", "toy:alpha")
    assert verified.status == 0, verified.err
    assert "PRIVATE" not in ran.out + ran.err


def test_a_hold_is_signed_as_a_hold(project: Any, keys: tuple[Path, Path]) -> None:
    """The environment names another key than the plan; the status is the verdict's."""
    private, public = keys
    ran = project.pytest("--stage=beta", "--rollout-formats=", env={"ROLLOUT_ATTEST_KEY": str(private)})

    assert ran.status == 10
    assert project.rollout("verify", FILE.format(stage="beta"), "--key", str(public)).status == 10


def test_a_key_that_cannot_be_used_changes_no_verdict(project: Any, keys: tuple[Path, Path], tmp_path: Path) -> None:
    """One sentence each, and no attestation of an earlier run beside the new judgement."""
    loose = tmp_path / "loose.pem"
    loose.write_bytes(keys[0].read_bytes())
    loose.chmod(0o644)
    stale = project.folder / FILE.format(stage="alpha")
    stale.parent.mkdir(parents=True)
    stale.write_text("{}")
    for key, why in (
        (str(loose), "not attested: attestation key loose.pem: others may read it; run `chmod 600` on it first."),
        ("", "not attested: attestation key env:CI_KEY: the environment has no such variable, or it is empty."),
    ):
        ran = project.pytest("--stage=alpha", "--rollout-formats=", env={"ROLLOUT_ATTEST_KEY": key} if key else {})

        assert ran.status == 0
        assert ran.judgement["verdict"] == "promote"
        assert f"{why} The verdict stands; `rollout attest toy:alpha --key KEY` signs it." in ran.err
        assert "Traceback" not in ran.out + ran.err
        assert not stale.exists()


def test_a_key_that_the_tests_get_signs_nothing(project: Any, keys: tuple[Path, Path]) -> None:
    """Whatever project code has could sign anything."""
    plan = PLAN.replace('[attestation]\nkey = "env:CI_KEY"\n', "").replace(
        '"toy"\n', '"toy"\nenvironment = ["CI_KEY"]\n'
    )
    project.write({"rollout.toml": plan}).commit()
    given = {"CI_KEY": keys[0].read_text(), "ROLLOUT_ATTEST_KEY": "env:CI_KEY"}
    ran = project.pytest("--stage=beta", "--rollout-formats=", env=given)

    assert ran.status == 10
    assert "the variable CI_KEY is among rollout.environment, which the tests get" in ran.err
    assert not (project.folder / FILE.format(stage="beta")).exists()


def test_the_environment_goes_before_the_plan_and_neither_is_needed() -> None:
    planned = AttestationSettings(key="hsm:2", public_key=Path("ci.pub"), password_env="PIN")
    rollout = Rollout(name="toy", title="", folder=Path(), plan_digest="", stages=())
    with_key = Rollout(name="toy", title="", folder=Path(), plan_digest="", stages=(), attestation=planned)

    assert settings_of(rollout, {}) is None
    assert settings_of(with_key, {"ROLLOUT_ATTEST_KEY": ""}) == planned
    given = settings_of(with_key, {"ROLLOUT_ATTEST_KEY": "awskms:alias/ci"})
    assert given == AttestationSettings(key="awskms:alias/ci", public_key=Path("ci.pub"), password_env="PIN")
    assert "hsm" not in repr(with_key)
