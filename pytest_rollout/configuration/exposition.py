"""What declared targets expose: the names of their series, as Prometheus would scrape them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_rollout.configuration.asking import ask
from pytest_rollout.configuration.files import Looked
from pytest_rollout.configuration.promql import MADE, Asked, BadQueryError, asked
from pytest_rollout.core.configuration import Target
from pytest_rollout.core.errors import ConfigurationError

_TEXT = "text/plain;version=0.0.4"


class Exposed:
    """The names of all series of all targets; a target that cannot be asked is a trouble of the look."""

    def __init__(self, targets: Sequence[Target], looked: Looked) -> None:
        self.names: set[str] = set()
        self._declared: set[str] = set()
        self._is_whole = True
        for target in targets:
            try:
                self._scrape(target)
            except ConfigurationError as error:
                looked.troubles.append(str(error))
                self._is_whole = False

    def _scrape(self, target: Target) -> None:
        from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 - for those who ask targets

        where = f"{target.service.name}{target.path}"
        text = ask(target.service, target.path, accept=_TEXT).decode("utf-8", "replace")
        try:
            found = list(text_string_to_metric_families(text))
        except (ValueError, KeyError, IndexError) as error:
            raise ConfigurationError(f"{where}: is no Prometheus text ({str(error)[:120]}).") from None
        names = {sample.name for family in found for sample in family.samples}
        if not names:
            raise ConfigurationError(f"{where}: exposes no metric at all.")
        self.names |= names
        self._declared |= {family.name for family in found} | {f"{family.name}_total" for family in found}

    def compare(self, where: str, query: str, looked: Looked, also: Iterable[str] = ()) -> frozenset[str]:
        """Tell what of the query nobody exposes; the names it asks for."""
        try:
            wanted = asked(query)
        except BadQueryError as error:
            looked.problems.append(f"{where}: its query {error}")
            return frozenset()
        there = self.names | MADE | set(also)
        for each in wanted:
            if not each.is_among(there) and self._is_whole:
                looked.problems.append(f"{where}: {self._missing(each)}")
        return frozenset(each.name for each in wanted)

    def _missing(self, each: Asked) -> str:
        if each.is_among(self._declared):
            return f"{each.name} is declared by a target, and has no series yet"
        return f"no target exposes {each.name}"
