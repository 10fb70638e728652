"""KnowTon's bonding service: bonds on works, on the oracle's valuation, and their revenue."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from chain import ChainError, Node, where
from prometheus_client import Counter
from web import App, RefusedError, arguments, number, only

MAX_LTV = 60
UNIT = 10**18


def main() -> None:
    """Serve until the process is ended."""
    given = arguments(backend="", oracle="")
    app = App("knowton-bonding")
    bonding = Bonding(app, given.backend, given.oracle)
    app.route("GET", "/health")(bonding.health)
    app.route("POST", "/api/v1/bonds")(bonding.issue)
    app.route("GET", "/api/v1/bonds/{}")(bonding.bond)
    app.route("POST", "/api/v1/bonds/{}/revenue")(bonding.revenue)
    app.start(given.port)


class Bonding:
    """Issues with an account of its own, which holds the role."""

    def __init__(self, app: App, backend: str, oracle: str) -> None:
        self._node = Node(os.environ["RPC_URL"], app.registry)
        self._backend, self._oracle = backend, oracle
        self._issuer = self._node.ask("eth_accounts")[1]
        self._issued = Counter("knowton_bonds_issued", "Bonds issued.", registry=app.registry)

    def health(self) -> dict[str, Any]:
        return {"status": "healthy", "oracle": _get(f"{self._oracle}/health")["status"]}

    def issue(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A bond of at most 60 % of what the oracle says the work is worth."""
        only(given, "token_id", "principal")
        token, principal = number(given, "token_id", 1, 2**63), number(given, "principal", 1, 10**9)
        work = _get(f"{self._backend}/api/v1/nfts/{token}")
        valued = _post(
            f"{self._oracle}/api/v1/oracle/valuation", {"token_id": str(token), "metadata": work["metadata"]}
        )
        value = valued["value"]
        if principal * 100 > value * MAX_LTV:
            raise RefusedError(422, f"principal must be at most {MAX_LTV} % of the valuation of {value}")
        signature = "issue(uint256,uint256,uint256)"
        receipt = self._send("IP_BOND", signature, token, principal * UNIT, value * UNIT)
        self._issued.inc()
        issued = next(each for each in receipt["logs"] if each["address"].lower() == where("IP_BOND").lower())
        return {"bond_id": int(issued["topics"][1], 16), "value": value, "ltv_percent": principal * 100 // value}

    def bond(self, bond: int) -> dict[str, Any]:
        kinds = ["uint256", "address", *["uint256"] * 5]
        token, borrower, principal, _, invested, distributed, _ = self._node.call(
            "IP_BOND", "bonds(uint256)", bond, returns=kinds
        )
        if not token:
            raise RefusedError(404, "no such bond")
        money = {"principal": principal // UNIT, "invested": invested // UNIT, "distributed": distributed // UNIT}
        return {"bond_id": bond, "token_id": token, "borrower": borrower, **money}

    def revenue(self, bond: int, given: Mapping[str, Any]) -> dict[str, Any]:
        """Revenue of the work, shared among the investors."""
        only(given, "amount")
        amount = number(given, "amount", 1, 10**6) * UNIT
        self._send("KNOWTON_TOKEN", "approve(address,uint256)", where("IP_BOND"), amount)
        return {"transaction": self._send("IP_BOND", "distribute(uint256,uint256)", bond, amount)["transactionHash"]}

    def _send(self, contract: str, signature: str, *given: Any) -> dict[str, Any]:
        try:
            return self._node.send(contract, signature, *given, sender=self._issuer)
        except ChainError as error:
            raise RefusedError(409, f"the chain refused: {error}") from None


def _get(url: str) -> Any:
    return _ask(urllib.request.Request(url, headers={"X-Wallet": "bonding"}))


def _post(url: str, document: Mapping[str, Any]) -> Any:
    headers = {"Content-Type": "application/json", "X-Wallet": "bonding"}
    return _ask(urllib.request.Request(url, data=json.dumps(document).encode(), headers=headers))


def _ask(request: urllib.request.Request) -> Any:
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            raise RefusedError(error.code if error.code < 500 else 502, json.loads(error.read())["error"]) from None
    except OSError:
        raise RefusedError(502, "another service does not answer") from None


if __name__ == "__main__":
    main()
