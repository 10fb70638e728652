"""KnowTon's plan, as far as it is translated."""

from __future__ import annotations

from datetime import UTC, datetime

from pytest_rollout.plan import RemarkKind, lint, load


def test_the_plan_says_what_the_document_contradicts(plans):
    """Nothing in the plan contradicts itself, and each contradiction of the document has a choice."""
    rollout = load(plans["knowton"], environment={}, root=plans["knowton"].parents[2])

    remarks = lint(rollout, now=datetime.now(UTC))

    assert {remark.kind for remark in remarks} == {RemarkKind.SOURCE}
    assert len(remarks) == len(rollout.contradictions) == 4
