from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.core.units import UNITS, UnitError, _units, quantity, show, unit


@pytest.mark.parametrize(
    ("text", "base"),
    [
        pytest.param("99 %", Fraction(99, 100), id="per cent"),
        pytest.param("99.31%", Fraction(9931, 10_000), id="decimals, no blank"),
        pytest.param("0.99 ratio", Fraction(99, 100), id="ratio"),
        pytest.param("200 ms", Fraction(1, 5), id="milliseconds are seconds"),
        pytest.param("5 min", Fraction(300), id="min is not a multiple of M"),
        pytest.param("500k gas", Fraction(500_000), id="k"),
        pytest.param("5M", Fraction(5_000_000), id="M"),
        pytest.param("5 MiB", Fraction(5 * 1024**2), id="MiB is a unit"),
        pytest.param("1,000", Fraction(1000), id="groups"),
        pytest.param("1_000", Fraction(1000), id="underscores"),
        pytest.param(" 0 ", Fraction(0), id="blanks"),
        pytest.param("-3", Fraction(-3), id="negative"),
        pytest.param(
            "115792089237316195423570985008687907853269984665640564039457584007913129639935 wei",
            Fraction(2**256 - 1),
            id="uint256",
        ),
        pytest.param("0.000000000000000001 ether", Fraction(1), id="one wei"),
        pytest.param("9" * 400, Fraction(10**400 - 1), id="the most digits"),
    ],
)
def test_a_quantity_is_read_exactly(text: str, base: Fraction) -> None:
    assert quantity(text).base == base


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("%", id="no number"),
        pytest.param("1,00", id="a decimal comma"),
        pytest.param("1.000,5", id="German groups"),
        pytest.param(".5", id="no leading zero"),
        pytest.param("007", id="leading zeros"),
        pytest.param("1e400", id="an exponent"),
        pytest.param("NaN", id="NaN"),
        pytest.param("inf", id="inf"),
        pytest.param("0x10", id="hexadecimal"),
        pytest.param("٣ %", id="other digits"),
        pytest.param("99 %\u200b", id="an invisible character"),
        pytest.param("9" * 5000, id="a digit bomb"),
        pytest.param("9" * 401, id="a digit too many"),
        pytest.param("1__000", id="two underscores"),
        pytest.param("1_ %", id="a hanging underscore"),
        pytest.param("5 kM", id="two multiples"),
        pytest.param("1 2", id="two numbers"),
    ],
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(UnitError):
        quantity(text)


def test_the_sentence_for_no_quantity_names_it_and_what_to_write() -> None:
    with pytest.raises(UnitError) as caught:
        quantity("about 99")

    assert (
        str(caught.value) == "'about 99' is no quantity; write a number and a unit, such as '99 %', '200 ms' or '1000'"
    )


def test_the_sentence_for_no_quantity_is_of_bounded_length() -> None:
    with pytest.raises(UnitError, match=f"^'{'9' * 80}' is no quantity"):
        quantity("9" * 500)


def test_each_unit_has_its_dimension_and_its_size() -> None:
    """Made anew here, for the table is made once, when the package is loaded."""
    sizes = {
        "ratio": {"ratio": 1, "%": Fraction(1, 100)},
        "count": {"count": 1},
        "time": {
            "ns": Fraction(1, 10**9), "us": Fraction(1, 10**6), "ms": Fraction(1, 1000),
            "s": 1, "min": 60, "h": 3600, "d": 86_400,
        },
        "gas": {"gas": 1},
        "ether": {"wei": 1, "gwei": 10**9, "ether": 10**18},
        "token units": {"units": 1},
        "bytes": {"bytes": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3},
        "blocks": {"blocks": 1},
    }  # fmt: skip

    assert {each.symbol: (each.dimension, each.scale) for each in _units().values()} == {
        symbol: (dimension, size) for dimension, units in sizes.items() for symbol, size in units.items()
    }
    assert _units() == UNITS
    assert all(each.symbol == symbol for symbol, each in _units().items())


def test_a_quantity_is_shown_in_its_own_unit() -> None:
    assert str(quantity("1.50 min")) == "1.5 min"


def test_an_unknown_unit_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UnitError, match=r"no unit 'Gwei'; allowed are ratio, %.*Did you mean 'gwei'\?"):
        unit("Gwei")


@pytest.mark.parametrize(
    ("base", "symbol", "text"),
    [
        (Fraction(151, 152), "ratio", "99.3421… %"),
        (Fraction(99, 100), "ratio", "99 %"),
        (Fraction(9931, 10_000), "%", "99.31 %"),
        (Fraction(989_999_999, 1_000_000_000), "ratio", "98.9999… %"),
        (Fraction(990_000_001, 1_000_000_000), "ratio", "99.0000… %"),
        (Fraction(1, 10**9), "ratio", "0.0000… %"),
        (Fraction(0), "ratio", "0 %"),
        (Fraction(152), "count", "152"),
        (Fraction(1, 5), "ms", "200 ms"),
        (Fraction(1, 3), "s", "0.3333… s"),
        (Fraction(-1, 8), "s", "-0.125 s"),
        (Fraction(2**256 - 1), "wei", f"{2**256 - 1} wei"),
        (Fraction(10**18 + 1), "ether", "1.0000… ether"),
    ],
)
def test_a_value_is_shown_for_people(base: Fraction, symbol: str, text: str) -> None:
    assert show(base, UNITS[symbol]) == text


@given(st.fractions(min_value=0, max_value=1000), st.integers(0, 10**7))
def test_what_is_shown_never_lies_beyond_a_limit_the_value_does_not_reach(value: Fraction, limit: int) -> None:
    """A reader who compares the shown digits with a bound of four decimals never sees it met by rounding."""
    bound = Fraction(limit, 10**4)
    digits = show(value, UNITS["count"])

    shown = Fraction(digits.rstrip("…"))

    assert shown <= value
    assert (shown >= bound) == (value >= bound)
    assert digits.endswith("…") == (shown != value)
