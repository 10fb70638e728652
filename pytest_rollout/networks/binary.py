"""The anvil program: where it is, and that it is Foundry's.

Looked for in the plan, on the search path, in Foundry's own folder, and in the ``node_modules``
of the working directory and the folders above it. The npm package's start script keeps the
native program as a child, which survives it; so the native program behind it is what is used.
"""

from __future__ import annotations

import functools
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from pytest_rollout.core.errors import NetworkError

MINIMUM = (1, 7)
VERSION_SECONDS = 10.0
INSTALL = "`npm install @foundry-rs/anvil` or `foundryup` (https://getfoundry.sh) installs it"

_VERSION = re.compile(r"^anvil (?:Version: )?v?(?P<number>\d+\.\d+(?:\.\d+)?\S*)", re.MULTILINE)


def find(network: str, given: str | None, *, seconds: float = VERSION_SECONDS) -> tuple[Path, str]:
    """The program and its version; raises ``NetworkError`` with the install line if there is none."""
    path = _given(network, given) if given else _looked_for(network)
    native = _native(path)
    status = native.stat()
    return native, _version(network, str(native), status.st_mtime_ns, status.st_size, seconds)


def _given(network: str, given: str) -> Path:
    found = shutil.which(os.path.expanduser(given))  # noqa: PTH111 - also takes a bare name
    if found is None:
        raise NetworkError(
            f"network {network}: no program at binary = '{given}'; give a path or the name of a program "
            f"on PATH. {INSTALL}."
        )
    return Path(found)


def _looked_for(network: str) -> Path:
    if found := shutil.which("anvil"):
        return Path(found)
    foundry = Path.home() / ".foundry" / "bin" / "anvil"
    here = Path.cwd()
    modules = [_package(folder / "node_modules" / "@foundry-rs") for folder in (here, *here.parents)]
    for candidate in (foundry, *modules):
        if os.access(candidate, os.X_OK) and candidate.is_file():
            return candidate
    raise NetworkError(
        f"network {network}: anvil is not in the plan's `binary`, on PATH, in ~/.foundry/bin or in "
        f"node_modules. {INSTALL}."
    )


def _package(scope: Path) -> Path:
    """Where npm puts the native program of this machine, below ``node_modules/@foundry-rs``."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine().lower())
    return scope / f"anvil-{sys.platform}-{machine}" / "bin" / "anvil"


def _native(path: Path) -> Path:
    """The native program behind npm's start script, or ``path`` itself."""
    real = path.resolve()
    scope = next((parent for parent in real.parents if parent.name == "@foundry-rs"), None)
    if scope is not None and (native := _package(scope)).is_file():
        return native
    return real


@functools.cache
def _version(network: str, path: str, _mtime: int, _size: int, seconds: float) -> str:
    try:
        answer = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NetworkError(
            f"network {network}: {path} did not answer --version within {seconds:g} s; "
            f"it is not Foundry's anvil or it hangs. {INSTALL}."
        ) from None
    except OSError as error:
        raise NetworkError(f"network {network}: {path} cannot be started: {error.strerror}. {INSTALL}.") from None
    match = _VERSION.search(answer.stdout)
    if answer.returncode != 0 or match is None:
        said = (answer.stdout or answer.stderr).strip().splitlines()[:1]
        raise NetworkError(
            f"network {network}: {path} is another program of that name: its --version says "
            f"'{said[0][:80] if said else ''}', not 'anvil Version: …'. {INSTALL}; "
            f"or name the right one in networks.{network}.binary."
        )
    number = match["number"]
    if tuple(int(part) for part in number.split(".")[:2]) < MINIMUM:
        needed = ".".join(str(part) for part in MINIMUM)
        raise NetworkError(f"network {network}: {path} is anvil {number}; {needed} or later is needed. {INSTALL}.")
    return number
