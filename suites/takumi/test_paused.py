"""Before the launch the contracts answer, and refuse every write."""

import pytest

from pytest_rollout import Reverted

pytestmark = pytest.mark.stage("pre-launch", "dark-launch")

WRITES = ("createProfile", "addSkill", "submitClaim", "verifyClaim", "rejectClaim", "endorse")


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("sender", ["admin", "verifier", "ana"])
def test_a_paused_contract_refuses_every_write(takumi, writes, write, sender):
    """A paused contract refuses every write, whoever sends it."""
    with pytest.raises(Reverted) as refused:
        takumi.send(writes[write], sender=sender)

    assert refused.value.error == "EnforcedPause"


def test_a_paused_contract_still_answers(network, takumi):
    """A paused contract still answers whoever reads."""
    ana = network.accounts["ana"]

    assert takumi.SkillProfile.functions.hasProfile(ana).call() is False
    assert takumi.SkillProfile.functions.holdsSkill(ana, 1).call() is False
    assert takumi.Endorsement.functions.hasEndorsed(ana, 1).call() is False


@pytest.mark.parametrize("sender", ["deployer", "verifier", "ana", "outsider"])
def test_nobody_but_the_admin_can_launch(breakers, takumi, sender):
    """Nobody but the admin can unpause, for unpausing is the launch."""
    for contract in breakers:
        with pytest.raises(Reverted) as refused:
            takumi.send(contract.functions.unpause(), sender=sender)

        assert refused.value.error == "AccessControlUnauthorizedAccount"
        assert contract.functions.paused().call() is True
