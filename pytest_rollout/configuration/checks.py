"""What a plan may declare about files beside the chain, and about alerts, observed; judging is the rules' business."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_rollout.core.configuration import AlertCheck, DashboardCheck, EnvironmentCheck, ManifestCheck, RulesCheck
from pytest_rollout.core.errors import ConfigurationError
from pytest_rollout.core.rollout import Rollout, Stage

Check = RulesCheck | DashboardCheck | ManifestCheck | EnvironmentCheck | AlertCheck


def observe(
    check: Check, _rollout: Rollout, _stage: Stage, books: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], str]:
    """What was seen of one declared check, as JSON, and who said so."""
    try:
        return _observe(check, {} if books is None else books)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"{check.kind} need {error.name}, which comes with the extra: pip install 'pytest-rollout[configuration]'."
        ) from None


def _observe(check: Check, books: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    match check:
        case EnvironmentCheck():
            from pytest_rollout.configuration import environments  # noqa: PLC0415 - each kind pays for itself

            return environments.observe(check, books)
        case RulesCheck():
            from pytest_rollout.configuration import rules  # noqa: PLC0415 - as above

            return rules.observe(check)
        case DashboardCheck():
            from pytest_rollout.configuration import dashboards  # noqa: PLC0415 - as above

            return dashboards.observe(check)
        case ManifestCheck():
            from pytest_rollout.configuration import manifests  # noqa: PLC0415 - as above

            return manifests.observe(check)
        case AlertCheck():
            from pytest_rollout.configuration import delivery  # noqa: PLC0415 - as above

            return delivery.observe(check)
