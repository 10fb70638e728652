"""Funded development accounts by role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pytest_rollout.core.errors import NetworkError, listed, suggestion

MNEMONIC = "test test test test test test test test test test test junk"
"""The phrase behind the accounts of every development chain, so both kinds have the same ones."""

COUNT = 10
BALANCE_ETHER = 10_000
DEFAULT_ROLES: Mapping[str, int] = {"admin": 0, "deployer": 0, "user": 1, "other": 2}
"""The roles of a network whose plan names none."""


class Accounts(Mapping[str, str]):
    """Checksum addresses by role; ``accounts[3]`` is the fourth one. Iterating gives the roles.

    Roles may share an account. An unknown role, a number out of range, or a plan whose role
    points beyond the accounts there are, is a ``NetworkError``.
    """

    def __init__(self, network: str, addresses: Sequence[str], roles: Mapping[str, int]) -> None:
        self._network = network
        self.addresses = tuple(addresses)
        self.roles = dict(roles or DEFAULT_ROLES)
        if not self.addresses:
            # A real chain has keys for nobody; who asks is told so, whoever only reads never asks.
            return
        for role, index in self.roles.items():
            self._numbered(index, f"accounts.{role}: ")

    @property
    def default(self) -> str:
        """Who sends where nobody is named: the deployer or, without that role, account 0."""
        return self._numbered(self.roles.get("deployer", 0), "")

    def __getitem__(self, role: str | int) -> str:
        if isinstance(role, int):
            return self._numbered(role, "")
        if role not in self.roles:
            raise NetworkError(
                f"network {self._network}: no account '{role}'; the roles are {listed(self.roles)}."
                f"{suggestion(role, self.roles)}"
            )
        return self._numbered(self.roles[role], "")

    def __contains__(self, role: object) -> bool:
        return role in self.roles

    def __iter__(self) -> Iterator[str]:
        return iter(self.roles)

    def __len__(self) -> int:
        return len(self.roles)

    def _numbered(self, index: int, where: str) -> str:
        if not self.addresses:
            raise NetworkError(
                f"network {self._network}: its node holds no accounts; give an address, "
                "or sign with a key of yours and send the signed transaction."
            )
        if isinstance(index, bool) or not 0 <= index < len(self.addresses):
            raise NetworkError(
                f"network {self._network}: {where}no account number {index}; "
                f"there are {len(self.addresses)}, numbered from 0."
            )
        return self.addresses[index]
