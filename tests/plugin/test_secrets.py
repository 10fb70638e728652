"""What ``${NAME}`` took from the environment appears nowhere: terminal, reports, ledger and its attachments."""

from __future__ import annotations

import base64
import sqlite3
import subprocess
import sys
import zlib

import pytest

SECRET = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
URL = "https://rpc.example.org/v3/9aa3d95b3bc440fa88ea12eaa4456161"
PLAN = """
[rollout]
name = "toy"
title = "Toy of ${OWNER_KEY}"
environment = ["OWNER_KEY", "RPC_URL"]

[flags.values]
endpoint = "${RPC_URL}"

[stages.alpha]
title = "Alpha"

[stages.alpha.flags]
endpoint = "${RPC_URL}"

[[stages.alpha.checklist]]
text = "Ask the holder of ${OWNER_KEY}"

[stages.beta]
title = "Beta"
"""
LEAKS = """
import base64, logging, os, sys, threading, warnings
import pytest

KEY, URL = os.environ["OWNER_KEY"], os.environ["RPC_URL"]

def test_prints():
    print("key", KEY)
    print(URL, file=sys.stderr)
    logging.getLogger().warning("with %s", KEY)

def test_fails():
    key = KEY
    print("captured", KEY, base64.b64encode(f"x{KEY}".encode()).decode())
    assert {"key": key, "url": URL} == {"key": key.upper(), "url": KEY}, f"{KEY} at {URL}"

def test_raises(evidence, record_property):
    evidence.text(f"name {KEY}", f"content {URL}")
    evidence.json("document", {KEY: [URL, int(KEY, 16)]})
    raise ConnectionError(f"POST {URL} with {KEY[2:].upper()}")

@pytest.fixture
def broken():
    raise RuntimeError(URL)

def test_setup_fails(broken):
    pass

def test_skips():
    pytest.skip(f"no {KEY}")

@pytest.mark.parametrize("key", [KEY, URL])
def test_in_its_name(key):
    assert key == ""

def test_thread():
    def boom():
        raise ValueError(KEY)
    thread = threading.Thread(target=boom)
    thread.start()
    thread.join()

def test_warns():
    warnings.warn(f"old {KEY}", stacklevel=1)
"""
UNCOLLECTABLE = "import os\n\nraise ImportError(os.environ['OWNER_KEY'])\n\ndef test_x():\n    pass\n"


def traces(project, ran) -> list[str]:
    """Every place where a spelling of a secret can be read."""
    spellings = [SECRET[2:].encode(), SECRET[2:].upper().encode(), URL.encode(), b"9aa3d95b3bc440fa88ea12eaa4456161"]
    spellings += [str(int(SECRET, 16)).encode(), base64.b64encode(SECRET.encode())[:40]]
    places = {"the terminal": (ran.out + ran.err).encode()}
    for path in project.folder.rglob("*"):
        if path.is_file() and ".git" not in path.parts:
            places[path.relative_to(project.folder).as_posix()] = path.read_bytes()
    with sqlite3.connect(project.folder / ".rollout/ledger.db") as database:
        for digest, content in database.execute("SELECT digest, content FROM attachments"):
            places[f"attachment {digest}"] = zlib.decompress(content)
    database.close()
    return [place for place, content in places.items() if any(each in content for each in spellings)]


@pytest.fixture
def secretive(bare):
    bare.write({"rollout.toml": PLAN, "suites/test_leaks.py": LEAKS})
    assert bare.rollout("init").status == 0
    bare.environment |= {"OWNER_KEY": SECRET, "RPC_URL": URL}
    return bare


@pytest.mark.parametrize(
    "arguments",
    [
        ("-vv", "--showlocals", "--tb=long", "-rA", "--setup-show"),
        ("-s", "-v", "--log-cli-level=INFO", "--full-trace"),
        ("-n", "2", "-v", "-rA"),
    ],
    ids=["loud", "uncaptured", "workers"],
)
def test_no_secret_is_shown_or_kept_whatever_a_test_does_with_it(secretive, arguments) -> None:
    """An append-only ledger cannot forget; a build log is read by many."""
    report = secretive.folder / "reports" / "pytest.xml"

    ran = secretive.pytest("--stage=alpha", *arguments, f"--junitxml={report}")

    assert ran.status == 10
    assert traces(secretive, ran) == []
    assert "<OWNER_KEY>" in ran.out
    assert "<RPC_URL>" in ran.says
    found = {f["item"]: f["outcome"] for f in ran.judgement["findings"]}
    assert found["suites/test_leaks.py::test_prints"] == "pass"
    assert found["rollout.toml::alpha::flags::endpoint"] == "pass"
    assert found["suites/test_leaks.py::test_in_its_name[<OWNER_KEY>]"] == "fail"
    assert report.is_file()


