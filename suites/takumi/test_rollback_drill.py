"""The rollback of the guide, drilled at every stage that is open: pause, blocked, unpause, resumed."""

import pytest

from pytest_rollout import Reverted

pytestmark = pytest.mark.stage("alpha", "beta", "public", "growth")


def test_pause_blocks_everything_and_unpause_resumes(takumi, breakers, writes, claim, evidence):
    """Rollback drill: pause all contracts, every write is refused, unpause, everything works again."""
    before = _counts(takumi)
    for contract in breakers:
        takumi.send(contract.functions.pause(), sender="admin")
    refusals = {name: _refusal(takumi, call) for name, call in writes.items()}
    during = _counts(takumi)
    for contract in breakers:
        takumi.send(contract.functions.unpause(), sender="admin")
    takumi.send(writes["addSkill"], sender="ana")
    takumi.send(writes["verifyClaim"], sender="verifier")
    takumi.send(writes["endorse"], sender="ben")
    after = _counts(takumi)
    evidence.json("drill", {"refused while paused": refusals, "before": before, "during": during, "after": after})

    assert set(refusals.values()) == {"EnforcedPause"}
    assert during == before
    assert after == before | {"skills": before["skills"] + 1, "endorsements": before["endorsements"] + 1}


def test_a_pause_is_announced(breakers, network, takumi):
    """Pausing and unpausing are announced, with the account that did it."""
    for contract in breakers:
        paused = contract.events.Paused().process_receipt(takumi.send(contract.functions.pause(), sender="admin"))
        unpaused = contract.events.Unpaused().process_receipt(takumi.send(contract.functions.unpause(), sender="admin"))

        assert [event["args"]["account"] for event in (*paused, *unpaused)] == [network.accounts["admin"]] * 2


@pytest.mark.parametrize("sender", ["deployer", "verifier", "ana", "outsider"])
def test_nobody_but_the_admin_can_pause(breakers, takumi, sender):
    """Nobody but the admin can pause: whoever can takes Takumi away from everybody."""
    for contract in breakers:
        with pytest.raises(Reverted) as refused:
            takumi.send(contract.functions.pause(), sender=sender)

        assert refused.value.error == "AccessControlUnauthorizedAccount"
        assert contract.functions.paused().call() is False


def test_one_contract_can_be_paused_alone(takumi, breakers, writes, people):
    """One contract can be paused alone: trouble in endorsements need not stop people from joining."""
    takumi.send(takumi.Endorsement.functions.pause(), sender="admin")

    assert takumi.send(writes["addSkill"], sender="ana")["status"] == 1
    with pytest.raises(Reverted, match="EnforcedPause"):
        takumi.send(writes["endorse"], sender="ben")


def _refusal(takumi, call):
    with pytest.raises(Reverted) as refused:
        takumi.send(call, sender="ana")
    return refused.value.error


def _counts(takumi):
    return {
        "profiles": takumi.SkillProfile.functions.totalProfiles().call(),
        "skills": takumi.SkillProfile.functions.totalSkills().call(),
        "claims": takumi.SkillClaim.functions.totalClaims().call(),
        "endorsements": takumi.Endorsement.functions.totalEndorsements().call(),
    }
