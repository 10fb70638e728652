"""The bytes of a plan: what is no file, no text or no TOML is told in one sentence."""

import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_rollout.core.errors import PlanError
from pytest_rollout.plan import load

PLACE = "suites/takumi/rollout.toml: "
SMALL = '[rollout]\nname = "takumi"\n[networks.local]\nkind = "tester"\n[stages.beta]\nnetwork = "local"\n'

UNREADABLE = {
    "empty": (b"", "is empty; a plan has at least [rollout] and one stage."),
    "blank": (b" \n\t\n", "is empty; a plan has at least [rollout] and one stage."),
    "comment alone": (
        b"# soon\n",
        "'rollout' is missing; write for example rollout = { name = \"takumi\" }.",
    ),
    "byte order mark": (
        b"\xef\xbb\xbf" + SMALL.encode(),
        "begins with a byte order mark; save it as UTF-8 without one.",
    ),
    "UTF-16": (SMALL.encode("utf-16"), "is written in UTF-16; save it as UTF-8."),
    "NUL": (b"[rollout]\nname = '\0'\n", "line 2: has a NUL character; a plan is UTF-8 text."),
    "latin-1": ("a = 1\nb = 'é'\n".encode("latin-1"), "line 2: byte 0xe9 is not UTF-8; save it as UTF-8."),
    "truncated": (
        SMALL.encode()[:32],
        "at the end of the file: not TOML: Expected ']' at the end of a table declaration.",
    ),
    "truncated string": (SMALL.encode()[:19], "at the end of the file: not TOML: Unterminated string."),
    "no TOML": (
        b"a = 1\nstages: beta\n",
        "line 2, column 7: not TOML: Expected '=' after a key in a key/value pair.",
    ),
    "YAML": (b"---\nrollout:\n", "line 1, column 4: not TOML: Expected '=' after a key in a key/value pair."),
    "stage twice": (
        (SMALL + "[stages.beta]\n").encode(),
        "line 7, column 13: [stages.beta] is declared twice; write each table once.",
    ),
    "key twice": (
        b"[rollout]\nname = 'a'\nname = 'b'\n",
        "line 3, column 11: a key is given twice; write each key once.",
    ),
    "key twice inline": (
        b"a = { b = 1, b = 2 }\n",
        "line 1, column 19: not TOML: Duplicate inline table key 'b'.",
    ),
    "nested arrays": (b"a = " + b"[" * 50_000, "is nested more than 32 levels deep; no plan is."),
    "nested tables": (b"a = " + b"{a=" * 50_000, "is nested more than 32 levels deep; no plan is."),
    "closed nesting": (b"a = " + b"[" * 60 + b"]" * 60, "is nested more than 32 levels deep; no plan is."),
    "endless key": (
        b"a." * 400_000 + b"a = 1",
        "line 1: a key has more than 20 parts; no key of a plan does.",
    ),
    "endless spaced key": (
        b"a . " * 200_000 + b"a = 1",
        "line 1: a key has more than 20 parts; no key of a plan does.",
    ),
    "endless quoted key": (
        b"'a b'." * 100_000 + b"a = 1",
        "line 1: a key has more than 20 parts; no key of a plan does.",
    ),
    "5000 digits": (
        b"a = " + b"9" * 5000,
        "has an integer of more than 256 bits; nothing on a chain is larger.",
    ),
    "5000 hex digits": (
        b"a = 0x" + b"f" * 5000,
        "has an integer of more than 256 bits; nothing on a chain is larger.",
    ),
    "257 bits": (
        b"a = [{ b = %d }]" % 2**256,
        "has an integer of more than 256 bits; nothing on a chain is larger.",
    ),
    "one byte too many": (
        b"#" * (1024 * 1024 + 1),
        "is larger than 1 MiB; a plan has at most 1048576 bytes.",
    ),
    "escape characters": (b"\x1b[31m = 1\n", "line 1, column 1: not TOML: Invalid statement."),
}


@pytest.mark.parametrize(("content", "sentence"), UNREADABLE.values(), ids=UNREADABLE)
def test_bytes_that_are_no_plan_are_refused_in_one_sentence(
    sentence_of: Callable[..., str], content: bytes, sentence: str
) -> None:
    assert sentence_of(content) == PLACE + sentence


def test_the_digest_is_that_of_the_bytes_read(load_text: Callable) -> None:
    """A comment or a line ending is part of what was approved."""
    content = SMALL.replace("\n", "\r\n").encode() + b"# as approved\r\n"

    assert load_text(content).plan_digest == hashlib.sha256(content).hexdigest()


def test_prose_with_many_full_stops_is_no_endless_key(load_text: Callable) -> None:
    prose = "It works. " * 25 + "Really"
    plan = SMALL + f"[[stages.beta.checklist]]\ntext = '{prose}'\n"

    assert load_text(plan).stages[0].checklist[0].text == prose


def _link(path: Path) -> None:
    real = path.with_name("real.toml")
    real.write_text(SMALL)
    path.symlink_to(real)


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path.name)
    finally:
        os.chdir(here)


NO_FILES = {
    "missing": (lambda path: None, "no such file; `rollout init` writes a first one."),
    "symlink": (_link, "is a symbolic link; a plan is a regular file in the rollout's own folder."),
    "folder": (lambda path: path.mkdir(), "is no regular file; a plan is a regular file of at most 1 MiB."),
    "pipe": (os.mkfifo, "is no regular file; a plan is a regular file of at most 1 MiB."),
    "socket": (_socket, "cannot be opened: No such device or address."),
}


@pytest.mark.parametrize(("make", "sentence"), NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_regular_file_is_refused_without_waiting(
    root: Path, make: Callable[[Path], object], sentence: str
) -> None:
    """A pipe would block for ever, a link may lead out of the repository."""
    path = root / "suites" / "takumi" / "rollout.toml"
    make(path)

    with pytest.raises(PlanError) as caught:
        load(path, environment={}, root=root)

    assert str(caught.value) == PLACE + sentence


def test_a_device_without_end_is_refused(root: Path) -> None:
    with pytest.raises(PlanError) as caught:
        load(Path("/dev/zero"), environment={}, root=root)

    assert str(caught.value) == "/dev/zero: is no regular file; a plan is a regular file of at most 1 MiB."


def test_a_name_no_file_can_have_is_refused(root: Path) -> None:
    with pytest.raises(PlanError) as caught:
        load(root / "a\0b.toml", environment={}, root=root)

    assert str(caught.value) == "a\\x00b.toml: no file can have this name."


def test_what_is_filled_in_is_part_of_the_digest(load_text: Callable) -> None:
    """A bound from the environment that changes between gate and promotion is another plan."""
    plan = SMALL.replace("[rollout]", '[rollout]\ntitle = "${TITLE}"', 1)

    one, same, other = (load_text(plan, TITLE=value).plan_digest for value in ("first title", "first title", "second"))

    assert one == same
    assert one != other
