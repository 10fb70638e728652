"""The bytes of one ``rollout.toml``, and the TOML tree in them."""

from __future__ import annotations

import errno
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_rollout.core.errors import PlanError
from pytest_rollout.plan.sentence import Inexact

LARGEST = 1024 * 1024
"""No plan is larger, in bytes; what never ends is not read to its end."""

DEEPEST = 32
_LONGEST_KEY = 20
_MOST_DOTS = 2000
_WIDEST = range(-(2**255), 2**256)

_POSITION = re.compile(r"(?s)(.*) \(at (?:line (\d+), column (\d+)|end of document)\)")
_TWICE = re.compile(r"Cannot declare \((.*)\) twice")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"


def read(path: Path, name: str) -> bytes:
    """The file's bytes, read once; never follows a link, waits for a pipe or reads without end.

    ``name`` is the file for sentences. Raises ``PlanError``.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        problem = _unopened(error)
    else:
        try:
            return _content(descriptor, name)
        finally:
            os.close(descriptor)
    raise PlanError(f"{name}: {problem}")


def _unopened(error: OSError | ValueError) -> str:
    if not isinstance(error, OSError):
        return "no file can have this name."
    if error.errno == errno.ELOOP:
        return "is a symbolic link; a plan is a regular file in the rollout's own folder."
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return "no such file; `rollout init` writes a first one."
    return f"cannot be opened: {os.strerror(error.errno or 0)}."


def _content(descriptor: int, name: str) -> bytes:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise PlanError(f"{name}: is no regular file; a plan is a regular file of at most 1 MiB.")
    content = b""
    while len(content) <= LARGEST and (part := os.read(descriptor, LARGEST + 1 - len(content))):
        content += part
    if len(content) > LARGEST:
        raise PlanError(f"{name}: is larger than 1 MiB; a plan has at most {LARGEST} bytes.")
    return content


def parse(content: bytes, name: str) -> Mapping[str, Any]:
    """The TOML tree of these bytes; floats stay as they are written (``Inexact``).

    Raises ``PlanError`` with line and column for anything that is not TOML, is nested deeper than
    any plan is, or holds an integer that no chain has.
    """
    text = _decoded(content, name)
    for number, line in enumerate(text.split("\n"), start=1):
        if _has_endless_key(line):
            raise PlanError(f"{name}: line {number}: a key has more than {_LONGEST_KEY} parts; no key of a plan does.")
    try:
        tree = tomllib.loads(text, parse_float=Inexact)
    except tomllib.TOMLDecodeError as error:
        problem = _unparsed(str(error))
    except RecursionError:
        problem = f"is nested more than {DEEPEST} levels deep; no plan is."
    except ValueError:
        # The one other error tomllib lets out: Python's limit on the digits of an integer.
        problem = "has an integer of more than 256 bits; nothing on a chain is larger."
    else:
        problem = _unplain(tree)
        if not problem:
            return tree
    raise PlanError(f"{name}: {problem}")


def _decoded(content: bytes, name: str) -> str:
    if content.startswith(_UTF8_MARK):
        raise PlanError(f"{name}: begins with a byte order mark; save it as UTF-8 without one.")
    if content.startswith(_UTF16):
        raise PlanError(f"{name}: is written in UTF-16; save it as UTF-8.")
    if (at := content.find(b"\0")) >= 0:
        raise PlanError(f"{name}: line {_line(content, at)}: has a NUL character; a plan is UTF-8 text.")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        at = error.start
    else:
        if not text.strip():
            raise PlanError(f"{name}: is empty; a plan has at least [rollout] and one stage.")
        return text
    raise PlanError(f"{name}: line {_line(content, at)}: byte 0x{content[at]:02x} is not UTF-8; save it as UTF-8.")


def _line(content: bytes, at: int) -> int:
    return content.count(b"\n", 0, at) + 1


def _has_endless_key(line: str) -> bool:
    """Whether a line may hold a key so long that reading it takes tomllib quadratic time.

    Sentences in a string have blanks between their full stops, keys have not.
    """
    if line.count(".") <= _LONGEST_KEY:
        return False
    run = longest = 0
    for part in line.split("."):
        run = run + 1 if part.strip() and not re.search(r"\s", part.strip()) else 0
        longest = max(longest, run)
    return longest > _LONGEST_KEY or line.count(".") > _MOST_DOTS


def _unparsed(message: str) -> str:
    match = _POSITION.fullmatch(message)
    text, line, column = match.groups() if match else (message, None, None)
    where = f"line {line}, column {column}" if line else "at the end of the file"
    if twice := _TWICE.fullmatch(text):
        table = ".".join(re.findall(r"'([^']*)'", twice[1]))
        return f"{where}: [{table}] is declared twice; write each table once."
    if text == "Cannot overwrite a value":
        return f"{where}: a key is given twice; write each key once."
    return f"{where}: not TOML: {text}."


def _unplain(tree: Mapping[str, Any]) -> str:
    """What makes a tree unusable as a whole, or nothing; without recursion, so at any depth."""
    level: list[Any] = [tree]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
            elif isinstance(value, int) and value not in _WIDEST:
                return "has an integer of more than 256 bits; nothing on a chain is larger."
        level = below
        if not level:
            return ""
    return f"is nested more than {DEEPEST} levels deep; no plan is."
