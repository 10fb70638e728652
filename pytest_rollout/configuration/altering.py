"""Copies of declared files spoilt on purpose, which is what a drill hands to the gate; the files are only read."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pytest_rollout.configuration.environments import variables
from pytest_rollout.configuration.files import find, read
from pytest_rollout.configuration.placeholders import is_address
from pytest_rollout.core.configuration import DashboardCheck, EnvironmentCheck, FilesCheck, ManifestCheck, RulesCheck
from pytest_rollout.core.errors import ConfigurationError
from pytest_rollout.core.faults import Fault
from pytest_rollout.formats.plain_yaml import documents

C = TypeVar("C", bound=FilesCheck)

_NOBODYS = "nobody_exposes_this_of_a_drill"
_PLACEHOLDER = "TODO"
_ZERO = f"0x{0:040x}"


def altered(fault: Fault, check: C, folder: Path) -> C | None:
    """The check on copies below ``folder``, in which one thing is spoilt; None where there is nothing to spoil.

    Raises ``ConfigurationError`` where a file cannot be read.
    """
    wanted = [*check.files, *_beside(check)]
    for path in find(check.folder, wanted):
        copy = folder / path.relative_to(check.folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(read(path, check.folder), encoding="utf-8")
    other = replace(check, folder=folder)
    spoils = _SPOILS.get((type(check), fault))
    return other if spoils is not None and spoils(other, find(folder, check.files)) else None


def _beside(check: FilesCheck) -> tuple[str, ...]:
    """What else the check reads."""
    if isinstance(check, RulesCheck):
        return check.tests
    return check.rules if isinstance(check, DashboardCheck) else ()


# ------------------------------------------------------------------------------------ rules, dashboards


def _of_rules(change: Callable[[str], str], *, alerts: bool = False) -> Callable[[Any, list[Path]], bool]:
    """Change the expression of the last rule, or of the last alert."""

    def spoil(_check: FilesCheck, paths: list[Path]) -> bool:
        for path in reversed(paths):
            found = _read(path)
            rules = [rule for each in found for group in each.get("groups") or () for rule in group.get("rules") or ()]
            for rule in reversed(rules):
                if "alert" in rule or not alerts:
                    rule["expr"] = change(str(rule["expr"]))
                    _write(path, found)
                    return True
        return False

    return spoil


def _of_dashboards(change: Callable[[str], str]) -> Callable[[Any, list[Path]], bool]:
    """Change every query of the last dashboard that has one."""

    def spoil(_check: FilesCheck, paths: list[Path]) -> bool:
        for path in reversed(paths):
            document = json.loads(path.read_text(encoding="utf-8"))
            queries = [each for each in _tables(document) if isinstance(each.get("expr"), str)]
            for each in queries:
                each["expr"] = change(each["expr"])
            if queries:
                path.write_text(json.dumps(document), encoding="utf-8")
                return True
        return False

    return spoil


def _broken(expression: str) -> str:
    return f"({expression}"


def _unknown(_expression: str) -> str:
    return f"{_NOBODYS} > 0"


def _never(expression: str) -> str:
    return f"({expression}) and on() (vector(0) > 1)"


# ------------------------------------------------------------------------------------------- manifests


def _image(_check: FilesCheck, paths: list[Path]) -> bool:
    def spoil(found: list[Any]) -> bool:
        for each in _tables(found):
            if isinstance(image := each.get("image"), str) and "@sha256:" in image:
                each["image"] = f"{image.partition('@')[0]}:latest"
                return True
        return False

    return _first(paths, spoil)


def _resource(_check: FilesCheck, paths: list[Path]) -> bool:
    """The last resource is gone; a file that held nothing else keeps an empty list."""
    for path in reversed(paths):
        found = _read(path)
        if found:
            _write(path, found[:-1] or [{"apiVersion": "v1", "kind": "List", "metadata": {"name": "x"}, "items": []}])
            return True
    return False


def _owed(value: str) -> Callable[[Any, list[Path]], bool]:
    """A value of a ConfigMap, a Secret or a container's environment is still owed."""

    def spoil(found: list[Any]) -> bool:
        for each in _tables(found):
            if each.get("kind") in {"ConfigMap", "Secret"}:
                for key in ("data", "stringData"):
                    if isinstance(data := each.get(key), dict) and data:
                        is_coded = each["kind"] == "Secret" and key == "data"
                        data[next(iter(data))] = base64.b64encode(value.encode()).decode() if is_coded else value
                        return True
            if isinstance(each.get("env"), list):
                for variable in each["env"]:
                    if isinstance(variable, dict) and "value" in variable:
                        variable["value"] = value
                        return True
        return False

    return lambda _check, paths: _first(paths, spoil)


