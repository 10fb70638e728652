"""N of N: each contract of the declared inventory is judged by what was seen of it (rules 21 and 22)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.inventory import Listed
from pytest_rollout.core.outcome import Kind, Outcome

A, B, HASH = "0x" + "aa" * 20, "0x" + "bb" * 20, "0x" + "11" * 32


def place(address: str = A, size: int = 100, **compared: str) -> dict[str, Any]:
    held = [{"with": what.replace("_", " "), "difference": how} for what, how in compared.items()]
    return {"address": address, "size": size, "hash": HASH, "compared": held}


def seen(**changed: Any) -> dict[str, Any]:
    return {"known": True, "chain_id": 56, "own": place(the_artifact_Coin=""), **changed}


def test_a_finding_of_a_contract_says_all_that_a_reader_needs() -> None:
    check = Listed(network="bsc", contract="Coin", chain_id=56)
    told = Finding(
        item="item",
        kind=Kind.INVENTORY,
        title="Coin on bsc",
        outcome=Outcome.PASS,
        measured=f"{A}, 100 bytes; compared with the artifact Coin",
        needed="its own code at its recorded address, chain id 56",
        source="bsc @ 7",
    )
    wrong = seen(chain_id=97, own=place(size=0))

    def judged(value: Any, of: Listed = check) -> Finding:
        return of.judge("item", Observation(item="item", value=value, source="bsc @ 7"))

    assert judged(seen()) == told
    assert judged(wrong) == replace(
        told,
        outcome=Outcome.FAIL,
        measured=f"the node's chain id is 97, the plan's 56; no code at {A}",
        remedy="correct the chain, the record or contracts.inventory.bsc",
    )
    assert judged(None).measured == "not understood (KeyError: 'known')"
    assert judged(seen(own=place())).measured == "which code it must have, neither an artifact nor its record says"
    assert judged(seen(own=place(size=1, the_artifact_Coin=""))).outcome is Outcome.PASS
    assert judged(seen(), replace(check, chain_id=None)).needed == "its own code at its recorded address"
    assert (check.kind, check.name, check.required, check.redacted(str)) == (Kind.INVENTORY, "bsc.Coin", True, check)


CASES: dict[str, tuple[Any, Outcome, str]] = {
    "its own code": (seen(), Outcome.PASS, f"{A}, 100 bytes; compared with the artifact Coin"),
    "a proxy": (
        seen(own=place(the_proxy_artifact_Proxy=""), behind=place(B, the_artifact_Coin="")),
        Outcome.PASS,
        f"{A}, 100 bytes, behind it {B}, 100 bytes; compared with the proxy artifact Proxy, the artifact Coin",
    ),
    "a proxy of whatever code": (
        seen(own=place(), behind=place(B, the_artifact_Coin="")),
        Outcome.INCONCLUSIVE,
        "which code the proxy itself must have, nothing says; name its artifact in contracts.proxies",
    ),
    "another proxy": (
        seen(own=place(the_proxies_of_the_plan="is none of Proxy (…)"), behind=place(B, the_artifact_Coin="")),
        Outcome.FAIL,
        "the proxies of the plan: is none of Proxy",
    ),
    "recorded for this chain": (seen(recorded_chain_id=56), Outcome.PASS, f"{A}, 100 bytes"),
    "nobody knows it": ({"known": False}, Outcome.NOT_RUN, "no record of bsc names Coin"),
    "another chain": (seen(chain_id=97), Outcome.FAIL, "the node's chain id is 97, the plan's 56"),
    "another chain's record": (seen(recorded_chain_id=97), Outcome.FAIL, "the node's chain id is 56, the record's 97"),
    "an account": (seen(own=place(size=0)), Outcome.FAIL, f"no code at {A}"),
    "no code behind": (seen(own=place(), behind=place(B, 0)), Outcome.FAIL, f"behind its proxy no code at {B}"),
    "other code": (
        seen(own=place(the_artifact_Coin="other code from byte 4 on")),
        Outcome.FAIL,
        "the artifact Coin: other code from byte 4 on",
    ),
    "upgraded": (
        seen(own=place(), behind=place(B, the_artifact_Coin="", its_recorded_implementation=f"{B}, not {A}")),
        Outcome.FAIL,
        f"its recorded implementation: {B}, not {A}",
    ),
    "nothing to compare": (seen(own=place()), Outcome.INCONCLUSIVE, "which code it must have"),
    "nothing to compare behind": (
        seen(own=place(its_recorded_hash=""), behind=place(B)),
        Outcome.INCONCLUSIVE,
        "which code it must have",
    ),
    "nothing": (None, Outcome.ERROR, "not understood"),
    "nothing in it": ({}, Outcome.ERROR, "not understood"),
    "only that it is known": ({"known": True}, Outcome.ERROR, "not understood"),
    "known by a word": (seen(known="yes"), Outcome.ERROR, "'yes' is no bool"),
    "chain id as text": (seen(chain_id="56"), Outcome.ERROR, "'56' is no int"),
    "true as size": (seen(own=place(size=True)), Outcome.ERROR, "True is no int"),
    "no difference told": (
        seen(own={**place(), "compared": [{"with": "the artifact"}]}),
        Outcome.ERROR,
        "not understood (KeyError",
    ),
    "a difference that is none": (
        seen(own={**place(), "compared": [{"with": "the artifact", "difference": None}]}),
        Outcome.ERROR,
        "None is no str",
    ),
    "compared with text": (seen(own={**place(), "compared": "all"}), Outcome.ERROR, "not understood"),
}


@pytest.mark.parametrize(("value", "outcome", "told"), CASES.values(), ids=CASES)
def test_each_contract_is_judged_by_what_was_seen(value: Any, outcome: Outcome, told: str) -> None:
    check = Listed(network="bsc", contract="Coin", chain_id=56)

    finding = check.judge("plan::beta::inventory::bsc.Coin", Observation(item="x", value=value, source="bsc @ 7"))

    assert finding.outcome is outcome
    assert told in finding.measured
    assert finding.required
