"""Database consistency: what the backend keeps is what the chain says, row by row, to the unit."""

import sqlite3

STATUS = {1: "open", 2: "open", 3: "released", 4: "refunded"}
"""The contract's own: open, disputed, released, refunded."""

GAS = 500_000
DEALS = 24


def _walk(kustodia, deal, backend):
    """Deals of many amounts, every third released, every third refunded, one disputed; the backend follows each."""
    escrow = kustodia.EscrowV2.functions
    users = ("ana", "ben", "cleo", "dan", "eva")
    for number in range(DEALS):
        made = deal(7 ** (number % 12) + number, payer=users[number % 5], seller=users[(number + 2) % 5])
        backend.follow(made.receipt)
        if number % 3 == 0:
            backend.follow(kustodia.send(escrow.release(made.number), sender="kustodia", gas=GAS))
        elif number % 3 == 1:
            backend.follow(kustodia.send(escrow.refund(made.number), sender="kustodia", gas=GAS))
    backend.follow(kustodia.send(escrow.dispute(made.number), sender=users[(DEALS - 1) % 5], gas=GAS))


def test_every_deal_of_the_chain_is_a_row_and_every_row_a_deal(network, kustodia, deal, backend, evidence):
    """Amounts and states agree, open amounts are the custody, and the transaction of each row is on this chain."""
    _walk(kustodia, deal, backend)

    escrow = kustodia.EscrowV2.functions
    rows = backend.connection.execute(
        "SELECT number, status, payer, seller, amount, tx_hash, payments.chain_id, payments.blockchain_network "
        "FROM escrows JOIN payments ON escrows.id = escrow_id ORDER BY number"
    ).fetchall()
    evidence.json(
        "rows", [dict(zip(("number", "status", "payer", "seller", "amount"), row, strict=False)) for row in rows]
    )

    assert [row[0] for row in rows] == list(range(1, escrow.totalEscrows().call() + 1))
    for number, status, payer, seller, amount, tx_hash, chain_id, tag in rows:
        kept = escrow.escrow(number).call()
        assert (payer, seller, amount, status) == (kept[0], kept[4], kept[5], STATUS[kept[3]])
        found = network.request("eth_getTransactionByHash", [tx_hash])
        assert found["blockNumber"] is not None
        assert found["to"].lower() == kustodia.EscrowV2.address.lower()
        assert (chain_id, tag) == (network.chain_id, "mainnet")
    custody = sum(row[4] for row in rows if row[1] == "open")
    assert custody == escrow.totalCustody().call()


def test_an_event_that_comes_twice_is_one_row(kustodia, deal, backend, mailbox):
    """A backend that starts anew reads old events again."""
    made = deal()
    released = kustodia.send(kustodia.EscrowV2.functions.release(made.number), sender="ana", gas=GAS)
    for receipt in (made.receipt, released, made.receipt, released):
        backend.follow(receipt)

    assert backend.connection.execute("SELECT count(*) FROM payments").fetchone() == (1,)
    assert backend.connection.execute("SELECT status FROM escrows").fetchall() == [("released",)]
    assert len(mailbox.letters) == 4


def test_nothing_of_the_testnet_is_lost_beside_the_mainnet(kustodia, deal, platform, backend_on, tmp_path):
    """One database for both, as the document's migration has it: old rows stay testnet's, new ones are mainnet's."""
    path = platform.copy(tmp_path / "both.db")
    with sqlite3.connect(path) as connection:
        platform.migrate(connection, ["002"])
        before = connection.execute("SELECT count(*), sum(amount) FROM payments").fetchone()
        backend_on(connection).follow(deal(123).receipt)

        counted = (
            "SELECT blockchain_network, count(*), sum(amount) FROM payments GROUP BY blockchain_network ORDER BY 1"
        )
        assert connection.execute(counted).fetchall() == [("mainnet", 1, 123), ("testnet", *before)]
    connection.close()
