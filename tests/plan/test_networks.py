"""Networks of a plan: forks hold what they are forked from, and URLs are never shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from pytest_rollout.core.rollout import Network, NetworkKind, Rollout, Url
from pytest_rollout.runner.kept import kept_plan

GENESIS = "0x" + "d4" * 32


def plan(*networks: str) -> str:
    return '[rollout]\nname = "t"\n' + "\n".join(networks) + '\n[stages.beta]\nnetwork = "mainnet"\n'


def mainnet(url: str, *lines: str) -> str:
    return "\n".join(['[networks.mainnet]\nkind = "rpc"\nchain_id = 1', f"url = {url}", *lines])


FORK = '[networks.rehearsal]\nkind = "fork"\nof = "mainnet"\nblock = 17'


def test_a_real_chain_has_everything_that_is_checked(load_text: Callable[..., Rollout]) -> None:
    lines = (
        'finality = 12\nclient = "Geth/*"\nmax_head_age = "1m"\nwrites = true',
        f'genesis = "{GENESIS.upper().replace("0X", "0x")}"',
    )
    network = load_text(plan(mainnet('"https://node.example/v1"', *lines))).networks["mainnet"]

    assert network == Network(
        name="mainnet",
        kind=NetworkKind.RPC,
        chain_id=1,
        urls=(Url(value="https://node.example/v1", shown="https://node.example"),),
        finality=12,
        genesis=GENESIS,
        client="Geth/*",
        max_head_age=timedelta(minutes=1),
        writes=True,
    )
    assert network.real is network


def test_what_is_left_out_is_strict(load_text: Callable[..., Rollout]) -> None:
    network = load_text(plan(mainnet('"https://node.example"'))).networks["mainnet"]

    assert (network.finality, network.max_head_age, network.quorum, network.writes) == (
        "finalized",
        timedelta(minutes=10),
        1,
        False,
    )


def test_a_fork_holds_its_network_whatever_the_order(load_text: Callable[..., Rollout]) -> None:
    networks = load_text(plan(FORK, mainnet('"https://node.example"'))).networks

    assert list(networks) == ["rehearsal", "mainnet"]
    assert networks["rehearsal"].of == networks["mainnet"]
    assert networks["rehearsal"].real == networks["mainnet"]
    assert networks["rehearsal"].block == 17


def test_a_fork_has_the_addresses_of_its_network(load_text: Callable[..., Rollout]) -> None:
    networks = mainnet('"https://node.example"')
    rollout = load_text(plan(FORK, networks, '[contracts.deployments]\nmainnet = "devnet.json"'))

    assert rollout.contracts.deployments["rehearsal"] == rollout.contracts.deployments["mainnet"]


@pytest.mark.parametrize(("count", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_more_than_half_of_the_nodes_must_agree(load_text: Callable[..., Rollout], count: int, quorum: int) -> None:
    urls = ", ".join(f'"https://{number}.example"' for number in range(count))

    assert load_text(plan(mainnet(f"[{urls}]"))).networks["mainnet"].quorum == quorum


SECRET = "https://user:pass1234@node.example:8545/v3/9aa3d95b3bc440fa?token=5b3bc440"

SHOWN = {
    "all of it from the environment": ('"${RPC}"', "<RPC>"),
    "a key in the path": ('"https://node.example/v3/${KEY}"', "https://node.example"),
    "the host from the environment": ('"https://${HOST}/v3"', "https://<HOST>"),
    "credentials in the plan": (f'"{SECRET}"', "https://node.example:8545"),
    "a default": ('"${OTHER:-http://127.0.0.1:8545/a}"', "http://127.0.0.1:8545"),
    "a bare host": ('"https://node.example"', "https://node.example"),
}


@pytest.mark.parametrize(("written", "shown"), SHOWN.values(), ids=SHOWN)
def test_a_url_is_shown_without_what_opens_doors(load_text: Callable[..., Rollout], written: str, shown: str) -> None:
    rollout = load_text(plan(mainnet(written)), RPC=SECRET, KEY="9aa3d95b3bc440fa", HOST="node.example")
    (url,) = rollout.networks["mainnet"].urls

    assert url.shown == shown
    for text in (repr(url), repr(rollout.networks), repr(rollout)):
        assert "9aa3d95b3bc440fa" not in text
        assert "pass1234" not in text


def test_nodes_that_are_shown_alike_are_numbered(load_text: Callable[..., Rollout]) -> None:
    urls = load_text(plan(mainnet('["https://node.example/a", "https://node.example/b"]'))).networks["mainnet"].urls

    assert [url.shown for url in urls] == ["https://node.example (#1)", "https://node.example (#2)"]


def test_a_url_with_a_key_is_a_secret_even_where_the_plan_has_it_in_plain(load_text: Callable[..., Rollout]) -> None:
    rollout = load_text(plan(mainnet(f'["{SECRET}", "https://open.example"]')))

    assert rollout.secrets == {"networks.mainnet.url": SECRET}


def test_the_judge_s_plan_holds_no_url(load_text: Callable[..., Rollout]) -> None:
    kept = kept_plan(load_text(plan(FORK, mainnet(f'"{SECRET}"'))))

    of = kept.networks["rehearsal"].of
    assert of is not None
    assert [url.value for url in (*kept.networks["mainnet"].urls, *of.urls)] == ["https://node.example:8545"] * 2
