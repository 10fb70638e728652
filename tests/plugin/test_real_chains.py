"""Gates on a real chain and on forks of it: what the supervisor sees decides, whatever the tests say."""

from __future__ import annotations

import json
import platform
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from pytest_rollout.core.errors import RolloutError
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.anvil import AnvilChain

ROOT = Path(__file__).parents[2]
MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine().lower())
ANVIL = ROOT / "node_modules" / "@foundry-rs" / f"anvil-{sys.platform}-{MACHINE}" / "bin" / "anvil"
STRANGER = "0x00000000000000000000000000000000000A11cE"
KEY = "9aa3d95b3bc440fa"
PLAN = """
[rollout]
name = "toy"

[networks.mainnet]
kind = "rpc"
url = "${{RPC_URL}}"
chain_id = 42161
finality = {finality}
max_head_age = "1d"
{more}

[networks.rehearsal]
kind = "fork"
of = "mainnet"
binary = "{anvil}"

[stages.alpha]
network = "{network}"
"""
READS = """
def test_it_reads_the_pinned_block(network):
    balance = network.request("eth_getBalance", ["0x00000000000000000000000000000000000A11cE", "latest"])
    assert balance == "0x5"
"""


VAULT, OLD, NEW = ("0x" + digits * 20 for digits in ("11", "22", "33"))
BOOK = json.dumps({"Vault": VAULT})
SLOT = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
ADMIN = "0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103"
DECLARED = f"""
[stages.alpha.contracts.Vault]
code_size = 2
proxy_admin = "{OLD}"
[contracts]
artifacts = "out"
deployments = {{ mainnet = "book.json" }}
"""


def upgrade(node: AnvilChain, implementation: str, code: str, admin: str = OLD) -> None:
    """Lead the proxy there, finally."""
    node.request("anvil_setCode", [VAULT, "0x60ff"])
    node.request("anvil_setCode", [implementation, code])
    for slot, address in ((SLOT, implementation), (ADMIN, admin)):
        node.request("anvil_setStorageAt", [VAULT, slot, "0x" + "00" * 12 + address[2:]])
    node.mine(4)


