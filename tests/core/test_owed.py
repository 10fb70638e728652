from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.manifest import Manifest
from pytest_rollout.core.outcome import Kind, Outcome, Verdict
from pytest_rollout.core.owed import Declared, judge_observation, shared_exposure
from pytest_rollout.core.rollout import ContractState, Exposure, FlagState, KnownFailure

BIG = 2**256 - 1


def test_every_declared_check_and_every_test_has_one_finding(kit: Any) -> None:
    judgement = kit.judge(kit.whole(kit.recorded(kit.WHOLE, workers=2)))

    items = [finding.item for finding in judgement.findings]
    assert sorted(items) == sorted(
        [*kit.WHOLE, f"{kit.PLAN}::beta::criteria::success rate", f"{kit.PLAN}::beta::checklist::Audit letter received"]
    )


# Declared checks


@pytest.mark.parametrize(
    ("happenings", "changes", "outcome", "says"),
    [
        pytest.param((), {}, Outcome.NOT_RUN, "0 observations were recorded", id="observed nothing"),
        pytest.param("twice", {}, Outcome.NOT_RUN, "2 observations were recorded", id="observed twice"),
        pytest.param("good", {"told": "failed"}, Outcome.FAIL, "failed in call", id="saw what is owed, but failed"),
        pytest.param(
            "good", {"told": "skipped"}, Outcome.NOT_RUN, "skipped in call", id="saw what is owed, then skipped"
        ),
        pytest.param("good", {"ran": False}, Outcome.NOT_RUN, "no frame of", id="saw what is owed, never ran"),
        pytest.param("good", {"calls": 2}, Outcome.INCONCLUSIVE, "entered 2 times", id="entered twice"),
        pytest.param("bad", {}, Outcome.FAIL, "true", id="saw something else, but passed"),
        pytest.param("bad", {"told": "failed"}, Outcome.FAIL, "true", id="saw something else and failed"),
        pytest.param("error", {}, Outcome.ERROR, "the node is gone", id="could not look, but passed"),
        pytest.param("null", {}, Outcome.FAIL, "None", id="saw nothing"),
    ],
)
def test_a_declared_check_is_judged_on_what_was_observed_not_on_its_colour(
    kit: Any, happenings: Any, changes: dict[str, Any], outcome: Outcome, says: str
) -> None:
    seen = {
        (): (),
        "good": [kit.observed(False)],
        "twice": [kit.observed(False), kit.observed(False)],
        "bad": [kit.observed(True)],
        "error": [kit.observed(error="the node is gone")],
        "null": [kit.observed()],
    }[happenings]
    about = dict(changes)
    if "told" in about:
        about["told"] = kit.phases(call=about["told"])
        about |= {"cause": "CheckFailedError", "assertion": True} if "failed" in str(about["told"]) else {}
    said = kit.recorded({**kit.WHOLE, kit.PAUSED: seen}, paused=about)

    judgement = kit.judge(kit.whole(said))

    finding = kit.of_item(judgement, "Escrow.paused")
    assert (finding.outcome, judgement.verdict) == (outcome, Verdict.HOLD)
    assert says in finding.measured


def test_a_declared_check_that_never_ran_is_not_run(kit: Any) -> None:
    items = {item: during for item, during in kit.WHOLE.items() if item != kit.PAUSED}

    judgement = kit.judge(kit.whole(kit.recorded(items)))

    assert kit.of_item(judgement, "Escrow.paused").outcome is Outcome.NOT_RUN


def test_an_observation_of_a_check_that_never_ran_is_no_evidence(kit: Any) -> None:
    items = {item: during for item, during in kit.WHOLE.items() if item != kit.PAUSED}
    said = kit.Recording().hello("main").collected("main", kit.WHOLE)
    for item, during in items.items():
        said.run("main", item, during=during)
    said.say("main", "observe", id=kit.PAUSED, value=False).end("main")

    assert kit.titles(kit.judge(kit.whole(said))) == ["Escrow.paused"]


def test_a_declared_check_that_ran_twice_is_inconclusive(kit: Any) -> None:
    said = kit.Recording().hello("main").collected("main", kit.WHOLE)
    for item, during in [*kit.WHOLE.items(), (kit.PAUSED, ())]:
        said.run("main", item, during=during)

    finding = kit.of_item(kit.judge(kit.whole(said.end("main"))), "Escrow.paused")

    assert (finding.outcome, finding.measured) == (Outcome.INCONCLUSIVE, "it ran 2 times (main, main); once is owed")


@pytest.mark.parametrize(
    ("expected", "seen", "agrees"),
    [
        (True, True, True),
        (True, 1, False),
        (1, True, False),
        (0, False, False),
        (False, 0, False),
        (False, None, False),
        (1, "1", False),
        (1, 1.0, False),
        (BIG, BIG, True),
        (BIG, BIG - 1, False),
        (2**53, 2**53 + 1, False),
        ("0xAb", "0xAb", True),
        ("0xAb", "0xab", False),
        (["a", "b"], ["a", "b"], True),
        (["a", "b"], ["b", "a"], False),
        (["a"], [], False),
        ([1, True], [1, 1], False),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
    ],
)
def test_a_contract_state_agrees_in_type_and_value(kit: Any, expected: Any, seen: Any, agrees: bool) -> None:
    state = ContractState(contract="Escrow", what="paused", expected=expected)
    said = kit.recorded({**kit.WHOLE, kit.PAUSED: [kit.observed(seen)]})
    judgement = kit.judge(kit.whole(said, stage=replace(kit.WHOLE_STAGE, contracts=(state,))))

    assert (judgement.verdict is Verdict.PROMOTE) == agrees
    assert (kit.of_item(judgement, "Escrow.paused").outcome is Outcome.PASS) == agrees


