"""Flags in a flagd file, evaluated in this process by flagd's own provider; no server.

The file is read and checked here first, because the provider tells a broken file by a log line
and an error without place. Format: https://flagd.dev/reference/flag-definitions/
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.provider import FeatureProvider

from pytest_rollout.core.errors import FlagError, listed, suggestion
from pytest_rollout.flags.users import ADDRESS, canonical_user

STATES = ("ENABLED", "DISABLED")
POLL_MS = 100
"""How often the provider's watcher looks at the file; also the longest wait when closing."""
WATCHER_ENDS_S = 10.0


class FlagdSource:
    """One flagd file. ``written`` is its path as the plan has it, relative to ``folder``."""

    def __init__(self, written: str, folder: Path) -> None:
        self._written = written
        self._path = (folder / written).absolute()

    @property
    def name(self) -> str:
        """The provider as the plan names it."""
        return f"flagd:{self._written}"

    def names(self) -> Collection[str]:
        """The flags in the file as it is now."""
        return read_flags(self._path, self._written)

    def provider(self) -> FeatureProvider:
        """A provider that reads the file; every setting is given, so ``FLAGD_…`` variables say nothing."""
        read_flags(self._path, self._written)
        provider: FeatureProvider = FlagdProvider(
            resolver_type=ResolverType.FILE,
            offline_flag_source_path=str(self._path),
            deadline_ms=POLL_MS,
        )
        return provider

    def refresh(self, provider: FeatureProvider) -> None:
        """Read the file again, even one whose time did not change; a failure becomes the status."""
        watcher = _watcher(provider)
        watcher.last_modified = 0.0
        watcher.safe_load_data()

    def end(self, provider: FeatureProvider) -> None:
        """Shut down and wait for the watcher, which the provider itself only tells to stop."""
        provider.shutdown()
        thread = getattr(_watcher(provider), "thread", None)
        if thread is None:
            return
        thread.join(timeout=WATCHER_ENDS_S)
        if thread.is_alive():
            raise FlagError(f"{self.name}: the file watcher did not end within {WATCHER_ENDS_S:g} s.")


def _watcher(provider: FeatureProvider) -> Any:
    return provider.resolver.connector  # type: ignore[attr-defined]  # flagd's own; the port does not know it


def read_flags(path: Path, written: str) -> dict[str, Any]:
    """The flags of a flagd file by key; ``FlagError`` says what is wrong with the file, and where."""
    if path.suffix != ".json":
        raise FlagError(
            f"rollout.toml: flags.provider: '{written}' does not end in .json; flagd files are read as JSON."
        )
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        found = sorted(each.name for each in path.parent.glob("*.json")) if path.parent.is_dir() else []
        raise FlagError(
            f"rollout.toml: flags.provider: no file '{written}'; JSON files in its folder: {listed(found)}."
            f"{suggestion(path.name, found)}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "not UTF-8 text"
        raise FlagError(f"rollout.toml: flags.provider: '{written}' cannot be read ({said}).") from error
    try:
        content = json.loads(text, object_pairs_hook=_without_doubles)
    except json.JSONDecodeError as error:
        raise FlagError(
            f"{written}: line {error.lineno} column {error.colno}: not JSON ({error.msg}); "
            'a flagd file is {"flags": {…}}.'
        ) from None
    except _DoubleKeyError as error:
        raise FlagError(f"{written}: '{error}' stands twice in one table; keep one of them.") from None
    flags = content.get("flags") if isinstance(content, dict) else None
    if not isinstance(flags, dict):
        raise FlagError(f'{written}: no table "flags" in it; a flagd file is {{"flags": {{…}}}}.')
    for key, flag in flags.items():
        if wrong := _wrong(flag):
            raise FlagError(f"{written}: flags.{key}{wrong}")
    _refuse_spellings(written, content)
    return flags


class _DoubleKeyError(Exception):
    """A key stands twice; JSON readers would silently take the last."""


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for key, value in pairs:
        if key in table:
            raise _DoubleKeyError(key)
        table[key] = value
    return table


def _wrong(flag: Any) -> str:
    """What the provider would refuse without naming the flag."""
    if not isinstance(flag, dict):
        return f": {json.dumps(flag)} is no flag; a flag has state, variants and defaultVariant."
    if flag.get("state") not in STATES:
        return f".state: {json.dumps(flag.get('state'))}; allowed are {listed(STATES)}."
    variants = flag.get("variants")
    if not isinstance(variants, dict) or not variants:
        return ".variants: a table with at least one variant is needed."
    default = flag.get("defaultVariant")
    name = str(default).lower() if isinstance(default, bool) else default
    if name and name not in variants:
        hint = suggestion(str(name), variants)
        return f".defaultVariant: no variant {json.dumps(default)}; there are {listed(variants)}.{hint}"
    return ""


def _refuse_spellings(written: str, content: dict[str, Any]) -> None:
    """Addresses in targeting must be canonical: keys are, so another spelling never matches one."""
    places = {f"flags.{key}.targeting": flag.get("targeting") for key, flag in content["flags"].items()}
    places["$evaluators"] = content.get("$evaluators")
    for place, rule in places.items():
        for text in _strings(rule):
            if ADDRESS.fullmatch(text.strip()) and text != canonical_user(text):
                raise FlagError(
                    f"{written}: {place}: address '{text}' never matches, because users are compared "
                    f"in lower case; write '{canonical_user(text)}'."
                )


def _strings(rule: Any) -> Iterator[str]:
    if isinstance(rule, str):
        yield rule
    elif isinstance(rule, dict):
        for each in rule.values():
            yield from _strings(each)
    elif isinstance(rule, list):
        for each in rule:
            yield from _strings(each)
