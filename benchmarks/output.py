"""A command that prints a gigabyte: how long keeping up with it takes, and how much of it stays in memory.

    python benchmarks/output.py [MEGABYTES]

The same bytes are also thrown away by ``cat`` in the same run. Patterns are looked for in all of it.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from pytest_rollout.services.program import Patterns, run

LINE = "block 23481007 imported, 171 transactions, state root ok"


def main(megabytes: int) -> None:
    command = ["sh", "-c", f"yes '{LINE}' | head -c {megabytes}M; echo all done"]
    started = time.monotonic()
    subprocess.run(["sh", "-c", f"({command[2]}) | cat > /dev/null"], check=True)
    plain = time.monotonic() - started
    for patterns in ((), ("all done", "FAILED|panic")):
        found = Patterns(patterns)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        started = time.monotonic()
        ended = run(
            command,
            folder=Path.cwd(),
            environment=dict(os.environ),
            limit_seconds=600,
            listen=found.hear if patterns else None,
        )
        took = time.monotonic() - started
        assert ended.status == 0, ended
        assert ended.size == megabytes * 1024**2 + len("all done\n"), ended.size
        assert not patterns or (str(found.lines[0]).endswith("all done") and found.lines[1] is None), found.lines
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{megabytes} MB, {len(patterns)} patterns: {took:.1f} s (cat {plain:.1f} s), "
            f"{len(ended.output)} characters kept, "
            f"at most {after:.0f} MB of memory, {after - before:.1f} more than before"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1024)
