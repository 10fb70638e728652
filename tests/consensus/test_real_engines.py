"""Real engines on the same signed transactions: py-evm and the specification agree, pyrevm truly does not, anvil decides.

The blocks are those of ``evm/make_blocks.py``: transfers, refunds, reverts, endless loops, logs,
precompiles, creation, self-destruction, transient storage, and transactions that are refused; and a few
of Ethereum's public state tests, made again by ``evm/make_state_tests.py``.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from eth_utils import keccak

from pytest_rollout import Reverted
from pytest_rollout.consensus.dual import DualRun
from pytest_rollout.consensus.kept import read_kept
from pytest_rollout.consensus.opening import keeper
from pytest_rollout.consensus.shrinking import shrunk
from pytest_rollout.core.answer import Answer, Relation, compare
from pytest_rollout.core.comparison import canonical
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.anvil import AnvilChain

pytestmark = pytest.mark.filterwarnings("ignore:SELFDESTRUCT opcode present:DeprecationWarning")  # py-evm's own
EVM = Path(__file__).parent / "evm"
BLOCKS: list[dict[str, Any]] = json.loads((EVM / "blocks.json").read_text())
BY_NAME = {block["name"]: block for block in BLOCKS}
OWN_ENVIRONMENT = "environment"
"""Stores the block's own number, time and randomness, and anvil mines with those of its own."""
REFUSED = ("a nonce too high", "more than there is", "too little gas")
ALL = pytest.mark.parametrize("block", BLOCKS, ids=[block["name"] for block in BLOCKS])
STATE_TESTS: list[dict[str, Any]] = json.loads((EVM / "state_tests.json").read_text())
PUBLIC = pytest.mark.parametrize("block", STATE_TESTS, ids=[block["name"] for block in STATE_TESTS])


def _evms() -> Any:
    spec = importlib.util.spec_from_file_location("evms_of_tests", EVM / "evms.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


evms = _evms()


@pytest.mark.parametrize(("script", "blocks"), [("make_blocks.py", BLOCKS), ("make_state_tests.py", STATE_TESTS)])
def test_the_blocks_are_those_that_the_script_makes(script, blocks) -> None:
    """A data file that nobody can make again is nobody's evidence."""
    made = subprocess.run([sys.executable, EVM / script], capture_output=True, text=True, check=True)

    assert json.loads(made.stdout) == blocks


@pytest.fixture(scope="module")
def agreeing():
    """py-evm with the executable specification in its shadow."""
    with closing(DualRun(evms.PyEvm(), evms.Eels(), limit=60, deferred=False)) as run:
        yield run


@ALL
def test_py_evm_and_the_specification_agree(agreeing, block) -> None:
    """On receipts, logs, accounts, storage and the state root, to the last bit - or on why it is refused."""
    before = agreeing.stats()
    if block["name"] in REFUSED:
        with pytest.raises(evms.TransactionRefused):
            agreeing.verify_block(block)
    else:
        answer = agreeing.verify_block(block)
        assert len(answer["receipts"]) == len(block["transactions"])
    after = agreeing.stats()

    assert after["comparisons"] == before["comparisons"] + 1
    assert after["divergences"] == 0
    assert after["agreed_refusals"] - before["agreed_refusals"] == (block["name"] in REFUSED)


@PUBLIC
def test_a_public_state_test_ends_in_the_root_that_is_published(agreeing, block) -> None:
    """The signed bytes are those of the suite, and both engines come to its state root."""
    before = agreeing.stats()

    answer = agreeing.verify_block(block)

    assert f"0x{keccak(hexstr=block['transactions'][0]).hex()}" == block["published"]["transaction"]
    assert f"0x{answer['state_root'].hex()}" == block["published"]["state_root"]
    assert agreeing.stats()["comparisons"] - before["comparisons"] == 1
    assert agreeing.stats()["divergences"] == before["divergences"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("stExample/basefeeExample", "receipts[0].gas_used: reference 47216, candidate 43116"),
        ("stRefundTest/refund50_1", "receipts[0].gas_used: reference 36824, candidate 21144"),
        ("stRefundTest/refund_CallA", "receipts[0].gas_used: reference 45930, candidate 43430"),
    ],
)
def test_pyrevm_diverges_on_public_state_tests_where_refunds_and_access_lists_count(name, text) -> None:
    """Its bindings know neither the cap of refunds nor the transaction's list; the first differing field says so."""
    block = next(each for each in STATE_TESTS if each["name"] == name)
    ignore = ("post", "state_root", "receipts[].logs")
    with closing(DualRun(evms.PyEvm(), evms.PyRevm(), limit=60, ignore=ignore, deferred=False)) as run:
        run.verify_block(block)

    ((_, divergence),) = run.divergences
    assert divergence.text == text


@pytest.fixture(scope="module")
def diverging(tmp_path_factory):
    """py-evm with pyrevm in its shadow, receipts without logs compared; and where divergences are kept."""
    folder = tmp_path_factory.mktemp("kept")
    ignore = ("post", "state_root", "receipts[].logs")
    made = DualRun(evms.PyEvm(), evms.PyRevm(), limit=60, ignore=ignore, keep=keeper(folder), deferred=False)
    with closing(made) as run:
        yield run, folder


