"""``rollout contracts``: the book beside what the chain says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.cli.contracts import books, text
from pytest_rollout.contracts.opening import open_contracts
from pytest_rollout.core.errors import NetworkError, UsageError
from pytest_rollout.core.rollout import ContractSettings, Deployment, Network, NetworkKind, Rollout
from pytest_rollout.networks.opening import open_network
from pytest_rollout.networks.port import Chain

OUT = Path(__file__).parents[1] / "contracts" / "artifacts" / "out"
NOBODY = "0x000000000000000000000000000000000000bEEF"
NETWORK = Network(name="bsc", kind=NetworkKind.ANVIL, chain_id=56)


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    opened = open_network(NETWORK)
    book = open_contracts(ContractSettings(artifacts=(OUT / "hardhat", OUT / "states")), opened)
    assert book.deploy("Stepped", opened.accounts["admin"]).address == STEPPED
    assert book.deploy("Coin").address == COIN
    yield opened
    opened.close()


STEPPED = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
COIN = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"


class Lent:
    """The open chain, which stays open."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def close(self) -> None:
        """Stays open."""


def rollout(folder: Path, record: Any, *inventory: str) -> Rollout:
    path = folder / "bsc.json"
    path.write_text(json.dumps(record))
    settings = ContractSettings(
        artifacts=(OUT / "hardhat", OUT / "states"),
        deployments={"bsc": Deployment(path=path)},
        inventory={"bsc": inventory} if inventory else {},
    )
    return Rollout(
        name="toy", title="Toy", folder=folder, plan_digest="", stages=(), networks={"bsc": NETWORK}, contracts=settings
    )


CASES: dict[str, tuple[Any, tuple[str, ...], list[str]]] = {
    "as recorded": ({"Stepped": STEPPED, "Coin": COIN}, (), []),
    "as listed": ({"Stepped": STEPPED, "Coin": COIN}, ("Coin", "Stepped"), []),
    "no code": ({"Stepped": STEPPED, "Coin": NOBODY}, (), [f"no code at {NOBODY}"]),
    "other code": ({"Coin": STEPPED}, (), ["the artifact Coin:"]),
    "another chain": ({"97": {"Coin": COIN}}, (), ["no record for chain id 56; there are 97."]),
    "not recorded": ({"Coin": COIN}, ("Coin", "Stepped"), ["no record of bsc names Stepped"]),
    "not listed": ({"Coin": COIN, "Stepped": STEPPED}, ("Coin",), ["Stepped is recorded, and not in the inventory"]),
    "nobody knows its code": ({"Unknown": COIN}, (), ["which code it must have"]),
}


@pytest.mark.parametrize(("record", "inventory", "told"), CASES.values(), ids=CASES)
def test_every_difference_is_told_and_counted(
    chain: Chain, tmp_path: Path, record: Any, inventory: tuple[str, ...], told: list[str]
) -> None:
    lent: Any = Lent(chain)

    documents, differs = books([rollout(tmp_path, record, *inventory)], None, lambda network: lent)

    printed = text(documents)
    assert differs is bool(told)
    assert printed.endswith(f"on 1 networks, {len(told)} differences")
    for each in told:
        assert each in printed
    json.dumps(documents)


def test_a_network_that_does_not_answer_is_a_difference_of_every_contract(tmp_path: Path) -> None:
    """Rule 21: whom nobody could look at is no smaller total."""

    def opener(network: Network) -> Chain:
        raise NetworkError(f"network {network.name}: the node is gone.")

    documents, differs = books([rollout(tmp_path, {"Coin": COIN}, "Coin", "Stepped")], None, opener)

    assert differs
    assert text(documents).endswith("2 contracts on 1 networks, 2 differences")
    assert text(documents).count("the node is gone.") == 2


def test_what_the_contract_says_of_itself_stands_beside_it(chain: Chain, tmp_path: Path) -> None:
    lent: Any = Lent(chain)

    documents, _ = books([rollout(tmp_path, {"Stepped": STEPPED})], "bsc", lambda network: lent)

    assert documents[0]["contracts"][0]["states"] == {"owner": chain.accounts["admin"]}


def test_a_network_without_a_record_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no network 'bcs' with a record or an inventory; .* Did you mean 'bsc'\?"):
        books([rollout(tmp_path, {"Coin": COIN})], "bcs")
