"""Signatures: people under a judgement or an override, keys under an attestation, and a stranger's look at one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pytest_rollout import operations
from pytest_rollout.cli.options import (
    By,
    Contract,
    Import,
    Json,
    Keystore,
    KeystorePassword,
    KeyVariable,
    LedgerUrl,
    Place,
    Revoke,
    Role,
    Signature,
    Write,
    now,
    person,
    print_,
)
from pytest_rollout.cli.person import as_text

app = typer.Typer()


@app.command()
def sign(
    stage: Place,
    *,
    role: Role = None,
    keystore: Keystore = None,
    password_env: KeystorePassword = None,
    key_env: KeyVariable = None,
    write: Write = None,
    read: Import = None,
    signature: Signature = None,
    contract: Contract = False,
    revoke: Revoke = False,
    by: By = None,
    ledger: LedgerUrl = None,
    as_json: Json = False,
) -> int:
    """Sign the newest judgement of STAGE, or record a signature made elsewhere (EIP-712)."""
    from pytest_rollout.cli.signing import Way, carry_out  # noqa: PLC0415 - only for this command

    workspace = operations.Workspace.at(Path.cwd(), ledger, place=stage)
    way = Way(
        role=role,
        keystore=keystore,
        password_env=password_env,
        key_env=key_env,
        write=write,
        read=read,
        signature=signature,
        revoke=revoke,
        contract=contract,
    )
    document, text = carry_out(workspace, stage, way, person=person(by, workspace), now=now())
    print_(document, text, as_json)
    return 0


@app.command()
def override(
    stage: Place,
    *,
    item: Annotated[
        list[str] | None, typer.Option(metavar="ITEM", help="A finding in the way, by title or id; repeatable.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; recorded, signed, and told for ever.")] = "",
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="A duration or a time; default the plan's longest.")
    ] = None,
    join: Annotated[
        int | None, typer.Option(metavar="ENTRY", help="Sign the override that this ledger entry began.")
    ] = None,
    role: Role = None,
    keystore: Keystore = None,
    password_env: KeystorePassword = None,
    key_env: KeyVariable = None,
    write: Write = None,
    read: Import = None,
    signature: Signature = None,
    contract: Contract = False,
    revoke: Revoke = False,
    by: By = None,
    ledger: LedgerUrl = None,
    as_json: Json = False,
) -> int:
    """Answer with a signature for findings that hold STAGE, as far as the plan lets somebody; none of them changes."""
    from pytest_rollout.cli.overriding import Asked, carry_out  # noqa: PLC0415 - only for this command
    from pytest_rollout.cli.signing import Way  # noqa: PLC0415 - as above

    workspace = operations.Workspace.at(Path.cwd(), ledger, place=stage)
    way = Way(
        role=role,
        keystore=keystore,
        password_env=password_env,
        key_env=key_env,
        write=write,
        read=read,
        signature=signature,
        revoke=revoke,
        contract=contract,
        command="rollout override",
    )
    asked = Asked(items=[as_text(each) for each in item or ()], reason=as_text(reason), expires=expires, join=join)
    document, text = carry_out(workspace, stage, asked, way, person=person(by, workspace), now=now())
    print_(document, text, as_json)
    return 0


@app.command()
def attest(
    stage: Place,
    *,
    key: Annotated[str, typer.Option(metavar="KEY", help="A PEM file, env:NAME, or a URI such as hsm:2.")],
    public_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The public half of a key that a URI names.")
    ] = None,
    password_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="The variable with the key's password or PIN.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Default reports/ROLLOUT/STAGE/attestation.json.")
    ] = None,
    ledger: LedgerUrl = None,
    as_json: Json = False,
) -> int:
    """Sign the newest judgement of STAGE with all it rests on, for whoever wants to check it."""
    from pytest_rollout.cli import attesting  # noqa: PLC0415 - only for this command

    workspace = operations.Workspace.at(Path.cwd(), ledger, place=stage)
    document, text = attesting.write(
        workspace, stage, key=key, public=public_key, password_env=password_env, output=output
    )
    print_(document, text, as_json)
    return 0


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An attestation.json.")],
    *,
    key: Annotated[list[Path], typer.Option(metavar="FILE", help="A public key in PEM; repeatable, one must fit.")],
    place: Annotated[str | None, typer.Option("--for", metavar="ROLLOUT:STAGE", help="What it must be about.")] = None,
    network: Annotated[str | None, typer.Option(metavar="NAME", help="The network it must be about.")] = None,
    commit: Annotated[str | None, typer.Option(metavar="HASH", help="The commit it must be about.")] = None,
    ledger_id: Annotated[str | None, typer.Option(metavar="ID", help="The ledger it must come from.")] = None,
    at_least: Annotated[
        int | None, typer.Option(metavar="ENTRY", help="Refuse judgements older than this ledger entry.")
    ] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="Verify as of then; default now.")] = None,
    accept_override: Annotated[
        bool, typer.Option("--accept-override", help="Exit 0 for a promotion by override as well.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Check an attestation by the public key alone: 0 promote, 10 hold or not to be believed, 20 rollback."""
    from pytest_rollout.cli import attesting  # noqa: PLC0415 - only for this command

    wanted = attesting.expected(place, network, commit, ledger_id, at_least)
    verified = operations.attesting.verify(file, key, wanted, attesting.moment(at))
    document, text, status = attesting.told(verified, wanted, accept_override=accept_override)
    print_(document, text, as_json)
    return status
