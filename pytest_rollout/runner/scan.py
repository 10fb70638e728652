"""The gate's tests as their files write them, read from syntax trees without running a line."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path

from pytest_rollout.core.manifest import Doubt, Function
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.runner.doubting import Definition, doubtful, needing_more_than_a_call
from pytest_rollout.runner.reaching import reaches

PYTHON_FILES = ("test_*.py", "*_test.py")
PYTHON_CLASSES = "Test"
PYTHON_FUNCTIONS = "test"
_REWRITES_NOTHING = "PYTEST_DONT_REWRITE"

_Named = Definition | ast.ClassDef
_Branches = tuple[tuple[int, int], ...]
"""The line of each ``if`` and ``try`` around a statement, and which of its branches it stands in."""

Stages = tuple[str, ...] | None


def scan(rollout: Rollout, stage: Stage, root: Path, files: Sequence[str]) -> tuple[list[Function], list[Doubt]]:
    """The test functions that the gate of ``stage`` owes, and what in its files cannot be believed."""
    functions: list[Function] = []
    doubts: list[Doubt] = []
    unused: list[tuple[str, Definition]] = []
    names = {each.name for each in rollout.stages}
    for relative in files:
        path = root / relative
        if path.suffix != ".py":
            continue
        in_suite = path.is_relative_to(rollout.suite)
        reader = _Reader(relative, names, _folder_stage(rollout, path) if in_suite else None)
        reader.read(path, in_suite=in_suite)
        functions.extend(f for f in reader.functions if f.belongs_to(stage.name))
        doubts.extend(reader.doubts)
        unused.extend((relative, each) for each in reader.fixtures)
    if unused:
        asked = _asked_for([root / each for each in files if each.endswith(".py")])
        doubts.extend(
            Doubt(
                place=f"{relative}:{each.lineno}", text=f"{each.name} is a fixture that no one asks for, so never run"
            )
            for relative, each in unused
            if each.name not in asked
        )
    return functions, doubts


def is_test_file(name: str) -> bool:
    """Whether pytest collects a file of this name in a gate."""
    return any(fnmatch(name, pattern) for pattern in PYTHON_FILES)


def _folder_stage(rollout: Rollout, path: Path) -> str | None:
    first = path.relative_to(rollout.suite).parts[0]
    return first if any(stage.name == first for stage in rollout.stages) else None


class _Reader:
    def __init__(self, relative: str, stages: set[str], folder_stage: str | None) -> None:
        self._relative = relative
        self._stages = stages
        self._folder_stage = folder_stage
        self._unawaited: frozenset[str] = frozenset()
        self.functions: list[Function] = []
        self.fixtures: list[Definition] = []
        self.doubts: list[Doubt] = []

    def read(self, path: Path, *, in_suite: bool) -> None:
        try:
            tree = ast.parse(path.read_bytes(), filename=self._relative)
        except (SyntaxError, ValueError, RecursionError) as error:
            self._doubt(getattr(error, "lineno", 0) or 0, f"cannot be read as Python: {type(error).__name__}")
            return
        for line, what in reaches(tree):
            self._doubt(line, f"reaches into the recorder ({what}), so what it lets be recorded cannot be believed")
        if not in_suite:
            return
        if _REWRITES_NOTHING in (ast.get_docstring(tree) or ""):
            self._doubt(1, f"{_REWRITES_NOTHING} keeps assertions from being counted; take it away")
        if is_test_file(path.name):
            self._unawaited = needing_more_than_a_call(tree)
            self._scope(tree.body, self._relative, None, is_advisory=False)
            if not self.functions:
                self._doubt(1, "a test file without a single test")
        elif path.name != "conftest.py":
            self._misnamed(tree)

    def _doubt(self, line: int, text: str) -> None:
        self.doubts.append(Doubt(place=f"{self._relative}:{line}", text=text))

    def _misnamed(self, tree: ast.Module) -> None:
        for node in tree.body:
            if isinstance(node, Definition) and node.name.startswith("test_") and not _is_fixture(node):
                self._doubt(
                    node.lineno,
                    f"{node.name} is in a file pytest does not collect; rename the file test_….py",
                )

    def _scope(self, body: Sequence[ast.stmt], prefix: str, outer: Stages, *, is_advisory: bool) -> None:
        marks = [node for node in _statements(body) if _assigns(node, "pytestmark")]
        if len(marks) > 1:
            self._doubt(marks[1].lineno, "pytestmark is assigned twice; the first one is lost")
        own = [mark for node in marks for mark in _elements(_value(node))]
        stages = self._stage_names(own, outer)
        is_advisory = is_advisory or _is_advisory(own)
        for lost, by in _redefined(body):
            self._doubt(by.lineno, f"{by.name} is defined again; the one in line {lost.lineno} never runs")
        for node in _statements(body):
            if isinstance(node, Definition) and node.name.startswith(PYTHON_FUNCTIONS) and _is_fixture(node):
                self.fixtures.append(node)
            elif isinstance(node, Definition) and node.name.startswith(PYTHON_FUNCTIONS):
                self._function(node, prefix, stages, is_advisory=is_advisory)
            elif isinstance(node, ast.ClassDef) and (node.name.startswith(PYTHON_CLASSES) or _is_unittest(node)):
                self._class(node, prefix, stages, is_advisory=is_advisory)
            elif isinstance(_value(node), ast.Lambda) and any(_assigns(node, name) for name in _test_names(node)):
                self._doubt(node.lineno, "a lambda as a test asserts nothing; write a function")
            elif _assigns(node, "__test__"):
                self._doubt(node.lineno, "__test__ hides tests from pytest")
            elif _assigns(node, "collect_ignore") or _assigns(node, "collect_ignore_glob"):
                self._doubt(node.lineno, "collect_ignore hides tests from pytest")

    def _class(self, node: ast.ClassDef, prefix: str, stages: Stages, *, is_advisory: bool) -> None:
        if any(isinstance(each, Definition) and each.name in {"__init__", "__new__"} for each in node.body):
            self._doubt(node.lineno, f"class {node.name} has a constructor, so pytest collects none of its tests")
            return
        stages = self._stage_names(node.decorator_list, stages)
        is_advisory = is_advisory or _is_advisory(node.decorator_list)
        self._scope(node.body, f"{prefix}::{node.name}", stages, is_advisory=is_advisory)

    def _function(self, node: Definition, prefix: str, outer: Stages, *, is_advisory: bool) -> None:
        stages = self._stage_names(node.decorator_list, outer)
        self.functions.append(
            Function(
                id=f"{prefix}::{node.name}",
                stages=stages,
                folder_stage=self._folder_stage,
                advisory=is_advisory or _is_advisory(node.decorator_list),
            )
        )
        for line, text in doubtful(node, self._unawaited):
            self._doubt(line, text)

    def _stage_names(self, marks: Sequence[ast.expr], outer: Stages) -> Stages:
        """The nearest marker counts, as in pytest; a name that is no literal cannot be pinned."""
        for mark in marks:
            if _mark_name(mark) != "stage":
                continue
            arguments = mark.args if isinstance(mark, ast.Call) else []
            names = [a.value for a in arguments if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if len(names) != len(arguments) or not names or (isinstance(mark, ast.Call) and mark.keywords):
                self._doubt(mark.lineno, "the stage marker takes literal stage names")
                return outer
            for name in names:
                if name not in self._stages:
                    self._doubt(mark.lineno, f"no stage '{name}' in this rollout")
            return tuple(names)
        return outer


def _asked_for(files: Sequence[Path]) -> set[str]:
    """Every name in these files by which a fixture could be asked for: of parameters, and within texts."""
    asked: set[str] = set()
    for path in files:
        with suppress(SyntaxError, ValueError, RecursionError):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.arg):
                    asked.add(node.arg)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    asked.add(node.value)
    return asked


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a scope, those under ``if``, ``try``, ``with``, ``match`` and the like included."""
    for node in body:
        yield node
        if not isinstance(node, _Named):
            for part in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, part, []))
            for branch in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
                yield from _statements(branch.body)


