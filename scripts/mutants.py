"""Does a test notice when a rule of ``core/`` is changed? Each small change - a mutant - is tried against tests/core.

``python scripts/mutants.py [MODULE ...] [--jobs N]`` tries the mutants of these modules, or of all, and keeps how each
came out in build/mutants.jsonl; scripts/mutants_page.py tells of it. mutmut makes the mutants (``pip install
mutmut==3.8.1`` beside the development requirements), and operators of our own, for it leaves plain conditions and
answers alone. They are run here: tests are collected once, every mutant gets a fork of that process in which the code
of one function is exchanged, and only the tests that reach the changed lines run, until one fails. So ten a second are
tried, where starting pytest for each takes a day. A mutant is not tried again while its function and the tests that
reach it are the same.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import gc
import hashlib
import importlib
import json
import os
import resource
import signal
import sys
import time
import types
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import libcst as cst
import pytest
from coverage import Coverage
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

ROOT = Path(__file__).parents[1]
CORE = ROOT / "pytest_rollout" / "core"
KEPT = ROOT / "build" / "mutants.jsonl"
TESTS = "tests/core"
LONGEST_SECONDS = 1800
NEVER_TRIED = 3
GIB = 2**30
MOST_EXAMPLES = 20
HYPOTHESIS = "_hypothesis_internal_use_settings"


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One change of one function: its place, what was written, what is tried instead."""

    module: str
    function: str
    first_line: int
    extent: tuple[int, int]
    """First and last line of the function's body."""
    lines: tuple[int, int]
    """The statement's first and last line; a compound statement's up to its body."""
    operator: str
    before: str
    after: str
    text: str
    """The changed function, inside a class of the same name where it is a method."""
    unchanged: str
    """A digest of the function as it is: of an earlier one nothing is told."""

    @property
    def key(self) -> str:
        """What tells it from all others, whatever stands around the function."""
        return hashlib.sha256(f"{self.module} {self.function} {self.text}".encode()).hexdigest()


def forced(node: cst.If | cst.While | cst.CompIf) -> Iterator[cst.CSTNode]:
    """A condition that always holds, and one that never does."""
    for word in ("True", "False"):
        if isinstance(node, cst.While) and word == "True":
            continue
        yield node.with_changes(test=cst.Name(word))


def swapped(node: cst.Call) -> Iterator[cst.CSTNode]:
    """The opposite of a function that takes many values to one."""
    opposite = {"any": "all", "all": "any", "min": "max", "max": "min"}
    if isinstance(node.func, cst.Name) and node.func.value in opposite:
        yield node.with_changes(func=cst.Name(opposite[node.func.value]))


def nothing(node: cst.Return) -> Iterator[cst.CSTNode]:
    """A function that answers nothing."""
    if node.value is not None and not (isinstance(node.value, cst.Name) and node.value.value == "None"):
        yield node.with_changes(value=cst.Name("None"))


def raising(node: cst.FunctionDef) -> Iterator[cst.CSTNode]:
    """A function that cannot be called: what no test notices then is not tested at all."""
    yield node.with_changes(body=cst.IndentedBlock([cst.parse_statement("raise SystemError('mutant')")]))


OWN = [
    (cst.If, forced),
    (cst.While, forced),
    (cst.CompIf, forced),
    (cst.Call, swapped),
    (cst.Return, nothing),
    (cst.FunctionDef, raising),
]


class Mutations(MutationVisitor):
    """mutmut's walk, and into decorated functions: only their code is exchanged, not what a decorator made of it."""

    line = 0

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        if position := self.get_metadata(PositionProvider, node, None):
            self.line = position.start.line
        if isinstance(node, cst.FunctionDef) and node.decorators:
            return False
        return super()._skip_node_and_children(node)

    def _create_mutations(self, node: cst.CSTNode) -> None:
        for kind, operator in self._operators:
            if isinstance(node, kind):
                before = len(self.mutations)
                self.made(operator, node)
                for mutation in self.mutations[before:]:
                    mutation.operator = operator.__name__
                    mutation.line = self.line

    def made(self, operator: Any, node: cst.CSTNode) -> None:
        """The mutants of one operator."""
        kept, self._operators = self._operators, [(cst.CSTNode, operator)]
        super()._create_mutations(node)
        self._operators = kept


