"""The evidence fixture: what arrives beside the finding, and what is refused."""

from __future__ import annotations

import hashlib
import json

PLAN = '[rollout]\nname = "toy"\ntitle = "Toy ${KEY:-x}"\n[stages.alpha]\ntitle = "Alpha"\n'
SUITE = r"""
import pytest

@pytest.mark.parametrize("number", [1])
def test_attaches(number, evidence, tmp_path):
    evidence.text("note.txt", "two\nlines \x1b[31mred\x1b[0m \ud800")
    evidence.text("../../etc/passwd", "path")
    evidence.text("<script>\u202e\n", "name")
    evidence.text("n" * 5000, "long name")
    evidence.text("note.txt", "the same name again")
    evidence.json("document", {"wei": 2**256 - 1, "list": [1, None, True, float("nan"), {1}, object()]})
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    evidence.picture(tmp_path / "picture.png")
    (tmp_path / "log.txt").write_bytes(b"text \xff")
    evidence.file(tmp_path / "log.txt")
    (tmp_path / "blob").write_bytes(bytes(range(256)))
    evidence.file(tmp_path / "blob", "renamed.bin")
    evidence.text("empty", "")
    evidence.text("large", "\u00e9" * (5 * 1024 * 1024 // 2))
"""


def test_everything_attached_arrives_in_allure(bare) -> None:
    """Hostile names become plain ones; what a report does not show, it names with its digest."""
    bare.write({"rollout.toml": PLAN, "suites/test_e.py": SUITE})
    bare.rollout("init")

    ran = bare.pytest("--stage=alpha", "--rollout-formats=allure")

    assert ran.says == ""
    assert ran.status == 0, ran.err
    results = bare.folder / "reports/toy/alpha/allure-results"
    documents = [json.loads(path.read_text()) for path in results.glob("*-result.json")]
    (result,) = (each for each in documents if "test_attaches" in json.dumps(each))
    attached = {each["name"]: (results / each["source"]) for each in result["attachments"]}
    assert all(path.parent == results and path.is_file() for path in attached.values())
    contents = [path.read_bytes() for path in attached.values()]
    assert any(hashlib.sha256(bytes(range(256))).hexdigest().encode() in content for content in contents)
    assert b"\x89PNG\r\n\x1a\n" + bytes(50) in contents
    assert any(str(2**256 - 1).encode() in content for content in contents)
    assert b"path" in contents
    assert any(b"2,621,440" in content or len(content) > 1_000_000 for content in contents)


REFUSED = r"""
import os
import pytest
from pytest_rollout import EvidenceError

def refused(call, *arguments, says):
    with pytest.raises(EvidenceError, match=says):
        call(*arguments)

def test_refused(evidence, tmp_path):
    refused(evidence.file, tmp_path / "nowhere", says="nowhere cannot be read")
    refused(evidence.file, tmp_path, says="cannot be read")
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(5 * 1024 * 1024 + 1)
    refused(evidence.file, large, says="large.bin has 5242881 bytes; at most 5242880 are kept")
    refused(evidence.text, "large", "x" * (5 * 1024 * 1024 + 1), says="'large' is larger than 5242880 bytes")
    refused(evidence.text, "wide", "\u00e9" * (5 * 1024 * 1024), says="'wide' is larger")
    refused(evidence.picture, tmp_path / "x.gif", says="x.gif is no .png, .jpg or .jpeg")
    refused(evidence.text, "number", 7, says="'number' is int, not text")
    endless = []
    endless.append(endless)
    refused(evidence.json, "endless", endless, says="'endless' holds itself")
    (tmp_path / "blob").write_bytes(b"\0" + os.environ.get("KEY", "?" * 9).encode())
    refused(evidence.file, tmp_path / "blob", says="blob holds a secret of the plan")
"""


def test_what_cannot_be_evidence_is_refused_where_it_is_attached(bare) -> None:
    """One sentence each, and the gate goes on with the rest."""
    bare.write({"rollout.toml": PLAN.replace("[stages", 'environment = ["KEY"]\n[stages'), "suites/test_e.py": REFUSED})
    bare.rollout("init")

    ran = bare.pytest("--stage=alpha", "--rollout-formats=", env={"KEY": "s3cr3t-value"})

    assert ran.says == ""
    assert ran.status == 0
