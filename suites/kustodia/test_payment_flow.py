"""Payment flow: custody, release, refund and dispute, with the commission split to the unit."""

import pytest

from pytest_rollout import Reverted

DOLLAR = 20_000_000
GAS = 500_000
RELEASED, REFUNDED = 3, 4
ODD, PRIME, MILLION = 333_333_333, 2_147_483_647, 1_000_000 * DOLLAR
AMOUNTS = (1, 39, 40, 9_999, 10_001, ODD, 10 * DOLLAR, 500 * DOLLAR + 1, PRIME, MILLION - 1)
"""At 2.5 % the commission on 39 units is nothing, and on 40 it is one unit."""

SPLITS = [(amount, 250) for amount in AMOUNTS] + [(ODD, commission) for commission in (0, 1, 999, 1_000)]


@pytest.mark.parametrize(("amount", "commission"), SPLITS, ids=lambda number: f"{number:,}")
def test_a_release_pays_everybody_to_the_unit(kustodia, deal, balance, announced, measure, amount, commission):
    """A release splits the payment to the unit: commission rounded down, the rest to the seller."""
    number = deal(amount, commission=commission).number
    seller, wallet = balance("ben"), balance("wallet")

    receipt = kustodia.send(kustodia.EscrowV2.functions.release(number), sender="ana", gas=GAS)

    proceeds, fee = balance("ben") - seller, balance("wallet") - wallet
    measure("payout_difference", abs(amount - proceeds - fee), unit="units")
    paid = announced(kustodia.EscrowV2.events.CommissionPaid(), receipt)
    assert fee == amount * commission // 10_000
    assert proceeds == amount - fee
    assert [event["amount"] for event in paid] == ([fee] if fee else [])
    assert balance("EscrowV2") == 0
    assert kustodia.EscrowV2.functions.totalCustody().call() == 0


@pytest.mark.parametrize("amount", [1, ODD, MILLION - 1], ids=lambda number: f"{number:,}")
def test_a_refund_returns_everything(kustodia, deal, balance, amount):
    """A refund returns everything, without commission."""
    before, wallet = balance("ana"), balance("wallet")
    number = deal(amount).number

    kustodia.send(kustodia.EscrowV2.functions.refund(number), sender="kustodia", gas=GAS)

    assert balance("ana") == before
    assert balance("wallet") == wallet
    assert kustodia.EscrowV2.functions.escrow(number).call()[3] == REFUNDED


def test_the_payer_waits_for_the_deadline(network, kustodia, deal):
    """The payer takes the money back from the deadline on, and not before."""
    number = deal().number
    refund = kustodia.EscrowV2.functions.refund(number)
    with pytest.raises(Reverted) as early:
        kustodia.send(refund, sender="ana")

    network.advance(days=7)

    assert early.value.error == "DeadlineNotReached"
    assert kustodia.send(refund, sender="ana")["status"] == 1


@pytest.mark.parametrize("side", ["ana", "ben"])
@pytest.mark.parametrize("ending", ["release", "refund"])
def test_a_dispute_is_settled_by_kustodia(kustodia, deal, balance, side, ending):
    """A dispute is raised by either side and settled by Kustodia alone."""
    made = deal(501 * DOLLAR)
    kustodia.send(kustodia.EscrowV2.functions.dispute(made.number), sender=side, gas=GAS)
    for sender in ("ana", "ben"):
        with pytest.raises(Reverted) as refused:
            kustodia.send(kustodia.EscrowV2.functions[ending](made.number), sender=sender)
        assert refused.value.error == "NotAuthorized"

    kustodia.send(kustodia.EscrowV2.functions[ending](made.number), sender="kustodia")

    status = kustodia.EscrowV2.functions.escrow(made.number).call()[3]
    assert status == {"release": RELEASED, "refund": REFUNDED}[ending]
    assert balance("EscrowV2") == 0


@pytest.mark.parametrize("first", ["release", "refund"])
@pytest.mark.parametrize("second", ["release", "refund", "dispute"])
def test_a_deal_ends_once(kustodia, deal, first, second):
    """A deal ends once: a second release, refund or dispute is refused."""
    number = deal().number
    deal(payer="cleo", seller="dan")
    kustodia.send(kustodia.EscrowV2.functions[first](number), sender="kustodia")

    with pytest.raises(Reverted) as refused:
        kustodia.send(kustodia.EscrowV2.functions[second](number), sender="kustodia")

    assert refused.value.error == "EscrowNotOpen"


@pytest.mark.parametrize("sender", ["ben", "cleo", "owner", "pauser", "wallet"])
def test_nobody_else_releases_the_money(kustodia, deal, balance, sender):
    """Nobody but the payer and Kustodia releases the money, not even the owner."""
    made = deal()

    with pytest.raises(Reverted) as refused:
        kustodia.send(kustodia.EscrowV2.functions.release(made.number), sender=sender)

    assert refused.value.error == "NotAuthorized"
    assert balance("EscrowV2") == made.amount


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        ({"amount": 0}, "ZeroAmount"),
        ({"commission": 1_001}, "CommissionTooHigh"),
        ({"seller": "ana"}, "InvalidWallet"),
        ({"payer": "wallet"}, "ERC20InsufficientAllowance"),
    ],
    ids=["nothing", "commission above 10 %", "to oneself", "without money"],
)
def test_terms_that_are_no_deal_are_refused(deal, balance, terms, error):
    """Terms that are no deal are refused, and nothing goes into custody."""
    with pytest.raises(Reverted) as refused:
        deal(**terms)

    assert refused.value.error == error
    assert balance("EscrowV2") == 0
