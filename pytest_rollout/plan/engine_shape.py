"""The shape of engines and nodes: what is compared, where it runs, and what each rung must show."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from pytest_rollout.core.engines import CLOCKS, Isolation
from pytest_rollout.core.mode import MODE_WORDS
from pytest_rollout.plan.section import (
    FILLED,
    KEY,
    Bound,
    Duration,
    Line,
    Name,
    Section,
    Share,
    Text,
    choice,
    keys,
    needs,
    whole,
    wrong,
)
from pytest_rollout.plan.sentence import misfit

REASON = r"[A-Za-z_][A-Za-z0-9_.]{0,127}"
NODE = r"[a-z][a-z0-9-]{0,31}"
ModeWord = Annotated[str, *choice("mode", *MODE_WORDS)]
Size = Annotated[
    str,
    needs("a size in quotes, such as '512 MiB',", str),
    WithJsonSchema({"type": "string", "pattern": rf"^(?:[0-9][0-9,_.]*\s*(?:bytes|KiB|MiB|GiB)|{FILLED})$"}),
]
Many = Annotated[int, *whole(1, 10**12)]


class EngineTable(Section):
    """An engine that is no import path: a program, or a server. One of the two."""

    command: Annotated[list[Text], Field(min_length=1)] | None = Field(
        None, description="The program and its arguments; one line of JSON in, one out."
    )
    url: Line | None = Field(None, description="Where a server takes a block by POST.")


class NamedEngine(EngineTable):
    """The same, and what an import path in its place becomes."""

    target: Line | None = Field(None, description="package.module:Name, or file.py:Name beside the plan.")


def _engine(value: Any) -> Any:
    if isinstance(value, str):
        return {"target": value}
    if isinstance(value, dict) and "target" not in value:
        return value
    if isinstance(value, dict):
        raise wrong("no key 'target'; allowed are command, url, or an import path instead of the table.", KEY)
    raise wrong(misfit(value, "an import path, such as 'package.module:Name', or a table is needed."))


Engine = Annotated[
    NamedEngine,
    BeforeValidator(_engine, json_schema_input_type=Line | EngineTable),
]


class EnginesTable(Section):
    """The two engines and how they are compared."""

    reference: Engine = Field(
        examples=["consensus.py:Reference"], description="The trusted engine: an import path, a command or a URL."
    )
    candidate: Engine = Field(
        examples=["consensus.py:Candidate"], description="The engine on trial: an import path, a command or a URL."
    )
    isolation: Annotated[str, *choice("isolation", *Isolation)] = Field(
        Isolation.THREAD.value, description="Where a candidate by import path runs: thread, or process of its own."
    )
    limit: Duration = Field("2s", description="How long the candidate may take on one block, 2s if left out.")
    memory: Size | None = Field(None, description="The most address space its process may take.")
    ignore: list[Line] = Field([], description="Fields of an answer left out of the comparison.")
    reasons: dict[str, Line] = Field(
        {},
        description="Classes of reasons of one engine, and what the other calls them.",
        json_schema_extra=keys(REASON),
    )
    divergences: Line = Field("divergences", description="The folder divergences are kept in, relative to the plan.")


class NodeTable(Section):
    """One live node."""

    stats: Text = Field(
        examples=["http://node-1:8080/v1/consensus/stats"], description="Where the node's stats are read."
    )
    max_age: Duration = Field("1m", description="How old its stats may be when they are read; 1m if left out.")
    after: Name | None = Field(None, description="The node it follows from rung to rung.")
    clock: Annotated[str, *choice("clock", *CLOCKS)] = Field(
        "system", description="system, or rehearsed where weeks lived through in seconds are meant as such."
    )


class LatencyTable(Section):
    """Candidate's over reference's time of the same block, at percentiles of that ratio."""

    p50: Bound | None = Field(None, description="Bound on the median, such as '<= 0.2'.")
    p95: Bound | None = Field(None, description="Bound on the 95th percentile.")


class StageEnginesTable(Section):
    """What the gate itself asks of both engines."""

    mode: ModeWord | None = Field(None, description="The rung of the engines fixture; shadow, if left out.")
    golden: Line | None = Field(None, description="The file of inputs and expected answers, relative to the plan.")
    corpus: Line | None = Field(None, description="The file of blocks to replay, relative to the plan.")
    parts: Annotated[int, *whole(1, 1000)] = Field(1, description="How many items the corpus is cut into.")
    min_comparisons: Many | None = Field(None, description="How many comparisons the whole corpus must give.")
    latency: LatencyTable | None = Field(None, description="Bounds on the ratio of latencies.")


class StageNodeTable(Section):
    """The rung one node stands on, and what it must have gathered there; each aspect is one item."""

    mode: ModeWord = Field(examples=["shadow"], description="The rung, in either spelling.")
    min_comparisons: Many | None = Field(None, description="How many comparisons on this rung; shadow needs it.")
    min_verifications: Many | None = Field(
        None, description="How many verifications on this rung; the rungs above shadow need it."
    )
    latency: LatencyTable | None = Field(None, description="Bounds on the ratio of latencies; in shadow.")
    soak: Duration | None = Field(None, description="How long on this rung, without a restart or a gap.")
    max_gap: Duration = Field(
        "15m", description="The longest time without a verification; a longer one begins the soak anew."
    )
    interval: Duration | None = Field(
        None, description="How long a verification covers, such as the time between two blocks; max_gap, if left out."
    )
    coverage: Share | None = Field(None, description="How much of the soak must be covered at that interval.")
    follows: Duration | None = Field(
        None, description="How long the node before it was on this rung when it came itself."
    )
    demote_to: ModeWord | None = Field(None, description="Where a demotion leads; one rung down, if left out.")
