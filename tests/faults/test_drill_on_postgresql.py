"""A drill of a gate whose database is on a real PostgreSQL: copies are spoilt and dropped, the original stays."""

from __future__ import annotations

from typing import Any

from sqlalchemy import make_url

from tests import servers
from tests.faults.drilled import Drilled

PLAN = """
[rollout]
name = "toy"

[databases.app]
url = "${APP}"
copies = "${COPIES}"

[databases.alone]
url = "${APP}"

[stages.beta]

[[stages.beta.databases]]
name = "deals"
database = "app"
table = "deals"
columns = { amount = "integer" }
rows = "> 0"
[[stages.beta.databases]]
name = "counted"
database = "app"
table = "loose"
rows = "> 0"
[[stages.beta.databases]]
name = "without copies"
database = "alone"
table = "deals"
rows = "> 0"
"""
ROWS = """
CREATE TABLE deals (id INTEGER PRIMARY KEY, amount INTEGER NOT NULL);
CREATE TABLE loose (id INTEGER, note TEXT);
INSERT INTO deals VALUES (1, 10);
INSERT INTO loose VALUES (1, 'a');
"""


def test_what_looks_notices_and_the_server_is_as_it_was(bare: Any) -> None:
    """One drill tells all: who looked, who did not, what could not be tried, and that nothing is left behind."""
    with servers.postgresql() as server:
        with servers.owner_of(server) as owner:
            owner.execute("CREATE DATABASE app")
        app = make_url(server).set(database="app", drivername="postgresql").render_as_string(hide_password=False)
        with servers.owner_of(app) as owner:
            owner.execute(ROWS)
        bare.environment |= {"APP": app, "COPIES": server.replace("+psycopg", "")}
        bare.write({"rollout.toml": PLAN, "suites/test_gate.py": "def test_it_runs(stage):\n    assert stage.name\n"})
        assert bare.rollout("init").status == 0

        drilled = Drilled.of(bare, "beta", "--no-tests", "--fault=column-missing", "--fault=table-emptied")

        with servers.owner_of(app) as owner:
            left = owner.execute("SELECT datname FROM pg_database WHERE datname LIKE 'rollout%'").fetchall()
            rows = owner.execute("SELECT amount FROM deals").fetchall()

    assert {(each["fault"], each["item"].rpartition("::")[2]): each["came"] for each in drilled.document["tried"]} == {
        ("column-missing", "deals"): "noticed",
        ("column-missing", "counted"): "missed",
        ("column-missing", "without copies"): "out_of_reach",
        ("table-emptied", "deals"): "noticed",
        ("table-emptied", "counted"): "noticed",
        ("table-emptied", "without copies"): "out_of_reach",
    }
    assert drilled.why("column-missing", "without copies") == (
        "no copy can be made: databases.alone.copies names no server."
    )
    assert "kept-secret" not in f"{drilled.document} {drilled.told}"
    assert (left, rows) == ([], [(10,)])
