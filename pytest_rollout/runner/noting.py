"""What gate files assert without ``assert``, told by calls that are written into their syntax trees.

``raise AssertionError(…)`` is told as it is raised, whoever catches it. An ``if``, a ``try``, a loop right around
``pytest.fail()``, ``self.fail()`` or such a ``raise`` is told as it is reached, for then something was looked at; so is
what tries, or tries again, and fails under conditions. An ``assert all(… for … in …)`` that goes over nothing counts
for nothing. Where pytest does not rewrite, as in processes that are started anew, ``assert`` itself is told as well.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from typing import Any

LOOKED = "@looked"
"""How a function that has such a place names what tells of it; no name of Python's own looks like that."""

_NAMES = {"looked": LOOKED, "raised": "@raised", "held": "@held", "failed": "@failed", "some": "@some"}
_FAILING = frozenset({"pytest.fail", "self.fail"})
_RAISED = frozenset({"AssertionError", "self.failureException"})
_PARTS = ("body", "orelse", "finalbody")
_LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_notes: list[Callable[[bool], None]] = []
_takes_back: list[Callable[[], None]] = []


def tell(note: Callable[[bool], None], take_back: Callable[[], None] = lambda: None) -> None:
    """From now on ``note`` is told of each assertion that ``noted`` trees make: whether it held.

    ``take_back`` is told of one that is about to hold and has looked at nothing.
    """
    _notes[:], _takes_back[:] = [note], [take_back]


def noted(tree: ast.Module, *, asserts: bool = False) -> None:
    """Write the calls into a module's tree; with ``asserts``, for each ``assert`` and failing call as well."""
    writer = _Writer(asserts=asserts)
    writer.visit(tree)
    if writer.has_written:
        aliases = [ast.alias(name=name, asname=shown) for name, shown in _NAMES.items()]
        place = next((i for i, each in enumerate(tree.body) if not _is_ahead(each)), len(tree.body))
        tree.body.insert(place, ast.ImportFrom(module=__name__, names=aliases, level=0))
        ast.fix_missing_locations(tree)


def looked() -> None:
    """What follows asks something, and fails if the answer is wrong."""
    _note(held=True)


def raised(error: Any) -> Any:
    """The same exception, noted if it says "looked and saw otherwise"."""
    if isinstance(error, AssertionError) or (isinstance(error, type) and issubclass(error, AssertionError)):
        _note(held=False)
    return error


def some(values: Any) -> Any:
    """The same values; where there are none, what is said of all of them says nothing."""
    if isinstance(values, Sized):
        if not len(values):
            _take_back()
        return values
    return _at_least_one(values)


def _at_least_one(values: Iterable[Any]) -> Iterator[Any]:
    is_nothing = True
    for each in values:
        is_nothing = False
        yield each
    if is_nothing:
        _take_back()


def held(value: object) -> bool:
    """Whether what was asserted is true."""
    is_held = bool(value)
    _note(held=is_held)
    return is_held


def failed(call: Callable[..., Any]) -> Callable[..., Any]:
    """The function that fails, which is called now."""
    _note(held=False)
    return call


def _note(*, held: bool) -> None:
    for each in _notes:
        each(held)


def _take_back() -> None:
    for each in _takes_back:
        each()


class _Writer(ast.NodeTransformer):
    """Visits every statement of a module once."""

    def __init__(self, *, asserts: bool) -> None:
        self._asserts = asserts
        self.has_written = False

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for part in _PARTS:
            body = getattr(node, part, None)
            if isinstance(body, list):
                body[:] = self._with_looks(body)
        return super().generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if node.exc is not None:
            node.exc = self._call("raised", node.exc)
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        for each in _together(node.test):
            if (over := _said_of_all(each)) is not None:
                over.iter = self._call("some", over.iter)
        if self._asserts:
            node.test = self._call("held", node.test)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if self._asserts and isinstance(node.value, ast.Call) and _is_failing(node):
            node.value.func = self._call("failed", node.value.func)
        return node

    def _with_looks(self, body: list[ast.stmt]) -> Iterator[ast.stmt]:
        for each in body:
            if not isinstance(each, _LATER) and (any(map(_is_failing, _inside(each))) or _may_end_in_failing(each)):
                yield ast.copy_location(ast.Expr(self._call("looked")), each)
            yield each

    def _call(self, name: str, *values: ast.expr) -> ast.Call:
        self.has_written = True
        return ast.Call(func=ast.Name(id=_NAMES[name], ctx=ast.Load()), args=list(values), keywords=[])


def _inside(node: ast.stmt | ast.ExceptHandler) -> Iterator[ast.stmt]:
    """The statements that stand right in a compound one."""
    for branch in (node, *getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        for part in _PARTS:
            yield from getattr(branch, part, [])


def _may_end_in_failing(node: ast.stmt) -> bool:
    """Whether it tries, or tries again, and somewhere says that this was in vain: to reach it is to have tried."""
    if isinstance(node, ast.Try):
        after: list[ast.stmt | ast.ExceptHandler] = [*node.handlers, *node.orelse, *node.finalbody]
        return any(map(_fails_below, after))
    is_again = isinstance(node, ast.While) or (
        isinstance(node, ast.For) and ast.unparse(node.iter).startswith("range(")
    )
    return is_again and any(map(_fails_below, _inside(node)))


def _fails_below(node: ast.stmt | ast.ExceptHandler) -> bool:
    """Whether a failing statement stands in it, though under conditions; not in a loop, which may go over nothing."""
    if isinstance(node, (*_LATER, ast.For, ast.AsyncFor)):
        return False
    return (isinstance(node, ast.stmt) and _is_failing(node)) or any(map(_fails_below, _inside(node)))


def _is_failing(node: ast.stmt) -> bool:
    """Whether a statement says that what was looked at is wrong."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return _dotted(node.value.func) in _FAILING
    if isinstance(node, ast.Raise) and node.exc is not None:
        return _dotted(node.exc.func if isinstance(node.exc, ast.Call) else node.exc) in _RAISED
    return False


def _together(asked: ast.expr) -> Sequence[ast.expr]:
    """What must hold, each by itself."""
    return asked.values if isinstance(asked, ast.BoolOp) and isinstance(asked.op, ast.And) else (asked,)


def _said_of_all(asked: ast.expr) -> ast.comprehension | None:
    """The loop in ``all(… for … in …)``."""
    if isinstance(asked, ast.Call) and _dotted(asked.func) == "all" and len(asked.args) == 1:
        over = asked.args[0]
        if isinstance(over, ast.GeneratorExp | ast.ListComp) and not over.generators[0].is_async:
            return over.generators[0]
    return None


def _dotted(value: ast.expr) -> str:
    return ast.unparse(value) if isinstance(value, ast.Name | ast.Attribute) else ""


def _is_ahead(node: ast.stmt) -> bool:
    """A docstring, or an import that Python wants before all others."""
    is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_docstring or (isinstance(node, ast.ImportFrom) and node.module == "__future__")
