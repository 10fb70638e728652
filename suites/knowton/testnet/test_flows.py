"""Phase 3: every flow of the document end to end, each seen on the chain and in the index."""

import base64
import time

import pytest

UNIT = 10**18


@pytest.fixture
def indexed(services):
    """A work as the sync's index has it, once it has it: the index may be a few seconds behind."""

    def look(token, **wanted):
        until = time.monotonic() + 10
        while True:
            answer = services.sync.get(f"/api/v1/index/nfts/{token}")
            found = answer.json() if answer.status_code == 200 else {}
            if wanted.items() <= found.items() or time.monotonic() > until:
                return found
            time.sleep(0.05)

    return look


def test_registration(people, now, balance):
    """A new user has a wallet, is registered on the chain, and has tokens of the testnet."""
    user = people.user()

    assert now("CopyrightNFT", "registered", user) is True
    assert balance(user) == 10_000


def test_upload_and_mint(people, services, now, indexed):
    """A content becomes a work of its creator, with its digest and its royalty, and is found in the index."""
    creator = people.user()
    token = people.work(creator, royalty=750, category="image")

    assert now("CopyrightNFT", "ownerOf", token) == creator
    assert now("CopyrightNFT", "royaltyInfo", token, 10_000) == [creator, 750]
    assert services.backend.get(f"/api/v1/nfts/{token}").json()["metadata"]["category"] == "image"
    assert indexed(token, owner=creator.lower())["creator"] == creator.lower()


def test_the_same_content_is_minted_once(people):
    """A second mint of a digest is a conflict, as is a second upload."""
    creator = people.user()
    body = base64.b64encode(creator.encode()).decode()
    about = {"creator": creator, "title": "Once", "category": "text", "body": body}
    digest = people.post("backend", "/api/v1/content", **about)["digest"]
    people.post("backend", "/api/v1/nfts", creator=creator, digest=digest, royalty=1)

    assert people.ask("backend", "/api/v1/content", about).status_code == 409
    again = {"creator": creator, "digest": digest, "royalty": 1}
    assert people.ask("backend", "/api/v1/nfts", again).status_code == 409


def test_trade_and_royalty(people, balance, now, indexed):
    """Sold twice: the second sale pays the creator 10 %, the seller the rest, and the index follows the owner."""
    creator, first, second = people.user(), people.user(), people.user()
    token = people.work(creator, royalty=1000)

    people.post("backend", "/api/v1/trades", token_id=token, seller=creator, buyer=first, price=100)
    people.post("backend", "/api/v1/trades", token_id=token, seller=first, buyer=second, price=300)

    assert [balance(each) for each in (creator, first, second)] == [10_000 + 100 + 30, 10_000 - 100 + 270, 10_000 - 300]
    assert now("CopyrightNFT", "ownerOf", token) == second
    assert indexed(token, owner=second.lower())["owner"] == second.lower()


def test_a_trade_of_somebody_else_s_work_is_refused(people, now):
    """Nobody sells what is not theirs."""
    creator, thief, buyer = people.user(), people.user(), people.user()
    token = people.work(creator)

    refused = people.ask("backend", "/api/v1/trades", {"token_id": token, "seller": thief, "buyer": buyer, "price": 1})

    assert refused.status_code == 409
    assert now("CopyrightNFT", "ownerOf", token) == creator


def test_bond_issuance(people, now):
    """A bond stands on the chain with its borrower, principal and valuation."""
    creator = people.user()
    token = people.work(creator)

    issued = people.post("bonding", "/api/v1/bonds", token_id=token, principal=300)

    bond = now("IPBond", "bonds", issued["bond_id"])
    assert (bond[0], bond[1], bond[2], bond[3]) == (token, creator, 300 * UNIT, 1000 * UNIT)


def test_staking(people, balance, now):
    """Staked, rewarded by the platform, and taken back with what was earned."""
    staker = people.user()
    people.post("backend", "/api/v1/stakes", staker=staker, amount=1_000)
    people.post("backend", "/api/v1/rewards", amount=100)
    earned = now("StakingPool", "earned", staker)

    people.post("backend", "/api/v1/withdrawals", staker=staker, amount=1_000)

    assert earned > 0
    assert balance(staker) == 10_000 + earned // UNIT
    assert now("StakingPool", "staked", staker) == 0


def test_metrics_count_what_happened(people, services):
    """A mint is one more in the backend's metrics."""

    def mints():
        lines = services.backend.get("/metrics").text.splitlines()
        return next(float(each.split()[1]) for each in lines if each.startswith("knowton_nft_mints_total"))

    before = mints()
    people.work(people.user())

    assert mints() == before + 1