@pytest.mark.parametrize("name", ["a transfer", "three transfers", "count up", "clear", "revert", "sha256", "log"])
def test_pyrevm_agrees_where_nothing_is_carried_over(diverging, name) -> None:
    run, _ = diverging
    before = run.stats()["divergences"]

    run.verify_block(BY_NAME[name])

    assert run.stats()["divergences"] == before


def test_pyrevm_diverges_where_it_carries_warm_state_and_the_field_is_right(diverging) -> None:
    """The second transaction pays for a warm slot that is cold by the rules: 4,800 gas too little."""
    run, folder = diverging

    answer = run.verify_block(BY_NAME["the same slot twice"])

    assert [each["gas_used"] for each in answer["receipts"]] == [26012, 26012]
    (kept,) = read_kept(folder)
    assert kept.divergence.relation is Relation.DIFFERING
    assert kept.divergence.text == "receipts[1].gas_used: reference 26012, candidate 21212"
    assert kept.divergence.versions["reference"].startswith("py-evm ")
    assert kept.divergence.versions["candidate"].startswith("pyrevm ")
    assert kept.block == BY_NAME["the same slot twice"]


def test_it_is_shrunk_to_the_two_transactions_that_it_takes() -> None:
    """Of five, two are enough; one is not, for the first is always cold."""
    from eth_account import Account

    twice = BY_NAME["the same slot twice"]
    sender = next(iter(twice["pre"]))
    key = "0x" + "45" * 32
    assert Account.from_key(key).address == sender
    called = next(address for address in twice["pre"] if address != sender)
    body = {"chainId": 31337, "gas": 90_000, "to": bytes.fromhex(called[2:]), "value": 0, "gasPrice": 50}
    signed = [bytes(Account.sign_transaction(body | {"nonce": n}, key).raw_transaction).hex() for n in range(5)]
    block = twice | {"transactions": [f"0x{each}" for each in signed]}

    def gas(engine: Any, some: dict[str, Any]) -> Answer:
        return Answer(value=[each["gas_used"] for each in engine.verify_block(some)["receipts"]])

    def diverges(some: dict[str, Any]) -> bool:
        try:
            return compare(gas(evms.PyEvm(), some), gas(evms.PyRevm(), some)).relation is Relation.DIFFERING
        except evms.TransactionRefused:
            return False

    found = shrunk(block, diverges)
    assert found is not None
    smaller, left, whole = found
    assert (left, whole) == (2, 5)
    assert smaller["transactions"] == block["transactions"][:2]


@pytest.fixture(scope="module")
def anvils():
    """One of our own chain id, and one of that of the public tests."""
    declared = [Network(name="c", kind=NetworkKind.ANVIL, chain_id=each, hardfork="cancun") for each in (31337, 1)]
    with closing(AnvilChain(declared[0])) as ours, closing(AnvilChain(declared[1])) as mainnet:
        yield {31337: ours, 1: mainnet}


def _receipts_of_anvil(chain: AnvilChain, block: dict[str, Any]) -> list[dict[str, Any]]:
    snapshot = chain.snapshot()
    for address, account in block["pre"].items():
        chain.request("anvil_setBalance", [address, hex(account["balance"])])
        chain.request("anvil_setNonce", [address, hex(account["nonce"])])
        chain.request("anvil_setCode", [address, account["code"]])
        for slot, value in account["storage"].items():
            at = [address, f"0x{int(slot):064x}", f"0x{value:064x}"]
            chain.request("anvil_setStorageAt", at)
    receipts = []
    for raw in block["transactions"]:
        chain.request("anvil_setNextBlockBaseFeePerGas", [hex(block["env"]["base_fee"])])
        with suppress(Reverted):
            chain.request("eth_sendRawTransaction", [raw])
        receipt = chain.request("eth_getTransactionReceipt", [f"0x{keccak(hexstr=raw).hex()}"])
        receipts.append(
            {
                "status": int(receipt["status"], 16),
                "gas_used": int(receipt["gasUsed"], 16),
                "logs": [{key: each[key] for key in ("address", "topics", "data")} for each in receipt["logs"]],
            }
        )
    chain.revert(snapshot)
    return receipts


ON_ANVIL = [each for each in BLOCKS if each["name"] not in {*REFUSED, OWN_ENVIRONMENT}]
ON_ANVIL += [
    each for each in STATE_TESTS if "transientStorage" not in each["name"]
]  # it asks for more gas than a block


@pytest.mark.parametrize("block", ON_ANVIL, ids=[each["name"] for each in ON_ANVIL])
def test_anvils_receipts_are_those_of_both(anvils, block) -> None:
    """A third implementation, over RPC, on the same signed bytes."""
    receipts = canonical(_receipts_of_anvil(anvils[block["env"]["chain_id"]], block))

    for engine in (evms.PyEvm(), evms.Eels()):
        answer = canonical(engine.verify_block(block))["receipts"]
        assert compare(Answer(value=answer), Answer(value=receipts)).text == "", engine.version
