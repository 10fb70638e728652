"""Contract states as a plan declares them, each one item of a gate."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.errors import suggestion
from pytest_rollout.core.interfaces import INTERFACES
from pytest_rollout.core.rollout import ContractSettings, ContractState, Network, Value
from pytest_rollout.plan import texts
from pytest_rollout.plan.recorded import deployed
from pytest_rollout.plan.sentence import GIVEN, Inexact, Place, Unfit, Written, misfit, quoted, some

if TYPE_CHECKING:
    from pytest_rollout.plan.stage_shape import CallTable, ContractTable, EventTable, StageTable

CALL = re.compile(r"(?!.*\)\()[A-Za-z_$][A-Za-z0-9_$]*(?:\([a-z0-9,()\[\]]*\))?")
"""A view function by name or signature; ``paused()(bool)``, with a return type, is neither."""


PROXIES = ("uups", "transparent", "beacon", "none")
"""The kinds of proxy that can be told apart."""

IMMUTABLE = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,127}|[0-9]{1,9}")
EVENT = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*(?:\([a-z0-9,()\[\]]*\))?")
TOKEN = re.compile(rf"{texts.CONTRACT.pattern}|{texts.ADDRESS.pattern}")
INTERFACE = re.compile(r"0x[0-9a-fA-F]{8}")

_PARTIES = ("owner", "pending_owner", "proxy_admin", "beacon", "delegation")
_HASHES = ("code_hash", "implementation_code_hash")
_ARTIFACTS = ("artifact", "implementation_artifact")

DEFAULT_ACCOUNTS = ("admin", "deployer", "user", "other")
"""The account roles of a network that declares none; the networks room gives them."""


@dataclass(frozen=True)
class Known:
    """The names contract states may use; files are looked through once, when first asked for."""

    settings: ContractSettings

    @cached_property
    def artifacts(self) -> frozenset[str]:
        """Contract names with an artifact ``<Name>.json`` in one of the folders."""
        names = set()
        for folder in self.settings.artifacts:
            for _, below, files in os.walk(folder):
                below[:] = [name for name in below if name != "build-info"]
                names |= {file.removesuffix(".json") for file in files if _is_artifact(file)}
        return frozenset(names)

    def contracts(self, network: str) -> list[str]:
        """Contract names with an artifact, or with an address on this network."""
        deployment = self.settings.deployments.get(network)
        recorded = deployed(deployment.path) | deployment.names.keys() if deployment else frozenset()
        return sorted(self.artifacts | recorded)


def _is_artifact(file: str) -> bool:
    return file.endswith(".json") and not file.endswith((".dbg.json", ".metadata.json"))


def states(
    written: Written, stage: str, table: StageTable, network: Network | None, known: Known
) -> tuple[ContractState, ...]:
    """The stage's contract states in the order written; raises ``PlanError``."""
    place: Place = ("stages", stage, "contracts")
    if not table.contracts:
        return ()
    if network is None:
        raise written.wrong(place, "contracts stand on a network, and this stage names none; add a network.")
    contracts = known.contracts(network.name)
    found: list[ContractState] = []
    for contract, declared in table.contracts.items():
        if contract not in contracts:
            raise written.wrong(
                place,
                f"no contract {quoted(contract)}; there is an artifact or an address on {network.name} "
                f"for {some(contracts)}.{suggestion(contract, contracts)}",
            )
        reader = _States(
            written=written,
            place=(*place, contract),
            accounts=tuple(network.accounts) or DEFAULT_ACCOUNTS,
            contracts=contracts,
            artifacts=known.artifacts,
        )
        states_of = list(reader.read(contract, declared))
        if not states_of:
            raise written.wrong(
                (*place, contract), "declares nothing; allowed are " + some(type(declared).model_fields) + "."
            )
        found.extend(states_of)
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _States:
    written: Written
    place: Place
    accounts: tuple[str, ...]
    contracts: list[str]
    artifacts: frozenset[str]

    def read(self, contract: str, table: ContractTable) -> Iterator[ContractState]:
        for key in self.written.at(self.place):
            value = getattr(table, key)
            if reader := getattr(self, f"_{key}", None):
                yield from reader(contract, value)
            else:
                yield ContractState(contract=contract, what=key, expected=self._plain(key, value))

    def _plain(self, key: str, value: bool | int | str) -> Value:
        place = (*self.place, key)
        if key in _HASHES:
            return self.written.read(place, str(value), texts.word).lower()
        if key in _ARTIFACTS and value not in self.artifacts:
            raise self.written.wrong(
                place,
                f"no artifact {GIVEN}; there are {some(sorted(self.artifacts))}."
                f"{suggestion(str(value), self.artifacts)}",
            )
        if key in _PARTIES:
            return self.written.read(place, str(value), texts.party(self.accounts, self.contracts))
        if key == "implementation":
            return self.written.read(place, str(value), self._contract_or_address)
        return value

    def _contract_or_address(self, text: str) -> str:
        if texts.ADDRESS.fullmatch(text) or text in self.contracts:
            return text
        raise Unfit(
            f"no contract {GIVEN}; write an address, or one of {some(self.contracts)}."
            f"{suggestion(text, self.contracts)}"
        )

    def _roles(self, contract: str, roles: Mapping[str, list[str]], key: str = "roles") -> Iterator[ContractState]:
        form = texts.key_like(texts.ROLE, "role; write its constant's name, such as PAUSER_ROLE, or its hash")
        yield from self._held(contract, key, roles, form)

    def _members(self, contract: str, roles: Mapping[str, list[str]]) -> Iterator[ContractState]:
        yield from self._roles(contract, roles, "members")

    def _mappings(self, contract: str, mappings: Mapping[str, list[str]]) -> Iterator[ContractState]:
        form = texts.key_like(texts.CONTRACT, "mapping; write its name, such as pausers")
        yield from self._held(contract, "mappings", mappings, form)

    def _held(
        self, contract: str, key: str, held: Mapping[str, list[str]], form: Callable[[str], str]
    ) -> Iterator[ContractState]:
        place = (*self.place, key)
        self._some(place, held)
        for name, holders in held.items():
            self.written.read(place, name, form)
            for index, holder in enumerate(holders):
                where = (*place, name, index)
                self.written.read(where, holder, texts.party(self.accounts, self.contracts))
                if holder.casefold() in (each.casefold() for each in holders[:index]):
                    raise self.written.wrong(where, f"{GIVEN} is listed twice; list each holder once.")
            yield ContractState(contract=contract, what=f"{key}.{name}", expected=list(holders))

    def _interfaces(self, contract: str, interfaces: list[str]) -> Iterator[ContractState]:
        for index, name in enumerate(interfaces):
            where = (*self.place, "interfaces", index)
            if name not in INTERFACES and not INTERFACE.fullmatch(name):
                raise self.written.wrong(
                    where,
                    f"no interface {GIVEN}; write its id, such as 0x80ac58cd, or one of {some(INTERFACES)}."
                    f"{suggestion(name, INTERFACES)}",
                )
            if name.casefold() in (each.casefold() for each in interfaces[:index]):
                raise self.written.wrong(where, f"{GIVEN} is listed twice; list each interface once.")
            yield ContractState(contract=contract, what=f"interfaces.{name}", expected=True)

    def _libraries(self, contract: str, libraries: Mapping[str, str]) -> Iterator[ContractState]:
        place = (*self.place, "libraries")
        self._some(place, libraries)
        form = texts.key_like(texts.CONTRACT, "library's name; write it such as AssetManagement")
        for name, where in libraries.items():
            self.written.read(place, name, form)
            expected = self.written.read((*place, name), where, texts.party(self.accounts, self.contracts))
            yield ContractState(contract=contract, what=f"libraries.{name}", expected=expected)

    def _immutables(self, contract: str, immutables: Mapping[str, bool | int | str]) -> Iterator[ContractState]:
        place = (*self.place, "immutables")
        self._some(place, immutables)
        form = texts.key_like(IMMUTABLE, "immutable; write its name in the source, such as token")
        for name, value in immutables.items():
            self.written.read(place, name, form)
            yield ContractState(contract=contract, what=f"immutables.{name}", expected=value)

    def _events(self, contract: str, events: Mapping[str, EventTable]) -> Iterator[ContractState]:
        place = (*self.place, "events")
        self._some(place, events)
        form = texts.key_like(EVENT, "event; write its name, such as Paused, or its signature, such as Paused(address)")
        for name, table in events.items():
            self.written.read(place, name, form)
            if table.equals < 0:
                raise self.written.wrong((*place, name), "is below 0; nothing happens fewer than 0 times.")
            since = () if table.since is None else (table.since,)
            yield ContractState(contract=contract, what=f"events.{name}", expected=table.equals, arguments=since)

    def _balances(self, contract: str, balances: Mapping[str, int]) -> Iterator[ContractState]:
        place = (*self.place, "balances")
        self._some(place, balances)
        for token, amount in balances.items():
            self._is_known(place, token, self.contracts)
            yield ContractState(contract=contract, what=f"balances.{token}", expected=amount)

    def _allowances(self, contract: str, allowances: Mapping[str, Mapping[str, int]]) -> Iterator[ContractState]:
        place = (*self.place, "allowances")
        self._some(place, allowances)
        for token, spenders in allowances.items():
            self._is_known(place, token, self.contracts)
            for spender, amount in spenders.items():
                self._is_known((*place, token), spender, [*self.accounts, *self.contracts])
                yield ContractState(contract=contract, what=f"allowances.{token}.{spender}", expected=amount)

    def _is_known(self, place: Place, key: str, names: list[str]) -> None:
        if not texts.ADDRESS.fullmatch(key) and key not in names:
            raise self.written.wrong(
                place,
                f"nothing is called {quoted(key)}; write an address, or one of {some(names)}.{suggestion(key, names)}",
            )

    def _calls(self, contract: str, calls: Mapping[str, CallTable]) -> Iterator[ContractState]:
        place = (*self.place, "calls")
        self._some(place, calls)
        for call, table in calls.items():
            owed = self.written.read(place, call, _arguments_of)
            short = not isinstance(self.written.at((*place, call)), dict)
            equals = (*place, call) if short else (*place, call, "equals")
            arguments = tuple(
                self._value((*place, call, "arguments", index), value) for index, value in enumerate(table.arguments)
            )
            if owed is not None and owed != len(arguments):
                raise self.written.wrong(
                    (*place, call), f"has {len(arguments)} of the {owed} arguments its signature takes."
                )
            expected = self._value(equals, table.equals)
            yield ContractState(contract=contract, what=f"calls.{call}", expected=expected, arguments=arguments)

    def _some(self, place: Place, entries: Mapping[str, object]) -> None:
        if not entries:
            raise self.written.wrong(place, "is empty, which checks nothing; leave it out or write an entry.")

    def _value(self, place: Place, value: Any) -> Value:
        if isinstance(value, list):
            return [self._value((*place, index), each) for index, each in enumerate(value)]
        if isinstance(value, bool | int | str):
            return value
        hint = "structs are written as arrays of their fields" if isinstance(value, dict) else "contracts know none"
        if isinstance(value, Inexact):
            hint = "contracts know integers only, written whole, such as 1500000000000000000"
        raise self.written.wrong(place, misfit(value, f"{hint}."))


def _arguments_of(call: str) -> int | None:
    """How many arguments a signature takes, None for a bare name; raises ``Unfit``."""
    if not CALL.fullmatch(call):
        hint = " Leave out the return type." if re.fullmatch(r".*\)\(.*\)", call) else ""
        raise Unfit(
            f"{quoted(call)} is no view call; write its name, such as totalSupply, "
            f"or its signature, such as hasRole(bytes32,address).{hint}"
        )
    if "(" not in call:
        return None
    inside = call[call.index("(") + 1 : -1]
    depth, count = 0, 1 if inside else 0
    for character in inside:
        depth += {"(": 1, ")": -1}.get(character, 0)
        count += character == "," and depth == 0
        if depth < 0:
            break
    if depth != 0 or re.search(r"(?:^|[,(])(?:[,)]|$)", inside):
        raise Unfit(f"{quoted(call)} is no signature; write it such as hasRole(bytes32,address).")
    return count
