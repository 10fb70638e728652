"""What may be said on the command line of a gate, and what it does to the gate.

An allow-list: options that only change how a run looks are passed on;
options that let it look at less are passed on and named, so that the gate holds; anything else
is refused before it starts.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from pytest_rollout.core.errors import UsageError, listed, suggestion
from pytest_rollout.core.narrowing import Narrowing

FORMATS = ("allure", "brief", "html", "junit")

_LOOKS = {
    "-v --verbose": 0, "-q --quiet": 0, "-s": 0, "--no-header": 0, "--no-summary": 0, "--full-trace": 0,
    "--setup-show": 0, "--strict-markers": 0, "--strict-config": 0, "--strict": 0, "--force-short-summary": 0,
    "--tb": 1, "--color": 1, "--code-highlight": 1, "-r": 1, "--durations": 1, "--durations-min": 1,
    "--capture": 1, "--show-capture": 1, "--verbosity": 1, "--basetemp": 1, "--console-output-style": 1,
    "--log-level": 1, "--log-format": 1, "--log-date-format": 1, "--log-cli-level": 1, "--log-cli-format": 1,
    "--log-cli-date-format": 1, "--log-file": 1, "--log-file-mode": 1, "--log-file-level": 1,
    "--import-mode": 1, "-n --numprocesses": 1, "--maxprocesses": 1, "--max-worker-restart": 1,
    "--junitxml --junit-xml": 1, "--junitprefix --junit-prefix": 1, "--xfail-tb": 0,
}  # fmt: skip

_SELECTS = frozenset({"-k", "-m", "--deselect", "--ignore", "--ignore-glob"})
"""Those that choose items and change nothing else: what a job of a CI matrix may be given."""

_NARROWS: dict[str, tuple[int, str]] = {
    "-k": (1, "tests were chosen by name"),
    "-m": (1, "tests were chosen by marker"),
    "--deselect": (1, "a test was left out"),
    "--ignore": (1, "a path was left out"),
    "--ignore-glob": (1, "paths were left out"),
    "-x --exitfirst": (0, "the run stops at the first failure"),
    "--maxfail": (1, "the run stops after so many failures"),
    "--lf --last-failed": (0, "a cache decides what runs"),
    "--ff --failed-first": (0, "a cache decides the order"),
    "--nf --new-first": (0, "a cache decides the order"),
    "--lfnf --last-failed-no-failures": (1, "a cache decides what runs"),
    "--sw --stepwise": (0, "a cache decides what runs"),
    "--sw-skip --stepwise-skip": (0, "a cache decides what runs"),
    "--sw-reset --stepwise-reset": (0, "a cache decides what runs"),
    "--co --collect-only": (0, "nothing runs"),
    "--setup-only --setuponly": (0, "only set-up runs"),
    "--setup-plan --setupplan": (0, "nothing runs"),
    "--runxfail": (0, "expected failures are read differently"),
    "--continue-on-collection-errors": (0, "what cannot be collected is passed over"),
    "--pdb": (0, "a debugger can change what a test sees"),
    "--trace": (0, "a debugger can change what a test sees"),
    "--pdbcls": (1, "a debugger can change what a test sees"),
    "--noconftest": (0, "the gate's conftests are left out"),
    "--confcutdir": (1, "conftests are left out"),
    "--keep-duplicates": (0, "tests run more than once"),
    "--collect-in-virtualenv": (0, "other tests are collected"),
    "--pyargs": (0, "other tests are collected"),
    "--doctest-modules": (0, "other tests are collected"),
    "--doctest-glob": (1, "other tests are collected"),
    "-o --override-ini": (1, "settings of the project were overridden"),
    "-c --config-file": (1, "another settings file was used"),
    "--rootdir": (1, "another root was used"),
    "-p": (1, "plugins were added or left out"),
    "--assert": (1, "assertions are handled differently"),
    "-W --pythonwarnings": (1, "warnings were filtered"),
    "--disable-warnings --disable-pytest-warnings": (0, "warnings were hidden"),
    "--reruns": (1, "failing tests are tried again"),
    "--only-rerun": (1, "failing tests are tried again"),
    "--force-flaky": (0, "failing tests are tried again"),
    "--dist": (1, "tests run more than once"),
}

_REFUSED = (
    "-h --help", "-V --version", "--markers", "--fixtures --funcargs", "--fixtures-per-test", "--cache-show",
    "--trace-config", "--looponfail -f",
)  # fmt: skip

_DROPPED = ("-l --showlocals", "--no-showlocals", "--cache-clear", "--clean-alluredir")
_HARMLESS_PLUGINS = frozenset(
    {
        "no:cacheprovider",
        "no:randomly",
        "no:random_order",
        "pytest_rollout.plugin",
        "xdist.plugin",
        "xdist",
        "pytester",
    }
)
_WORKERS = ("-n", "--maxprocesses", "--max-worker-restart", "--dist")
_XDIST = frozenset({"xdist", "xdist.plugin"})
_WRITTEN = frozenset({"--junitxml", "--log-file", "--basetemp"})
"""Options that name what a run writes, relative to where one stands."""

_CACHE = ("--lf", "--ff", "--nf", "--lfnf", "--sw", "--sw-skip", "--sw-reset")
_NEEDS_PLUGIN = frozenset({"--reruns", "--only-rerun", "--force-flaky"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asks for.

    ``forwarded`` goes to the recorder as it stands; ``paths`` are as given, see ``selects``.
    """

    stage: str
    network: str | None = None
    ledger: str | None = None
    reports: str | None = None
    formats: frozenset[str] = frozenset(FORMATS)
    forwarded: tuple[str, ...] = ()
    narrowings: tuple[Narrowing, ...] = ()
    paths: tuple[str, ...] = ()
    uses_workers: bool = False
    uses_cache: bool = False
    original: tuple[str, ...] = ()
    allow_writes: bool = False

    def allowing(self, plugins: Sequence[str]) -> Request:
        """The same, for a rollout whose plan loads these plugins anyway: to ask for them narrows nothing."""
        asked = {f"-p {name}" for name in plugins}
        return replace(self, narrowings=tuple(each for each in self.narrowings if each.what not in asked))

    def outputs(self, root: Path) -> Iterator[tuple[str, Path]]:
        """Each option that names what the run writes, and a file that it would write."""
        for option in self.forwarded:
            name, _, value = option.partition("=")
            if name in _WRITTEN:
                yield option, Path(value, "test_0") if name == "--basetemp" else Path(value)
        if self.reports is not None:
            yield f"--rollout-reports={self.reports}", root / self.reports / "verdict.json"
        if self.ledger is not None and self.ledger.startswith("sqlite:///"):
            yield f"--rollout-ledger={self.ledger}", root / self.ledger.removeprefix("sqlite:///")


