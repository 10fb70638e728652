"""Calls, sent transactions and events of a contract, on both kinds of chain, without web3.py."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.contracts.book import Contracts
from pytest_rollout.contracts.opening import open_contracts
from pytest_rollout.core.errors import ContractError, NetworkError, Reverted, RolloutError
from pytest_rollout.core.rollout import ContractSettings
from pytest_rollout.networks.port import Chain

OUT = Path(__file__).parent / "artifacts" / "out"
ANA = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
NOBODY = "0x" + "00" * 20
HUGE = 2**256 - 1


@pytest.fixture
def probe(contracts: Contracts) -> Any:
    return contracts.deploy("Probe", 7)


@pytest.fixture
def here(open_chain: Callable[..., Chain]) -> Any:
    """A contract on a chain in this process, where only the words matter."""
    return open_contracts(ContractSettings(artifacts=(OUT / "hardhat",)), open_chain()).deploy("Probe", 7)


def test_every_type_comes_back_as_python_has_it(probe: Any, chain: Chain) -> None:
    """Several results are a list, a structure is a named tuple, arrays are lists, addresses have their checksum."""
    values = probe.functions.values().call()

    admin = chain.accounts["admin"]
    assert values[:4] == [HUGE, -5, True, "admin"]
    assert (values[4], values[5].hex()[:8], values[6]) == (b"\xc0\xff\xee", "7521d1ca", admin)
    assert values[7] == (1, admin, [b"\xab\xcd\xef\x01"])
    assert (values[7].x, values[7].who, values[8]) == (1, admin, [HUGE, 0])
    assert [type(each) for each in values[3:6]] == [str, bytes, bytes]


def test_it_is_what_web3_py_gives(probe: Any) -> None:
    """A suite written for web3.py's contracts reads the same values."""
    ours, theirs = probe.functions, probe.web3.functions
    point = (3, ANA, [b"\x00\x00\x00\x01"])

    for name, arguments in {"values": (), "number": (), "add": (1, 2), "echo": (point, b"\x01"), "nothing": ()}.items():
        assert ours[name](*arguments).call() == theirs[name](*arguments).call()
    assert probe.encode_abi("echo", args=[point, "0x01"]) == probe.web3.encode_abi("echo", args=[point, "0x01"])
    assert probe.functions.add(1, 2).build_transaction({"gas": 9})["data"] == probe.functions.add(1, 2).data
    assert probe.abi == list(probe.web3.abi)


POINTS: dict[str, Any] = {
    "a tuple": (3, ANA, [b"\x00\x00\x00\x01"]),
    "a list": [3, ANA.lower(), ["0x00000001"]],
    "a mapping": {"tags": [bytearray(b"\x00\x00\x00\x01")], "x": 3, "who": ANA},
}


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_a_structure_is_written_as_a_sequence_or_by_names(here: Any, point: Any) -> None:
    back, data = here.functions.echo(point=point, data="0x0102").call()

    assert (back, data) == ((3, ANA, [b"\x00\x00\x00\x01"]), b"\x01\x02")


def test_overloads_are_told_apart_by_their_arguments_or_signature(here: Any) -> None:
    add = here.functions.add

    assert (add(1).call(), add(1, 2).call()) == (2, 3)
    assert here.functions["add(uint256,uint256)"](1, 2).signature == "add(uint256,uint256)"
    assert here.functions["add(uint256)"](5).call() == 6
    assert (add(1).name, add(1).selector, add(1).args) == ("add", "0x1003e2d2", (1,))


def test_a_contract_is_an_address_where_one_is_asked_for(here: Any) -> None:
    assert here.functions.setOwner(here).data[-40:] == here.address[2:].lower()


