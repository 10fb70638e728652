"""Stage 2 is for five to ten trusted users, the team among them."""

import pytest

TRUSTED = ("ana", "ben", "cleo", "dan", "eva")


def test_the_trusted_users_are_inside(network, flags, stage):
    """The trusted users are as many as the stage says, and each of them pays on mainnet."""
    answers = [flags.ask("mainnetPayments", default=False, user=network.accounts[user]) for user in TRUSTED]
    least, most = stage.exposure.users

    assert least <= len(TRUSTED) <= most
    assert [(answer.value, answer.error) for answer in answers] == [(True, "")] * len(TRUSTED)


@pytest.mark.parametrize("user", ["owner", "kustodia", "wallet", "deployer"])
def test_nobody_else_is(network, flags, user):
    """Everybody but the trusted users keeps paying on the testnet."""
    answer = flags.ask("mainnetPayments", default=True, user=network.accounts[user])

    assert (answer.value, answer.error) == (False, "")
