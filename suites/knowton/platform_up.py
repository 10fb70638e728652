"""KnowTon on this machine: ``python platform_up.py`` starts a testnet, all services and Alertmanager, and serves.

It prints the variables that the plan reads, as lines to paste, and ends with Ctrl-C.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).parent
SERVICES = HERE / "services"

CHAIN_ID = 421614


def configuration() -> dict[str, str]:
    """What the services are configured with: the environment file of the testnet."""
    lines = (HERE / "environments" / "testnet.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


class Platform:
    """Everything running; ``environment`` is what the plan reads. ``options`` are command lines of services."""

    def __init__(self, options: Mapping[str, Sequence[str]] | None = None, *, hook_port: int = 0) -> None:
        self._options = options or {}
        self._stack = contextlib.ExitStack()
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="knowton-")))
        self.hook_port = hook_port or _free_port()
        self.environment: dict[str, str] = {}
        self.rpc = ""

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self) -> None:
        self.rpc = self._anvil()
        subprocess.run([sys.executable, str(HERE / "deploy.py"), self.rpc], check=True, stdout=subprocess.DEVNULL)
        self._certificate()
        tls = ["--certificate", str(self.folder / "ca.pem"), "--key", str(self.folder / "key.pem")]
        data = self.folder / "data"
        data.mkdir()
        oracle = self._service("oracle")[0]
        backend, gateway = self._service("backend", "--data", str(data), *tls)
        bonding = self._service("bonding", "--backend", backend, "--oracle", oracle)[0]
        self.environment = {
            "KNOWTON_RPC": self.rpc,
            "KNOWTON_BACKEND": backend,
            "KNOWTON_GATEWAY": gateway.replace("http:", "https:"),
            "KNOWTON_CA": str(self.folder / "ca.pem"),
            "KNOWTON_ORACLE": oracle,
            "KNOWTON_BONDING": bonding,
            "KNOWTON_SYNC": self._service("sync")[0],
            "KNOWTON_NODE": self._service("machine")[0],
            "KNOWTON_ALERTMANAGER": self._alertmanager(),
            "KNOWTON_HOOK": f"127.0.0.1:{self.hook_port}",
            "KNOWTON_LOGS": str(self.folder / "logs"),
        }

    def _run(self, command: Sequence[str], log: str, **more: Any) -> subprocess.Popen[str]:
        (self.folder / "logs").mkdir(exist_ok=True)
        out = self._stack.enter_context((self.folder / "logs" / f"{log}.log").open("w"))
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=out, text=True, **more)
        self._stack.callback(_end, process)
        return process

    def _service(self, name: str, *options: str) -> list[str]:
        environment = {**os.environ, **configuration(), "RPC_URL": self.rpc, "PYTHONPATH": str(SERVICES)}
        environment.pop("PYTHONSAFEPATH", None)
        command = [sys.executable, str(SERVICES / f"{name}.py"), *options, *self._options.get(name, ())]
        process = self._run(command, name, env=environment, stdout=subprocess.PIPE)
        assert process.stdout is not None
        ports = process.stdout.readline().split()
        if not ports:
            raise RuntimeError(f"{name} did not start: {(self.folder / 'logs' / f'{name}.log').read_text()[-2000:]}")
        return [f"http://127.0.0.1:{port}" for port in ports]

    def _anvil(self) -> str:
        port = _free_port()
        command = [_anvil_binary(), "--port", str(port), "--chain-id", str(CHAIN_ID), "--silent"]
        home = self.folder / "foundry"
        process = self._run(
            [*command, "--mixed-mining", "--block-time", "5"],
            "anvil",
            env={**os.environ, "FOUNDRY_HOME": str(home)},
            stdout=subprocess.DEVNULL,
        )
        url = f"http://127.0.0.1:{port}"
        _wait(process, lambda: _rpc(url, "eth_chainId"))
        return url

    def _certificate(self) -> None:
        """A certificate of 90 days for this machine; who trusts it trusts this platform alone."""
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        names = [
            "-subj",
            "/CN=knowton",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "keyUsage=digitalSignature",
        ]
        files = ["-keyout", str(self.folder / "key.pem"), "-out", str(self.folder / "ca.pem")]
        subprocess.run([*command, "-days", "90", *names, *files], check=True, capture_output=True)

    def _alertmanager(self) -> str:
        """The real one, with the routes of this suite; its webhook is where the gate listens."""
        found = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
        if found is None:
            return "http://127.0.0.1:9"
        text = (HERE / "k8s" / "monitoring" / "alertmanager.yml").read_text()
        config = self.folder / "alertmanager.yml"
        config.write_text(text.replace("http://alerts.knowton.example/hook", f"http://127.0.0.1:{self.hook_port}/hook"))
        port = _free_port()
        command = [found, f"--config.file={config}", f"--storage.path={self.folder / 'alerts'}"]
        command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
        process = self._run(command, "alertmanager", stdout=subprocess.DEVNULL)
        url = f"http://127.0.0.1:{port}"
        _wait(process, lambda: urllib.request.urlopen(f"{url}/-/ready", timeout=1).read())
        return url


def _anvil_binary() -> str:
    if found := shutil.which("anvil"):
        return found
    for folder in (HERE, *HERE.parents):
        for binary in folder.glob("node_modules/@foundry-rs/anvil-*/bin/anvil"):
            return str(binary)
    raise RuntimeError("anvil is not installed: npm install @foundry-rs/anvil")


def _rpc(url: str, method: str) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": []}).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=2) as response:
        return json.loads(response.read())["result"]


def _wait(process: subprocess.Popen[str], ready: Any, seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            ready()
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{process.args} did not start") from None
            time.sleep(0.02)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


if __name__ == "__main__":
    with Platform() as platform:
        for name, value in platform.environment.items():
            sys.stdout.write(f"export {name}={value}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            sys.stdin.read()
