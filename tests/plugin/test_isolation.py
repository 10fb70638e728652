"""What a test does to a chain is undone after it, what was set up for more stays as long as it was set up for."""

from __future__ import annotations

import pytest

SUITE = {
    "conftest.py": """
        import pytest

        @pytest.fixture(scope="session", autouse=True)
        def probe(contracts, network):
            network.base = None
            probe = contracts.deploy("Probe", 1)
            network.base = state(network)
            return probe

        def state(network):
            eth = network.w3.eth
            people = [network.accounts[role] for role in ("admin", "user", "other")]
            return {
                "head": network.head().hash,
                "time": network.head().timestamp,
                "balances": [eth.get_balance(each) for each in people],
                "nonces": [eth.get_transaction_count(each) for each in people],
            }

        @pytest.fixture
        def now(network):
            return state(network)

        @pytest.fixture
        def stored(contracts):
            return lambda: contracts.Probe.functions.number().call()

        @pytest.fixture
        def store(contracts):
            return lambda value: contracts.send(contracts.Probe.functions.store(value), sender="user")

        @pytest.fixture
        def set_up(contracts):
            contracts.send(contracts.Probe.functions.store(5))

        def pytest_collection_modifyitems(items):
            import os
            if "BACKWARDS" in os.environ:
                items.reverse()
        """,
    "suites/alpha/test_a_functions.py": """
        def test_everything_written(network, contracts, store, stored):
            store(99)
            network.advance(hours=3)
            network.mine(4)
            network.w3.eth.send_transaction({"from": network.accounts["user"], "to": network.accounts["other"], "value": 7})
            contracts.deploy("Probe", 5, as_="Second")
            contracts.at("Third", contracts.Second.address, artifact="Probe")
            assert stored() == 99

        def test_everything_undone(network, contracts, stored, now):
            assert now == network.base
            assert stored() == 1
            assert contracts.names() == ["Probe"]

        def test_set_up_by_a_function_fixture(set_up, stored):
            assert stored() == 5

        def test_undone_with_its_function_fixture(stored, now, network):
            assert stored() == 1
            assert now == network.base

        def test_a_failure_is_undone_as_well(store):
            import pytest
            store(98)
            with pytest.raises(ZeroDivisionError):
                1 / 0

        def test_after_a_failure(stored):
            assert stored() == 1
        """,
    "suites/alpha/test_b_modules.py": """
        import pytest

        @pytest.fixture(scope="module", autouse=True)
        def module(contracts):
            contracts.send(contracts.Probe.functions.store(7))
            contracts.deploy("Probe", 70, as_="OfModule")
            yield
            assert contracts.Probe.functions.number().call() == 7, "undone before its own tear-down"
            contracts.send(contracts.Probe.functions.store(8))

        @pytest.fixture(scope="module")
        def later(contracts):
            contracts.send(contracts.Probe.functions.store(7, ))
            return contracts.deploy("Probe", 71, as_="Later")

        def test_module_state(stored, store, contracts):
            assert stored() == 7
            assert "OfModule" in contracts
            store(77)

        def test_module_state_again(stored):
            assert stored() == 7

        class TestClass:
            @pytest.fixture(scope="class", autouse=True)
            def of_class(self, contracts):
                contracts.send(contracts.Probe.functions.store(20))

            def test_class_state(self, stored, store):
                assert stored() == 20
                store(21)

            def test_class_state_again(self, stored):
                assert stored() == 20

        def test_class_undone(stored, contracts):
            assert stored() == 7

        def test_module_fixture_set_up_later_stays(later, contracts):
            assert later.functions.number().call() == 71

        def test_module_fixture_stays(later, contracts):
            assert contracts.Later.functions.number().call() == 71
        """,
    "suites/alpha/test_c_after_modules.py": """
        def test_modules_undone(stored, now, network, contracts):
            assert stored() == 1
            assert now == network.base
            assert contracts.names() == ["Probe"]
        """,
    "suites/alpha/test_d_dynamic.py": """
        def test_dynamic(request):
            contracts = request.getfixturevalue("contracts")
            contracts.send(contracts.Probe.functions.store(50))

        def test_dynamic_undone(stored):
            assert stored() == 1

        def test_spare_opened_in_the_body(networks):
            spare = networks["spare"]
            spare.mine(3)
            assert spare.head().number == 3

        def test_spare_undone(networks):
            assert networks["spare"].head().number == 0

        def test_no_fixture_of_ours():
            assert True
        """,
    "suites/alpha/test_e_autouse.py": """
        import pytest

        @pytest.fixture(autouse=True)
        def always(contracts):
            contracts.send(contracts.Probe.functions.store(contracts.Probe.functions.number().call() + 1))

        @pytest.mark.parametrize("time", range(3))
        def test_autouse_is_undone_each_time(time, stored):
            assert stored() == 2
        """,
}


