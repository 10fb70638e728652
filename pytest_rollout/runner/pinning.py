"""What is pinned before a run and measured again at a promotion: the manifest and the subject."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pytest_rollout.core.errors import ContractError
from pytest_rollout.core.manifest import Doubt, Manifest
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import FlagSettings, Network, Rollout, Stage
from pytest_rollout.core.subject import Subject
from pytest_rollout.runner import tree
from pytest_rollout.runner.inputs import input_files
from pytest_rollout.runner.scan import scan


def plan_prefix(rollout: Rollout, root: Path) -> str:
    """The node id of the plan: its path from the root, with slashes."""
    return rollout.plan.relative_to(root).as_posix()


def declared_items(rollout: Rollout, stage: Stage, root: Path, network: str | None) -> tuple[str, ...]:
    """The node ids of the checks that ``stage`` declares, in the order they are collected."""
    names: list[tuple[Kind, str]] = []
    if network is not None:
        names.append((Kind.NETWORK, network))
    names += [(Kind.CONTRACT, state.name) for state in stage.contracts]
    names += [(Kind.FLAG, flag.key) for flag in stage.flags]
    if stage.exposure is not None and stage.exposure.share is not None:
        names.append((Kind.EXPOSURE, stage.exposure.flag or "share"))
    names += [(check.kind, check.name) for check in stage.checks]
    prefix = f"{plan_prefix(rollout, root)}::{stage.name}"
    return tuple(f"{prefix}::{kind.value}::{name}" for kind, name in names)


def pin(rollout: Rollout, stage: Stage, root: Path, *, network: str | None, baseline: tuple[str, ...]) -> Manifest:
    """What the gate owes, read without running any of it."""
    files = tree.gate_files(rollout, stage, root)
    functions, doubts = scan(rollout, stage, root, list(files))
    doubts += _unread(rollout, stage, root)
    return Manifest(
        declared=declared_items(rollout, stage, root, network),
        functions=tuple(functions),
        files=files | input_files(rollout, root, files),
        doubts=tuple(doubts),
        baseline=baseline,
    )


def _unread(rollout: Rollout, stage: Stage, root: Path) -> Iterator[Doubt]:
    """Folders of the suite whose tests would not be pinned."""
    for path in tree.linked_folders(rollout, stage):
        yield Doubt(
            place=path.relative_to(root).as_posix(),
            text="a link to a folder: no commit holds what is behind it; put the files here",
        )
    for path in tree.environments(rollout, stage):
        yield Doubt(
            place=path.relative_to(root).as_posix(),
            text="passed over as a virtual environment, for it holds pyvenv.cfg; move the tests or that file away",
        )
    own = rollout.suite / stage.name
    if stage.name in tree.passed_over(rollout, rollout.suite) and own.is_dir():
        yield Doubt(
            place=own.relative_to(root).as_posix(),
            text="a folder of this name is passed over beside the plan; put the tests into suites/",
        )


def measure_subject(rollout: Rollout, stage: Stage, root: Path, network: str | None) -> Subject:
    """What a judgement of this gate would be about, as things stand now."""
    files = tree.gate_files(rollout, stage, root)
    commit = tree.commit_of(root)
    declared = None if network is None else rollout.networks[network]
    installed = tree.packages()
    return Subject(
        commit=commit,
        committed=tree.is_committed(rollout, stage, root, commit, files),
        plan_digest=rollout.plan_digest,
        suite_digest=tree.digest_of(files | input_files(rollout, root, files)),
        packages_digest=tree.packages_digest(installed),
        network=network or "",
        network_kind="" if declared is None else declared.kind.value,
        artifacts={} if declared is None else _artifacts(rollout, stage, declared),
        flags=_flags(rollout),
        engines=_engines(rollout),
        packages=installed,
    )


def _artifacts(rollout: Rollout, stage: Stage, network: Network) -> dict[str, str]:
    """The hash of the code that artifacts put on a chain that ends with the run, by the contracts declared there.

    One that is known by a recorded address alone has none, nor has an artifact that does not tell its code; the suite's
    digest covers both.
    """
    names = sorted({state.contract for state in stage.contracts})
    if network.real is not None or not names or not rollout.contracts.artifacts:
        return {}
    from pytest_rollout.contracts.artifacts import Artifacts  # noqa: PLC0415 - for stages with contracts
    from pytest_rollout.contracts.digest import keccak  # noqa: PLC0415 - as above

    artifacts, found = Artifacts(rollout.contracts.artifacts), {}
    for name in names:
        with suppress(ContractError):
            runtime = artifacts.get(name).runtime
            if runtime is not None:
                found[name] = f"0x{keccak(runtime.code).hex()}"
    return found


def _flags(rollout: Rollout) -> dict[str, str]:
    if rollout.flags == FlagSettings():
        return {}
    from pytest_rollout.flags.snapshot import snapshot  # noqa: PLC0415 - for plans with flags

    return snapshot(rollout.flags, rollout.folder, Redactor(rollout.secrets))


def _engines(rollout: Rollout) -> dict[str, str]:
    if rollout.engines is None:
        return {}
    from pytest_rollout.consensus.identity import identities  # noqa: PLC0415 - for plans with engines

    return identities(rollout.engines, rollout.folder)
