"""``${NAME}``: filled once, never parsed, never shown."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_rollout.core.errors import PlanError
from pytest_rollout.core.rollout import Rollout
from pytest_rollout.plan import load

PLACE = "suites/takumi/rollout.toml: "
SECRET = "https://node.example/v3/4f1c9d"


def titled(title: str) -> str:
    return f'[rollout]\nname = "t"\ntitle = \'{title}\'\n[networks.local]\nkind = "tester"\n[stages.beta]\nnetwork = "local"\n'


@pytest.mark.parametrize(
    ("written", "environment", "title", "secrets"),
    [
        ("${A}", {"A": "alpha one"}, "alpha one", {"A": "alpha one"}),
        ("on ${A} and ${B}", {"A": "one", "B": "two"}, "on one and two", {"A": "one", "B": "two"}),
        ("${A:-none}", {"A": "one"}, "one", {"A": "one"}),
        ("${A:-none}", {}, "none", {}),
        ("${A:-none}", {"A": ""}, "none", {}),
        ("x${A:-}", {}, "x", {}),
        ("$${A}", {"A": "one"}, "${A}", {}),
        ("$A costs 5 $", {"A": "one"}, "$A costs 5 $", {}),
        ("${A}", {"A": "${B}", "B": "two"}, "${B}", {"A": "${B}"}),
        ("${A}", {"A": 'x" kind = 1'}, 'x" kind = 1', {"A": 'x" kind = 1'}),
    ],
)
def test_a_reference_becomes_the_value_and_nothing_more(
    load_text: Callable[..., Rollout],
    written: str,
    environment: dict[str, str],
    title: str,
    secrets: dict[str, str],
) -> None:
    """The value is text: it cannot add keys, and what it refers to is not followed."""
    rollout = load_text(titled(written), **environment)

    assert rollout.title == title
    assert rollout.secrets == secrets


HOW = "has a reference that cannot be read; write ${NAME}, ${NAME:-default} or $${."
REFUSED = {
    "unset": (
        "${RPC_URL}",
        {},
        "environment variable RPC_URL is not set; set it or write ${RPC_URL:-default}.",
    ),
    "misspelt": (
        "${RPC_URL}",
        {"RPC_URI": "x"},
        "environment variable RPC_URL is not set; set it or write ${RPC_URL:-default}. Did you mean 'RPC_URI'?",
    ),
    "empty": ("${A}", {"A": ""}, "environment variable A is empty; set it or write ${A:-default}."),
    "several lines": (
        "${A}",
        {"A": "one\ntwo"},
        "environment variable A holds unprintable characters; set it to one line of plain text.",
    ),
    "no text at all": (
        "${A}",
        {"A": "\udcff"},
        "environment variable A holds unprintable characters; set it to one line of plain text.",
    ),
    "unclosed": ("${A", {"A": "one"}, "'${A' " + HOW),
    "nameless": ("${}", {}, "'${}' " + HOW),
    "shell": ("${A:=one}", {"A": "one"}, "'${A:=one}' " + HOW),
    "nested": ("${A:-${B}}", {"B": "two"}, "'${A:-${B}}' " + HOW),
    "blank": ("${ A }", {"A": "one"}, "'${ A }' " + HOW),
}


@pytest.mark.parametrize(("written", "environment", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_reference_without_value_is_refused(
    sentence_of: Callable[..., str], written: str, environment: dict[str, str], sentence: str
) -> None:
    """An unset variable must not become an empty bound or a literal address."""
    assert sentence_of(titled(written), **environment) == f"{PLACE}rollout.title: {sentence}"


GOOD = titled("T")
SHOWN = {
    "where a name is needed": (
        GOOD.replace('network = "local"', 'network = "${NET}"'),
        "stages.beta.network: no network '<NET>'; the plan has local.",
    ),
    "where a number is needed": (
        GOOD.replace('"tester"', '"tester"\nchain_id = "${NET}"'),
        "networks.local.chain_id: '<NET>' is a string; an integer is needed.",
    ),
    "as a part": (
        GOOD + '[flags]\nprovider = "flagd:${NET}.json"\n',
        "flags.provider: no file 'flagd:<NET>.json'; paths are relative to the plan's own folder.",
    ),
    "as an entry's name": (
        GOOD + '[[stages.beta.criteria]]\nname = "${NET}"\n',
        "stages.beta.criteria['<NET>']: 'metric' is missing; write for example metric = \"tx_success\".",
    ),
    "in another string": (
        GOOD
        + f'[[stages.beta.criteria]]\nname = "{SECRET}"\n[[contradictions]]\nwhere = "${{NET}}"\nsays = ["a", "b"]\nchoice = "a"\n',
        "stages.beta.criteria['<NET>']: 'metric' is missing; write for example metric = \"tx_success\".",
    ),
}


@pytest.mark.parametrize(("plan", "sentence"), SHOWN.values(), ids=SHOWN)
def test_a_value_from_the_environment_is_shown_by_its_name(
    sentence_of: Callable[..., str], plan: str, sentence: str
) -> None:
    assert sentence_of(plan, NET=SECRET) == PLACE + sentence


@pytest.mark.parametrize("secret", ["12345", "ab", SECRET, "it's", "x" * 200])
def test_a_secret_is_nowhere_in_the_error_whatever_it_looks_like(root: Path, secret: str) -> None:
    """Short values are shown by the place they stand at, since they occur in any word."""
    plan = root / "suites" / "takumi" / "rollout.toml"
    plan.write_text(GOOD.replace('"tester"', '"${KIND}"'))

    with pytest.raises(PlanError) as caught:
        load(plan, environment={"KIND": secret}, root=root)

    assert str(caught.value) == PLACE + "networks.local.kind: no kind '<KIND>'; allowed are tester, anvil, fork, rpc."
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