MISFITS: dict[str, tuple[str, tuple[Any, ...], str]] = {
    "text": ("store", ("5",), "argument 1: '5' is no uint256; a whole number from 0 to 2**256 - 1 is needed."),
    "boolean": ("store", (True,), "argument 1: True is no uint256; "),
    "fraction": ("store", (5.0,), "argument 1: 5.0 is no uint256; "),
    "negative": ("store", (-1,), "argument 1: -1 is no uint256; "),
    "too large": ("store", (HUGE + 1,), f"argument 1: {HUGE + 1} is no uint256; "),
    "nothing": ("store", (None,), "argument 1: None is no uint256; "),
    "number for boolean": ("setPaused", (1,), "argument 1: 1 is no bool."),
    "no address": ("setOwner", ("admin",), "argument 1: 'admin' is no address; 0x and 40 hex digits are needed."),
    "checksum": ("setOwner", (ANA[:-1] + "c",), "has a wrong checksum; a digit is mistyped, or it is meant to be"),
    "too few": ("store", (), "store(uint256): takes 1 arguments, not 0."),
    "too many": ("store", (1, 2), "store(uint256): takes 1 arguments, not 2."),
    "text for bytes": ("echo", ((1, ANA, []), "hello"), "argument 2: 'hello' is no bytes; bytes or 0x hex are needed."),
    "short bytes": (
        "echo",
        ((1, ANA, [b"\x01"]), b""),
        "argument 1.tags[0]: b'\\x01' is no bytes4; 4 bytes are needed, or 0x and 8 hex digits.",
    ),
    "half a byte": ("echo", ((1, ANA, []), "0x1"), "argument 2: '0x1' is no bytes; "),
    "text for a list": ("echo", ((1, ANA, "0x"), b""), "argument 1.tags: '0x' is no bytes4[]; a list is needed."),
    "short structure": (
        "echo",
        ((1, ANA), b""),
        "is no structure; a mapping or a sequence of x, who, tags is needed.",
    ),
    "missing field": (
        "echo",
        ({"x": 1, "whom": ANA, "tags": []}, b""),
        "argument 1: has no 'who'; the fields are x, who, tags. Did you mean 'whom'?",
    ),
    "extra field": (
        "echo",
        ({"x": 1, "who": ANA, "tags": [], "tag": 1}, b""),
        "argument 1: there is no field 'tag'; the fields are x, who, tags. Did you mean 'tags'?",
    ),
    "no overload": (
        "add",
        (1, 2, 3),
        'Probe.add: (1, 2, 3) fits 0 of add(uint256), add(uint256,uint256); write functions["add(uint256)"](…)',
    ),
    "one overload's argument": ("add", (-1,), "Probe.add(uint256): argument 1: -1 is no uint256; "),
}


@pytest.mark.parametrize(("name", "arguments", "told"), MISFITS.values(), ids=MISFITS)
def test_an_argument_that_does_not_fit_is_told(here: Any, name: str, arguments: tuple[Any, ...], told: str) -> None:
    """Before anything is sent, and nothing is coerced."""
    with pytest.raises(ContractError) as wrong:
        here.functions[name](*arguments)

    assert str(wrong.value).startswith("network local: Probe.")
    assert told in str(wrong.value)


@pytest.mark.parametrize(
    ("arguments", "named", "told"),
    [
        ((), {"vale": 1}, "argument 'vale' is none of value. Did you mean 'value'?"),
        ((1,), {"value": 1}, "argument 'value' is given twice."),
        ((), {}, "takes 1 arguments, not 0."),
    ],
)
def test_a_named_argument_is_checked(here: Any, arguments: Any, named: Any, told: str) -> None:
    with pytest.raises(ContractError) as wrong:
        here.functions.store(*arguments, **named)

    assert str(wrong.value) == f"network local: Probe.store(uint256): {told}"


def test_what_the_contract_does_not_have_is_told_with_the_nearest(here: Any) -> None:
    with pytest.raises(ContractError, match=r"Probe: the contract has no function nmber; .* Did you mean 'number'\?"):
        _ = here.functions.nmber
    with pytest.raises(ContractError, match=r"Probe: the contract has no event Store; .* Did you mean 'Stored'\?"):
        _ = here.events.Store
    with pytest.raises(AttributeError):
        _ = here.nonsense
    assert not hasattr(here, "__wrapped__")
    assert ("store" in dir(here.functions), list(here.events)) == (True, ["Stored"])


