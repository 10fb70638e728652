"""YAML read as what it says: plain data, no alias, no key twice, addresses as they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from pytest_rollout.core.errors import ContractError

DEEPEST = 50


class _Loader(yaml.SafeLoader):
    """Refuses aliases, which make a page of text as large as memory, and keys that are there twice."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "has an alias; write the value out", None)
        self.depth += 1
        if self.depth > DEEPEST:
            raise yaml.composer.ComposerError(None, None, f"is nested more than {DEEPEST} levels deep", None)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [getattr(key, "value", None) for key, _ in node.value]
        twice = next((key for place, key in enumerate(keys) if key in keys[:place]), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"has '{twice}' twice", None)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag not in {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
"""An address without quotes is a hexadecimal integer to YAML; read as text it keeps its checksum."""


def read_yaml(path: Path, text: str) -> Any:
    """What the text says; raises ``ContractError`` that names the file."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a safe loader, narrowed
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ContractError(f"deployments {path}: is no plain YAML: {problem}.") from error
