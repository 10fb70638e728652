"""Contract wallets sign (EIP-1271): a real wallet with several owners on anvil, asked by the real command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_abi import encode as abi_encode
from eth_account import Account
from eth_account.messages import encode_typed_data

from pytest_rollout.cli.commands import run as type_command
from tests.operations.test_anchoring import ACCOUNTS, ANVIL, ask
from tests.servers import free_port, running

WALLET = Path(__file__).parents[1] / "contracts" / "artifacts" / "out" / "wallets" / "Wallet.json"
OWNERS = sorted(
    ("0x" + f"{number:02x}" * 32 for number in (0x31, 0x32, 0x33)), key=lambda k: Account.from_key(k).address.lower()
)
PLAN = """
[rollout]
name = "toy"

[networks.chain]
kind = "rpc"
url = "${{RPC_URL}}"
chain_id = {chain_id}
finality = 1
max_head_age = "10d"

[stages.alpha.signoffs]
roles = {{ "Treasury" = "{wallet}" }}
chain_id = 31337

[stages.beta]
"""
FILE = "../to-sign.json"
"""Beside the project: a file in it would be one of the gate's, and not committed."""
TEST = "def test_it():\n    assert True\n"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    url = f"http://127.0.0.1:{(port := free_port())}"

    def is_there() -> bool:
        try:
            return ask(url, "eth_chainId") == "0x7a69"
        except OSError:
            return False

    with running([str(ANVIL), "--port", str(port), "--silent"], tmp_path_factory.mktemp("anvil"), is_there):
        yield url


def send(node: str, **transaction: str) -> dict[str, Any]:
    digest = ask(node, "eth_sendTransaction", {"from": ACCOUNTS[0], "gas": "0x200000"} | transaction)
    ask(node, "anvil_mine", "0x3")
    return ask(node, "eth_getTransactionReceipt", digest)


@pytest.fixture(scope="module")
def wallet(node: str) -> str:
    """Two of three owners sign."""
    owners = [Account.from_key(key).address for key in OWNERS]
    code = json.loads(WALLET.read_text())["bytecode"] + abi_encode(["address[]", "uint256"], [owners, 2]).hex()
    return send(node, data=code)["contractAddress"]


@pytest.fixture(scope="module")
def template(
    make_project: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory, node: str, wallet: str
) -> Any:
    project = make_project(tmp_path_factory.mktemp("wallet"))
    project.environment["RPC_URL"] = node
    project.write({"rollout.toml": PLAN.format(chain_id=31337, wallet=wallet), "suites/test_it.py": TEST}).commit()
    ran = project.pytest("--stage=alpha", "--rollout-formats=")
    assert ran.judgement["verdict"] == "promote", ran.out
    return project


Typed = Callable[..., tuple[int, str]]


@pytest.fixture
def typed(
    template: Any, node: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    import shutil

    shutil.copytree(template.folder, tmp_path / "project", symlinks=True)
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("RPC_URL", node)

    def type_(*arguments: str) -> tuple[int, str]:
        status = type_command(list(arguments))
        said = capsys.readouterr()
        return status, said.out + said.err

    return type_


def signatures(typed: Typed, keys: list[str]) -> str:
    """What owners make of the file that `rollout sign --write` wrote, one after the other."""
    assert typed("sign", "alpha", "--role", "Treasury", "--write", FILE)[0] == 0
    message = encode_typed_data(full_message=json.loads(Path(FILE).read_text()))
    return "0x" + "".join(Account.from_key(key).sign_message(message).signature.hex() for key in keys)


def imported(typed: Typed, signature: str) -> tuple[int, str]:
    return typed("sign", "alpha", "--import", FILE, "--signature", signature, "--contract", "--by", "Ann")


def test_a_wallet_signs_and_is_asked_again_at_the_promotion(typed: Typed, wallet: str) -> None:
    assert "'Treasury' has not signed" in typed("promote", "alpha", "--by", "Ann")[1]

    status, said = imported(typed, signatures(typed, OWNERS[:2]))

    assert status == 0, said
    assert f"'Treasury' ({wallet.lower()}) signed until" in said
    assert "next: rollout promote toy:alpha" in typed("status")[1]
    status, said = typed("promote", "alpha", "--by", "Ann")
    assert status == 0, said


@pytest.mark.parametrize(
    ("keys", "end"),
    [
        (OWNERS[:1], ""),
        (OWNERS[1::-1], ""),
        ([OWNERS[0]] * 2, ""),
        (["0x" + "44" * 32, OWNERS[0]], ""),
        (OWNERS[:2], "00"),
    ],
    ids=["one of two", "the wrong order", "one owner twice", "a stranger", "a byte more"],
)
def test_what_the_wallet_does_not_take_is_not_recorded(typed: Typed, keys: list[str], end: str) -> None:
    status, said = imported(typed, signatures(typed, keys) + end)

    assert status == 10
    assert "'Treasury' is a contract wallet that says no; nothing was recorded" in said


@pytest.mark.parametrize("signature", ["0x1", "1234", "0xzz", "", "0x" + "11" * 70_000], ids=range(5))
def test_what_is_no_signature_at_all_is_told(typed: Typed, signature: str) -> None:
    signatures(typed, [])
    status, said = imported(typed, signature)

    assert status in {4, 10}
    assert "Traceback" not in said
    assert "0x hex" in said


def test_an_owner_who_left_counts_no_longer(typed: Typed, node: str, wallet: str) -> None:
    """The wallet is asked as it is when the stage is left, not as it was."""
    assert imported(typed, signatures(typed, OWNERS[:2]))[0] == 0
    owner = Account.from_key(OWNERS[0]).address
    arguments = abi_encode(["address", "bool"], [owner, False]).hex()
    from eth_utils.crypto import keccak

    send(node, to=wallet, data="0x" + keccak(b"setOwner(address,bool)")[:4].hex() + arguments)
    try:
        status, said = typed("promote", "alpha", "--by", "Ann")
        assert status == 10
        assert "'Treasury' is a contract wallet that says no" in said
    finally:
        back = abi_encode(["address", "bool"], [owner, True]).hex()
        send(node, to=wallet, data="0x" + keccak(b"setOwner(address,bool)")[:4].hex() + back)


def test_a_signature_of_a_person_is_none_of_a_wallet(typed: Typed) -> None:
    """Without --contract the bytes must recover to the address that the plan names, which no key can."""
    signature = signatures(typed, OWNERS[:1])
    status, said = typed("sign", "alpha", "--import", FILE, "--signature", signature, "--by", "Ann")

    assert status == 10
    assert "the plan names" in said


def test_a_wallet_nobody_can_ask_has_not_signed(typed: Typed, node: str) -> None:
    """Only a network with the sign-offs' own chain id is asked: another chain may have another wallet there."""
    from datetime import UTC, datetime

    from pytest_rollout.operations import Workspace, signing, wallets

    assert imported(typed, signatures(typed, OWNERS[:2]))[0] == 0
    workspace = Workspace.at(Path.cwd(), environment={"RPC_URL": node})
    question = signing.asked(workspace, "alpha", datetime.now(UTC))
    (rollout,) = workspace.rollouts
    elsewhere = {"chain": replace(rollout.networks["chain"], chain_id=1)}

    ask = wallets.asker(replace(rollout, networks=elsewhere), question.policy)
    question = replace(question, desk=replace(question.desk, ask=ask))
    answer = signing.answered(question, now=datetime.now(UTC))

    assert ask is None
    assert "no network of kind rpc with the chain id of its signature" in answer.owed[0].why
