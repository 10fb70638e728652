"""Divergences kept whole in a folder, one folder each, that replays as a regression.

``<block>-<digest>/`` holds ``input.json`` (or ``input.pickle`` where a block is no JSON) and
``divergence.json``. What is kept twice is the same folder; a folder appears complete or not at all.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_rollout.consensus.naming import digest_of
from pytest_rollout.core.divergence import Divergence
from pytest_rollout.core.errors import EvidenceError

INPUT = "input.json"
PICKLED = "input.pickle"
ABOUT = "divergence.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One kept divergence: its folder, the block as it was, and what was said about it."""

    folder: Path
    block: Any
    divergence: Divergence


def keep(folder: Path, block: Any, divergence: Divergence) -> Path:
    """Write one divergence below ``folder`` and return its own folder; raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{divergence.block}-{digest_of(block)[:12]}"
    work = Path(tempfile.mkdtemp(prefix=".keeping-", dir=folder))
    try:
        name, content = _input(block)
        _write(work / name, content)
        _write(work / ABOUT, json.dumps(divergence.document(), indent=1, sort_keys=True).encode() + b"\n")
        if place.exists():
            shutil.rmtree(place)
        work.rename(place)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return place


def read_kept(folder: Path) -> Iterator[Kept]:
    """Every divergence kept in a folder, or the one it is; raises ``EvidenceError`` where one cannot be read."""
    places = [folder] if (folder / ABOUT).is_file() else sorted(each.parent for each in folder.glob(f"*/{ABOUT}"))
    if not places:
        raise EvidenceError(f"{folder}: no kept divergence; each is a folder with {ABOUT} and its input.")
    for place in places:
        try:
            about = json.loads((place / ABOUT).read_bytes())
            block = _read_input(place)
        except (OSError, ValueError, RecursionError) as error:
            raise EvidenceError(f"{place}: cannot be read ({type(error).__name__}).") from error
        yield Kept(folder=place, block=block, divergence=Divergence.read(about, str(place)))


def encode(block: Any) -> Any:
    """A block of maps, lists, texts, numbers and bytes as JSON that ``decode`` gives back; ``TypeError`` for others."""
    if isinstance(block, bytes):
        return {"$bytes": base64.b64encode(block).decode()}
    if isinstance(block, dict):
        if any(not isinstance(key, str) or key.startswith("$") for key in block):
            raise TypeError("keys that JSON does not have")
        return {key: encode(each) for key, each in block.items()}
    if type(block) is list:
        return [encode(each) for each in block]
    if type(block) in {str, int, bool, float, type(None)}:
        return block
    raise TypeError(f"{type(block).__name__} is no JSON")


def decode(document: Any) -> Any:
    """The block that ``encode`` wrote; ``{"$hex": "0x…"}`` is bytes too. Raises ``ValueError`` or ``TypeError``."""
    if isinstance(document, dict):
        if document.keys() == {"$bytes"}:
            return base64.b64decode(document["$bytes"], validate=True)
        if document.keys() == {"$hex"}:
            return bytes.fromhex(document["$hex"].removeprefix("0x"))
        return {key: decode(each) for key, each in document.items()}
    return [decode(each) for each in document] if isinstance(document, list) else document


def _input(block: Any) -> tuple[str, bytes]:
    try:
        return INPUT, json.dumps(encode(block), indent=1).encode() + b"\n"
    except TypeError:
        return PICKLED, pickle.dumps(block, protocol=5)


def _read_input(place: Path) -> Any:
    if (place / INPUT).is_file():
        return decode(json.loads((place / INPUT).read_bytes()))
    try:
        return pickle.loads((place / PICKLED).read_bytes())  # noqa: S301 - the project's own folder
    except (pickle.UnpicklingError, AttributeError, ImportError, EOFError) as error:
        raise ValueError(str(error)) from error


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
