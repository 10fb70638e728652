"""Contract interaction: a test asset of $10, escrows of $50 and $500, and what they announce."""

import pytest

from pytest_rollout import Reverted

DOLLAR = 20_000_000
PAPERS = b"\x01" * 32
FUNDED = 1


def test_an_asset_of_10_dollars(network, kustodia, announced):
    """A test asset of 10 dollars is registered, announced, and belongs to its holder."""
    ben = network.accounts["ben"]
    create = kustodia.NFTCompact.functions.createAsset(ben, "vehicle", "ipfs://papers", PAPERS, 10 * DOLLAR)
    receipt = kustodia.send(create, sender="kustodia")
    (created,) = announced(kustodia.NFTCompact.events.AssetCreated(), receipt)
    (minted,) = announced(kustodia.NFTCompact.events.Transfer(), receipt)
    kind, uri, papers, value, _, revision, locked_by = kustodia.NFTCompact.functions.asset(1).call()

    assert created == {"assetId": 1, "holder": ben, "kind": "vehicle", "declaredValue": 10 * DOLLAR}
    assert (minted["to"], minted["tokenId"]) == (ben, 1)
    assert kustodia.NFTCompact.functions.ownerOf(1).call() == ben
    assert (kind, uri, papers, value, revision) == ("vehicle", "ipfs://papers", PAPERS, 10 * DOLLAR, 1)
    assert locked_by == "0x" + "00" * 20


@pytest.mark.parametrize("dollars", [50, 500])
def test_an_escrow_takes_the_money_into_custody(network, kustodia, deal, balance, announced, dollars):
    """An escrow takes the money into custody; event, register and balances agree."""
    before = balance("ana")
    made = deal(dollars * DOLLAR)
    (created,) = announced(kustodia.EscrowV2.events.EscrowCreated(), made.receipt)
    (moved,) = announced(kustodia.MXNB.events.Transfer(), made.receipt)
    payer, deadline, commission, status, seller, amount, asset = kustodia.EscrowV2.functions.escrow(1).call()

    assert created == {
        "escrowId": 1,
        "payer": network.accounts["ana"],
        "seller": network.accounts["ben"],
        "amount": dollars * DOLLAR,
        "commissionBasisPoints": 250,
        "deadline": deadline,
    }
    assert (moved["to"], moved["value"]) == (kustodia.EscrowV2.address, dollars * DOLLAR)
    assert (payer, seller) == (network.accounts["ana"], network.accounts["ben"])
    assert (commission, status, amount, asset) == (250, FUNDED, dollars * DOLLAR, 0)
    assert before - balance("ana") == balance("EscrowV2") == dollars * DOLLAR


def test_a_pledged_asset_changes_hands_with_the_money(network, kustodia, deal, asset, announced):
    """A pledged asset changes hands in the transaction that pays for it."""
    number, token_id = deal(500 * DOLLAR).number, asset()
    pledged = kustodia.send(kustodia.EscrowV2.functions.pledgeAsset(number, token_id), sender="ben")
    (locked,) = announced(kustodia.NFTCompact.events.AssetLocked(), pledged)

    released = kustodia.send(kustodia.EscrowV2.functions.release(number), sender="ana")

    assert locked == {"assetId": token_id, "by": kustodia.EscrowV2.address}
    assert len(announced(kustodia.NFTCompact.events.AssetUnlocked(), released)) == 1
    assert kustodia.NFTCompact.functions.ownerOf(token_id).call() == network.accounts["ana"]


def test_a_pledged_asset_does_not_move_otherwise(network, kustodia, deal, asset):
    """A pledged asset cannot be sold elsewhere."""
    number, token_id = deal().number, asset()
    kustodia.send(kustodia.EscrowV2.functions.pledgeAsset(number, token_id), sender="ben")
    elsewhere = kustodia.NFTCompact.functions.transferFrom(network.accounts["ben"], network.accounts["eva"], token_id)

    with pytest.raises(Reverted) as refused:
        kustodia.send(elsewhere, sender="ben")

    assert refused.value.error == "AssetIsLocked"


def test_a_refund_gives_the_asset_back(network, kustodia, deal, asset):
    """A refund gives the pledged asset back, unlocked."""
    number, token_id = deal().number, asset()
    kustodia.send(kustodia.EscrowV2.functions.pledgeAsset(number, token_id), sender="ben")

    kustodia.send(kustodia.EscrowV2.functions.refund(number), sender="kustodia")

    assert kustodia.NFTCompact.functions.ownerOf(token_id).call() == network.accounts["ben"]
    assert kustodia.NFTCompact.functions.asset(token_id).call()[6] == "0x" + "00" * 20


@pytest.mark.parametrize("sender", ["owner", "pauser", "ana", "deployer"])
def test_nobody_but_kustodia_registers_assets(network, kustodia, sender):
    """Nobody but Kustodia registers assets."""
    create = kustodia.NFTCompact.functions.createAsset(network.accounts["ana"], "vehicle", "", PAPERS, 1)

    with pytest.raises(Reverted) as refused:
        kustodia.send(create, sender=sender)

    assert refused.value.error == "AccessControlUnauthorizedAccount"
