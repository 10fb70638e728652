"""KnowTon as its users and operators reach it: through its services, with the chain beside them to look at."""

import base64
import secrets

import pytest

UNIT = 10**18


class People:
    """What somebody can do on the platform; every answer is checked, every user is new."""

    def __init__(self, services):
        self.services = services

    def post(self, service, path, **document):
        """An answer of 200 as a document."""
        answer = self.ask(service, path, document)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, service, path, document):
        """Any answer."""
        return self.services[service].post(path, json=document, headers={"X-Wallet": f"gate-{secrets.token_hex(4)}"})

    def user(self):
        """The address of a new user."""
        return self.post("backend", "/api/v1/users", handle=f"gate-{secrets.token_hex(8)}")["address"]

    def work(self, creator, royalty=1000, category="music"):
        """The token of a new work."""
        content = base64.b64encode(secrets.token_bytes(64)).decode()
        about = {"creator": creator, "title": "A work", "category": category, "body": content}
        digest = self.post("backend", "/api/v1/content", **about)["digest"]
        return self.post("backend", "/api/v1/nfts", creator=creator, digest=digest, royalty=royalty)["token_id"]


@pytest.fixture(scope="session")
def people(services):
    """What users do."""
    return People(services)


@pytest.fixture
def now(network, contracts):
    """A view of a contract as the chain has it now: the gate's own reads are pinned to a block before the flows."""

    def read(contract, function, *given):
        call = getattr(contracts[contract].functions, function)(*given)
        return call.call(block_identifier=network.head().number)

    return read


@pytest.fixture
def balance(now):
    """KNOW of an account, in whole tokens."""
    return lambda account: now("KnowTonToken", "balanceOf", account) // UNIT
