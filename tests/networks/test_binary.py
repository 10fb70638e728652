"""Finding anvil, and finding that what was found is not it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from pytest_rollout.core.errors import NetworkError
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.anvil import AnvilChain, Patience
from pytest_rollout.networks.binary import find
from pytest_rollout.networks.hardforks import DEFAULT_CHAIN_ID

INSTALL = "`npm install @foundry-rs/anvil` or `foundryup` (https://getfoundry.sh) installs it"
ANVIL = "echo 'anvil Version: 1.7.1'"


def program(path: Path, body: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder that is home, path and working directory in one, without an anvil."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    (tmp_path / "project" / "suites").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project" / "suites")
    return tmp_path


def native(machine: Path) -> Path:
    names = [path.name for path in (Path(__file__).parents[2] / "node_modules" / "@foundry-rs").glob("anvil-*")]
    return machine / "project" / "node_modules" / "@foundry-rs" / names[0] / "bin" / "anvil"


def test_a_missing_anvil_is_a_sentence_with_the_install_line(machine: Path) -> None:
    with pytest.raises(NetworkError) as missing:
        find("devnet", None)

    assert str(missing.value) == (
        "network devnet: anvil is not in the plan's `binary`, on PATH, in ~/.foundry/bin or in node_modules. "
        f"{INSTALL}."
    )


def test_the_plan_comes_first_then_path_then_foundry_then_node_modules(machine: Path) -> None:
    places = [
        native(machine),
        machine / "home" / ".foundry" / "bin" / "anvil",
        machine / "bin" / "anvil",
    ]
    for place in places:
        program(place, ANVIL)
        assert find("devnet", None) == (place, "1.7.1")

    given = program(machine / "elsewhere" / "my-anvil", ANVIL)
    assert find("devnet", str(given)) == (given, "1.7.1")


def test_the_native_program_behind_npm_s_start_script_is_used(machine: Path) -> None:
    """The script keeps it as a child that survives it."""
    expected = program(native(machine), ANVIL)
    script = program(expected.parents[2] / "anvil" / "bin.mjs", "exit 1")
    (machine / "bin").mkdir()
    (machine / "bin" / "anvil").symlink_to(script)

    assert find("devnet", None) == (expected, "1.7.1")


def test_a_binary_of_the_plan_that_is_not_there_is_not_replaced_by_another(machine: Path) -> None:
    program(machine / "bin" / "anvil", ANVIL)

    with pytest.raises(NetworkError) as missing:
        find("devnet", "./anvil-1.7")

    assert str(missing.value) == (
        "network devnet: no program at binary = './anvil-1.7'; give a path or the name of a program on PATH. "
        f"{INSTALL}."
    )


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        pytest.param(
            "echo 'GNU anvil 2.0'",
            "network devnet: {path} is another program of that name: its --version says 'GNU anvil 2.0', "
            "not 'anvil Version: …'. {install}; or name the right one in networks.devnet.binary.",
            id="another program",
        ),
        pytest.param(
            "echo 'unknown option --version' >&2; exit 2",
            "network devnet: {path} is another program of that name: its --version says 'unknown option --version', "
            "not 'anvil Version: …'. {install}; or name the right one in networks.devnet.binary.",
            id="no versions",
        ),
        pytest.param(
            "echo 'anvil 0.2.0 (abc 2024-01-01T00:00:00Z)'",
            "network devnet: {path} is anvil 0.2.0; 1.7 or later is needed. {install}.",
            id="too old",
        ),
        pytest.param(
            "sleep 60",
            "network devnet: {path} did not answer --version within 0.3 s; "
            "it is not Foundry's anvil or it hangs. {install}.",
            id="hangs",
        ),
    ],
)
def test_another_program_of_that_name_is_told(machine: Path, body: str, sentence: str) -> None:
    path = program(machine / "bin" / "anvil", body)

    with pytest.raises(NetworkError) as wrong:
        find("devnet", None, seconds=0.3)

    assert str(wrong.value) == sentence.format(path=path, install=INSTALL)


def test_a_file_that_cannot_be_started_is_told(machine: Path) -> None:
    path = program(machine / "bin" / "anvil", "")
    path.write_bytes(b"\x00nothing a system could run")

    with pytest.raises(NetworkError, match="cannot be started: "):
        find("devnet", None)


def test_a_version_is_asked_once_for_an_unchanged_program(machine: Path) -> None:
    path = program(machine / "bin" / "anvil", f"echo asked >> {machine}/log; {ANVIL}")
    find("devnet", None)
    find("devnet", None)
    assert (machine / "log").read_text() == "asked\n"

    path.write_text(path.read_text() + "# now another one\n")
    find("devnet", None)
    assert (machine / "log").read_text() == "asked\nasked\n"


def started(path: Path) -> AnvilChain:
    network = Network(name="devnet", kind=NetworkKind.ANVIL, binary=str(path))
    return AnvilChain(network, patience=Patience(start=0.5))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        pytest.param(
            "echo 'Error: Address already in use (os error 98)' >&2; exit 1",
            "network devnet: anvil ended with status 1 while starting: Error: Address already in use (os error 98)",
            id="ends at once",
        ),
        pytest.param(
            "exit 0",
            "network devnet: anvil ended with status 0 while starting: it said nothing",
            id="ends without a word",
        ),
        pytest.param(
            "exec sleep 60",
            "network devnet: anvil did not listen within 0.5 s of its start; it was ended.",
            id="never listens",
        ),
    ],
)
def test_an_anvil_that_does_not_start_is_told_and_nothing_stays(tmp_path: Path, body: str, sentence: str) -> None:
    path = program(tmp_path / "anvil", f'echo $$ > {tmp_path}/pid\n[ "$1" = --version ] && {ANVIL} && exit\n{body}')

    with pytest.raises(NetworkError) as wrong:
        started(path)

    assert str(wrong.value) == sentence
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


def test_an_anvil_with_another_chain_id_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    real, _version = find("devnet", None)
    path = program(
        tmp_path / "anvil",
        f'[ "$1" = --version ] && {ANVIL} && exit\necho $$ > {tmp_path}/pid\n'
        f'arguments=$(echo "$*" | sed "s/--chain-id 31337/--chain-id 1/; s/--mnemonic.*junk//")\n'
        f"exec {real} $arguments",
    )

    with pytest.raises(NetworkError) as wrong:
        started(path)

    assert str(wrong.value) == (
        "network devnet: expected chain id 31337 (a development chain), the node answers 1 (Ethereum). Nothing was sent."
    )
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


def test_a_port_that_is_somebody_else_s_is_not_spoken_to(tmp_path: Path, stub: Callable[[], Any]) -> None:
    """E16: a node that could not bind says where it would have been; whoever answers there is another."""
    somebody = stub()
    somebody.answer = lambda request: {"jsonrpc": "2.0", "id": request["id"], "result": hex(DEFAULT_CHAIN_ID)}
    says = f"echo 'Listening on 127.0.0.1:{somebody.server.server_port}'; exec sleep 60"
    path = program(tmp_path / "anvil", f'[ "$1" = --version ] && {ANVIL} && exit\n{says}')

    with pytest.raises(NetworkError, match="anvil did not listen within 0.5 s of its start; it was ended"):
        started(path)

    assert somebody.asked == []