def test_a_uint256_is_shown_whole(kit: Any) -> None:
    state = ContractState(contract="Escrow", what="calls.cap", expected=BIG)
    rollout = kit.question(kit.Recording()).rollout
    stage = kit.stage(contracts=(replace(state, what="paused", expected=False), state))
    item = f"{kit.PLAN}::beta::contracts::Escrow.calls.cap"

    finding = judge_observation(rollout, stage, item, Observation(item=item, value=BIG - 1))

    assert (finding.measured, finding.needed) == (str(BIG - 1), str(BIG))


@pytest.mark.parametrize(
    ("value", "told"),
    [([], "nobody"), (["0x1", 2], "0x1, 2"), ({"a": True, "b": [1]}, "a = true, b = 1")],
    ids=["an empty list", "a list", "a table"],
)
def test_a_contracts_lists_and_tables_are_told_in_words(kit: Any, value: Any, told: str) -> None:
    state = ContractState(contract="Escrow", what="owners", expected=value)
    rollout, stage = kit.question(kit.Recording()).rollout, kit.stage(contracts=(state,))
    item = f"{kit.PLAN}::beta::contracts::Escrow.owners"

    finding = judge_observation(rollout, stage, item, Observation(item=item, value=value))

    assert (finding.measured, finding.needed) == (told, told)


@dataclass(frozen=True)
class Answering:
    """A check that answers for something else than it was asked for."""

    kind: Kind
    name: str
    required: bool = True

    def judge(self, item: str, seen: Observation) -> Finding:
        assert (item, seen.item) == (f"suites/toy/rollout.toml::beta::commands::{self.name}",) * 2
        return Finding(item="another", kind=Kind.TEST, title=self.name, outcome=Outcome.PASS)


def test_a_check_answers_for_its_own_item_alone_whatever_it_says(kit: Any) -> None:
    """Else a required item would be missing and another's place be taken; and a name may hold the ids' own colons."""
    item = f"{kit.PLAN}::beta::commands::deploy::twice"
    check = Answering(Kind.COMMAND, "deploy::twice", required=False)
    rollout, stage = kit.question(kit.Recording()).rollout, kit.stage(checks=(check,))

    assert judge_observation(rollout, stage, item, Observation(item=item, value=1)) == Finding(
        item=item, kind=Kind.COMMAND, title="deploy::twice", outcome=Outcome.PASS
    )
    said = kit.question([], stage, Manifest(declared=(item,)))
    (never,) = Declared(rollout, stage, said.manifest, said.evidence, said.judged_at).findings()
    assert (never.title, never.kind, never.outcome, never.required) == (
        "deploy::twice", Kind.COMMAND, Outcome.NOT_RUN, False,
    )  # fmt: skip


def test_a_network_is_judged_as_one_where_the_stage_has_an_exposure(kit: Any) -> None:
    stage = kit.stage(exposure=Exposure(share=Fraction(1, 4), flag="swap"))
    item = f"{kit.PLAN}::beta::network::local"

    finding = judge_observation(kit.question([]).rollout, stage, item, Observation(item=item, value=kit.HEAD))

    assert (finding.kind, finding.outcome) == (Kind.NETWORK, Outcome.PASS)


def test_a_declared_check_has_no_function_that_owes_a_proof(kit: Any) -> None:
    judgement = kit.judge(kit.whole(kit.recorded(kit.WHOLE, paused={"ran": None})))

    assert kit.of_item(judgement, kit.PAUSED).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("head", "outcome"),
    [
        pytest.param({}, Outcome.PASS, id="right"),
        pytest.param({"chain_id": 1}, Outcome.FAIL, id="another chain"),
        pytest.param({"chain_id": True}, Outcome.ERROR, id="true is not 1"),
        pytest.param({"chain_id": "1337"}, Outcome.ERROR, id="text"),
        pytest.param({"chain_id": None}, Outcome.ERROR, id="null"),
        pytest.param({"number": None}, Outcome.ERROR, id="no block"),
    ],
)
def test_a_network_is_the_one_with_the_declared_chain_id(kit: Any, head: dict[str, Any], outcome: Outcome) -> None:
    said = kit.recorded({**kit.WHOLE, kit.NODE: [kit.observed(kit.HEAD | head)]})

    assert kit.of_item(kit.judge(kit.whole(said)), "::local").outcome is outcome


