"""What networks and contracts cost, each figure beside a peer or a limit in the same run.

    python -m benchmarks.networks [--peers [FOLDER]] [PART ...]

Parts are starting, opening, forking, workers, reading and embedded; all of them if none is named.
``starting`` compares with other frameworks, which ``--peers`` has pip install into environments of
their own: thrown away afterwards, or kept in FOLDER. A peer that cannot be had is named. What
``contracts.py`` and ``isolation.py`` beside this file measure in one process is not repeated here.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.chains.embedded import embedded
from benchmarks.chains.forking import forking
from benchmarks.chains.reading import reading
from benchmarks.chains.sides import Figures
from benchmarks.chains.starting import opening, starting
from benchmarks.chains.workers import workers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", nargs="?", const=Path(), type=Path, metavar="FOLDER")
    figures = Figures()
    options: argparse.Namespace
    parts = {
        "starting": lambda: starting(figures, options.peers),
        "opening": lambda: opening(figures),
        "forking": lambda: forking(figures),
        "workers": lambda: workers(figures),
        "reading": lambda: reading(figures),
        "embedded": lambda: embedded(figures),
    }
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    options = parser.parse_args()
    if unknown := set(options.parts) - set(parts):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    for name in options.parts or parts:
        parts[name]()
    sys.exit(bool(figures.missed))


if __name__ == "__main__":
    main()
