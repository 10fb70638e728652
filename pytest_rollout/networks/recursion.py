"""How deep Python may nest calls once py-evm and web3.py are imported.

Importing them raises the limit of the whole process to 100,000, and then nested JSON - an answer
of a hostile server, a planted file - overruns the C stack and kills the process where it should be
told in one sentence.
"""

from __future__ import annotations

import sys

DEEPEST = 12_000
"""Enough for py-evm's 1,024 calls of ten frames each, and far from the end of an 8 MiB stack."""


def restrain() -> None:
    """Bring the limit back to what is safe; a lower one is left alone."""
    if sys.getrecursionlimit() > DEEPEST:
        sys.setrecursionlimit(DEEPEST)
