"""Phase 1: bonds, from the oracle's valuation to the investor's share of the revenue, by the services and the chain."""

import pytest

UNIT = 10**18


@pytest.fixture
def creator(people):
    return people.user()


def test_a_bond_is_issued_filled_and_paid(people, services, creator, balance, now):
    """Issued on a valuation, filled by two investors, revenue by their shares; the borrower has the principal."""
    token, ada, bob = people.work(creator), people.user(), people.user()
    before = balance(creator)

    issued = people.post("bonding", "/api/v1/bonds", token_id=token, principal=500)
    people.post("backend", "/api/v1/investments", bond_id=issued["bond_id"], investor=ada, amount=400)
    people.post("backend", "/api/v1/investments", bond_id=issued["bond_id"], investor=bob, amount=100)
    people.post("bonding", f"/api/v1/bonds/{issued['bond_id']}/revenue", amount=50)

    assert (issued["value"], issued["ltv_percent"]) == (1000, 50)
    assert balance(creator) == before + 500
    assert now("IPBond", "claimable", issued["bond_id"], ada) == 40 * UNIT
    assert now("IPBond", "claimable", issued["bond_id"], bob) == 10 * UNIT
    bond = services.bonding.get(f"/api/v1/bonds/{issued['bond_id']}").json()
    assert (bond["principal"], bond["invested"], bond["distributed"]) == (500, 500, 50)


def test_more_than_a_work_is_worth_is_refused(people, creator):
    """60 % of the valuation and no more, by the service and by the contract."""
    token = people.work(creator)

    over = people.ask("bonding", "/api/v1/bonds", {"token_id": token, "principal": 601})

    assert (over.status_code, "at most 60 %" in over.json()["error"]) == (422, True)
    assert people.post("bonding", "/api/v1/bonds", token_id=token, principal=600)["ltv_percent"] == 60


def test_a_bond_takes_no_more_than_its_principal(people, creator):
    """What is left over is refused by the chain, and told as a conflict."""
    bond = people.post("bonding", "/api/v1/bonds", token_id=people.work(creator), principal=10)["bond_id"]
    investor = people.user()

    over = people.ask("backend", "/api/v1/investments", {"bond_id": bond, "investor": investor, "amount": 11})

    assert over.status_code == 409


def test_a_valuation_is_kept_and_made_anew_when_the_work_changes(people, creator):
    """The same work has the same value, from the cache; more views are another value."""
    metadata = {"category": "film", "creator": creator, "views": 1000, "likes": 10}
    asked = {"token_id": "7", "metadata": metadata}

    first = people.post("oracle", "/api/v1/oracle/valuation", **asked)
    second = people.post("oracle", "/api/v1/oracle/valuation", **asked)
    changed = people.post("oracle", "/api/v1/oracle/valuation", **asked | {"metadata": metadata | {"views": 2000}})

    assert (first["value"], first["cached"], second["cached"], changed["cached"]) == (5120, False, True, False)
    assert second["value"] == first["value"]
    assert changed["value"] == 5220


def test_a_bond_on_nothing_is_refused(people):
    """No work, no bond; told by the service that knows."""
    assert people.ask("bonding", "/api/v1/bonds", {"token_id": 10**9, "principal": 1}).status_code == 404
