"""A snapshot of flags: digests by flag, taken without OpenFeature."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import FlagSettings
from pytest_rollout.flags.snapshot import snapshot

FLAG = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
FILE = FlagSettings(provider="flagd:flags.json")


def taken(folder: Path, content: object) -> dict[str, str]:
    (folder / "flags.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return snapshot(FILE, folder, Redactor({}))


def test_only_the_flag_that_changed_has_another_digest(tmp_path: Path) -> None:
    before = taken(tmp_path, {"flags": {"a": FLAG, "b": FLAG}})
    after = taken(tmp_path, {"flags": {"b": FLAG, "a": FLAG | {"defaultVariant": "on"}}})

    assert before["a"] == before["b"] == after["b"]
    assert after["a"] != before["a"]


def test_rules_that_flags_share_count_as_well(tmp_path: Path) -> None:
    before = taken(tmp_path, {"flags": {"a": FLAG}, "$evaluators": {"x": {"==": [1, 1]}}})
    after = taken(tmp_path, {"flags": {"a": FLAG}, "$evaluators": {"x": {"==": [1, 2]}}})

    assert before["$evaluators"] != after["$evaluators"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"flags": 1}', "{}", "[" * 100_000], ids=range(6))
def test_a_file_that_cannot_be_read_stands_for_itself(tmp_path: Path, content: str) -> None:
    assert taken(tmp_path, content) == {"flags.json": "unreadable"}


def test_a_secret_is_taken_out_before_a_digest_is_taken() -> None:
    """The digest of a short secret would tell it to whoever tries them all."""
    settings = FlagSettings(provider="memory", values={"pin": "hunter22"})

    assert snapshot(settings, Path(), Redactor({"PIN": "hunter22"})) == snapshot(
        FlagSettings(provider="memory", values={"pin": "<PIN>"}), Path(), Redactor({})
    )


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["a pipe", "a device"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, make) -> None:
    """A test that replaces the file while it is judged cannot hold up who judges."""
    make(tmp_path / "flags.json")

    assert snapshot(FILE, tmp_path, Redactor({})) == {"flags.json": "unreadable"}
