"""The commands, each a thin door to one operation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from pytest_rollout import operations
from pytest_rollout.cli import become_supervisor, ledger_commands, signature_commands, texts
from pytest_rollout.cli.options import (
    By,
    Json,
    LedgerUrl,
    Place,
    echo,
    now,
    person,
    print_,
)
from pytest_rollout.cli.person import as_text
from pytest_rollout.core.errors import LedgerError, Refused, RolloutError, UsageError
from pytest_rollout.core.notice import Undelivered
from pytest_rollout.runner.recorder import leave_no_core

HOLD = 10
USAGE = 4

app = typer.Typer(
    name="rollout",
    help="Gates of a blockchain rollout: judge, tick, promote, roll back, verify.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(signature_commands.app)
app.add_typer(ledger_commands.app, name="ledger")


def run(arguments: Sequence[str]) -> int:
    """Run one command line; every mistake is one sentence on standard error."""
    leave_no_core()
    try:
        return int(app(args=list(arguments), prog_name="rollout", standalone_mode=False) or 0)
    except (Refused, LedgerError) as error:
        return _say(error, HOLD)
    except RolloutError as error:
        return _say(error, USAGE)
    except typer.TyperException as error:
        message = error.format_message()
        return _say(message, USAGE) if message else USAGE
    except (typer.Abort, KeyboardInterrupt):
        return _say("interrupted; nothing more was done.", 2)


def _say(what: object, status: int) -> int:
    typer.echo(f"rollout: {what}", err=True)
    return status


def _warn(undelivered: Sequence[Undelivered]) -> None:
    """Say who was not told; what was done is done all the same."""
    for each in undelivered:
        typer.echo(f"rollout: not told: {each.route}, {each.why}", err=True)


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def gate(context: typer.Context, stage: Place) -> None:
    """Judge the gate of STAGE: the same as `pytest --stage=STAGE`, for pipelines; takes pytest's options."""
    become_supervisor(stage, context.args)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to begin.")] = Path(),
    name: Annotated[str | None, typer.Option(help="The rollout's name; default the folder's.")] = None,
    ledger: LedgerUrl = None,
    as_json: Json = False,
) -> int:
    """Write what is missing: a first rollout.toml with a suite that runs green, and the ledger."""
    from pytest_rollout.cli.starting import begin  # noqa: PLC0415 - only for this command

    done = list(begin(folder, name, ledger))
    print_({"done": done}, "\n".join(done), as_json)
    return 0


@app.command()
def lint(as_json: Json = False) -> int:
    """Read every plan and report contradictions; no network is touched."""
    from pytest_rollout.plan.lint import lint as lint_plan  # noqa: PLC0415 - only for this command

    workspace = operations.Workspace.at(Path.cwd())
    remarks = [(rollout, remark) for rollout in workspace.rollouts for remark in lint_plan(rollout, now=now())]
    document = [
        {"rollout": r.name, "kind": remark.kind.value, "place": remark.place, "text": remark.text}
        for r, remark in remarks
    ]
    print_(document, texts.lint(workspace.rollouts, remarks), as_json)
    return HOLD if any(remark.kind.value == "contradiction" for _, remark in remarks) else 0


@app.command()
def contracts(
    rollout: Annotated[str | None, typer.Argument(metavar="ROLLOUT", help="One rollout; default all.")] = None,
    network: Annotated[str | None, typer.Option(metavar="NAME", help="One network; default all with a record.")] = None,
    as_json: Json = False,
) -> int:
    """Print the contract book of each network with what the chain says beside it; 10 on any difference."""
    from pytest_rollout.cli.contracts import books, text  # noqa: PLC0415 - only for this command

    workspace = operations.Workspace.at(Path.cwd(), place=f"{rollout}:" if rollout else None)
    documents, differs = books([workspace.rollout(rollout)] if rollout else workspace.rollouts, network)
    print_(documents, text(documents), as_json)
    return HOLD if differs else 0


@app.command()
def schema() -> int:
    """Print the JSON Schema of rollout.toml, for editors."""
    from pytest_rollout.plan import schema as plan_schema  # noqa: PLC0415 - only for this command

    echo(json.dumps(plan_schema(), indent=1, ensure_ascii=False))
    return 0


@app.command()
def status(
    rollout: Annotated[str | None, typer.Argument(metavar="ROLLOUT", help="One rollout; default all.")] = None,
    ledger: LedgerUrl = None,
    as_json: Json = False,
) -> int:
    """Where each rollout stands, and what is owed for its next step."""
    workspace = operations.Workspace.at(Path.cwd(), ledger, place=f"{rollout}:" if rollout else None)
    chosen = [workspace.rollout(rollout)] if rollout else workspace.rollouts
    standings = operations.standings(workspace, chosen, now())
    print_([texts.standing_document(s) for s in standings], texts.standings(standings), as_json)
    return 0