@pytest.mark.parametrize("value", [None, [], "x", 5, {}, {"chain_id": {}}])
@pytest.mark.parametrize("kind", ["network::local", "flags::profiles", "exposure::profiles"])
def test_an_observation_of_another_shape_is_an_error_and_stops_no_judge(kit: Any, kind: str, value: Any) -> None:
    stage = kit.stage(
        network="local",
        flags=(FlagState(key="profiles", expected=True),),
        exposure=Exposure(share=Fraction(1, 4), flag="profiles"),
    )
    item = f"{kit.PLAN}::beta::{kind}"
    said = kit.recorded({kit.A: (), item: [kit.observed(value)]})

    judgement = kit.judge(kit.question(said, stage, Manifest(declared=(item,), functions=kit.functions(kit.A))))

    assert kit.of_item(judgement, kind).outcome is Outcome.ERROR


def test_a_sample_of_more_users_than_there_are_stops_no_judge(kit: Any) -> None:
    counts = {"sample": 10**4000, "enabled": 5, "unsticky": 0, "errors": 0, "left": 0, "joined": 0, "previous": None}
    stage = kit.stage(exposure=Exposure(share=Fraction(1, 4), flag="profiles"))
    item = f"{kit.PLAN}::beta::exposure::profiles"
    said = kit.recorded({item: [kit.observed(counts)]})

    judgement = kit.judge(kit.question(said, stage, Manifest(declared=(item,))))

    assert kit.of_item(judgement, item).outcome is Outcome.ERROR


# Tests


def test_a_test_that_was_made_and_never_ran_is_not_run(kit: Any) -> None:
    said = kit.Recording().hello("main").collected("main", [kit.A, kit.X1, kit.X2], selected=[kit.A, kit.X1])
    said.run("main", kit.A).run("main", kit.X1).end("main")

    judgement = kit.judge(kit.question(said, manifest=Manifest(functions=kit.functions(kit.A, kit.X1))))

    assert kit.titles(judgement) == [kit.X2]
    assert kit.of_item(judgement, kit.X2).outcome is Outcome.NOT_RUN


def test_a_test_that_was_selected_without_being_made_is_owed(kit: Any) -> None:
    said = (
        kit.Recording()
        .hello("main")
        .collected("main", [kit.A], selected=[kit.A, kit.X1])
        .run("main", kit.A)
        .end("main")
    )

    assert kit.titles(kit.judge(kit.question(said))) == [kit.X1]


def test_a_test_that_ran_without_being_collected_is_judged(kit: Any) -> None:
    said = kit.Recording().hello("main").collected("main", [kit.A]).run("main", kit.A)
    said.run("main", kit.X1, kit.phases(call="failed"), cause="AssertionError", assertion=True).end("main", 1)

    assert kit.of_item(kit.judge(kit.question(said)), kit.X1).outcome is Outcome.FAIL


def test_a_function_of_which_no_item_was_made_is_not_run(kit: Any) -> None:
    manifest = Manifest(functions=kit.functions(kit.A, kit.X1))

    finding = kit.of_item(kit.judge(kit.question(kit.recorded([kit.A]), manifest=manifest)), "test_x")

    assert (finding.outcome, finding.measured) == (
        Outcome.NOT_RUN,
        "its file defines it, but pytest never made an item of it",
    )


def test_a_test_that_one_worker_leaves_out_is_owed_where_another_makes_it(kit: Any) -> None:
    said = kit.Recording().hello("controller").hello("gw0").hello("gw1")
    said.collected("gw0", [kit.A, kit.X1], excluded=[kit.X1]).collected("gw1", [kit.A, kit.X1])
    said.run("gw0", kit.A).seen(kit.A).end("gw0").end("gw1").end("controller")

    assert kit.titles(kit.judge(kit.question(said))) == [kit.X1]


def test_a_marker_added_while_collecting_does_not_set_a_test_aside(kit: Any) -> None:
    """A conftest may mark the one failing parameter for another stage; the file says otherwise."""
    said = kit.Recording().hello("main").collected("main", [kit.A, kit.X1, kit.X2], excluded=[kit.X1])
    said.run("main", kit.A).run("main", kit.X2).end("main")
    asked = kit.question(said, manifest=Manifest(functions=kit.functions(kit.A, kit.X1)))

    judgement = kit.judge(asked)

    assert kit.titles(judgement) == [kit.X1]
    assert kit.X1 in judgement.manifest


def test_a_test_that_looks_like_another_is_not_the_other(kit: Any) -> None:
    """Its second letter is Cyrillic: what is owed is the name, letter by letter."""
    twin = kit.A.replace("test_a", "t\u0435st_a")
    asked = kit.question(kit.recorded([twin]), manifest=Manifest(functions=kit.functions(kit.A), baseline=(kit.A,)))

    judgement = kit.judge(asked)

    assert judgement.verdict is Verdict.HOLD
    assert kit.titles(judgement) == [kit.A]


def test_a_function_all_of_whose_parameters_are_set_aside_is_owed(kit: Any) -> None:
    said = kit.Recording().hello("main").collected("main", [kit.A, kit.X1, kit.X2], excluded=[kit.X1, kit.X2])
    asked = kit.question(said.run("main", kit.A).end("main"), manifest=Manifest(functions=kit.functions(kit.A, kit.X1)))

    assert kit.titles(kit.judge(asked)) == [kit.X1, kit.X2]


def test_a_test_whose_file_marks_it_for_another_stage_is_not_owed(kit: Any) -> None:
    said = (
        kit.Recording()
        .hello("main")
        .collected("main", [kit.A, kit.X1], excluded=[kit.X1])
        .run("main", kit.A)
        .end("main")
    )

    judgement = kit.judge(kit.question(said))

    assert judgement.verdict is Verdict.PROMOTE
    assert kit.X1 not in judgement.manifest


