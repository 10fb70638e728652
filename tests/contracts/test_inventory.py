"""The declared inventory against two chains at once: one item a contract, and none of them lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.contracts.book import Contracts
from pytest_rollout.contracts.books import Books
from pytest_rollout.contracts.inventory import look, observe
from pytest_rollout.contracts.opening import open_contracts
from pytest_rollout.core.errors import ContractError, RolloutError
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.inventory import Listed
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.rollout import ContractSettings, Deployment, Network, NetworkKind, Rollout, Stage
from pytest_rollout.networks.opening import open_network
from pytest_rollout.networks.port import Chain

OUT = Path(__file__).parent / "artifacts" / "out"
FOLDERS = (OUT / "hardhat", OUT / "states")
STRANGER = "0x000000000000000000000000000000000000bEEF"

World = dict[str, tuple[Chain, dict[str, str]]]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Two chains with the same contracts, and where they are."""
    chains = {
        "bsc": open_network(Network(name="bsc", kind=NetworkKind.ANVIL, chain_id=56)),
        "base": open_network(Network(name="base", kind=NetworkKind.ANVIL, chain_id=84532)),
    }
    made: World = {}
    for name, chain in chains.items():
        book = open_contracts(ContractSettings(artifacts=FOLDERS), chain)
        vault, other = book.deploy("Vault", 5, STRANGER), book.deploy("Vault2", 5, STRANGER)
        data = vault.encode_abi("initialize", [chain.accounts["admin"]])
        proxy, upgraded = (book.deploy("Uups", each.address, data, as_=n) for n, each in (("P", vault), ("Q", other)))
        coin = book.deploy("Coin")
        made[name] = (
            chain,
            {
                "implementation": vault.address,
                "other": other.address,
                "Vault": proxy.address,
                "upgraded": upgraded.address,
                "Coin": coin.address,
            },
        )
    yield made
    for chain in chains.values():
        chain.close()


def books(world: World, folder: Path, records: dict[str, Any], proxies: tuple[str, ...] = ("Uups",)) -> Books:
    """Fresh books with these records, a plain map or anything else that is read."""
    deployments = {}
    for name, content in records.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(content))
        deployments[name] = Deployment(path=path)
    settings = ContractSettings(artifacts=FOLDERS, deployments=deployments, proxies=proxies)
    opened: dict[str, Contracts] = {}

    def open_one(name: str) -> Contracts:
        if name not in opened:
            opened[name] = open_contracts(settings, world[name][0])
        return opened[name]

    return Books(world, open_one)


def judged(books: Books, network: str, contract: str, chain_id: int | None = None) -> tuple[Outcome, str]:
    check = Listed(network=network, contract=contract, chain_id=chain_id)
    stage = Stage(name="beta", title="Beta", checks=(check,))
    rollout: Any = Rollout(name="t", title="T", folder=Path(), plan_digest="", stages=(stage,))
    value, source = observe(check, rollout, stage, books)
    finding = check.judge("item", Observation(item="item", value=value, source=source))
    return finding.outcome, finding.measured


def test_every_contract_of_every_network_is_looked_at(world: World, tmp_path: Path) -> None:
    records = {name: {each: where[each] for each in ("Vault", "Coin")} for name, (_, where) in world.items()}
    wanted = [Listed(network=network, contract=each) for network in world for each in ("Vault", "Coin", "Missing")]

    found = look(wanted, books(world, tmp_path, records))

    outcomes = {
        check.name: check.judge("", Observation(item="", value=answer[0])).outcome
        for check, answer in ((each, found[each.name]) for each in wanted)
        if isinstance(answer, tuple)
    }
    assert outcomes == {
        "bsc.Vault": Outcome.PASS,
        "bsc.Coin": Outcome.PASS,
        "bsc.Missing": Outcome.NOT_RUN,
        "base.Vault": Outcome.PASS,
        "base.Coin": Outcome.PASS,
        "base.Missing": Outcome.NOT_RUN,
    }


def test_a_record_that_cannot_be_read_is_an_error_of_its_contracts_alone(world: World, tmp_path: Path) -> None:
    records = {"bsc": {"Coin": "0xTODO"}, "base": {"Coin": world["base"][1]["Coin"]}}

    found = look([Listed(network=network, contract="Coin") for network in world], books(world, tmp_path, records))

    assert isinstance(found["bsc.Coin"], ContractError)
    assert not isinstance(found["base.Coin"], RolloutError)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("other", "the artifact Coin: 2"),
        (STRANGER, f"no code at {STRANGER}"),
        ("Vault", "the artifact Coin: "),
    ],
    ids=["other code", "an account", "a proxy of another"],
)
def test_the_right_address_with_the_wrong_code_fails(world: World, tmp_path: Path, address: str, told: str) -> None:
    where = world["bsc"][1]
    outcome, measured = judged(books(world, tmp_path, {"bsc": {"Coin": where.get(address, address)}}), "bsc", "Coin")

    assert outcome is Outcome.FAIL
    assert told in measured


