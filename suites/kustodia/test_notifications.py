"""E-mail notifications: both parties are told of every event, once, and no payment waits for a mail server."""

GAS = 500_000


def test_both_parties_are_told_of_every_event_once(network, kustodia, deal, backend, mailbox):
    """Custody, then the release: payer and seller, with the amount."""
    made = deal(5_000_001)
    backend.follow(made.receipt)
    release = kustodia.EscrowV2.functions.release(made.number)
    backend.follow(kustodia.send(release, sender="ana", gas=GAS))

    told = [(letter["To"].partition("@")[0], letter["Subject"]) for letter in mailbox.letters]
    ana, ben = network.accounts["ana"], network.accounts["ben"]
    paid = 5_000_001 - 5_000_001 * 250 // 10_000
    assert told == [
        (ana, f"Deal {made.number}: 5000001 units in custody, for the payer"),
        (ben, f"Deal {made.number}: 5000001 units in custody, for the seller"),
        (ana, f"Deal {made.number}: released, {paid} units, for the payer"),
        (ben, f"Deal {made.number}: released, {paid} units, for the seller"),
    ]


def test_a_mail_server_that_is_down_loses_no_payment_and_no_letter(deal, backend, mailbox):
    """The row is there at once; the letters go out when the server is back, and once."""
    mailbox.stop()
    backend.follow(deal(77).receipt)

    assert backend.connection.execute("SELECT amount FROM payments").fetchall() == [(77,)]
    assert backend.connection.execute("SELECT count(*) FROM outbox WHERE sent = 0").fetchone() == (2,)
    assert mailbox.letters == []

    mailbox.start()
    backend.send()
    backend.send()

    assert len(mailbox.letters) == 2
    assert backend.connection.execute("SELECT count(*) FROM outbox WHERE sent = 0").fetchone() == (0,)
