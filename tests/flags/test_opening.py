"""Which providers a plan may name, and what opening one costs and leaves."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from pytest_rollout.core.errors import FlagError
from pytest_rollout.core.rollout import FlagSettings
from pytest_rollout.flags.opening import open_flags

WHERE = "rollout.toml: flags.provider: "


def refusal(provider, folder):
    with pytest.raises(FlagError) as refused:
        open_flags(FlagSettings(provider=provider), folder, rollout="takumi", stage="beta")
    return str(refused.value)


def python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize(
    ("provider", "sentence"),
    [
        pytest.param(
            "memroy",
            "no provider 'memroy'; allowed are memory and flagd:<file>. Did you mean 'memory'?",
            id="misspelt",
        ),
        pytest.param(
            "fladg:flags.json",
            "no provider 'fladg:flags.json'; allowed are memory and flagd:<file>. Did you mean 'flagd:flags.json'?",
            id="misspelt-with-file",
        ),
        pytest.param("", "no provider ''; allowed are memory and flagd:<file>.", id="empty"),
        pytest.param(
            "memory:flags.json",
            "no provider 'memory:flags.json'; allowed are memory and flagd:<file>. Did you mean 'memory'?",
            id="memory-with-file",
        ),
        pytest.param(
            "flagd",
            "'flagd' names no file; write 'flagd:flags.json', with a path beside the plan.",
            id="flagd-without-file",
        ),
        pytest.param(
            "flagd:flag.json",
            "no file 'flag.json'; JSON files in its folder: flags.json. Did you mean 'flags.json'?",
            id="missing-file",
        ),
        pytest.param(
            "flagd:nowhere/flags.json",
            "no file 'nowhere/flags.json'; JSON files in its folder: none.",
            id="missing-folder",
        ),
        pytest.param(
            "flagd:flags.yaml",
            "'flags.yaml' does not end in .json; flagd files are read as JSON.",
            id="yaml",
        ),
        pytest.param("flagd:folder.json", "'folder.json' cannot be read (Is a directory).", id="a-folder"),
        pytest.param("flagd:latin.json", "'latin.json' cannot be read (not UTF-8 text).", id="not-utf-8"),
    ],
)
def test_a_provider_that_cannot_be_opened_is_one_sentence(tmp_path, provider, sentence):
    if provider == "flagd:flag.json":
        (tmp_path / "flags.json").write_text('{"flags": {}}')
    (tmp_path / "folder.json").mkdir() if "folder" in provider else None
    (tmp_path / "latin.json").write_bytes(b'{"\xe9": 1}') if "latin" in provider else None

    assert refusal(provider, tmp_path) == WHERE + sentence


def test_a_missing_package_is_told_with_the_line_that_installs_it(tmp_path, monkeypatch, write_flags):
    write_flags()
    monkeypatch.delitem(sys.modules, "pytest_rollout.flags.flagd", raising=False)
    monkeypatch.setitem(sys.modules, "openfeature.contrib.provider.flagd", None)

    assert refusal("flagd:flags.json", tmp_path) == (
        f"{WHERE}'flagd:flags.json' needs the package openfeature-provider-flagd, "
        "which is not installed. Run: pip install 'pytest-rollout[flagd]'"
    )


def test_openfeature_is_not_imported_before_a_flag_is_opened():
    """Every run of pytest imports the room; only a gate with flags may pay for the library."""
    code = """
import sys
import pytest_rollout.core.exposure, pytest_rollout.core.flag_rule
import pytest_rollout.flags.checks, pytest_rollout.flags.opening, pytest_rollout.flags.users
print([name for name in sys.modules if name.split(".")[0] in {"openfeature", "grpc"}])
"""
    assert python(code) == "[]"


def test_flags_in_memory_do_not_pay_for_flagd():
    code = """
