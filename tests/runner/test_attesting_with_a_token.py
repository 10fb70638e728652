"""A key that never leaves its token: a real PKCS#11 library, SoftHSM, signs what `rollout attest` hands it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PIN = "canary-pin-7731"
PLACES = ("usr/lib/softhsm", "usr/lib/*/softhsm", "opt/homebrew/lib/softhsm")
MODULES = [path for place in PLACES for path in Path("/").glob(f"{place}/libsofthsm2.so")]


@dataclass(frozen=True)
class Token:
    """A token with one key on each of two curves, their public halves, and the environment that reaches it."""

    folder: Path
    environment: dict[str, str]

    def public(self, curve: str) -> str:
        return str(self.folder / f"{curve}.pub")


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Token:
    assert MODULES, "SoftHSM is not installed; on Debian: apt-get install softhsm2"
    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    environment = {"SOFTHSM2_CONF": str(folder / "softhsm2.conf"), "PYKCS11LIB": str(MODULES[0])}

    def run(*command: str) -> None:
        subprocess.run(
            command, cwd=folder, check=True, capture_output=True, env={"PATH": "/usr/bin:/usr/local/bin"} | environment
        )

    run("softhsm2-util", "--init-token", "--free", "--label", "gate", "--pin", PIN, "--so-pin", "owner-pin")
    for number, (curve, name) in enumerate({"p256": "prime256v1", "p384": "secp384r1"}.items(), start=1):
        run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{name}", "-out", f"{curve}.pem")
        run("openssl", "pkey", "-in", f"{curve}.pem", "-pubout", "-out", f"{curve}.pub")
        run(
            "softhsm2-util",
            "--import",
            f"{curve}.pem",
            "--token",
            "gate",
            "--label",
            curve,
            "--id",
            f"0{number}",
            "--pin",
            PIN,
        )
        (folder / f"{curve}.pem").unlink()  # from here on the token alone has it
    return Token(folder, environment)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, make_project: Any) -> Any:
    project = make_project(tmp_path_factory.mktemp("judged"))
    project.write({"suites/test_a.py": "def test_a():\n    assert True\n"})
    assert project.pytest("--stage=alpha").status == 0
    return project


@pytest.mark.parametrize(("key", "curve"), [("hsm:1?label=gate", "p256"), ("hsm:2", "p384")], ids=["p256", "p384"])
def test_a_token_signs_and_the_public_half_verifies(token: Token, judged: Any, key: str, curve: str) -> None:
    """As the documentation says it: the module by `PYKCS11LIB`, the PIN by `--password-env`."""
    pin = {"PIN": PIN}
    arguments = (
        "--key",
        key,
        "--public-key",
        token.public(curve),
        "--password-env",
        "PIN",
        "--output",
        f".rollout/{curve}.json",
    )

    attested = judged.rollout("attest", "alpha", *arguments, env=token.environment | pin)
    verified = judged.rollout("verify", f".rollout/{curve}.json", "--key", token.public(curve), "--for", "toy:alpha")

    assert attested.status == 0, attested.err
    assert verified.status == 0, verified.err
    assert verified.out.startswith("toy:alpha: PROMOTE, judged again: the same\n")
    assert PIN not in attested.out + attested.err + (judged.folder / f".rollout/{curve}.json").read_text()


@pytest.mark.parametrize(
    ("key", "curve", "changes"),
    [
        ("hsm:1", "p256", {"PIN": "wrong-pin"}),
        ("hsm:9", "p256", {}),
        ("hsm:2", "p256", {}),
        ("hsm:1?label=other", "p256", {}),
        ("hsm:1", "p256", {"PYKCS11LIB": "/nowhere.so"}),
        ("hsm:1", "p256", {"SOFTHSM2_CONF": "/nowhere.conf"}),
    ],
    ids=["wrong PIN", "no such key", "another key", "no such token", "no such module", "an empty token"],
)
def test_a_token_that_cannot_sign_is_one_sentence(
    token: Token, judged: Any, key: str, curve: str, changes: dict[str, str]
) -> None:
    """No attestation is left, and the PIN is in no sentence."""
    pin = {"PIN": PIN}
    arguments = (
        "--key",
        key,
        "--public-key",
        token.public(curve),
        "--password-env",
        "PIN",
        "--output",
        ".rollout/none.json",
    )

    refused = judged.rollout("attest", "alpha", *arguments, env=token.environment | pin | changes)

    assert refused.status == 4, refused.out
    assert refused.err.startswith("rollout: --key")
    assert refused.err.count("\n") == 1
    assert PIN not in refused.err
    assert "wrong-pin" not in refused.err
    assert not (judged.folder / ".rollout/none.json").exists()
