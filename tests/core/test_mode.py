"""The rungs, in both spellings, and the way down."""

from __future__ import annotations

import pytest

from pytest_rollout.core.errors import EngineError
from pytest_rollout.core.mode import Mode, demoted, mode_of, voided


@pytest.mark.parametrize(
    ("word", "mode"),
    [
        *((each.value, each) for each in Mode),
        ("legacy", Mode.REFERENCE_ONLY),
        ("rust", Mode.CANDIDATE_PRIMARY),
        ("final", Mode.CANDIDATE_ONLY),
    ],
)
def test_both_spellings_are_read(word, mode) -> None:
    assert mode_of(word) is mode
    assert mode_of(mode.spelt) is mode


@pytest.mark.parametrize("word", ["Shadow", "", "primary", None, 1, True, ["shadow"]])
def test_no_other_word_is_a_mode(word) -> None:
    with pytest.raises(EngineError, match="no mode .*; allowed are reference-only \\(legacy\\), shadow, "):
        mode_of(word)


def test_a_mode_is_read_as_itself_and_says_which_engines_it_runs() -> None:
    assert [mode_of(each) for each in Mode] == list(Mode)
    assert [each.runs_reference for each in Mode] == [True, True, True, False]
    assert [each.runs_candidate for each in Mode] == [False, True, True, True]


def test_what_is_no_mode_is_told_whole() -> None:
    words = "reference-only (legacy), shadow, candidate-primary (rust), candidate-only (final)"
    for odd, told in ((7, "7"), ("x" * 99, f"'{'x' * 79}")):
        with pytest.raises(EngineError) as caught:
            mode_of(odd)
        assert str(caught.value) == f"no mode {told}; allowed are {words}."


def test_a_misspelt_mode_is_met_with_the_nearest() -> None:
    with pytest.raises(EngineError, match="Did you mean 'shadow'"):
        mode_of("shaddow")


def test_a_demotion_goes_one_rung_down() -> None:
    """Unless another, lower one is named (rule 28)."""
    assert [demoted(each) for each in Mode if each is not Mode.REFERENCE_ONLY] == list(Mode)[:3]
    assert demoted(Mode.CANDIDATE_ONLY, Mode.SHADOW) is Mode.SHADOW


@pytest.mark.parametrize(
    ("mode", "to", "sentence"),
    [
        (Mode.REFERENCE_ONLY, None, "lowest rung"),
        (Mode.SHADOW, Mode.SHADOW, "shadow is not below shadow"),
        (Mode.SHADOW, Mode.CANDIDATE_ONLY, "candidate-only is not below shadow"),
    ],
)
def test_a_demotion_never_goes_up_or_nowhere(mode, to, sentence) -> None:
    with pytest.raises(EngineError, match=sentence):
        demoted(mode, to)


def test_a_demotion_voids_what_was_gathered_above() -> None:
    climbed = (Mode.REFERENCE_ONLY, Mode.SHADOW, Mode.CANDIDATE_PRIMARY)

    assert voided(climbed, Mode.SHADOW) == (Mode.CANDIDATE_PRIMARY,)
    assert voided(climbed, Mode.REFERENCE_ONLY) == (Mode.SHADOW, Mode.CANDIDATE_PRIMARY)
