"""``pytest`` without ``--stage``: the fixtures work, the stage is found, nothing is judged, little is paid."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

OPS = """
[rollout]
name = "{name}"
title = "T"

[networks.local]
kind = "tester"

[flags.values]
transfers = true

[metrics.settled]
unit = "ratio"

[stages.alpha]
title = "Alpha"
network = "local"

[stages.beta]
title = "Beta"
network = "local"
"""
ASKS = "def test_{}(rollout, stage):\n    assert (rollout.name, stage.name) == {!r}\n"


@pytest.fixture(scope="module")
def two(make_project, tmp_path_factory):
    """Two rollouts in folders of their own, unit tests beside them, and a plan in neither's way."""
    project = make_project(tmp_path_factory.mktemp("two"))
    (project.folder / "rollout.toml").unlink()
    return project.write(
        {
            "pyproject.toml": '[tool.pytest]\naddopts = ["--import-mode=importlib"]\n',
            "ops/rollout.toml": OPS.format(name="ops"),
            "ops/suites/alpha/test_a.py": ASKS.format("alpha_by_folder", ("ops", "alpha")),
            "ops/suites/beta/test_b.py": (
                "def test_beta_refused(stage):\n    pass\n\ndef test_beta_plain():\n    pass\n\n"
                "def test_beta_measures(measure):\n    pass\n"
            ),
            "ops/suites/test_any.py": "def test_any_stage(stage):\n    assert stage\n",
            "ops/suites/test_marked.py": (
                "import pytest\n\n@pytest.mark.stage('beta')\n" + ASKS.format("beta_by_marker", ("ops", "beta"))
            ),
            "ops/suites/test_both.py": "import pytest\n\n@pytest.mark.stage('alpha', 'beta')\ndef test_two_markers(network):\n    pass\n",
            "other/rollout.toml": OPS.format(name="other"),
            "other/suites/alpha/test_o.py": "def test_other_rollout(rollout):\n    pass\n\ndef test_other_plain():\n    pass\n",
            "tests/test_unit.py": "def test_unit():\n    pass\n\ndef test_unit_asks(network):\n    pass\n",
        }
    )


def test_a_session_serves_the_stage_of_the_first_test_that_asks(two, outcomes) -> None:
    """Other stages' and rollouts' tests are refused where they ask for it, and run where they do not."""
    came = outcomes(two)

    assert {name for name, each in came.items() if each.outcome == "passed"} == {
        *("test_alpha_by_folder", "test_beta_plain", "test_other_plain", "test_unit", "test_any_stage"),
        "test_two_markers",
    }
    beta = "this session already serves ops:alpha; run one stage of one rollout at a time."
    assert came["test_beta_refused"].text == f"ops/suites/beta/test_b.py::test_beta_refused: {beta}"
    assert came["test_beta_measures"].text.endswith(beta)
    assert came["test_beta_by_marker"].text.endswith(beta)
    assert came["test_other_rollout"].text.endswith(beta)
    assert came["test_unit_asks"].text.endswith(beta)


ALONE = {
    "a marker": ("ops/suites/test_marked.py", "test_beta_by_marker", ""),
    "no stage": (
        "ops/suites/test_any.py",
        "test_any_stage",
        "test_any.py: which stage? This test belongs to several; say one with --stage=ops:alpha (which judges the gate).",
    ),
    "two markers": ("ops/suites/test_both.py", "test_two_markers", "test_both.py: which stage?"),
    "no plan": (
        "tests/test_unit.py",
        "test_unit_asks",
        "test_unit.py: no rollout.toml beside or above it up to project/; create one with `rollout init`.",
    ),
}


@pytest.mark.parametrize(("path", "name", "says"), [pytest.param(*case, id=i) for i, case in ALONE.items()])
def test_a_stage_is_found_by_marker_or_asked_for_in_one_sentence(two, outcomes, path, name, says) -> None:
    """No traceback through this plugin: the sentence alone."""
    came = outcomes(two, path)[name]

    assert came.outcome == ("error" if says else "passed")
    assert came.text.startswith(says)
    assert "Traceback" not in came.text
    assert "\n" not in came.text


def test_a_broken_plan_is_one_sentence_for_each_test_that_asks(bare, outcomes) -> None:
    """The second test gets the same sentence as the first."""
    bare.write(
        {
            "rollout.toml": OPS.format(name="ops").replace('kind = "tester"', 'kind = "tster"'),
            "suites/alpha/test_a.py": "def test_a(network):\n    pass\n\ndef test_b(flags):\n    pass\n",
        }
    )

    came = outcomes(bare)

    assert [came[name].text for name in ("test_a", "test_b")] == [came["test_a"].text] * 2
    assert "Did you mean 'tester'?" in came["test_a"].text
    assert "\n" not in came["test_a"].text


