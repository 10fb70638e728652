"""A drill from its first run, without a fault, to what every item made of every fault."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_rollout.core.faults import Came, Fault, Tried, came_out
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.narrowing import Narrowing
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.rollout import Network, NetworkKind, Rollout, Stage
from pytest_rollout.faults.place import Place, Staged, Target
from pytest_rollout.faults.scenes import SCENES
from pytest_rollout.faults.together import grouped
from pytest_rollout.ledger.opening import DEFAULT, create_ledger, open_ledger
from pytest_rollout.runner.arguments import Request
from pytest_rollout.runner.gate import Gate
from pytest_rollout.runner.judged import Judged
from pytest_rollout.runner.pinning import plan_prefix
from pytest_rollout.runner.recorder import Recorder
from pytest_rollout.runner.run import run_gate

Tell = Callable[[str], None]

_FORK = "drill"
_SQLITE = "sqlite:///"
_JUDGED_ONLY = frozenset({Kind.RUN, Kind.CRITERION, Kind.SOAK, Kind.CHECKLIST})
"""Findings that no item of pytest stands behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a drill came to: every fault on every item, tests that no fault moved, and the network it ran on."""

    tried: tuple[Tried, ...]
    quiet: tuple[str, ...]
    network: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be drilled: which faults, whether the suite's tests run, on which network, and beside which ledger."""

    faults: Sequence[Fault] = tuple(Fault)
    tests: bool = True
    network: str | None = None
    ledger: str | None = None


def drill(rollout: Rollout, stage: Stage, root: Path, asked: Asked, tell: Tell) -> Result:
    """Run the gate without a fault, then under each; nothing is recorded, and no run can promote.

    Every run writes to a copy of the ledger and to reports that are thrown away. Real chains are only
    forked, files only copied.
    """
    rollout, network = _on_own_chain(rollout, stage, asked.network)
    with tempfile.TemporaryDirectory(prefix="rollout-drill-") as folder:
        ledger = _copied(asked.ledger, root, Path(folder))
        runs = _Runs(root=root, stage=stage.name, network=network, ledger=ledger, folder=Path(folder))
        place = Place(
            rollout=rollout,
            stage=stage,
            network=None if network is None else rollout.networks[network],
            prefix=plan_prefix(rollout, root),
            folder=Path(folder),
        )
        tell("without a fault")
        control = runs.run(Staged(rollout=rollout, targets=(), runs_tests=asked.tests))
        drilling = _Drilling(place=place, control=control, runs=runs, tests=asked.tests, tell=tell)
        with ExitStack() as stack:
            drilling.run(list(_staged(asked.faults, place, stack)))
        if Fault.ITEM in asked.faults:
            drilling.leave_out()
    tried = tuple(each for fault in asked.faults for each in drilling.tried.get(fault, ()))
    return Result(tried=tried, quiet=drilling.quiet, network=network or "")


def _staged(faults: Sequence[Fault], place: Place, stack: ExitStack) -> Iterator[tuple[Fault, Staged]]:
    """Every fault that the gate declares something about, staged for as long as ``stack`` is open."""
    for fault in faults:
        if fault is not Fault.ITEM and (found := stack.enter_context(SCENES[fault](place))) is not None:
            yield fault, found


class _Drilling:
    """The runs of one drill, and what came of them: ``tried`` by fault, ``quiet`` tests that no fault moved."""

    def __init__(self, *, place: Place, control: Judged, runs: _Runs, tests: bool, tell: Tell) -> None:
        self.tried: dict[Fault, list[Tried]] = {}
        self._place = place
        self._control = control
        self._runs = runs
        self._tests = tests
        self._tell = tell
        self._heard: list[frozenset[str]] = []

    @property
    def quiet(self) -> tuple[str, ...]:
        if not self._heard:
            return ()
        return tuple(sorted(frozenset.intersection(_passing_tests(self._control), *self._heard)))

    def run(self, staged: Sequence[tuple[Fault, Staged]]) -> None:
        """Several faults at a time where they do not meet; what proved nothing so is tried once more alone."""
        for fault, each in staged:
            self.tried[fault] = list(each.out_of_reach)
        doable = [(fault, each) for fault, each in staged if each.targets]
        for group in grouped(doable, self._place):
            under = self._under(group.staged, "; ".join(fault.words for fault, _ in group.members))
            for fault, each in group.members:
                came = list(_compared(fault, each, self._control, under))
                if len(group.members) > 1 and any(_is_open(one, self._control) for one in came):
                    came = list(_compared(fault, each, self._control, self._under(each, f"{fault.words}, once more")))
                self.tried[fault] = came + self.tried[fault]

    def leave_out(self) -> None:
        """No item is run, behind the gate's back."""
        staged = _nothing_runs(self._place, self._control, tests=self._tests)
        self._tell(Fault.ITEM.words)
        came = list(_compared(Fault.ITEM, staged, self._control, self._runs.run(staged)))
        self.tried[Fault.ITEM] = list(_in_one(came))

    def _under(self, staged: Staged, words: str) -> Judged:
        self._tell(words)
        runs_tests = staged.runs_tests and self._tests
        under = self._runs.run(replace(staged, runs_tests=runs_tests))
        if runs_tests:
            self._heard.append(_passing_tests(under))
        return under


def _is_open(tried: Tried, control: Judged) -> bool:
    """Whether an item that passes without a fault proved nothing under it."""
    finding = _by_item(control).get(tried.item)
    return tried.came is Came.UNPROVEN and (finding is None or finding.outcome is Outcome.PASS)


