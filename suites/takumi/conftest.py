"""Takumi's contracts as each stage finds them, and two people who have joined."""

import pytest

LAUNCHED = ("alpha", "beta", "public", "growth")
"""Stages whose contracts are unpaused."""

EVIDENCE = bytes.fromhex("e7" * 32)
"""The digest of some evidence for a claim."""


@pytest.fixture(scope="session", autouse=True)
def takumi(stage, network, contracts):
    """The three contracts, deployed by one account for another; unpaused from alpha on."""
    admin = network.accounts["admin"]
    profiles = contracts.deploy("SkillProfile", admin, sender="deployer")
    contracts.deploy("SkillClaim", admin, profiles.address, sender="deployer")
    contracts.deploy("Endorsement", admin, profiles.address, sender="deployer")
    verifier_role = contracts.SkillClaim.functions.VERIFIER_ROLE().call()
    grant = contracts.SkillClaim.functions.grantRole(verifier_role, network.accounts["verifier"])
    contracts.send(grant, sender="admin")
    if stage.name in LAUNCHED:
        for contract in (contracts.SkillProfile, contracts.SkillClaim, contracts.Endorsement):
            contracts.send(contract.functions.unpause(), sender="admin")
    return contracts


@pytest.fixture
def breakers(takumi):
    """The three contracts, all of which can be paused."""
    return takumi.SkillProfile, takumi.SkillClaim, takumi.Endorsement


@pytest.fixture
def writes(network, takumi):
    """Every write a user or a verifier can make, by name, ready to be sent."""
    ana = network.accounts["ana"]
    return {
        "createProfile": takumi.SkillProfile.functions.createProfile("cleo", ""),
        "addSkill": takumi.SkillProfile.functions.addSkill("Vyper", 5),
        "submitClaim": takumi.SkillClaim.functions.submitClaim(1, EVIDENCE, "ipfs://evidence"),
        "verifyClaim": takumi.SkillClaim.functions.verifyClaim(1),
        "rejectClaim": takumi.SkillClaim.functions.rejectClaim(1, "not readable"),
        "endorse": takumi.Endorsement.functions.endorse(ana, 1, "seen it"),
    }


@pytest.fixture(scope="module")
def people(takumi):
    """Ana (skill 1) and Ben (skill 2) have joined, each with one skill."""
    for name, skill in (("ana", "Solidity"), ("ben", "Rust")):
        takumi.send(takumi.SkillProfile.functions.createProfile(name, f"ipfs://{name}"), sender=name)
        takumi.send(takumi.SkillProfile.functions.addSkill(skill, 4), sender=name)


@pytest.fixture(scope="module")
def claim(takumi, people):
    """Ana has submitted claim 1, on her own skill."""
    takumi.send(takumi.SkillClaim.functions.submitClaim(1, EVIDENCE, "ipfs://evidence"), sender="ana")
    return 1
