"""Endorsements, which people can give from beta on."""

import pytest

from pytest_rollout import Reverted

pytestmark = pytest.mark.stage("beta", "public", "growth")


def test_an_endorsement_is_announced_and_counted(network, takumi, writes, people):
    """An endorsement is announced, counted, and readable by everybody."""
    receipt = takumi.send(writes["endorse"], sender="ben")
    (endorsed,) = takumi.Endorsement.events.Endorsed().process_receipt(receipt)

    assert endorsed["args"]["endorser"] == network.accounts["ben"]
    assert endorsed["args"]["profile"] == network.accounts["ana"]
    assert takumi.Endorsement.functions.endorsementCount(1).call() == 1
    assert takumi.Endorsement.functions.hasEndorsed(network.accounts["ben"], 1).call() is True


def test_nobody_endorses_themselves(takumi, writes, people):
    """Nobody endorses their own skill."""
    with pytest.raises(Reverted) as refused:
        takumi.send(writes["endorse"], sender="ana")

    assert refused.value.error == "SelfEndorsement"
    assert takumi.Endorsement.functions.totalEndorsements().call() == 0


def test_nobody_endorses_twice(takumi, writes, people):
    """Nobody endorses the same skill twice."""
    takumi.send(writes["endorse"], sender="ben")

    with pytest.raises(Reverted) as refused:
        takumi.send(writes["endorse"], sender="ben")

    assert refused.value.error == "AlreadyEndorsed"
    assert takumi.Endorsement.functions.endorsementCount(1).call() == 1


def test_an_endorser_needs_a_profile(takumi, writes, people):
    """An account without a profile endorses nobody."""
    with pytest.raises(Reverted) as refused:
        takumi.send(writes["endorse"], sender="outsider")

    assert refused.value.error == "NoProfile"


def test_a_skill_is_endorsed_where_it_is_held(network, takumi, people):
    """A skill is endorsed with the person who holds it, and with nobody else."""
    wrong = takumi.Endorsement.functions.endorse(network.accounts["ana"], 2, "")

    with pytest.raises(Reverted) as refused:
        takumi.send(wrong, sender="ben")

    assert refused.value.error == "SkillNotHeld"
