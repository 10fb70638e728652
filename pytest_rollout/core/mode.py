"""The rungs of an engine's replacement, in both spellings, and the way down from each."""

from __future__ import annotations

from enum import StrEnum

from pytest_rollout.core.errors import EngineError, suggestion


class Mode(StrEnum):
    """Which engine answers, and whether the other one runs too; the lowest rung first."""

    REFERENCE_ONLY = "reference-only"
    SHADOW = "shadow"
    CANDIDATE_PRIMARY = "candidate-primary"
    CANDIDATE_ONLY = "candidate-only"

    @property
    def spelt(self) -> str:
        """The word that nodes in the field use: ``legacy``, ``shadow``, ``rust``, ``final``."""
        return _SPELT[self]

    @property
    def rung(self) -> int:
        """0 is reference-only, 3 candidate-only."""
        return list(Mode).index(self)

    @property
    def runs_reference(self) -> bool:
        """Whether the reference must be able to answer."""
        return self is not Mode.CANDIDATE_ONLY

    @property
    def runs_candidate(self) -> bool:
        """Whether the candidate must be able to answer."""
        return self is not Mode.REFERENCE_ONLY


_SPELT = {
    Mode.REFERENCE_ONLY: "legacy",
    Mode.SHADOW: "shadow",
    Mode.CANDIDATE_PRIMARY: "rust",
    Mode.CANDIDATE_ONLY: "final",
}
_READ = {**{each.value: each for each in Mode}, **{word: each for each, word in _SPELT.items()}}
MODE_WORDS = tuple(_READ)
"""Every word that is read as a mode."""


def mode_of(text: object) -> Mode:
    """The mode a word names, in either spelling; raises ``EngineError`` for any other value."""
    if isinstance(text, Mode):
        return text
    if not isinstance(text, str) or text not in _READ:
        near = suggestion(text, _READ) if isinstance(text, str) else ""
        shown = repr(text)[:80]
        allowed = ", ".join(f"{each.value} ({each.spelt})" if each.value != each.spelt else each.value for each in Mode)
        raise EngineError(f"no mode {shown}; allowed are {allowed}.{near}")
    return _READ[text]


def demoted(mode: Mode, to: Mode | None = None) -> Mode:
    """The mode after a demotion: one rung down, or ``to``; raises ``EngineError`` where that is not down (rule 28)."""
    if mode is Mode.REFERENCE_ONLY:
        raise EngineError("reference-only is the lowest rung; there is none to demote to.")
    target = list(Mode)[mode.rung - 1] if to is None else to
    if target.rung >= mode.rung:
        raise EngineError(f"{target.value} is not below {mode.value}; a demotion goes down.")
    return target


def voided(history: tuple[Mode, ...], target: Mode) -> tuple[Mode, ...]:
    """The rungs whose evidence a demotion to ``target`` voids: all above it that were climbed (rule 28)."""
    return tuple(each for each in Mode if each.rung > target.rung and each in history)
