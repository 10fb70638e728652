"""Stage 1 is for the development team alone."""

import pytest


@pytest.mark.parametrize("user", ["ana", "ben"])
def test_the_team_pays_on_mainnet(network, flags, user):
    """The development team's payments go to mainnet."""
    answer = flags.ask("mainnetPayments", default=False, user=network.accounts[user])

    assert (answer.value, answer.error) == (True, "")


@pytest.mark.parametrize("user", ["cleo", "dan", "eva", "wallet"])
def test_nobody_else_does(network, flags, user):
    """Nobody outside the team pays on mainnet yet."""
    answer = flags.ask("mainnetPayments", default=True, user=network.accounts[user])

    assert (answer.value, answer.error) == (False, "")