@pytest.mark.parametrize("kind", ["tester", "anvil"])
@pytest.mark.parametrize("order", ["forwards", "backwards"])
def test_every_scope_starts_from_the_state_it_began_with(chain_project, outcomes, tmp_path, kind, order) -> None:
    """Balances, nonces, time, storage, blocks and known contracts; the same on both chains, in any order."""
    project = chain_project(tmp_path, kind, SUITE)

    came = outcomes(project, "suites", env={"BACKWARDS": "1"} if order == "backwards" else None)

    assert {name: each.text for name, each in came.items() if each.outcome != "passed"} == {}
    assert len(came) == 22


def test_a_gate_with_workers_isolates_as_well(chain_project, tmp_path) -> None:
    """Each worker has a chain of its own."""
    project = chain_project(tmp_path, "anvil", SUITE)

    ran = project.pytest("--stage=alpha", "-n", "2", "--rollout-formats=")

    assert ran.says == ""
    assert ran.judgement["verdict"] == "promote"


OPENED_LATE = {
    "conftest.py": "",
    "suites/alpha/test_body.py": """
        def test_opens_in_its_body(request):
            network = request.getfixturevalue("network")
            contracts = request.getfixturevalue("contracts")
            contracts.deploy("Probe", 1)
            assert network.head().number == 1

        def test_finds_nothing(network, contracts):
            assert network.head().number == 0
            assert contracts.names() == []
        """,
    "suites/alpha/test_module.py": """
        import pytest

        @pytest.fixture(scope="module")
        def spare(networks):
            chain = networks["spare"]
            chain.mine(2)
            return chain

        def test_opened_by_a_module(spare):
            assert spare.head().number == 2
            spare.mine()

        def test_stays_for_the_module(spare):
            assert spare.head().number == 2
        """,
    "suites/alpha/test_next.py": """
        def test_opened_by_a_module_undone(networks):
            assert networks["spare"].head().number == 0
        """,
}


def test_a_chain_opened_within_a_scope_is_undone_with_it(chain_project, outcomes, tmp_path) -> None:
    """Nobody asked for it before, so there was nothing to keep until it was opened."""
    came = outcomes(chain_project(tmp_path, "tester", OPENED_LATE), "suites")

    assert {name: each.text for name, each in came.items() if each.outcome != "passed"} == {}
    assert len(came) == 5


LATE = {
    "suites/alpha/test_late.py": """
        import pytest

        @pytest.fixture(scope="module", autouse=True)
        def module(contracts):
            contracts.send(contracts.Probe.functions.store(7))

        @pytest.fixture(scope="session")
        def late_writer(contracts):
            contracts.send(contracts.Probe.functions.store(8))

        @pytest.fixture(scope="session")
        def late_reader(contracts):
            return contracts.Probe.functions.number().call()

        @pytest.fixture(scope="module")
        def module_writer(contracts):
            contracts.send(contracts.Probe.functions.store(9))

        def test_first():
            pass

        def test_session_reads_late(late_reader):
            assert late_reader == 7

        def test_session_writes_late(late_writer):
            pass

        def test_session_wrote_late_before(late_writer):
            pass

        def test_module_writes_in_a_test(request, contracts):
            contracts.send(contracts.Probe.functions.store(10))
            request.getfixturevalue("module_writer")
        """,
    "suites/alpha/test_next.py": """
        def test_undone_with_the_module(contracts):
            assert contracts.Probe.functions.number().call() == 1
        """,
}


@pytest.mark.parametrize("kind", ["tester", "anvil"])
def test_a_wider_fixture_that_writes_late_is_told(chain_project, outcomes, tmp_path, kind) -> None:
    """Its work would vanish with the scope that began before it; a value without its work is not handed out."""
    came = outcomes(chain_project(tmp_path, kind, LATE), "suites")

    said = {name: each.text for name, each in came.items() if each.outcome != "passed"}
    session = (
        "fixture 'late_writer' (session) wrote to network local after suites/alpha/test_late.py had begun, so its work "
        "would be undone with it; make it autouse=True, so that it is set up first."
    )
    assert said == {
        "test_session_writes_late": session,
        "test_session_wrote_late_before": session,
        "test_module_writes_in_a_test": said["test_module_writes_in_a_test"],
    }
    assert (
        "fixture 'module_writer' (module) wrote to network local after "
        "suites/alpha/test_late.py::test_module_writes_in_a_test had begun"
    ) in said["test_module_writes_in_a_test"]
