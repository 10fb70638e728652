"""The contract book of a network, as the plan describes it."""

from __future__ import annotations

from pytest_rollout.contracts.artifacts import Artifacts
from pytest_rollout.contracts.book import Contracts
from pytest_rollout.core.rollout import ContractSettings
from pytest_rollout.networks.port import Chain


def open_contracts(settings: ContractSettings, chain: Chain) -> Contracts:
    """The book; addresses come from the record declared for this network, if there is one."""
    artifacts = Artifacts(settings.artifacts)
    if chain.name not in settings.deployments:
        return Contracts(chain, artifacts, {}, proxies=settings.proxies)
    from pytest_rollout.contracts.deployments import recorded  # noqa: PLC0415 - every format, for those who have one

    records = recorded(settings, chain.name, chain.chain_id)
    if records is None:
        return Contracts(chain, artifacts, {}, proxies=settings.proxies)
    return Contracts(chain, artifacts, records.addresses, records.contracts, proxies=settings.proxies)
