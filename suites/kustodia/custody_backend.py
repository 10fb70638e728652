"""The reference backend: follows the escrow's events into its database, and tells both parties by e-mail."""

import smtplib
import sqlite3
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"
ARBITRUM_SEPOLIA = 421614
TESTNET_PAYMENTS = 60
TESTNET_ESCROW = "0x" + "5e" * 20


def migrate(connection, names):
    """Apply migrations by the beginning of their names, in order."""
    for name in names:
        (path,) = MIGRATIONS.glob(f"{name}_*.sql")
        connection.executescript(path.read_text())


def testnet(path):
    """The database as the testnet left it, before its second migration; the same in every run."""
    with closing(sqlite3.connect(path)) as connection, connection:
        migrate(connection, ["001"])
        for number in range(1, TESTNET_PAYMENTS + 1):
            status = ("open", "released", "refunded")[number % 3]
            connection.execute(
                "INSERT INTO escrows VALUES (?, ?, ?, ?, ?)",
                (number, ARBITRUM_SEPOLIA, TESTNET_ESCROW, number, status),
            )
            connection.execute(
                "INSERT INTO payments VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    number,
                    number,
                    ARBITRUM_SEPOLIA,
                    f"0x{number:040x}",
                    f"0x{number + 1:040x}",
                    10**12 + number,
                    f"0x{number:064x}",
                ),
            )


def backed_up(path, backup):
    """A copy of one moment of a database, by SQLite itself."""
    with closing(sqlite3.connect(path)) as one, closing(sqlite3.connect(backup)) as other:
        one.backup(other)


class Backend:
    """Events of one escrow contract on one network, each a row once; letters wait in the outbox until they are sent."""

    def __init__(self, connection, contract, *, network, chain_id, mail):
        self.connection = connection
        self._contract = contract
        self._network = network
        self._chain_id = chain_id
        self._mail = mail

    def follow(self, receipt):
        """Take in what one transaction announced; a second time changes nothing."""
        with self.connection:
            for event in self._contract.events.EscrowCreated().process_receipt(receipt):
                self._created(event["args"], receipt)
            for name, status in (("EscrowReleased", "released"), ("EscrowRefunded", "refunded")):
                for event in getattr(self._contract.events, name)().process_receipt(receipt):
                    self._ended(event["args"], status)
        self.send()

    def send(self):
        """Send what waits; a letter that the server does not take waits on, and no payment is lost with it."""
        for number, recipient, subject in self.connection.execute(
            "SELECT id, recipient, subject FROM outbox WHERE sent = 0 ORDER BY id"
        ).fetchall():
            letter = EmailMessage()
            letter["From"], letter["To"], letter["Subject"] = "no-reply@kustodia.example", recipient, subject
            letter.set_content(f"{subject}.\n")
            try:
                with smtplib.SMTP(*self._mail, timeout=5) as server:
                    server.send_message(letter)
            except (OSError, smtplib.SMTPException):
                return
            with self.connection:
                self.connection.execute("UPDATE outbox SET sent = 1 WHERE id = ?", (number,))

    def _created(self, args, receipt):
        where = (self._chain_id, self._contract.address, args["escrowId"])
        made = self.connection.execute(
            "INSERT OR IGNORE INTO escrows (chain_id, contract, number, blockchain_network) VALUES (?, ?, ?, ?)",
            (*where, self._network),
        )
        if not made.rowcount:
            return
        self.connection.execute(
            "INSERT INTO payments (escrow_id, chain_id, payer, seller, amount, tx_hash, blockchain_network) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                made.lastrowid,
                self._chain_id,
                args["payer"],
                args["seller"],
                args["amount"],
                f"0x{bytes(receipt['transactionHash']).hex()}",
                self._network,
            ),
        )
        for party in ("payer", "seller"):
            self._write(args[party], f"Deal {args['escrowId']}: {args['amount']} units in custody, for the {party}")

    def _ended(self, args, status):
        where = (status, self._chain_id, self._contract.address, args["escrowId"])
        changed = self.connection.execute(
            "UPDATE escrows SET status = ? WHERE chain_id = ? AND contract = ? AND number = ? AND status = 'open'",
            where,
        )
        if not changed.rowcount:
            return
        (parties,) = self.connection.execute(
            "SELECT payer, seller FROM payments JOIN escrows ON escrows.id = escrow_id "
            "WHERE escrows.chain_id = ? AND contract = ? AND number = ?",
            where[1:],
        )
        for name, party in zip(("payer", "seller"), parties, strict=True):
            self._write(party, f"Deal {args['escrowId']}: {status}, {args['amount']} units, for the {name}")

    def _write(self, party, subject):
        self.connection.execute(
            "INSERT INTO outbox (recipient, subject) VALUES (?, ?)", (f"{party}@users.kustodia.example", subject)
        )
