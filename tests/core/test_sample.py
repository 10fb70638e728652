"""A sample is the same in whatever order and in however many parts its members are met."""

from __future__ import annotations

import pytest

from pytest_rollout.core.sample import SIZE, Sample, scrambled


@pytest.mark.parametrize(
    ("number", "mixed"),
    [
        (0, 0xE220A8397B1DCDAF),
        (0x9E3779B97F4A7C15, 0x6E789E6AA1B965F4),
        (2 * 0x9E3779B97F4A7C15 % 2**64, 0x06C45D188009454F),
        (2**64 - 1, 0xE4D971771B652C20),
    ],
)
def test_numbers_are_mixed_as_splitmix64_mixes_them(number, mixed) -> None:
    """The first values are those that its author's program prints for seed 0."""
    assert scrambled(number) == mixed


def sampled(size: int, pairs: list[tuple[int, int | None]]) -> list[tuple[int, int | None]]:
    sample = Sample(size)
    sample.add_all(pairs)
    assert len(sample) == min(size, len(pairs))
    return sorted(sample)


PAIRS: list[tuple[int, int | None]] = [(number, None if number % 7 == 0 else number * 10) for number in range(200)]


def test_those_with_the_smallest_scrambled_numbers_are_kept_in_any_order() -> None:
    smallest = sorted(sorted(PAIRS, key=lambda pair: scrambled(pair[0]))[:20])

    assert sampled(20, PAIRS) == smallest
    for size in (1, 2, 3):
        assert sampled(size, PAIRS) == sorted(sorted(PAIRS, key=lambda pair: scrambled(pair[0]))[:size])
    assert sampled(20, PAIRS[::-1]) == smallest


def test_a_sample_that_is_not_full_keeps_all() -> None:
    assert sampled(200, PAIRS) == sorted(PAIRS)
    assert sampled(3, [(1, 0), (2, None), (3, 5)]) == [(1, 0), (2, None), (3, 5)]
    assert len(Sample()) == 0


def test_parts_merge_into_the_sample_of_the_whole() -> None:
    parts = [sampled(20, PAIRS[start::3]) for start in range(3)]

    assert sampled(20, [pair for part in parts for pair in part]) == sampled(20, PAIRS)


def test_a_sample_holds_ten_thousand_if_nothing_else_is_said() -> None:
    sample = Sample()
    sample.add_all((number, number) for number in range(SIZE + 1))

    assert len(sample) == SIZE == 10_000
