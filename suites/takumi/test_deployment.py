"""What was deployed is what was meant; every gate looks again."""

import pytest

ROLES = ("DEFAULT_ADMIN_ROLE", "PAUSER_ROLE")
NOBODY = "0x" + "00" * 20


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("holder", ["deployer", "verifier", "ana", "outsider"])
def test_nobody_but_the_admin_can_pause_or_give_roles(network, breakers, role, holder):
    """Nobody but the admin can pause or give roles: not the deployer, not a key on a server."""
    account = network.accounts[holder]

    held = [each.functions.hasRole(each.functions[role]().call(), account).call() for each in breakers]

    assert held == [False, False, False]


def test_nobody_is_waiting_to_take_over(breakers):
    """Nobody is waiting to take over the ownership of a contract."""
    pending = [each.functions.pendingDefaultAdmin().call() for each in breakers]

    assert [account for account, _ in pending] == [NOBODY] * 3


def test_a_hand_over_of_ownership_takes_a_day(breakers):
    """A hand-over of ownership takes a day, so that somebody can look."""
    delays = [each.functions.defaultAdminDelay().call() for each in breakers]

    assert delays == [86_400] * 3