import sys
from pathlib import Path
from pytest_rollout.core.rollout import FlagSettings
from pytest_rollout.flags.opening import open_flags
open_flags(FlagSettings(), Path(), rollout="r", stage="s").close()
print("openfeature" in sys.modules, "grpc" in sys.modules)
"""
    assert python(code) == "True False"


def test_the_stage_reaches_the_flags_rules(write_flags, opened, boolean):
    rule = {"if": [{"in": [{"var": "stage"}, ["beta", "public"]]}, "on", "off"]}
    write_flags(profiles=boolean(targeting=rule))

    assert [opened(stage).ask("profiles", False).value for stage in ("alpha", "beta", "public")] == [
        False,
        True,
        True,
    ]


def test_the_rollout_and_the_audience_reach_the_flags_rules(tmp_path, write_flags, boolean):
    rule = {"cat": [{"var": "rollout"}, "/", {"var": "targetingKey"}]}
    variants = {"takumi/takumi:beta": 1, "takumi/friends": 2}
    write_flags(who=boolean(variants=variants, defaultVariant="takumi/friends", targeting=rule))
    settings = FlagSettings(provider="flagd:flags.json")

    for audience, value in ((None, 1), ("friends", 2)):
        flags = open_flags(settings, tmp_path, rollout="takumi", stage="beta", audience=audience)
        assert flags.ask("who", 0).value == value
        flags.close()


def test_project_code_gets_an_openfeature_client_bound_to_the_stage(write_flags, opened, by_stage):
    from openfeature.client import OpenFeatureClient

    write_flags(profiles=by_stage(beta=100))
    client = opened("beta").client

    assert isinstance(client, OpenFeatureClient)
    assert client.get_boolean_value("profiles", False) is True
    assert opened("alpha").client.get_boolean_value("profiles", False) is False


def test_a_suite_that_clears_openfeatures_providers_does_not_lose_the_stages_flags(write_flags, opened, boolean):
    """Application tests do that after each test; later answers would silently be defaults."""
    from openfeature import api

    write_flags(profiles=boolean(defaultVariant="on"))
    flags = opened()

    api.clear_providers()

    assert flags.ask("profiles", False).value is True


def test_nothing_is_registered_with_openfeature_itself(opened):
    from openfeature import api
    from openfeature.provider.no_op_provider import NoOpProvider

    domain = opened(profiles=True).client.get_metadata().domain

    assert isinstance(api.get_client(domain).provider, NoOpProvider)
    assert isinstance(api.get_client().provider, NoOpProvider)


def test_an_application_wide_context_does_not_replace_the_stage(write_flags, opened, by_stage):
    from openfeature import api
    from openfeature.evaluation_context import EvaluationContext

    write_flags(profiles=by_stage(beta=100))
    api.set_evaluation_context(EvaluationContext("somebody", {"stage": "alpha"}))
    try:
        assert opened("beta").ask("profiles", False).value is True
    finally:
        api.set_evaluation_context(EvaluationContext())


def test_closing_ends_the_file_watcher(write_flags, opened, boolean):
    write_flags(profiles=boolean())
    before = set(threading.enumerate())

    flags = opened()
    watching = set(threading.enumerate()) - before
    flags.close()

    assert len(watching) == 1
    assert set(threading.enumerate()) == before


def test_flags_that_do_not_start_leave_no_thread_behind(tmp_path):
    (tmp_path / "flags.json").write_text('{"flags": {}, "metadata": []}')
    before = set(threading.enumerate())

    sentence = refusal("flagd:flags.json", tmp_path)

    assert sentence == (
        f"{WHERE}'flagd:flags.json' did not start (`metadata` key of configuration must be a dictionary). "
        "Correct the flags or name another provider."
    )
    assert set(threading.enumerate()) == before


def test_closed_flags_answer_nothing(write_flags, opened, boolean):
    write_flags(profiles=boolean(defaultVariant="on"))
    flags = opened()

    flags.close()
    flags.close()

    assert flags.ask("profiles", False).error == "PROVIDER_NOT_READY"
    assert flags.trouble() == "PROVIDER_NOT_READY: closed"


def test_flagd_settings_in_the_environment_change_nothing(write_flags, opened, monkeypatch, boolean):
    """The plan says which file; a developer's shell must not say another."""
    monkeypatch.setenv("FLAGD_RESOLVER", "rpc")
    monkeypatch.setenv("FLAGD_OFFLINE_FLAG_SOURCE_PATH", "elsewhere.json")
    monkeypatch.setenv("FLAGD_DEADLINE_MS", "60000")
    write_flags(profiles=boolean(defaultVariant="on"))

    assert opened().ask("profiles", False).value is True


def test_an_unusable_flagd_setting_in_the_environment_is_one_sentence(tmp_path, write_flags, monkeypatch):
    monkeypatch.setenv("FLAGD_CACHE", "sometimes")
    write_flags()

    assert refusal("flagd:flags.json", tmp_path) == (
        f"{WHERE}'flagd:flags.json' did not start ('sometimes' is not a valid CacheType). "
        "Correct the flags or name another provider."
    )
