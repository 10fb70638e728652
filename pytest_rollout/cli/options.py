"""What many commands take, and how they print."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pytest_rollout import operations
from pytest_rollout.cli.person import as_text, whoever_types

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
LedgerUrl = Annotated[
    str | None,
    typer.Option(
        "--rollout-ledger",
        metavar="URL",
        help="The ledger: sqlite:///path, postgresql://…, env:NAME; default ROLLOUT_LEDGER, then .rollout/ledger.db.",
    ),
]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who does it; default git's user.")]
Role = Annotated[str | None, typer.Option(help="For whom, as the plan names it.")]
Keystore = Annotated[Path | None, typer.Option(help="A keystore file to sign with; its password is asked for.")]
KeystorePassword = Annotated[str | None, typer.Option(metavar="NAME", help="The variable with its password.")]
KeyVariable = Annotated[str | None, typer.Option(metavar="NAME", help="The variable with a private key.")]
Write = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write what a wallet elsewhere is to sign, such as .rollout/cto.json."),
]
Import = Annotated[Path | None, typer.Option("--import", metavar="FILE", help="What was written, and signed.")]
Signature = Annotated[str | None, typer.Option(metavar="HEX", help="The signature made elsewhere.")]
Contract = Annotated[
    bool, typer.Option("--contract", help="The role is a contract wallet, asked on its chain (EIP-1271).")
]
Revoke = Annotated[bool, typer.Option("--revoke", help="Take the role's signature back.")]
Place = Annotated[str, typer.Argument(metavar="STAGE", help="STAGE, or ROLLOUT:STAGE.")]


def person(by: str | None, workspace: operations.Workspace) -> str:
    """Who does it: as given, or whoever git says."""
    return as_text(by or "") or whoever_types(workspace.root)


def now() -> datetime:
    """The time that goes into the record."""
    return datetime.now(UTC)


def echo(text: str) -> None:
    """Print; if the reader has seen enough, what was to be done is done all the same."""
    try:
        typer.echo(text)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_(document: Any, text: str, as_json: bool) -> None:
    """Print a document for programs, or its text for people; halves of surrogate pairs are spelt out."""
    shown = json.dumps(document, indent=1, ensure_ascii=False) if as_json else text
    echo(shown.encode("utf-8", "backslashreplace").decode())