FIXTURES = """
    import pytest
    from pytest_rollout import ContractError, EvidenceError, NetworkError, Reverted

    def test_all(rollout, stage, network, networks, contracts, flags, measure, evidence, tmp_path):
        assert (rollout.name, stage.name) == ("toy", "alpha")
        assert network.chain_id == 31337
        assert set(networks) == {"local", "spare"} and len(networks) == 2
        assert networks["local"] is network
        assert contracts.Probe.functions.number().call() == 1
        assert flags.ask("transfers", default=False).value is True
        measure("settled", good=9, total=10)
        evidence.text("note", "x")
        evidence.json("document", {"big": 2**300})
        (tmp_path / "x.bin").write_bytes(b"\\0")
        evidence.file(tmp_path / "x.bin")

    def test_refusal(contracts):
        with pytest.raises(Reverted) as refused:
            contracts.send(contracts.Probe.functions.refuse(2), sender="user")
        assert refused.value.error == "NoProfile"

    def test_unknown_network(networks):
        with pytest.raises(Exception, match="no network 'lcoal'; the plan has local, spare. Did you mean 'local'"):
            networks["lcoal"]

    def test_unknown_contract(contracts):
        with pytest.raises(ContractError, match="Did you mean 'Probe'"):
            contracts.Prob

    def test_unknown_role(network):
        with pytest.raises(NetworkError, match="admn"):
            network.accounts["admn"]

    def test_unknown_metric(measure):
        with pytest.raises(EvidenceError, match="Did you mean 'settled'"):
            measure("setled", good=1, total=1)
"""


@pytest.mark.parametrize("kind", ["tester", "anvil"])
def test_every_fixture_works_in_an_ordinary_run_and_in_a_gate(chain_project, outcomes, tmp_path, kind) -> None:
    """The same suite, the same chains; only the gate judges."""
    project = chain_project(tmp_path, kind, {"suites/alpha/test_fixtures.py": FIXTURES})

    came = outcomes(project, "suites")
    ran = project.pytest("--stage=alpha", "--rollout-formats=")

    assert {name: each.text for name, each in came.items() if each.outcome != "passed"} == {}
    assert ran.says == ""
    assert ran.judgement["verdict"] == "promote"


def test_an_ordinary_run_pays_for_no_heavy_library(bare) -> None:
    """``--help`` and unit tests of the same repository import none of them."""
    bare.write(
        {
            "rollout.toml": OPS.format(name="ops"),
            "conftest.py": "import sys\n\ndef pytest_unconfigure():\n    print('LOADED', *sorted(sys.modules))\n",
            "test_unit.py": "def test_unit(tmp_path):\n    pass\n",
        }
    )

    ran = bare.pytest("-p", "no:allure_pytest", "-p", "no:hypothesispytest", "-p", "no:xdist")

    loaded = {name.partition(".")[0] for name in ran.out.partition("LOADED")[2].split()}
    assert ran.status == 0
    assert "pytest_rollout" in loaded
    assert loaded & {"web3", "eth_tester", "eth", "sqlalchemy", "openfeature", "allure_commons", "pydantic"} == set()
    assert loaded & {"typer", "rich", "psutil", "jinja2", "rfc8785", "sqlite3", "requests"} == set()


def test_a_contract_is_deployed_sent_to_and_read_without_web3(chain_project, tmp_path: Path) -> None:
    """What the common path does not use, it does not pay for; importing web3 alone takes longer than the test."""
    project = chain_project(
        tmp_path,
        "anvil",
        {
            "suites/alpha/test_a.py": """
import sys

def test_common(contracts, network):
    probe = contracts.Probe
    receipt = contracts.send(probe.functions.store(5))
    assert probe.events.Stored().process_receipt(receipt)[0].args.value == 5
    assert contracts.read({"number": probe.functions.number()}) == {"number": 5}
    network.advance(hours=1)
    loaded = {name.partition(".")[0] for name in sys.modules}
    heavy = {"web3", "eth_tester", "eth", "eth_account", "requests", "sqlalchemy", "openfeature", "aiohttp"}
    heavy |= {"eth_abi", "eth_utils"}
    assert loaded & heavy == set()
    assert "pytest_rollout.contracts.records.reading" not in sys.modules
    assert probe.w3.eth.block_number == receipt.blockNumber + 1
    assert "web3" in sys.modules
"""
        },
    )

    ran = project.pytest("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:xdist")

    assert ran.status == 0, ran.out


def test_collecting_helping_and_debugging_work_as_ever(bare) -> None:
    """Without a stage nothing of pytest is refused, and the plan is no file of items."""
    bare.write({"rollout.toml": OPS.format(name="ops"), "suites/alpha/test_a.py": "def test_a(stage):\n    assert 0\n"})

    collected = bare.pytest("--co", "-q")
    debugged = bare.pytest("--pdb", "-q")
    listed = bare.pytest("--fixtures")
    marks = bare.pytest("--markers")

    assert collected.out.splitlines()[0] == "suites/alpha/test_a.py::test_a"
    assert collected.status == 0
    assert "entering PDB" in debugged.out
    assert debugged.status in {1, 2}
    assert "measure" in listed.out
    assert "@pytest.mark.stage(*names)" in marks.out


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "two workers"])
def test_an_ordinary_run_records_nothing(chain_project, tmp_path, arguments) -> None:
    """No ledger entry, no report; workers open chains of their own."""
    project = chain_project(tmp_path, "tester", {"suites/alpha/test_fixtures.py": FIXTURES})

    ran = project.pytest("-q", "suites", *arguments)
    entries = json.loads(project.rollout("ledger", "show", "--json").out)

    assert ran.status == 0, ran.out
    assert [entry["kind"] for entry in entries] == ["ledger_created"]
    assert not (project.folder / "reports").exists()
