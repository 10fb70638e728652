"""Statements behind which a test passes without having looked, read from its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

Definition = ast.FunctionDef | ast.AsyncFunctionDef

_LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_ALWAYS_TRUE: tuple[tuple[type[ast.expr], str, str], ...] = (
    (ast.Tuple, "elts", "a tuple is always true; drop the parentheses"),
    (ast.List, "elts", "a list that holds something is always true; compare its elements"),
    (ast.Set, "elts", "a set that holds something is always true; compare its elements"),
    (ast.Dict, "keys", "a table that holds something is always true; compare its values"),
    (ast.JoinedStr, "values", "a text is always true; write what it is to be equal to"),
    (ast.GeneratorExp, "generators", "a generator is always true; write all(…) or any(…)"),
    (ast.Lambda, "body", "a function is always true; call it"),
)
_TRUTHS = frozenset({"assertTrue", "assertFalse"})
_ANSWERS = frozenset({"all", "any", "callable", "hasattr", "isinstance", "issubclass"})
"""What is asked for its answer alone."""

_LAZY = frozenset({"filter", "map", "functools.partial", "partial"})
"""What runs nothing of what it is given until somebody asks for more."""

_OF_NO_MOCK = frozenset({"called_once", "called_once_with", "called_with", "has_calls", "not_called"})
"""What a mock makes up, true whatever happened, where ``assert_`` was forgotten."""

_MESSAGE = 2
"""Where such a call takes its message, counted from one."""


def doubtful(test: Definition, unawaited: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Line and reason of each doubt about one test; ``unawaited`` are names whose call alone runs nothing."""
    if _does_nothing(test):
        yield test.lineno, f"{test.name} does nothing; write what must hold, or take it away"
    for node in own_statements(test):
        if isinstance(node, Definition) and node.name.startswith("test_"):
            yield node.lineno, f"{node.name} stands inside {test.name}, so pytest never collects it; move it out"
        elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
            yield node.lineno, f"{test.name} returns a value, which pytest does not look at; use assert"
        elif isinstance(node, ast.Assert):
            yield from ((node.lineno, f"assert of {why}") for why in _always_true(node.test))
        elif isinstance(node, ast.Expr):
            yield from ((node.lineno, why) for why in _unasked(node.value, unawaited))
        elif isinstance(node, ast.Call):
            yield from ((node.lineno, why) for why in _two_for_one(node))


def own_statements(node: Definition) -> Iterator[ast.AST]:
    """Everything in a function but what its inner functions and classes hold; those by themselves."""
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        each = waiting.pop()
        yield each
        if not isinstance(each, _LATER):
            waiting.extend(ast.iter_child_nodes(each))


def needing_more_than_a_call(tree: ast.Module) -> frozenset[str]:
    """The functions of a module of which a call alone runs not a line: coroutines, generators, context managers."""
    return frozenset(node.name for node in tree.body if isinstance(node, Definition) and _is_suspended(node))


def _is_suspended(node: Definition) -> bool:
    if any(not ast.unparse(each).endswith("contextmanager") for each in node.decorator_list):
        return False  # whatever it is decorated with may run it
    yields = any(isinstance(each, ast.Yield | ast.YieldFrom) for each in own_statements(node))
    return yields or isinstance(node, ast.AsyncFunctionDef)


def _does_nothing(test: Definition) -> bool:
    """Whether nothing is in it, and no fixture looks for it."""
    asks = {each.arg for each in (*test.args.args, *test.args.kwonlyargs)} - {"self"}
    return not asks and not test.decorator_list and all(map(_is_filling, test.body))


def _always_true(asked: ast.expr) -> Iterator[str]:
    if isinstance(asked, ast.BoolOp) and isinstance(asked.op, ast.Or):
        for each in asked.values:
            if (isinstance(each, ast.Constant) and each.value) or any(_always_true(each)):
                yield f"`… or {ast.unparse(each)[:60]}` is always true; compare with each, or write `in (…)`"
    called = asked.func if isinstance(asked, ast.Call) else asked
    if isinstance(called, ast.Attribute) and called.attr in _OF_NO_MOCK:
        yield f"`{ast.unparse(called)[:60]}` is no assertion of a mock's and always true; write assert_{called.attr}"
    for kind, part, why in _ALWAYS_TRUE:
        given: Any = getattr(asked, part, None)
        if isinstance(asked, kind) and given:
            yield why


def _unasked(value: ast.expr, unawaited: frozenset[str]) -> Iterator[str]:
    """What is written as if it were asserted."""
    called = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
    if _is_answer(value) or called in _ANSWERS:
        yield f"`{ast.unparse(value)[:60]}` is compared, and nobody looks at the answer; write assert before it"
    elif isinstance(value, ast.Attribute) and value.attr.startswith("assert"):
        yield f"`{ast.unparse(value)[:60]}` is named and not called; write () behind it"
    elif isinstance(value, ast.GeneratorExp | ast.Lambda) or called in _LAZY:
        yield f"`{ast.unparse(value)[:60]}` runs nothing of what stands in it; write a loop, or call it"
    elif isinstance(value, ast.Name):
        yield f"`{value.id}` is named and not called; write () behind it"
    elif called in unawaited:
        yield f"{called} is a coroutine or a generator: a call alone runs none of it; await, exhaust or enter it"


def _is_answer(value: ast.expr) -> bool:
    """Whether this does nothing but compare."""
    if isinstance(value, ast.BoolOp):
        return all(map(_is_answer, value.values))
    return isinstance(value, ast.Compare) or (isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not))


def _two_for_one(call: ast.Call) -> Iterator[str]:
    """``assertTrue(status, 200)`` looks at the status alone; the second is its message."""
    if isinstance(call.func, ast.Attribute) and call.func.attr in _TRUTHS and len(call.args) == _MESSAGE:
        second = call.args[1]
        if isinstance(second, ast.Constant) and not isinstance(second.value, str):
            yield f"{call.func.attr} looks at its first value alone; to compare two, use assertEqual"


def _is_filling(node: ast.stmt) -> bool:
    """``pass``, a docstring, an ellipsis."""
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None
