"""``rollout ledger …``: the record read, verified, carried elsewhere and back, merged and anchored."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pytest_rollout.cli.options import Json, LedgerUrl, Place, echo, print_

app = typer.Typer(help="Read the record, and verify it as a stranger would.", no_args_is_help=True)


@app.command("show")
def show(
    sequence: Annotated[
        int | None, typer.Argument(metavar="ENTRY", help="One entry in full; default all, a line each.")
    ] = None,
    ledger: LedgerUrl = None,
    as_json: Json = False,
) -> int:
    """Print what is recorded."""
    from pytest_rollout.cli import ledger as record  # noqa: PLC0415 - for those who need it

    for line in record.show(Path.cwd(), ledger, sequence, as_json=as_json):
        echo(line)
    return 0


@app.command("verify")
def verify(
    *,
    head: Annotated[str | None, typer.Option(help="A head noted elsewhere; the ledger must contain it.")] = None,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An export, instead of a ledger; nothing else is needed.")
    ] = None,
    judge: Annotated[bool, typer.Option("--judge", help="Judge every judgement's evidence again.")] = False,
    anchors: Annotated[
        str | None, typer.Option(metavar="NETWORK", help="Compare with the heads anchored on that network.")
    ] = None,
    contract: Annotated[str | None, typer.Option(metavar="ADDRESS", help="The contract that anchors.")] = None,
    account: Annotated[str | None, typer.Option(metavar="ADDRESS", help="The account that anchors.")] = None,
    ledger: LedgerUrl = None,
    as_json: Json = False,
) -> int:
    """Verify every entry from the first on; compare with heads noted elsewhere to find a cut tail."""
    from pytest_rollout.cli import ledger as record  # noqa: PLC0415 - as above

    wanted = record.Wanted(head=head, export=export, judge=judge, anchors=anchors, contract=contract, account=account)
    document, text = record.verify(Path.cwd(), ledger, wanted)
    print_(document, text, as_json)
    return 0


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write; never overwritten.")],
    ledger: LedgerUrl = None,
    as_json: Json = False,
) -> int:
    """Write the whole record, evidence included, into one file that verifies by itself: also a backup."""
    from pytest_rollout.cli import ledger as record  # noqa: PLC0415 - as above

    document, text = record.export(Path.cwd(), ledger, file)
    print_(document, text, as_json)
    return 0


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `rollout ledger export` wrote.")],
    ledger: LedgerUrl = None,
    as_json: Json = False,
) -> int:
    """Make a ledger of an export, or bring an older copy up to date; never replaces an entry."""
    from pytest_rollout.cli import ledger as record  # noqa: PLC0415 - as above

    document, text = record.import_(Path.cwd(), ledger, file)
    print_(document, text, as_json)
    return 0


@app.command("merge")
def merge(
    stage: Place,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Exports of the ledgers of all parts.")],
    *,
    ledger: LedgerUrl = None,
    as_json: Json = False,
) -> int:
    """Judge the partial runs of a CI matrix as one, if together they are exactly the gate of STAGE."""
    from pytest_rollout import operations  # noqa: PLC0415 - as above
    from pytest_rollout.cli.merging import merge as merge_parts  # noqa: PLC0415 - as above

    workspace = operations.Workspace.at(Path.cwd(), ledger, place=stage)
    document, text, status = merge_parts(workspace, stage, files, now=datetime.now(UTC))
    print_(document, text, as_json)
    return status


@app.command("anchor")
def anchor(
    *,
    network: Annotated[str, typer.Option(metavar="NAME", help="A declared network of kind rpc.")],
    key_env: Annotated[str, typer.Option(metavar="NAME", help="The variable with the private key that pays.")],
    contract: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="The contract that anchors; without it, one is deployed.")
    ] = None,
    allow_writes: Annotated[
        bool, typer.Option("--allow-writes", help="The second lock; the first is writes = true in the plan.")
    ] = False,
    ledger: LedgerUrl = None,
    as_json: Json = False,
) -> int:
    """Write the ledger's head to a chain, where nobody can take it back."""
    from pytest_rollout import operations  # noqa: PLC0415 - as above
    from pytest_rollout.ledger.signing import key_from_environment  # noqa: PLC0415 - eth_account

    workspace = operations.Workspace.at(Path.cwd(), ledger)
    written = operations.anchoring.anchor(
        workspace, network, key=key_from_environment(key_env), contract=contract, allow_writes=allow_writes
    )
    text = (
        f"anchored entry {written.sequence}, head {written.head}\nin block {written.block} of {network} "
        f"(chain {written.chain_id}), transaction {written.transaction}\n"
        f"next: rollout ledger verify --anchors {network} --contract {written.contract} --account {written.account}"
    )
    print_(written.document(), text, as_json)
    return 0


@app.command("sql")
def sql() -> int:
    """Print the SQL that sets up a PostgreSQL ledger: tables, guards, and a role that may append and nothing else."""
    from pytest_rollout.ledger.postgres_sql import script  # noqa: PLC0415 - as above

    echo(script())
    return 0
