"""Emergency procedures: pause, blocked, unpause, and normal operations resume."""

import pytest

from pytest_rollout import Reverted

DOLLAR = 20_000_000


@pytest.fixture
def breakers(kustodia):
    """The two contracts that can be paused."""
    return kustodia.EscrowV2, kustodia.NFTCompact


@pytest.fixture
def writes(network, kustodia, deal, asset):
    """Every write of a user or of Kustodia on deal 1 and asset 1, with who may send it."""
    escrow, nft = kustodia.EscrowV2.functions, kustodia.NFTCompact.functions
    number, token_id = deal(500 * DOLLAR).number, asset()
    ben, eva = network.accounts["ben"], network.accounts["eva"]
    deadline = network.head().timestamp + 86_400
    return {
        "createEscrow": (escrow.createEscrow(ben, DOLLAR, 0, deadline), "ana"),
        "pledgeAsset": (escrow.pledgeAsset(number, token_id), "ben"),
        "dispute": (escrow.dispute(number), "ana"),
        "release": (escrow.release(number), "kustodia"),
        "refund": (escrow.refund(number), "kustodia"),
        "createAsset": (nft.createAsset(eva, "house", "", b"\x02" * 32, DOLLAR), "kustodia"),
        "updateAsset": (nft.updateAsset(token_id, "", b"\x02" * 32, DOLLAR), "kustodia"),
        "lockAsset": (nft.lockAsset(token_id), "kustodia"),
        "transferFrom": (nft.transferFrom(ben, eva, token_id), "ben"),
    }


@pytest.mark.parametrize("by", ["owner", "pauser"])
def test_a_pause_blocks_every_write(kustodia, breakers, writes, balance, evidence, by):
    """Emergency drill: a pause blocks every write, and custody stays as it is."""
    before = balance("EscrowV2")
    for contract in breakers:
        kustodia.send(contract.functions.pause(), sender=by)

    refusals = {name: _refusal(kustodia, call, sender) for name, (call, sender) in writes.items()}
    evidence.json("refused while paused", refusals)

    assert set(refusals.values()) == {"EnforcedPause"}
    assert balance("EscrowV2") == before == kustodia.EscrowV2.functions.totalCustody().call()


def test_operations_resume_after_the_unpause(kustodia, breakers, writes, balance):
    """Emergency drill: after the unpause a deal from before is paid out in full."""
    for contract in breakers:
        kustodia.send(contract.functions.pause(), sender="pauser")
    for contract in breakers:
        kustodia.send(contract.functions.unpause(), sender="pauser")
    seller = balance("ben")

    for name in ("pledgeAsset", "createAsset", "createEscrow", "release"):
        call, sender = writes[name]
        assert kustodia.send(call, sender=sender)["status"] == 1

    assert balance("ben") - seller == 500 * DOLLAR - 500 * DOLLAR * 250 // 10_000


def test_a_pause_and_its_end_are_announced(network, kustodia, breakers, announced):
    """A pause and its end are announced, with the account that did it."""
    for contract in breakers:
        paused = kustodia.send(contract.functions.pause(), sender="pauser")
        unpaused = kustodia.send(contract.functions.unpause(), sender="owner")

        assert announced(contract.events.Paused(), paused) == [{"account": network.accounts["pauser"]}]
        assert announced(contract.events.Unpaused(), unpaused) == [{"account": network.accounts["owner"]}]


@pytest.mark.parametrize("sender", ["kustodia", "wallet", "deployer", "ana"])
def test_nobody_else_pauses(kustodia, breakers, sender):
    """Nobody but owner and pauser can pause, not even Kustodia's operator."""
    for contract in breakers:
        assert _refusal(kustodia, contract.functions.pause(), sender) == "AccessControlUnauthorizedAccount"


@pytest.mark.parametrize("sender", ["kustodia", "deployer", "ana"])
def test_nobody_else_ends_a_pause(kustodia, breakers, sender):
    """Nobody but owner and pauser can end a pause."""
    for contract in breakers:
        kustodia.send(contract.functions.pause(), sender="pauser")

        assert _refusal(kustodia, contract.functions.unpause(), sender) == "AccessControlUnauthorizedAccount"


def _refusal(kustodia, call, sender):
    with pytest.raises(Reverted) as refused:
        kustodia.send(call, sender=sender)
    return refused.value.error
