"""The package and what it is made of: every package listed with its licence, a bill of materials, a build that repeats."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
COPYLEFT = re.compile(r"\b(?:A?GPL|GNU (?:Affero )?General Public)", re.IGNORECASE)


@pytest.fixture(scope="module")
def supply() -> ModuleType:
    spec = importlib.util.spec_from_file_location("supply", ROOT / "scripts" / "supply.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_package_that_comes_along_was_looked_at(supply: ModuleType) -> None:
    """A new dependency is listed with its licence, or nobody has read it."""
    here, there = supply.closure(), supply.listed()

    assert {"web3", "pydantic", "pytest", "sqlalchemy", "apprise"} <= here.keys()
    assert [name for name in here if name not in there] == []
    assert [name for name, licence in there.items() if COPYLEFT.search(licence)] == []


def test_a_bill_of_materials_is_complete_and_the_same_twice(supply: ModuleType) -> None:
    first, second = supply.sbom(), supply.sbom()

    assert json.dumps(first) == json.dumps(second)
    assert (first["bomFormat"], first["specVersion"]) == ("CycloneDX", "1.6")
    refs = [each["bom-ref"] for each in first["components"]]
    assert len(refs) == len(set(refs)) == len(supply.closure())
    assert all(each["version"] and each["licenses"] for each in first["components"])
    assert {on for each in first["dependencies"] for on in each["dependsOn"]} <= set(refs)


def test_a_build_comes_out_the_same_twice(supply: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """Another folder, another time, another time zone, another umask: the same bytes, wheel and source."""
    assert supply.build() == []
    names = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert sorted(name.rpartition(".")[2] for name in names) == ["gz", "whl"]


def test_importing_the_package_opens_no_connection() -> None:
    """Nothing is asked of the net before a plan names it."""
    import subprocess
    import sys

    code = """
import socket, sys
def refuse(*_, **__):
    raise AssertionError("a connection at import")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import importlib, pkgutil, pytest_rollout
for each in pkgutil.walk_packages(pytest_rollout.__path__, "pytest_rollout."):
    if not each.name.endswith("__main__"):
        importlib.import_module(each.name)
print("all")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)

    assert (done.stdout.strip(), done.returncode) == ("all", 0), done.stderr


@pytest.mark.parametrize(
    ("says", "status", "told"),
    [
        ("No known vulnerabilities found", 0, []),
        ("Found 1 known vulnerability in 1 package", 1, ["Found 1 known vulnerability in 1 package"]),
        ("ConnectionError: no route to the database", 1, []),
    ],
    ids=["nothing found", "something found", "no database"],
)
def test_an_audit_believes_pip_audit_and_falls_back_to_the_list(
    supply: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    says: str,
    status: int,
    told: list[str],
) -> None:
    """Where it is installed and reaches its database, what it finds fails the check."""
    (tmp_path / "pip_audit.py").write_text(f"import sys\nprint({says!r})\nsys.exit({status})\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    assert supply.audit() == told
    assert ("reached no database: no vulnerability was looked for" in capsys.readouterr().out) is ("Connection" in says)


def test_an_audit_without_a_database_refuses_what_nobody_allowed(
    supply: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = supply.listed()
    del allowed["web3"]
    monkeypatch.setattr(supply, "listed", lambda: allowed)
    monkeypatch.setattr(supply.importlib.util, "find_spec", lambda _: None)

    assert supply.audit() == ["web3: nobody allowed it; look at it, then list it in docs/licences.md"]
