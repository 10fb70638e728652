"""``rollout replay``: what is typed, what is said, and with what status it ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ENGINES = Path(__file__).parents[1] / "consensus" / "engines_of_tests.py"
PLAN = """
[rollout]
name = "toy"
[engines]
reference = "engines.py:Reference"
candidate = "engines.py:WrongOnce"
[stages.local.engines]
corpus = "blocks.ndjson"
min_comparisons = 10
"""


@pytest.fixture
def chain(bare):
    """A project with two engines and 400 blocks; number 13 of a transaction is what one gets wrong."""
    blocks = [{"index": index, "transactions": [1, 2, 13, 5] if index == 301 else [index % 7]} for index in range(400)]
    return bare.write(
        {
            "rollout.toml": PLAN,
            "engines.py": ENGINES.read_text(),
            "blocks.ndjson": "".join(json.dumps(each) + "\n" for each in blocks),
        }
    )


def replay(chain, *arguments: str):
    return chain.rollout("replay", *arguments, "--workers", "0")


def test_a_divergence_is_told_kept_and_shrunk_and_replays(chain) -> None:
    """First with the plan's engines, then what was kept, then with a candidate that is mended."""
    found = replay(chain, "blocks.ndjson")

    assert (found.status, found.err) == (10, "")
    assert found.out.startswith("400 blocks, 400 compared: 1 divergences (1 differing, ")
    assert "first: block 301 (301): total: reference 21, candidate 22" in found.out
    assert "1 of 4 transactions still diverge" in found.out
    shrunk = next(chain.folder.glob("divergences/301-shrunk-*/input.json"))
    assert json.loads(shrunk.read_text()) == {"index": 301, "transactions": [13]}
    shutil.rmtree(shrunk.parent)
    again = replay(chain, "divergences")
    assert (again.status, again.out.splitlines()[-1]) == (10, "1 of 1 kept divergences still diverge")
    assert "1 of 4 transactions still diverge" in again.out, "what a node or a gate kept is shrunk when it is replayed"
    assert json.loads(shrunk.read_text()) == {"index": 301, "transactions": [13]}
    mended = ("--reference", "engines.py:Reference", "--candidate", "engines.py:Same")
    well = replay(chain, "divergences", *mended)
    assert (well.status, well.out.splitlines()[-1]) == (0, "0 of 2 kept divergences still diverge")


def test_engines_that_agree_end_with_0(chain) -> None:
    same = ("--reference", "engines.py:Reference", "--candidate", "engines.py:Same")
    ran = replay(chain, "blocks.ndjson", *same, "--json")

    assert ran.status == 0
    document = json.loads(ran.out)
    assert (document["blocks"], document["is_clean"], document["counts"]["agreed_refusals"]) == (400, True, 40)


def test_a_bar_shows_how_far_it_is_where_somebody_watches_and_leaves_the_output_alone(chain) -> None:
    """In a terminal on standard error; what is piped on is the result and nothing else."""
    watcher, terminal = os.openpty()
    command = [
        sys.executable,
        "-m",
        "pytest_rollout",
        "replay",
        "blocks.ndjson",
        "--workers",
        "0",
        "--chunk",
        "10",
        "--json",
    ]
    environment = {name: each for name, each in os.environ.items() if name != "NO_PROGRESS"} | {"TERM": "xterm"}
    with subprocess.Popen(
        command, cwd=chain.folder, env=environment, stdout=subprocess.PIPE, stderr=terminal
    ) as process:
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):  # the other end is closed
            while part := os.read(watcher, 4096):
                shown += part
        os.close(watcher)
        assert process.stdout is not None
        document = json.loads(process.stdout.read())

    assert document["blocks"] == 400
    told = [tuple(map(int, each)) for each in re.findall(rb"(\d+) blocks, (\d+) divergences", shown)]
    assert told == sorted(told)
    assert told[-1] == (400, 1)


MISTAKES = {
    "one engine": (
        ("blocks.ndjson", "--candidate", "engines.py:Same"),
        "give both --reference and --candidate, or neither",
    ),
    "one engine twice": (
        ("blocks.ndjson", "--reference", "engines.py:Same", "--candidate", "engines.py:Same"),
        "engines.py:Same is both --reference and --candidate; an engine always agrees with itself.",
    ),
    "no corpus": (("blocks.txt",), "no corpus; its name ends in"),
    "no file": (("other.ndjson",), "no such file"),
    "no engine": (
        ("blocks.ndjson", "--reference", "engines.py:Nobody", "--candidate", "engines.py:Same"),
        "engines.py has no 'Nobody'",
    ),
    "no divergences": ((".git",), "no kept divergence"),
    "no time": (("blocks.ndjson", "--limit", "0"), "the candidate needs more than 0 seconds"),
    "no chunk": (("blocks.ndjson", "--chunk", "0"), "both count from 1"),
    "an unknown rollout": (("blocks.ndjson", "--rollout", "tay"), "Did you mean 'toy'?"),
}


@pytest.mark.parametrize(("arguments", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_sentence(chain, arguments, sentence) -> None:
    (chain.folder / ".git").mkdir()
    ran = replay(chain, *arguments)

    assert ran.status == 4
    assert ran.out == ""
    assert sentence in ran.err
    assert len(ran.err.splitlines()) == 1
