"""YAML as plain data, document by document: no alias, no key twice, no tag that makes objects."""

from __future__ import annotations

from typing import Any

import yaml

from pytest_rollout.core.errors import RolloutError

DEEPEST = 100
_TIMES, _NUMBERS = {"tag:yaml.org,2002:timestamp"}, {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}


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
        seen = set()
        for key, _ in node.value:
            said = getattr(key, "value", None)
            if isinstance(said, str) and said in seen:
                raise yaml.constructor.ConstructorError(None, None, f"has '{said[:80]}' twice", key.start_mark)
            seen.add(said if isinstance(said, str) else None)
        return super().construct_mapping(node, deep)


def _text(loader: _Loader, node: yaml.Node) -> str:
    """``=`` and the like: the text itself."""
    return str(loader.construct_scalar(node)) if isinstance(node, yaml.ScalarNode) else ""


def _without(tags: set[str]) -> dict[str, list[tuple[str, Any]]]:
    return {
        first: [(tag, form) for tag, form in resolvers if tag not in tags]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_constructor("tag:yaml.org,2002:value", _text)
_Loader.yaml_implicit_resolvers = _without(_TIMES)


class _LoaderOfTexts(_Loader):
    """An address without quotes is a hexadecimal integer to YAML; read as text it keeps its checksum."""


_LoaderOfTexts.yaml_implicit_resolvers = _without(_TIMES | _NUMBERS)


def documents(name: str, text: str, *, refusal: type[RolloutError], has_numbers: bool = True) -> list[Any]:
    """Every document of the text that says anything; raises ``refusal`` with a sentence that begins with ``name``.

    Times stay texts as they are written, and without ``has_numbers`` numbers do, too.
    """
    try:
        found = yaml.load_all(text, _Loader if has_numbers else _LoaderOfTexts)
        return [each for each in found if each is not None]
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise refusal(f"{name}: is no plain YAML: {problem}{where}.") from None


def table(name: str, text: str, *, refusal: type[RolloutError], has_numbers: bool = True) -> dict[str, Any]:
    """The one table that the text is; raises ``refusal`` where it is anything else."""
    found = documents(name, text, refusal=refusal, has_numbers=has_numbers)
    if len(found) != 1 or not isinstance(found[0], dict):
        raise refusal(f"{name}: is no YAML table; one is needed.")
    return found[0]
