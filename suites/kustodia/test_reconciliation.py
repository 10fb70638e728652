"""Balance reconciliation: custody, balances and open deals agree to the unit, after every operation."""

from hashlib import sha256

import pytest

from pytest_rollout import Reverted

USERS = ("ana", "ben", "cleo", "dan", "eva")
HOLDERS = (*USERS, "wallet", "EscrowV2")
GAS = 500_000
STEPS = 40


@pytest.mark.parametrize("walk", ["first", "second"])
def test_custody_equals_the_balance_after_every_operation(kustodia, deal, balance, measure, evidence, walk):
    """Custody equals the balance and the open deals after every operation, to the unit."""
    escrow, supply = kustodia.EscrowV2.functions, kustodia.MXNB.functions.totalSupply().call()
    open_deals, disputed, rows, worst = {}, set(), [], 0
    for step in range(STEPS):
        draw = _draw(walk, step)
        undisputed = [number for number in open_deals if number not in disputed]
        if not open_deals or draw % 10 < 4:
            first = draw // 10 % 5
            payer, seller = USERS[first], USERS[(first + 1 + draw // 50 % 4) % 5]
            amount = 1 + draw % 10 ** (1 + draw // 100 % 15)
            made = deal(amount, payer=payer, seller=seller, commission=draw // 1_000 % 1_001)
            open_deals[made.number] = made
            operation, number = "create", made.number
        elif undisputed and draw % 10 < 5:
            operation, number = "dispute", undisputed[draw // 10 % len(undisputed)]
            kustodia.send(escrow.dispute(number), sender=open_deals[number].payer, gas=GAS)
            disputed.add(number)
        else:
            operation, number = "release" if draw % 2 else "refund", list(open_deals)[draw // 10 % len(open_deals)]
            kustodia.send(escrow[operation](number), sender="kustodia", gas=GAS)
            del open_deals[number]
        custody, held = escrow.totalCustody().call(), balance("EscrowV2")
        owed = sum(made.amount for made in open_deals.values())
        worst = max(worst, abs(custody - held), abs(custody - owed))
        rows.append({"operation": operation, "deal": number, "custody": custody, "balance": held, "open deals": owed})
    measure("custody_difference", worst, unit="units")
    evidence.json("reconciliation", rows)

    assert {row["operation"] for row in rows} == {"create", "dispute", "release", "refund"}
    assert worst == 0
    assert sum(balance(holder) for holder in HOLDERS) == supply


def test_a_refused_operation_changes_no_balance(kustodia, deal, balance):
    """A refused operation changes no balance."""
    made = deal(12_345_679)
    kustodia.send(kustodia.EscrowV2.functions.dispute(made.number), sender="ben")
    before = {holder: balance(holder) for holder in HOLDERS}

    for sender in ("ana", "ben", "cleo"):
        with pytest.raises(Reverted):
            kustodia.send(kustodia.EscrowV2.functions.release(made.number), sender=sender)

    assert {holder: balance(holder) for holder in HOLDERS} == before
    assert kustodia.EscrowV2.functions.totalCustody().call() == made.amount


def _draw(walk, step):
    """A large number, the same in every run."""
    return int.from_bytes(sha256(f"{walk} {step}".encode()).digest()[:16])
