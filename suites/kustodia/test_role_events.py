"""Role changes: each is announced, and takes effect with the next transaction."""

import pytest

from pytest_rollout import Reverted


def test_a_new_operator_can_settle_deals(network, kustodia, deal, announced):
    """Granting a role emits RoleGranted, and the new operator can settle deals."""
    escrow = kustodia.EscrowV2
    role = escrow.functions.KUSTODIA_ROLE().call()
    receipt = kustodia.send(escrow.functions.grantRole(role, network.accounts["eva"]), sender="owner")
    (granted,) = announced(escrow.events.RoleGranted(), receipt)

    assert granted == {"role": role, "account": network.accounts["eva"], "sender": network.accounts["owner"]}
    assert kustodia.send(escrow.functions.release(deal().number), sender="eva")["status"] == 1


def test_a_dismissed_operator_can_settle_nothing(network, kustodia, deal, announced):
    """Revoking a role emits RoleRevoked, and the dismissed operator can settle nothing."""
    escrow = kustodia.EscrowV2
    role = escrow.functions.KUSTODIA_ROLE().call()
    receipt = kustodia.send(escrow.functions.revokeRole(role, network.accounts["kustodia"]), sender="owner")
    (revoked,) = announced(escrow.events.RoleRevoked(), receipt)

    assert revoked["account"] == network.accounts["kustodia"]
    with pytest.raises(Reverted) as refused:
        kustodia.send(escrow.functions.release(deal().number), sender="kustodia")
    assert refused.value.error == "NotAuthorized"


def test_a_dismissed_pauser_cannot_pause(network, kustodia):
    """A dismissed pauser cannot pause, and the owner still can."""
    escrow = kustodia.EscrowV2
    role = escrow.functions.PAUSER_ROLE().call()
    kustodia.send(escrow.functions.revokeRole(role, network.accounts["pauser"]), sender="owner")

    with pytest.raises(Reverted) as refused:
        kustodia.send(escrow.functions.pause(), sender="pauser")

    assert refused.value.error == "AccessControlUnauthorizedAccount"
    assert kustodia.send(escrow.functions.pause(), sender="owner")["status"] == 1


def test_an_escrow_without_its_role_pledges_nothing(network, kustodia, deal, asset):
    """The escrow pledges assets by its role: taken away it stops, given back it works."""
    nft, escrow = kustodia.NFTCompact.functions, kustodia.EscrowV2
    role = nft.KUSTODIA_ROLE().call()
    pledge = escrow.functions.pledgeAsset(deal().number, asset())
    kustodia.send(nft.revokeRole(role, escrow.address), sender="owner")
    with pytest.raises(Reverted) as refused:
        kustodia.send(pledge, sender="ben")

    kustodia.send(nft.grantRole(role, escrow.address), sender="owner")

    assert refused.value.error == "AccessControlUnauthorizedAccount"
    assert kustodia.send(pledge, sender="ben")["status"] == 1


@pytest.mark.parametrize("role", ["PAUSER_ROLE", "KUSTODIA_ROLE"])
@pytest.mark.parametrize("sender", ["pauser", "kustodia", "deployer", "ana"])
def test_nobody_but_the_owner_gives_roles(network, kustodia, role, sender):
    """Nobody but the owner gives roles: whoever could, could pay out all that is in custody."""
    for contract in (kustodia.EscrowV2, kustodia.NFTCompact):
        grant = contract.functions.grantRole(contract.functions[role]().call(), network.accounts[sender])

        with pytest.raises(Reverted) as refused:
            kustodia.send(grant, sender=sender)

        assert refused.value.error == "AccessControlUnauthorizedAccount"


def test_commissions_are_redirected_by_the_owner_alone(network, kustodia, announced):
    """Commissions are redirected by the owner alone, and that is announced."""
    redirect = kustodia.EscrowV2.functions.setCommissionWallet(network.accounts["eva"])
    with pytest.raises(Reverted) as refused:
        kustodia.send(redirect, sender="kustodia")
    receipt = kustodia.send(redirect, sender="owner")
    (changed,) = announced(kustodia.EscrowV2.events.CommissionWalletChanged(), receipt)

    assert refused.value.error == "AccessControlUnauthorizedAccount"
    assert changed == {"previous": network.accounts["wallet"], "current": network.accounts["eva"]}