# ---------------------------------------------------------------------------------------- environments


def _variable(change: Callable[[str], str | None]) -> Callable[[Any, list[Path]], bool]:
    """Change the most telling variable: a contract's address, the chain id, a value, else any; None takes it out."""

    def spoil(check: EnvironmentCheck, paths: list[Path]) -> bool:
        there = {name: (path, value) for path in paths for name, value in variables(path, check.folder)}
        chain_id = (check.chain_id,) if check.chain_id else ()
        telling = (*check.contracts, *chain_id, *check.values, *check.accounts, *check.variables)
        name = next((each for each in telling if each in there), None)
        if name is None:
            return False
        path, value = there[name]
        _set(path, name, change(value))
        return True

    return spoil


def _otherwise(value: str) -> str:
    """Another value of its kind; an address in one case claims no checksum."""
    if is_address(value):
        return f"{value[:-1].lower()}{int(value[-1], 16) ^ 1:x}"
    return str(int(value) + 1) if value.isdecimal() else f"{value}-drilled"


def _set(path: Path, name: str, value: str | None) -> None:
    if path.suffix in {".yaml", ".yml"}:
        found = _read(path)
        for each in found:
            data = each.get("data") if isinstance(each, dict) and each.get("kind") == "ConfigMap" else None
            if isinstance(data, dict) and name in data:
                del data[name]
                data |= {} if value is None else {name: value}
        _write(path, found)
        return
    line = re.compile(rf"^\s*(?:export\s+)?{re.escape(name)}\s*=.*$", re.MULTILINE)
    text = path.read_text(encoding="utf-8")
    path.write_text(line.sub("" if value is None else f"{name}={value}", text), encoding="utf-8")


# ------------------------------------------------------------------------------------------------ files


def _first(paths: Sequence[Path], spoil: Callable[[list[Any]], bool]) -> bool:
    for path in paths:
        found = _read(path)
        if spoil(found):
            _write(path, found)
            return True
    return False


def _read(path: Path) -> list[Any]:
    return documents(path.name, path.read_text(encoding="utf-8"), refusal=ConfigurationError)


def _write(path: Path, found: list[Any]) -> None:
    """JSON is YAML."""
    path.write_text("\n---\n".join(json.dumps(each) for each in found) + "\n", encoding="utf-8")


def _tables(value: Any) -> Iterator[dict[str, Any]]:
    """Every table of a document, outermost first."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _tables(each)


_SPOILS: Mapping[tuple[type[FilesCheck], Fault], Callable[[Any, list[Path]], bool]] = {
    (RulesCheck, Fault.EXPRESSION): _of_rules(_broken),
    (RulesCheck, Fault.UNKNOWN): _of_rules(_unknown),
    (RulesCheck, Fault.SILENT): _of_rules(_never, alerts=True),
    (DashboardCheck, Fault.EXPRESSION): _of_dashboards(_broken),
    (DashboardCheck, Fault.UNKNOWN): _of_dashboards(_unknown),
    (ManifestCheck, Fault.IMAGE): _image,
    (ManifestCheck, Fault.RESOURCE): _resource,
    (ManifestCheck, Fault.PLACEHOLDER): _owed(_PLACEHOLDER),
    (ManifestCheck, Fault.ZERO): _owed(_ZERO),
    (EnvironmentCheck, Fault.PLACEHOLDER): _variable(lambda _: _PLACEHOLDER),
    (EnvironmentCheck, Fault.ZERO): _variable(lambda _: _ZERO),
    (EnvironmentCheck, Fault.VALUE): _variable(_otherwise),
    (EnvironmentCheck, Fault.VARIABLE): _variable(lambda _: None),
}
