"""Stage 3 adds a quarter of all users to those who were inside before."""

import pytest


@pytest.mark.parametrize("user", ["ana", "ben", "cleo", "dan", "eva"])
def test_who_was_trusted_stays_inside(network, flags, user):
    """Who was trusted in the stage before stays inside."""
    answer = flags.ask("mainnetPayments", default=False, user=network.accounts[user])

    assert (answer.value, answer.error) == (True, "")


def test_an_address_is_one_user_however_it_is_written(network, flags):
    """An address is one user, however it is written."""
    addresses = [network.accounts.addresses[index] for index in range(5)]

    for address in addresses:
        spellings = {flags.ask("mainnetPayments", default=False, user=each).value for each in _spellings(address)}

        assert len(spellings) == 1


def _spellings(address):
    return address, address.lower(), "0x" + address[2:].upper(), address[2:]
