"""What a plan may declare about a contract, read from the chain at one block.

Source: OpenZeppelin's AccessControl for roles; ``states/`` has what goes beyond a contract's own views.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from pytest_rollout.contracts.addresses import Unfit, address
from pytest_rollout.contracts.book import Contracts
from pytest_rollout.contracts.interface import keccak
from pytest_rollout.contracts.reading import Reading, ask, read_at_head, side_by_side, together
from pytest_rollout.contracts.states.every import LOOKS
from pytest_rollout.contracts.states.subject import Subject
from pytest_rollout.contracts.values import Speller
from pytest_rollout.contracts.views import Views
from pytest_rollout.core.errors import ContractError, RolloutError, listed, suggestion
from pytest_rollout.core.rollout import ContractState, Value
from pytest_rollout.networks.port import Chain

NAMES = ("paused", "owner", "roles.<ROLE>", "code_size", "code_hash", "calls.<view>", *LOOKS)

_ROLE_HEX_LENGTH = 66


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """Declared states as one look at the chain found them, by their names.

    ``number`` is the block they were all read at, None where no block could be found. A state that
    could not be read has its error.
    """

    number: int | None
    seen: Mapping[str, Value | RolloutError]


def observe(state: ContractState, contracts: Contracts, chain: Chain) -> Value:
    """What the chain says about a declared state, at the pinned block or the one that is the head now.

    An address or hex that means what the plan wrote comes back as the plan wrote it - an account
    role, a contract's name, another case - so that agreement is equality. For roles it is those
    of the expected holders that hold the role. Raises ``ContractError`` if it cannot be read.
    """
    value = observe_all([state], contracts, chain).seen[state.name]
    if isinstance(value, RolloutError):
        raise value
    return value


def observe_all(states: Sequence[ContractState], contracts: Contracts, chain: Chain) -> States:
    """All of them at one block, in as few round trips as what depends on an answer allows."""

    def looks(block: str) -> Reading[list[Value | RolloutError]]:
        return side_by_side([look(state, contracts, chain, block) for state in states])

    try:
        found, number = read_at_head(chain, looks, guess=contracts.height)
    except RolloutError as error:
        return States(number=None, seen=dict.fromkeys((state.name for state in states), error))
    return States(number=number, seen={state.name: value for state, value in zip(states, found, strict=True)})


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


def look(state: ContractState, contracts: Contracts, chain: Chain, block: str) -> Reading[Value]:
    """One state at one block, 0x hex."""
    place = f"network {chain.name}: {state.name}"
    speller = Speller(place=place, named=lambda name: _named(name, contracts, chain))
    where = contracts.where(state.contract)
    views = Views(
        place=place, address=where, interface=contracts.interface(state.contract), block=block, speller=speller
    )
    at_block = _Look(
        state=state, place=place, address=where, block=block, views=views, speller=speller, contracts=contracts
    )
    return (yield from at_block.value())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    state: ContractState
    place: str
    address: str
    block: str
    views: Views
    speller: Speller
    contracts: Contracts

    def value(self) -> Reading[Value]:
        """The state's value; that there is code at all is asked along with it."""
        what, _, rest = self.state.what.partition(".")
        if what == "code_size":
            return len((yield from self._code()))
        looks: dict[str, Callable[[], Reading[Value]]] = {
            "paused": lambda: self.views.call("paused()", (), None),
            "owner": lambda: self.views.call("owner()", (), self.state.expected),
            "code_hash": self._code_hash,
            "roles": lambda: self._holders(rest),
            "calls": lambda: self.views.call(rest, self.state.arguments, self.state.expected),
        }
        if what in LOOKS:
            looks[what] = lambda: LOOKS[what](self._subject(), rest)
        if what not in looks:
            raise ContractError(
                f"{self.place}: nothing is known about '{what}'; allowed are {listed(NAMES)}.{suggestion(what, looks)}"
            )
        code, value = yield from side_by_side([self._code(), looks[what]()])
        if not code:
            raise ContractError(f"{self.place}: no code at {self.address} in block {int(self.block, 16)}.")
        for each in (code, value):
            if isinstance(each, RolloutError):
                raise each
        return cast("Value", value)

    def _subject(self) -> Subject:
        return Subject(
            state=self.state,
            place=self.place,
            address=self.address,
            block=self.block,
            views=self.views,
            speller=self.speller,
            contracts=self.contracts,
        )

    def _code(self) -> Reading[bytes]:
        code = yield from ask("eth_getCode", [self.address, self.block])
        return bytes.fromhex(str(code).removeprefix("0x"))

    def _code_hash(self) -> Reading[Value]:
        code = yield from self._code()
        return self.speller.spelled({"type": "bytes32"}, keccak(code), self.state.expected)

    def _holders(self, role: str) -> Reading[Value]:
        """Those of the expected holders that hold the role, as they are written in the plan."""
        expected = self.state.expected if isinstance(self.state.expected, list) else [self.state.expected]
        if len(role) == _ROLE_HEX_LENGTH and role.startswith("0x"):
            return (yield from self._holding(expected, role))
        by_name = "0x" + (bytes(32) if role == "DEFAULT_ADMIN_ROLE" else keccak(role.encode())).hex()
        if not self.views.has(role):
            return (yield from self._holding(expected, by_name))
        # Nearly always the constant is the hash of its name; then both are known after one round.
        constant, guessed = yield from side_by_side(
            [self.views.call(f"{role}()", (), None), self._holding(expected, by_name)]
        )
        if isinstance(constant, RolloutError):
            raise constant
        if constant != by_name:
            return (yield from self._holding(expected, constant))
        if isinstance(guessed, RolloutError):
            raise guessed
        return guessed

    def _holding(self, expected: Sequence[Value], identifier: Value) -> Reading[Value]:
        held = yield from together(
            [self.views.call("hasRole(bytes32,address)", (identifier, holder), None) for holder in expected]
        )
        return [holder for holder, holds in zip(expected, held, strict=True) if holds is True]


def _named(name: str, contracts: Contracts, chain: Chain) -> str | None:
    """The address meant by an account role, a contract's name, or an address, in lower case."""
    if name in chain.accounts:
        return chain.accounts[name].lower()
    if name in contracts:
        return contracts.where(name).lower()
    if name == "0x" + "00" * 20:
        return name
    try:
        return address(name).lower()
    except Unfit:
        return None
