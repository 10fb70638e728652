"""What a node answers is read strictly, and accounts are found by role."""

from __future__ import annotations

import pytest

from pytest_rollout.core.errors import NetworkError
from pytest_rollout.networks.accounts import Accounts
from pytest_rollout.networks.homes import ANVIL, Home, remove_stale
from pytest_rollout.networks.port import check_chain_id, quantity

ODD = {
    "true": True,
    "a bare number": 31337,
    "null": None,
    "without 0x": "7a69",
    "decimal": "31337",
    "empty": "",
    "0x alone": "0x",
    "a sign": "0x-1",
    "an underscore": "0x7a_69",
    "a space": "0x7a69 ",
    "a page": "<html>",
    "a list": ["0x7a69"],
}


def test_the_expected_chain_id_passes() -> None:
    check_chain_id("devnet", 31337, "0x7a69")


def test_another_chain_id_is_told_with_both_numbers() -> None:
    with pytest.raises(NetworkError) as wrong:
        check_chain_id("devnet", 31337, "0x1")

    assert (
        str(wrong.value)
        == "network devnet: expected chain id 31337 (a development chain), the node answers 1 (Ethereum). Nothing was sent."
    )


@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
def test_an_odd_answer_is_no_chain_id(answer: object) -> None:
    """`true` converts to 1, which is a real network's."""
    with pytest.raises(NetworkError) as wrong:
        check_chain_id("devnet", 1, answer)

    assert str(wrong.value) == (
        f"network devnet: expected chain id 1 (Ethereum), the node answers {answer!r}. Nothing was sent."
    )


@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
def test_an_odd_answer_is_no_quantity(answer: object) -> None:
    with pytest.raises(NetworkError, match=r"network devnet: the node answered .* to eth_x; 0x hex was needed\."):
        quantity("devnet", "eth_x", answer)


ADDRESSES = [f"0x{number:040x}" for number in range(4)]


def test_without_roles_in_the_plan_there_are_four() -> None:
    accounts = Accounts("local", ADDRESSES, {})

    assert dict(accounts) == {
        "admin": ADDRESSES[0],
        "deployer": ADDRESSES[0],
        "user": ADDRESSES[1],
        "other": ADDRESSES[2],
    }


def test_accounts_are_found_by_role_and_by_number() -> None:
    accounts = Accounts("local", ADDRESSES, {"bank": 3})

    assert (accounts["bank"], accounts[2], list(accounts)) == (ADDRESSES[3], ADDRESSES[2], ["bank"])


@pytest.mark.parametrize(("roles", "index"), [({"deployer": 2}, 2), ({"bank": 3}, 0)])
def test_who_sends_by_default_is_the_deployer_or_the_first(roles: dict[str, int], index: int) -> None:
    assert Accounts("local", ADDRESSES, roles).default == ADDRESSES[index]


def test_an_unknown_role_is_told_with_the_nearest() -> None:
    with pytest.raises(NetworkError) as wrong:
        Accounts("local", ADDRESSES, {})["amdin"]

    assert str(wrong.value) == (
        "network local: no account 'amdin'; the roles are admin, deployer, user, other. Did you mean 'admin'?"
    )


@pytest.mark.parametrize("number", [4, -1, True])
def test_a_number_without_an_account_is_told(number: int) -> None:
    with pytest.raises(NetworkError, match=r"no account number .*; there are 4, numbered from 0\."):
        Accounts("local", ADDRESSES, {})[number]


def test_only_old_folders_of_dead_processes_are_stale(tmp_path, monkeypatch) -> None:
    """A number alone says little: it is reused, and means nothing where containers share a folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    held = Home(ANVIL)
    dead = "rollout-anvil-4194305-dead"
    for name in (dead, "rollout-anvil-1-alive", "rollout-anvil-odd-name", "somebody-else"):
        (tmp_path / name).mkdir()
    borrowed = held.path.rename(tmp_path / "rollout-anvil-4194305-held")

    remove_stale(tmp_path, ANVIL)
    assert (tmp_path / dead).exists(), "a young one may be about to be locked"
    remove_stale(tmp_path, ANVIL, young_seconds=0)

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "rollout-anvil-1-alive",
        borrowed.name,
        "rollout-anvil-odd-name",
        "somebody-else",
    ]
    held.remove()


def test_a_long_temporary_folder_does_not_make_the_socket_s_path_too_long(tmp_path, monkeypatch) -> None:
    long = tmp_path / ("x" * 80)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))

    home = Home(ANVIL)

    assert len(str(home.path / "ipc")) < 104
    home.remove()
