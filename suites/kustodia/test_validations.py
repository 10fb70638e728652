"""What the nine validations leave open; the nine themselves are declared in the plan."""

import pytest

ADMIN, PAUSER, KUSTODIA = "DEFAULT_ADMIN_ROLE", "PAUSER_ROLE", "KUSTODIA_ROLE"


def test_the_assets_use_the_deployed_library(network, kustodia):
    """The assets' contract is linked to the deployed library."""
    code = bytes(network.w3.eth.get_code(kustodia.NFTCompact.address))

    assert bytes.fromhex(kustodia.AssetManagement.address[2:]) in code


@pytest.mark.parametrize(
    ("role", "holders"),
    [(ADMIN, {"owner"}), (PAUSER, {"owner", "pauser"}), (KUSTODIA, {"kustodia"})],
    ids=["admin", "pauser", "kustodia"],
)
@pytest.mark.parametrize("name", ["EscrowV2", "NFTCompact"])
def test_nobody_else_holds_a_role(network, kustodia, name, role, holders):
    """Each role is held by those who need it, and by no other account."""
    contract = getattr(kustodia, name)
    identifier = contract.functions[role]().call()

    found = {each for each in network.accounts if contract.functions.hasRole(identifier, network.accounts[each]).call()}

    assert found == holders


def test_nobody_is_waiting_to_take_over(kustodia):
    """Nobody is waiting to take over the ownership of a contract."""
    for contract in (kustodia.EscrowV2, kustodia.NFTCompact):
        account, _ = contract.functions.pendingDefaultAdmin().call()

        assert account == "0x" + "00" * 20
