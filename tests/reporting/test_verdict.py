"""verdict.json: the recorded bytes, a published schema, a digest anybody can take again."""

from __future__ import annotations

import json
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.judgement import Sealed
from pytest_rollout.core.outcome import Kind, Outcome, Verdict
from pytest_rollout.core.rollout import Stage
from pytest_rollout.reporting import Format, write
from pytest_rollout.reporting.verdict import VERIFY, differences, parts


@pytest.fixture
def schema() -> dict[str, Any]:
    text = (resources.files("pytest_rollout.reporting") / "schema" / "verdict.schema.json").read_text()
    document: dict[str, Any] = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(document)
    return document


def test_a_verdict_fits_the_published_schema(seal, findings: list[Finding], schema: dict[str, Any]) -> None:
    document = json.loads(b"".join(parts(seal(findings, arguments=("--stage=alpha",)))))

    jsonschema.Draft202012Validator(schema).validate(document)


def test_hostile_text_fits_the_published_schema(hostile_sealed: Sealed, schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(schema).validate(json.loads(b"".join(parts(hostile_sealed))))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(("judgement", "verdict"), "go", id="verdict"),
        pytest.param(("judgement", "findings", 0, "outcome"), "skipped", id="outcome"),
        pytest.param(("judgement", "findings", 0, "extra"), "x", id="unknown key"),
        pytest.param(("judgement", "facts", "block"), 2**60, id="number among the facts"),
        pytest.param(("judgement", "run", "attempt"), 2**53, id="integer beyond 2**53"),
        pytest.param(("digest",), "ABC", id="digest"),
        pytest.param(("judgement", "rollout", "name"), "../x", id="name"),
    ],
)
def test_the_schema_refuses(seal, findings, schema, path: tuple[Any, ...], value: object) -> None:
    document = json.loads(b"".join(parts(seal(findings))))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value

    assert not jsonschema.Draft202012Validator(schema).is_valid(document)


def test_the_schema_knows_every_kind_outcome_and_verdict(schema: dict[str, Any]) -> None:
    """A new kind must reach the schema, or every report that has one is refused by its readers."""
    defined = schema["$defs"]

    assert defined["finding"]["properties"]["kind"]["enum"] == [kind.value for kind in Kind]
    assert set(defined["outcome"]["enum"]) == {outcome.value for outcome in Outcome}
    assert set(defined["judgement"]["properties"]["verdict"]["enum"]) == {verdict.value for verdict in Verdict}


def test_a_stranger_takes_the_digest_with_common_tools(
    seal, findings: list[Finding], evidence: Evidence, stage: Stage, tmp_path: Path
) -> None:
    sealed = seal(findings)
    folder = write(sealed, evidence, stage, tmp_path / "takumi" / "alpha", {Format.VERDICT}).folder

    told = subprocess.run(VERIFY, shell=True, cwd=folder, capture_output=True, text=True, check=True).stdout

    assert told.split()[0] == sealed.digest


def test_integers_of_256_bits_arrive_as_they_are(seal, finding) -> None:
    sealed = seal([finding(measured=str(2**256 - 1))])

    document = json.loads(b"".join(parts(sealed)))

    assert int(document["judgement"]["findings"][0]["measured"]) == 2**256 - 1


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param(b'"verdict":"hold"', b'"verdict":"promote"', "its verdict is another one", id="verdict"),
        pytest.param(b'"outcome":"fail"', b'"outcome":"pass"', "its counts are not those", id="outcome"),
        pytest.param(b'"outcome":"fail"', b'"outcome":"fine"', "it is no verdict", id="unknown outcome"),
        pytest.param(b'"attempt":1', b'"attempt":2', "its bytes do not have its digest", id="one byte"),
        pytest.param(b'"kind":"tests"', b'"kind":"test"', "it is no verdict", id="unknown kind"),
        pytest.param(b"\n}\n", b"\n", "it is no verdict", id="torn"),
        pytest.param(b"verdict/v1", b"verdict/v2", "its schema is another one", id="schema"),
    ],
)
def test_an_altered_verdict_does_not_read_back(seal, findings, old: bytes, new: bytes, told: str) -> None:
    sealed = seal(findings)
    data = b"".join(parts(sealed))
    assert old in data
    assert differences(data, sealed) == ""

    assert told in differences(data.replace(old, new, 1), sealed)