def unified(where: dict[str, str], **changed: Any) -> dict[str, Any]:
    entry = {"proxy": where["Vault"], "implementation": where["implementation"]}
    document = {"schemaVersion": "1.0.0", "network": "bsc", "chainId": 56, "contracts": {"core": {"Vault": entry}}}
    return document | changed


def test_a_proxy_is_held_against_its_record(world: World, tmp_path: Path) -> None:
    outcome, measured = judged(books(world, tmp_path, {"bsc": unified(world["bsc"][1])}), "bsc", "Vault", 56)

    assert outcome is Outcome.PASS
    assert measured.endswith("compared with the proxy's artifact Uups, its recorded implementation, the artifact Vault")


@pytest.mark.parametrize(
    ("proxies", "outcome", "told"),
    [
        ((), Outcome.INCONCLUSIVE, "which code the proxy itself must have, nothing says"),
        (("Coin", "Vault"), Outcome.FAIL, "the proxies of the plan: is none of Coin (109 bytes of code, "),
        (("Coin", "Uups"), Outcome.PASS, "compared with the proxy's artifact Uups"),
    ],
    ids=["none declared", "another", "one of two"],
)
def test_a_proxy_with_the_right_slot_needs_the_right_code_of_its_own(
    world: World, tmp_path: Path, proxies: tuple[str, ...], outcome: Outcome, told: str
) -> None:
    """The slot says where the implementation is; whether anybody is sent there is the proxy's code."""
    found, measured = judged(books(world, tmp_path, {"bsc": unified(world["bsc"][1])}, proxies), "bsc", "Vault", 56)

    assert found is outcome
    assert told in measured


def test_a_proxy_artifact_that_nobody_has_is_told(world: World, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="contract Proxi: no artifact of that name"):
        judged(books(world, tmp_path, {"bsc": unified(world["bsc"][1])}, ("Proxi",)), "bsc", "Vault", 56)


def test_an_upgrade_that_nobody_recorded_fails(world: World, tmp_path: Path) -> None:
    where = world["bsc"][1]
    entry = {"proxy": where["upgraded"], "implementation": where["implementation"]}
    record = unified(where, contracts={"core": {"Vault": entry}})

    outcome, measured = judged(books(world, tmp_path, {"bsc": record}), "bsc", "Vault")

    assert outcome is Outcome.FAIL
    assert f"its recorded implementation: {where['other'].lower()}, not {where['implementation'].lower()}" in measured
    assert "the artifact Vault: 2208 bytes of code, 2178 were compiled" in measured


def test_another_implementation_hash_fails(world: World, tmp_path: Path) -> None:
    record = unified(world["bsc"][1], extended_Vault={"implementationHash": "0x" + "ab" * 32})

    outcome, measured = judged(books(world, tmp_path, {"bsc": record}), "bsc", "Vault")

    assert outcome is Outcome.FAIL
    assert f"not 0x{'ab' * 32}" in measured


def test_a_contract_recorded_as_a_proxy_that_is_none_fails(world: World, tmp_path: Path) -> None:
    where = world["bsc"][1]
    entry = {"proxy": where["implementation"], "implementation": where["implementation"]}

    outcome, measured = judged(
        books(world, tmp_path, {"bsc": unified(where, contracts={"core": {"Vault": entry}})}), "bsc", "Vault"
    )

    assert outcome is Outcome.FAIL
    assert "recorded as a proxy, and it is none" in measured


@pytest.mark.parametrize("chain_id", [97, 1])
def test_a_node_of_another_chain_than_the_plan_s_fails(world: World, tmp_path: Path, chain_id: int) -> None:
    records = {"bsc": {"Coin": world["bsc"][1]["Coin"]}}

    outcome, measured = judged(books(world, tmp_path, records), "bsc", "Coin", chain_id)

    assert outcome is Outcome.FAIL
    assert f"the node's chain id is 56, the plan's {chain_id}" in measured


def test_a_contract_that_is_used_elsewhere_than_recorded_fails(world: World, tmp_path: Path) -> None:
    opened = books(world, tmp_path, {"bsc": {"Coin": world["bsc"][1]["other"]}})
    opened["bsc"].at("Coin", world["bsc"][1]["Coin"])

    outcome, measured = judged(opened, "bsc", "Coin")

    assert outcome is Outcome.FAIL
    assert "its recorded address" in measured


def test_code_that_nobody_can_compare_is_inconclusive(world: World, tmp_path: Path) -> None:
    """An address with some code is no evidence of the right code."""
    outcome, _ = judged(books(world, tmp_path, {"bsc": {"Unknown": world["bsc"][1]["Coin"]}}), "bsc", "Unknown")

    assert outcome is Outcome.INCONCLUSIVE
