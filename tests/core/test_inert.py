"""Foreign text prints and is obeyed by nobody."""

from __future__ import annotations

import pytest

from pytest_rollout.core.inert import inert_body, inert_line, shortened

TEXTS: dict[str, tuple[str, str, str]] = {
    "plain": ("a é 漢", "a é 漢", "a é 漢"),
    "lines": ("a\n\tb", "a\n\tb", "a\\n\\tb"),
    "lines of Windows": ("a\r\nb", "a\nb", "a\\r\\nb"),
    "a line written over": ("a\rb", "a\\rb", "a\\rb"),
    "a command of a terminal": ("\x1b[2J\x9b", "\\x1b[2J\\x9b", "\\x1b[2J\\x9b"),
    "another direction": ("\u202eb", "\\u202eb", "\\u202eb"),
    "half a pair": ("\ud800", "\\ud800", "\\ud800"),
    "no character": ("\U0001fffe", "\\U0001fffe", "\\U0001fffe"),
}


@pytest.mark.parametrize(("text", "body", "line"), TEXTS.values(), ids=ascii)
def test_what_does_not_print_becomes_a_visible_escape(text: str, body: str, line: str) -> None:
    assert inert_body(text) == body
    assert inert_line(text) == line


@pytest.mark.parametrize(
    ("limit", "beginning", "shown"),
    [
        (10, 2 / 3, "0123456789"),
        (9, 2 / 3, "012345\n… 1 characters cut …\n789"),
        (6, 1, "012345\n… 4 characters cut …"),
        (6, 0, "… 4 characters cut …\n456789"),
        (4, 1 / 2, "01\n… 6 characters cut …\n89"),
    ],
)
def test_a_long_text_keeps_its_ends_and_says_how_much_is_cut(limit: int, beginning: float, shown: str) -> None:
    assert shortened("0123456789", limit, beginning=beginning) == shown


def test_two_thirds_of_what_is_kept_are_the_beginning() -> None:
    assert shortened("0123456789", 6) == "0123\n… 4 characters cut …\n89"
