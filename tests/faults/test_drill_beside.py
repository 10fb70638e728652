"""One drill of what lies beside the chain, with items that look, items that do not, and items whose look is patched."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.beside import api, project
from tests.faults.drilled import Drilled

__all__ = ["api", "project"]


@pytest.fixture(scope="module")
def drilled(project: Any) -> Drilled:
    return Drilled.of(project, "beta")


@pytest.fixture(scope="module")
def blind(project: Any) -> Drilled:
    faults = ["share-changed", "cohort-changed", "cohort-unsticky", "soak-restart"]
    return Drilled.of(project, "gamma", "--no-tests", *(f"--fault={each}" for each in faults))


NOTICED = [
    ("wrong-chain", "network::local"),
    ("inventory-record", "raw.Probe"),
    ("inventory-code", "raw.Probe"),
    ("inventory-code", "local.Probe"),
    ("share-changed", "transfers"),
    ("cohort-changed", "transfers"),
    ("cohort-unsticky", "transfers"),
    ("metric-down", "settles"),
    ("metric-nan", "settles"),
    ("metric-stale", "settles"),
    ("metric-empty", "settles"),
    ("metric-down", "lag"),
    ("metric-empty", "lag"),
    ("soak-gap", "soak::boot"),
    ("soak-thin", "soak::boot"),
    ("soak-restart", "soak::boot"),
    ("column-missing", "::deals"),
    ("column-missing", "::bare"),
    ("index-missing", "::deals"),
    ("constraint-missing", "::deals"),
    ("table-emptied", "::deals"),
    ("table-emptied", "::counted"),
    ("tag-altered", "::deals"),
    ("expression-broken", "::tested"),
    ("expression-broken", "::untested"),
    ("expression-broken", "::asked"),
    ("metric-unknown", "::tested"),
    ("metric-unknown", "::untested"),
    ("metric-unknown", "::asked"),
    ("alert-silent", "::tested"),
    ("alert-lost", "::arrives"),
    ("image-unpinned", "::whole"),
    ("resource-missing", "::whole"),
    ("placeholder", "::whole"),
    ("zero-address", "::whole"),
    ("placeholder", "::exact"),
    ("placeholder", "::any"),
    ("zero-address", "::exact"),
    ("value-altered", "::exact"),
    ("variable-missing", "::exact"),
    ("variable-missing", "::any"),
    ("command-fails", "::status"),
    ("command-lies", "::report"),
    ("command-lies", "::printed"),
    ("result-old", "::report"),
    ("result-empty", "::report"),
    ("result-empty", "::printed"),
]
MISSED = [
    ("inventory-record", "local.Probe", "something else than the record knows where it is"),
    ("column-missing", "::counted", "no item looks at its columns; declare them"),
    ("index-missing", "::counted", "no item looks at its indexes; declare them"),
    ("constraint-missing", "::counted", "no item looks at its keys; declare primary_key"),
    ("table-emptied", "::bare", "no item counts its rows; declare rows"),
    ("tag-altered", "::counted", "its rows refer to no chain"),
    ("metric-unknown", "::blind rules", "it passes whatever it sees"),
    ("metric-unknown", "::blind dashboard", "it passes whatever it sees"),
    ("expression-broken", "::blind dashboard", "it passes whatever it sees"),
    ("alert-silent", "::blind rules", "nothing sees it fire; declare tests"),
    ("alert-silent", "::untested", "nothing sees it fire; declare tests"),
    ("resource-missing", "::blind manifests", "declare the inventory"),
    ("value-altered", "::any", "any value will do; declare it under contracts or values"),
    ("command-lies", "::status", "its status is believed; declare results, must_print or never_print"),
    ("expression-broken", "::blind rules", "it passes whatever it sees"),
    ("image-unpinned", "::blind manifests", "it passes whatever it sees"),
    ("placeholder", "::blind manifests", "it passes whatever it sees"),
    ("zero-address", "::blind manifests", "it passes whatever it sees"),
    ("placeholder", "::blind environment", "it passes whatever it sees"),
    ("zero-address", "::blind environment", "it passes whatever it sees"),
    ("value-altered", "::blind environment", "any value will do"),
    ("command-fails", "::blind report", "it passes whatever it sees"),
    ("command-lies", "::blind report", "its status is believed"),
    ("variable-missing", "::blind environment", "it passes whatever it sees"),
    ("result-old", "::blind report", "it passes whatever it sees"),
    ("result-empty", "::blind report", "it passes whatever it sees"),
]

NOT_TRIED = [("metric-nan", "lag"), ("metric-stale", "lag"), ("result-old", "printed")]


@pytest.mark.parametrize(("fault", "item"), NOTICED)
def test_an_item_that_looks_notices_its_fault(drilled: Drilled, fault: str, item: str) -> None:
    assert drilled.came(fault, item) == "noticed", drilled.why(fault, item)


@pytest.mark.parametrize(("fault", "item", "mend"), MISSED)
def test_an_item_that_does_not_look_is_named_with_what_it_lacks(
    drilled: Drilled, fault: str, item: str, mend: str
) -> None:
    """Vacuous by its plan, or because the suite patched what the check asks."""
    assert drilled.came(fault, item) == "missed", drilled.why(fault, item)
    assert mend in drilled.why(fault, item)


@pytest.mark.parametrize("fault", ["share-changed", "cohort-unsticky"])
def test_an_exposure_that_is_not_asked_is_named(blind: Drilled, fault: str) -> None:
    assert blind.came(fault, "other") == "missed"


@pytest.mark.parametrize(
    ("fault", "item", "why"),
    [
        ("cohort-changed", "other", "no share of the same flag at the stage before"),
        ("soak-restart", "soak::boot", "declare started or comparisons"),
    ],
)
def test_what_nothing_tells_of_is_not_tried_and_says_why(blind: Drilled, fault: str, item: str, why: str) -> None:
    assert blind.came(fault, item) == "out_of_reach"
    assert why in blind.why(fault, item)


@pytest.mark.parametrize(
    ("fault", "item", "says"),
    [
        ("wrong-chain", "network::local", "expected chain id 1337"),
        ("inventory-record", "raw.Probe", "nobody knows where it is"),
        ("inventory-code", "raw.Probe", "the artifact Probe"),
        ("share-changed", "transfers", "of 2,000 (accepted 46.3 %"),
        ("soak-gap", "soak::boot", "missing"),
        ("column-missing", "::deals", "no column amount"),
        ("index-missing", "::deals", "no index by_environment"),
        ("constraint-missing", "::deals", "the primary key is none"),
        ("table-emptied", "::counted", "0 rows"),
        ("tag-altered", "::deals", "rows wrong about their chain"),
        ("metric-unknown", "::asked", "nobody_exposes_this"),
        ("alert-lost", "::arrives", "no alert arrived"),
        ("image-unpinned", "::whole", "is not pinned by digest"),
        ("value-altered", "::exact", "and Probe is at"),
        ("result-old", "::report", "is older than the command"),
        ("result-empty", "::printed", "is empty"),
    ],
)
def test_each_fault_is_noticed_for_its_own_reason(drilled: Drilled, fault: str, item: str, says: str) -> None:
    """A gate that fails for another reason noticed nothing."""
    assert says in drilled.why(fault, item)


def test_nothing_else_came_out_otherwise(drilled: Drilled) -> None:
    """What no list above names was noticed, or is told with the reason why it was not tried."""
    missed = {(fault, item) for fault, item, _ in MISSED}
    others = [
        (each["fault"], each["item"].rpartition("::")[2], each["why"])
        for each in drilled.document["tried"]
        if each["came"] != "noticed"
        and not any(each["fault"] == fault and each["item"].endswith(item) for fault, item in missed)
    ]

    assert [(fault, item) for fault, item, _ in others] == NOT_TRIED


def test_a_drill_leaves_the_project_as_it_was(drilled: Drilled, blind: Drilled) -> None:
    """Files and databases were copied: not a byte of the originals is another."""
    assert drilled.project.command("git", "status", "--porcelain").out == ""
