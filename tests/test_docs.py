"""The documents keep their word: examples run, everything that can be typed is written down, links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from pytest_rollout import plugin
from pytest_rollout.cli.commands import app
from pytest_rollout.core.criterion import Statistic
from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.evidence import _FOLDS
from pytest_rollout.core.outcome import Kind, Outcome, Severity, Verdict
from pytest_rollout.core.rollout import NetworkKind
from pytest_rollout.core.units import UNITS
from pytest_rollout.plan import schema
from pytest_rollout.plugin import fixtures
from pytest_rollout.runner.supervisor import USAGE

ROOT = Path(__file__).parents[1]
TEXTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("suites/**/*.md")])
}
REFERENCE = TEXTS["docs/reference.md"]
REFERENCE_AND_INSIDE = REFERENCE + TEXTS["docs/inside.md"]

_BLOCK = re.compile(r"^```(?P<kind>\w*)(?: (?P<about>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block of a document. ``about`` is what follows the kind: ``file=rollout.toml``."""

    kind: str
    about: str
    text: str


def blocks(text: str) -> list[Block]:
    return [Block(kind=m["kind"], about=m["about"] or "", text=m["text"]) for m in _BLOCK.finditer(text)]


# ---------------------------------------------------------------------------------------- the tutorial


class Reader:
    """Somebody who types a document's commands, one after the other, and compares what comes."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._environment = environment
        self._status = 0
        self._place = folder.parent / "place"

    def follow(self, block: Block) -> None:
        """Do what one block says; what only tells (``sh`` installs, ``yaml`` is CI's) is left."""
        if block.about.startswith("file="):
            target = self.folder / block.about.removeprefix("file=")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        elif block.kind == "toml":
            assert block.text in (self.folder / "rollout.toml").read_text(encoding="utf-8")
        elif block.kind == "console":
            for command, promised in _commands(block.text):
                said = self._type(command)
                assert _fits(promised, said), f"$ {command}\n{said}\n--- promised ---\n{promised}"

    def _type(self, command: str) -> str:
        script = f"(exit {self._status})\n{command}\nstatus=$?\npwd > '{self._place}'\nexit $status"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        self._status = done.returncode
        self.folder = Path(self._place.read_text(encoding="utf-8").strip())
        return done.stdout


def _commands(text: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, promised = part.partition("\n")
        yield command, promised


def _fits(promised: str, said: str) -> bool:
    """Line by line; ``…`` stands for any part of a line, alone for any lines, and empty lines count for nothing."""
    pattern = ""
    for line in filter(str.strip, promised.splitlines()):
        whole = ".*".join(re.escape(part) for part in line.split("…"))
        pattern += "(?:.*\n)*?" if line.strip() == "…" else f"{whole}[ ]*\n"
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in said.splitlines() if line.strip())) is not None


def test_the_tutorial_does_what_it_says(bare: Any) -> None:
    """Each command is typed and each file written in turn, on the real chains, and what comes is what is printed."""
    (bare.folder / ".home" / ".gitconfig").write_text("[user]\nname = Jo Doe\nemail = jo@example.org\n")
    (bare.folder / "pytest-rollout").symlink_to(ROOT)
    path = [str(Path(sys.executable).parent), str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]]
    reader = Reader(bare.folder, bare.environment | {"PATH": os.pathsep.join(path)})

    for block in blocks(TEXTS["docs/tutorial.md"]):
        reader.follow(block)

    assert reader.folder == bare.folder / "skills"


def test_the_readme_shows_what_the_tutorial_runs() -> None:
    """Its terminal block is one of the tutorial's, with the digest that was cut there."""
    (shown,) = (block.text for block in blocks(TEXTS["README.md"]) if block.kind == "text")
    ((command, output),) = _commands(shown)

    promised = {c: p for block in blocks(TEXTS["docs/tutorial.md"]) for c, p in _commands(block.text)}[command]

    assert _fits(promised.partition("2 failed, 9 passed in …\n")[2], output.partition("…\n")[2])


# ------------------------------------------------------------------------------------------- the README


