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

_AWAITING = {
    **dict.fromkeys(("pytest.raises", "pytest.warns", "self.assertRaises", "self.assertWarns"), 1),
    **dict.fromkeys(("self.assertRaisesRegex", "self.assertWarnsRegex"), 2),
}
"""Blocks that await something, with how many arguments they take before what they could call by themselves."""

_EQUAL = (ast.Eq, ast.Is, ast.LtE, ast.GtE)

_OF_NO_MOCK = frozenset({"called_once", "called_once_with", "called_with", "has_calls", "not_called"})
"""What a mock makes up, true whatever happened, where ``assert_`` was forgotten."""

_MESSAGE = 2
"""Where such a call takes its message, counted from one."""


def doubtful(test: Definition, unawaited: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Line and reason of each doubt about one test; ``unawaited`` are names whose call alone runs nothing."""
    if _does_nothing(test):
        yield test.lineno, f"{test.name} does nothing; write what must hold, or take it away"
    raising: set[ast.stmt] = set()
    for node in own_statements(test):
        if isinstance(node, Definition) and node.name.startswith("test_"):
            yield node.lineno, f"{node.name} stands inside {test.name}, so pytest never collects it; move it out"
        elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
            yield node.lineno, f"{test.name} returns a value, which pytest does not look at; use assert"
        elif isinstance(node, ast.Assert):
            yield from ((node.lineno, f"assert of {why}") for why in _always_true(node.test))
            yield from ((node.lineno, why) for why in _misread(node))
        elif isinstance(node, ast.With | ast.AsyncWith):
            raising |= {node.body[-1]} if any(_awaits(node)) else set()
            yield from _behind_what_raises(node)
        elif isinstance(node, ast.Expr) and node not in raising:
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
    if isinstance(asked, ast.Compare) and len(asked.ops) == 1:
        left, right = asked.left, asked.comparators[0]
        if isinstance(asked.ops[0], _EQUAL) and _is_plain(left) and ast.dump(left) == ast.dump(right):
            yield f"`{ast.unparse(asked)[:60]}` compares a thing with itself, which is always true"
        if isinstance(asked.ops[0], ast.GtE) and ast.unparse(right) == "0" and ast.unparse(left).startswith("len("):
            yield f"`{ast.unparse(asked)[:60]}` is always true; no length is below 0"
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
    elif isinstance(value, ast.Call) and len(value.args) <= _AWAITING.get(called, -1):
        yield f"`{ast.unparse(value)[:60]}` is not entered, so nothing is awaited; write with before it"
    elif isinstance(value, ast.Call) and _is_of_contract(value.func):
        yield f"`{ast.unparse(value)[:60]}` asks no chain and sends nothing; write .call() or .transact()"
    elif isinstance(value, ast.Name):
        yield f"`{value.id}` is named and not called; write () behind it"
    elif called in unawaited:
        yield f"{called} is a coroutine or a generator: a call alone runs none of it; await, exhaust or enter it"


def _misread(node: ast.Assert) -> Iterator[str]:
    """What an assertion does not ask, although it is written in it."""
    said = node.msg
    if said is not None and (_is_answer(said) or (isinstance(said, ast.Constant) and not isinstance(said.value, str))):
        yield f"`, {ast.unparse(said)[:60]}` is but the message of this assert; to ask it as well, assert it by itself"
    for each in _asked_of(node.test):
        called = each.func if isinstance(each, ast.Call) else each
        if _is_of_contract(called):
            yield f"`{ast.unparse(each)[:60]}` asks no chain, and is never false or equal to anything; write .call()"


def _asked_of(asked: ast.expr) -> Iterator[ast.expr]:
    """The values whose truth, or whose comparison, an expression is about."""
    if isinstance(asked, ast.BoolOp):
        yield from (each for value in asked.values for each in _asked_of(value))
    elif isinstance(asked, ast.UnaryOp):
        yield from _asked_of(asked.operand)
    elif isinstance(asked, ast.Compare):
        yield from (asked.left, *asked.comparators)
    else:
        yield asked


def _is_of_contract(called: ast.expr) -> bool:
    """Whether it is ``….functions.name``, a contract's function as web3.py writes it."""
    behind = called.value if isinstance(called, ast.Attribute) else None
    return isinstance(behind, ast.Attribute) and behind.attr == "functions"


def _behind_what_raises(block: ast.With | ast.AsyncWith) -> Iterator[tuple[int, str]]:
    """An ``assert`` that ends a block in which something before it must raise."""
    *before, last = block.body
    for awaited in _awaits(block):
        if before and isinstance(last, ast.Assert):
            yield last.lineno, f"is not reached once {awaited} sees what it waits for; move it behind the block"


def _awaits(block: ast.With | ast.AsyncWith) -> Iterator[str]:
    """What a block waits for something to be raised with; such a thing may stand there for that alone."""
    for each in block.items:
        awaited = ast.unparse(each.context_expr.func) if isinstance(each.context_expr, ast.Call) else ""
        if awaited in _AWAITING:
            yield awaited


def _is_plain(value: ast.expr) -> bool:
    """One of a thing's attributes or items: asked twice, the same; whether a thing equals itself may well be asked."""
    is_name = isinstance(value, ast.Name)
    while isinstance(value, ast.Attribute | ast.Subscript):
        value = value.value
    return isinstance(value, ast.Name) and not is_name


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
