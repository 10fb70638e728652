"""What must run, pinned before anything runs, by somebody who executes none of it.

The expected node ids come from the plan and from reading the test files' syntax trees, never
from pytest's own collection, which the project's conftests can bend.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A test function as its file writes it: ``id`` is its node id without parameters.

    ``stages`` are the literal names of its nearest ``stage`` marker, None without one;
    ``folder_stage`` the stage whose folder it lies in, None for all stages.
    """

    id: str
    stages: tuple[str, ...] | None = None
    folder_stage: str | None = None
    advisory: bool = False

    def belongs_to(self, stage: str) -> bool:
        """Whether the gate of ``stage`` owes this test: its folder and its marker both agree."""
        in_folder = self.folder_stage is None or self.folder_stage == stage
        return in_folder and (self.stages is None or stage in self.stages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Something in a gate's file that makes a test vanish or pass without looking."""

    place: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What one gate owes.

    ``declared`` are full node ids, ``functions`` those of this stage, ``files`` maps each file of
    the gate to its SHA-256, ``baseline`` is what the last judgement of the same stage listed.
    """

    declared: tuple[str, ...] = ()
    functions: tuple[Function, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()
    baseline: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over ids and file digests, in hex."""
        lines = [f"item {each}" for each in self.declared]
        lines += [f"test {f.id} {'advisory' if f.advisory else 'required'}" for f in self.functions]
        lines += [f"file {path} {self.files[path]}" for path in sorted(self.files)]
        lines += [f"earlier {each}" for each in self.baseline]
        return hashlib.sha256(b"".join(encoded(line) for line in lines)).hexdigest()


def encoded(line: str) -> bytes:
    """A length-prefixed line, so that no two lists of lines share their bytes."""
    raw = line.encode("utf-8", "backslashreplace")
    return len(raw).to_bytes(8, "big") + raw


def base_of(node_id: str) -> str:
    """The node id without its parameters: ``a.py::test_x[1]`` belongs to ``a.py::test_x``."""
    file, separator, name = node_id.partition("::")
    head, bracket, _ = name.partition("[")
    return f"{file}{separator}{head}" if bracket and name.endswith("]") else node_id


def removed(node_id: str, accepted: Iterable[str]) -> bool:
    """Whether the plan accepts that this item is gone: listed in full, or by its function."""
    names = set(accepted)
    return node_id in names or base_of(node_id) in names
