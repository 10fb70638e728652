"""What a plan may declare about stores, observed; judging is the rules' business."""

from __future__ import annotations

from typing import Any

from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.core.store_check import StoreCheck
from pytest_rollout.stores.joining import compare
from pytest_rollout.stores.opening import open_store


def observe(check: StoreCheck, rollout: Rollout, _stage: Stage) -> tuple[dict[str, Any], str]:
    """The tally of the check's stores, and their names."""
    return observe_stores(check, Redactor(rollout.secrets))


def observe_stores(check: StoreCheck, redactor: Redactor) -> tuple[dict[str, Any], str]:
    """The same, for who has no stage at hand."""
    left = open_store(check.left)
    right = None if check.right is None else open_store(check.right)
    sources = [store.source for store in (left, right) if store is not None]
    return compare(left, right, check.asked, redactor.text), " and ".join(sources)
