"""Backups verified file by file: a manifest and the files it names are two stores."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.record import FieldKind, Identity
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.store_check import StoreCheck, StoreKind, StoreSettings
from pytest_rollout.core.store_tally import Asked
from pytest_rollout.stores.checks import observe_stores
from pytest_rollout.stores.files import ManifestStore


@pytest.fixture
def backup(tmp_path) -> Path:
    folder = tmp_path / "backup"
    (folder / "deep").mkdir(parents=True)
    for name, content in {"a.json": b"{}", "deep/b.bin": b"\0\1", "with blank": b"c"}.items():
        (folder / name).write_bytes(content)
    return folder


def judged(backup: Path, manifest: str) -> Finding:
    (backup.parent / "SHA256SUMS").write_text(manifest)
    check = StoreCheck(
        name="backup",
        left=StoreSettings(name="manifest", kind=StoreKind.MANIFEST, path=backup.parent / "SHA256SUMS"),
        right=StoreSettings(name="backup", kind=StoreKind.FILES, path=backup),
        asked=Asked(identity=Identity(key=("path",)), kinds={"sha256": FieldKind.HASH}),
    )
    value, source = observe_stores(check, Redactor({}))
    return check.judge("x", Observation(item="x", value=value, source=source))


def sums(backup: Path, *options: str) -> str:
    files = sorted(path.relative_to(backup).as_posix() for path in backup.rglob("*") if path.is_file())
    return subprocess.run(
        ["sha256sum", *options, *files], cwd=backup, capture_output=True, text=True, check=True
    ).stdout


STYLES = {
    "sha256sum": sums,
    "binary": lambda backup: sums(backup, "-b"),
    "tagged": lambda backup: sums(backup, "--tag"),
    "with ./": lambda backup: "# of today\n\n" + sums(backup).replace("  ", "  ./"),
    "JSON": lambda backup: json.dumps(
        {
            path.relative_to(backup).as_posix(): "0x" + hashlib.sha256(path.read_bytes()).hexdigest().upper()
            for path in backup.rglob("*")
            if path.is_file()
        }
    ),
}


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_a_whole_backup_passes(backup, style) -> None:
    finding = judged(backup, style(backup))

    assert (finding.outcome, finding.measured) == (Outcome.PASS, "3 of 3 records the same"), finding.detail


SPOILT = {
    "a changed byte": (lambda b: (b / "deep" / "b.bin").write_bytes(b"\0\2"), "1 differing: deep/b.bin (sha256)"),
    "a file lost": (lambda b: (b / "a.json").unlink(), "1 only in manifest: a.json"),
    "a file added": (lambda b: (b / "new").touch(), "1 only in backup: new"),
    "a link": (lambda b: (b / "link").symlink_to("a.json"), "1 cannot be read: link: is no regular file"),
    "a linked folder": (lambda b: (b / "etc").symlink_to("/etc"), "1 cannot be read: etc: is no regular file"),
    "a pipe": (lambda b: os.mkfifo(b / "pipe"), "1 cannot be read: pipe: is no regular file"),
}


@pytest.mark.parametrize(("spoil", "says"), SPOILT.values(), ids=SPOILT)
def test_a_backup_that_is_not_whole_is_told(backup, spoil, says) -> None:
    manifest = sums(backup)
    spoil(backup)

    finding = judged(backup, manifest)

    assert finding.outcome is Outcome.FAIL
    assert says in finding.measured


MANIFESTS = {
    "a path that leads out": (f"{'a' * 64}  ../../etc/passwd", "names ../../etc/passwd, which leads out of the folder"),
    "an absolute path": (f"{'a' * 64}  /etc/passwd", "names /etc/passwd, which leads out of the folder"),
    "another hash": (f"{'a' * 32}  a.json", "is no line of sha256sum"),
    "no hash in JSON": ('{"a.json": 5}', "is no SHA-256"),
}


@pytest.mark.parametrize(("text", "error"), MANIFESTS.values(), ids=MANIFESTS)
def test_a_line_that_is_none_is_told(tmp_path, text, error) -> None:
    (tmp_path / "m").write_text(text)

    assert [each.error for each in ManifestStore(tmp_path / "m").records()] == [error]


def test_a_file_that_the_manifest_names_twice_is_told(backup) -> None:
    assert "1 of one identity: a.json" in judged(backup, sums(backup) + sums(backup).splitlines()[0]).measured


def test_an_empty_manifest_of_an_empty_folder_is_no_backup(tmp_path) -> None:
    (tmp_path / "backup").mkdir()

    assert judged(tmp_path / "backup", "").outcome is Outcome.ERROR
