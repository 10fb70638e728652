"""The people of a stage use Takumi for two days; what they did is measured."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pytest
from eth_account import Account

from pytest_rollout import Reverted

EVIDENCE = sha256(b"a certificate").digest()

GAS_LIMIT = 1_000_000
"""Far above the target of 500,000, so that the target is observed and not enforced."""

ALLOWANCE = 5 * 10**17
"""What each person gets to pay gas with, in wei."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """A cohort: how many people, and what each of them does."""

    people: int
    skills: int
    claims: int
    endorsements: int


COHORTS = {
    "alpha": Habits(people=20, skills=8, claims=6, endorsements=0),
    "beta": Habits(people=100, skills=5, claims=2, endorsements=2),
    "public": Habits(people=1_000, skills=5, claims=2, endorsements=2),
    "growth": Habits(people=1_000, skills=5, claims=2, endorsements=2),
}
"""One transaction for the profile and one for each thing done: 300 in alpha, 1,000 in beta, then 10,000.

Growth asks for ten times as many people as there are here, and holds until they are here: see README.md.
"""


@pytest.mark.stage("alpha", "beta", "public", "growth")
def test_a_cohort_uses_takumi(stage, network, takumi, flags, measure, evidence):
    """A cohort joins, adds skills, submits claims and endorses, each person with a key of their own."""
    cohort = Cohort(network, takumi, COHORTS[stage.name])

    cohort.live(with_endorsements=flags.ask("endorsements", default=False).value)

    profiles = takumi.SkillProfile.functions.totalProfiles().call()
    skills = takumi.SkillProfile.functions.totalSkills().call()
    claims = takumi.SkillClaim.functions.totalClaims().call()
    endorsements = takumi.Endorsement.functions.totalEndorsements().call()
    measure("tx_success", good=len(cohort.succeeded()), total=len(cohort.acts))
    for act in cohort.acts:
        measure("gas_per_tx", act.gas, unit="gas")
    measure("transactions", len(cohort.succeeded()))
    measure("active_users", cohort.active())
    for day in range(cohort.days):
        measure("daily_active_users", cohort.active(day))
    measure("profiles", profiles)
    measure("skills", skills)
    measure("claims", claims)
    measure("endorsements", endorsements)
    evidence.json("cohort", cohort.table())

    seen = {what: len(cohort.succeeded(what)) for what in ("createProfile", "addSkill", "submitClaim", "endorse")}
    assert seen == {
        "createProfile": profiles,
        "addSkill": skills,
        "submitClaim": claims,
        "endorse": endorsements,
    }, "the chain counts what the cohort saw succeed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One transaction a person submitted, and what became of it."""

    what: str
    person: str
    day: int
    succeeded: bool
    gas: int


@dataclass(slots=True)
class Person:
    """Somebody with a key of their own; ``skills`` are the ids the chain gave them."""

    account: Any
    nonce: int = 0
    skills: list[int] = field(default_factory=list)


Call = tuple[Person, str, Any]
"""Who calls, what, and the call's data."""


