"""Grafana dashboards: every query of every panel, variable and annotation, templates filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_rollout.configuration.exposition import Exposed
from pytest_rollout.configuration.files import Looked, find, read, shown
from pytest_rollout.configuration.rules import rules_of
from pytest_rollout.core.configuration import DashboardCheck
from pytest_rollout.core.errors import ConfigurationError

_SILENT = frozenset({"row", "text", "news", "dashlist", "welcome", "alertlist", "annolist", "pluginlist"})
"""Panels that ask nothing."""

_OTHERS = frozenset({"loki", "elasticsearch", "influxdb", "graphite", "tempo", "jaeger", "cloudwatch", "testdata"})
"""Sources whose queries may stand where those of Prometheus do."""

_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)(?:[:.][^}]*)?\}|(?P<bare>\w+))|\[\[(?P<old>\w+)(?::[^\]]*)?\]\]")
_TEXT = re.compile(r"""(?x) "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | `[^`]*`""")
_BUILT_IN: Mapping[str, str] = {
    "__interval": "5m",
    "__rate_interval": "5m",
    "__range": "1h",
    "__interval_ms": "300000",
    "__range_s": "3600",
    "__range_ms": "3600000",
}
_OF_VARIABLE = re.compile(
    r"^\s*(?P<function>label_values|query_result|metrics|label_names)\s*\((?P<inside>.*)\)\s*$", re.DOTALL
)
_LAST_LABEL = re.compile(r"^(?:(?P<series>.*),)?\s*[A-Za-z_]\w*\s*$", re.DOTALL)


def observe(check: DashboardCheck) -> tuple[dict[str, Any], str]:
    """Every query that does not parse or asks for what nobody exposes; and the files."""
    looked, paths = Looked(), find(check.folder, check.files)
    recorded = {
        str(each["record"])
        for path in find(check.folder, check.rules)
        for each in rules_of(path, check.folder)
        if "record" in each
    }
    exposed = Exposed(check.targets, looked)
    metrics: set[str] = set()
    aside = 0
    for path in paths:
        name = shown(path, check.folder)
        dashboard = Dashboard(name, read(path, check.folder))
        queries = list(dashboard.queries())
        aside += dashboard.aside
        if not queries:
            looked.problems.append(f"{name}: asks Prometheus nothing")
        for where, query in queries:
            looked.looked += 1
            metrics |= exposed.compare(f"{name}: {where}", query, looked, recorded)
        looked.problems += dashboard.problems
        looked.troubles += dashboard.troubles
    looked.said = f"{len(paths)} dashboards, {looked.looked} queries, {len(metrics)} metrics exposed"
    looked.said += f"; {aside} queries of other sources set aside" if aside else ""
    return looked.document(), ", ".join(shown(path, check.folder) for path in paths)[:200]


