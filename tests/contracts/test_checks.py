"""Declared states, read from both kinds of chain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.contracts.book import Contracts
from pytest_rollout.contracts.checks import States, describe, observe, observe_all
from pytest_rollout.contracts.opening import open_contracts
from pytest_rollout.core.errors import ContractError
from pytest_rollout.core.rollout import ContractSettings, ContractState, NetworkKind, Value
from pytest_rollout.core.state import agree
from pytest_rollout.networks.port import Chain

OUT = Path(__file__).parent / "artifacts" / "out"
ADMIN = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
USER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
HUGE = 2**256 - 1
KECCAK_X = "0x7521d1cadbcfa91eec65aa16715b94ffc1c9654ba57ea2ef1a2127bca1127a83"


@pytest.fixture
def book(contracts: Contracts) -> Contracts:
    contracts.deploy("Probe", 7)
    contracts.deploy("Roles", USER)
    contracts.deploy("Proxy", contracts.Probe.address)
    return contracts


@pytest.fixture
def look(book: Contracts, chain: Chain) -> Callable[..., Value]:
    def at(name: str, expected: Value, *arguments: Value) -> Value:
        contract, _, what = name.partition(".")
        state = ContractState(contract=contract, what=what, expected=expected, arguments=arguments)
        return observe(state, book, chain)

    return at


@pytest.fixture
def roles(open_chain: Callable[..., Chain]) -> Callable[[ContractState], Value]:
    """One chain in this process, where only the words of an error matter."""
    chain = open_chain()
    contracts = open_contracts(ContractSettings(artifacts=(OUT / "hardhat",)), chain)
    contracts.deploy("Probe", 7)
    contracts.deploy("Roles", USER)
    return lambda state: observe(state, contracts, chain)


EVERYTHING = [HUGE, -5, True, "admin", "0xc0ffee", KECCAK_X, ADMIN, [1, ADMIN, ["0xabcdef01"]], [HUGE, 0]]

AGREEING: dict[str, tuple[str, Value, tuple[Value, ...]]] = {
    "not paused": ("Probe.paused", False, ()),
    "owner by role": ("Probe.owner", "admin", ()),
    "owner by address": ("Probe.owner", ADMIN, ()),
    "owner in lower case": ("Probe.owner", ADMIN.lower(), ()),
    "role by constant": ("Roles.roles.PAUSER_ROLE", ["user"], ()),
    "role by hash of its name": ("Roles.roles.MINTER_ROLE", [USER], ()),
    "role by its hash": ("Roles.roles.0x" + "00" * 32, ["admin"], ()),
    "admin role": ("Roles.roles.DEFAULT_ADMIN_ROLE", ["admin"], ()),
    "implementation by name": ("Proxy.implementation", "Probe", ()),
    "no implementation": ("Probe.implementation", "0x" + "00" * 20, ()),
    "call by name": ("Probe.calls.number", 7, ()),
    "call by signature": ("Probe.calls.add(uint256)", 42, (41,)),
    "call by number of arguments": ("Probe.calls.add", 42, (40, 2)),
    "exact integers": ("Probe.calls.add(uint256)", HUGE, (HUGE - 1,)),
    "everything at once": ("Probe.calls.values", EVERYTHING, ()),
    "everything in the plan's spelling": (
        "Probe.calls.values",
        [HUGE, -5, True, "admin", "0xC0FFEE", KECCAK_X, "admin", [1, "deployer", ["0xABCDEF01"]], [HUGE, 0]],
        (),
    ),
    "structures as arguments": (
        "Probe.calls.echo",
        [[3, "Roles", ["0x00000001", "0x00000002"]], "0x"],
        ([3, "Roles", ["0x00000001", "0x00000002"]], "0x"),
    ),
    "a role as argument": ("Roles.calls.hasRole", True, ("0x" + "00" * 32, "admin")),
}


@pytest.mark.parametrize(("name", "expected", "arguments"), AGREEING.values(), ids=AGREEING)
def test_what_is_as_declared_is_observed_as_it_was_written(
    look: Callable[..., Value], name: str, expected: Value, arguments: tuple[Value, ...]
) -> None:
    observed = look(name, expected, *arguments)

    assert observed == expected
    assert agree(expected, observed)


DIFFERING: dict[str, tuple[str, Value, tuple[Value, ...], Value]] = {
    "paused": ("Probe.paused", True, (), False),
    "owner is somebody else": ("Probe.owner", "user", (), ADMIN),
    "role held by some": ("Roles.roles.PAUSER_ROLE", ["user", "admin"], (), ["user"]),
    "role held by nobody": ("Roles.roles.UNKNOWN_ROLE", ["user"], (), []),
    "the constant, not the hash of its name": ("Roles.roles.PAUSER_ROLE", ["admin"], (), []),
    "a number as text": ("Probe.calls.number", "7", (), 7),
    "a number as boolean": ("Probe.calls.add(uint256)", True, (0,), 1),
    "a text that is also a role": ("Probe.calls.values", ["admin"], (), EVERYTHING),
    "another implementation": ("Proxy.implementation", "Roles", (), None),
    "fewer elements": ("Probe.calls.values", EVERYTHING[:-1], (), EVERYTHING),
}


@pytest.mark.parametrize(("name", "expected", "arguments", "seen"), DIFFERING.values(), ids=DIFFERING)
def test_what_is_not_as_declared_is_observed_as_it_is(
    look: Callable[..., Value], book: Contracts, name: str, expected: Value, arguments: tuple[Value, ...], seen: Value
) -> None:
    observed = look(name, expected, *arguments)

    assert observed == (book.Probe.address if seen is None else seen)
    assert not agree(expected, observed)


def test_changes_are_seen(look: Callable[..., Value], book: Contracts) -> None:
    book.send(book.Probe.functions.setPaused(True))
    book.send(book.Probe.functions.setOwner(book.Roles.address))

    assert look("Probe.paused", False) is True
    assert look("Probe.owner", "Roles") == "Roles"
    assert look("Probe.owner", "admin") == book.Roles.address


def test_code_is_judged_by_size_and_hash(look: Callable[..., Value], book: Contracts, chain: Chain) -> None:
    """The right address with the wrong code is a failure."""
    code = chain.w3.eth.get_code(book.Roles.address)
    digest = "0x" + chain.w3.keccak(code).hex().removeprefix("0x")

    assert look("Roles.code_size", 1) == len(code)
    assert look("Roles.code_hash", "0x00") == digest
    assert look("Roles.code_hash", digest.upper().replace("X", "x")) == digest.upper().replace("X", "x")
    assert look("Proxy.code_hash", digest) != digest


def test_a_proxy_is_read_through_the_artifact_of_its_implementation(
    look: Callable[..., Value], book: Contracts
) -> None:
    book.at("Probe", book.Proxy.address)

    assert look("Probe.calls.number", 0) == 0
    assert look("Probe.implementation", "Probe") != "Probe"


def test_all_is_read_at_one_block(open_chain: Callable[..., Chain], monkeypatch: pytest.MonkeyPatch) -> None:
    """A block mined between two reads cannot mix two states into one observation."""
    chain: Any = open_chain(NetworkKind.ANVIL)
    contracts = open_contracts(ContractSettings(artifacts=(OUT / "hardhat",)), chain)
    contracts.deploy("Probe", 7)
    contracts.deploy("Roles", USER)
    batch = chain.batch

    def then_store(calls: object) -> object:
        answers = batch(calls)
        contracts.send(contracts.Probe.functions.store(8))
        return answers

    monkeypatch.setattr(chain, "batch", then_store)
    states = [
        ContractState(contract="Roles", what="roles.PAUSER_ROLE", expected=["user"]),
        ContractState(contract="Probe", what="calls.number", expected=7),
    ]

    # The role's constant is not the hash of its name, so its holders are asked in a second round.
    found = observe_all(states, contracts, chain)
    assert (found.number, found.seen) == (2, {"Roles.roles.PAUSER_ROLE": ["user"], "Probe.calls.number": 7})
    assert contracts.Probe.functions.number().call() == 8


def test_all_is_read_at_the_newest_block(open_chain: Callable[..., Chain]) -> None:
    """Whoever mined it; the book only guesses which one that is."""
    chain = open_chain(NetworkKind.ANVIL)
    contracts = open_contracts(ContractSettings(artifacts=(OUT / "hardhat",)), chain)
    other = open_contracts(ContractSettings(artifacts=(OUT / "hardhat",)), chain)
    probe = other.at("Probe", contracts.deploy("Probe", 7).address)
    other.send(probe.functions.store(8))
    state = ContractState(contract="Probe", what="calls.number", expected=7)

    assert observe_all([state], contracts, chain) == States(number=2, seen={"Probe.calls.number": 8})


def test_one_state_that_cannot_be_read_hides_no_other(open_chain: Callable[..., Chain]) -> None:
    chain = open_chain()
    contracts = open_contracts(ContractSettings(artifacts=(OUT / "hardhat",)), chain)
    contracts.deploy("Probe", 7)
    states = [
        ContractState(contract="Probe", what="calls.onlyBefore", expected=True, arguments=(1,)),
        ContractState(contract="Probe", what="calls.number", expected=7),
        ContractState(contract="Gone", what="paused", expected=False),
        ContractState(contract="Roles", what="paused", expected=False),
    ]

    seen = observe_all(states, contracts, chain).seen

    assert {name: str(value) for name, value in seen.items()} == {
        "Probe.calls.onlyBefore": "network local: Probe.calls.onlyBefore: onlyBefore(uint256) reverted: too late.",
        "Probe.calls.number": "7",
        "Gone.paused": (
            "network local: no contract 'Gone'; known are Probe, "
            "artifacts are Foreign, IProbe, Linked, Probe, Proxy, Roles, Sums."
        ),
        "Roles.paused": (
            'network local: Roles is not deployed; deploy it with contracts.deploy("Roles", …), '
            "or give its address in contracts.deployments.local."
        ),
    }


def test_a_network_in_trouble_is_the_error_of_every_state(open_chain: Callable[..., Chain]) -> None:
    chain = open_chain()
    contracts = open_contracts(ContractSettings(artifacts=(OUT / "hardhat",)), chain)
    contracts.deploy("Probe", 7)
    chain.close()
    state = ContractState(contract="Probe", what="paused", expected=False)

    found = observe_all([state], contracts, chain)

    assert found.number is None
    assert str(found.seen["Probe.paused"]) == "network local: it was closed; nothing more can be read from it."


VIEWS = "its views are add, echo, nothing, number, onlyBefore, owner, paused, twin, values."

ERRORS: dict[str, tuple[str, tuple[Value, ...], str]] = {
    "no such function": (
        "Probe.calls.nmber",
        (),
        f"the contract has no nmber; {VIEWS} Did you mean 'number'?",
    ),
    "no owner": (
        "Roles.owner",
        (),
        "the contract has no owner(); its views are DEFAULT_ADMIN_ROLE(), PAUSER_ROLE(), hasRole(bytes32,address).",
    ),
    "no roles": ("Probe.roles.PAUSER_ROLE", (), "the contract has no hasRole(bytes32,address); its views are "),
    "not a view": ("Probe.calls.store", (5,), "store(uint256) is no view; a check only reads."),
    "nothing returned": ("Probe.calls.nothing", (), "nothing() returns nothing that could be compared."),
    "too few arguments": (
        "Probe.calls.add",
        (),
        (
            "0 arguments fit 0 functions of that name; there are add(uint256), add(uint256,uint256); "
            "write the signature and its arguments."
        ),
    ),
    "refused": ("Probe.calls.onlyBefore", (1,), "onlyBefore(uint256) reverted: too late."),
    "overflow": ("Probe.calls.add", (HUGE, 1), "add(uint256,uint256) reverted: Panic(0x11)."),
    "text for a number": ("Probe.calls.add", (1, "2"), "argument 2: '2' is no uint256."),
    "boolean for a number": ("Probe.calls.add", (True, 2), "argument 1: True is no uint256."),
    "negative for unsigned": ("Probe.calls.add", (-1, 2), "argument 1: -1 is no uint256."),
    "too large": ("Probe.calls.add", (HUGE + 1, 2), f"argument 1: {HUGE + 1} is no uint256."),
    "nobody's name": (
        "Roles.calls.hasRole",
        ("0x" + "00" * 32, "amdin"),
        "argument 2: 'amdin' is no address. An account role, a contract's name or 0x and 40 hex digits is needed.",
    ),
    "too few bytes": (
        "Roles.calls.hasRole",
        ("0x00", "admin"),
        "argument 1: '0x00' is no bytes32. 0x and two hex digits for each byte are needed.",
    ),
    "no structure": ("Probe.calls.echo", (5, "0x"), "argument 1: 5 is no structure; a list of 3 is needed."),
    "short structure": ("Probe.calls.echo", ([1], "0x"), "argument 1: [1] is no structure; a list of 3 is needed."),
    "within a structure": (
        "Probe.calls.echo",
        ([1, "admin", ["0x0"]], "0x"),
        "argument 1.tags[0]: '0x0' is no bytes4. 0x and two hex digits for each byte are needed.",
    ),
    "an unknown state": (
        "Probe.pausd",
        (),
        (
            "nothing is known about 'pausd'; allowed are paused, owner, roles.<ROLE>, code_size, code_hash, "
            "calls.<view>, "
        ),
    ),
}


@pytest.mark.parametrize(("name", "arguments", "told"), ERRORS.values(), ids=ERRORS)
def test_what_cannot_be_read_is_told_with_its_place(
    roles: Callable[[ContractState], Value], name: str, arguments: tuple[Value, ...], told: str
) -> None:
    contract, _, what = name.partition(".")

    with pytest.raises(ContractError) as wrong:
        roles(ContractState(contract=contract, what=what, expected=["user"], arguments=arguments))

    assert str(wrong.value).startswith(f"network local: {name}: {told}")


def test_another_contract_s_code_is_not_read_as_this_one(open_chain: Callable[..., Chain]) -> None:
    """A call that the code does not know may still answer, with nothing or with something else."""
    chain = open_chain()
    contracts = open_contracts(ContractSettings(artifacts=(OUT / "hardhat",)), chain)
    stranger = chain.w3.eth.wait_for_transaction_receipt(
        chain.w3.eth.send_transaction({"data": "0x6001600c60003960016000f300", "gas": 200_000})
    )
    contracts.at("Probe", str(stranger["contractAddress"]))

    with pytest.raises(ContractError) as wrong:
        observe(ContractState(contract="Probe", what="paused", expected=False), contracts, chain)

    assert str(wrong.value) == (
        "network local: Probe.paused: paused() returned 0 bytes that are not (bool); "
        "is this another contract's address?"
    )


def test_a_contract_that_is_gone_has_no_state(open_chain: Callable[..., Chain]) -> None:
    chain = open_chain()
    contracts = open_contracts(ContractSettings(artifacts=(OUT / "hardhat",)), chain)
    snapshot = chain.snapshot()
    where = contracts.deploy("Probe", 1).address
    chain.revert(snapshot)

    with pytest.raises(ContractError) as gone:
        observe(ContractState(contract="Probe", what="paused", expected=False), contracts, chain)

    assert str(gone.value) == f"network local: Probe.paused: no code at {where} in block 0."
    assert observe(ContractState(contract="Probe", what="code_size", expected=1), contracts, chain) == 0


def test_a_contract_nobody_deployed_is_told(open_chain: Callable[..., Chain]) -> None:
    chain = open_chain()
    contracts = open_contracts(ContractSettings(artifacts=(OUT / "hardhat",)), chain)

    with pytest.raises(ContractError, match=r"network local: Probe is not deployed; deploy it with "):
        observe(ContractState(contract="Probe", what="paused", expected=False), contracts, chain)


@pytest.mark.parametrize(
    ("what", "expected", "arguments", "words"),
    [
        ("paused", False, (), "SkillProfile.paused is false"),
        ("owner", "admin", (), "SkillProfile.owner is admin"),
        ("code_size", 4096, (), "SkillProfile.code_size is 4096"),
        ("roles.PAUSER_ROLE", ["admin", "user"], (), "SkillProfile: PAUSER_ROLE is held by admin, user"),
        ("roles.PAUSER_ROLE", [], (), "SkillProfile: PAUSER_ROLE is held by none"),
        ("calls.totalSkills", 3, (), "SkillProfile.totalSkills() is 3"),
        ("calls.balanceOf(address)", 5, ("user",), "SkillProfile.balanceOf(user) is 5"),
        ("calls.point", [1, ["a", True]], (), "SkillProfile.point() is [1, [a, true]]"),
    ],
)
def test_a_state_is_described_in_words(what: str, expected: Value, arguments: tuple[Value, ...], words: str) -> None:
    state = ContractState(contract="SkillProfile", what=what, expected=expected, arguments=arguments)

    assert describe(state) == words
