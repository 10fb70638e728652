"""The ledger's head on a chain: written there, and looked for there."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.errors import LedgerError, Refused, UsageError, listed
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.operations.workspace import Workspace

if TYPE_CHECKING:
    from pytest_rollout.ledger.anchor import Anchored
    from pytest_rollout.ledger.port import Ledger

_GAS = 200_000
"""More than the deployment and any anchor take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An anchor that stands on a chain."""

    ledger_id: str
    sequence: int
    head: str
    network: str
    chain_id: int
    contract: str
    account: str
    transaction: str
    block: int

    def document(self) -> dict[str, object]:
        """For programs."""
        return {
            "ledger_id": self.ledger_id,
            "entry": self.sequence,
            "head": self.head,
            "network": self.network,
            "chain_id": self.chain_id,
            "contract": self.contract,
            "account": self.account,
            "transaction": self.transaction,
            "block": self.block,
        }


def anchor(workspace: Workspace, network: str, *, key: str, contract: str | None, allow_writes: bool) -> Written:
    """Write the verified ledger's head to a declared network of kind ``rpc``; both locks must be open.

    Without ``contract`` the anchor contract is deployed first, by the same account.
    """
    from pytest_rollout.ledger import anchor as form  # noqa: PLC0415 - eth_account
    from pytest_rollout.networks.opening import open_network  # noqa: PLC0415 - for a chain
    from pytest_rollout.networks.receipts import awaited  # noqa: PLC0415 - as above

    declared, ledger = declared_network(workspace, network), workspace.open()
    head, account = ledger.verify(), form.account_of(key)
    with closing(open_network(declared, allow_writes=allow_writes)) as chain:

        def send(to: str | None, data: str) -> Any:
            nonce = int(str(chain.request("eth_getTransactionCount", [account, "pending"])), 16)
            price = int(str(chain.request("eth_gasPrice")), 16)
            transaction: dict[str, Any] = {"nonce": nonce, "gas": _GAS, "gasPrice": price, "value": 0, "data": data}
            transaction |= {"chainId": chain.chain_id} | ({} if to is None else {"to": _checksummed(to)})
            raw = form.signed(key, transaction)
            receipt = awaited(chain, str(chain.request("eth_sendRawTransaction", [raw])))
            if int(str(receipt["status"]), 16) != 1:
                raise Refused(f"network {network}: the anchor's transaction {receipt['transactionHash']} failed.")
            return receipt

        if contract is None:
            place = str(send(None, f"0x{form.CREATION}")["contractAddress"]).lower()
        else:
            place = form.address(contract, "--contract")
        if str(chain.request("eth_getCode", [place, "latest"])).lower() != f"0x{form.RUNTIME}":
            raise Refused(f"network {network}: at {place} is not the contract that anchors; leave --contract out once.")
        receipt = send(place, form.data(ledger.id, head.sequence, head.digest))
        return Written(
            ledger_id=ledger.id,
            sequence=head.sequence,
            head=head.digest,
            network=network,
            chain_id=chain.chain_id,
            contract=place,
            account=account,
            transaction=str(receipt["transactionHash"]),
            block=int(str(receipt["blockNumber"]), 16),
        )


def check_anchors(ledger: Ledger, declared: Network, *, contract: str, account: str) -> list[Anchored]:
    """The anchors of this ledger by that account, every one of which the ledger holds; raises ``LedgerError``.

    Read up to the newest final block by the network's own nodes and quorum. None at all is an error.
    """
    from pytest_rollout.ledger import anchor as form  # noqa: PLC0415 - as above
    from pytest_rollout.networks.opening import open_network  # noqa: PLC0415 - as above

    place, by = form.address(contract, "--contract"), form.caller(account)
    with closing(open_network(declared)) as chain:
        until = "latest" if chain.pinned is None else hex(chain.pinned.number)
        if str(chain.request("eth_getCode", [place, "latest"])).lower() != f"0x{form.RUNTIME}":
            raise LedgerError(f"network {declared.name}: at {place} is not the contract that anchors.")
        asked = {"address": place, "fromBlock": "0x0", "toBlock": until, "topics": [form.topic(ledger.id), by]}
        logs = chain.request("eth_getLogs", [asked])
    found = [each for log in logs if (each := form.read(log, ledger.id)) is not None]
    if not found:
        raise LedgerError(
            f"network {declared.name}: {account} never anchored ledger {ledger.id} in {place} (up to block {until}); "
            "is it another ledger, account or network?"
        )
    for each in found:
        entry = next(ledger.entries(each.sequence), None)
        form.missing(each, None if entry is None or entry.sequence != each.sequence else entry.digest)
    return found


def declared_network(workspace: Workspace, name: str) -> Network:
    """The one network of that name and of kind ``rpc``; raises ``UsageError``."""
    found = [each.networks[name] for each in workspace.rollouts if name in each.networks]
    real = [each for each in found if each.kind is NetworkKind.RPC]
    if not real:
        names = {n for each in workspace.rollouts for n, net in each.networks.items() if net.kind is NetworkKind.RPC}
        raise UsageError(f"--network {name}: no such network of kind rpc; the plans have {listed(sorted(names))}.")
    if len({each.chain_id for each in real}) > 1:
        raise UsageError(f"--network {name}: several plans declare one of that name, with other chain ids.")
    return real[0]


def _checksummed(address: str) -> str:
    from eth_utils.address import to_checksum_address  # noqa: PLC0415 - as above

    return to_checksum_address(address)