@pytest.mark.parametrize(
    ("described", "written", "verdict"),
    [
        pytest.param(False, True, Verdict.PROMOTE, id="the file says advisory"),
        pytest.param(True, True, Verdict.PROMOTE, id="the file says it, the process forgot"),
        pytest.param(False, False, Verdict.HOLD, id="only a marker added while collecting says it"),
    ],
)
def test_a_test_is_advisory_only_where_its_file_says_so(
    kit: Any,
    described: bool,
    written: bool,
    verdict: Verdict,
) -> None:
    said = kit.Recording().hello("main").collected("main", [kit.A, kit.X1]).run("main", kit.A)
    said.say("main", "begin", id=kit.X1, required=described)
    said.say("main", "item", id=kit.X1, phases=kit.phases(call="failed"), cause="AssertionError", assertion=True)
    manifest = Manifest(functions=(*kit.functions(kit.A), *kit.functions(kit.X1, advisory=written)))

    judgement = kit.judge(kit.question(said.end("main", 1), manifest=manifest))

    assert judgement.verdict is verdict
    assert kit.of_item(judgement, kit.X1).outcome is Outcome.FAIL


def test_an_advisory_function_of_which_nothing_was_made_does_not_hold(kit: Any) -> None:
    manifest = Manifest(functions=(*kit.functions(kit.A), *kit.functions(kit.X1, advisory=True)))

    judgement = kit.judge(kit.question(kit.recorded([kit.A]), manifest=manifest))

    assert judgement.verdict is Verdict.PROMOTE
    assert not kit.of_item(judgement, "test_x").required


def test_a_finding_says_how_to_run_its_test_alone(kit: Any) -> None:
    said = kit.recorded(
        [kit.X1], **{"[1]": {"told": kit.phases(call="failed"), "cause": "AssertionError", "assertion": True}}
    )

    finding = kit.of_item(kit.judge(kit.question(said, manifest=Manifest(functions=kit.functions(kit.X1)))), kit.X1)

    assert finding.remedy == f"pytest '{kit.X1}'"


# What ran before


def shrunk(kit: Any, *baseline: str, ran: tuple[str, ...] = (), **changes: Any) -> Any:
    ran = ran or (kit.A,)
    manifest = Manifest(functions=kit.functions(*changes.pop("written", ran)), baseline=baseline)
    return kit.question(kit.recorded(ran), kit.stage(**changes), manifest)


def test_a_vanished_test_is_not_run_until_its_removal_is_accepted(kit: Any) -> None:
    judgement = kit.judge(shrunk(kit, kit.A, kit.X1))

    finding = kit.of_item(judgement, kit.X1)
    assert (judgement.verdict, finding.outcome) == (Verdict.HOLD, Outcome.NOT_RUN)
    assert finding.remedy == f'put it back, or accept it: stages.beta.removed = ["{kit.X1}"]'


@pytest.mark.parametrize("accepted", ["suites/toy/test_a.py::test_x[1]", "suites/toy/test_a.py::test_x"])
def test_an_accepted_removal_is_gone_for_good(kit: Any, accepted: str) -> None:
    judgement = kit.judge(shrunk(kit, kit.A, kit.X1, removed=(accepted,)))

    assert judgement.verdict is Verdict.PROMOTE
    assert judgement.manifest == (kit.A,)


@pytest.mark.parametrize("removed", ["A", "X1", "PAUSED"], ids=["a function", "one with a parameter", "a check"])
def test_a_removal_that_is_accepted_ahead_of_time_holds(kit: Any, removed: str) -> None:
    """A list that waits would hide the item's next removal."""
    item = getattr(kit, removed)
    said = kit.whole(kit.recorded(kit.WHOLE), stage=replace(kit.WHOLE_STAGE, removed=(item,)))
    judgement = kit.judge(said)

    assert judgement.verdict is Verdict.HOLD
    assert [each.item for each in judgement.findings if "its removal is accepted, but it is" in each.measured] == [item]


def test_a_check_that_the_plan_declares_and_accepts_as_removed_holds_although_it_never_ran(kit: Any) -> None:
    said = kit.recorded({item: during for item, during in kit.WHOLE.items() if item != kit.PAUSED})

    judgement = kit.judge(kit.whole(said, stage=replace(kit.WHOLE_STAGE, removed=(kit.PAUSED,))))

    told = [each.measured for each in judgement.findings if each.item == kit.PAUSED]
    assert len(told) == 2
    assert any("its removal is accepted, but it is still here" in each for each in told)


def test_a_second_shrunk_run_does_not_make_the_first_one_normal(kit: Any) -> None:
    first = kit.judge(shrunk(kit, kit.A, kit.X1))
    second = kit.judge(shrunk(kit, *first.manifest))
    third = kit.judge(shrunk(kit, *second.manifest))

    assert kit.titles(third) == [kit.X1]


def test_a_parameter_that_vanished_is_owed_while_another_still_runs(kit: Any) -> None:
    judgement = kit.judge(shrunk(kit, kit.A, kit.X1, kit.X2, ran=(kit.A, kit.X2)))

    assert kit.titles(judgement) == [kit.X1]


