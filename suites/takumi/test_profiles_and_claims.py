"""What people can and cannot do with profiles, skills and claims, from alpha on."""

import pytest

from pytest_rollout import Reverted

pytestmark = pytest.mark.stage("alpha", "beta", "public", "growth")

EVIDENCE = b"\xe7" * 32
VERIFIED = 2
REJECTED = 3


def test_a_person_joins_once(takumi, people):
    """An account has one profile: counting profiles is counting people."""
    again = takumi.SkillProfile.functions.createProfile("ana-again", "")

    with pytest.raises(Reverted) as refused:
        takumi.send(again, sender="ana")

    assert refused.value.error == "ProfileExists"


def test_a_handle_belongs_to_one_person(takumi, people):
    """A handle belongs to one person."""
    with pytest.raises(Reverted) as refused:
        takumi.send(takumi.SkillProfile.functions.createProfile("ana", ""), sender="outsider")

    assert refused.value.error == "HandleTaken"


def test_a_skill_is_announced_and_kept(network, takumi, people):
    """A skill is announced as it is kept."""
    receipt = takumi.send(takumi.SkillProfile.functions.addSkill("Vyper", 5), sender="ana")
    (added,) = takumi.SkillProfile.events.SkillAdded().process_receipt(receipt)
    holder, level, name = takumi.SkillProfile.functions.skill(added["args"]["skillId"]).call()

    assert (holder, level, name) == (network.accounts["ana"], 5, "Vyper")
    assert (added["args"]["account"], added["args"]["level"], added["args"]["name"]) == (holder, level, name)


@pytest.mark.parametrize("level", [0, 6, 255])
def test_a_level_outside_one_to_five_is_refused(takumi, people, level):
    """A skill's level outside 1 to 5 is refused."""
    with pytest.raises(Reverted) as refused:
        takumi.send(takumi.SkillProfile.functions.addSkill("Vyper", level), sender="ana")

    assert refused.value.error == "LevelOutOfRange"


@pytest.mark.parametrize("write", ["addSkill", "submitClaim"])
def test_without_a_profile_there_is_nothing_to_do(takumi, writes, people, write):
    """Without a profile nobody adds a skill or submits a claim."""
    with pytest.raises(Reverted) as refused:
        takumi.send(writes[write], sender="outsider")

    assert refused.value.error == "NoProfile"


def test_nobody_claims_the_skill_of_another(takumi, people):
    """Nobody submits a claim on the skill of another."""
    bens = takumi.SkillClaim.functions.submitClaim(2, EVIDENCE, "ipfs://evidence")

    with pytest.raises(Reverted) as refused:
        takumi.send(bens, sender="ana")

    assert refused.value.error == "SkillNotHeld"


@pytest.mark.parametrize(
    ("write", "status"), [("verifyClaim", VERIFIED), ("rejectClaim", REJECTED)], ids=["verified", "rejected"]
)
def test_a_verifier_decides_a_claim_once(network, takumi, writes, claim, write, status):
    """A verifier decides a claim once; a second decision is refused, whichever it is."""
    takumi.send(writes[write], sender="verifier")
    decided = takumi.SkillClaim.functions.claim(claim).call()

    assert (decided[2], decided[3]) == (status, network.accounts["verifier"])
    for second in ("verifyClaim", "rejectClaim"):
        with pytest.raises(Reverted) as refused:
            takumi.send(writes[second], sender="verifier")
        assert refused.value.error == "ClaimDecided"


@pytest.mark.parametrize("sender", ["ana", "ben", "admin", "outsider"])
@pytest.mark.parametrize("write", ["verifyClaim", "rejectClaim"])
def test_nobody_but_a_verifier_decides(takumi, writes, claim, write, sender):
    """Nobody but a verifier decides claims, not even the owner."""
    with pytest.raises(Reverted) as refused:
        takumi.send(writes[write], sender=sender)

    assert refused.value.error == "AccessControlUnauthorizedAccount"


def test_a_verifier_does_not_decide_their_own_claim(takumi, people):
    """A verifier does not decide their own claim."""
    takumi.send(takumi.SkillProfile.functions.createProfile("vera", ""), sender="verifier")
    takumi.send(takumi.SkillProfile.functions.addSkill("Auditing", 5), sender="verifier")
    takumi.send(takumi.SkillClaim.functions.submitClaim(3, EVIDENCE, "ipfs://evidence"), sender="verifier")
    own = takumi.SkillClaim.functions.totalClaims().call()

    with pytest.raises(Reverted) as refused:
        takumi.send(takumi.SkillClaim.functions.verifyClaim(own), sender="verifier")

    assert refused.value.error == "SelfVerification"


def test_a_verifier_whose_role_is_taken_away_decides_nothing(network, takumi, writes, claim):
    """A verifier whose role is taken away decides nothing from the next transaction on."""
    role = takumi.SkillClaim.functions.VERIFIER_ROLE().call()
    takumi.send(takumi.SkillClaim.functions.revokeRole(role, network.accounts["verifier"]), sender="admin")

    with pytest.raises(Reverted) as refused:
        takumi.send(writes["verifyClaim"], sender="verifier")

    assert refused.value.error == "AccessControlUnauthorizedAccount"
