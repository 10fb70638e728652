"""From the plan's provider to flags that can be asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_rollout.core.errors import FlagError, nearest
from pytest_rollout.core.rollout import FlagSettings
from pytest_rollout.flags.port import Flags

if TYPE_CHECKING:  # importing it for real would load OpenFeature
    from pytest_rollout.flags.client import Source

PROVIDERS = ("memory", "flagd")


def open_flags(settings: FlagSettings, folder: Path, *, rollout: str, stage: str, audience: str | None = None) -> Flags:
    """The flags as the audience of one stage gets them; close them when done.

    Every evaluation carries ``rollout``, ``stage`` and a ``targetingKey``: ``audience``, which is
    ``<rollout>:<stage>`` where none is given, or the user that is asked for. ``folder`` is where
    ``rollout.toml`` lies. Raises ``FlagError`` if the provider is unknown, not installed, or its
    file is missing or broken.
    """
    source = _source(settings, folder)
    from pytest_rollout.flags.client import StageFlags  # noqa: PLC0415 - OpenFeature is paid for here

    return StageFlags(source, rollout=rollout, stage=stage, audience=audience or f"{rollout}:{stage}")


def _source(settings: FlagSettings, folder: Path) -> Source:
    written = settings.provider
    kind, _, file = written.partition(":")
    if written == "memory":
        from pytest_rollout.flags.memory import MemorySource  # noqa: PLC0415 - as above

        return MemorySource(settings.values)
    if kind != "flagd":
        meant = nearest(kind, PROVIDERS)
        exact = f"flagd:{file or 'flags.json'}" if meant == "flagd" else meant
        hint = f" Did you mean '{exact}'?" if meant else ""
        raise FlagError(
            f"rollout.toml: flags.provider: no provider '{written}'; allowed are memory and flagd:<file>.{hint}"
        )
    if not file:
        raise FlagError(
            f"rollout.toml: flags.provider: '{written}' names no file; write 'flagd:flags.json', "
            "with a path beside the plan."
        )
    try:
        from pytest_rollout.flags.flagd import FlagdSource  # noqa: PLC0415 - as above, and an extra
    except ModuleNotFoundError as error:
        raise FlagError(
            f"rollout.toml: flags.provider: '{written}' needs the package openfeature-provider-flagd, "
            "which is not installed. Run: pip install 'pytest-rollout[flagd]'"
        ) from error
    return FlagdSource(file, folder)
