"""From a command line to exit status 0, 10 or 20: every gate of that stage, one after the other."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pytest_rollout.core.errors import LedgerError, RolloutError, UsageError, listed
from pytest_rollout.core.outcome import Verdict
from pytest_rollout.core.rollout import Rollout
from pytest_rollout.plan import check_together, discover, find_gates, load, of_rollout, project_root
from pytest_rollout.runner.arguments import Request, parse, selects
from pytest_rollout.runner.attest_gate import attest_gate
from pytest_rollout.runner.gate import Gate
from pytest_rollout.runner.recorder import Recorder
from pytest_rollout.runner.run import run_gate

if TYPE_CHECKING:
    from pytest_rollout.ledger.port import Ledger
    from pytest_rollout.runner.judged import Judged

INTERRUPTED = 2
USAGE = 4
_PASSED_THROUGH = frozenset({2, 3, 4})
_RESTORE = "\x18\x1b\\\x1b[!p\x1b(B\x0f\x1b[0m"
"""Ends what a terminal may still be in the middle of, and sets it back: what ran may have hidden what follows."""


def main(arguments: Sequence[str], recorder: Recorder | None = None) -> int:
    """Judge what the arguments ask for; prints, and returns the exit status.

    ``recorder`` is one that was started already, lest it wait for our imports.
    """
    try:
        with closing(recorder or Recorder()) as first:
            return _run(arguments, first)
    except LedgerError as error:
        _tell(f"HOLD: {error}", sys.stderr)
        return Verdict.HOLD.exit_status
    except RolloutError as error:
        _tell(f"ERROR: {error}", sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        _tell("HOLD: interrupted; what was recorded until then is in the ledger.", sys.stderr)
        return INTERRUPTED


def _run(arguments: Sequence[str], recorder: Recorder) -> int:
    root = project_root(Path.cwd())
    plans = discover(root)
    if not plans:
        raise UsageError("--stage: no rollout.toml below the project's root; create one with `rollout init`.")
    first, *others = _gates(parse(arguments), plans, root)
    statuses = [_judge(first, recorder)]
    recorder.close()
    for gate in others:
        if statuses[-1] == INTERRUPTED:
            break
        with closing(Recorder()) as another:
            statuses.append(_judge(gate, another))
    return max(statuses, key=_gravity)


def _gates(request: Request, plans: Sequence[Path], root: Path) -> list[Gate]:
    """The gates that the stage and the paths select."""
    cwd = Path.cwd()
    rollouts: list[Rollout] = [load(path, environment=os.environ, root=root) for path in _chosen(request, plans, cwd)]
    check_together(rollouts, root=root)
    gates = []
    for rollout, stage in find_gates(rollouts, request.stage):
        inside = _inside(rollout.folder, plans)
        _, below = selects(request.paths, rollout.folder, rollout.suite, cwd, inside)
        gate = Gate(rollout=rollout, stage=stage, root=root, request=request.allowing(rollout.plugins), below=below)
        gate.check()
        gates.append(gate)
    if len(gates) > 1 and any(option.startswith("--junitxml") for option in request.forwarded):
        raise UsageError(
            f"--junitxml: {len(gates)} gates would write one file ({listed(gate.name for gate in gates)}); "
            "leave it out, each has its own junit.xml under reports/, or name one rollout: --stage=ROLLOUT:STAGE."
        )
    return gates


def _chosen(request: Request, plans: Sequence[Path], cwd: Path) -> list[Path]:
    """The plans that the paths select; each path must select one, lest a misspelt one be taken for judged."""
    for path in request.paths:
        if not any(_is_selected(plan, [path], plans, cwd) for plan in plans):
            folders = listed(str(plan.parent.name) for plan in plans)
            raise UsageError(f"{path}: no rollout lies there; this project has rollouts in {folders}.")
    name, colon, _ = request.stage.partition(":")
    among = of_rollout(plans, name) if colon else plans
    return [plan for plan in among if _is_selected(plan, request.paths, plans, cwd)]


def _is_selected(plan: Path, paths: Sequence[str], plans: Sequence[Path], cwd: Path) -> bool:
    folder = plan.parent
    suite = folder / "suites"
    return selects(paths, folder, suite if suite.is_dir() else folder, cwd, _inside(folder, plans))[0]


def _inside(folder: Path, plans: Sequence[Path]) -> list[Path]:
    """The folders of the rollouts that lie in another one's folder."""
    return [plan.parent for plan in plans if plan.parent != folder and plan.is_relative_to(folder)]


def _judge(gate: Gate, recorder: Recorder) -> int:
    """One gate's status; what keeps it from being judged is told, and keeps no other gate from it."""
    try:
        judged = run_gate(gate, recorder, _ledger_of(gate))
    except LedgerError as error:
        _tell(f"HOLD: {gate.name}: {error}", sys.stderr)
        return Verdict.HOLD.exit_status
    except RolloutError as error:
        _tell(f"ERROR: {gate.name}: {error}", sys.stderr)
        return USAGE
    _tell(_block(gate, judged), sys.stdout)
    for why in filter(None, (judged.report_error, judged.overtaken)):
        _tell(f"HOLD: {why}", sys.stderr)
    if not judged.overtaken:
        _attest(gate, judged)
    return _status(judged)


def _attest(gate: Gate, judged: Judged) -> None:
    """Sign the judgement where a key is named; the recorder has ended, and the status stays what it is."""
    signed = attest_gate(gate.rollout, gate.reports, judged.sealed, _ledger_of(gate), datetime.now(UTC))
    if sentence := signed.sentence(gate.name, gate.root):
        _tell(sentence, sys.stderr if signed.why else sys.stdout)


def _tell(text: str, stream: TextIO) -> None:
    """Print; if the reader is gone, the ledger and the reports have it, and the status stays what it is."""
    is_terminal = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    try:
        print(f"{_RESTORE}{text}" if is_terminal else text, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _ledger_of(gate: Gate) -> Callable[[], Ledger]:
    def opened() -> Ledger:
        from pytest_rollout.ledger.opening import open_ledger  # noqa: PLC0415 - while the recorder starts

        return open_ledger(gate.request.ledger, gate.root, expected_id=gate.rollout.ledger_id)

    return opened


def _status(judged: Judged) -> int:
    """The verdict's status; where it holds, pytest's own 2, 3 and 4 pass through."""
    verdict = judged.sealed.judgement.verdict
    if verdict is Verdict.PROMOTE and (judged.report_error or judged.overtaken):
        return Verdict.HOLD.exit_status
    if verdict is Verdict.HOLD and judged.pytest_status in _PASSED_THROUGH:
        return judged.pytest_status
    return verdict.exit_status


def _gravity(status: int) -> tuple[int, int]:
    """Rollback outranks everything, then pytest's own trouble, then hold, then promote."""
    order = {Verdict.ROLLBACK.exit_status: 3, Verdict.HOLD.exit_status: 1, Verdict.PROMOTE.exit_status: 0}
    return order.get(status, 2), status


def _block(gate: Gate, judged: Judged) -> str:
    from pytest_rollout.reporting.terminal import render  # noqa: PLC0415 - after the run

    width = min(shutil.get_terminal_size((80, 24)).columns, 120)
    is_promote = judged.sealed.judgement.verdict is Verdict.PROMOTE
    following = f"rollout promote {gate.name}" if is_promote else f"rollout status {gate.rollout.name}"
    return render(judged.sealed, judged.written, following, width=max(width, 60), colour=_has_colour())


def _has_colour() -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")
