"""A mistake is told in one sentence, with the nearest name; what a contract refused survives a process's end."""

from __future__ import annotations

import pickle

import pytest

from pytest_rollout.core.errors import Reverted, listed, nearest, suggestion


@pytest.mark.parametrize(("reason", "told"), [("paused", "reverted: paused"), ("", "reverted without a reason")])
def test_what_a_contract_refused_is_told_with_its_reason(reason: str, told: str) -> None:
    refused = Reverted(reason)

    assert str(refused) == told
    assert (refused.reason, refused.error, refused.data, refused.transaction) == (reason, "", b"", "")


def test_what_a_contract_refused_is_handed_whole_to_another_process() -> None:
    refused = Reverted("NoProfile(7)", error="NoProfile", data=b"\x01")
    refused.transaction = "0xab"

    read = pickle.loads(pickle.dumps(refused))

    assert str(read) == "reverted: NoProfile(7)"
    assert (read.reason, read.error, read.data, read.transaction) == ("NoProfile(7)", "NoProfile", b"\x01", "0xab")


@pytest.mark.parametrize(
    ("name", "close"),
    [("bta", "beta"), (" BETA ", "beta"), ("beta", "beta"), ("gammaray", "Gamma"), ("zzz", None), ("bexx", None)],
)
def test_the_nearest_name_is_the_likeliest(name: str, close: str | None) -> None:
    assert nearest(name, ["alpha", "beta", "Gamma"]) == close
    told = "" if close in {None, name} else f" Did you mean '{close}'?"
    assert suggestion(name, ["alpha", "beta", "Gamma"]) == told


def test_names_stand_in_a_row() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed([]) == "none"
