"""Both nodes as one stage needs them: ``python fleet.py shadow-both`` lives through that phase and serves.

It prints the two variables that the plan reads, and ends with Ctrl-C.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Self

HERE = Path(__file__).parent

PHASES: Mapping[str, tuple[str, str]] = {
    "shadow-node-1": ("shadow:8d", "legacy:8d"),
    "shadow-both": ("shadow:15.5d", "legacy:7.5d,shadow:8d"),
    "primary-node-1": ("shadow:15.5d,rust:4d", "legacy:7.5d,shadow:12d"),
    "primary-both": ("shadow:15.5d,rust:12d", "legacy:7.5d,shadow:12d,rust:8d"),
    "final": ("shadow:15.5d,rust:12d,final:31d", "legacy:7.5d,shadow:12d,rust:8d,final:31d"),
}
"""What each node has lived through when a stage is to be left."""


class Fleet:
    """Running nodes, two if nothing else is said; ``urls`` is where they listen, in order.

    What they say on standard error goes to ``errors``.
    """

    def __init__(
        self, modes: Sequence[str], options: Sequence[Sequence[str]] = ((), ()), errors: IO[str] | None = None
    ) -> None:
        self.processes: list[subprocess.Popen[str] | None] = []
        self.urls: list[str] = []
        for mode, more in zip(modes, options, strict=True):
            self.processes.append(_start(mode, more, errors))
        for process in self.processes:
            assert process is not None
            assert process.stdout is not None
            self.urls.append(process.stdout.readline().strip())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for number in range(len(self.processes)):
            self.stop(number)

    @property
    def environment(self) -> dict[str, str]:
        """What the plan reads."""
        return {f"NODE_{number + 1}": url or "http://127.0.0.1:9" for number, url in enumerate(self.urls)}

    def stop(self, number: int) -> None:
        """Kill a node."""
        process, self.processes[number] = self.processes[number], None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.wait()

    def restart(self, number: int, mode: str, *more: str) -> None:
        """Kill a node and start it again where it listened."""
        port = self.urls[number].rpartition(":")[2]
        self.stop(number)
        process = _start(mode, ("--port", port, *more))
        self.processes[number] = process
        assert process.stdout is not None
        self.urls[number] = process.stdout.readline().strip()


def _start(mode: str, more: Sequence[str], errors: IO[str] | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, str(HERE / "node.py"), "--mode", mode, *more]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)


if __name__ == "__main__":
    with Fleet(PHASES[sys.argv[1]]) as fleet:
        for name, url in fleet.environment.items():
            sys.stdout.write(f"export {name}={url}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            sys.stdin.read()