def test_a_vanished_declared_check_is_owed(kit: Any) -> None:
    judgement = kit.judge(shrunk(kit, kit.A, kit.PAUSED))

    finding = kit.of_item(judgement, kit.PAUSED)
    assert (finding.title, finding.kind, finding.outcome) == ("Escrow.paused", Kind.CONTRACT, Outcome.NOT_RUN)


@pytest.mark.parametrize(
    "odd", ["a.py::test_x[rollout.toml::b::c::d]", "rollout.toml::beta", "rollout.toml::beta::nothing::x", "x", ""]
)
def test_a_vanished_item_of_any_name_is_named(kit: Any, odd: str) -> None:
    judgement = kit.judge(shrunk(kit, kit.A, odd))

    assert odd in [finding.item for finding in judgement.blocking]


def test_a_function_that_never_made_an_item_is_owed_by_the_next_run(kit: Any) -> None:
    """Hidden by a conftest in one run, it cannot be deleted without a word in the next."""
    first = kit.judge(shrunk(kit, written=(kit.A, kit.X1)))
    second = kit.judge(shrunk(kit, *first.manifest))

    assert kit.titles(first) == kit.titles(second) == ["suites/toy/test_a.py::test_x"]


def test_a_function_that_was_given_parameters_is_still_there(kit: Any) -> None:
    judgement = kit.judge(shrunk(kit, "suites/toy/test_a.py::test_x", ran=(kit.X1, kit.X2)))

    assert judgement.verdict is Verdict.PROMOTE


def test_a_function_that_lost_its_parameters_owes_them(kit: Any) -> None:
    judgement = kit.judge(shrunk(kit, kit.X1, ran=("suites/toy/test_a.py::test_x",)))

    assert kit.titles(judgement) == [kit.X1]


def test_an_item_is_told_once_where_its_whole_function_is_missing(kit: Any) -> None:
    judgement = kit.judge(shrunk(kit, kit.A, kit.X1, kit.X2, written=(kit.A, kit.X1)))

    assert kit.titles(judgement) == ["suites/toy/test_a.py::test_x"]


def test_an_advisory_test_may_go(kit: Any) -> None:
    """Rule 4: what never counted is not missed."""
    manifest = Manifest(functions=(*kit.functions(kit.A), *kit.functions(kit.X1, advisory=True)))
    first = kit.judge(kit.question(kit.recorded([kit.A, kit.X1]), manifest=manifest))

    assert first.manifest == (kit.A,)
    assert kit.judge(shrunk(kit, *first.manifest)).verdict is Verdict.PROMOTE


def test_a_test_that_became_advisory_is_still_missed_when_it_goes(kit: Any) -> None:
    manifest = Manifest(
        functions=(*kit.functions(kit.A), *kit.functions(kit.X1, advisory=True)), baseline=(kit.A, kit.X1)
    )
    softened = kit.judge(kit.question(kit.recorded([kit.A, kit.X1]), manifest=manifest))

    assert softened.verdict is Verdict.PROMOTE
    assert kit.titles(kit.judge(shrunk(kit, *softened.manifest))) == [kit.X1]


def test_a_rehearsal_leaves_no_network_behind_that_the_stage_would_owe(kit: Any) -> None:
    """Else one rehearsal on devnet would hold every later run on the stage's own network."""
    foreign = f"{kit.PLAN}::beta::network::devnet"
    items = {foreign if item == kit.NODE else item: during for item, during in kit.WHOLE.items()}
    before = kit.judge(kit.whole(kit.recorded(kit.WHOLE))).manifest
    manifest = replace(kit.WHOLE_MANIFEST, declared=(foreign, kit.PAUSED), baseline=before)

    rehearsed = kit.judge(kit.whole(kit.recorded(items), manifest=manifest, rehearsal=True, network="devnet"))
    after = kit.judge(
        kit.whole(kit.recorded(kit.WHOLE), manifest=replace(kit.WHOLE_MANIFEST, baseline=rehearsed.manifest))
    )

    assert kit.titles(rehearsed) == ["rehearsal"]
    assert rehearsed.manifest == before
    assert after.verdict is Verdict.PROMOTE


def test_a_stage_that_changed_its_network_owes_the_old_one_until_it_is_accepted(kit: Any) -> None:
    old = f"{kit.PLAN}::beta::network::devnet"
    manifest = replace(kit.WHOLE_MANIFEST, baseline=(old,))

    assert kit.titles(kit.judge(kit.whole(kit.recorded(kit.WHOLE), manifest=manifest))) == ["devnet"]


# Known failures


def known(kit: Any, test: str = "suites/toy/test_a.py::test_x[1]", days: int = 7) -> KnownFailure:
    return KnownFailure(test=test, owner="ann", reason="the oracle lags", expires=kit.STARTED + timedelta(days=days))


def failing(kit: Any, failure: KnownFailure, **about: Any) -> Any:
    usual = {"told": kit.phases(call="failed"), "cause": "AssertionError", "assertion": True}
    said = kit.recorded([kit.A, kit.X1], **{"[1]": usual | about})
    return kit.judge(
        kit.question(said, kit.stage(known_failures=(failure,)), Manifest(functions=kit.functions(kit.A, kit.X1)))
    )


