"""The shape of a stage's soak. Its first key is called ``for``, which no class body can say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, create_model

from pytest_rollout.plan.section import Duration, Metric, Section, Share, whole

_FIELDS: dict[str, Any] = {
    "for": (Duration, Field(examples=["7d"], description="How much time samples must cover before the stage may end.")),
    "coverage": (Share, Field("95 %", description="How much of that time must be covered; 95 % if left out.")),
    "max_gap": (Duration, Field("15m", description="The longest time without a sample; a longer one begins it anew.")),
    "metrics": (
        Annotated[list[Metric], Field(min_length=1)] | None,
        Field(None, description="What must be covered; all metrics with a source that criteria of the stage count."),
    ),
    "comparisons": (Metric | None, Field(None, description="The metric that counts comparisons; it only rises.")),
    "min_comparisons": (
        Annotated[int, *whole(1, 10**15)] | None,
        Field(None, description="How many comparisons are needed within the time that counts."),
    ),
    "started": (Metric | None, Field(None, description="The metric that says when a thing was started.")),
}

if TYPE_CHECKING:
    SoakTable = Any
else:
    SoakTable = create_model("SoakTable", __base__=Section, __doc__="Time covered by evidence.", **_FIELDS)
