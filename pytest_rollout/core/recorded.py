"""What a room recorded, read strictly: whatever is of another kind was not looked at."""

from __future__ import annotations


def count(value: object) -> int:
    """A whole number from 0 on, never a truth value; raises ``ValueError``."""
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


def texts(value: object) -> list[str]:
    """A list of strings; raises ``TypeError``."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError(f"{value!r:.40} is no list of texts")
    return value