@dataclass(slots=True)
class _Seen:
    looks: list[str] = field(default_factory=list)
    narrows: list[tuple[str, str | None]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"command line: {message}.")


def parse(arguments: Sequence[str]) -> Request:
    """Sort a command line; raises ``UsageError`` on what does not go together with ``--stage``."""
    seen = _Seen()
    namespace, unknown = _parser(seen).parse_known_intermixed_args(_split(arguments))
    if unknown:
        raise UsageError(_unknown(unknown[0]))
    if seen.refused:
        raise UsageError(
            f"{seen.refused[0]} and --stage do not go together: nothing would be judged. Leave one of them out."
        )
    if len(namespace.stage) != 1:
        raise UsageError(
            f"--stage is given {len(namespace.stage)} times ({listed(namespace.stage)}), counting addopts and "
            "PYTEST_ADDOPTS; give it once."
        )
    for name in ("network", "rollout_ledger", "rollout_reports", "rollout_formats"):
        if len(getattr(namespace, name)) > 1:
            raise UsageError(f"--{name.replace('_', '-')} is given more than once; give it once.")
    narrowings, forwarded = _narrowings(seen.narrows)
    return Request(
        stage=namespace.stage[0],
        network=_single(namespace.network),
        ledger=_single(namespace.rollout_ledger),
        reports=_single(namespace.rollout_reports),
        formats=_formats(_single(namespace.rollout_formats)),
        forwarded=(*seen.looks, *forwarded),
        narrowings=narrowings,
        paths=tuple(namespace.paths),
        allow_writes=namespace.allow_writes,
        uses_workers=any(each.startswith(_WORKERS) for each in (*seen.looks, *forwarded)),
        uses_cache=any(option.partition("=")[0] in _CACHE for option in forwarded),
        original=tuple(arguments),
    )


def _parser(seen: _Seen) -> _Parser:
    parser = _Parser(prog="pytest --stage", add_help=False, allow_abbrev=False, fromfile_prefix_chars="@")
    for own in ("--stage", "--network", "--rollout-ledger", "--rollout-reports", "--rollout-formats"):
        parser.add_argument(own, action="append", default=[])
    parser.add_argument("--allow-writes", action="store_true")
    parser.add_argument("paths", nargs="*")
    for names, arity in _LOOKS.items():
        _add(parser, names, arity, lambda name, value: seen.looks.append(_rebuilt(name, _placed(name, value))))
    for names, (arity, _) in _NARROWS.items():
        _add(parser, names, arity, lambda name, value: seen.narrows.append((name, value)))
    for names in _REFUSED:
        _add(parser, names, 0, lambda name, _value: seen.refused.append(name))
    for names in _DROPPED:
        _add(parser, names, 0, lambda _name, _value: None)
    _add(parser, "--alluredir", 1, lambda _name, _value: None)
    return parser


