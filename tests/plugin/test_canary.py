"""A canary in every place a secret can come from, sought in every place a run can leave something."""

from __future__ import annotations

import sqlite3
import tempfile
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest

CANARIES = {
    "PRIVATE_KEY": "0x8f2a559490cc2a7ab61c32ed3d8060216ee02e4960a83f97bde6ceb39d4b4d5e",
    "RPC_URL": "http://127.0.0.1:9/v3/c0ffee5ca1ab1e0ddba11ca5cadec0de",
    "DB_URL": "postgresql://gate:hunter2-canary-7781@127.0.0.1:9/payments",
    "DB_PASSWORD": "hunter2-canary-7781",
    "API_TOKEN": "tok_live_canary-51H8xq0LpZ3rT9",
    "PLAIN_VARIABLE": "plain-canary-4b1d8c22",
}
PLAN = """
[rollout]
name = "toy"
environment = ["PRIVATE_KEY", "DB_PASSWORD", "PLAIN_VARIABLE"]

[networks.mainnet]
kind = "rpc"
url = "${RPC_URL}"
chain_id = 1

[databases.payments]
url = "${DB_URL}"

[metrics.latency]
unit = "ms"
source = "prometheus"
url = "http://127.0.0.1:9"
token = "${API_TOKEN}"
query = "latency"

[services.api]
url = "http://127.0.0.1:9"

[flags.values]
owner = "${PRIVATE_KEY}"
variable = "${PLAIN_VARIABLE}"

[stages.alpha]
title = "Alpha"

[stages.alpha.flags]
owner = "${PRIVATE_KEY}"
variable = "no ${DB_PASSWORD}"

[[stages.alpha.criteria]]
name = "latency"
metric = "latency"
promote = "< 100 ms"
over = "1m"

[[stages.alpha.endpoints]]
name = "health"
service = "api"
path = "/health"
headers = { Authorization = "Bearer ${API_TOKEN}" }

[[stages.alpha.commands]]
name = "prints its environment"
run = ["sh", "-c", "env; echo key $PRIVATE_KEY; exit 3"]
environment = ["PRIVATE_KEY", "PLAIN_VARIABLE"]
"""
SUITE = """
import logging, os, signal, subprocess, sys, tempfile
import pytest

KEY, PASSWORD, PLAIN = (os.environ[name] for name in ("PRIVATE_KEY", "DB_PASSWORD", "PLAIN_VARIABLE"))

def test_reaches_the_chain(networks):
    networks["mainnet"].w3.eth.block_number

def test_reaches_the_database(databases):
    databases.payments.query("SELECT 1")

def test_child_prints():
    subprocess.run(["env"], check=True)
    subprocess.run([sys.executable, "-c", f"raise SystemExit('child with {KEY}')"], check=True)

def test_signs():
    from eth_account import Account
    account = Account.from_key(KEY)
    assert vars(account) == {"key": KEY, "raw": bytes.fromhex(KEY[2:])}

def test_nested_locals():
    def inner(key, password):
        everything = {"key": key, "password": [password, {"plain": PLAIN}]}
        raise RuntimeError(everything)
    inner(KEY, PASSWORD)

def test_logs(caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("web3").debug("POST with %s", KEY)
    logging.getLogger("sql").error("password %r", PASSWORD)
    assert not caplog.text

def test_warns_and_attaches(evidence):
    evidence.json("environment", dict(os.environ))
    with pytest.raises(ValueError, match=PLAIN):
        raise ValueError("other")

def test_worker_dies():
    print(PLAIN, KEY, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def spellings() -> dict[str, list[bytes]]:
    key = CANARIES["PRIVATE_KEY"][2:]
    return {
        "PRIVATE_KEY": [key.encode(), key.upper().encode(), str(int(key, 16)).encode()],
        "RPC_URL": [b"c0ffee5ca1ab1e0ddba11ca5cadec0de"],
        "DB_URL": [b"hunter2-canary-7781", quote("hunter2-canary-7781").encode()],
        "API_TOKEN": [b"tok_live_canary"],
        "PLAIN_VARIABLE": [b"plain-canary-4b1d8c22"],
    }


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory, make_bare) -> dict[str, bytes]:
    """Everything that one red gate left behind, place by place: two workers, as loud as pytest can be, one of them killed."""
    project = make_bare(tmp_path_factory.mktemp("canary"))
    temporary = Path(tempfile.mkdtemp(prefix="canary-", dir="/tmp"))
    project.write({"rollout.toml": PLAN, "suites/test_gate.py": SUITE})
    assert project.rollout("init", env=CANARIES).status == 0
    env = CANARIES | {"TMPDIR": str(temporary)}
    places: dict[str, bytes] = {}
    junit, log = project.folder / "reports" / "own.xml", project.folder / "reports" / "own.log"
    loud = ("-vv", "--showlocals", "--tb=long", "-rA", "--full-trace", "-n", "2", "--max-worker-restart=1")
    ran = project.pytest(
        "--stage=alpha", *loud, f"--junitxml={junit}", f"--log-file={log}", "--log-level=DEBUG", env=env
    )
    assert ran.judgement["verdict"] == "hold"
    places["terminal"] = (ran.out + ran.err).encode()
    for number, command in enumerate(
        [("status",), ("status", "--json"), ("promote", "alpha"), ("lint",), ("ledger", "show", "--json"), ("rules",)]
    ):
        told = project.rollout(*command, env=env)
        places[f"rollout {' '.join(command)} {number}"] = (told.out + told.err).encode()
    for folder in (project.folder, temporary):
        for path in folder.rglob("*"):
            if path.is_file():
                places[f"{folder.name}/{path.relative_to(folder).as_posix()}"] = path.read_bytes()
    with sqlite3.connect(project.folder / ".rollout/ledger.db") as database:
        for digest, content in database.execute("SELECT digest, content FROM attachments"):
            places[f"attachment {digest}"] = zlib.decompress(content)
    database.close()
    places["findings"] = ran.says.encode()
    return places


@pytest.mark.parametrize("name", spellings())
def test_no_canary_is_anywhere(left: dict[str, bytes], name: str) -> None:
    """Terminal, tracebacks with locals, Allure, JUnit (ours and pytest's), brief, verdict, ledger, logs, temporary files."""
    found = [place for place, content in left.items() if any(each in content for each in spellings()[name])]

    assert found == []


def test_the_places_are_those_that_could_have_held_it(left: dict[str, bytes]) -> None:
    """The net has no hole: each kind of output is there, and each canary was about to be written."""
    places = "\n".join(left)
    for each in (
        "terminal",
        "own.xml",
        "own.log",
        "verdict.json",
        "brief.html",
        "brief.md",
        "allure-results/",
        "junit.xml",
    ):
        assert each in places, each
    assert sum(place.startswith("attachment ") for place in left) == 1
    everything = b"".join(left.values())
    for name in ("PRIVATE_KEY", "DB_URL", "PLAIN_VARIABLE"):
        assert f"<{name}>".encode() in everything, name
    assert b"the process ended while this test ran" in left["findings"]