@pytest.mark.parametrize("test", ["suites/toy/test_a.py::test_x[1]", "suites/toy/test_a.py::test_x"])
def test_a_listed_failure_does_not_hold_before_it_expires(kit: Any, test: str) -> None:
    judgement = failing(kit, known(kit, test))

    finding = kit.of_item(judgement, kit.X1)
    assert (judgement.verdict, finding.outcome, finding.required) == (Verdict.PROMOTE, Outcome.FAIL, False)
    assert finding.measured == "failed in call; known failure until 2031-05-11T02:00:00+00:00, ann: the oracle lags"


def test_an_expired_listing_excuses_nothing(kit: Any) -> None:
    judgement = failing(kit, known(kit, days=0))

    assert judgement.verdict is Verdict.HOLD
    assert kit.of_item(judgement, kit.X1).measured.endswith("the oracle lags, which has expired")


def test_a_listing_expires_at_its_very_moment(kit: Any) -> None:
    failure = replace(known(kit), expires=kit.STARTED + timedelta(minutes=5))

    assert failing(kit, failure).verdict is Verdict.HOLD


def test_a_listed_failure_that_passes_holds_until_the_list_is_corrected(kit: Any) -> None:
    judgement = failing(kit, known(kit), told=kit.phases(), cause="", assertion=False)

    finding = kit.of_item(judgement, kit.X1)
    assert (judgement.verdict, finding.outcome) == (Verdict.HOLD, Outcome.INCONCLUSIVE)
    assert finding.measured.endswith("correct the list")


@pytest.mark.parametrize(
    "about",
    [
        pytest.param({"cause": "ConnectionError", "assertion": False}, id="could not look"),
        pytest.param(
            {"told": [["setup", "failed", False], ["teardown", "passed", False]], "cause": "", "assertion": False},
            id="setup",
        ),
        pytest.param(
            {"told": [["setup", "skipped", False], ["teardown", "passed", False]], "cause": "", "assertion": False},
            id="skipped",
        ),
    ],
)
def test_a_listing_covers_a_failure_only(kit: Any, about: dict[str, Any]) -> None:
    judgement = failing(kit, known(kit), **about)

    assert judgement.verdict is Verdict.HOLD
    assert "which covers a failure only" in kit.of_item(judgement, kit.X1).measured


def test_a_listing_of_a_test_that_the_gate_lacks_holds(kit: Any) -> None:
    """A misspelt name would otherwise wait for the test that it excuses by accident."""
    judgement = failing(kit, known(kit, "suites/toy/test_a.py::test_y"), told=kit.phases(), cause="", assertion=False)

    (finding,) = judgement.blocking
    assert (finding.item, finding.remedy) == ("suites/toy/test_a.py::test_y", "correct stages.beta.known_failures")


def test_a_gate_of_known_failures_alone_is_empty(kit: Any) -> None:
    said = kit.recorded(
        [kit.X1], **{"[1]": {"told": kit.phases(call="failed"), "cause": "AssertionError", "assertion": True}}
    )
    asked = kit.question(said, kit.stage(known_failures=(known(kit),)), Manifest(functions=kit.functions(kit.X1)))

    assert kit.titles(kit.judge(asked)) == ["the gate is empty"]


# Findings told whole


def test_a_test_says_all_that_a_reader_needs(kit: Any) -> None:
    said = kit.recorded({kit.A: ()}, workers=2, test_a={"title": "it settles", "s": 0.5})

    passed = kit.of_item(kit.judge(kit.question(said)), kit.A)

    assert passed == Finding(
        item=kit.A,
        kind=Kind.TEST,
        title="it settles",
        outcome=Outcome.PASS,
        measured="passed",
        needed="one clean pass",
        source="gw0",
        seconds=0.5,
    )
    failing = kit.recorded(
        {kit.A: ()}, test_a={"told": kit.phases(call="failed"), "assertion": True, "text": "x" * 2001}
    )
    failed = kit.of_item(kit.judge(kit.question(failing)), kit.A)
    assert (failed.title, failed.measured, failed.remedy) == (kit.A, "failed in call", f"pytest {kit.A}")
    assert "… 1 characters cut …" in failed.detail


def test_a_test_that_ran_in_two_processes_names_both(kit: Any) -> None:
    said = kit.recorded({kit.A: ()}, workers=2).run("gw1", kit.A)

    assert kit.of_item(kit.judge(kit.question(said)), kit.A).source == "gw0, gw1"


def test_nothing_stands_in_for_a_function_that_its_file_writes(kit: Any) -> None:
    """An item without proof that it ran is enough only where no function is owed."""
    said = kit.recorded({kit.A: ()}, test_a={"ran": None})

    owed = kit.of_item(kit.judge(kit.question(said)), kit.A)
    other = kit.of_item(kit.judge(kit.question(said, manifest=Manifest())), kit.A)

    assert (owed.outcome, owed.measured) == (Outcome.NOT_RUN, "no frame of the test's own function ran")
    assert other.outcome is Outcome.PASS


