"""A managed anvil's life: started beside others, ended with its owner, missed when it dies."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from pytest_rollout.core.errors import NetworkError
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.anvil import AnvilChain, Patience
from pytest_rollout.networks.ipc import Connection
from pytest_rollout.networks.port import Chain

STRANGER = "0x00000000000000000000000000000000000A11cE"

DIED = "network devnet: anvil ended with status -9 during this run; nothing more can be read from it."


def until(condition: Callable[[], bool], *, seconds: float = 10) -> bool:
    """Whether it comes true within a bounded wait."""
    deadline = time.monotonic() + seconds
    while not (is_true := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return is_true


def runs(pid: int) -> bool:
    """Whether there is such a process; a zombie has ended."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(pid: int) -> bool:
    """Whether the process ends, and the one that watches over it."""

    def is_named() -> bool:
        return any(str(pid) in (each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"]))

    return until(lambda: not runs(pid) and not is_named())


def owner(body: str, *, in_thread: bool = False) -> subprocess.Popen[str]:
    """A process that opens an anvil, prints its number and its folder, and then does ``body``."""
    script = f"""
    import os, signal, sys, threading, time
    from pytest_rollout.core.rollout import Network, NetworkKind
    from pytest_rollout.networks.anvil import AnvilChain

    opened = []
    def work():
        opened.append(AnvilChain(Network(name="devnet", kind=NetworkKind.ANVIL)))

    if {in_thread}:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    else:
        work()
    chain = opened[0]
    print(chain.pid, chain.ipc.parent, flush=True)
    """
    program = textwrap.dedent(script) + textwrap.dedent(body)
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True)


def introduced(process: subprocess.Popen[str]) -> tuple[int, Path]:
    assert process.stdout is not None
    pid, folder = process.stdout.readline().split()
    return int(pid), Path(folder)


def finish(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    with process:
        return process.stdout.read()


def test_closing_ends_the_process_and_removes_its_folder(anvil: AnvilChain) -> None:
    pid, folder = anvil.pid, anvil.ipc.parent
    assert psutil.Process(pid).parent() == psutil.Process()
    assert folder.is_dir()

    anvil.close()

    assert not psutil.pid_exists(pid)
    assert not folder.exists()


def test_two_at_once_have_a_port_and_a_folder_each(open_chain: Callable[..., Chain]) -> None:
    opened: list[Any] = []
    threads = [threading.Thread(target=lambda: opened.append(open_chain(NetworkKind.ANVIL))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    first, second = opened
    assert first.port != second.port
    assert first.ipc != second.ipc
    first.mine(3)
    assert (first.head().number, second.head().number) == (3, 0)


def test_it_outlives_the_thread_that_opened_it(open_chain: Callable[..., Chain]) -> None:
    """The kernel's death signal is bound to a thread, so there a watchdog takes its place."""
    opened: list[Chain] = []
    thread = threading.Thread(target=lambda: opened.append(open_chain(NetworkKind.ANVIL)))
    thread.start()
    thread.join()

    time.sleep(0.1)

    assert opened[0].head().number == 0


def test_it_listens_on_the_port_it_names_and_nowhere_but_here(anvil: AnvilChain) -> None:
    listening = [
        each.laddr for each in psutil.Process(anvil.pid).net_connections() if each.status == psutil.CONN_LISTEN
    ]

    assert [(each.ip, each.port) for each in listening if hasattr(each, "port")] == [("127.0.0.1", anvil.port)]


@pytest.mark.parametrize("in_thread", [False, True], ids=["main thread", "other thread"])
def test_a_killed_owner_leaves_no_anvil(in_thread: bool) -> None:
    process = owner("time.sleep(60)", in_thread=in_thread)
    pid, folder = introduced(process)

    process.kill()
    finish(process)

    assert gone(pid)
    shutil.rmtree(folder)


@pytest.mark.parametrize("in_thread", [False, True], ids=["main thread", "other thread"])
@pytest.mark.parametrize(
    "ending",
    ["sys.exit(3)", "raise ValueError", "os._exit(0)", "os.abort()", "os.kill(os.getpid(), signal.SIGTERM)"],
)
def test_an_owner_that_ends_in_any_way_leaves_no_process(ending: str, in_thread: bool) -> None:
    process = owner(ending, in_thread=in_thread)
    pid, folder = introduced(process)
    finish(process)

    assert gone(pid)
    assert folder.exists() != (ending in {"sys.exit(3)", "raise ValueError"})
    shutil.rmtree(folder, ignore_errors=True)


def test_ctrl_c_reaches_the_tests_and_not_their_chain() -> None:
    """Tear-down still needs it: a chain that ended first would turn one Ctrl-C into a page of errors."""
    process = owner(
        """
        try:
            print("ready", flush=True)
            time.sleep(60)
        except KeyboardInterrupt:
            print("still at", chain.head().number, flush=True)
        """
    )
    pid, _folder = introduced(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"

    os.killpg(process.pid, signal.SIGINT)

    assert finish(process) == "still at 0\n"
    assert gone(pid)


def test_a_folder_left_by_a_killed_owner_is_removed_at_the_next_start(
    open_chain: Callable[..., Chain], anvil: AnvilChain
) -> None:
    process = owner("os._exit(0)")
    pid, left = introduced(process)
    finish(process)
    assert gone(pid)
    os.utime(left, (time.time() - 3600,) * 2)
    os.utime(anvil.ipc.parent, (time.time() - 3600,) * 2)

    open_chain(NetworkKind.ANVIL)

    assert not left.exists()
    assert anvil.head().number == 0
    assert anvil.ipc.parent.is_dir()


def test_dying_in_the_middle_of_a_run_is_named(anvil: AnvilChain) -> None:
    os.kill(anvil.pid, signal.SIGKILL)

    for _ in range(2):
        with pytest.raises(NetworkError) as died:
            anvil.head()
        assert str(died.value) == DIED


def test_dying_is_named_through_web3_as_well(anvil: AnvilChain) -> None:
    """Nobody can mistake it for a chain that is merely not connected."""
    assert anvil.w3.is_connected()
    os.kill(anvil.pid, signal.SIGKILL)

    for ask in (anvil.w3.is_connected, lambda: anvil.w3.eth.block_number):
        with pytest.raises(NetworkError) as died:
            ask()
        assert str(died.value) == DIED


def test_an_anvil_that_hangs_is_given_up_after_a_while() -> None:
    chain = AnvilChain(Network(name="devnet", kind=NetworkKind.ANVIL), patience=Patience(reply=2))
    os.kill(chain.pid, signal.SIGSTOP)

    try:
        assert until(lambda: psutil.Process(chain.pid).status() == psutil.STATUS_STOPPED)
        for _ in range(2):
            with pytest.raises(NetworkError) as hung:
                chain.head()
            assert str(hung.value) == (
                "network devnet: anvil did not answer eth_getBlockByNumber within 2 s; "
                "nothing more can be read from it in this run."
            )
    finally:
        os.kill(chain.pid, signal.SIGCONT)
        chain.close()


def test_a_forked_copy_of_its_owner_can_neither_use_nor_end_it() -> None:
    """Two processes on one socket would read each other's answers."""
    process = owner(
        """
        from pytest_rollout.core.errors import NetworkError
        if os.fork() == 0:
            try:
                chain.head()
            except NetworkError as error:
                print(error, flush=True)
            chain.close()
            os._exit(0)
        os.wait()
        print("still at", chain.head().number, flush=True)
        """
    )
    introduced(process)

    told, alive = finish(process).splitlines()
    assert told == (
        f"network devnet: it was opened by process {process.pid}; "
        "a forked copy of that process cannot use it and opens one of its own."
    )
    assert alive == "still at 0"


def test_transactions_nobody_waited_for_do_not_land_after_a_revert(anvil: AnvilChain) -> None:
    """Another program's, or a thread's: they are in the pool when the test ends."""
    other = Connection(anvil.ipc, seconds=10)
    try:
        for _ in range(30):
            snapshot = anvil.snapshot()
            for _ in range(10):
                payment = {"from": anvil.accounts["user"], "to": STRANGER, "value": "0x1"}
                other.call("eth_sendTransaction", [payment])
            anvil.revert(snapshot)
            time.sleep(0.005)
            assert anvil.request("eth_getBalance", [STRANGER, "latest"]) == "0x0"
            assert anvil.head().number == 0
    finally:
        other.close()


def test_transactions_that_wait_for_their_turn_are_dropped_by_a_revert(anvil: AnvilChain) -> None:
    snapshot = anvil.snapshot()
    anvil.request("evm_setAutomine", [False])
    user = anvil.accounts["user"]
    for number in ("0x0", "0x5"):
        payment = {"from": user, "to": STRANGER, "value": "0x1", "nonce": number, "gas": "0x5208"}
        anvil.request("eth_sendTransaction", [payment])

    anvil.revert(snapshot)

    assert anvil.request("txpool_status") == {"pending": "0x0", "queued": "0x0"}
    assert anvil.request("eth_getTransactionCount", [user, "pending"]) == "0x0"


def test_a_transaction_that_pays_too_little_to_be_mined_does_not_hold_up_a_revert(anvil: AnvilChain) -> None:
    other = Connection(anvil.ipc, seconds=10)
    snapshot = anvil.snapshot()
    payment = {"from": anvil.accounts["user"], "to": STRANGER, "gas": "0x5208", "gasPrice": "0x1"}
    other.call("eth_sendTransaction", [payment])
    other.close()

    anvil.revert(snapshot)

    assert anvil.request("txpool_status") == {"pending": "0x0", "queued": "0x0"}


SETTINGS: dict[str, tuple[list[tuple[str, list[Any]]], Callable[[AnvilChain], object]]] = {
    "mining switched off": (
        [("evm_setAutomine", [False])],
        lambda chain: chain.request("anvil_getAutomine"),
    ),
    "mining by the clock": (
        [("evm_setIntervalMining", [3600])],
        lambda chain: (chain.request("anvil_getAutomine"), chain.request("anvil_getIntervalMining")),
    ),
    "coinbase": ([("anvil_setCoinbase", [STRANGER])], lambda chain: chain.request("eth_coinbase")),
    "chain id": ([("anvil_setChainId", [5])], lambda chain: chain.request("eth_chainId")),
    "somebody else's account": (
        [("anvil_impersonateAccount", [STRANGER])],
        lambda chain: chain.request("eth_accounts"),
    ),
    "anybody's account": (
        [("anvil_autoImpersonateAccount", [True])],
        lambda chain: sends(chain, STRANGER),
    ),
    "time between blocks": (
        [("anvil_setBlockTimestampInterval", [5000])],
        lambda chain: (chain.mine(2), seconds_apart(chain) >= 5000),
    ),
}


def sends(chain: AnvilChain, sender: str) -> bool:
    try:
        chain.request("eth_sendTransaction", [{"from": sender, "to": sender, "gas": "0x5208"}])
    except NetworkError as refused:
        return "No Signer" not in str(refused)
    return True


def seconds_apart(chain: AnvilChain) -> int:
    newest = chain.head()
    earlier = chain.request("eth_getBlockByNumber", [hex(newest.number - 1), False])
    return newest.timestamp - int(earlier["timestamp"], 16)


@pytest.mark.parametrize(("changes", "seen"), SETTINGS.values(), ids=SETTINGS)
def test_a_setting_of_the_node_is_set_back_by_a_revert(
    anvil: AnvilChain, changes: list[tuple[str, list[Any]]], seen: Callable[[AnvilChain], object]
) -> None:
    """evm_revert leaves them; the next test would wait for a block that never comes, or act as somebody else."""
    before = seen(anvil)
    snapshot = anvil.snapshot()
    for method, params in changes:
        anvil.request(method, params)
    assert seen(anvil) != before

    anvil.revert(snapshot)

    assert seen(anvil) == before
    assert (
        anvil.w3.eth.wait_for_transaction_receipt(
            anvil.w3.eth.send_transaction({"to": STRANGER, "value": 1})  # type: ignore[typeddict-item]
        )["status"]
        == 1
    )


def test_a_setting_made_for_a_module_outlives_its_tests(anvil: AnvilChain) -> None:
    anvil.request("anvil_impersonateAccount", [STRANGER])
    anvil.request("evm_setAutomine", [False])
    snapshot = anvil.snapshot()
    anvil.request("evm_setAutomine", [True])
    anvil.request("anvil_stopImpersonatingAccount", [STRANGER])

    anvil.revert(snapshot)

    assert anvil.request("anvil_getAutomine") is False
    assert STRANGER.lower() in [each.lower() for each in anvil.request("eth_accounts")]


def test_the_state_of_some_blocks_ago_can_be_read(anvil: AnvilChain) -> None:
    """A check is pinned to one block, and a test may look at what was before it."""
    anvil.mine(60)
    anvil.request("eth_sendTransaction", [{"from": anvil.accounts["user"], "to": STRANGER, "value": "0x1"}])

    assert anvil.request("eth_getBalance", [STRANGER, hex(60)]) == "0x0"
    assert anvil.request("eth_getBalance", [STRANGER, hex(20)]) == "0x0"


def test_nothing_is_written_outside_its_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, open_chain: Callable[..., Chain]
) -> None:
    """By itself, anvil keeps its history under the user's Foundry folder, for ever."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FOUNDRY_HOME", str(tmp_path / "foundry"))
    chain = open_chain(NetworkKind.ANVIL)
    chain.mine(200)
    chain.close()

    assert list(tmp_path.iterdir()) == []


def test_the_environment_cannot_move_it_to_another_address(
    monkeypatch: pytest.MonkeyPatch, open_chain: Callable[..., Chain]
) -> None:
    monkeypatch.setenv("ANVIL_IP_ADDR", "0.0.0.0")
    chain: Any = open_chain(NetworkKind.ANVIL)

    ips = {
        each.laddr.ip for each in psutil.Process(chain.pid).net_connections("inet") if each.status == psutil.CONN_LISTEN
    }
    assert ips == {"127.0.0.1"}


def test_without_the_kernel_s_help_a_watchdog_ends_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As on macOS, and where BusyBox stands for util-linux."""
    (tmp_path / "busybox").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "busybox").chmod(0o700)
    (tmp_path / "setpriv").symlink_to("busybox")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    process = owner("os._exit(0)")
    pid, folder = introduced(process)
    finish(process)

    assert gone(pid)
    shutil.rmtree(folder)
