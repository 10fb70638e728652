"""KnowTon's backend: users with wallets, uploads, works, trades, stakes, investments; all of it on the chain."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chain import ChainError, Node, where
from prometheus_client import Counter, Gauge, Histogram
from web import EDGES, App, Quota, RefusedError, address, arguments, number, only, text

CATEGORIES = ("music", "film", "text", "image")
GIFT = 10_000
"""KNOW that a new user of the testnet gets, in whole tokens."""

UNIT = 10**18
TABLES = """
CREATE TABLE IF NOT EXISTS users (address TEXT PRIMARY KEY, handle TEXT UNIQUE NOT NULL, key TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS contents (
    digest TEXT PRIMARY KEY,
    creator TEXT NOT NULL REFERENCES users(address),
    title TEXT NOT NULL,
    category TEXT NOT NULL,
    views INTEGER NOT NULL DEFAULT 0,
    likes INTEGER NOT NULL DEFAULT 0
);
"""
PAGE = "<!doctype html><html lang=en><title>KnowTon</title><h1>KnowTon on its testnet</h1></html>"


def main() -> None:
    """Serve until the process is ended."""
    given = arguments(
        data="", rate_requests=1000, rate_seconds=60.0, slow=0.0, unhealthy=False, tls_port=0, certificate="", key=""
    )
    app = App(
        "knowton-backend", Quota(given.rate_requests, given.rate_seconds) if given.rate_requests else None, given.slow
    )
    backend = Backend(app, Path(given.data), given.unhealthy)
    backend.routes()
    app.start(given.port, (given.tls_port, given.certificate, given.key) if given.certificate else None)


class Backend:
    """What it knows: users and uploads in a database, contents in files by their digest, the rest on the chain."""

    def __init__(self, app: App, folder: Path, unhealthy: bool) -> None:
        self.app, self.node = app, Node(os.environ["RPC_URL"], app.registry)
        self._unhealthy = unhealthy
        self._admin = self.node.ask("eth_accounts")[0]
        self._contents = folder / "ipfs"
        self._contents.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(folder / "backend.db", check_same_thread=False)
        self._db.executescript(TABLES)
        into = {"registry": app.registry}
        self.mints = Counter("knowton_nft_mints", "Works minted.", **into)
        self.volume = Counter(
            "knowton_trading_volume_usd", "What was paid in trades; one KNOW is one dollar here.", **into
        )
        self.users = Counter("knowton_active_users", "Users who registered.", **into)
        self.royalties = Counter("knowton_royalty_payments", "Royalties paid.", **into)
        self.uploads = Counter("knowton_content_uploads", "Contents uploaded.", **into)
        self.pools = Gauge("knowton_staking_pools_active", "Pools with a stake.", **into)
        self.upload_times = Histogram("knowton_ipfs_upload_seconds", "Times of uploads.", buckets=EDGES, **into)
        self.query_times = Histogram("knowton_database_query_seconds", "Times of queries.", buckets=EDGES, **into)
        self.page_times = Histogram("knowton_page_load_seconds", "Times of pages.", buckets=EDGES, **into)
        up = Gauge("knowton_database_up", "Whether a database answers.", ["database"], **into)
        up.labels("sqlite").set_function(self.is_up)

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows; the time it took is observed."""
        with self.query_times.time(), self._lock, self._db:
            return self._db.execute(statement, values).fetchall()

    def key_of(self, user: str) -> str:
        """A user's key; raises ``RefusedError`` for nobody."""
        rows = self.query("SELECT key FROM users WHERE address = ?", user)
        if not rows:
            raise RefusedError(404, "no such user")
        return str(rows[0][0])

    def send(self, contract: str, signature: str, *given: Any, user: str = "") -> dict[str, Any]:
        """A transaction of a user or, without one, of the platform; what the chain refuses is refused with 409."""
        try:
            key = self.key_of(user) if user else ""
            return self.node.send(contract, signature, *given, sender=user or self._admin, key=key)
        except ChainError as error:
            raise RefusedError(409, f"the chain refused: {error}") from None

    def routes(self) -> None:
        """Everything that can be asked."""
        route = self.app.route
        route("GET", "/")(self.page)
        route("GET", "/health")(self.health)
        route("GET", "/api/v1/status")(self.status)
        route("POST", "/api/v1/users")(self.register)
        route("POST", "/api/v1/content")(self.upload)
        route("POST", "/api/v1/nfts")(self.mint)
        route("GET", "/api/v1/nfts/{}")(self.work)
        route("POST", "/api/v1/trades")(self.trade)
        route("POST", "/api/v1/stakes")(self.stake)
        route("POST", "/api/v1/withdrawals")(self.withdraw)
        route("POST", "/api/v1/rewards")(self.reward)
        route("POST", "/api/v1/investments")(self.invest)

    def is_up(self) -> bool:
        """Whether the database answers now."""
        try:
            self.query("SELECT count(*) FROM users")
        except sqlite3.Error:
            return False
        return True

    def page(self) -> str:
        with self.page_times.time():
            return PAGE

    def health(self) -> dict[str, Any]:
        """Whether the database and the chain answer."""
        if self._unhealthy:
            raise RefusedError(503, "unhealthy")
        if not self.is_up():
            raise RefusedError(503, "the database does not answer")
        try:
            height = int(self.node.ask("eth_blockNumber"), 16)
        except ChainError:
            raise RefusedError(503, "the chain does not answer") from None
        return {"status": "healthy", "chain_id": self.node.chain_id, "height": height}

    def status(self) -> dict[str, Any]:
        return {"status": "ok", "works": self.node.call("COPYRIGHT_NFT", "totalWorks()")}

    def register(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A user with a new wallet, gas, and tokens of the testnet."""
        only(given, "handle")
        handle = text(given, "handle", 40, "-_")
        from eth_account import Account  # noqa: PLC0415 - takes its time, once

        key = "0x" + secrets.token_hex(32)
        user = str(Account.from_key(key).address)
        try:
            self.query("INSERT INTO users (address, handle, key) VALUES (?, ?, ?)", user, handle, key)
        except sqlite3.IntegrityError:
            raise RefusedError(409, "the handle is taken") from None
        try:
            self.node.transact({"to": user, "value": hex(UNIT)}, self._admin)
        except ChainError as error:
            raise RefusedError(409, f"the chain refused: {error}") from None
        self.send("KNOWTON_TOKEN", "mint(address,uint256)", user, GIFT * UNIT)
        self.send("COPYRIGHT_NFT", "register(address)", user)
        self.users.inc()
        return {"address": user}

    def upload(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A content, kept under its digest."""
        only(given, "creator", "title", "category", "body")
        creator, title = address(given, "creator"), text(given, "title")
        if given.get("category") not in CATEGORIES:
            raise RefusedError(422, f"category must be one of {', '.join(CATEGORIES)}")
        try:
            content = base64.b64decode(text(given, "body", 200_000), validate=True)
        except ValueError:
            raise RefusedError(422, "body must be base64") from None
        self.key_of(creator)
        with self.upload_times.time():
            digest = hashlib.sha256(content).hexdigest()
            (self._contents / digest).write_bytes(content)
        try:
            self.query(
                "INSERT INTO contents (digest, creator, title, category) VALUES (?, ?, ?, ?)",
                *(digest, creator, title, given["category"]),
            )
        except sqlite3.IntegrityError:
            raise RefusedError(409, "the content is there already") from None
        self.uploads.inc()
        return {"digest": f"0x{digest}", "size": len(content)}

    def mint(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A token for an uploaded content."""
        only(given, "creator", "digest", "royalty")
        creator, royalty = address(given, "creator"), number(given, "royalty", 0, 2_500)
        digest = text(given, "digest", 66).removeprefix("0x")
        if not self.query("SELECT 1 FROM contents WHERE digest = ? AND creator = ?", digest, creator):
            raise RefusedError(404, "no such content of that creator")
        signature = "mint(address,bytes32,uint96)"
        receipt = self.send("COPYRIGHT_NFT", signature, creator, bytes.fromhex(digest), royalty)
        self.mints.inc()
        token = self.node.call("COPYRIGHT_NFT", "tokenOf(bytes32)", bytes.fromhex(digest))
        return {"token_id": token, "transaction": receipt["transactionHash"]}

    def work(self, token: int) -> dict[str, Any]:
        """A work, with what the oracle needs to value it."""
        try:
            digest = self.node.call("COPYRIGHT_NFT", "contentOf(uint256)", token, returns=["bytes32"]).hex()
            owner = self.node.call("COPYRIGHT_NFT", "ownerOf(uint256)", token, returns=["address"])
        except ChainError:
            raise RefusedError(404, "no such work") from None
        rows = self.query("SELECT creator, title, category, views, likes FROM contents WHERE digest = ?", digest)
        if not rows:
            raise RefusedError(404, "no such work")
        creator, title, category, views, likes = rows[0]
        about = {"title": title, "category": category, "creator": creator, "views": views, "likes": likes}
        return {"token_id": token, "owner": owner, "metadata": about}

    def trade(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A sale: offered by the seller, bought by the buyer, the royalty paid."""
        only(given, "token_id", "seller", "buyer", "price")
        token, price = number(given, "token_id", 1, 2**63), number(given, "price", 1, 10**9)
        seller, buyer = address(given, "seller"), address(given, "buyer")
        if seller == buyer:
            raise RefusedError(422, "seller and buyer must be two")
        self.send("MARKETPLACE", "offer(uint256,uint256)", token, price * UNIT, user=seller)
        self.send("KNOWTON_TOKEN", "approve(address,uint256)", where("MARKETPLACE"), price * UNIT, user=buyer)
        self.send("COPYRIGHT_NFT", "approve(address,uint256)", where("MARKETPLACE"), token, user=seller)
        receipt = self.send("MARKETPLACE", "buy(uint256)", token, user=buyer)
        self.volume.inc(price)
        self.royalties.inc()
        return {"transaction": receipt["transactionHash"]}

    def stake(self, given: Mapping[str, Any]) -> dict[str, Any]:
        only(given, "staker", "amount")
        staker, amount = address(given, "staker"), number(given, "amount", 1, 10**9) * UNIT
        self.send("KNOWTON_TOKEN", "approve(address,uint256)", where("STAKING_POOL"), amount, user=staker)
        receipt = self.send("STAKING_POOL", "stake(uint256)", amount, user=staker)
        self.pools.set(1)
        return {"transaction": receipt["transactionHash"]}

    def withdraw(self, given: Mapping[str, Any]) -> dict[str, Any]:
        only(given, "staker", "amount")
        staker, amount = address(given, "staker"), number(given, "amount", 1, 10**9) * UNIT
        receipt = self.send("STAKING_POOL", "withdraw(uint256)", amount, user=staker)
        return {"transaction": receipt["transactionHash"]}

    def reward(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The platform rewards its stakers."""
        only(given, "amount")
        amount = number(given, "amount", 1, 10**6) * UNIT
        self.send("KNOWTON_TOKEN", "mint(address,uint256)", self._admin, amount)
        self.send("KNOWTON_TOKEN", "approve(address,uint256)", where("STAKING_POOL"), amount)
        return {"transaction": self.send("STAKING_POOL", "reward(uint256)", amount)["transactionHash"]}

    def invest(self, given: Mapping[str, Any]) -> dict[str, Any]:
        only(given, "bond_id", "investor", "amount")
        bond, investor = number(given, "bond_id", 1, 2**63), address(given, "investor")
        amount = number(given, "amount", 1, 10**9) * UNIT
        self.send("KNOWTON_TOKEN", "approve(address,uint256)", where("IP_BOND"), amount, user=investor)
        receipt = self.send("IP_BOND", "invest(uint256,uint256)", bond, amount, user=investor)
        return {"transaction": receipt["transactionHash"]}


if __name__ == "__main__":
    main()
