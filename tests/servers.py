"""Real servers for tests: Prometheus, Alertmanager, Pushgateway, PostgreSQL, each in a folder of its own on a free port.

A server that is not installed fails the test that needs it, with the package to install; nothing is skipped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import make_url

READY_SECONDS = 30.0
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def program(name: str, package: str) -> str:
    """The path of an installed program."""
    found = shutil.which(name)
    assert found, f"{name} is not installed; on Debian: apt-get install {package}"
    return found


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(command: Sequence[str], folder: Path, ready: Callable[[], bool]) -> Iterator[None]:
    """A program until the block ends; it is ready when ``ready`` says so."""
    log = folder / "log.txt"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            until = time.monotonic() + READY_SECONDS
            while not ready():
                assert process.poll() is None, f"{command[0]} ended:\n{log.read_text()}"
                assert time.monotonic() < until, f"{command[0]} is not ready:\n{log.read_text()}"
                time.sleep(0.02)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def answers(url: str) -> bool:
    """Whether somebody answers there with 200."""
    try:
        with urllib.request.urlopen(url, timeout=1) as response:
            return response.status == 200
    except (OSError, urllib.error.URLError):
        return False


def backfill(openmetrics: str, folder: Path) -> None:
    """Blocks of history from text in the OpenMetrics format, ``# EOF`` at its end."""
    text = folder / "history.om"
    text.write_text(openmetrics)
    (folder / "data").mkdir(exist_ok=True)
    done = subprocess.run(
        [
            program("promtool", "prometheus"),
            "tsdb",
            "create-blocks-from",
            "--max-block-duration=87600h",  # one pass over the text, however long its history
            "openmetrics",
            str(text),
            str(folder / "data"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextlib.contextmanager
def prometheus(folder: Path, history: str = "", config: str = "global: {scrape_interval: 15s}\n") -> Iterator[str]:
    """The address of a Prometheus that knows ``history``; old history is kept, nothing is scraped by default."""
    if history:
        backfill(history, folder)
    (folder / "prometheus.yml").write_text(config)
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [
        program("prometheus", "prometheus"),
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100y",
        "--web.enable-admin-api",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with running(command, folder, lambda: answers(f"{url}/-/ready")):
        yield url


@contextlib.contextmanager
def alertmanager(folder: Path, config: str) -> Iterator[str]:
    """The address of an Alertmanager with that configuration."""
    (folder / "alertmanager.yml").write_text(config)
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [
        program("prometheus-alertmanager", "prometheus-alertmanager"),
        "--config.file=alertmanager.yml",
        "--storage.path=data",
        "--cluster.listen-address=",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with running(command, folder, lambda: answers(f"{url}/-/ready")):
        yield url


@contextlib.contextmanager
def pushgateway(folder: Path) -> Iterator[str]:
    """The address of a Pushgateway, which never forgets what was pushed."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [
        program("prometheus-pushgateway", "prometheus-pushgateway"),
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with running(command, folder, lambda: answers(f"{url}/-/ready")):
        yield url


@dataclass(frozen=True, kw_only=True)
class PostgresServer:
    """One server that can go and come back; ``url`` stays the same."""

    url: str
    folder: Path
    control: tuple[str, ...]
    options: str

    def start(self) -> None:
        _quietly([*self.control, "-l", str(self.folder / "log.txt"), "-o", self.options, "start"], self.folder)

    def stop(self) -> None:
        """As a machine that loses its power does: nobody is waited for."""
        _quietly([*self.control, "-m", "immediate", "stop"], self.folder)


@contextlib.contextmanager
def postgresql(*, durable: bool = False) -> Iterator[str]:
    """The URL of a PostgreSQL server with nothing in it; its user has a password, which it asks for.

    Only a ``durable`` one syncs what it writes.
    """
    with postgres_server(durable=durable) as server:
        yield server.url


@contextlib.contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[PostgresServer]:
    """As ``postgresql``, for tests that stop it and start it again."""
    assert POSTGRES, "PostgreSQL is not installed; on Debian: apt-get install postgresql"
    folder = Path(tempfile.mkdtemp(prefix="rollout-postgres-"))
    try:
        as_owner: list[str] = []
        if os.getuid() == 0:  # the server refuses to run as root
            shutil.chown(folder, "postgres", "postgres")
            as_owner = ["runuser", "-u", "postgres", "--"]
        data, port = folder / "data", free_port()
        (folder / "password").write_text("kept-secret")
        (folder / "password").chmod(0o644)
        initdb = [str(POSTGRES[-1] / "initdb"), "-D", str(data), "-A", "md5", "-U", "tester"]
        _quietly([*as_owner, *initdb, f"--pwfile={folder / 'password'}", "-E", "UTF8", "--locale=C", "-N"], folder)
        server = PostgresServer(
            url=f"postgresql+psycopg://tester:kept-secret@127.0.0.1:{port}/postgres",
            folder=folder,
            control=(*as_owner, str(POSTGRES[-1] / "pg_ctl"), "-D", str(data), "-w"),
            options=f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync={'on' if durable else 'off'} "
            "-c recovery_init_sync_method=syncfs",  # after a crash, one call instead of one for each file
        )
        server.start()
        try:
            yield server
        finally:
            if (data / "postmaster.pid").exists():
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def owner_of(url: str) -> psycopg.Connection:
    """A connection of whoever the URL names, each statement committed at once."""
    parts = make_url(url)
    return psycopg.connect(
        host=parts.host,
        port=parts.port,
        user=parts.username,
        password=parts.password,
        dbname=parts.database,
        autocommit=True,
    )


def _quietly(command: Sequence[str], folder: Path) -> None:
    with (folder / "out.txt").open("w+") as out:
        done = subprocess.run(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT, check=False)
        out.seek(0)
        assert done.returncode == 0, f"{' '.join(command)}:\n{out.read()}"
