"""When an observed value is the one the plan expects: by type and value, nothing coerced."""

from __future__ import annotations


def agree(expected: object, observed: object) -> bool:
    """Whether the two are the same value of the same type; ``True`` is not 1, integers are exact.

    Lists agree element by element in order, tables key by key. Spellings of addresses and hex
    are made equal where they are read from the chain, not here.
    """
    if type(expected) is not type(observed):
        return False
    if isinstance(expected, list) and isinstance(observed, list):
        return len(expected) == len(observed) and all(map(agree, expected, observed))
    if isinstance(expected, dict) and isinstance(observed, dict):
        return expected.keys() == observed.keys() and all(agree(expected[k], observed[k]) for k in expected)
    return expected == observed
