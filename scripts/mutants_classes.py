"""Which survivors are of a kind that needs no reason of its own: each is told by looking at the change alone.

A class is given to a mutant only if its change, and where it stands in the function's text, show that nothing but what
people read is another. Everything else needs its reason in scripts/mutants.toml.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_READS = frozenset({
    "compile", "count", "endswith", "find", "fullmatch", "get", "getattr", "index", "lstrip", "match", "partition",
    "pop", "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rpartition", "rsplit", "rstrip", "search",
    "setdefault", "split", "startswith", "strip", "sub",
})  # fmt: skip
"""What takes a text in order to find something by it, or in another one."""
_QUOTED = re.compile(r"(?=[\"']([^\"'\\\\]+)[\"'])")
_CUT = re.compile(r"\{[^{}]*\[:(?P<length>[1-9][0-9]+)\][^{}]*\}")


def class_of(row: Mapping[str, Any], function: ast.FunctionDef) -> str:
    """The class that a survivor is of, or nothing; ``function`` is what was changed, as it is now."""
    if row["operator"] == "raising":
        return ""
    return next((name for name, holds in CLASSES.items() if holds(row, function)), "")


def _is_wording(row: Mapping[str, Any], function: ast.FunctionDef) -> bool:
    """Another spelling of a text with a blank inside that is compared with nothing and looked for in nothing."""
    return row["operator"] == "operator_string" and _is_said(row, function, lambda text: " " in text.strip())


def _is_mark(row: Mapping[str, Any], function: ast.FunctionDef) -> bool:
    """Another mark between the parts of a sentence: what ``join`` puts there, and ends with a blank."""
    return row["operator"] == "operator_string" and _is_said(
        row, function, lambda text: text in {", ", "; "}, is_joining=True
    )


def _is_said(
    row: Mapping[str, Any], function: ast.FunctionDef, wanted: Callable[[str], bool], *, is_joining: bool = False
) -> bool:
    """Whether the text that was changed is of a kind, and wherever the function has it only goes into other texts."""
    changed = {text for text in _QUOTED.findall(row["before"]) if wanted(text) and _differ(row, text)}
    if is_joining:
        marks = [above for each, above in _texts(function) if each.value in changed]
        return bool(marks) and all(map(_joins, marks))
    places = [(each, above) for each, above in _texts(function) if any(text in each.value for text in changed)]
    return bool(places) and not any(_decides(each, above) for each, above in places)


def _differ(row: Mapping[str, Any], text: str) -> bool:
    """Whether another spelling of a text, once, is all that was changed."""
    before, after = row["before"], row["after"]
    places = [match.start() for match in re.finditer(re.escape(text), before)]
    spelt = {f"XX{text}XX", text.lower(), text.upper(), text.capitalize()} - {text}
    return any(f"{before[:at]}{other}{before[at + len(text) :]}" == after for at in places for other in spelt)


def _texts(function: ast.FunctionDef) -> Iterator[tuple[ast.Constant, list[ast.AST]]]:
    """Each text of a function and what it stands in, the nearest first."""

    def walk(node: ast.AST, above: list[ast.AST]) -> Iterator[tuple[ast.Constant, list[ast.AST]]]:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node, above
        for each in ast.iter_child_nodes(node):
            yield from walk(each, [node, *above])

    yield from walk(function, [])


def _decides(text: ast.Constant, above: list[ast.AST]) -> bool:
    """Whether a text is a key, or something that is compared or looked for."""
    inner: ast.AST = text
    for node in above:
        if isinstance(node, ast.Compare | ast.Subscript | ast.Set | ast.match_case):
            return True
        if isinstance(node, ast.Dict) and inner in node.keys:
            return True
        if isinstance(node, ast.Call) and inner is not node.func:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in _READS:
                return True
        if isinstance(node, ast.stmt):
            return False
        inner = node
    return True


def _joins(above: list[ast.AST]) -> bool:
    nearest = above[0]
    return isinstance(nearest, ast.Attribute) and nearest.attr == "join"


def _is_message(row: Mapping[str, Any], function: ast.FunctionDef) -> bool:
    """What an exception says, not which one is raised nor whether."""
    before = " ".join(row["before"].split())
    if before.startswith("raise ") and before.partition("(")[0] != row["after"].partition("(")[0]:
        return False
    raised = [" ".join(ast.unparse(each).split()) for each in ast.walk(function) if isinstance(each, ast.Raise)]
    try:
        words = ast.unparse(ast.parse(before)) if before.startswith("raise ") else ""
    except SyntaxError:
        return False
    return words in raised if words else False


def _is_cut(row: Mapping[str, Any], function: ast.FunctionDef) -> bool:
    """How many characters of a long text stand in a sentence, one more or less."""
    del function
    before, after = row["before"], row["after"]
    return row["operator"] == "operator_number" and any(
        f"{before[: match.start('length')]}{int(match['length']) + 1}{before[match.end('length') :]}" == after
        for match in _CUT.finditer(before)
    )


def _is_no(row: Mapping[str, Any], function: ast.FunctionDef) -> bool:
    """None for False, from a function that answers yes or no: mypy lets nobody tell the two apart."""
    answers = function.returns is not None and ast.unparse(function.returns) == "bool"
    return answers and (row["before"], row["after"]) == ("return False", "return None")


CLASSES: Mapping[str, Callable[[Mapping[str, Any], ast.FunctionDef], bool]] = {
    "wording of a text for people": _is_wording,
    "the mark between the parts of a text for people": _is_mark,
    "what an exception says; it is raised all the same": _is_message,
    "how much of a long text is shown": _is_cut,
    "None for False, of a function that answers yes or no": _is_no,
}
"""Each class and its test, in the words that the page tells."""