def _nothing_runs(place: Place, control: Judged, *, tests: bool) -> Staged:
    """Every item left out behind the gate's back: nothing on its command line says so."""
    judgement = control.sealed.judgement
    owed = [each for each in judgement.findings if each.required and each.kind not in _JUDGED_ONLY]
    targets = [Target(item=each.item, findings=(each.item,), looks=False) for each in owed]
    return Staged(
        rollout=place.rollout,
        targets=tuple(targets),
        left_out=tuple(each.item for each in judgement.findings if each.kind not in _JUDGED_ONLY),
        runs_tests=tests,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Runs:
    root: Path
    stage: str
    network: str | None
    ledger: str
    folder: Path

    def run(self, staged: Staged) -> Judged:
        """One run of the gate in an altered world; its output goes nowhere."""
        rollout = staged.rollout
        stage = rollout.stage(self.stage)
        request = Request(
            stage=f"{rollout.name}:{self.stage}",
            network=None if self.network == stage.network else self.network,
            ledger=self.ledger,
            reports=str(self.folder / "reports"),
            formats=frozenset(),
            forwarded=tuple(f"--deselect={each}" for each in staged.left_out),
            narrowings=(Narrowing(what="a drill", why="the world was altered on purpose"),),
        )
        below = () if staged.runs_tests else (str(rollout.plan),)
        gate = Gate(
            rollout=rollout, stage=stage, root=self.root, request=request, below=below, fault=staged.chain_fault
        )
        with closing(Recorder(quiet=True)) as recorder:
            return run_gate(gate, recorder, lambda: open_ledger(self.ledger, self.root))


def _compared(fault: Fault, staged: Staged, control: Judged, under: Judged) -> Iterator[Tried]:
    before, after = _by_item(control), _by_item(under)
    for target in staged.targets:
        earlier, later = _of(target, before), _of(target, after)
        if not any(each.required for each in earlier):
            continue
        seen = under.evidence.observations
        looked = not target.looks or any(seen.get(each.item) for each in later)
        before_it, worst = _worst(earlier), _worst(later)
        came, why = came_out(fault, _outcome(before_it), _outcome(worst), was_looked_at=looked)
        if came is Came.NOTICED and worst is not None:
            why = _said(worst)
        elif came is Came.UNPROVEN and before_it is not None and before_it.outcome is not Outcome.PASS:
            why = f"without a fault it is {_said(before_it)}"
        yield Tried(fault=fault, item=target.item, came=came, why=why)


def _in_one(tried: Sequence[Tried]) -> Iterator[Tried]:
    """Those whose absence nobody noticed, one by one; all others are one fault, lest they drown what counts."""
    others = [each for each in tried if each.came is not Came.MISSED]
    yield from (each for each in tried if each.came is Came.MISSED)
    noticed = [each for each in others if each.came is Came.NOTICED]
    if noticed:
        yield Tried(fault=Fault.ITEM, item=f"{len(noticed)} items", came=Came.NOTICED, why=noticed[0].why)


def _said(finding: Finding) -> str:
    """How an item said no; one that could not look says why in its detail."""
    is_bare = finding.outcome is Outcome.ERROR or finding.measured.startswith("failed in ")
    last = finding.detail.strip().splitlines()[-1:] if is_bare else []
    return ": ".join([finding.outcome.value, finding.measured, *last])[:300]


def _by_item(judged: Judged) -> Mapping[str, Finding]:
    return {finding.item: finding for finding in judged.sealed.judgement.findings}


def _of(target: Target, findings: Mapping[str, Finding]) -> list[Finding]:
    """The findings of a target; a criterion or a soak of several things has one for each."""
    named = [findings[each] for each in target.findings if each in findings]
    each_thing = tuple(f"{each}[" for each in target.findings)
    kinds = {Kind.CRITERION, Kind.SOAK}
    parts = [f for item, f in findings.items() if f.kind in kinds and item.startswith(each_thing)]
    return named + parts


def _worst(findings: Iterable[Finding]) -> Finding | None:
    return min(findings, key=lambda each: each.outcome.gravity, default=None)


def _outcome(finding: Finding | None) -> Outcome | None:
    return None if finding is None else finding.outcome


def _passing_tests(judged: Judged) -> frozenset[str]:
    findings = judged.sealed.judgement.findings
    return frozenset(f.item for f in findings if f.kind is Kind.TEST and f.outcome is Outcome.PASS)


def _on_own_chain(rollout: Rollout, stage: Stage, asked: str | None) -> tuple[Rollout, str | None]:
    """The network that may be spoilt: the one asked for, the stage's own, or a fork of it where others use it too."""
    if asked is not None or stage.network is None:
        return rollout, asked
    network = rollout.networks[stage.network]
    if network.kind is not NetworkKind.RPC:
        return rollout, network.name
    forks = [each.name for each in rollout.networks.values() if each.of is not None and each.of.name == network.name]
    if forks:
        return rollout, forks[0]
    fork = Network(name=_FORK, kind=NetworkKind.FORK, of=network, accounts=network.accounts)
    deployments = dict(rollout.contracts.deployments)
    if network.name in deployments:
        deployments[_FORK] = deployments[network.name]
    contracts = replace(rollout.contracts, deployments=deployments)
    return replace(rollout, networks={**rollout.networks, _FORK: fork}, contracts=contracts), _FORK


def _copied(url: str | None, root: Path, folder: Path) -> str:
    """The address of a throwaway ledger: what a SQLite one holds, so that soaks and ticks count; else an empty one."""
    target = f"{_SQLITE}{folder / 'ledger.db'}"
    source = (url or DEFAULT).removeprefix(_SQLITE)
    if source == (url or DEFAULT):
        create_ledger(target, root)
        return target
    real = (root / source).resolve()
    with (
        closing(sqlite3.connect(f"{real.as_uri()}?mode=ro", uri=True)) as original,
        closing(sqlite3.connect(folder / "ledger.db")) as copy,
    ):
        original.backup(copy)
    return target
