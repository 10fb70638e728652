"""Paths into a JSON document: ``data.stats.rate``, ``nodes[0].height``, ``history[*].value``, ``a["odd name"]``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pytest_rollout.core.errors import MetricError, listed, suggestion

_STEP = re.compile(r"""\.?(?:(?P<name>[^.\[\]"'\s]+)|\[(?P<index>[0-9]{1,9})\]|(?P<all>\[\*\])|\["(?P<odd>[^"]+)"\])""")
_SHOWN = 8

Step = str | int | None
"""A key, an index, or None for every entry."""


def path(text: str) -> tuple[Step, ...]:
    """The steps of a path; raises ``MetricError`` for what is none."""
    rest, steps = text.removeprefix("$"), list[Step]()
    while rest:
        match = _STEP.match(rest)
        if match is None:
            raise MetricError(f"'{text[:80]}' is no path; write for example 'data.rate' or 'history[*].value'.")
        if match["index"] is not None:
            steps.append(int(match["index"]))
        else:
            steps.append(None if match["all"] else match["name"] or match["odd"])
        rest = rest[match.end() :]
    return tuple(steps)


def found(document: Any, steps: tuple[Step, ...]) -> list[Any]:
    """What is there, one value for each entry of ``[*]``; below ``[*]``, None where there is nothing.

    Raises ``MetricError`` where a path without ``[*]`` leads nowhere.
    """
    return list(_found(document, steps, [], inside=False))


def _found(document: Any, steps: tuple[Step, ...], gone: list[str], *, inside: bool) -> Iterator[Any]:
    if not steps:
        yield document
        return
    step, rest = steps[0], steps[1:]
    place = ".".join(gone) or "the document"
    if step is None and isinstance(document, list):
        for each in document:
            yield from _found(each, rest, [*gone, "[*]"], inside=True)
    elif isinstance(step, str) and isinstance(document, dict) and step in document:
        yield from _found(document[step], rest, [*gone, step], inside=inside)
    elif isinstance(step, int) and isinstance(document, list) and step < len(document):
        yield from _found(document[step], rest, [*gone, f"[{step}]"], inside=inside)
    elif inside:
        yield None
    else:
        raise MetricError(_nowhere(document, step, place))


def _nowhere(document: Any, step: Step, place: str) -> str:
    if isinstance(step, str) and isinstance(document, dict):
        keys = [str(key)[:40] for key in document][:_SHOWN]
        return f"{place} has no key '{step}', it has {listed(keys)}.{suggestion(step, document)}"
    wanted = "a list" if not isinstance(step, str) else "a table"
    if isinstance(document, list):
        return f"{place} is a list of {len(document)}, and the path asks for {'[*]' if step is None else f'[{step}]'}."
    return f"{place} is no {wanted.split()[1]}, so the path leads nowhere."
