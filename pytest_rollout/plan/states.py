"""Contract states as a plan declares them, each one item of a gate."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.errors import suggestion
from pytest_rollout.core.rollout import ContractSettings, ContractState, Network, Value
from pytest_rollout.plan import texts
from pytest_rollout.plan.recorded import deployed
from pytest_rollout.plan.sentence import GIVEN, Inexact, Place, Unfit, Written, misfit, quoted, some

if TYPE_CHECKING:
    from pytest_rollout.plan.stage_shape import CallTable, ContractTable, StageTable

CALL = re.compile(r"(?!.*\)\()[A-Za-z_$][A-Za-z0-9_$]*(?:\([a-z0-9,()\[\]]*\))?")
"""A view function by name or signature; ``paused()(bool)``, with a return type, is neither."""


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

    def read(self, contract: str, table: ContractTable) -> Iterator[ContractState]:
        for key in self.written.at(self.place):
            value = getattr(table, key)
            if key == "roles":
                yield from self._roles(contract, value)
            elif key == "calls":
                yield from self._calls(contract, value)
            else:
                yield ContractState(contract=contract, what=key, expected=self._plain(key, value))

    def _plain(self, key: str, value: bool | int | str) -> Value:
        place = (*self.place, key)
        if key == "code_hash":
            return self.written.read(place, str(value), texts.word).lower()
        if key == "owner":
            return self.written.read(place, str(value), texts.party(self.accounts, self.contracts))
        if key == "implementation":
            return self.written.read(place, str(value), self._implementation)
        return value

    def _implementation(self, text: str) -> str:
        if texts.ADDRESS.fullmatch(text) or text in self.contracts:
            return text
        raise Unfit(
            f"no contract {GIVEN}; write an address, or one of {some(self.contracts)}."
            f"{suggestion(text, self.contracts)}"
        )

    def _roles(self, contract: str, roles: Mapping[str, list[str]]) -> Iterator[ContractState]:
        place = (*self.place, "roles")
        self._some(place, roles)
        form = texts.key_like(texts.ROLE, "role; write its constant's name, such as PAUSER_ROLE, or its hash")
        for role, holders in roles.items():
            self.written.read(place, role, form)
            for index, holder in enumerate(holders):
                where = (*place, role, index)
                self.written.read(where, holder, texts.party(self.accounts, self.contracts))
                if holder.casefold() in (each.casefold() for each in holders[:index]):
                    raise self.written.wrong(where, f"{GIVEN} is listed twice; list each holder once.")
            yield ContractState(contract=contract, what=f"roles.{role}", expected=list(holders))

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