def test_a_call_reads_a_past_block(probe: Any, contracts: Contracts, chain: Chain) -> None:
    before = chain.head()
    contracts.send(probe.functions.store(8))

    number = probe.functions.number()
    assert [number.call(block_identifier=each) for each in (before.number, hex(before.number), "latest", None)] == [
        *(7, 7, 8, 8)
    ]
    with pytest.raises(ContractError, match=r"block_identifier is 'newest'; a number, a hash, or one of "):
        number.call(block_identifier="newest")


def test_a_transaction_says_who_and_how_much(probe: Any, contracts: Contracts, chain: Chain) -> None:
    """As web3.py takes it, and a role may be named."""
    digest = probe.functions.store(5).transact({"from": "user", "value": 3, "gas": 100_000})

    receipt = chain.w3.eth.wait_for_transaction_receipt(digest)
    assert (receipt["from"], receipt["status"]) == (chain.accounts["user"], 1)
    assert probe.functions.store(5).estimate_gas({"from": chain.accounts["user"]}) > 21_000
    for wrong, told in {
        "gasLimit": "a transaction has no 'gasLimit' to give here; allowed are from, value, gas, ",
        "data": "a transaction has no 'data' to give here; ",
        "value": "'value' is 1.5; a whole number from 0 or 0x hex is needed.",
    }.items():
        with pytest.raises(ContractError) as refused:
            probe.functions.store(5).transact({wrong: 1.5})
        assert told in str(refused.value)
    with pytest.raises(NetworkError, match=r"no account 'usr'; .* Did you mean 'user'\?"):
        probe.functions.store(5).transact({"from": "usr"})


def test_a_refused_call_tells_why(probe: Any) -> None:
    with pytest.raises(Reverted) as refused:
        probe.functions.refuse(7).call({"from": "user"})

    assert refused.value.error == "Everything"
    with pytest.raises(Reverted, match="too late"):
        probe.functions.onlyBefore(1).call()
    with pytest.raises(Reverted, match="not today"):
        probe.functions.refuse(0).estimate_gas()


def test_another_contract_s_answer_is_not_taken_for_this_one(contracts: Contracts, probe: Any) -> None:
    other = contracts.at("Roles", contracts.deploy("Roles", ANA).address, artifact="Roles")
    _ = contracts.deploy("Proxy", other.address)
    posing = contracts.at("Posing", probe.address, artifact="Roles")

    with pytest.raises(Reverted):
        posing.functions.PAUSER_ROLE().call()
    empty = contracts.at("Empty", contracts.deploy("Sums").address, artifact="Probe")
    with pytest.raises(RolloutError):
        empty.functions.number().call()


def test_a_receipt_s_values_are_python_s(probe: Any, contracts: Contracts, chain: Chain) -> None:
    receipt = contracts.send(probe.functions.store(5))

    theirs = chain.w3.eth.get_transaction_receipt(receipt.transactionHash)
    for key in ("status", "from", "to", "blockNumber", "blockHash", "gasUsed", "transactionHash", "contractAddress"):
        assert receipt[key] == theirs[key], key
    assert receipt.logs[0].topics == list(theirs["logs"][0]["topics"])
    assert receipt.status == 1
    assert not hasattr(receipt, "gasLimit")


def test_events_are_read_from_a_receipt(probe: Any, contracts: Contracts, chain: Chain) -> None:
    """Those of this contract: another one's that is called the same is not its own."""
    second = contracts.deploy("Probe", 1, as_="Second")
    receipt = contracts.send(probe.functions.store(5), sender="user")

    (stored,) = probe.events.Stored().process_receipt(receipt)
    (theirs,) = probe.web3.events.Stored().process_receipt(chain.w3.eth.get_transaction_receipt(stored.transactionHash))
    assert stored.args == {"by": chain.accounts["user"], "value": 5}
    assert (stored.event, stored.args.value) == ("Stored", 5)
    for key in ("address", "blockNumber", "blockHash", "logIndex", "transactionHash", "transactionIndex"):
        assert stored[key] == theirs[key], key
    assert second.events.Stored().process_receipt(receipt) == ()
    assert second.events.Stored().process_log(receipt.logs[0]).args.value == 5
    assert probe.events.Stored().process_receipt(chain.w3.eth.get_transaction_receipt(stored.transactionHash)) == (
        stored,
    )