class Front:
    """The node as the gate reaches it: tests bend, break and watch what passes."""

    def __init__(self, node: AnvilChain) -> None:
        self.node = node
        self.bend: Callable[[Any, Any], Any] = lambda _request, reply: reply
        self.methods: list[str] = []
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                replies = [front.reply(each) for each in (asked if isinstance(asked, list) else [asked])]
                gone = None in replies
                content = b"" if gone else json.dumps(replies if isinstance(asked, list) else replies[0]).encode()
                self.send_response(503 if gone else 200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def reply(self, request: Any) -> Any:
        self.methods.append(request["method"])
        reply = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            reply["result"] = self.node.request(request["method"], request["params"])
        except RolloutError as error:
            reply["error"] = {"code": -32601, "message": str(error)}
        return self.bend(request, reply)

    @property
    def url(self) -> str:
        return f"http://user:pass1234@127.0.0.1:{self.server.server_port}/v3/{KEY}"


def real_chain(chain_id: int) -> Iterator[Front]:
    with closing(AnvilChain(Network(name="node", kind=NetworkKind.ANVIL, chain_id=chain_id))) as node:
        for _ in range(5):
            node.request("eth_sendTransaction", [{"from": node.accounts["user"], "to": STRANGER, "value": "0x1"}])
        node.mine(3)
        front = Front(node)
        yield front
        front.server.shutdown()
        front.server.server_close()


@pytest.fixture
def front() -> Iterator[Front]:
    yield from real_chain(42161)


@pytest.fixture
def other() -> Iterator[Front]:
    yield from real_chain(10)


@pytest.fixture
def gate(chain_project, tmp_path: Path, front: Front) -> Callable[..., Any]:
    """``gate(suite, "--stage=alpha", network="rehearsal")`` judges a toy project on that chain."""
    judged: list[Any] = []

    def judge(
        suite: str,
        *arguments: str,
        network: str = "mainnet",
        finality: Any = 2,
        more: str = "",
        end: str = "",
        artifact: dict[str, Any] | None = None,
    ) -> Any:
        project = chain_project(tmp_path, "tester", {"conftest.py": "", "suites/alpha/test_x.py": suite})
        plan = PLAN.format(network=network, finality=finality, more=more, anvil=ANVIL)
        project.write(
            {
                "rollout.toml": plan + end,
                "book.json": BOOK,
                "elsewhere.json": BOOK,
                "out/Proxy.json": json.dumps({"abi": [], "bytecode": "0x00", "deployedBytecode": "0x60ff"}),
                "out/Vault.json": json.dumps({"abi": [], "bytecode": "0x00"} | (artifact or {})),
            }
        )
        project.environment |= {"RPC_URL": front.url, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        project.commit()
        judged.append(project)
        ran = project.pytest("--stage=alpha", "--rollout-formats=", *arguments)
        everything = ran.out + ran.err + ((ran.verdict and json.dumps(ran.verdict)) or "")
        assert KEY not in everything
        assert "pass1234" not in everything
        return ran

    judge.projects = judged  # type: ignore[attr-defined]
    return judge


def wrong(ran: Any) -> dict[str, str]:
    """The run's own findings, by title."""
    return {f["title"]: f["measured"] for f in ran.judgement["findings"] if f["kind"] == "run"}


@pytest.mark.parametrize("network", ["mainnet", "rehearsal"])
@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_gate_is_judged_at_one_final_block_by_every_worker(
    gate: Callable[..., Any], front: Front, network: str, workers: str
) -> None:
    """The chain goes on meanwhile; block and hash are in the judgement, as the supervisor read them."""
    two = READS + READS.replace("test_it", "test_again_it")
    pinned = front.node.request("eth_getBlockByNumber", ["0x6", False])

    def goes_on(request: Any, reply: Any) -> Any:
        if request["method"] == "web3_clientVersion" and front.methods.count("web3_clientVersion") > 1:
            front.node.mine()
        return reply

    front.bend = goes_on
    ran = gate(two, "-n", workers, network=network)

    assert ran.status == 0, ran.out + ran.err
    facts = ran.judgement["facts"]
    assert (facts["chain id"], facts["currency"], facts["block"]) == ("42161 (Arbitrum One)", "ETH", "6")
    assert facts["block hash"] == pinned["hash"]
    assert "@ 6" in ran.out
    assert not [each for each in front.methods if "send" in each]


def test_another_chain_is_an_error_and_nothing_is_read(gate: Callable[..., Any], front: Front) -> None:
    """E01: the tests would pass there too."""
    front.bend = lambda r, reply: {**reply, "result": "0x1"} if r["method"] == "eth_chainId" else reply

    ran = gate(READS)

    assert ran.status == 10
    told = "network mainnet: expected chain id 42161 (Arbitrum One), the node at <RPC_URL> answers 1 (Ethereum)"
    assert told in wrong(ran)["network mainnet could not be read"]
    assert set(front.methods) == {"eth_chainId"}
    outcomes = {f["item"]: f["outcome"] for f in ran.judgement["findings"]}
    assert outcomes["suites/alpha/test_x.py::test_it_reads_the_pinned_block"] == "error"


PASSES = "def test_it_does_not_ask(network):\n    assert network.chain_id == 42161\n"


def test_a_reorganised_block_is_an_error_though_every_test_passed(gate: Callable[..., Any], front: Front) -> None:
    """E05: what was read is not on the chain any more."""
    asked: list[str] = []

    def reorganises(request: Any, reply: Any) -> Any:
        if request["method"] == "eth_getBlockByNumber" and request["params"][0] == "0x6":
            asked.append("")
            if len(asked) > 2:
                return {**reply, "result": {**reply["result"], "hash": "0x" + "ab" * 32}}
        return reply

    front.bend = reorganises
    ran = gate(PASSES)

    assert ran.status == 10
    assert "the chain was reorganised" in wrong(ran)["network mainnet did not stay the same"]


def test_a_chain_that_is_gone_after_the_run_is_an_error(gate: Callable[..., Any], front: Front) -> None:
    """Nobody can say any more what was read."""
    seen: list[str] = []

    def dies(request: Any, reply: Any) -> Any:
        seen.append(request["method"])
        return None if seen.count("eth_chainId") > 2 else reply

    front.bend = dies
    ran = gate(PASSES)

    assert ran.status == 10
    assert "HTTP status 503" in wrong(ran)["network mainnet could not be read"]


def test_a_head_that_stands_still_is_an_error(gate: Callable[..., Any], front: Front) -> None:
    front.bend = lambda r, reply: (
        {**reply, "result": {**reply["result"], "timestamp": "0x6553f100"}}
        if r["method"] == "eth_getBlockByNumber"
        else reply
    )

    ran = gate(PASSES)

    assert ran.status == 10
    assert "the node stands still" in wrong(ran)["network mainnet is not as declared before the run"]


def test_a_chain_that_is_gone_in_the_middle_is_an_error_and_no_failed_test(
    gate: Callable[..., Any], front: Front
) -> None:
    def dies(request: Any, reply: Any) -> Any:
        return None if request["method"] in {"eth_getBalance", "eth_getAccountInfo"} else reply

    front.bend = dies
    ran = gate(READS, network="mainnet")

    outcomes = {f["item"]: f["outcome"] for f in ran.judgement["findings"]}
    assert outcomes["suites/alpha/test_x.py::test_it_reads_the_pinned_block"] == "error"


WRITES = """
def test_it_writes(network):
    network.request("eth_sendTransaction", [{{"from": "{sender}", "to": "{sender}", "value": "0x1"}}])
"""


@pytest.mark.parametrize(
    ("more", "option", "status"),
    [("", (), 10), ("writes = true", (), 10), ("", ("--allow-writes",), 10), ("writes = true", ("--allow-writes",), 0)],
    ids=["neither", "plan", "command line", "both"],
)
def test_a_gate_writes_only_with_both_locks_open(
    gate: Callable[..., Any], front: Front, more: str, option: tuple[str, ...], status: int
) -> None:
    suite = WRITES.format(sender=front.node.accounts["user"])
    before = front.node.head().number

    ran = gate(suite, *option, more=more)

    assert ran.status == status, ran.out + ran.err
    assert (front.node.head().number > before) == (status == 0)
    assert status == 0 or "missing is" in ran.out


def promoting(gate: Any) -> tuple[int, str]:
    """What `rollout promote` does with the judgement that was just made."""
    ran = gate.projects[-1].rollout("promote", "alpha")
    assert KEY not in ran.out + ran.err
    return ran.status, ran.out + ran.err


def test_a_promotion_looks_at_the_chain_again(gate: Callable[..., Any], front: Front) -> None:
    """Rule 35: the same block still stands, or nothing moves."""
    assert gate(PASSES).status == 0

    front.bend = lambda r, reply: (
        {**reply, "result": {**reply["result"], "hash": "0x" + "ab" * 32}}
        if r["method"] == "eth_getBlockByNumber" and r["params"][0] == "0x6"
        else reply
    )
    status, told = promoting(gate)
    assert status != 0
    assert "toy:alpha: network mainnet: block 6 was 0x" in told
    assert "the chain was reorganised" in told
    assert "Run `pytest --stage=alpha` again." in told

    front.bend = lambda _request, _reply: None
    status, told = promoting(gate)
    assert status != 0
    assert "the node at <RPC_URL> answered eth_chainId with HTTP status 503" in told

    front.bend = lambda _request, reply: reply
    status, told = promoting(gate)
    assert status == 0, told


TWO = """
def test_each_is_undone_on_its_own(networks, network):
    other = networks["other"]
    for chain in (network, other):
        assert chain.request("eth_getBalance", ["0x00000000000000000000000000000000000A11cE", "latest"]) == "0x0"
        payment = {"from": chain.accounts["user"], "to": "0x00000000000000000000000000000000000A11cE", "value": "0x1"}
        chain.request("eth_sendTransaction", [payment])
    assert (network.chain_id, other.chain_id) == (56, 8453)

def test_a_copy_goes_on_from_another_network_of_the_plan(networks, network):
    mined = network.request("eth_sendTransaction", [{"from": network.accounts["user"], "to": "0x00000000000000000000000000000000000A11cE", "value": "0x7"}])
    copy = networks["copy"]
    assert (copy.kind.value, copy.chain_id, copy.base.number) == ("fork", 56, network.head().number)
    copy.set_balance("0x00000000000000000000000000000000000A11cE", 9)
    balances = [each.request("eth_getBalance", ["0x00000000000000000000000000000000000A11cE", "latest"]) for each in (network, copy)]
    assert balances == ["0x7", "0x9"]
    assert copy.request("eth_getTransactionReceipt", [mined])["status"] == "0x1"

def test_a_copy_of_what_was_undone_is_undone(networks, network):
    who = ["0x00000000000000000000000000000000000A11cE", "latest"]
    assert [each.request("eth_getBalance", who) for each in (network, networks["copy"])] == ["0x0", "0x0"]

test_and_once_more = test_each_is_undone_on_its_own
"""
TWO_NETWORKS = """
[rollout]
name = "toy"

[networks.local]
kind = "anvil"
chain_id = 56
binary = "{anvil}"

[networks.copy]
kind = "fork"
of = "local"
binary = "{anvil}"

[networks.other]
kind = "tester"
chain_id = 8453

[networks.mainnet]
kind = "rpc"
url = "{url}"
chain_id = 42161
finality = 0
max_head_age = "1d"
writes = true

[stages.alpha]
network = "local"
"""


def test_several_networks_are_open_in_one_test(chain_project, outcomes, tmp_path: Path) -> None:
    """Of two kinds and two ids; what is written to each is undone on each."""
    project = chain_project(tmp_path, "tester", {"conftest.py": "", "suites/test_x.py": TWO})
    project.write({"rollout.toml": TWO_NETWORKS.format(anvil=ANVIL, url="http://127.0.0.1:9")})

    came = outcomes(project, "suites")

    assert {name: each.outcome for name, each in came.items()} == {
        "test_each_is_undone_on_its_own": "passed",
        "test_a_copy_goes_on_from_another_network_of_the_plan": "passed",
        "test_a_copy_of_what_was_undone_is_undone": "passed",
        "test_and_once_more": "passed",
    }


ORDINARY = """
import pytest

@pytest.fixture(scope="module")
def late(networks):
    return networks["mainnet"].head().number

def test_it_reads(networks):
    assert networks["mainnet"].request("eth_getBalance", ["0x00000000000000000000000000000000000A11cE"]) == "0x5"

def test_a_late_fixture_may_read_while_the_chain_goes_on(request, networks):
    networks["mainnet"]
    assert request.getfixturevalue("late") > 0

def test_it_writes(networks):
    sender = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    networks["mainnet"].request("eth_sendTransaction", [{"from": sender, "to": sender, "value": "0x1"}])
"""


@pytest.mark.parametrize("locks", [(), ("--allow-writes",)], ids=["one lock", "both"])
def test_an_ordinary_run_has_the_same_two_locks(
    chain_project, outcomes, tmp_path: Path, front: Front, locks: tuple[str, ...]
) -> None:
    """And a chain that goes on by itself while tests run is no leak."""

    def goes_on(request: Any, reply: Any) -> Any:
        if request["method"] == "eth_getBlockByNumber":
            front.node.mine()
        return reply

    front.bend = goes_on
    project = chain_project(tmp_path, "tester", {"conftest.py": "", "suites/test_x.py": ORDINARY})
    project.write({"rollout.toml": TWO_NETWORKS.format(anvil=ANVIL, url=front.url)})

    came = outcomes(project, "suites", *locks)

    assert (
        came["test_it_reads"].outcome
        == came["test_a_late_fixture_may_read_while_the_chain_goes_on"].outcome
        == "passed"
    )
    assert came["test_it_writes"].outcome == ("passed" if locks else "failure")
    assert locks or "missing is --allow-writes on the command line. Nothing was sent." in came["test_it_writes"].text
    assert not any(KEY in each.text or "pass1234" in each.text for each in came.values())


def test_a_proxy_upgraded_after_the_gate_is_not_promoted(gate: Callable[..., Any], front: Front) -> None:
    """Rules 22 and 35: the judgement was about another contract, whatever of it the plan declares."""
    upgrade(front.node, OLD, "0x6001")
    ran = gate(PASSES, end=DECLARED)
    assert ran.status == 0, ran.out + ran.err
    subject = ran.judgement["subject"]
    assert (subject["chain_id"], subject["block"]) == ("42161", ran.judgement["facts"]["block"])
    assert subject["block_hash"] == ran.judgement["facts"]["block hash"]
    assert subject["contracts"]["Vault"] == {
        "address": VAULT,
        "code_hash": f"0x{keccak(bytes.fromhex('60ff')).hex()}",
        "implementation": OLD,
        "implementation_code_hash": f"0x{keccak(bytes.fromhex('6001')).hex()}",
    }

    for changed, told in (
        ({"implementation": NEW}, f"contract Vault: its implementation was {OLD} and is {NEW} now"),
        ({"code": "0x6002"}, "contract Vault: its code hash of the implementation was 0x"),
        ({"admin": NEW}, f"Vault proxy_admin was as declared when it was judged and is {NEW} in block"),
    ):
        upgrade(front.node, **{"implementation": OLD, "code": "0x6001", **changed})
        status, said = promoting(gate)
        assert status == 10
        assert told in said
        assert "Run `pytest --stage=" in said

    upgrade(front.node, OLD, "0x6001")
    status, said = promoting(gate)
    assert status == 0, said


ELSEWHERE = """
[networks.elsewhere]
kind = "rpc"
url = "{url}"
chain_id = 10
finality = 2
max_head_age = "1d"
"""
READS_ELSEWHERE = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_it_reads_another_network(networks, number):
    assert networks["elsewhere"].pinned.number == 6
    assert networks["elsewhere"].request("eth_getBalance", ["0x00000000000000000000000000000000000A11cE"]) == "0x5"
"""
LISTED = """
[contracts]
artifacts = "out"
proxies = ["Proxy"]
deployments = { elsewhere = "elsewhere.json" }
[contracts.inventory]
elsewhere = ["Vault"]
"""


def limited(request: Any, reply: Any) -> Any:
    """A node that has had enough of reads of balances, each second time."""
    limited.count = getattr(limited, "count", 0) + (request["method"] == "eth_getBalance")  # type: ignore[attr-defined]
    if request["method"] == "eth_getBalance" and limited.count % 2:  # type: ignore[attr-defined]
        return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": 429, "message": "too many requests"}}
    return reply


def test_a_network_that_only_a_test_opens_is_read_at_one_block_and_looked_at_again(
    gate: Callable[..., Any], front: Front, other: Front
) -> None:
    """Its workers ask the supervisor for the block; what it finds is judged like the stage's own network."""

    def goes_on(request: Any, reply: Any) -> Any:
        if request["method"] == "web3_clientVersion" and other.methods.count("web3_clientVersion") > 1:
            other.node.mine()
        return limited(request, reply)

    other.bend = goes_on
    ran = gate(PASSES + READS_ELSEWHERE, "-n", "2", more=ELSEWHERE.format(url=other.url))

    assert ran.status == 0, ran.out + ran.err
    facts = ran.judgement["facts"]
    assert (facts["block"], facts["elsewhere block"], facts["elsewhere chain id"]) == ("6", "6", "10 (OP Mainnet)")
    assert facts["elsewhere block hash"] == other.node.request("eth_getBlockByNumber", ["0x6", False])["hash"]
    assert facts["too many requests"] == "0"
    assert int(facts["elsewhere too many requests"]) >= 2

    other.bend = lambda r, reply: (
        {**reply, "result": {**reply["result"], "hash": "0x" + "ab" * 32}}
        if r["method"] == "eth_getBlockByNumber" and r["params"][0] == "0x6"
        else reply
    )
    status, said = promoting(gate)
    assert status == 10
    assert "toy:alpha: network elsewhere: block 6 was 0x" in said


def test_another_chain_that_only_a_test_opens_is_an_error(gate: Callable[..., Any], other: Front) -> None:
    other.bend = lambda r, reply: {**reply, "result": "0x1"} if r["method"] == "eth_chainId" else reply

    ran = gate(PASSES + READS_ELSEWHERE, more=ELSEWHERE.format(url=other.url))

    assert ran.status == 10
    assert "expected chain id 10" in wrong(ran)["network elsewhere could not be read"]
    outcomes = {f["item"]: f["outcome"] for f in ran.judgement["findings"]}
    assert outcomes["suites/alpha/test_x.py::test_it_reads_another_network[0]"] == "error"


def test_a_proxy_upgraded_on_another_network_of_the_inventory_is_not_promoted(
    gate: Callable[..., Any], other: Front
) -> None:
    """Rules 21 and 22: the list is judged on all its networks, and looked at again on all of them."""
    upgrade(other.node, OLD, "0x6001")
    listed = ELSEWHERE.format(url=other.url)

    ran = gate(PASSES, end=f"inventory = true\n{listed}{LISTED}", artifact={"deployedBytecode": "0x6001"})
    assert ran.status == 0, ran.out + ran.err
    assert ran.judgement["subject"]["contracts"]["elsewhere.Vault"]["implementation"] == OLD

    upgrade(other.node, NEW, "0x6001")
    status, said = promoting(gate)
    assert status == 10
    assert f"toy:alpha: network elsewhere: contract Vault: its implementation was {OLD} and is {NEW} now" in said

    upgrade(other.node, OLD, "0x6001")
    status, said = promoting(gate)
    assert status == 0, said
