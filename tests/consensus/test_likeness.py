"""Two engines that are one by another name always agree; every way to load two of them finds it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pytest_rollout.cli.commands import run
from pytest_rollout.consensus.chunk import Pair, opened
from pytest_rollout.consensus.dual import DualRun
from pytest_rollout.consensus.opening import open_dual
from pytest_rollout.core.engines import EngineKind, EngineSettings, EngineSpec, Isolation
from pytest_rollout.core.errors import EngineError

ENGINES = """
import functools, threading

class Reference:
    verify_block = staticmethod(lambda block: {"sum": sum(block["transactions"])})

try:
    from no_such_library_in_rust import Candidate
except ImportError:
    Candidate = Reference

class Fork:
    def __init__(self, rules="london", handle=None):
        self.rules, self.lock, self.cache = {"fork": rules}, threading.Lock(), {}
        if handle is not None:
            self.handle = handle
    def verify_block(self, block):
        return self.rules["fork"]

class Falling(Fork):
    def __new__(cls):
        return Fork()

class Slotted:
    __slots__ = ("rules",)
    def __init__(self, rules):
        self.rules = rules
    verify_block = Reference.verify_block

class Later(Fork):
    pass

def paris(): return Fork("paris")
def again(): return Fork()
def made(rules):
    class Engine(Fork):
        def __init__(self): super().__init__(rules)
    return Engine

def itself():
    fork = Fork()
    fork.self = fork
    return fork

london = Fork()
in_paris = functools.partial(Fork, "paris")
in_london = functools.partial(Fork, "london")
Made, Otherwise = made("london"), made("paris")
native, other_native = Fork(handle=iter([])), Fork(handle=iter([]))
slotted, otherwise_slotted = Slotted("london"), Slotted("paris")
long, longer = Fork([1] * 20_000), Fork([1] * 20_000 + [2])
"""

ONE = {
    "a library that is not there": ("Reference", "Candidate"),
    "a class that makes another": ("Fork", "Falling"),
    "a factory that falls back": ("Fork", "again"),
    "one that is there and one that is made": ("london", "Fork"),
    "one with what it would have anyway": ("london", "in_london"),
    "another spelling of the file": ("Reference", "./engines.py:Reference"),
    "the same file from elsewhere": ("Reference", "../{folder}/engines.py:Reference"),
}
TWO = {
    "a subclass": ("Fork", "Later"),
    "other rules": ("Fork", "paris"),
    "other rules by another call": ("in_london", "in_paris"),
    "two classes of one name": ("Made", "Otherwise"),
    "two that hold what nobody can look into": ("native", "other_native"),
    "two with slots": ("slotted", "otherwise_slotted"),
    "two that differ where nobody looks any more": ("long", "longer"),
    "one that holds itself": ("Later", "itself"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "engines.py").write_text(ENGINES)
    (tmp_path / "blocks.ndjson").write_text('{"index": 1, "transactions": [1]}\n')
    return tmp_path


def settings(folder: Path, reference: str, candidate: str, isolation: Isolation = Isolation.THREAD) -> EngineSettings:
    targets = [each if ":" in each else f"engines.py:{each}" for each in (reference, candidate)]
    specs = [EngineSpec(kind=EngineKind.IMPORT, target=each.format(folder=folder.name)) for each in targets]
    return EngineSettings(
        reference=specs[0], candidate=specs[1], isolation=isolation, limit=timedelta(seconds=30), memory=None
    )


@pytest.mark.parametrize(("reference", "candidate"), ONE.values(), ids=ONE)
def test_one_engine_by_two_names_is_refused(folder, reference, candidate) -> None:
    """Its comparisons would be counted, none would diverge, and the gate would promote a candidate nobody ran."""
    with pytest.raises(EngineError, match="is the reference .* by another name, and always agrees with itself"):
        open_dual(settings(folder, reference, candidate), folder)


@pytest.mark.parametrize(("reference", "candidate"), TWO.values(), ids=TWO)
def test_two_engines_are_two_whatever_they_have_in_common(folder, reference, candidate) -> None:
    open_dual(settings(folder, reference, candidate), folder).close()


@pytest.mark.parametrize("candidate", ["Candidate", "again"])
def test_a_process_of_its_own_hides_nothing(folder, candidate) -> None:
    reference = "Reference" if candidate == "Candidate" else "Fork"
    with pytest.raises(EngineError, match="by another name"):
        open_dual(settings(folder, reference, candidate, Isolation.PROCESS), folder)


def test_a_candidate_in_a_process_of_its_own_is_another_one(folder) -> None:
    open_dual(settings(folder, "Fork", "paris", Isolation.PROCESS), folder).close()


def test_a_node_does_not_start_with_one_engine_for_two(folder) -> None:
    with pytest.raises(EngineError, match=r"engine engines.py:Candidate: is the reference engines.py:Reference"):
        DualRun.open("engines.py:Reference", "engines.py:Candidate", folder)


def test_a_replay_does_not_begin_with_one_engine_for_two(folder, monkeypatch, capsys) -> None:
    asked = settings(folder, "Reference", "Candidate")
    with pytest.raises(EngineError, match="by another name"):
        opened(Pair(settings=asked, folder=str(folder)))

    monkeypatch.chdir(folder)
    names = ["--reference", "engines.py:Reference", "--candidate", "engines.py:Candidate"]
    assert run(["replay", *names, "blocks.ndjson"]) == 4
    assert "is the reference engines.py:Reference by another name" in capsys.readouterr().err
