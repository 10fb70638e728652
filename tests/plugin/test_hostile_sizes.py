"""A hundred megabytes where a line would do: cut with a note that says so, in bounded memory, and judged all the same."""

from __future__ import annotations

import json
import sys

import pytest

SUITE = r"""
import warnings
import pytest

BIG = "<script>alert(1)</script>\x1b[31m|`@x ![a](b)\u202e=1+1 " * (100 * 1024 * 1024 // 48)
LINES = BIG.replace(" ", "\n")

def test_message():
    raise ValueError(BIG)

def test_prints():
    print(LINES)
    assert not LINES

def test_skips():
    pytest.skip(BIG)

def test_warns():
    warnings.warn(BIG)

@pytest.mark.parametrize("number", [1, 2], ids=["a" * 10_000_000, "a" * 10_000_000 + "b"])
def test_ids(number):
    pass

def test_text(evidence):
    evidence.text("name", BIG)

def test_name(evidence):
    evidence.text(BIG, "text")

def test_file(evidence, tmp_path):
    (tmp_path / "big.txt").write_text(BIG)
    evidence.file(tmp_path / "big.txt")
"""
PLAN = """
[rollout]
name = "toy"

[flags]
provider = "flagd:flags.json"

[stages.alpha]

[stages.alpha.flags]
big = "small"
"""
MEMORY_KIB = 4_000_000


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, make_bare):
    project = make_bare(tmp_path_factory.mktemp("sizes"))
    value = "<b>\x1b[31m" * (40 * 1024 * 1024 // 8)
    flag = {"state": "ENABLED", "variants": {"on": value}, "defaultVariant": "on"}
    flags = json.dumps({"flags": {"big": flag}})
    project.write({"rollout.toml": PLAN, "suites/test_sizes.py": SUITE, "flags.json": flags})
    assert project.rollout("init").status == 0
    limited = f'ulimit -v {MEMORY_KIB}; exec "$0" -m pytest --stage=alpha'
    ran = project.command("sh", "-c", limited, sys.executable)
    verdict = json.loads((project.folder / "reports/toy/alpha/verdict.json").read_text())
    return ran, project.folder / "reports/toy/alpha", verdict["judgement"]


def outcomes(judgement: dict) -> dict[str, str]:
    items = {f["item"].rpartition("::")[2].partition("[")[0]: f["outcome"] for f in judgement["findings"]}
    return {name: outcome for name, outcome in items.items() if name != "sizes"}


def test_each_is_a_finding_of_its_own_and_none_ends_the_gate(judged) -> None:
    """Within four gigabytes, the address space of a small runner; honest ids of that length pass."""
    ran, _, judgement = judged

    assert ran.status == 10, ran.err
    assert outcomes(judgement) == {
        "test_message": "error",
        "test_prints": "fail",
        "test_skips": "not_run",
        "test_warns": "pass",
        "test_ids": "pass",
        "test_text": "error",
        "test_name": "pass",
        "test_file": "error",
        "big": "error",
    }
    ids = [f["item"] for f in judgement["findings"] if "test_ids" in f["item"]]
    assert len(set(ids)) == 2
    assert all(len(each) < 21_000 and "characters cut, sha256 " in each for each in ids)


def test_what_was_cut_is_told_and_nothing_is_obeyed(judged) -> None:
    ran, folder, judgement = judged

    assert len(ran.out) < 3_000_000
    assert ran.out.count("characters cut …") >= 3
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
    sizes = {path.name: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    assert max(sizes.values()) < 1_000_000, sizes
    details = {f["item"]: f.get("detail", "") + f.get("measured", "") for f in judgement["findings"]}
    assert "characters cut …" in details["suites/test_sizes.py::test_message"]
    assert "an event of " in "".join(each for item, each in details.items() if item.endswith("big"))
    assert "at most 5242880 are kept" in details["suites/test_sizes.py::test_file"]


def test_the_record_is_as_small(judged) -> None:
    """The ledger keeps the evidence of every run for ever."""
    _, folder, _ = judged

    assert (folder.parents[2] / ".rollout/ledger.db").stat().st_size < 1_000_000


def test_a_secret_at_the_cut_is_kept_by_neither_half() -> None:
    from pytest_rollout.core.redaction import Redactor

    secret = "canary-7f3a9c1e5b2d8064"
    redactor = Redactor({"KEY": secret})
    for place in (
        *range(66_600, 66_700, 3),
        *range(99_900, 100_200, 5),
        *range(104_000, 104_200, 3),
        *range(135_800, 136_000, 3),
    ):
        text = "x" * place + secret + "y" * (206_640 - place) + secret + "z" * 40_000
        shown = redactor.bounded(text, 100_000)
        assert "canary" not in shown
        assert "b2d8064" not in shown
    short = redactor.bounded(f"{secret} " * 40, 300)
    assert short.startswith("<KEY> <KEY>")
    assert "canary" not in short


@pytest.mark.parametrize("length", [0, 99, 100, 101, 8_291, 8_292, 8_293, 100_000])
def test_a_text_is_cut_where_it_is_longer_than_its_limit_and_says_by_how_much(length: int) -> None:
    from pytest_rollout.core.redaction import Redactor

    text = "".join(chr(ord("a") + n % 26) for n in range(length))
    shown = Redactor({}).bounded(text, 100)

    if length <= 100:
        assert shown == text
    else:
        assert shown == f"{text[:67]}\n… {length - 100:,} characters cut …\n{text[-33:]}"


def test_a_terminal_that_was_left_in_the_middle_of_something_shows_the_verdict(project) -> None:
    """A suite that conceals, changes the characters or swallows what follows hides no hold behind a forged promote."""
    hides = (
        "import sys\n\ndef test_a():\n    sys.stdout.write('\\x1b[8m\\x1b(0\\x0ePROMOTE \\x1bPq')\n    assert False\n"
    )
    project.write({"suites/test_a.py": hides})
    script = (
        "import os, pty, sys\n"
        "os.environ['TERM'] = 'xterm'\n"
        "status = pty.spawn([sys.executable, '-m', 'pytest', '--stage=alpha', '-s'])\n"
        "sys.exit(os.waitstatus_to_exitcode(status))\n"
    )

    ran = project.command(sys.executable, "-c", script)

    assert ran.status == 10
    before, restored, block = ran.out.rpartition("\x18\x1b\\\x1b[!p\x1b(B\x0f\x1b[0m")
    assert "\x1bPq" in before
    assert restored
    assert "alpha: HOLD" in block
    assert "\x1b" not in block
