"""What a plan may declare about a contract, read from the chain at one block.

Sources: EIP-1967 for the implementation slot, OpenZeppelin's AccessControl for roles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from pytest_rollout.contracts.addresses import Unfit, address
from pytest_rollout.contracts.book import Contracts
from pytest_rollout.contracts.values import Speller
from pytest_rollout.contracts.views import Views
from pytest_rollout.core.errors import ContractError, listed, suggestion
from pytest_rollout.core.rollout import ContractState, Value
from pytest_rollout.networks.port import Chain

IMPLEMENTATION_SLOT = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
"""keccak256("eip1967.proxy.implementation") - 1."""

NAMES = ("paused", "owner", "roles.<ROLE>", "code_size", "code_hash", "implementation", "calls.<view>")

_ROLE_HEX_LENGTH = 66


def observe(state: ContractState, contracts: Contracts, chain: Chain) -> Value:
    """What the chain says about a declared state, at the block that is the head now.

    An address or hex that means what the plan wrote comes back as the plan wrote it - an account
    role, a contract's name, another case - so that agreement is equality. For roles it is those
    of the expected holders that hold the role. Raises ``ContractError`` if it cannot be read.
    """
    return _Look.at_head(state, contracts, chain).value()


def describe(state: ContractState) -> str:
    """The state in words: ``SkillProfile.paused is false``."""
    what, _, rest = state.what.partition(".")
    if what == "roles" and isinstance(state.expected, list):
        expected = listed(_shown(each) for each in state.expected)
        return f"{state.contract}: {rest} is held by {expected}"
    expected = _shown(state.expected)
    if what == "calls":
        arguments = ", ".join(_shown(each) for each in state.arguments)
        return f"{state.contract}.{rest.partition('(')[0]}({arguments}) is {expected}"
    return f"{state.contract}.{what} is {expected}"


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(_shown(each) for each in value)}]"
    return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    state: ContractState
    chain: Chain
    place: str
    address: str
    block: str
    code: bytes
    views: Views
    speller: Speller

    @classmethod
    def at_head(cls, state: ContractState, contracts: Contracts, chain: Chain) -> _Look:
        place = f"network {chain.name}: {state.name}"
        contract = contracts[state.contract]
        where = str(contract.address)
        block = hex(chain.head().number)
        speller = Speller(place=place, named=lambda name: _named(name, contracts, chain))
        views = Views(
            chain=chain, place=place, address=where, abi=cast("Any", contract.abi), block=block, speller=speller
        )
        code = bytes.fromhex(str(chain.request("eth_getCode", [where, block])).removeprefix("0x"))
        return cls(
            state=state,
            chain=chain,
            place=place,
            address=where,
            block=block,
            code=code,
            views=views,
            speller=speller,
        )

    def value(self) -> Value:
        what, _, rest = self.state.what.partition(".")
        if what == "code_size":
            return len(self.code)
        if not self.code:
            raise ContractError(f"{self.place}: no code at {self.address} in block {int(self.block, 16)}.")
        looks: dict[str, Callable[[], Value]] = {
            "paused": lambda: self.views.call("paused()", (), None),
            "owner": lambda: self.views.call("owner()", (), self.state.expected),
            "code_hash": self._code_hash,
            "implementation": self._implementation,
            "roles": lambda: self._holders(rest),
            "calls": lambda: self.views.call(rest, self.state.arguments, self.state.expected),
        }
        if what not in looks:
            raise ContractError(
                f"{self.place}: nothing is known about '{what}'; allowed are {listed(NAMES)}.{suggestion(what, looks)}"
            )
        return looks[what]()

    def _code_hash(self) -> Value:
        from eth_utils.crypto import keccak  # noqa: PLC0415 - heavy

        return self.speller.spelled({"type": "bytes32"}, keccak(self.code), self.state.expected)

    def _implementation(self) -> Value:
        stored = str(self.chain.request("eth_getStorageAt", [self.address, IMPLEMENTATION_SLOT, self.block]))
        word = bytes.fromhex(stored.removeprefix("0x").zfill(64))
        if any(word[:12]):
            raise ContractError(f"{self.place}: the slot of EIP-1967 holds 0x{word.hex()}, which is no address.")
        return self.speller.spelled_address("0x" + word[12:].hex(), self.state.expected)

    def _holders(self, role: str) -> Value:
        """Those of the expected holders that hold the role, as they are written in the plan."""
        expected = self.state.expected if isinstance(self.state.expected, list) else [self.state.expected]
        identifier = self._role(role)
        return [
            holder
            for holder in expected
            if self.views.call("hasRole(bytes32,address)", (identifier, holder), None) is True
        ]

    def _role(self, role: str) -> Value:
        """The role's identifier: itself, the constant of that name, or what AccessControl makes of the name."""
        from eth_utils.crypto import keccak  # noqa: PLC0415 - heavy

        if len(role) == _ROLE_HEX_LENGTH and role.startswith("0x"):
            return role
        if self.views.has(role):
            return self.views.call(f"{role}()", (), None)
        return "0x" + (bytes(32) if role == "DEFAULT_ADMIN_ROLE" else keccak(text=role)).hex()


def _named(name: str, contracts: Contracts, chain: Chain) -> str | None:
    """The address meant by an account role, a contract's name, or an address, in lower case."""
    if name in chain.accounts:
        return chain.accounts[name].lower()
    if name in contracts:
        return str(contracts[name].address).lower()
    if name == "0x" + "00" * 20:
        return name
    try:
        return address(name).lower()
    except Unfit:
        return None