def test_the_readme_has_two_commands_that_set_up() -> None:
    """A fresh machine needs these and nothing else."""
    commands = [line for block in blocks(TEXTS["README.md"]) if block.kind == "sh" for line in block.text.splitlines()]

    assert commands == ["sh scripts/try.sh", "sh scripts/test.sh"]


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "scripts").glob("*.sh")))
def test_a_script_is_one_that_a_plain_shell_can_read(script: str) -> None:
    done = subprocess.run(["sh", "-n", str(ROOT / "scripts" / script)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


# ---------------------------------------------------------------------------------------- the reference


class _Options:
    """As much of pytest's parser as the plugin uses, which keeps the names of options."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def getgroup(self, *_: str) -> _Options:
        return self

    def addoption(self, name: str, **_: Any) -> None:
        self.names.append(name)


def _pytest_options() -> list[str]:
    options: Any = _Options()
    plugin.pytest_addoption(options)
    return options.names


def _fixtures() -> list[str]:
    return sorted(name for name, each in vars(fixtures).items() if "FixtureFunction" in type(each).__name__)


def _keys(node: dict[str, Any], place: str, definitions: dict[str, Any]) -> Iterator[str]:
    """Every key of the plan that takes a value: ``stages.*.criteria[].promote``; ``*`` is a name of the user's."""
    if "$ref" in node:
        node = definitions[node["$ref"].rpartition("/")[2]] | node
    below = [(f"{place}.{key}".strip("."), each) for key, each in node.get("properties", {}).items()]
    if isinstance(node.get("additionalProperties"), dict):
        below.append((f"{place}.*", node["additionalProperties"]))
    branches = node.get("anyOf", [])
    lists = [each["items"] for each in (node, *branches) if "$ref" in each.get("items", {})]
    tables = [] if lists else [each for each in branches if "$ref" in each]
    below += [(f"{place}[]", each) for each in lists] + [(place, each) for each in tables]
    if not below or tables:
        yield place
    for where, each in below:
        yield from _keys(each, where, definitions)


def _plan_keys() -> set[str]:
    whole = schema()
    return set(_keys(whole, "", whole["$defs"]))


def _referenced_keys() -> set[str]:
    rows = re.findall(
        rf"^\| `((?:{'|'.join(schema()['properties'])})(?:\.|\[\])[^`]*)`",
        REFERENCE,
        re.MULTILINE,
    )
    return {re.sub(r"\b[A-Z]+\b", "*", key) for key in rows}


def _commands_of(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    for key, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands_of(command, f"{name} {key}")
        else:
            yield f"{name} {key}", command


COMMANDS = dict(_commands_of(typer.main.get_command(app), "rollout"))
COMMAND_OPTIONS = [
    pytest.param(option, id=f"{name} {option}")
    for name, command in COMMANDS.items()
    for parameter in command.params
    for option in parameter.opts
    if option.startswith("--")
]


@pytest.mark.parametrize("option", _pytest_options())
def test_an_option_of_pytest_is_in_the_reference(option: str) -> None:
    assert f"| `{option}=" in REFERENCE or f"| `{option}` |" in REFERENCE


def test_the_reference_has_the_keys_of_the_plan_and_no_others() -> None:
    assert _referenced_keys() == _plan_keys()


@pytest.mark.parametrize("fixture", _fixtures())
def test_a_fixture_is_in_the_reference(fixture: str) -> None:
    assert fixture.startswith("_") or f"| `{fixture}` |" in REFERENCE


@pytest.mark.parametrize("marker", [re.split(r"\W", marker)[0] for marker in plugin.MARKERS])
def test_a_marker_is_in_the_reference(marker: str) -> None:
    assert f"| `@pytest.mark.{marker}" in REFERENCE


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_in_the_reference(command: str) -> None:
    assert re.search(rf"^\| `{command}\b", REFERENCE, re.MULTILINE)


@pytest.mark.parametrize("option", COMMAND_OPTIONS)
def test_an_option_of_a_command_is_in_the_reference(option: str) -> None:
    assert re.search(rf"`{option}\b", REFERENCE)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every option and argument says what it is for."""
    from pytest_rollout.cli import main

    assert main([*command.split()[1:], "--help"]) == 0

    assert command in capsys.readouterr().out
    assert COMMANDS[command].help
    assert [parameter.name for parameter in COMMANDS[command].params if not parameter.help] == []


@pytest.mark.parametrize("status", sorted({*(each.exit_status for each in Verdict), 2, 3, USAGE}))
def test_an_exit_status_is_in_the_reference(status: int) -> None:
    table = REFERENCE.partition("## Exit status")[2].partition("\n## ")[0]

    assert re.search(rf"^\| (?:\d+, )*{status}\b", table, re.MULTILINE)


@pytest.mark.parametrize("event", _FOLDS)
def test_an_event_is_explained_in_inside(event: str) -> None:
    assert re.search(rf"^\| [^|]*`{event}`", TEXTS["docs/inside.md"], re.MULTILINE)


@pytest.mark.parametrize(
    "word", sorted({*Outcome, *Verdict, *Kind, *Severity, *Statistic, *NetworkKind, *EntryKind, *UNITS})
)
def test_a_word_of_a_closed_set_is_in_the_documents(word: str) -> None:
    assert f"`{word}`" in REFERENCE_AND_INSIDE


# --------------------------------------------------------------------------------------- every document


def _anchors(text: str) -> set[str]:
    """The names of headings as they are linked: lower case, dashes for spaces, no punctuation."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", TEXTS)
def test_a_relative_link_leads_somewhere(document: str) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", _BLOCK.sub("", TEXTS[document])):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        if not target.exists() or (anchor and anchor not in _anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)

    assert broken == []


HOSTS = frozenset(
    {
        "keepachangelog.com",
        "semver.org",
        "flagd.dev",
        "getfoundry.sh",
        "docs.pytest.org",
        "github.com",
        "in-toto.io",
        "pytest-rollout.dev",
        "openfeature.dev",
        "allurereport.org",
    }
)
STRANGE = {
    "a path of one machine": re.compile(r"(?<![\w.~/])/(?:home|root|Users|work|mnt|opt)/\S+"),
    "an issue's number": re.compile(r"(?:\bissues? |\bGH-|(?<![\w&`])#)\d+", re.IGNORECASE),
    "a word of some tool": re.compile(r"\b(?:llm|chatbot|copilot|assistant|sub-?agent)s?\b", re.IGNORECASE),
}


@pytest.mark.parametrize("document", TEXTS)
def test_a_document_names_no_machine_and_no_tool_of_its_making(document: str) -> None:
    text = TEXTS[document]
    strange = {what: pattern.findall(text) for what, pattern in STRANGE.items() if pattern.search(text)}
    hosts = set(re.findall(r"https?://([\w.-]+)", text)) - HOSTS

    assert (strange, hosts) == ({}, set())


@pytest.mark.parametrize("document", TEXTS)
def test_a_document_fits_an_editor(document: str) -> None:
    """Tables and blocks are as wide as they must be."""
    prose = _BLOCK.sub("", TEXTS[document]).splitlines()

    assert [line for line in prose if len(line) > 160 and not line.startswith("|")] == []
