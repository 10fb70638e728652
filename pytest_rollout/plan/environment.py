"""``${NAME}`` and ``${NAME:-default}`` in the strings of a plan, filled from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_rollout.core.errors import suggestion
from pytest_rollout.plan.sentence import GIVEN, Place, Unfit, Written
from pytest_rollout.plan.texts import VARIABLE

_REFERENCE = re.compile(r"(?s)\$\$\{|\$\{(?P<inside>[^}]*)(?P<end>\}?)")


def filled(name: str, tree: Mapping[str, Any], environment: Mapping[str, str]) -> Written:
    """The plan with every reference replaced by its value.

    A value is a string whatever it looks like, and is never looked through again. Raises
    ``PlanError`` for a reference that is malformed, or to a variable that is unset or empty.
    """
    filling = _Filling(written=Written(name=name, tree=tree), environment=environment)
    done = filling.fill((), tree)
    return Written(name=name, tree=done, fills=filling.fills, secrets=filling.secrets)


@dataclass(slots=True, kw_only=True)
class _Filling:
    written: Written
    environment: Mapping[str, str]
    fills: dict[Place, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def fill(self, place: Place, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self.fill((*place, key), each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.fill((*place, index), each) for index, each in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            return self._text(place, value)
        return value

    def _text(self, place: Place, text: str) -> str:
        result, may_show, position = "", "", 0
        for match in _REFERENCE.finditer(text):
            between = text[position : match.start()]
            value, display = self.written.read(place, match, self._reference)
            result += between + value
            may_show += between + display
            position = match.end()
        self.fills[place] = may_show + text[position:]
        return result + text[position:]

    def _reference(self, match: re.Match[str]) -> tuple[str, str]:
        if match["inside"] is None:
            return "${", "${"
        name, separator, default = match["inside"].partition(":-")
        if not match["end"] or not VARIABLE.fullmatch(name) or "${" in default:
            raise Unfit(f"{GIVEN} has a reference that cannot be read; write ${{NAME}}, ${{NAME:-default}} or $${{.")
        value = self.environment.get(name, "")
        if not value and separator:
            return default, default
        if not value:
            state = "is empty" if name in self.environment else "is not set"
            raise Unfit(
                f"environment variable {name} {state}; set it or write ${{{name}:-default}}."
                f"{suggestion(name, self._similar(name))}"
            )
        if not value.isprintable():
            # An undecodable byte, a line feed from a file: it would match nothing and hide nowhere.
            raise Unfit(f"environment variable {name} holds unprintable characters; set it to one line of plain text.")
        self.secrets[name] = value
        return value, f"<{name}>"

    def _similar(self, name: str) -> list[str]:
        return [each for each in self.environment if each[:1] == name[:1]]