def _redefined(body: Sequence[ast.stmt]) -> Iterator[tuple[_Named, _Named]]:
    """Each collected definition that a later one of its name replaces, and that later one.

    Definitions in different branches of one ``if`` or ``try`` are alternatives.
    """
    seen: dict[str, tuple[_Named, _Branches]] = {}
    for node, branches in _branched(body, ()):
        if isinstance(node, _Named) and _is_collected(node.name) and not _is_overload(node):
            if node.name in seen and not _are_alternatives(seen[node.name][1], branches):
                yield seen[node.name][0], node
            seen[node.name] = node, branches


def _branched(body: Sequence[ast.stmt], branches: _Branches) -> Iterator[tuple[ast.stmt, _Branches]]:
    for node in body:
        yield node, branches
        if isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While):
            is_if, is_try = isinstance(node, ast.If), isinstance(node, ast.Try)
            here = (*branches, (node.lineno, 0)) if is_if or is_try else branches
            yield from _branched(node.body, here)
            yield from _branched(getattr(node, "orelse", []), (*branches, (node.lineno, 1)) if is_if else here)
            yield from _branched(getattr(node, "finalbody", []), branches)
            for number, handler in enumerate(getattr(node, "handlers", []), start=1):
                yield from _branched(handler.body, (*branches, (node.lineno, number)))


def _are_alternatives(some: _Branches, others: _Branches) -> bool:
    return any(line == other and part != branch for line, part in some for other, branch in others)


def _assigns(node: ast.stmt, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def _test_names(node: ast.stmt) -> list[str]:
    """The names in a statement that pytest would take for tests."""
    return [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id.startswith(PYTHON_FUNCTIONS)]


def _value(node: ast.stmt) -> ast.expr | None:
    return node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None


def _elements(value: ast.expr | None) -> list[ast.expr]:
    if isinstance(value, ast.List | ast.Tuple):
        return list(value.elts)
    return [] if value is None else [value]


def _mark_name(mark: ast.expr) -> str:
    node = mark.func if isinstance(mark, ast.Call) else mark
    is_mark = isinstance(node, ast.Attribute) and ast.unparse(node.value) in {"pytest.mark", "mark"}
    return node.attr if is_mark and isinstance(node, ast.Attribute) else ""


def _is_advisory(marks: Sequence[ast.expr]) -> bool:
    return any(_mark_name(mark) == "advisory" for mark in marks)


def _is_fixture(node: Definition) -> bool:
    """Whether it is decorated by something called ``fixture``; ``usefixtures`` marks a test."""
    calls = (each.func if isinstance(each, ast.Call) else each for each in node.decorator_list)
    return any(ast.unparse(each).rpartition(".")[2] == "fixture" for each in calls)


def _is_overload(node: Definition | ast.ClassDef) -> bool:
    return any(ast.unparse(decorator).endswith(("overload", ".setter")) for decorator in node.decorator_list)


def _is_collected(name: str) -> bool:
    return name.startswith((PYTHON_FUNCTIONS, PYTHON_CLASSES))


def _is_unittest(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith("TestCase") for base in node.bases)
