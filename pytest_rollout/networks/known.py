"""Well-known chains by their id, from ``data/chains.json``: what they are called, what fees are paid in."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownChain:
    """A chain many people know; ``explorer`` is empty for those that have none."""

    id: int
    name: str
    currency: str
    explorer: str = ""


@functools.cache
def known_chains() -> Mapping[int, KnownChain]:
    """All of them by their chain id."""
    text = resources.files(__package__).joinpath("data", "chains.json").read_text()
    return {each["id"]: KnownChain(**each) for each in json.loads(text)}


def named(chain_id: int) -> str:
    """A chain id for a sentence: ``137 (Polygon)``, or the bare number."""
    known = known_chains().get(chain_id)
    return str(chain_id) if known is None else f"{chain_id} ({known.name})"