class Dashboard:
    """One dashboard; ``aside`` counts queries of other sources, once ``queries`` was read through."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self.problems: list[str] = []
        self.troubles: list[str] = []
        self.aside = 0
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise ConfigurationError(f"{name}: is no JSON; export the dashboard as JSON.") from None
        found = found.get("dashboard", found) if isinstance(found, dict) else None
        if not isinstance(found, dict) or not ("panels" in found or "rows" in found):
            raise ConfigurationError(f"{name}: is no Grafana dashboard: it has no panels.")
        self._document: dict[str, Any] = found
        self._variables = self._values()

    def queries(self) -> Iterator[tuple[str, str]]:
        """Every query on Prometheus with where it stands, its variables filled in."""
        for panel in self._panels(self._document):
            title = f"panel {panel.get('title') or panel.get('id')!r}"
            targets = [each for each in _list(panel, "targets") if isinstance(each, dict)]
            if not targets and panel.get("type") not in _SILENT:
                what = (
                    "is a library panel, whose queries stand elsewhere" if "libraryPanel" in panel else "asks nothing"
                )
                (self.troubles if "libraryPanel" in panel else self.problems).append(f"{self._name}: {title} {what}")
            for target in targets:
                source = target.get("datasource") or panel.get("datasource")
                yield from self._filled(title, target.get("expr"), source)
        for each in self._listed("annotations"):
            if each.get("expr"):
                yield from self._filled(f"annotation {each.get('name')!r}", each["expr"], each.get("datasource"))
        for each in self._listed("templating"):
            if each.get("type") == "query":
                query = each.get("query")
                text = query.get("query") if isinstance(query, dict) else query
                yield from self._of_variable(f"variable {each.get('name')!r}", text, each.get("datasource"))

    def _panels(self, holder: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for each in [*_list(holder, "panels"), *_list(holder, "rows")]:
            if isinstance(each, dict):
                if each.get("type") is not None:
                    yield each
                yield from self._panels(each)

    def _listed(self, key: str) -> list[dict[str, Any]]:
        holder = self._document.get(key)
        return [each for each in _list(holder if isinstance(holder, dict) else {}, "list") if isinstance(each, dict)]

    def _filled(self, where: str, query: object, source: object) -> Iterator[tuple[str, str]]:
        if not _is_prometheus(source, query):
            self.aside += 1
        elif not isinstance(query, str) or not query.strip():
            self.problems.append(f"{self._name}: {where} has an empty query")
        else:
            yield from ((where, each) for each in self._fill(where, query))

    def _of_variable(self, where: str, query: object, source: object) -> Iterator[tuple[str, str]]:
        """``label_values(up{…}, job)`` asks for ``up``; ``metrics(…)`` and a label alone ask for no series."""
        match = _OF_VARIABLE.match(query) if isinstance(query, str) else None
        if match is None or not _is_prometheus(source, query):
            self.aside += 1
            return
        inside = match["inside"]
        if match["function"] == "query_result":
            yield from self._filled(where, inside, source)
        elif match["function"] == "label_values" and (series := _LAST_LABEL.match(inside)) and series["series"]:
            yield from self._filled(where, series["series"], source)

    def _values(self) -> dict[str, list[str]]:
        """What each variable may stand for, as far as the file says."""
        found: dict[str, list[str]] = {}
        for each in self._listed("templating"):
            options = [str(option.get("value")) for option in _list(each, "options") if isinstance(option, dict)]
            if not options and each.get("type") in {"custom", "interval", "constant", "textbox"}:
                options = str(each.get("query") or "").split(",")
            current = each.get("current")
            if not options and isinstance(current, dict):
                value = current.get("value")
                options = [str(one) for one in value] if isinstance(value, list) else [str(value)]
            values = [one.strip() for one in options if one.strip() and not one.strip().startswith("$__")]
            found[str(each.get("name"))] = values or (["5m"] if each.get("type") == "interval" else [])
        return found

    def _fill(self, where: str, query: str) -> list[str]:
        """The query with every variable outside of texts written out, once for each value it may have."""
        texts: list[str] = []

        def put_away(match: re.Match[str]) -> str:
            texts.append(match[0])
            return f'"\0{len(texts) - 1}\0"'

        bare = _TEXT.sub(put_away, query)
        used = {name for match in _VARIABLE.finditer(bare) if (name := _name(match)) not in _BUILT_IN}
        unknown = sorted(name for name in used if not self._variables.get(name))
        if unknown:
            self.troubles.append(f"{self._name}: {where}: what ${unknown[0]} stands for cannot be told from the file")
            return []
        rounds = max((len(self._variables[name]) for name in used), default=1)
        return [self._written(bare, texts, number) for number in range(rounds)]

    def _written(self, bare: str, texts: list[str], number: int) -> str:
        def value(match: re.Match[str]) -> str:
            name = _name(match)
            if name in _BUILT_IN:
                return _BUILT_IN[name]
            values = self._variables[name]
            return values[number % len(values)]

        filled = _VARIABLE.sub(value, bare)
        return re.sub(r'"\0(\d+)\0"', lambda match: texts[int(match[1])], filled)


def _name(match: re.Match[str]) -> str:
    return match["braced"] or match["bare"] or match["old"]


def _list(holder: Mapping[str, Any], key: str) -> list[Any]:
    found = holder.get(key)
    return found if isinstance(found, list) else []


def _is_prometheus(source: object, query: object) -> bool:
    """Whether it asks Prometheus: others say so of themselves, who says nothing is taken for it."""
    kind = source.get("type") if isinstance(source, dict) else None
    return query is not None and kind not in _OTHERS