def mutants_of(path: Path, source: str) -> Iterator[Mutant]:
    """Every mutant of a module, function by function, in the order of the text."""
    wrapper = MetadataWrapper(cst.parse_module(source))
    visitor = Mutations([*mutation_operators, *OWN], IgnoredCode(set(), set(), set()))
    module = wrapper.visit(visitor)
    owners = {
        method: statement
        for statement in module.body
        if isinstance(statement, cst.ClassDef)
        for method in statement.body.body
    }
    statements = list(statements_of(source))
    positions = wrapper.resolve(PositionProvider)
    texts: dict[cst.FunctionDef, str] = {}
    for mutation in visitor.mutations:
        function = mutation.contained_by_top_level_function
        if not isinstance(function, cst.FunctionDef):
            continue
        owner = owners.get(function)
        name = f"{owner.name.value}.{function.name.value}" if owner else function.name.value
        start = positions[function.decorators[0] if function.decorators else function].start.line
        changed = (
            mutation.mutated_node
            if mutation.original_node is function
            else function.deep_replace(mutation.original_node, mutation.mutated_node)
        )
        if function not in texts:
            texts[function] = shell(function, owner)
        before, after = texts[function], shell(changed, owner)
        minus, plus = difference(before, after)
        yield Mutant(
            module=path.stem,
            function=name,
            first_line=start,
            extent=(positions[function.body].start.line, positions[function.body].end.line),
            lines=(0, 0)
            if changed.body is not function.body and mutation.operator == "raising"
            else place(mutation.line, statements),
            operator=mutation.operator,
            before=minus,
            after=plus,
            text=after,
            unchanged=digest_of(before),
        )


def digest_of(text: str) -> str:
    """What tells a function's text from any other."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digests_of(source: str) -> Iterator[tuple[str, str]]:
    """The name and the digest of each function of a module, as its mutants have them."""
    for statement in cst.parse_module(source).body:
        for function in statement.body.body if isinstance(statement, cst.ClassDef) else [statement]:
            if isinstance(function, cst.FunctionDef):
                owner = statement if statement is not function else None
                name = f"{owner.name.value}.{function.name.value}" if owner else function.name.value
                yield name, digest_of(shell(function, owner))


def statements_of(source: str) -> Iterator[tuple[int, int]]:
    """First and last line of each statement, handler and case; of a compound one up to its body."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.match_case):
            yield node.pattern.lineno, node.body[0].lineno - 1
        elif isinstance(node, ast.stmt | ast.ExceptHandler) and not isinstance(node, ast.FunctionDef | ast.ClassDef):
            body = getattr(node, "body", None) or getattr(node, "cases", None)
            first = body and (body[0].pattern if isinstance(body[0], ast.match_case) else body[0]).lineno
            yield node.lineno, max(node.lineno, first - 1) if first else node.end_lineno


def place(line: int, statements: list[tuple[int, int]]) -> tuple[int, int]:
    """The innermost statement with a line, or none."""
    around = [each for each in statements if each[0] <= line <= each[1]]
    return min(around, key=lambda each: each[1] - each[0], default=(0, 0))


def shell(function: cst.FunctionDef, owner: cst.ClassDef | None) -> str:
    """A function's text, inside a bare class of the same name where it is a method."""
    bare = function.with_changes(leading_lines=[])
    body = [cst.ClassDef(owner.name, cst.IndentedBlock([bare]))] if owner else [bare]
    return cst.Module(body=body).code


def difference(before: str, after: str) -> tuple[str, str]:
    """The lines in which two texts differ, each on one line."""
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    return tuple(" ".join(line[2:].strip() for line in lines if line[0] == mark) for mark in "-+")


class Room:
    """The functions of core as they are in this process, found by their code."""

    def __init__(self) -> None:
        places = {str(path): path.stem for path in CORE.glob("*.py")}
        self.functions: dict[tuple[str, str, int], list[types.FunctionType]] = {}
        for each in gc.get_objects():
            if isinstance(each, types.FunctionType) and each.__code__.co_filename in places:
                code = each.__code__
                at = places[code.co_filename], code.co_qualname, code.co_firstlineno
                self.functions.setdefault(at, []).append(each)

    def exchange(self, mutant: Mutant) -> None:
        """Puts a mutant in the place of its function, for everyone who holds it."""
        for function in self.functions[mutant.module, mutant.function, mutant.first_line]:
            made = dict(function.__globals__)
            exec(compile("from __future__ import annotations\n" + mutant.text, "mutant", "exec"), made)  # noqa: S102
            name, *method = mutant.function.split(".")
            new = vars(made[name])[method[0]] if method else made[name]
            new = getattr(new, "fget", None) or getattr(new, "__func__", new)
            bound = function.__code__.co_freevars  # a mutant that calls super() no longer has no use for its class
            function.__code__ = new.__code__ if new.__code__.co_freevars else new.__code__.replace(co_freevars=bound)
            function.__defaults__, function.__kwdefaults__ = new.__defaults__, new.__kwdefaults__


