"""What a plan declares once for all stages: the rollout itself, contracts, flags, metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_rollout.core.errors import suggestion
from pytest_rollout.core.rollout import (
    AttestationSettings,
    ContractSettings,
    Contradiction,
    Deployment,
    FlagSettings,
    Network,
    Value,
)
from pytest_rollout.plan import texts
from pytest_rollout.plan.inventory import inventory
from pytest_rollout.plan.recorded import deployed
from pytest_rollout.plan.sentence import GIVEN, Place, Unfit, Written, some

if TYPE_CHECKING:
    from pytest_rollout.plan.shape import (
        AttestationTable,
        ContractsTable,
        ContradictionTable,
        FlagsTable,
    )

_FORBIDDEN = re.compile(r"(?:PYTEST_|PYTHON|LD_|DYLD_).*")
FLAGD = "flagd:"


def variables(written: Written, names: list[str]) -> tuple[str, ...]:
    """Environment variables handed on; none that bends the interpreter or pytest itself."""
    place: Place = ("rollout", "environment")
    _each_once(written, place, names)
    for index, name in enumerate(names):
        written.read((*place, index), name, _variable)
    return tuple(names)


def _variable(name: str) -> str:
    if not texts.VARIABLE.fullmatch(name):
        raise Unfit(f"{GIVEN} is no environment variable's name; write it such as DATABASE_URL, without '$'.")
    if _FORBIDDEN.fullmatch(name):
        raise Unfit(f"{GIVEN} changes how Python or pytest run, so a gate never hands it on; leave it out.")
    return name


def plugins(written: Written, names: list[str]) -> tuple[str, ...]:
    """Modules of pytest plugins the gate may load."""
    place: Place = ("rollout", "plugins")
    _each_once(written, place, names)
    form = texts.like(texts.MODULE, "module's name; write it as it is imported, such as pytest_django.plugin")
    return tuple(written.read((*place, index), name, form) for index, name in enumerate(names))


def _each_once(written: Written, place: Place, names: list[str]) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise written.wrong((*place, index), f"{GIVEN} is listed twice; list each once.")


def contracts(
    written: Written, folder: Path, table: ContractsTable, declared: Mapping[str, Network]
) -> ContractSettings:
    """Artifact folders and deployment files, all of which exist."""
    place: Place = ("contracts",)
    artifacts = tuple(
        written.read((*place, "artifacts", index), text, existing(folder, Path.is_dir, "folder"))
        for index, text in enumerate(table.artifacts)
    )
    deployments = {}
    for given, declaration in table.deployments.items():
        where: Place = (*place, "deployments", given)
        if given not in declared:
            raise written.wrong(
                (*place, "deployments"),
                f"no network '{given}'; the plan has {some(declared)}.{suggestion(given, declared)}",
            )
        if isinstance(written.at(where), dict):
            where = (*where, "path")
        path = written.read(where, declaration.path, existing(folder, Path.exists, "file or folder"))
        written.read(where, path, deployed)
        for name in declaration.names:
            written.read((*place, "deployments", given, "names"), name, _contract_name)
        deployments[given] = Deployment(path=path, format=declaration.format, names=dict(declaration.names))
    for name, network in declared.items():
        # What is deployed on a chain is deployed on its forks, unless the plan says otherwise.
        if network.of is not None and name not in deployments and network.of.name in deployments:
            deployments[name] = deployments[network.of.name]
    _each_once(written, (*place, "proxies"), table.proxies)
    for index, name in enumerate(table.proxies):
        written.read((*place, "proxies", index), name, _contract_name)
    return ContractSettings(
        artifacts=artifacts,
        deployments=deployments,
        inventory=inventory(written, table.inventory, declared),
        proxies=tuple(table.proxies),
    )


_contract_name = texts.key_like(texts.CONTRACT, "contract's name; write a Solidity name, such as SkillProfile")


def existing(folder: Path, is_there: Callable[[Path], bool], what: str) -> Callable[[str], Path]:
    """A reader of paths relative to the plan's folder, at which there is what there should be."""

    def check(text: str) -> Path:
        path = folder / texts.line(text)
        try:
            if is_there(path):
                return path
        except OSError:
            pass  # a name too long for any file system: no such file either
        raise Unfit(f"no {what} {GIVEN}; paths are relative to the plan's own folder.")

    return check


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """The flag settings, and every flag's key with its value where the plan gives one."""

    settings: FlagSettings
    known: Mapping[str, Value | None]


def flags(written: Written, folder: Path, table: FlagsTable) -> Flags:
    """The flag provider, checked to be one, and the flags it has."""
    form = texts.key_like(texts.FLAG, "flag's key; write letters, digits, '.', '-' or '_', such as 'newCheckout'")
    for key in table.values:
        written.read(("flags", "values"), key, form)
    if table.provider == "memory":
        return Flags(settings=FlagSettings(provider="memory", values=dict(table.values)), known=table.values)
    place: Place = ("flags", "provider")
    if not table.provider.startswith(FLAGD):
        near = suggestion(table.provider, ["memory", "flagd"])
        raise written.wrong(place, f"no provider {GIVEN}; allowed are memory and flagd:<file>.{near}")
    if table.values:
        raise written.wrong(("flags", "values"), "only the memory provider has values; leave them out.")
    if table.provider == FLAGD:
        raise written.wrong(place, f"{GIVEN} names no file; write for example 'flagd:flags.json'.")
    file = written.read(place, table.provider.removeprefix(FLAGD), existing(folder, Path.is_file, "file"))
    known = dict.fromkeys(written.read(place, file, _flagd_keys))
    return Flags(settings=FlagSettings(provider=table.provider), known=known)


def _flagd_keys(file: Path) -> list[str]:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        content = None
    declared = content.get("flags") if isinstance(content, dict) else None
    if not isinstance(declared, dict):
        raise Unfit(f"{GIVEN} is no flagd file; a JSON object with a table 'flags' is needed.")
    return list(declared)


def attestation(
    written: Written, folder: Path, table: AttestationTable | None, environment: Sequence[str]
) -> AttestationSettings | None:
    """Which key signs judgements; never one that the tests get. Raises ``PlanError``."""
    if table is None:
        return None
    for key, value in (("key", table.key.removeprefix("env:")), ("password_env", table.password_env)):
        if value in environment:
            raise written.wrong(
                ("attestation", key),
                "names a variable of rollout.environment, which the tests get; a key they have signs nothing.",
            )
    if "PRIVATE KEY" in table.key:
        raise written.wrong(("attestation", "key"), "holds a key itself; name its file, or env:NAME.")
    is_elsewhere = ":" in table.key
    return AttestationSettings(
        key=table.key if is_elsewhere else str(folder / table.key),
        public_key=None if table.public_key is None else folder / table.public_key,
        password_env=table.password_env or "",
    )


def contradictions(written: Written, tables: list[ContradictionTable]) -> tuple[Contradiction, ...]:
    """What the plan's author recorded about the source document."""
    found = []
    for index, table in enumerate(tables):
        place: Place = ("contradictions", index)
        says = tuple(written.read((*place, "says", number), text, texts.line) for number, text in enumerate(table.says))
        found.append(
            Contradiction(
                where=written.read((*place, "where"), table.where, texts.line),
                says=says,
                choice=written.read((*place, "choice"), table.choice, texts.line),
            )
        )
    return tuple(found)
