"""All looks of this room by the first part of a state's name."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_rollout.contracts.states import (
    amounts,
    compiled,
    holders,
    initialising,
    logs,
    proxies,
    supported,
)
from pytest_rollout.contracts.states.subject import Look

LOOKS: Mapping[str, Look] = {
    **holders.LOOKS,
    **proxies.LOOKS,
    **initialising.LOOKS,
    **compiled.LOOKS,
    **supported.LOOKS,
    **logs.LOOKS,
    **amounts.LOOKS,
}