ABSENT = {
    "unmade": ({"manifest": ("a.py::test_b",)}, "a.py::test_b", "its file defines it, but pytest never made an item of it", "pytest a.py::test_b"),
    "vanished": (
        {"baseline": ("a.py::test_c",)}, "a.py::test_c", "it belonged to the last judgement of this stage and is gone",
        'put it back, or accept it: stages.beta.removed = ["a.py::test_c"]',
    ),
    "a known failure of nothing": (
        {"known": "a.py::test_d"}, "a.py::test_d", "listed as a known failure, but this gate has no such test",
        "correct stages.beta.known_failures",
    ),
    "a removal of what is here": (
        {"removed": "test_a"}, "suites/toy/test_a.py::test_a",
        "its removal is accepted, but it is still here; a list that waits would hide its next removal",
        "take it off stages.beta.removed",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("about", "item", "why", "remedy"), ABSENT.values(), ids=ABSENT)
def test_what_is_absent_is_told_with_what_to_do(kit: Any, about, item, why, remedy) -> None:
    known = KnownFailure(test=about.get("known", ""), owner="Jo", reason="r", expires=kit.STARTED + timedelta(days=1))
    stage = kit.stage(
        known_failures=(known,) if "known" in about else (), removed=(kit.A,) if "removed" in about else ()
    )
    manifest = Manifest(functions=kit.functions(kit.A, *about.get("manifest", ())), baseline=about.get("baseline", ()))

    judgement = kit.judge(kit.question(kit.recorded({kit.A: ()}), stage, manifest))

    (finding,) = [each for each in judgement.findings if each.outcome is Outcome.NOT_RUN]
    assert finding == Finding(
        item=item,
        kind=Kind.TEST,
        title=item,
        outcome=Outcome.NOT_RUN,
        measured=why,
        needed="one clean pass",
        remedy=remedy,
    )


def test_a_declared_check_that_vanished_is_told_by_its_name(kit: Any) -> None:
    manifest = Manifest(
        functions=kit.functions(kit.A), baseline=(f"{kit.PLAN}::beta::stores::a::b", "x/rollout.toml::beta::odd::c")
    )

    judgement = kit.judge(kit.question(kit.recorded({kit.A: ()}), manifest=manifest))

    told = [(each.kind, each.title) for each in judgement.findings if each.outcome is Outcome.NOT_RUN]
    assert told == [(Kind.STORE, "a::b"), (Kind.TEST, "x/rollout.toml::beta::odd::c")]


def test_a_test_that_was_set_aside_is_told_with_why(kit: Any) -> None:
    said = kit.Recording().hello("main").collected("main", [kit.A], excluded=[kit.A]).end("main")

    finding = kit.of_item(kit.judge(kit.question(said)), kit.A)

    assert (finding.outcome, finding.required, finding.remedy) == (Outcome.NOT_RUN, True, f"pytest {kit.A}")
    assert (
        finding.measured == "set aside by a stage marker that its file does not write on the function, class or module"
    )
    advisory = Manifest(functions=kit.functions(kit.A, advisory=True))
    assert not kit.of_item(kit.judge(kit.question(said, manifest=advisory)), kit.A).required


KNOWN = "known failure until 2031-05-05T02:00:00+00:00, Jo: the fix waits"
EXCUSED = {
    "failed": ({"told": "failed"}, 1, Outcome.FAIL, f"failed in call; {KNOWN}", False),
    "passed": ({}, 1, Outcome.INCONCLUSIVE, f"passed, but is listed as {KNOWN}; correct the list", True),
    "skipped": ({"told": "skipped"}, 1, Outcome.NOT_RUN, f"skipped in call; {KNOWN}, which covers a failure only", True),
    "failed too late": (
        {"told": "failed"}, 0, Outcome.FAIL, f"failed in call; {KNOWN.replace('05-05', '05-04')}, which has expired", True,
    ),
    "passed too late": ({}, 0, Outcome.PASS, f"passed; {KNOWN.replace('05-05', '05-04')}, which has expired", True),
}  # fmt: skip


@pytest.mark.parametrize(("about", "days", "outcome", "measured", "required"), EXCUSED.values(), ids=EXCUSED)
def test_a_known_failure_is_told_with_who_answers_for_it(kit: Any, about, days, outcome, measured, required) -> None:
    changes = {"told": kit.phases(call=about["told"]), "assertion": True} if about else {}
    known = KnownFailure(test=kit.A, owner="Jo", reason="the fix waits", expires=kit.STARTED + timedelta(days=days))
    said = kit.recorded({kit.A: ()}, test_a=changes)

    finding = kit.of_item(kit.judge(kit.question(said, kit.stage(known_failures=(known,)))), kit.A)

    assert (finding.outcome, finding.measured, finding.required) == (outcome, measured, required)


def test_a_declared_check_says_all_that_a_reader_needs(kit: Any) -> None:
    said = kit.recorded(kit.WHOLE, paused={"s": 2.0})

    judgement = kit.judge(kit.whole(said))

    assert kit.of_item(judgement, kit.PAUSED) == Finding(
        item=kit.PAUSED,
        kind=Kind.CONTRACT,
        title="Escrow paused",
        outcome=Outcome.PASS,
        measured="false",
        needed="false",
        source="local @ 12",
        seconds=2.0,
    )
    assert kit.of_item(judgement, kit.NODE) == Finding(
        item=kit.NODE,
        kind=Kind.NETWORK,
        title="network local",
        outcome=Outcome.PASS,
        measured="chain id 1337, block 12",
        needed="chain id 1337",
        source="py-evm",
        seconds=0.25,
    )


def test_a_contract_in_another_state_is_corrected_there_or_in_the_plan(kit: Any) -> None:
    said = kit.recorded(dict(kit.WHOLE) | {kit.PAUSED: (kit.observed(True, source="s"),)})

    finding = kit.of_item(kit.judge(kit.whole(said)), kit.PAUSED)

    assert (finding.outcome, finding.measured) == (Outcome.FAIL, "true")
    assert finding.remedy == "correct Escrow on the chain, or the plan"


def test_a_check_that_could_not_look_is_told_by_its_name(kit: Any) -> None:
    said = kit.recorded(
        dict(kit.WHOLE) | {kit.PAUSED: (kit.observed(error="no route"),), kit.NODE: (kit.observed({}),)}
    )
    judgement = kit.judge(kit.whole(said))
    told = {"needed": "one observation", "outcome": Outcome.ERROR, "remedy": "run the gate again"}

    assert kit.of_item(judgement, kit.PAUSED) == Finding(
        item=kit.PAUSED, kind=Kind.CONTRACT, title="Escrow.paused", measured="no route", seconds=0.25, **told
    )
    assert kit.of_item(judgement, kit.NODE) == Finding(
        item=kit.NODE,
        kind=Kind.NETWORK,
        title="local",
        measured="the node told no chain id or no block",
        seconds=0.25,
        **told,
    )


def test_a_check_that_failed_although_it_saw_what_is_owed_is_told_with_its_text(kit: Any) -> None:
    changes = {"told": kit.phases(call="failed"), "text": "boom", "cause": "ValueError"}
    finding = kit.of_item(kit.judge(kit.whole(kit.recorded(kit.WHOLE, paused=changes))), kit.PAUSED)

    assert finding == Finding(
        item=kit.PAUSED,
        kind=Kind.CONTRACT,
        title="Escrow.paused",
        outcome=Outcome.ERROR,
        measured="could not look: call failed (ValueError)",
        needed="one observation",
        detail="boom",
        remedy="run the gate again",
    )


@pytest.mark.parametrize("item", ["A", "PAUSED"])
def test_an_item_that_passed_and_began_again_without_an_end_is_no_pass(kit: Any, item: str) -> None:
    """In whatever process it began, and whatever else that process finished."""
    named = getattr(kit, item)
    said = kit.recorded(kit.WHOLE)
    said.say("gw7", "begin", id=named)

    finding = kit.of_item(kit.judge(kit.whole(said)), named)

    assert (finding.outcome, finding.measured) == (Outcome.ERROR, "the process ended while this test ran")


def test_a_flag_and_a_share_are_judged_on_what_was_observed(kit: Any) -> None:
    """Each flag by its own key, and a share against that of the stage before where one flag steers both."""
    flags = (FlagState(key="swap", expected=True), FlagState(key="mint", expected=False))
    exposure = Exposure(share=Fraction(1, 4), flag="swap")
    stage = kit.stage(flags=flags, exposure=exposure)
    rollout = kit.question([], stage).rollout
    counted = {"sample": 20_000, "enabled": 5_010, "unsticky": 0, "errors": 0, "left": 0, "joined": 0}

    def judged(kind: str, name: str, value: Any, of: Any = rollout) -> Finding:
        item = f"{kit.PLAN}::beta::{kind}::{name}"
        return judge_observation(of, stage, item, Observation(item=item, value=value, source="flagd"))

    on = {"error": "", "value": True, "again": True, "type": "bool", "default": False, "reason": "STATIC"}
    on |= {"variant": "on", "probes": 100, "others": 0}
    swap = judged("flags", "swap", on)
    mint = judged("flags", "mint", on)
    assert (swap.outcome, mint.outcome) == (Outcome.PASS, Outcome.FAIL)
    assert (swap.source, mint.source) == ("flagd", "flagd")
    share = judged("exposure", "share", counted)
    assert (share.outcome, share.source) == (Outcome.PASS, "flagd")
    before = replace(rollout.stages[0], exposure=replace(exposure, share=Fraction(1, 10)))
    same, other = (
        replace(rollout, stages=(replace(before, exposure=replace(before.exposure, flag=flag)), stage))
        for flag in ("swap", "other")
    )
    assert judged("exposure", "share", counted, same).detail == "not compared with the stage before"
    assert judged("exposure", "share", counted, other).outcome is Outcome.PASS
    assert shared_exposure(same, stage) == before.exposure
    assert shared_exposure(other, stage) is None
    assert shared_exposure(rollout, stage) is None
    assert shared_exposure(same, replace(stage, exposure=None)) is None
    users = replace(same, stages=(replace(before, exposure=replace(before.exposure, share=None)), stage))
    assert shared_exposure(users, stage) is None


def test_an_anonymous_chain_needs_no_more_than_an_answer(kit: Any) -> None:
    rollout = kit.question([]).rollout
    item = f"{kit.PLAN}::beta::network::devnet"

    finding = judge_observation(rollout, kit.stage(), item, Observation(item=item, value=kit.HEAD, source="here"))

    assert (finding.outcome, finding.needed) == (Outcome.PASS, "an answering node")
