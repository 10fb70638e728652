"""Declared checks as pytest items: selectable, reported, distributed, and never better than what they saw."""

from __future__ import annotations

import pytest

STATE = """
[stages.alpha.contracts.Probe]
paused = {paused}
owner = "deployer"
calls = { number = {number}, "add(uint256,uint256)" = { arguments = [2, 3], equals = 5 } }

[stages.alpha.flags]
transfers = {transfers}

[stages.beta.exposure]
share = "25 %"
flag = "transfers"
sample = 1000
"""
GOOD = {"{paused}": "false", "{number}": "1", "{transfers}": "true"}
TEST = {"suites/test_a.py": "def test_a():\n    assert True\n"}
PREFIX = "rollout.toml::alpha::"
IDS = [
    *("network::local", "contracts::Probe.paused", "contracts::Probe.owner"),
    *("contracts::Probe.calls.number", "contracts::Probe.calls.add(uint256,uint256)", "flags::transfers"),
]


def state(**wrong: str) -> str:
    text = STATE
    for name, value in (GOOD | {f"{{{name}}}": value for name, value in wrong.items()}).items():
        text = text.replace(name, value)
    return text


@pytest.mark.parametrize("workers", ["0", "2"])
def test_each_declared_line_is_an_item_that_passes_or_not(chain_project, tmp_path, workers) -> None:
    """With and without workers, each is judged once, on what it observed."""
    project = chain_project(tmp_path, "tester", TEST, state())

    ran = project.pytest("--stage=alpha", "-n", workers, "-v", "--rollout-formats=")

    assert ran.says == ""
    assert ran.judgement["verdict"] == "promote"
    passed = [f["item"].removeprefix(PREFIX) for f in ran.judgement["findings"] if f["item"].startswith(PREFIX)]
    assert passed == IDS
    assert all(f"{PREFIX}{each}" in ran.out for each in IDS)


def test_declared_states_are_those_of_one_block(chain_project, tmp_path) -> None:
    """The first item that looks reads for all of them: what is written between two items is in none."""
    conftest = """
import pytest

BOOK = []

@pytest.fixture(scope="session", autouse=True)
def probe(contracts):
    BOOK.append(contracts)
    return contracts.deploy("Probe", 1)

def pytest_runtest_logfinish(nodeid, location):
    if "::contracts::" in nodeid:
        BOOK[0].send(BOOK[0].Probe.functions.store(8))
        BOOK[0].send(BOOK[0].Probe.functions.setPaused(True))
"""
    project = chain_project(tmp_path, "tester", TEST | {"conftest.py": conftest}, state())

    ran = project.pytest("--stage=alpha", "--rollout-formats=")

    looked = {f["item"]: f for f in ran.judgement["findings"] if "::contracts::" in f["item"]}
    assert {(f["outcome"], f["source"]) for f in looked.values()} == {("pass", "local @ 1")}


def test_one_item_can_be_chosen_and_the_gate_holds_as_narrowed(chain_project, tmp_path) -> None:
    """For a look at one state while mending it; the others are told as not run."""
    project = chain_project(tmp_path, "tester", TEST, state())

    ran = project.pytest("--stage=alpha", f"{PREFIX}contracts::Probe.calls.add(uint256,uint256)", "--rollout-formats=")

    assert "1 passed" in ran.out
    assert ran.status == 10
    assert f"narrowed by {PREFIX}contracts::Probe.calls.add(uint256,uint256)" in ran.says
    outcomes = {f["item"]: f["outcome"] for f in ran.judgement["findings"]}
    assert outcomes[f"{PREFIX}contracts::Probe.calls.add(uint256,uint256)"] == "pass"
    assert outcomes[f"{PREFIX}contracts::Probe.paused"] == "not_run"


def test_what_is_wrong_on_the_chain_or_in_a_flag_fails_with_its_value(chain_project, tmp_path) -> None:
    """The value, what is needed, and one sentence in the terminal instead of a traceback."""
    plan = state(paused="true", number="115792089237316195423570985008687907853269984665640564039457584007913129639935")
    plan = plan.replace("transfers = true", "transfers = false")
    project = chain_project(tmp_path, "tester", TEST, plan)

    ran = project.pytest("--stage=alpha", "--rollout-formats=")

    found = {f["item"].removeprefix(PREFIX): f for f in ran.judgement["findings"]}
    assert [found[each]["outcome"] for each in IDS] == ["pass", "fail", "pass", "fail", "pass", "fail"]
    assert (found["contracts::Probe.paused"]["measured"], found["contracts::Probe.paused"]["needed"]) == (
        "false",
        "true",
    )
    assert found["contracts::Probe.calls.number"]["needed"] == str(2**256 - 1)
    assert "Probe paused: false; needs true" in ran.out
    assert "Traceback" not in ran.out


def test_an_exposure_is_asked_of_many_users(chain_project, tmp_path) -> None:
    """A memory flag is on for everybody, which is not 25 %."""
    project = chain_project(tmp_path, "tester", TEST, state())

    ran = project.pytest("--stage=beta", "--rollout-formats=")

    (finding,) = (f for f in ran.judgement["findings"] if f["kind"] == "exposure")
    assert finding["outcome"] == "fail"
    assert finding["item"] == "rollout.toml::beta::exposure::transfers"


TROUBLES = {
    "nothing deployed": ("", "is not deployed; deploy it with contracts.deploy"),
    "set-up raises": (
        "import pytest\n\n@pytest.fixture(scope='session', autouse=True)\ndef probe(contracts):\n    raise OSError('x')\n",
        "could not look: setup failed",
    ),
    "an overridden book": (
        "import pytest\n\n@pytest.fixture(scope='session')\ndef contracts(network):\n    return object()\n",
        "fixture 'contracts' is overridden",
    ),
    "an overridden context": (
        "import pytest\n\n@pytest.fixture(scope='session')\ndef _rollout_context():\n    return object()\n",
        "fixture '_rollout_context' is overridden",
    ),
}


@pytest.mark.parametrize(("conftest", "says"), [pytest.param(*case, id=name) for name, case in TROUBLES.items()])
def test_a_check_that_could_not_look_is_an_error_that_says_why(chain_project, tmp_path, conftest, says) -> None:
    """Neither a pass nor a failure of the contract; what a conftest puts in the way is named."""
    project = chain_project(tmp_path, "tester", TEST | {"conftest.py": conftest}, state())

    ran = project.pytest("--stage=alpha", "--rollout-formats=")

    assert ran.status == 10
    assert says in ran.says
    outcomes = {f["item"].removeprefix(PREFIX): f["outcome"] for f in ran.judgement["findings"]}
    assert outcomes["contracts::Probe.paused"] == "error"


def test_an_expected_secret_is_compared_and_never_shown(chain_project, tmp_path) -> None:
    """DESIGN's own example: a role held by ``${ADMIN}``. The judge compares what is left after redaction."""
    admin, other = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    project = chain_project(tmp_path, "tester", TEST, state().replace('"deployer"', '"${ADMIN}"'))

    right = project.pytest("--stage=alpha", env={"ADMIN": admin})
    wrong = project.pytest("--stage=alpha", env={"ADMIN": other})

    assert right.says == ""
    assert right.judgement["verdict"] == "promote"
    (finding,) = (f for f in wrong.judgement["findings"] if f["outcome"] == "fail")
    assert (finding["title"], finding["needed"]) == ("Probe owner", "<ADMIN>")
    kept = [path for path in project.folder.rglob("*") if path.is_file() and path.suffix != ".toml"]
    assert [path for path in kept if other[2:].lower().encode() in path.read_bytes().lower()] == []
