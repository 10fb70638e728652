"""The launch and its undoing, rehearsed on the stage's chain and undone after the test."""

import pytest

from pytest_rollout import Reverted


def test_launch_and_retreat(takumi, breakers, writes):
    """Launch rehearsal: unpausing opens Takumi, and pausing closes it again."""
    for contract in breakers:
        takumi.send(contract.functions.unpause(), sender="admin")
    for write in ("createProfile", "addSkill", "submitClaim"):
        assert takumi.send(writes[write], sender="ana")["status"] == 1

    for contract in breakers:
        takumi.send(contract.functions.pause(), sender="admin")
    for call in writes.values():
        with pytest.raises(Reverted) as refused:
            takumi.send(call, sender="ana")
        assert refused.value.error == "EnforcedPause"


def test_what_was_written_before_a_retreat_is_kept(network, takumi, breakers, writes):
    """A retreat from the launch loses nothing that was written."""
    for contract in breakers:
        takumi.send(contract.functions.unpause(), sender="admin")
    takumi.send(writes["createProfile"], sender="ana")

    takumi.send(takumi.SkillProfile.functions.pause(), sender="admin")

    assert takumi.SkillProfile.functions.totalProfiles().call() == 1
    assert takumi.SkillProfile.functions.profile(network.accounts["ana"]).call()[0] == "cleo"
