"""Doors open one way: the import directions of the house, read from the syntax trees."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_rollout

PACKAGE = Path(pytest_rollout.__file__).parent
OUTSIDE = {"networks", "contracts", "flags", "metrics", "notifications", "services", "stores", "consensus"} | {
    "configuration",
    "databases",
}
MAY_ENTER = {
    "core": set(),
    "formats": {"core"},
    "plan": {"core"},
    "networks": {"core"},
    "contracts": {"core", "networks", "formats"},
    "flags": {"core"},
    "metrics": {"core", "sql"},
    "notifications": {"core"},
    "monitoring": {"core"},
    "services": {"core"},
    "sql": {"core"},
    "stores": {"core", "sql"},
    "configuration": {"core", "formats"},
    "databases": {"core", "sql"},
    "consensus": {"core"},
    "ledger": {"core"},
    "reporting": {"core"},
    "runner": {"core", "plan", "ledger", "reporting", "metrics", "networks", "contracts", "flags", "consensus"},
    "recording": set(),
    "faults": {
        "core",
        "plan",
        "ledger",
        "runner",
        "networks",
        "stores",
        "databases",
        "configuration",
        "contracts",
        "metrics",
    },
    "operations": {
        "core",
        "plan",
        "ledger",
        "runner",
        "faults",
        "reporting",
        "metrics",
        "notifications",
        "consensus",
        "contracts",
        "networks",
    },
    "plugin": {"core", "plan", "runner", "operations"} | OUTSIDE,
    "cli": {"core", "plan", "ledger", "reporting", "runner", "operations", "monitoring", "faults"} | OUTSIDE,
    "testing": {"core", "ledger"} | OUTSIDE,
    "__init__": {"core", "consensus"},
    "__main__": {"cli"},
}
HEAVY = {
    "web3": {"networks", "contracts"},
    "eth_tester": {"networks"},
    "eth_account": {"networks", "ledger"},
    "sqlalchemy": {"ledger", "metrics", "databases", "sql", "stores"},
    "psycopg": {"ledger"},
    "sqlglot": {"databases"},
    "alembic": {"databases"},
    "securesystemslib": {"ledger"},
    "cryptography": {"ledger"},
    "rfc8785": {"ledger"},
    "openfeature": {"flags"},
    "apprise": {"notifications"},
    "prometheus_client": {"monitoring", "consensus", "configuration"},
    "allure_commons": {"reporting"},
    "defusedxml": {"services"},
    "jinja2": {"reporting"},
    "jsonschema": {"services", "configuration"},
    "plyvel": {"stores"},
    "msgspec": {"stores"},
    "markdown_it": {"reporting"},
    "markupsafe": {"reporting"},
    "pydantic": {"plan"},
    "pydantic_core": {"plan", "ledger", "metrics"},
    "distributed": {"consensus"},
    "yaml": {"formats"},
    "promql_parser": {"configuration"},
    "kubernetes_validate": {"configuration"},
    "typer": {"cli"},
    "rich": {"cli", "reporting"},
    "pytest": {"plugin", "recording"},
    "_pytest": {"plugin"},
    "xdist": {"plugin"},
}
"""Who may import what, at all."""


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE)
        room = relative.parts[0] if len(relative.parts) > 1 else relative.stem
        yield room, path


def imported(path: Path, *, only_at_import: bool = False) -> Iterator[tuple[str, int]]:
    tree = ast.parse(path.read_text())
    nodes = tree.body if only_at_import else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path.name}:{node.lineno}: relative import"
            if node.module == "pytest_rollout":
                yield from ((f"pytest_rollout.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield node.module, node.lineno


@pytest.mark.parametrize("room", sorted({room for room, _ in modules()}))
def test_a_room_enters_only_the_rooms_it_may(room: str) -> None:
    """core <- plan <- outside rooms <- runner, operations <- plugin, cli; nobody enters plugin or cli."""
    wrong = []
    for each, path in modules():
        if each != room:
            continue
        for name, line in imported(path):
            parts = name.split(".")
            if parts[0] == "pytest_rollout" and len(parts) > 1 and parts[1] not in MAY_ENTER[room] | {room}:
                wrong.append(f"{path.relative_to(PACKAGE)}:{line} imports {name}")

    assert wrong == []


@pytest.mark.parametrize("library", sorted(HEAVY))
def test_a_library_is_imported_by_its_rooms_alone(library: str) -> None:
    """One room knows a library, so it can be replaced in one place."""
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for room, path in modules()
        for name, line in imported(path)
        if name.split(".")[0] == library and room not in HEAVY[library]
    ]

    assert wrong == []


def test_core_knows_the_standard_library_alone() -> None:
    """Rules take values and return values; nothing to install, nothing to open."""
    allowed = set(sys.stdlib_module_names) | {"pytest_rollout"}
    forbidden = {"socket", "subprocess", "os", "time", "sqlite3", "http", "threading", "random"}
    wrong = [
        f"{path.name}:{line} imports {name}"
        for room, path in modules()
        if room == "core"
        for name, line in imported(path)
        if name.split(".")[0] not in allowed or name.split(".")[0] in forbidden
    ]

    assert wrong == []


@pytest.mark.parametrize(
    ("what", "statement"),
    [
        ("plugin", "import pytest, pytest_rollout.plugin"),
        ("supervisor", "import pytest_rollout.runner.supervisor"),
        ("command line", "import pytest_rollout.cli"),
    ],
)
def test_nobody_pays_for_what_is_not_used(what: str, statement: str) -> None:
    """pytest without a stage, --help and a refused command line import no heavy library."""
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}

    assert (
        loaded
        & {
            "web3",
            "eth_tester",
            "sqlalchemy",
            "sqlglot",
            "alembic",
            "openfeature",
            "allure_commons",
            "pydantic",
            "rich",
            "typer",
        }
        == set()
    )