@app.command()
def check(
    stage: Place,
    number: Annotated[int, typer.Argument(help="The checklist entry's number, as `rollout status` shows it.")],
    evidence: Annotated[
        Path | None, typer.Option(help="A file to keep with the tick; its SHA-256 is recorded.")
    ] = None,
    note: Annotated[str, typer.Option(help="A remark to record.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take the tick back.")] = False,
    by: By = None,
    ledger: LedgerUrl = None,
    as_json: Json = False,
) -> int:
    """Tick a checklist entry of the current stage."""
    workspace = operations.Workspace.at(Path.cwd(), ledger, place=stage)
    made = operations.tick(
        workspace,
        stage,
        number,
        person=person(by, workspace),
        now=now(),
        note=as_text(note),
        evidence=evidence,
        undo=undo,
    )
    print_(made.document(), texts.ticked(made), as_json)
    return 0


@app.command()
def promote(stage: Place, by: By = None, ledger: LedgerUrl = None, as_json: Json = False) -> int:
    """Look again, then move the rollout on from STAGE, if its judgement still stands."""
    workspace = operations.Workspace.at(Path.cwd(), ledger, place=stage)
    move, entry = operations.promote(workspace, stage, person=person(by, workspace), now=now())
    print_(
        move.document() | {"ledger_entry": entry.sequence, "head": entry.digest},
        texts.promoted(move, entry),
        as_json,
    )
    _warn(operations.tell_move(workspace, move, entry))
    return 0


@app.command()
def rollback(
    stage: Place,
    reason: Annotated[str, typer.Option(help="Why; recorded.")] = "",
    to: Annotated[str | None, typer.Option(metavar="STAGE", help="An earlier stage; default the one before.")] = None,
    by: By = None,
    ledger: LedgerUrl = None,
    as_json: Json = False,
) -> int:
    """Move the rollout back from STAGE and record why."""
    workspace = operations.Workspace.at(Path.cwd(), ledger, place=stage)
    move, entry = operations.roll_back(
        workspace, stage, person=person(by, workspace), reason=as_text(reason), now=now(), to=to
    )
    print_(
        move.document() | {"ledger_entry": entry.sequence, "head": entry.digest},
        texts.rolled_back(move, entry),
        as_json,
    )
    _warn(operations.tell_move(workspace, move, entry))
    return 0


@app.command()
def watch(
    stage: Place,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Look once, for schedulers; what was seen is remembered.")
    ] = False,
    metrics_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep FILE.prom up to date for Prometheus.")
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(metavar="PORT", help="Answer Prometheus at this port of 127.0.0.1; 0: a free one.")
    ] = None,
    ledger: LedgerUrl = None,
    as_json: Json = False,
) -> int:
    """Ask the sources of STAGE again and again: 0 when all holds, 20 when a trigger fires, 10 when it is blind."""
    from pytest_rollout.cli.watching import How, keep_watching  # noqa: PLC0415 - only for this command

    workspace = operations.Workspace.at(Path.cwd(), ledger, place=stage)
    how = How(once=once, as_json=as_json, metrics_file=metrics_file, metrics_port=metrics_port)
    return keep_watching(workspace, stage, how)


@app.command()
def drill(
    stage: Place,
    *,
    fault: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this fault; repeatable.")] = None,
    tests: Annotated[bool, typer.Option("--tests/--no-tests", help="Run the suite's tests as well.")] = True,
    network: Annotated[str | None, typer.Option(metavar="NAME", help="On another network of the plan.")] = None,
    by: By = None,
    ledger: LedgerUrl = None,
    as_json: Json = False,
) -> int:
    """Run the gate of STAGE against deliberate faults and tell which it did not notice: 0 if none, else 10."""
    from pytest_rollout.cli import drilling  # noqa: PLC0415 - only for this command
    from pytest_rollout.operations.drilling import drilled  # noqa: PLC0415 - as above

    workspace = operations.Workspace.at(Path.cwd(), ledger, place=stage)
    made, entry = drilled(
        workspace,
        stage,
        drilling.asked(fault or (), tests=tests, network=network, ledger=ledger),
        person=person(by, workspace),
        now=now,
        tell=lambda what: typer.echo(f"running the gate: {what}", err=True),
    )
    print_(drilling.document(made, entry), drilling.text(made, entry), as_json)
    return 0 if made.is_clean else HOLD