CRASH = """
import os

def test_crashes():
    key = os.environ["OWNER_KEY"]
    keys = {"key": key, "bytes": bytes.fromhex(key[2:])}
    os.abort()
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_crash_leaves_no_core_and_no_secret(secretive, workers) -> None:
    """Where whoever starts the gate lets processes leave their memory in a file, and asks for tracebacks of crashes."""
    secretive.write({"suites/test_leaks.py": CRASH})
    command = f'ulimit -c unlimited; exec "$0" -m pytest --stage=alpha -vv --showlocals -n {workers}'

    ran = secretive.command("sh", "-c", command, sys.executable, env={"PYTHONFAULTHANDLER": "1"})

    assert ran.status in {3, 10}
    assert "alpha: HOLD" in ran.out
    assert "Fatal Python error: Aborted" in ran.out + ran.err
    assert [path for path in secretive.folder.rglob("core*") if path.is_file()] == []
    assert traces(secretive, ran) == []


def test_what_judges_is_closed_to_other_processes_of_its_user() -> None:
    """A test could read /proc of its parents: their environment holds what was scrubbed from its own."""
    script = (
        "import ctypes, resource\n"
        "from pytest_rollout.runner import recorder\n"
        "recorder.leave_no_core()\n"
        "recorder._adopt_orphans_and_close_up()\n"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "0 (1, 1)\n"


def test_no_secret_is_shown_where_nothing_can_be_collected(secretive) -> None:
    """The error of an import is printed by pytest before any test ran."""
    secretive.write({"suites/test_broken.py": UNCOLLECTABLE})

    ran = secretive.pytest("--stage=alpha", "-vv")

    assert ran.status == 2
    assert traces(secretive, ran) == []
    assert "<OWNER_KEY>" in ran.out


def test_no_secret_is_on_the_command_line_that_is_kept(secretive) -> None:
    """Arguments and narrowings are recorded."""
    ran = secretive.pytest("--stage=alpha", "-k", f"not {SECRET}", "--rollout-formats=junit")

    assert "narrowed by -k not <OWNER_KEY>" in ran.says
    assert traces(secretive, ran) == []


def test_commands_show_and_record_no_secret(secretive) -> None:
    """What a plan asks to be ticked may hold one; the tick's words are those without it."""
    secretive.write({"suites/test_leaks.py": "def test_fine():\n    assert 1 + 1 == 2\n"}).commit()
    ticked = secretive.rollout("check", "alpha", "1", "--note", SECRET, "--by", URL)
    judged = secretive.pytest("--stage=alpha")
    status = secretive.rollout("status")
    promoted = secretive.rollout("promote", "alpha", "--by", SECRET)

    assert (ticked.status, judged.status, promoted.status) == (0, 0, 0), promoted.err + judged.out
    assert "toy (Toy of <OWNER_KEY>)" in status.out
    assert "'Ask the holder of <OWNER_KEY>' ticked by <RPC_URL>" in ticked.out
    for ran in (ticked, judged, status, promoted):
        assert traces(secretive, ran) == []


def test_the_recorder_gets_what_is_on_the_list_and_nothing_else(bare) -> None:
    """``PYTHON*`` and ``PYTEST_*`` could change what runs; a token of the pipeline is none of a suite's business."""
    bare.write(
        {
            "rollout.toml": PLAN.replace('"${RPC_URL}"', '"x"')
            .replace(" of ${OWNER_KEY}", "")
            .replace("${OWNER_KEY}", "x"),
            "suites/test_environment.py": """
                import os

                def test_environment():
                    given = {name for name in os.environ if not name.startswith(("PYTEST_", "PYTHON"))}
                    assert given - {"PATH", "HOME", "COLUMNS", "NO_COLOR", "LANG", "LC_ALL", "CI", "TMPDIR", "LINES"} == {"RPC_URL"}
                    assert os.environ["RPC_URL"] == "x"
                    assert [name for name in os.environ if name.startswith("PYTEST_ROLLOUT")] == []
                    assert "PYTEST_PLUGINS" not in os.environ
                    assert "PYTHONPATH" not in os.environ
                    assert "GITHUB_TOKEN" not in os.environ
                """,
        }
    )
    bare.rollout("init")
    path = bare.environment["PATH"]
    bare.environment = {name: bare.environment[name] for name in ("HOME", "COLUMNS", "NO_COLOR")} | {"PATH": path}
    given = {"RPC_URL": "x", "GITHUB_TOKEN": "t", "PYTEST_PLUGINS": "", "PYTHONPATH": "/nowhere", "CI": "1"}

    ran = bare.pytest("--stage=beta", "--rollout-formats=", env=given | {"LC_ALL": "C"})

    assert ran.says == ""
    assert ran.status == 0
