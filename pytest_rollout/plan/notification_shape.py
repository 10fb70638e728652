"""The shape of who is told: every key, its kind of value and what it is for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pytest_rollout.plan.section import Section, Text


class RouteTable(Section):
    """Who gets the notices of one importance."""

    urls: Annotated[list[Text], Field(min_length=1)] = Field(
        examples=[["${SLACK_URL}"]],
        description="Addresses as apprise writes them: slack://…, pagerduty://…, jsons://….",
    )


class NotificationsTable(Section):
    """Who is told when a verdict or a stage changes, by importance."""

    critical: RouteTable | None = Field(None, description="A trigger asks for an immediate rollback.")
    warning: RouteTable | None = Field(
        None, description="A trigger asks for a planned rollback, an alert bound is reached, a source is lost."
    )
    info: RouteTable | None = Field(None, description="A stage was entered, a soak is covered, a verdict is better.")


class CdeventsTable(Section):
    """Where the same is posted for machines."""

    sink: Text = Field(
        examples=["${CDEVENTS_SINK}"], description="The http or https address that CloudEvents are posted to."
    )
