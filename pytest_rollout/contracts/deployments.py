"""Deployment records as a plan declares them: which contract is where. Read, never written."""

from __future__ import annotations

from pytest_rollout.contracts.records.reading import read_records
from pytest_rollout.contracts.records.record import Records
from pytest_rollout.core.rollout import ContractSettings


def recorded(settings: ContractSettings, network: str, chain_id: int | None) -> Records | None:
    """What is recorded for a network, None where the plan names no record; raises ``ContractError``.

    A record that claims another chain id than the network's is refused.
    """
    declared = settings.deployments.get(network)
    if declared is None:
        return None
    return read_records(declared.path, chain_id=chain_id, format=declared.format, names=declared.names)