def _add(parser: argparse.ArgumentParser, names: str, arity: int, note: Any) -> None:
    spellings = names.split()

    class Note(argparse.Action):
        def __call__(self, _parser: object, _namespace: object, values: Any, _option: object = None) -> None:
            note(spellings[0], values if arity else None)

    parser.add_argument(*spellings, action=Note, nargs=None if arity else 0, dest=argparse.SUPPRESS)


def _split(arguments: Sequence[str]) -> list[str]:
    """Everything after ``--`` is a path, as pytest reads it."""
    return [argument for argument in arguments if argument != "--"]


def _rebuilt(name: str, value: str | None) -> str:
    if value is None:
        return name
    return f"{name}={value}" if name.startswith("--") else f"{name}{value}"


def _placed(name: str, value: str | None) -> str | None:
    """A path as one means it where one stands; the recorder stands at the project's root."""
    if name not in _WRITTEN or value is None:
        return value
    return os.path.abspath(os.path.expanduser(os.path.expandvars(value)))  # noqa: PTH100, PTH111 - as pytest does


def _narrowings(seen: Sequence[tuple[str, str | None]]) -> tuple[tuple[Narrowing, ...], list[str]]:
    narrowings: list[Narrowing] = []
    forwarded: list[str] = []
    why = {names.split()[0]: text for names, (_, text) in _NARROWS.items()}
    for name, value in seen:
        if not _is_harmless(name, value):
            shown = name if value is None else f"{name} {value}"
            narrowings.append(Narrowing(what=shown, why=why[name], selects=name in _SELECTS))
        if name not in _NEEDS_PLUGIN and not (name == "-p" and value in _XDIST):
            forwarded.append(_rebuilt(name, value))
    return tuple(narrowings), forwarded


def _is_harmless(name: str, value: str | None) -> bool:
    if name == "-p":
        return value in _HARMLESS_PLUGINS
    if name == "--maxfail":
        return value == "0"
    if name == "--assert":
        return value == "rewrite"
    if name == "--dist":
        return value in {"load", "loadscope", "loadfile", "loadgroup", "worksteal", "no"}
    if name == "-W":
        return (value or "").partition(":")[0] in {"error", "default", "always", "once"}
    return False


def _formats(text: str | None) -> frozenset[str]:
    if text is None:
        return frozenset(FORMATS)
    names = frozenset(part for part in text.split(",") if part)
    for name in sorted(names - set(FORMATS)):
        raise UsageError(
            f"--rollout-formats={text}: no report '{name}'; allowed are {listed(FORMATS)} "
            f"(verdict.json is always written).{suggestion(name, FORMATS)}"
        )
    return names


def _single(values: Sequence[str]) -> str | None:
    return values[0] if values else None


def _unknown(option: str) -> str:
    known = [
        n
        for names in (*_LOOKS, *_NARROWS, "--stage --network --rollout-ledger --rollout-reports --allow-writes")
        for n in names.split()
    ]
    name = option.partition("=")[0]
    return (
        f"a gate does not know the option '{name}' (addopts and PYTEST_ADDOPTS count as well): it could change what "
        f"runs or what counts. Leave it out under --stage.{suggestion(name, known)}"
    )


def selects(
    paths: Sequence[str], folder: Path, suite: Path, cwd: Path, inside: Sequence[Path] = ()
) -> tuple[bool, tuple[str, ...]]:
    """Whether these paths select the rollout in ``folder``, and those of them that lie below its gate.

    A path at or above the rollout's folder or suite selects it whole; one below selects less, or
    nothing where it lies in the folder of another rollout ``inside`` this one.
    """
    if not paths:
        return True, ()
    whole, below = False, []
    for given in paths:
        place, _, inner = given.partition("::")
        path = Path(os.path.abspath(cwd / place))  # noqa: PTH100 - resolve() would follow links
        is_above = folder.is_relative_to(path) or suite.is_relative_to(path)
        if is_above and not inner:
            whole = True
        elif is_above or (path.is_relative_to(folder) and not any(map(path.is_relative_to, inside))):
            below.append(str(path) + (f"::{inner}" if inner else ""))
    return whole or bool(below), () if whole else tuple(below)
