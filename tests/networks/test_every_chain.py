"""What every chain does the same: one contract, run over all kinds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.errors import NetworkError, Reverted
from pytest_rollout.core.rollout import NetworkKind
from pytest_rollout.networks.port import Chain, SnapshotId

OWN = [kind for kind in NetworkKind if not kind.is_real]

ETHER = 10**18
DEPLOYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
USER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
STRANGER = "0x00000000000000000000000000000000000A11cE"

NOBODY = "0x0000000000000000000000000000000000000000"

REFUSALS = {
    "reason": (0, "not today", "Error"),
    "custom": (1, "Plain()", "Plain"),
    "custom with address": (2, f"NoProfile({USER})", "NoProfile"),
    "overflow": (3, "Panic(0x11)", "Panic"),
    "assert": (4, "Panic(0x01)", "Panic"),
    "no reason": (5, "", ""),
    "everything": (
        7,
        f'Everything(7, true, "say \\"hi\\"", 0xc0ffee, (1, {USER}, [0x00000000]), [{USER}, {NOBODY}])',
        "Everything",
    ),
    "unknown": (8, "custom error 0xdeadbeef", ""),
    "broken reason": (9, "custom error 0x08c379a0", ""),
    "from another contract": (10, "custom error 0xace777e6", ""),
}


def pay(chain: Chain, value: int = ETHER, to: str = STRANGER) -> str:
    transaction = {"from": chain.accounts["user"], "to": to, "value": hex(value)}
    digest = chain.request("eth_sendTransaction", [transaction])
    assert isinstance(digest, str)
    return digest


def number(chain: Chain, method: str, *params: object) -> int:
    return int(chain.request(method, params), 16)


def everything(chain: Chain) -> dict[str, Any]:
    """All that a test could notice of another one before it."""
    return {
        "head": chain.head(),
        "balance": number(chain, "eth_getBalance", STRANGER, "latest"),
        "nonce": number(chain, "eth_getTransactionCount", chain.accounts["user"], "latest"),
        "pending nonce": number(chain, "eth_getTransactionCount", chain.accounts["user"], "pending"),
        "next fee": chain.request("eth_getBlockByNumber", ["pending", False])["baseFeePerGas"],
    }


def test_the_chain_id_is_a_development_chain_s_unless_the_plan_names_one(chain: Chain) -> None:
    assert (chain.chain_id, chain.request("eth_chainId"), chain.w3.eth.chain_id) == (31337, "0x7a69", 31337)


@pytest.mark.parametrize("kind", [NetworkKind.TESTER, NetworkKind.ANVIL])
def test_the_plan_s_chain_id_is_what_the_chain_answers(kind: NetworkKind, open_chain: Callable[..., Chain]) -> None:
    """Contracts read it too: signatures of typed data depend on it."""
    chain = open_chain(kind, chain_id=5611)

    snapshot = chain.snapshot()
    chain.revert(snapshot)

    assert (chain.request("eth_chainId"), chain.request("net_version")) == ("0x15eb", "5611")
    assert chain.w3.eth.wait_for_transaction_receipt(pay(chain))["status"] == 1  # type: ignore[arg-type]


def test_accounts_are_the_same_everywhere_and_funded(chain: Chain) -> None:
    assert chain.accounts["deployer"] == DEPLOYER
    assert chain.accounts["user"] == USER
    assert {number(chain, "eth_getBalance", each, "latest") for each in chain.accounts.addresses} == {10_000 * ETHER}


def test_a_transaction_moves_value_and_is_mined_when_the_call_returns(chain: Chain) -> None:
    digest = pay(chain)

    receipt = chain.request("eth_getTransactionReceipt", [digest])
    assert (receipt["status"], receipt["blockNumber"]) == ("0x1", "0x1")
    assert number(chain, "eth_getBalance", STRANGER, "latest") == ETHER


def test_the_receipt_of_what_is_sent_is_the_one_that_the_chain_has(chain: Chain) -> None:
    """One round trip on anvil, two on others; and never one from before a revert."""
    transaction = {"from": chain.accounts["user"], "to": STRANGER, "value": hex(ETHER)}
    snapshot = chain.snapshot()
    first = chain.send(transaction)
    kept = chain.request("eth_getTransactionReceipt", [first["transactionHash"]])
    chain.revert(snapshot)
    pay(chain, 2)
    second = chain.send(transaction)

    assert first == kept
    assert second == chain.request("eth_getTransactionReceipt", [second["transactionHash"]])
    assert (first["blockNumber"], second["blockNumber"], second["status"]) == ("0x1", "0x2", "0x1")


def test_what_is_sent_and_refused_raises_with_its_transaction(chain: Chain, probe: Any) -> None:
    transaction = {"from": DEPLOYER, "to": probe.address, "data": probe.encode_abi("refuse", [1]), "gas": hex(200_000)}

    with pytest.raises(Reverted) as refusal:
        chain.send(transaction)

    assert refusal.value.reason == "Plain()"
    assert chain.request("eth_getTransactionReceipt", [refusal.value.transaction])["status"] == "0x0"


def test_a_transaction_without_a_sender_comes_from_the_deployer(chain: Chain, probe: Any) -> None:
    probe.functions.store(5).transact()

    assert number(chain, "eth_getTransactionCount", DEPLOYER, "latest") == 2
    assert probe.functions.number().call() == 5


def test_the_two_kinds_charge_the_same_gas(
    open_chain: Callable[..., Chain], artifact: Callable[[str], dict[str, Any]]
) -> None:
    """A gas bound that holds in the process must hold on the node."""
    used = set()
    for kind in (NetworkKind.TESTER, NetworkKind.ANVIL):
        chain = open_chain(kind)
        transaction = {"from": DEPLOYER, "data": artifact("Roles")["bytecode"] + DEPLOYER[2:].rjust(64, "0")}
        digest = chain.request("eth_sendTransaction", [transaction])
        used.add(chain.request("eth_getTransactionReceipt", [digest])["gasUsed"])

    assert len(used) == 1


def test_a_revert_undoes_everything_a_test_could_notice(chain: Chain) -> None:
    """The next base fee is among it: on anvil it outlives evm_revert and changes what later tests pay."""
    pay(chain)
    before = everything(chain)
    snapshot = chain.snapshot()

    pay(chain, 3 * ETHER)
    chain.advance(days=7)
    chain.mine(20)
    chain.revert(snapshot)

    assert everything(chain) == before


def test_after_a_revert_the_next_block_is_near_the_old_time_again(chain: Chain) -> None:
    before = chain.head().timestamp
    snapshot = chain.snapshot()
    chain.advance(days=30)
    chain.revert(snapshot)

    chain.mine()

    assert before <= chain.head().timestamp < before + 3600


def test_snapshots_nest(chain: Chain) -> None:
    outer = chain.snapshot()
    start = everything(chain)
    pay(chain)
    chain.advance(hours=1)
    middle = everything(chain)
    inner = chain.snapshot()
    pay(chain)
    chain.advance(hours=1)

    chain.revert(inner)
    assert everything(chain) == middle
    pay(chain)
    chain.revert(outer)
    assert everything(chain) == start


def test_an_outer_revert_uses_up_the_inner_snapshots(chain: Chain) -> None:
    """An inner one would lead to a past that never was."""
    outer = chain.snapshot()
    pay(chain)
    inner = chain.snapshot()
    chain.revert(outer)

    with pytest.raises(NetworkError, match=rf"snapshot {inner} is not one to revert to"):
        chain.revert(inner)


def test_a_snapshot_can_be_used_once(chain: Chain) -> None:
    snapshot = chain.snapshot()
    chain.revert(snapshot)

    with pytest.raises(NetworkError, match="was used up"):
        chain.revert(snapshot)


def test_a_snapshot_nobody_took_is_refused(chain: Chain) -> None:
    with pytest.raises(NetworkError, match="snapshot 0x77 is not one to revert to"):
        chain.revert(SnapshotId("0x77"))


def test_two_hundred_scopes_one_after_the_other_leave_no_trace(chain: Chain) -> None:
    before = everything(chain)

    for _ in range(200):
        snapshot = chain.snapshot()
        pay(chain)
        chain.revert(snapshot)

    assert everything(chain) == before


def test_time_moves_by_what_was_asked(chain: Chain) -> None:
    chain.mine()
    before = chain.head()

    chain.advance(days=1, hours=2, minutes=3, seconds=4)

    after = chain.head()
    assert 93784 <= after.timestamp - before.timestamp < 93784 + 60
    assert after.number == before.number + 1


def test_a_contract_sees_the_time_that_was_moved(chain: Chain, probe: Any) -> None:
    deadline = chain.head().timestamp + 3600
    assert probe.functions.onlyBefore(deadline).call() is True

    chain.advance(hours=2)

    with pytest.raises(Reverted, match="too late"):
        probe.functions.onlyBefore(deadline).call()


@pytest.mark.parametrize(
    "step",
    [{}, {"seconds": 0}, {"hours": -1}, {"seconds": 0.5}, {"days": True}, {"minutes": 1, "seconds": -60}],
    ids=str,
)
def test_time_that_does_not_move_forward_by_whole_seconds_is_refused(chain: Chain, step: dict[str, Any]) -> None:
    with pytest.raises(NetworkError, match=r"time moves forward by whole seconds; advance\(\) was given"):
        chain.advance(**step)


def test_blocks_are_mined_by_number(chain: Chain) -> None:
    chain.mine(3)

    assert chain.head().number == 3


@pytest.mark.parametrize("blocks", [0, -1, True, 1.5, "2"])
def test_a_number_of_blocks_below_one_is_refused(chain: Chain, blocks: Any) -> None:
    with pytest.raises(NetworkError, match=r"mine\(\) was given .* blocks, at least 1 is needed"):
        chain.mine(blocks)


def test_the_head_is_the_newest_block_and_says_who_told(chain: Chain) -> None:
    chain.mine()
    head = chain.head()

    block = chain.w3.eth.get_block(head.number)
    assert head.hash == "0x" + block["hash"].hex().removeprefix("0x")
    assert head.timestamp == block["timestamp"]
    assert head.client_version.startswith("EthereumTester/" if chain.kind is NetworkKind.TESTER else "anvil/v1.")


@pytest.mark.parametrize("way", ["call", "estimate_gas"])
@pytest.mark.parametrize(("how", "reason", "error"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_one_error_with_its_reason_wherever_it_is_read(
    read_chain: tuple[Chain, Any], how: int, reason: str, error: str, way: str
) -> None:
    call = read_chain[1].functions.refuse(how)

    with pytest.raises(Reverted) as refused:
        getattr(call, way)({"from": USER})

    assert (refused.value.reason, refused.value.error) == (reason, error)


@pytest.mark.parametrize("way", ["transact", "transact with gas"])
@pytest.mark.parametrize(("how", "reason", "error"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_one_error_with_its_reason(probe: Any, how: int, reason: str, error: str, way: str) -> None:
    """Estimation, reading and a transaction mined with status 0: the reason is the same, on every chain."""
    call, sender = probe.functions.refuse(how), {"from": USER}
    ways: dict[str, Callable[[], object]] = {
        "transact": lambda: call.transact(sender),
        "transact with gas": lambda: call.transact({**sender, "gas": 500_000}),
    }

    with pytest.raises(Reverted) as refused:
        ways[way]()

    assert (refused.value.reason, refused.value.error) == (reason, error)
    assert (refused.value.data == b"") == (reason == "")


@pytest.mark.parametrize("way", ["call", "transact"])
def test_an_execution_that_runs_out_of_gas_is_reverted_as_well(probe: Any, way: str) -> None:
    with pytest.raises(Reverted) as refused:
        getattr(probe.functions.refuse(6), way)({"from": USER, "gas": 60_000})

    assert refused.value.reason == "out of gas"


def test_a_transaction_mined_with_status_0_is_on_the_chain_and_named(chain: Chain, probe: Any) -> None:
    with pytest.raises(Reverted) as refused:
        probe.functions.refuse(0).transact({"from": USER, "gas": 500_000})

    note = refused.value.__notes__[0]
    digest = note.split()[1]
    assert note == f"transaction {digest} on network {chain.name} was mined with status 0"
    assert chain.request("eth_getTransactionReceipt", [digest])["status"] == "0x0"


@pytest.mark.parametrize("gas", [{}, {"gas": 2_000_000}], ids=["estimated", "given"])
def test_a_constructor_s_refusal_has_its_reason(
    chain: Chain, artifact: Callable[[str], dict[str, Any]], gas: dict[str, int]
) -> None:
    compiled = artifact("Probe")
    chain.errors.learn(compiled["abi"])
    factory = chain.w3.eth.contract(abi=compiled["abi"], bytecode=compiled["bytecode"])

    with pytest.raises(Reverted) as refused:
        factory.constructor(13).transact({"from": USER, **gas})

    assert refused.value.reason == f"NoProfile({USER})"


def test_a_signed_transaction_s_refusal_has_its_reason(chain: Chain, probe: Any) -> None:
    from eth_account import Account

    transaction = probe.functions.refuse(0).build_transaction(
        {"from": "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "gas": 500_000, "nonce": 1}
    )
    signed = Account.sign_transaction(transaction, "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")

    with pytest.raises(Reverted) as refused:
        chain.w3.eth.send_raw_transaction(signed.raw_transaction)

    assert refused.value.reason == "not today"


def test_an_error_that_another_artifact_declares_is_told_by_name(
    chain: Chain, probe: Any, artifact: Callable[[str], dict[str, Any]]
) -> None:
    """It bubbles up from a contract whose ABI nobody has looked at yet."""
    chain.errors.learn_later(lambda: [artifact("Foreign")["abi"]])

    with pytest.raises(Reverted) as refused:
        probe.functions.refuse(10).call()

    assert refused.value.reason == "FromElsewhere(42)"


@pytest.mark.parametrize(
    "transaction",
    [
        pytest.param({"value": hex(10**30), "gas": "0x5208"}, id="more than there is"),
        pytest.param({"nonce": "0x63", "gas": "0x1"}, id="less gas than any transaction takes"),
        pytest.param({"from": STRANGER, "gas": "0x5208"}, id="a stranger's account"),
    ],
)
def test_a_transaction_that_no_node_takes_is_a_network_error(chain: Chain, transaction: dict[str, str]) -> None:
    with pytest.raises(NetworkError, match=rf"network {chain.name}: eth_sendTransaction was refused: "):
        chain.request("eth_sendTransaction", [{"from": USER, "to": DEPLOYER, **transaction}])


def test_a_method_nobody_knows_is_named(read_chain: tuple[Chain, Any]) -> None:
    chain, _ = read_chain
    with pytest.raises(NetworkError, match=rf"network {chain.name} \(.*eth_getShrug"):
        chain.request("eth_getShrug")


def test_a_closed_chain_answers_with_a_sentence(read_chain: tuple[Chain, Any]) -> None:
    chain, _ = read_chain
    chain.close()
    chain.close()

    with pytest.raises(NetworkError) as closed:
        chain.head()
    assert str(closed.value) == f"network {chain.name}: it was closed; nothing more can be read from it."


@pytest.mark.parametrize("kind", OWN)
def test_a_role_without_an_account_is_found_on_opening(kind: NetworkKind, open_chain: Callable[..., Chain]) -> None:
    with pytest.raises(NetworkError) as wrong:
        open_chain(kind, name="local", accounts={"whale": 10})

    assert str(wrong.value) == ("network local: accounts.whale: no account number 10; there are 10, numbered from 0.")


@pytest.mark.parametrize("kind", OWN)
def test_an_unknown_hardfork_is_refused_with_the_nearest(kind: NetworkKind, open_chain: Callable[..., Chain]) -> None:
    with pytest.raises(NetworkError, match=r"no hardfork 'cancum' .*; allowed are paris, .*Did you mean 'cancun'\?"):
        open_chain(kind, hardfork="cancum")


@pytest.mark.parametrize("hardfork", ["paris", "shanghai", "cancun", "prague"])
@pytest.mark.parametrize("kind", [NetworkKind.TESTER, NetworkKind.ANVIL])
def test_every_hardfork_takes_transactions(kind: NetworkKind, hardfork: str, open_chain: Callable[..., Chain]) -> None:
    chain = open_chain(kind, hardfork=hardfork)
    snapshot = chain.snapshot()

    pay(chain)
    chain.revert(snapshot)

    assert number(chain, "eth_getBalance", STRANGER, "latest") == 0


def test_calls_nested_hundreds_deep_are_executed(chain: Chain) -> None:
    """A contract that calls itself with all its gas: each call leaves 63/64 to the next (EIP-150)."""
    calls_itself = "0x5f5f5f5f5f305af1600055"
    creation = f"0x6a{calls_itself[2:]}5f52600b6015f3"
    digest = chain.request("eth_sendTransaction", [{"from": USER, "data": creation, "gas": "0x40000"}])
    where = chain.request("eth_getTransactionReceipt", [digest])["contractAddress"]
    assert chain.request("eth_getCode", [where, "latest"]) == calls_itself

    digest = chain.request("eth_sendTransaction", [{"from": USER, "to": where, "gas": hex(25_000_000)}])

    assert chain.request("eth_getTransactionReceipt", [digest])["status"] == "0x1"


def test_a_batch_answers_in_the_order_of_its_calls(read_chain: tuple[Chain, Any]) -> None:
    chain, _ = read_chain
    calls = [("eth_getBalance", [USER, "latest"]), ("eth_chainId", []), ("eth_blockNumber", [])]

    assert chain.batch(calls) == [hex(10_000 * ETHER), "0x7a69", "0x1"]
    assert chain.batch([]) == []


def test_a_call_of_a_batch_that_fails_hides_no_other(read_chain: tuple[Chain, Any]) -> None:
    chain, probe = read_chain
    data = probe.functions.refuse(1)._encode_transaction_data()
    calls = [
        ("eth_call", [{"to": probe.address, "data": data}, "latest"]),
        ("eth_chainId", []),
        ("eth_getShrug", []),
    ]

    refused, chain_id, unknown = chain.batch(calls)

    assert isinstance(refused, Reverted)
    assert (refused.reason, chain_id) == ("Plain()", "0x7a69")
    assert isinstance(unknown, NetworkError)
    assert "eth_getShrug" in str(unknown)


@pytest.mark.parametrize("method", ["eth_sendTransaction", "evm_revert", "anvil_setBalance", "eth_shrug"])
def test_a_batch_only_reads(read_chain: tuple[Chain, Any], method: str) -> None:
    """Within one batch a node runs calls side by side: what writes would race with what reads."""
    chain, _ = read_chain
    with pytest.raises(NetworkError) as refused:
        chain.batch([("eth_chainId", []), (method, [])])

    assert str(refused.value) == (
        f"network {chain.name}: a batch only reads, and {method} may write; use request() for it."
    )


def test_a_closed_chain_answers_no_batch(read_chain: tuple[Chain, Any]) -> None:
    chain, _ = read_chain
    chain.close()

    with pytest.raises(NetworkError, match="it was closed"):
        chain.batch([("eth_chainId", [])])


def test_a_chain_of_our_own_is_read_at_its_newest_block(chain: Chain) -> None:
    assert chain.pinned is None


TRACE = ("debug_traceCall", [{"to": USER}, "latest", {}])

CANNOT: dict[tuple[str, str], Callable[[Chain], object]] = {
    ("tester", "trace"): lambda chain: chain.request(*TRACE),
    ("tester", "impersonate accounts"): lambda chain: chain.impersonate(STRANGER),
    ("tester", "set balances"): lambda chain: chain.set_balance(STRANGER, 1),
    ("tester", "be recorded as a state"): lambda chain: chain.dump_state(Path("state.json")),
    ("rpc", "be recorded as a state"): lambda chain: chain.dump_state(Path("state.json")),
    ("rpc", "be snapshot"): lambda chain: chain.snapshot(),
    ("rpc", "be reverted"): lambda chain: chain.revert(SnapshotId("0x0")),
    ("rpc", "move its time"): lambda chain: chain.advance(days=1),
    ("rpc", "mine blocks on demand"): lambda chain: chain.mine(),
    ("rpc", "impersonate accounts"): lambda chain: chain.impersonate(STRANGER),
    ("rpc", "set balances"): lambda chain: chain.set_balance(STRANGER, 1),
    ("rpc", "be altered"): lambda chain: chain.alter(STRANGER, code=b""),
}


@pytest.mark.parametrize("what", dict.fromkeys(what for _, what in CANNOT))
def test_what_a_kind_cannot_do_is_refused_with_one_that_can(read_chain: tuple[Chain, Any], what: str) -> None:
    """One sentence, the same everywhere; whoever can, does."""
    chain, _ = read_chain
    kind = chain.kind.value
    if (act := CANNOT.get((kind, what))) is None:
        return
    with pytest.raises(NetworkError) as refused:
        act(chain)

    instead = {"tester": "use a network of kind anvil", "rpc": "rehearse on a network of kind fork"}[kind]
    assert str(refused.value) == f"network {chain.name} ({kind}) cannot {what}; {instead}."


@pytest.mark.parametrize("kind", [NetworkKind.ANVIL, NetworkKind.FORK])
def test_anybody_can_be_played_and_paid_until_the_revert(kind: NetworkKind, open_chain: Callable[..., Chain]) -> None:
    """What a drill needs: the owner's account without the owner's key."""
    chain = open_chain(kind)
    snapshot = chain.snapshot()
    chain.impersonate(STRANGER)
    chain.set_balance(STRANGER, 3 * ETHER)
    payment = {"from": STRANGER, "to": USER, "value": hex(ETHER)}
    chain.request("eth_sendTransaction", [payment])
    assert number(chain, "eth_getTransactionCount", STRANGER, "latest") == 1

    chain.revert(snapshot)

    assert number(chain, "eth_getBalance", STRANGER, "latest") == 0
    with pytest.raises(NetworkError, match="No Signer"):
        chain.request("eth_sendTransaction", [payment])


RETURNS_WORD_1 = bytes.fromhex("60015460005260206000f3")


def test_code_and_words_can_be_put_where_no_transaction_could_until_the_revert(chain: Chain) -> None:
    """What a drill's faults are made of; read at the newest block's number as at its tag."""
    before = chain.head()
    snapshot = chain.snapshot()

    chain.alter(STRANGER, code=RETURNS_WORD_1, slots={1: 42})
    block = hex(chain.head().number)
    seen = number(chain, "eth_call", {"to": STRANGER}, block), number(chain, "eth_getStorageAt", STRANGER, "0x1", block)
    chain.alter(STRANGER, slots={1: 43})
    again = number(chain, "eth_call", {"to": STRANGER}, "latest")
    chain.revert(snapshot)

    assert (seen, again) == ((42, 42), 43)
    assert chain.request("eth_getCode", [STRANGER, "latest"]) == "0x"
    assert chain.head() == before


@pytest.mark.parametrize("wei", [-1, 1.5, True, "1", 2**256])
def test_a_balance_is_a_whole_number_of_wei(wei: Any, anvil: Chain) -> None:
    with pytest.raises(NetworkError, match=r"set_balance\(\) was given .* wei, a whole number is needed"):
        anvil.set_balance(STRANGER, wei)


def test_anybody_may_ask_whether_they_have_money_or_not(chain: Chain, probe: Any) -> None:
    """A call costs nothing; what it carries has to be there."""
    asked = {"to": probe.address, "data": probe.encode_abi("number")}
    poor = "0x000000000000000000000000000000000000bEEF"

    assert int(chain.request("eth_call", [{"from": poor, **asked}, "latest"]), 16) == 1
    assert chain.request("eth_getBalance", [poor, "latest"]) == "0x0"
    with pytest.raises((NetworkError, Reverted)):
        chain.request("eth_call", [{"from": poor, "value": hex(10**18), **asked}, "latest"])


@pytest.mark.parametrize("kind", [NetworkKind.ANVIL, NetworkKind.FORK])
def test_a_call_can_be_traced(kind: NetworkKind, open_chain: Callable[..., Chain]) -> None:
    assert open_chain(kind).request(*TRACE)["failed"] is False


@pytest.mark.parametrize("kind", [NetworkKind.ANVIL, NetworkKind.FORK])
def test_a_recorded_state_is_an_input_without_a_network(
    kind: NetworkKind, open_chain: Callable[..., Chain], artifact: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    """Of a fork, what was read is in it: the same checks run offline."""
    recorded = open_chain(kind)
    pay(recorded)
    creation = {"from": DEPLOYER, "data": artifact("Roles")["bytecode"] + DEPLOYER[2:].rjust(64, "0")}
    digest = recorded.request("eth_sendTransaction", [creation])
    where = recorded.request("eth_getTransactionReceipt", [digest])["contractAddress"]
    recorded.dump_state(tmp_path / "state.json")

    again = open_chain(NetworkKind.ANVIL, name="again", state=tmp_path / "state.json")

    assert number(again, "eth_getBalance", STRANGER, "latest") == ETHER
    assert again.request("eth_getCode", [where, "latest"]) == recorded.request("eth_getCode", [where, "latest"])
    assert again.head().number == recorded.head().number
    snapshot = again.snapshot()
    pay(again)
    again.revert(snapshot)
    assert number(again, "eth_getBalance", STRANGER, "latest") == ETHER


def test_a_state_that_cannot_be_written_is_told(anvil: Chain, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"network devnet: its state cannot be written to .*: Is a directory\."):
        anvil.dump_state(tmp_path)


def test_a_file_that_is_no_state_is_told(open_chain: Callable[..., Chain], tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{}")

    with pytest.raises(NetworkError, match=r"network anvil: anvil ended with status \d+ while starting: "):
        open_chain(NetworkKind.ANVIL, state=tmp_path / "state.json")