class Cohort:
    """People who join Takumi and use it over two days.

    A day is one of the chain's clock. Keys come from a digest of the person's number, so a cohort
    is the same in every run.
    """

    def __init__(self, network, contracts, habits: Habits):
        self._network = network
        self._habits = habits
        self._people = [_person(number) for number in range(habits.people)]
        self._profile, self._claim = contracts.SkillProfile, contracts.SkillClaim
        self._endorsement = contracts.Endorsement
        self.acts: list[Act] = []
        self.days = 0

    def live(self, *, with_endorsements: bool) -> None:
        """Run both days; everybody does one thing a round."""
        for some in _batches(self._people):
            with _one_block(self._network):
                for person in some:
                    self._fund(person)
        for rounds in (self._joining(), self._using(with_endorsements=with_endorsements)):
            self._network.advance(days=1)
            for calls in rounds:
                for some in _batches(calls):
                    self._submit(some)
            self.days += 1

    def _fund(self, person: Person) -> None:
        payment = {"from": self._network.accounts["bank"], "to": person.account.address, "value": ALLOWANCE}
        self._network.w3.eth.send_transaction(payment | {"gas": 21_000})

    def _joining(self) -> Iterator[list[Call]]:
        yield [
            (person, "createProfile", self._profile.encode_abi("createProfile", args=[f"person-{number}", ""]))
            for number, person in enumerate(self._people)
        ]
        for skill in range(self._habits.skills):
            level = 1 + skill % 5
            data = self._profile.encode_abi("addSkill", args=[f"skill {skill}", level])
            yield [(person, "addSkill", data) for person in self._people]

    def _using(self, *, with_endorsements: bool) -> Iterator[list[Call]]:
        for claim in range(self._habits.claims):
            yield [
                (person, "submitClaim", self._claim.encode_abi("submitClaim", args=[skill, EVIDENCE, "ipfs://proof"]))
                for person in self._people
                for skill in person.skills[claim % self._habits.skills :][:1]
            ]
        for step in range(1, 1 + self._habits.endorsements * with_endorsements):
            neighbours = zip(self._people, [*self._people[step:], *self._people[:step]], strict=True)
            yield [
                (person, "endorse", self._endorsement.encode_abi("endorse", args=[other.account.address, skill, "yes"]))
                for person, other in neighbours
                for skill in other.skills[:1]
            ]

    def _submit(self, calls: Sequence[Call]) -> None:
        eth = self._network.w3.eth
        sent = [(person, what, self._signed(person, what, data)) for person, what, data in calls]
        with _one_block(self._network):
            for _, _, signed in sent:
                with suppress(Reverted):  # mined with status 0, as its receipt says
                    eth.send_raw_transaction(signed.raw_transaction)
        for person, what, signed in sent:
            receipt = eth.wait_for_transaction_receipt(signed.hash, timeout=30, poll_latency=0.01)
            succeeded = receipt["status"] == 1
            if succeeded and what == "addSkill":
                person.skills.append(int.from_bytes(receipt["logs"][0]["topics"][2]))
            name = person.account.address
            self.acts.append(Act(what=what, person=name, day=self.days, succeeded=succeeded, gas=receipt["gasUsed"]))

    def _signed(self, person: Person, what: str, data: Any) -> Any:
        target = {"submitClaim": self._claim, "endorse": self._endorsement}.get(what, self._profile)
        transaction = {
            "to": target.address,
            "data": data,
            "value": 0,
            "nonce": person.nonce,
            "gas": GAS_LIMIT,
            "maxFeePerGas": 100 * 10**9,
            "maxPriorityFeePerGas": 10**9,
            "chainId": self._network.chain_id,
            "type": 2,
        }
        person.nonce += 1
        return person.account.sign_transaction(transaction)

    def succeeded(self, what: str | None = None) -> list[Act]:
        """The transactions that were included with status 1, of one sort or of all."""
        return [act for act in self.acts if act.succeeded and what in {None, act.what}]

    def active(self, day: int | None = None) -> int:
        """How many people had a successful transaction, on one day or at all."""
        return len({act.person for act in self.acts if act.succeeded and day in {None, act.day}})

    def table(self) -> dict[str, Any]:
        """The cohort for a reader: what was submitted, what succeeded, and its gas."""
        submitted = Counter(act.what for act in self.acts)
        return {
            "people": len(self._people),
            "active on each day": [self.active(day) for day in range(self.days)],
            "transactions": {what: self._row(what, count) for what, count in submitted.items()},
        }

    def _row(self, what: str, submitted: int) -> dict[str, int]:
        gas = sorted(act.gas for act in self.acts if act.what == what)
        return {
            "submitted": submitted,
            "succeeded": len(self.succeeded(what)),
            "least gas": gas[0],
            "median gas": gas[len(gas) // 2],
            "most gas": gas[-1],
        }


def _person(number: int) -> Person:
    return Person(Account.from_key(sha256(f"takumi cohort {number}".encode()).digest()))


def _batches(everything: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """A hundred at a time: less than half a block of gas, so that fees do not rise."""
    return (everything[start : start + 100] for start in range(0, len(everything), 100))


@contextmanager
def _one_block(network) -> Iterator[None]:
    """Mine what is sent inside together, where a block for each would take minutes: on anvil, with its whole state."""
    if network.kind != "anvil":
        yield
        return
    network.request("evm_setAutomine", [False])
    yield
    network.mine()
    network.request("evm_setAutomine", [True])