class Runner:
    """A pytest plugin in place of its loop: learns which test enters which function, then tries mutants in forks."""

    def __init__(self, mutants: Iterable[Mutant], jobs: int, done: dict[str, dict[str, Any]]) -> None:
        self.mutants, self.jobs, self.done = mutants, jobs, done
        self.failed = False
        self.writing: int | None = None
        self.kills: Counter[tuple[str, str]] = Counter()

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        """Property tests try the same examples each time, and do not look for the smallest one that fails."""
        from hypothesis import Phase, settings  # noqa: PLC0415 - pytest rewrites it first

        settings.register_profile(
            "mutants", deadline=None, phases=(Phase.explicit, Phase.generate), database=None, derandomize=True
        )
        settings.load_profile("mutants")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Notes a failure, before anyone spends time on telling it."""
        if call.excinfo and not call.excinfo.errisinstance(pytest.skip.Exception):
            self.failed = True
            if self.writing is not None:
                os.write(self.writing, item.nodeid.encode())
                os._exit(1)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Everything."""
        from hypothesis import settings  # noqa: PLC0415 - pytest rewrites it first

        for item in session.items:
            if asked := getattr(item.obj, HYPOTHESIS, None):
                setattr(item.obj, HYPOTHESIS, settings(asked, max_examples=min(asked.max_examples, MOST_EXAMPLES)))
        self.items = {item.nodeid: item for item in session.items}
        texts = {test.partition("::")[0] for test in self.items}
        self.texts = {text: (ROOT / text).read_bytes() for text in sorted(texts)}
        for path in CORE.glob("*.py"):
            importlib.import_module(f"pytest_rollout.core.{path.stem}")
        self.room = Room()
        self.learn()
        gc.collect()
        gc.freeze()
        waiting = (mutant for mutant in self.mutants if not self.is_known(mutant))
        running: dict[int, tuple[Mutant, int]] = {}
        self.tried, self.started = 0, time.monotonic()
        for mutant in waiting:
            if not self.tests(mutant):
                self.keep(mutant, "no test", "")
                continue
            while len(running) >= self.jobs:
                self.wait(running)
            pid, pipe = self.fork(mutant)
            running[pid] = mutant, pipe
        while running:
            self.wait(running)
        return True

    def wait(self, running: dict[int, tuple[Mutant, int]]) -> None:
        """Keeps how the next fork that ends came out."""
        pid, status = os.wait()
        mutant, pipe = running.pop(pid)
        with os.fdopen(pipe) as told:
            by = told.read()
        if os.WIFSIGNALED(status):
            return self.keep(mutant, "timed out", by)
        status = os.waitstatus_to_exitcode(status)
        if status == NEVER_TRIED:
            pytest.exit(f"{mutant} was not tried: {by}", 1)
        self.kills[mutant.module, by] += 1
        return self.keep(mutant, "killed" if status else "survived", by)

    def keep(self, mutant: Mutant, outcome: str, by: str) -> None:
        """Writes down how a mutant came out."""
        row = asdict(mutant) | {"key": mutant.key, "outcome": outcome, "by": by, "tests": self.digest(mutant)}
        del row["text"]
        with KEPT.open("a") as kept:
            kept.write(json.dumps(row) + "\n")
        self.tried += 1
        if self.tried % 200 == 0:
            print(f"{self.tried} tried, {self.tried / (time.monotonic() - self.started):.1f} a second, {mutant.module}")
            sys.stdout.flush()

    def learn(self) -> None:
        """Runs every test once in a fork, and keeps which lines of core it reaches and how long it takes."""
        reading, writing = os.pipe()
        if (pid := os.fork()) == 0:
            os.close(reading)
            seconds, status = {}, 1
            try:
                coverage = Coverage(source=[str(CORE)], data_file=None, config_file=False)
                coverage.start()
                for item, following in pairs(list(self.items.values())):
                    coverage.switch_context(item.nodeid)
                    started = time.process_time()
                    self.run(item, following)
                    seconds[item.nodeid] = time.process_time() - started
                    if self.failed:
                        sys.stderr.write(f"{item.nodeid} fails without a mutant\n")
                        break
                else:
                    status = 0
                coverage.stop()
                data = coverage.get_data()
                reached = {Path(name).stem: data.contexts_by_lineno(name) for name in data.measured_files()}
                with os.fdopen(writing, "w") as out:
                    json.dump([seconds, reached], out)
            finally:
                os._exit(status)
        os.close(writing)
        with os.fdopen(reading) as told:
            learnt = told.read()
        if os.waitpid(pid, 0)[1]:
            pytest.exit("the tests do not pass without a mutant", 1)
        self.seconds, reached = json.loads(learnt)
        self.reaching = {
            (module, int(line)): {test for test in tests if test in self.items}
            for module, lines in reached.items()
            for line, tests in lines.items()
        }
        print(f"{len(self.seconds)} tests, {sum(self.seconds.values()):.0f} s")
        sys.stdout.flush()

    def run(self, item: pytest.Item, following: pytest.Item | None) -> None:
        """One test, as pytest runs it."""
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)

    def tests(self, mutant: Mutant) -> list[str]:
        """The tests that reach a mutant: those that noticed others of its module first, then the quick ones."""
        first, last = mutant.lines if mutant.lines[0] else mutant.extent
        tests = set().union(*(self.reaching.get((mutant.module, line), ()) for line in range(first, last + 1)))
        return sorted(tests, key=lambda test: (self.seconds[test] / (1 + self.kills[mutant.module, test]), test))

    def digest(self, mutant: Mutant) -> str:
        """What the tests of a mutant's function are, by their text: where it changes, a survivor is tried again."""
        texts = sorted({test.partition("::")[0] for test in self.tests(mutant)})
        return hashlib.sha256(b"".join(self.texts[text] for text in texts)).hexdigest()

    def is_known(self, mutant: Mutant) -> bool:
        """Whether a mutant was tried before: killed by a test that still is, or by none of the same tests."""
        row = self.done.get(mutant.key)
        if row is None:
            return False
        return row["by"] in self.items or row["tests"] == self.digest(mutant)

    def fork(self, mutant: Mutant) -> tuple[int, int]:
        """A process that tries a mutant, and where it says which test noticed."""
        tests = self.tests(mutant)
        reading, writing = os.pipe()
        if pid := os.fork():
            os.close(writing)
            return pid, reading
        status = NEVER_TRIED
        try:
            os.close(reading)
            resource.setrlimit(resource.RLIMIT_AS, (4 * GIB, 4 * GIB))
            signal.alarm(LONGEST_SECONDS)
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            os.dup2(silent, 2)
            self.writing = writing
            self.room.exchange(mutant)
            status = 1
            for item, following in pairs([self.items[test] for test in tests]):
                signal.setitimer(signal.ITIMER_VIRTUAL, 1 + 5 * self.seconds[item.nodeid])
                self.run(item, following)
            status = 0
        except BaseException as problem:  # noqa: BLE001 - whatever it is, a test did not pass
            os.write(writing, f"{type(problem).__name__}: {problem}".encode()[:2000])
        finally:
            os._exit(status)


def pairs(items: list[pytest.Item]) -> Iterable[tuple[pytest.Item, pytest.Item | None]]:
    """Each test with the next one, which decides what is torn down between them."""
    return zip(items, [*items[1:], None], strict=True)


def kept() -> dict[str, dict[str, Any]]:
    """The last outcome of each mutant by its key."""
    rows = [json.loads(line) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []
    return {row["key"]: row for row in rows}


def main() -> int:
    """Try the mutants of the modules that are named, or of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    os.chdir(ROOT)
    paths = [CORE / f"{name}.py" for name in asked.modules] or sorted(CORE.glob("*.py"))
    sources = {path: path.read_text() for path in paths}
    mutants = (mutant for path, source in sources.items() for mutant in mutants_of(path, source))
    KEPT.parent.mkdir(exist_ok=True)
    options = ["-q", "-s", "--assert=plain", *(f"-pno:{each}" for each in ("rollout", "xdist", "cacheprovider"))]
    return pytest.main([TESTS, *options], plugins=[Runner(mutants, asked.jobs, kept())])


if __name__ == "__main__":
    sys.exit(main())
