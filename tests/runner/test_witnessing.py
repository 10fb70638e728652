"""The supervisor's own look at the real chains of a gate: one block each, looked at again, with what stands there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from pytest_rollout.core.inventory import Listed
from pytest_rollout.core.rollout import ContractSettings, Deployment, Network, NetworkKind, Rollout, Url
from pytest_rollout.core.subject import Deployed
from pytest_rollout.runner.channel import Pin
from pytest_rollout.runner.witnessing import Watch, changes, facts_of
from tests.networks.conftest import Stub
from tests.networks.test_rpc import Chain

NOW = datetime.now(UTC)
VAULT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
EMPTY = {"result": "0x" + "00" * 32}
Look = Callable[..., Watch]


@pytest.fixture
def chain() -> Chain:
    chain = Chain()
    chain.now, chain.age = int(NOW.timestamp()), 0
    chain.odd |= {"eth_getCode": {"result": "0x6001"}, "eth_getStorageAt": EMPTY}
    return chain


@pytest.fixture
def node(chain: Chain) -> Iterator[Stub]:
    with closing(Stub()) as stub:
        stub.answer = chain
        yield stub


@pytest.fixture
def plan(node: Stub, planned: Callable[..., Rollout], tmp_path: Path) -> Rollout:
    url = Url(value=node.url.value, shown="<RPC_URL>")
    mainnet = Network(name="mainnet", kind=NetworkKind.RPC, chain_id=1, urls=(url,), finality=12, writes=True)
    fork = Network(name="rehearsal", kind=NetworkKind.FORK, of=mainnet)
    devnet = Network(name="devnet", kind=NetworkKind.ANVIL)
    record = tmp_path / "book.json"
    record.write_text(json.dumps({"Vault": VAULT}))
    return replace(
        planned({"suites/test_a.py": "def test_a():\n    assert True\n"}),
        networks={each.name: each for each in (mainnet, fork, devnet)},
        contracts=ContractSettings(deployments={"mainnet": Deployment(path=record)}),
    )


def watching(plan: Rollout, network: str | None, *listed: str, may_write: bool = False) -> Watch:
    checks = tuple(Listed(network=each, contract="Vault") for each in listed)
    stage = replace(plan.stages[0], network=network, checks=checks)
    return Watch(plan, stage, network, lambda: NOW, may_write=may_write)


def test_what_a_stage_declares_is_looked_at_before_the_run(plan: Rollout) -> None:
    """Its own network and those of its inventory; a network that lives only in the run has no witness."""
    watch = watching(plan, "devnet", "mainnet")

    watch.before()

    assert {name: each.number for name, each in watch.pins.items()} == {"mainnet": 88}
    assert (watch.unread, watch.pin("devnet"), watch.pin("nobody's")) == ({}, Pin(), Pin())
    (witness,) = watch.after()
    assert (witness.network, witness.trouble) == ("mainnet", ())


def test_a_chain_and_its_fork_are_read_at_one_block_though_the_chain_goes_on(plan: Rollout, chain: Chain) -> None:
    watch = watching(plan, "rehearsal")
    watch.before()
    chain.head += 7

    pin, fork = watch.pin("mainnet").block, watch.pins["rehearsal"]
    assert pin is not None
    assert (pin.number, pin.hash) == (fork.number, fork.hash)
    assert [each.network for each in watch.after()] == ["mainnet", "rehearsal"]


def test_a_network_is_looked_at_once_whoever_asks_for_it(plan: Rollout, chain: Chain, node: Stub) -> None:
    watch = watching(plan, None)
    first = watch.pin("mainnet")
    asked = len(node.asked)
    chain.head += 7

    assert first.block is not None
    assert (watch.pin("mainnet"), len(node.asked)) == (first, asked)


def test_a_chain_that_is_not_as_declared_may_not_be_opened(plan: Rollout, chain: Chain) -> None:
    chain.chain_id = "0x2"

    pin = watching(plan, None).pin("mainnet")

    assert pin.block is None
    assert "expected chain id 1 (Ethereum), the node at <RPC_URL> answers 2" in pin.trouble


def test_what_stands_there_is_of_the_witness(plan: Rollout, chain: Chain) -> None:
    watch = watching(plan, "mainnet")
    watch.before()
    chain.odd["eth_getCode"] = {"result": "0x6002"}

    (witness,) = watch.after()

    assert witness.contracts["Vault"] == Deployed(
        address=VAULT.lower(), code_hash="0x" + keccak(bytes.fromhex("6001")).hex()
    )
    assert list(changes(plan, [witness], NOW)) == [
        f"network mainnet: contract Vault: its code hash was {witness.contracts['Vault'].code_hash} and is "
        f"{now(plan).code_hash} now"
    ]
    chain.odd["eth_getCode"] = {"result": "0x6001"}
    assert list(changes(plan, [witness], NOW)) == []


def now(plan: Rollout) -> Deployed:
    watch = watching(plan, "mainnet")
    watch.before()
    return watch.after()[0].contracts["Vault"]


def test_where_the_gate_may_write_it_is_what_the_gate_left(plan: Rollout, chain: Chain) -> None:
    """Its own upgrade is no change behind its back."""
    watch = watching(plan, "mainnet", may_write=True)
    watch.before()
    chain.odd["eth_getCode"] = {"result": "0x6002"}

    (witness,) = watch.after()

    assert witness.contracts["Vault"] == now(plan)
    assert list(changes(plan, [witness], NOW)) == []


def test_a_record_that_cannot_be_read_is_trouble(plan: Rollout) -> None:
    """Nobody could say what is judged."""
    plan.contracts.deployments["mainnet"].path.write_text('{"Vault": "0xTODO"}')
    watch = watching(plan, "mainnet")

    watch.before()

    assert "Vault: '0xTODO' is no address" in watch.unread["mainnet"]


@pytest.mark.parametrize("gone", ["network", "node"])
def test_what_cannot_be_looked_at_again_is_told(plan: Rollout, node: Stub, gone: str) -> None:
    watch = watching(plan, "mainnet")
    watch.before()
    witnesses = watch.after()
    left = plan
    if gone == "network":
        left = replace(plan, networks={"devnet": plan.networks["devnet"]})
    else:
        node.answer = lambda _: (503, {}, b"")

    (told,) = changes(left, witnesses, NOW)

    assert told in {
        "network mainnet is no real chain any more, and was one when it was judged",
        "network mainnet: the node at <RPC_URL> answered eth_chainId with HTTP status 503",
    }


def test_facts_of_other_networks_bear_their_name(plan: Rollout) -> None:
    watch = watching(plan, "rehearsal", "mainnet")
    watch.before()

    facts: dict[str, Any] = facts_of(watch.after(), "rehearsal")

    assert (facts["block"], facts["mainnet block"]) == ("88", "88")
    assert facts["block hash"] == facts["mainnet block hash"]
