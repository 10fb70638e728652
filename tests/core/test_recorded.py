"""What a room recorded is read strictly: nothing is taken for a count or a text that is none."""

from __future__ import annotations

import pytest

from pytest_rollout.core.recorded import count, texts


@pytest.mark.parametrize("value", [True, -1, 1.0, "1", None])
def test_only_whole_numbers_from_zero_on_count(value: object) -> None:
    assert count(0) == 0
    with pytest.raises(ValueError, match="is no count"):
        count(value)


@pytest.mark.parametrize("value", [None, "a", ("a",), ["a", 1]])
def test_only_lists_of_texts_are_texts(value: object) -> None:
    assert texts([]) == []
    with pytest.raises(TypeError, match="is no list of texts"):
        texts(value)
