"""What a flagd file may not be; each mistake is told with its place."""

from __future__ import annotations

import json

import pytest

from pytest_rollout.core.errors import FlagError
from pytest_rollout.core.rollout import FlagSettings
from pytest_rollout.flags.opening import open_flags

CHECKSUM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def flag(**changes):
    sound = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
    return json.dumps({"flags": {"profiles": {**sound, **changes}}})


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(
            '{"flags": {\n  "a" 1}}',
            "line 2 column 7: not JSON (Expecting ':' delimiter); a flagd file is {\"flags\": {…}}.",
            id="broken-json",
        ),
        pytest.param(
            "",
            'line 1 column 1: not JSON (Expecting value); a flagd file is {"flags": {…}}.',
            id="empty",
        ),
        pytest.param("[]", 'no table "flags" in it; a flagd file is {"flags": {…}}.', id="a-list"),
        pytest.param("{}", 'no table "flags" in it; a flagd file is {"flags": {…}}.', id="no-flags"),
        pytest.param('{"flags": []}', 'no table "flags" in it; a flagd file is {"flags": {…}}.', id="flags-a-list"),
        pytest.param(
            '{"flags": {"a": {}, "a": {}}}',
            "'a' stands twice in one table; keep one of them.",
            id="a-flag-twice",
        ),
        pytest.param(
            '{"flags": {"a": true}}',
            "flags.a: true is no flag; a flag has state, variants and defaultVariant.",
            id="a-bare-value",
        ),
        pytest.param(
            flag(state="enabled"),
            'flags.profiles.state: "enabled"; allowed are ENABLED, DISABLED.',
            id="state",
        ),
        pytest.param(
            flag(variants={}),
            "flags.profiles.variants: a table with at least one variant is needed.",
            id="variants",
        ),
        pytest.param(
            flag(defaultVariant="onn"),
            "flags.profiles.defaultVariant: no variant \"onn\"; there are on, off. Did you mean 'on'?",
            id="default-variant",
        ),
        pytest.param(
            flag(targeting={"if": [{"in": [{"var": "targetingKey"}, [CHECKSUM]]}, "on"]}),
            f"flags.profiles.targeting: address '{CHECKSUM}' never matches, because users are compared "
            f"in lower case; write '{CHECKSUM.lower()}'.",
            id="address-in-checksum-case",
        ),
        pytest.param(
            json.dumps({"flags": {}, "$evaluators": {"cohort": {"in": ["", [CHECKSUM]]}}}),
            f"$evaluators: address '{CHECKSUM}' never matches, because users are compared "
            f"in lower case; write '{CHECKSUM.lower()}'.",
            id="address-in-an-evaluator",
        ),
    ],
)
def test_a_broken_file_is_told_with_its_place(tmp_path, content, sentence):
    (tmp_path / "flags.json").write_text(content, encoding="utf-8")

    with pytest.raises(FlagError) as refused:
        open_flags(FlagSettings(provider="flagd:flags.json"), tmp_path, rollout="takumi", stage="beta")

    assert str(refused.value) == f"flags.json: {sentence}"


def test_a_checksum_address_may_be_a_value(write_flags, opened, boolean):
    """Only rules compare users; a value is handed on as it is written."""
    write_flags(treasury=boolean(variants={"main": CHECKSUM}, defaultVariant="main"))

    assert opened().ask("treasury", "").value == CHECKSUM


def test_a_cohort_by_lower_case_address_is_matched_in_any_spelling(write_flags, opened, boolean):
    rule = {"if": [{"in": [{"var": "targetingKey"}, [CHECKSUM.lower()]]}, "on", "off"]}
    write_flags(profiles=boolean(targeting=rule))
    flags = opened()

    assert flags.ask("profiles", False, user=CHECKSUM).value is True
    assert flags.ask("profiles", False, user="0x" + "00" * 20).value is False


def test_a_file_that_breaks_while_open_is_trouble_until_it_is_mended(write_flags, opened, boolean):
    """OpenFeature goes on serving what it read last, without an error in the details."""
    path = write_flags(profiles=boolean(defaultVariant="on"))
    sound = path.read_text()
    flags = opened()
    assert flags.trouble() == ""

    path.write_text("{")
    assert flags.trouble() == "PROVIDER_ERROR: Could not parse JSON flag data from file"
    assert flags.ask("profiles", False).value is True

    path.unlink()
    assert flags.trouble() == "PROVIDER_ERROR: Provided file path not valid"

    path.write_text(sound)
    assert flags.trouble() == ""


def test_a_change_that_kept_the_files_time_is_seen(write_flags, opened, boolean):
    import os

    path = write_flags(profiles=boolean(defaultVariant="on"))
    times = (path.stat().st_atime, path.stat().st_mtime)
    flags = opened()
    write_flags(profiles=boolean(defaultVariant="off"))
    os.utime(path, times)

    assert flags.trouble() == ""
    assert flags.ask("profiles", True).value is False
