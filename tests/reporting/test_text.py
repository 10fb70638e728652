"""Foreign text is shown and obeyed by nobody."""

from __future__ import annotations

import hashlib
import json
import unicodedata
import xml.etree.ElementTree as ET

import pytest

from pytest_rollout.reporting.text import BODY, LINE, attribute, code, inert, line, markdown, xml


def test_nothing_invisible_is_left_of_any_text(hostile: str) -> None:
    """Control, format and surrogate characters become escapes; only newline and tab stay, and only in bodies."""
    body, single = inert(hostile), line(hostile)

    assert {c for c in body if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} <= {"\n", "\t"}
    assert not {c for c in single if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}


def test_what_is_left_is_bounded_and_encodes(hostile: str) -> None:
    assert len(inert(hostile)) <= 12 * BODY
    assert len(line(hostile)) <= 12 * LINE
    inert(hostile).encode()
    line(hostile).encode("utf-8")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("\x1b[31m", "\\x1b[31m", id="escape"),
        pytest.param("\x00", "\\x00", id="nul"),
        pytest.param("\ud800", "\\ud800", id="surrogate"),
        pytest.param("\u202e", "\\u202e", id="bidi"),
        pytest.param("\U000e0041", "\\U000e0041", id="tag"),
        pytest.param("a\r\nb\rc", "a\nb\\rc", id="carriage return"),
        pytest.param("é 漢字 😀 ✓", "é 漢字 😀 ✓", id="letters stay"),
    ],
)
def test_what_does_not_print_becomes_an_escape(text: str, shown: str) -> None:
    assert inert(text) == shown


def test_a_line_stays_one_line() -> None:
    assert line("a\nb\tc") == "a\\nb\\tc"


def test_a_cut_says_how_much_is_missing_and_the_digest_of_the_whole() -> None:
    whole = "start" + "x" * 12_445 + "E   assert 1 == 2"

    shown = inert(whole, 100)

    assert shown.startswith("start")
    assert shown.endswith("E   assert 1 == 2"), "a traceback says most at its end"
    assert f"… {len(whole) - 100:,} characters cut, sha256 {hashlib.sha256(whole.encode()).hexdigest()} …" in shown


def test_long_lines_with_one_beginning_stay_apart() -> None:
    """Names must not become one name by being cut."""
    assert line("x" * 1000 + "a") != line("x" * 1000 + "b")


def test_any_text_is_well_formed_in_xml(hostile: str) -> None:
    document = f'<a b="{attribute(hostile)}">{xml(hostile)}</a>'

    element = ET.fromstring(document)

    assert element.text == (inert(hostile) or None)
    assert list(element) == []


def test_any_text_is_json(hostile: str) -> None:
    assert json.loads(json.dumps(inert(hostile)).encode()) == inert(hostile)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("<b>&", "&lt;b&gt;&amp;", id="html"),
        pytest.param("a|b", "a&#124;b", id="cell"),
        pytest.param("![x](y) [l](z)", "!\\[x\\](y) \\[l\\](z)", id="image and link"),
        pytest.param("`c` *b* ~s~ $m$", "\\`c\\` \\*b\\* \\~s\\~ \\$m\\$", id="markup"),
        pytest.param("_em_ test_a_b", "\\_em\\_ test_a_b", id="underscores"),
        pytest.param("# head", "\\# head", id="heading"),
        pytest.param("1. one", "1&#46; one", id="list"),
        pytest.param("99.31 % of 152", "99.31 % of 152", id="number"),
        pytest.param("https://e.x @all www.e.x", "https&#58;//e.x &#64;all www&#46;e.x", id="address"),
    ],
)
def test_markdown_shows_text_as_it_is(text: str, shown: str) -> None:
    assert markdown(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a", "`a`", id="plain"),
        pytest.param("a`b", "`` a`b ``", id="backtick"),
        pytest.param("``", "``` `` ```", id="backticks"),
        pytest.param("a|b`", "a&#124;b\\`", id="a cell border is escaped instead"),
        pytest.param("", "", id="nothing"),
        pytest.param(" \n ", "`\\n`", id="newline"),
    ],
)
def test_a_code_span_cannot_be_left(text: str, shown: str) -> None:
    assert code(text) == shown