def test_events_are_found_in_the_logs(probe: Any, contracts: Contracts, chain: Chain) -> None:
    contracts.deploy("Probe", 1, as_="Second")
    start = chain.head().number + 1
    for number, sender in enumerate(("user", "other", "user")):
        contracts.send(probe.functions.store(number), sender=sender)
        contracts.send(contracts.Second.functions.store(100 + number), sender=sender)

    stored, user = probe.events.Stored(), chain.accounts["user"]

    def values(**asked: Any) -> list[int]:
        return [each.args.value for each in stored.get_logs(from_block=start, **asked)]

    assert values() == [0, 1, 2]
    assert values(argument_filters={"by": user}) == [0, 2]
    assert values(argument_filters={"by": [user, chain.accounts["other"]], "value": [1, 2]}) == [1, 2]
    assert values(to_block=start) == [0]
    assert stored.get_logs() == []
    with pytest.raises(ContractError, match=r"event Stored: has no argument 'from'; there are by, value\."):
        values(argument_filters={"from": user})
    with pytest.raises(ContractError, match=r"event Stored: value: '5' is no uint256; "):
        values(argument_filters={"value": "5"})


def test_reads_that_fail_are_all_told(probe: Any, contracts: Contracts) -> None:
    """`look` gives each its error, `read` raises; no error is ever handed out as a value by accident."""
    f = probe.functions
    calls = {"late": f.onlyBefore(1), "number": f.number(), "over": f.add(HUGE, 1)}

    found = contracts.look(calls)
    assert (found["number"], str(found["late"]), str(found["over"])) == (
        7,
        "reverted: too late",
        "reverted: Panic(0x11)",
    )
    with pytest.raises(Reverted, match="too late") as refused:
        contracts.read(calls)
    assert refused.value.__notes__ == ["read as 'late'", "and 'over': reverted: Panic(0x11)"]
    assert contracts.read({}) == {}


def test_only_this_network_s_calls_are_read_or_sent(open_chain: Callable[..., Chain], here: Any) -> None:
    contracts = open_contracts(ContractSettings(artifacts=(OUT / "hardhat",)), open_chain(name="spare"))

    for use in (contracts.send, lambda call: contracts.read({"n": call})):
        with pytest.raises(ContractError, match=r"is on another network than this book, which is on spare\."):
            use(here.functions.number())
    with pytest.raises(ContractError, match=r"network spare: 7 is no call; write contracts\.NAME\.functions"):
        contracts.send(7)  # type: ignore[arg-type]


COMMON_PATH = """
import sys
from pathlib import Path
from pytest_rollout.contracts.opening import open_contracts
from pytest_rollout.core.rollout import ContractSettings, Network, NetworkKind
from pytest_rollout.networks.opening import open_network

chain = open_network(Network(name="local", kind=NetworkKind.ANVIL))
contracts = open_contracts(ContractSettings(artifacts=(Path(sys.argv[1]),)), chain)
probe = contracts.deploy("Probe", 7)
receipt = contracts.send(probe.functions.store(5), sender="user")
assert probe.events.Stored().process_receipt(receipt)[0].args.value == 5
assert probe.events.Stored().get_logs()[0].args.value == 5
assert contracts.read({"n": probe.functions.number()}) == {"n": 5}
try:
    probe.functions.refuse(2).call()
except Exception as error:
    assert "NoProfile" in str(error)
chain.close()
print(" ".join(sorted({name.split(".")[0] for name in sys.modules})))
"""


def test_the_common_path_imports_no_web3() -> None:
    """Libraries that a test does not touch are not paid for; the price of web3.py is more than the rest together."""
    done = subprocess.run(
        [sys.executable, "-c", COMMON_PATH, str(OUT / "hardhat")], capture_output=True, text=True, check=True
    )

    loaded = set(done.stdout.split())
    assert "eth_abi" in loaded
    assert loaded & {"web3", "eth_account", "eth_tester", "eth", "aiohttp", "requests", "websockets"} == set()
