"""Contracts by name, on both kinds of chain."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_rollout.contracts.book import Contracts
from pytest_rollout.contracts.opening import open_contracts
from pytest_rollout.core.errors import ContractError, NetworkError, Reverted
from pytest_rollout.core.rollout import ContractSettings, Deployment
from pytest_rollout.networks.port import Chain

OUT = Path(__file__).parent / "artifacts" / "out"
NOBODY = "0x00000000000000000000000000000000000A11cE"


def test_a_deployed_contract_is_known_by_its_name(contracts: Contracts, chain: Chain) -> None:
    probe = contracts.deploy("Probe", 7)

    assert contracts.Probe is probe
    assert contracts["Probe"].functions.number().call() == 7
    assert probe.functions.owner().call() == chain.accounts["deployer"]
    assert contracts.names() == ["Probe"]
    assert "Probe" in contracts
    assert "Probe" in dir(contracts)


def test_a_contract_can_be_known_by_another_name(contracts: Contracts) -> None:
    contracts.deploy("Probe", 1)
    contracts.deploy("Probe", 2, as_="Second")

    assert contracts.Probe.functions.number().call() == 1
    assert contracts.Second.functions.number().call() == 2


@pytest.mark.parametrize("spelled", ["role", "address"])
def test_the_sender_is_a_role_or_an_address(contracts: Contracts, chain: Chain, spelled: str) -> None:
    user = chain.accounts["user"]
    sender = "user" if spelled == "role" else user

    probe = contracts.deploy("Probe", 1, sender=sender)
    receipt = contracts.send(probe.functions.store(5), sender=sender)

    assert probe.functions.owner().call() == user
    assert (receipt["from"], receipt["status"]) == (user, 1)


def test_what_is_sent_without_a_sender_comes_from_the_deployer(contracts: Contracts, chain: Chain) -> None:
    probe = contracts.deploy("Probe", 1)

    receipt = contracts.send(probe.functions.store(5), value=3)

    assert receipt["from"] == chain.accounts["deployer"]
    assert chain.w3.eth.get_balance(probe.address) == 3
    assert probe.events.Stored().process_receipt(receipt)[0]["args"]["value"] == 5


@pytest.mark.parametrize("gas", [None, 200_000], ids=["estimated", "given"])
def test_a_refused_transaction_is_reverted_with_its_reason(contracts: Contracts, chain: Chain, gas: int | None) -> None:
    probe = contracts.deploy("Probe", 1)

    with pytest.raises(Reverted) as refused:
        contracts.send(probe.functions.refuse(2), sender="user", gas=gas)

    assert refused.value.reason == f"NoProfile({chain.accounts['user']})"


def test_an_error_of_any_artifact_is_told_by_name(contracts: Contracts) -> None:
    """It bubbles up from a contract that the book was never asked for."""
    probe = contracts.deploy("Probe", 1)

    with pytest.raises(Reverted) as refused:
        probe.functions.refuse(10).call()

    assert refused.value.reason == "FromElsewhere(42)"


def test_a_constructor_that_refuses_leaves_nothing_known(contracts: Contracts) -> None:
    with pytest.raises(Reverted, match=r"NoProfile\(0x"):
        contracts.deploy("Probe", 13)

    assert contracts.names() == []


def test_a_library_is_deployed_and_linked(contracts: Contracts) -> None:
    sums = contracts.deploy("Sums")

    linked = contracts.deploy("Linked", libraries={"Sums": sums.address})

    assert linked.functions.next(41).call() == 42


def test_a_library_at_no_address_is_told(contracts: Contracts) -> None:
    with pytest.raises(ContractError) as wrong:
        contracts.deploy("Linked", libraries={"Sums": "0x0"})

    assert str(wrong.value) == ("contract Linked: library Sums: '0x0' is no address; 0x and 40 hex digits are needed.")


@pytest.mark.parametrize(("arguments", "shown"), [((), ""), (("seven",), "'seven'"), ((1, 2), "1, 2")])
def test_arguments_that_do_not_fit_the_constructor_are_told(
    contracts: Contracts, arguments: tuple[object, ...], shown: str
) -> None:
    with pytest.raises(ContractError) as wrong:
        contracts.deploy("Probe", *arguments)

    assert str(wrong.value) == f"contract Probe: its constructor takes (uint256 start), not ({shown})."


def test_arguments_to_a_contract_without_a_constructor_are_told(contracts: Contracts) -> None:
    with pytest.raises(ContractError) as wrong:
        contracts.deploy("Foreign", 5)

    assert str(wrong.value) == "contract Foreign: its constructor takes (), not (5)."


def test_a_contract_is_loaded_by_its_address(contracts: Contracts) -> None:
    where = contracts.deploy("Probe", 3).address

    assert contracts.at("Roles", where.lower(), artifact="Probe").functions.number().call() == 3
    assert contracts.names() == ["Probe", "Roles"]


def test_an_address_without_code_is_refused(contracts: Contracts) -> None:
    with pytest.raises(ContractError) as empty:
        contracts.at("Probe", NOBODY)

    assert str(empty.value) == (f"network local: Probe: no code at {NOBODY}; is it the address on another network?")


@pytest.mark.parametrize(
    "where", ["", "0x12", "somewhere", "0x" + "00" * 20, "0x5FbDB2315678afecb367f032d93F642f64180aA3", None]
)
def test_what_is_no_address_is_refused(contracts: Contracts, where: str) -> None:
    with pytest.raises(ContractError, match="network local: Probe: "):
        contracts.at("Probe", where)


def test_a_contract_that_is_not_deployed_is_told_with_the_way_to_do_it(contracts: Contracts) -> None:
    with pytest.raises(ContractError) as missing:
        _ = contracts.Probe

    assert str(missing.value) == (
        'network local: Probe is not deployed; deploy it with contracts.deploy("Probe", …), '
        "or give its address in contracts.deployments.local."
    )


def test_an_unknown_contract_is_told_with_the_nearest(contracts: Contracts) -> None:
    contracts.deploy("Roles", NOBODY)

    with pytest.raises(ContractError) as unknown:
        _ = contracts.Prob

    assert str(unknown.value) == (
        "network local: no contract 'Prob'; known are Roles, "
        "artifacts are Foreign, IProbe, Linked, Probe, Proxy, Roles, Sums. Did you mean 'Probe'?"
    )


def test_python_s_own_questions_are_no_contracts(contracts: Contracts) -> None:
    """Pytest, debuggers and copy ask any object for names that begin with an underscore."""
    assert not hasattr(contracts, "__wrapped__")
    assert not hasattr(contracts, "_pytestfixturefunction")


def test_an_unknown_role_cannot_send(contracts: Contracts) -> None:
    with pytest.raises(NetworkError, match=r"no account 'usr'; .* Did you mean 'user'\?"):
        contracts.deploy("Probe", 1, sender="usr")


def test_a_contract_deployed_in_a_test_is_unknown_after_it(contracts: Contracts, chain: Chain) -> None:
    contracts.deploy("Probe", 1)
    mark, snapshot = contracts.mark(), chain.snapshot()
    contracts.deploy("Roles", NOBODY)
    contracts.deploy("Probe", 2)

    chain.revert(snapshot)
    contracts.restore(mark)

    assert contracts.names() == ["Probe"]
    assert contracts.Probe.functions.number().call() == 1


def test_several_reads_are_made_at_one_block(contracts: Contracts) -> None:
    probe = contracts.deploy("Probe", 1)

    assert contracts.read({"n": probe.functions.number(), "sum": probe.functions.add(2, 3)}) == {"n": 1, "sum": 5}


def test_a_recorded_contract_is_known_without_deploying_it(open_chain: Callable[..., Chain], tmp_path: Path) -> None:
    chain = open_chain()
    settings = ContractSettings(artifacts=(OUT / "hardhat",))
    where = open_contracts(settings, chain).deploy("Probe", 9).address
    record = tmp_path / "local.json"
    record.write_text(json.dumps({"Probe": where, "Roles": NOBODY, "Vault": where}))

    contracts = open_contracts(
        ContractSettings(artifacts=settings.artifacts, deployments={"local": Deployment(path=record)}), chain
    )

    assert contracts.names() == ["Probe", "Roles", "Vault"]
    assert contracts.Probe.functions.number().call() == 9
    with pytest.raises(ContractError, match=rf"network local: Roles: no code at {NOBODY}"):
        _ = contracts.Roles
    with pytest.raises(ContractError, match="contract Vault: no artifact of that name"):
        _ = contracts.Vault


def test_another_network_s_record_is_not_read(open_chain: Callable[..., Chain], tmp_path: Path) -> None:
    settings = ContractSettings(artifacts=(), deployments={"mainnet": Deployment(path=tmp_path / "missing.json")})

    assert open_contracts(settings, open_chain()).names() == []


def test_a_transaction_nobody_mines_is_told_after_a_while(
    open_chain: Callable[..., Chain], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_rollout.core.rollout import NetworkKind

    monkeypatch.setattr("pytest_rollout.networks.receipts.RECEIPT_SECONDS", 0.3)
    chain = open_chain(NetworkKind.ANVIL)
    contracts = open_contracts(ContractSettings(artifacts=(OUT / "hardhat",)), chain)
    probe = contracts.deploy("Probe", 1)
    chain.request("evm_setAutomine", [False])

    with pytest.raises(NetworkError, match=r"was not mined within 0.3 s; is automatic mining switched off\?"):
        contracts.send(probe.functions.store(2))


def test_a_transaction_mined_later_with_status_0_is_reverted_as_well(open_chain: Callable[..., Chain]) -> None:
    import threading

    from pytest_rollout.core.rollout import NetworkKind

    chain = open_chain(NetworkKind.ANVIL)
    contracts = open_contracts(ContractSettings(artifacts=(OUT / "hardhat",)), chain)
    probe = contracts.deploy("Probe", 1)
    chain.request("evm_setAutomine", [False])
    later = threading.Timer(0.2, chain.mine)
    later.start()

    with pytest.raises(Reverted):
        contracts.send(probe.functions.refuse(0), gas=200_000)
    later.join()
