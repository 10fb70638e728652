"""What a plan says against itself although it loads."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from pytest_rollout.core.rollout import Rollout
from pytest_rollout.plan import load
from pytest_rollout.plan.lint import RemarkKind, lint

NOW = datetime(2026, 11, 1, tzinfo=UTC)
Load = Callable[..., Rollout]

BASE = """
[rollout]
name = "t"
[networks.local]
kind = "tester"
[metrics.success]
unit = "ratio"
[metrics.profiles]
unit = "count"
"""


def stage(name: str, *lines: str) -> str:
    return f'[stages.{name}]\nnetwork = "local"\n' + "\n".join(lines) + "\n"


def success(of: str, promote: str, *lines: str) -> str:
    return (
        f'[[stages.{of}.criteria]]\nname = "success"\nmetric = "success"\npromote = "{promote}"\nmin_samples = 9999\n'
        + "\n".join(lines)
        + "\n"
    )


def profiles(of: str, promote: str) -> str:
    return f'[[stages.{of}.criteria]]\nname = "profiles"\nmetric = "profiles"\npromote = "{promote}"\n'


CLEAN = BASE + stage("beta") + success("beta", "> 99 %") + profiles("beta", ">= 1")


def told(rollout: Rollout) -> list[str]:
    return [f"{remark.kind}: {remark}" for remark in lint(rollout, now=NOW)]


def test_a_plan_without_contradictions_has_no_remarks(load_text: Load) -> None:
    assert told(load_text(CLEAN)) == []


IN_ORDER = [
    ("> 99 %", 'alert = "< 95 %"', 'rollback = [{ when = "< 90 %" }]'),
    ("> 99 %", 'alert = "< 95 %"', 'rollback = [{ when = "< 95 %" }]'),
    ("> 99 %", 'alert = "<= 99 %"', 'rollback = [{ when = "< 99 %" }]'),
    ("< 1 %", 'alert = "> 2 %"', 'rollback = [{ when = ">= 5 %" }]'),
    ("> 99 %", "", 'rollback = [{ when = "< 90 %" }, { when = "< 95 %", severity = "planned" }]'),
    ("== 100 %", 'alert = "< 100 %"', 'rollback = [{ when = "< 90 %" }]'),
]


@pytest.mark.parametrize(("promote", "alert", "rollback"), IN_ORDER)
def test_bounds_that_follow_each_other_are_in_order(load_text: Load, promote: str, alert: str, rollback: str) -> None:
    plan = CLEAN.replace('promote = "> 99 %"', f'promote = "{promote}"\n{alert}\n{rollback}')

    assert told(load_text(plan)) == []


PLACE = "contradiction: stages.beta.criteria['success']: "
OUT_OF_ORDER = {
    "alert at the bound": (
        ">= 99 %",
        'alert = "<= 99 %"',
        "a value can meet promote '>= 99 %' and alert '<= 99 %' at once; the alert must be beyond.",
    ),
    "alert on the good side": (
        "> 99 %",
        'alert = "> 95 %"',
        "a value can meet promote '> 99 %' and alert '> 95 %' at once; the alert must be beyond.",
    ),
    "rollback above promote": (
        "> 90 %",
        'rollback = { when = "< 95 %" }',
        "a value can meet promote '> 90 %' and rollback '< 95 %' at once; the rollback must be beyond.",
    ),
    "rollback before alert": (
        "> 99 %",
        'alert = "< 90 %"\nrollback = { when = "< 95 %" }',
        "rollback '< 95 %' is reached before alert '< 90 %'; an alert must come first, or with it.",
    ),
    "rollback at the alert, less strict": (
        "> 99 %",
        'alert = "< 95 %"\nrollback = { when = "<= 95 %" }',
        "rollback '<= 95 %' is reached before alert '< 95 %'; an alert must come first, or with it.",
    ),
    "failures the wrong way": (
        "< 5 %",
        'rollback = { when = "> 1 %" }',
        "a value can meet promote '< 5 %' and rollback '> 1 %' at once; the rollback must be beyond.",
    ),
    "immediate before planned": (
        "> 99 %",
        'rollback = [{ when = "< 95 %" }, { when = "< 90 %", severity = "planned" }]',
        "the immediate rollback '< 95 %' is reached before the planned one '< 90 %'; the worse value must be the more urgent.",
    ),
}


@pytest.mark.parametrize(("promote", "more", "sentence"), OUT_OF_ORDER.values(), ids=OUT_OF_ORDER)
def test_bounds_out_of_order_are_a_contradiction(load_text: Load, promote: str, more: str, sentence: str) -> None:
    plan = CLEAN.replace('promote = "> 99 %"', f'promote = "{promote}"\n{more}')

    assert told(load_text(plan)) == [PLACE + sentence]


@pytest.mark.parametrize(
    ("promote", "given", "needed"),
    [("> 99 %", 50, 299), ("> 99 %", 298, 299), ("< 1 %", 50, 299), (">= 99.9 %", 299, 2995)],
)
def test_too_few_samples_are_told_with_the_number_needed(
    load_text: Load, promote: str, given: int, needed: int
) -> None:
    plan = CLEAN.replace("> 99 %", promote).replace("9999", str(given))

    assert told(load_text(plan)) == [
        f"advice: stages.beta.criteria['success'].min_samples: {given} samples cannot support '{promote}' at 95 % "
        f"confidence, even if all are good; {needed} are needed."
    ]


@pytest.mark.parametrize("promote", ["> 99 %", "== 100 %", ">= 100 %", "> 0 %"])
def test_enough_samples_are_not_remarked_upon(load_text: Load, promote: str) -> None:
    assert told(load_text(CLEAN.replace("> 99 %", promote).replace("9999", "299"))) == []


def two(first: str, second: str, more: str = "") -> str:
    return CLEAN + more + stage("gamma", first) + stage("delta", second)


GROWING = [
    ("users = 0", 'users = "10..20"'),
    ('users = "10..20"', 'users = "10.."'),
    ('users = "10..20"', 'users = "100..200"'),
    ('users = "10.."', 'share = "25 %", flag = "newFlow"'),
    ('share = "25 %", flag = "newFlow"', 'share = "25 %", flag = "newFlow"'),
]
SHRINKING = {
    "fewer": (
        'users = "100..200"',
        'users = "10..20"',
        "users: 10..20 users are fewer than the 100..200 of stage gamma before it; a rollout grows.",
    ),
    "an end": (
        'users = "10.."',
        'users = "10..20"',
        "users: 10..20 users are fewer than the 10.. of stage gamma before it; a rollout grows.",
    ),
    "a smaller share": (
        'share = "25 %", flag = "newFlow"',
        'share = "2.5 %", flag = "newFlow"',
        "share: 2.5 % is less than the 25 % of stage gamma before it; a rollout grows.",
    ),
}
FLAGD = '[flags]\nprovider = "flagd:flags.json"\n'


@pytest.mark.parametrize(("first", "second"), GROWING)
def test_an_exposure_that_grows_is_fine(load_text: Load, first: str, second: str) -> None:
    plan = two(f"exposure = {{ {first} }}", f"exposure = {{ {second} }}", FLAGD)

    assert told(load_text(plan)) == []


@pytest.mark.parametrize(("first", "second", "sentence"), SHRINKING.values(), ids=SHRINKING)
def test_an_exposure_that_shrinks_is_a_contradiction(load_text: Load, first: str, second: str, sentence: str) -> None:
    plan = two(f"exposure = {{ {first} }}", f"exposure = {{ {second} }}", FLAGD)

    assert told(load_text(plan)) == [f"contradiction: stages.delta.exposure.{sentence}"]


def test_a_share_is_compared_across_stages_without_one(load_text: Load) -> None:
    plan = (
        CLEAN
        + FLAGD
        + stage("gamma", 'exposure = { share = "50 %", flag = "newFlow" }')
        + stage("epsilon", "exposure = { users = 10 }")
        + stage("delta", 'exposure = { share = "10 %", flag = "newFlow" }')
    )

    assert told(load_text(plan)) == [
        "contradiction: stages.delta.exposure.share: 10 % is less than the 50 % of stage gamma before it; a rollout grows."
    ]


def test_a_threshold_that_falls_from_stage_to_stage_is_a_contradiction(load_text: Load) -> None:
    plan = CLEAN.replace(">= 1", ">= 500") + stage("public") + profiles("public", ">= 100")

    assert told(load_text(plan)) == [
        "contradiction: stages.public.criteria['profiles'].promote: '>= 100' asks for less than the '>= 500' of stage "
        "beta before it."
    ]


def test_a_threshold_that_rises_or_caps_is_fine(load_text: Load) -> None:
    plan = CLEAN + stage("public") + profiles("public", ">= 100") + stage("growth") + profiles("growth", "< 50")

    assert told(load_text(plan)) == []


def test_what_is_declared_and_never_used_is_advice(load_text: Load) -> None:
    plan = CLEAN.replace(
        "[metrics.success]",
        '[networks.devnet]\nkind = "anvil"\n[metrics.gas]\nunit = "gas"\n[metrics.success]',
    )

    assert told(load_text(plan)) == [
        "advice: metrics.gas: no criterion uses it, so it decides nothing.",
        "advice: networks.devnet: no stage uses it, so it serves rehearsals with --network=devnet only.",
    ]


def test_a_metric_named_after_another_unit_is_a_contradiction(load_text: Load) -> None:
    plan = (
        CLEAN
        + '[metrics.api_seconds]\nunit = "ms"\n'
        + profiles("beta", ">= 1")
        .replace('"profiles"\npro', '"api_seconds"\npro')
        .replace('name = "profiles"', 'name = "api"')
        .replace(">= 1", "< 1 s")
    )

    assert told(load_text(plan)) == [
        "contradiction: metrics.api_seconds.unit: is ms, but the name ends in '_seconds'; change one of them."
    ]


def test_the_memory_provider_cannot_answer_by_stage(load_text: Load) -> None:
    plan = (
        CLEAN
        + "[flags.values]\nflow = true\nlimit = 1\n"
        + stage("gamma", "flags = { flow = false, limit = true }", 'exposure = { share = "25 %", flag = "flow" }')
        + stage("delta", "flags = { flow = true, limit = 1 }", 'exposure = { share = "100 %", flag = "flow" }')
    )

    assert told(load_text(plan)) == [
        "contradiction: stages.gamma.flags.flow: false is expected, but the memory provider answers true in every stage; a flagd file can answer by stage.",
        "contradiction: stages.gamma.flags.limit: true is expected, but the memory provider answers 1 in every stage; a flagd file can answer by stage.",
        "contradiction: stages.gamma.exposure.share: 25 % is declared, but the memory provider answers true to everybody; a flagd file can answer by share.",
    ]


@pytest.mark.parametrize(
    ("expires", "remarks"),
    [
        ("2026-11-01T00:00:01Z", []),
        ("2027-01-30T00:00:00Z", []),
        (
            "2026-11-01T00:00:00Z",
            [
                "contradiction: stages.gamma.known_failures['a.py::b'].expires: expired at 2026-11-01T00:00:00+00:00; Jo has to mend the test or give a new date."
            ],
        ),
        (
            "2026-11-01T13:59:59+14:00",
            [
                "contradiction: stages.gamma.known_failures['a.py::b'].expires: expired at 2026-11-01T13:59:59+14:00; Jo has to mend the test or give a new date."
            ],
        ),
        (
            "2027-01-30T00:00:01Z",
            [
                "advice: stages.gamma.known_failures['a.py::b'].expires: 2027-01-30T00:00:01+00:00 is more than 90 days away; look at a known failure again sooner."
            ],
        ),
    ],
)
def test_a_known_failure_expires_by_the_clock_handed_in(load_text: Load, expires: str, remarks: list[str]) -> None:
    failure = f'[[stages.gamma.known_failures]]\ntest = "a.py::b"\nowner = "Jo"\nreason = "r"\nexpires = {expires}\n'

    assert told(load_text(CLEAN + stage("gamma") + failure)) == remarks


@pytest.mark.parametrize(
    ("item", "remark"),
    [
        ("suites/beta/test_a.py::test_b", None),
        ("suites/takumi/rollout.toml::beta::flags::old", None),
        (
            "suites/takumi/rollout.toml::gamma::contracts::SkillProfile.paused",
            "contradiction: stages.gamma.removed: 'suites/takumi/rollout.toml::gamma::contracts::SkillProfile.paused' is still declared by this plan; take it out of one of the two places.",
        ),
        (
            "test_b",
            "advice: stages.gamma.removed: 'test_b' looks like no item's id, such as suites/beta/test_pause.py::test_pause or rollout.toml::beta::flags::newCheckout; it accepts no removal.",
        ),
    ],
)
def test_a_removed_item_is_an_item_that_is_gone(load_text: Load, item: str, remark: str | None) -> None:
    plan = (
        CLEAN
        + '[contracts]\nartifacts = "contracts"\n'
        + stage("gamma", f'removed = ["{item}"]', "contracts.SkillProfile.paused = true")
    )

    assert told(load_text(plan)) == ([remark] if remark else [])


def test_what_the_source_document_says_twice_is_told_with_the_choice_and_last(load_text: Load) -> None:
    plan = (
        CLEAN
        + '[[contradictions]]\nwhere = "profiles in beta"\nsays = ["500+", "100+"]\nchoice = "500+, the stricter one."\n'
        + '[metrics.gas]\nunit = "gas"\n'
    )
    remarks = lint(load_text(plan), now=NOW)

    assert [remark.kind for remark in remarks] == [RemarkKind.ADVICE, RemarkKind.SOURCE]
    assert str(remarks[1]) == (
        "profiles in beta: the document says '500+' and '100+'; this plan's choice: 500+, the stricter one."
    )


INVENTORY = (
    CLEAN
    + '[contracts]\ndeployments = { local = "devnet.json" }\ninventory = { local = ["Vault"MORE] }\n'
    + stage("gamma", "inventory = true")
)


@pytest.mark.parametrize(
    ("listed", "remarks"),
    [
        ("", []),
        (
            ', "Safe"',
            ["contradiction: contracts.inventory.local: Safe is listed, and devnet.json records no such contract."],
        ),
    ],
)
def test_the_inventory_is_held_against_the_record(load_text: Load, listed: str, remarks: list[str]) -> None:
    assert told(load_text(INVENTORY.replace("MORE", listed))) == remarks


def test_an_inventory_nobody_looks_for_is_told(load_text: Load) -> None:
    plan = CLEAN + '[contracts]\ninventory = { local = ["Vault"] }\n'

    assert told(load_text(plan)) == ["advice: contracts.inventory: no stage looks for it, so it decides nothing."]


def test_a_remark_shows_no_secret(tmp_path) -> None:
    """What a plan says against itself may be about values that came from the environment."""
    plan = tmp_path / "rollout.toml"
    plan.write_text(
        '[rollout]\nname = "t"\n[flags.values]\nowner = "${KEY}"\n[stages.a]\nflags = { owner = "no ${OTHER}" }\n'
    )
    rollout = load(plan, environment={"KEY": "canary-one-8812", "OTHER": "canary-two-9913"}, root=tmp_path)

    (remark, *_) = lint(rollout, now=NOW)

    assert "canary" not in str(remark)
    assert "<KEY>" in remark.text
    assert "<OTHER>" in remark.text
