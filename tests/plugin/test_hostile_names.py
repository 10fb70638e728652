"""Names, messages and output that try to be something else: judged rightly, shown inertly."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

PLAN = '[rollout]\nname = "toy"\ntitle = "<b>Toy</b> & \\"friends\\" | `x`"\n[stages.alpha]\ntitle = "Alpha"\n'
NAMES = r"""
import pytest

NAMES = [
    "<script>alert(1)</script>", "\x1b[31mred\x1b[0m", "a\nb", "\u202eright to left", "\ud800 alone", "a::b", "a/b",
    "[x]", "]", "' \"", "", " ", "\0", "\\", "é", "日本語", "\U0001f600", "%s %(x)s {}", "|`*_", "&amp;", "x" * 30_000,
]

@pytest.mark.parametrize("name", NAMES)
def test_name(name):
    "<img src=x onerror=alert(1)> \x1b[2J | `doc` \u202e"
    print(name.encode("utf-8", "backslashreplace").decode(), "\x1b[31m\x07\x9b31m ]]> <!--")

@pytest.mark.parametrize("value", NAMES[:4], ids=["first", "first2", "dup", "1"])
def test_id(value):
    pass
"""
FAILING = r"""
import pytest

MESSAGES = [
    "<script>alert(1)</script>", "\x1b[2J\x1b[31mPROMOTE", "::error::forged", "\ud800\udfff", "]]> <!-- &", "| a | b |\n|---|",
    "x" * 1_000_000, "PROMOTE\rHOLD", str(2**256 - 1),
]

@pytest.mark.parametrize("message", MESSAGES, ids=range(len(MESSAGES)))
def test_fails(message):
    assert False, message

class Odd(Exception):
    def __str__(self):
        raise ValueError("no text")

class Surrogate(Exception):
    def __repr__(self):
        return "\udcff"

def test_no_text():
    raise Odd

def test_odd_text():
    raise Surrogate("\udcff")

def test_prints_much():
    print("y" * 1_000_000 + "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
    assert 2**256 - 1 == 0
"""


def check_reports(project) -> str:
    """Each report is well-formed and inert; returns the brief."""
    folder = project.folder / "reports/toy/alpha"
    document = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    junit = ET.fromstring((folder / "junit.xml").read_bytes())
    brief = (folder / "brief.md").read_text(encoding="utf-8")
    results = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("allure-results/*-result.json")]
    assert len(list(junit.iter("testcase"))) == len(document["judgement"]["findings"]) + 1
    assert len(results) >= len(document["judgement"]["findings"])
    assert "\x1b" not in brief + json.dumps(results, ensure_ascii=False)
    assert "\u202e" not in brief
    return brief


@pytest.mark.parametrize("workers", ["0", "2"])
def test_hostile_names_of_passing_tests_promote(bare, workers) -> None:
    """C01: a test is not to blame for its parameters."""
    bare.write({"rollout.toml": PLAN, "suites/test_n.py": NAMES})
    bare.rollout("init")

    ran = bare.pytest("--stage=alpha", "-n", workers)

    assert ran.says == ""
    assert ran.status == 0, ran.err
    assert len(ran.judgement["findings"]) == 25
    assert "PROMOTE" in check_reports(bare)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_hostile_messages_of_failing_tests_hold(bare, workers) -> None:
    """Each is a finding of its own, cut to a length that can be read, and obeyed by nothing."""
    bare.write({"rollout.toml": PLAN, "suites/test_f.py": FAILING})
    bare.rollout("init")

    ran = bare.pytest("--stage=alpha", "-n", workers)

    assert ran.status == 10, ran.err
    assert {f["outcome"] for f in ran.judgement["findings"]} == {"fail", "error"}
    assert len(ran.judgement["findings"]) == 12
    check_reports(bare)
    block = ran.out.rpartition("toy · alpha")[2]
    assert block.startswith(": HOLD")
    assert "\x1b" not in block
    assert (bare.folder / "reports/toy/alpha/verdict.json").stat().st_size < 500_000


def test_files_with_names_that_are_no_text_are_part_of_a_gate(bare) -> None:
    """Data beside a suite may be called anything; a promotion is recorded all the same."""
    bare.write({"rollout.toml": PLAN, "suites/test_n.py": "def test_a():\n    assert True\n"})
    for name in ("data-\udcff.bin", "new\nline.txt", "\x1b[31m.txt", "日本.json", "-k.txt"):
        (bare.folder / "suites" / name).write_bytes(b"x")
    bare.commit()
    bare.rollout("init")

    ran = bare.pytest("--stage=alpha")
    promoted = bare.rollout("promote", "alpha")

    assert ran.says == ""
    assert ran.status == 0, ran.err
    assert promoted.status == 0, promoted.err
    assert "complete" in promoted.out


def test_a_terminal_that_knows_only_ascii_is_no_reason_to_fail(bare) -> None:
    """The verdict's status must not depend on the encoding of a log."""
    bare.write(
        {"rollout.toml": PLAN.replace("Toy", "Tøy"), "suites/test_n.py": "def test_a():\n    assert True\n"}
    ).commit()
    ascii_only = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    bare.rollout("init", env=ascii_only)

    judged = bare.pytest("--stage=alpha", env=ascii_only)
    status = bare.rollout("status", env=ascii_only)
    promoted = bare.rollout("promote", "alpha", "--by", "Zoë", env=ascii_only)

    assert judged.status == 0, judged.err
    assert "PROMOTE" in judged.out
    assert (status.status, promoted.status) == (0, 0), status.err + promoted.err
    assert "Traceback" not in judged.err + status.err + promoted.err
