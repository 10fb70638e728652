"""The stage's own deals: as many, and of such amounts, as its users would make."""

from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from pytest_rollout import Reverted

USERS = ("ana", "ben", "cleo", "dan", "eva")
DOLLAR = 20_000_000
DEADLINE_SECONDS = 30 * 86_400
GAS = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """How many deals, between which amounts in units, among the first so many users."""

    deals: int
    least: int
    most: int
    users: int = 5


VOLUMES = {
    "internal": Volume(deals=50, least=10 * DOLLAR, most=50 * DOLLAR, users=2),
    "beta": Volume(deals=150, least=100 * DOLLAR, most=500 * DOLLAR),
    "limited": Volume(deals=300, least=1, most=100_000 * DOLLAR),
    "full": Volume(deals=1_500, least=1, most=100_000 * DOLLAR),
}
"""Two transactions a deal: enough to support the share of successes that each stage asks for."""


def test_the_deals_of_the_stage(stage, network, kustodia, balance, measure, evidence):
    """The stage's deals are paid into custody and ended: four of five released, the fifth refunded."""
    volume = VOLUMES[stage.name]
    amounts = [_amount(volume, number) for number in range(volume.deals)]
    deadline = network.head().timestamp + DEADLINE_SECONDS
    submitted = succeeded = completed = fees = 0
    for number, amount in enumerate(amounts):
        payer, seller = _parties(volume, number)
        terms = (network.accounts[seller], amount, 250, deadline)
        is_made = _succeeds(network, kustodia.EscrowV2.functions.createEscrow(*terms), payer)
        submitted += 1
        succeeded += is_made
        if not is_made:
            continue
        escrow_id = kustodia.EscrowV2.functions.totalEscrows().call()
        ending = "refund" if number % 5 == 4 else "release"
        is_ended = _succeeds(network, kustodia.EscrowV2.functions[ending](escrow_id), "kustodia")
        submitted += 1
        succeeded += is_ended
        completed += is_ended
        fees += amount * 250 // 10_000 if is_ended and ending == "release" else 0
    custody = kustodia.EscrowV2.functions.totalCustody().call()
    measure("tx_success", good=succeeded, total=submitted)
    measure("deals", completed)
    measure("custody_difference", abs(custody - balance("EscrowV2")), unit="units")
    measure("payout_difference", abs(balance("wallet") - fees), unit="units")
    evidence.json(
        "deals",
        {
            "deals": volume.deals,
            "completed": completed,
            "transactions": {"submitted": submitted, "succeeded": succeeded},
            "units": {"least": min(amounts), "most": max(amounts), "all": sum(amounts)},
            "commissions": {"expected": fees, "received": balance("wallet")},
        },
    )

    assert balance("EscrowV2") == custody
    assert balance("wallet") == fees


def _succeeds(network, call, sender):
    """Whether the transaction was included with status 1; a refused one is included with status 0."""
    with suppress(Reverted):
        sent = call.transact({"from": network.accounts[sender], "gas": GAS})
        return network.w3.eth.wait_for_transaction_receipt(sent)["status"] == 1
    return False


def _parties(volume, number):
    """Payer and seller: every user pays every other one in turn."""
    users = USERS[: volume.users]
    first = number % len(users)
    return users[first], users[(first + 1 + number // len(users) % (len(users) - 1)) % len(users)]


def _amount(volume, number):
    """An amount between the limits, the same in every run; small ones are as frequent as large ones."""
    draw = int.from_bytes(sha256(f"deal {number}".encode()).digest()[:16])
    steps = [volume.least]
    while steps[-1] * 10 < volume.most:
        steps.append(steps[-1] * 10)
    ranges = list(pairwise([*steps, volume.most]))
    least, most = ranges[draw % len(ranges)]
    return least + draw // 1_000 % (most - least + 1)