@app.command()
def rules(
    rollout: Annotated[str | None, typer.Argument(metavar="ROLLOUT", help="One rollout; default all.")] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write files there; default: print the rules.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Write the plan's bounds as Prometheus alert rules, and its notifications as Alertmanager routes."""
    from pytest_rollout.cli import monitoring  # noqa: PLC0415 - only for this command
    from pytest_rollout.runner.kept import kept_plan  # noqa: PLC0415 - as above

    workspace = operations.Workspace.at(Path.cwd(), place=f"{rollout}:" if rollout else None)
    chosen = [workspace.rollout(rollout)] if rollout else workspace.rollouts
    if output is None:
        groups = [group for each in chosen for group in monitoring.document(kept_plan(each))["groups"]]
        print_({"groups": groups}, json.dumps({"groups": groups}, indent=1, ensure_ascii=False), as_json)
        return 0
    lines = [line for each in chosen for line in monitoring.write(each, output)]
    print_({"done": lines}, "\n".join(lines), as_json)
    return 0


@app.command()
def report(
    stage: Place,
    reports: Annotated[str, typer.Option("--rollout-reports", metavar="DIR", help="Where reports are.")] = "reports",
    summary: Annotated[
        bool, typer.Option("--summary", help="Print the brief instead, as Markdown that fits a pull request's comment.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Render the Allure results of STAGE's last judgement as one offline page."""
    from pytest_rollout.reporting.allure_page import render_page  # noqa: PLC0415 - only for this command
    from pytest_rollout.reporting.summary import summary as summarised  # noqa: PLC0415 - as above

    workspace = operations.Workspace.at(Path.cwd(), place=stage)
    rollout, found = workspace.gate(stage)
    folder = workspace.root / reports / rollout.name / found.name
    if summary:
        text = summarised(folder)
        print_({"rollout": rollout.name, "stage": found.name, "summary": text}, text.rstrip("\n"), as_json)
        return 0
    page = render_page(folder / "allure-results", folder / "allure.html", workspace.root)
    shown = page.relative_to(workspace.root) if page.is_relative_to(workspace.root) else page
    document = {"rollout": rollout.name, "stage": found.name, "page": str(page)}
    print_(document, f"{rollout.name}:{found.name}: wrote {shown}", as_json)
    return 0


@app.command()
def replay(  # noqa: PLR0917 - one option a line, all by name on the command line
    blocks: Annotated[Path, typer.Argument(metavar="BLOCKS", help="A corpus of blocks, or kept divergences.")],
    rollout: Annotated[str | None, typer.Option(metavar="NAME", help="Whose engines, of several rollouts.")] = None,
    reference: Annotated[
        str | None, typer.Option(metavar="ENGINE", help="module:Name, file.py:Name, a URL, or command:PROGRAM ARGS.")
    ] = None,
    candidate: Annotated[str | None, typer.Option(metavar="ENGINE", help="The engine on trial, the same way.")] = None,
    limit: Annotated[float, typer.Option(metavar="SECONDS", help="The candidate's time on one block.")] = 2.0,
    ignore: Annotated[list[str] | None, typer.Option(metavar="FIELD", help="A field left out; repeatable.")] = None,
    memory: Annotated[
        int | None, typer.Option(metavar="MIB", help="Bound on the candidate's memory, in a process of its own.")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", metavar="N", help="Processes; 0 is this one.")] = None,
    dask: Annotated[str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler, instead of processes.")] = None,
    chunk: Annotated[int, typer.Option(metavar="N", help="Blocks of one chunk.")] = 200,
    journal: Annotated[Path | None, typer.Option(metavar="FILE", help="Go on from here after a kill.")] = None,
    stop: Annotated[bool, typer.Option("--stop", help="End at the first divergence.")] = False,
    keep: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where divergences are kept.")] = None,
    shrink: Annotated[bool, typer.Option("--shrink/--no-shrink", help="Seek the fewest transactions.")] = True,
    as_json: Json = False,
) -> int:
    """Run blocks through both engines and compare what they say; 0 if all agree, 10 if not."""
    from pytest_rollout.cli.replay import Asked, engines, run  # noqa: PLC0415 - only for this command

    if not limit > 0:
        raise UsageError(f"--limit {limit:g}: the candidate needs more than 0 seconds.")
    asked = Asked(
        blocks=blocks,
        reference=reference,
        candidate=candidate,
        limit=timedelta(seconds=limit),
        ignore=tuple(ignore or ()),
        memory=None if memory is None else memory * 1024**2,
        workers=workers,
        dask=dask,
        chunk=chunk,
        journal=journal,
        stop=stop,
        keep=keep,
        shrink=shrink,
    )
    rollouts = []
    if reference is None and candidate is None:
        workspace = operations.Workspace.at(Path.cwd(), place=f"{rollout}:" if rollout else None)
        rollouts = [workspace.rollout(rollout)] if rollout else list(workspace.rollouts)
    settings, folder = engines(asked, rollouts, Path.cwd())
    document, text, is_clean = run(asked, settings, folder)
    print_(document, text, as_json)
    return 0 if is_clean else HOLD


@app.command()
def compare(
    left: Annotated[str, typer.Argument(metavar="A", help="A declared store, or a folder or file.")],
    right: Annotated[str, typer.Argument(metavar="B", help="The one to compare it with.")],
    key: Annotated[
        str, typer.Option(metavar="FIELDS", help="The fields that say who a record is, with commas between.")
    ] = "",
    fields: Annotated[
        str, typer.Option(metavar="FIELDS", help="The fields to compare; default all, or those of the plan.")
    ] = "",
    as_json: Json = False,
) -> int:
    """Compare two stores record by record, as the plan's own checks do; 10 if they differ."""
    from pytest_rollout.cli.comparing import compare_stores  # noqa: PLC0415 - only for this command

    document, text, is_same = compare_stores(Path.cwd(), (left, right), key=key, fields=fields)
    print_(document, text, as_json)
    return 0 if is_same else HOLD
