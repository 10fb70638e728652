"""The faults that a gate's own items are about: for each, how the altered world is made."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_rollout.core.faults import Fault
from pytest_rollout.faults import chains, consensus, files, flags, metrics, services, stores
from pytest_rollout.faults.place import Scene

SCENES: Mapping[Fault, Scene] = {
    Fault.STATE: chains.states,
    Fault.CODE: chains.code,
    Fault.CHAIN: chains.chain,
    Fault.LISTED: chains.records,
    Fault.LISTED_CODE: chains.listed_code,
    Fault.FLAG: flags.flipped,
    **{each: flags.exposure(each) for each in (Fault.SHARE, Fault.COHORT, Fault.UNSTICKY)},
    **{
        each: metrics.metric(each)
        for each in (Fault.METRIC_DOWN, Fault.METRIC_NAN, Fault.METRIC_STALE, Fault.METRIC_EMPTY)
    },
    **{each: metrics.soak(each) for each in (Fault.SOAK_GAP, Fault.SOAK_THIN, Fault.SOAK_RESTART)},
    Fault.ENGINE: consensus.engines,
    Fault.NODE: consensus.nodes,
    Fault.RECORD: stores.records,
    **{each: stores.database(each) for each in (Fault.COLUMN, Fault.INDEX, Fault.CONSTRAINT, Fault.TABLE, Fault.TAG)},
    **{each: files.spoilt(each) for each in files.KINDS},
    Fault.LOST: services.alerts,
    **{each: services.service(each) for each in (Fault.SERVICE_GONE, Fault.SERVICE_DOWN, Fault.SERVICE_SLOW)},
    **{each: services.command(each) for each in services.ACTS},
}
"""Every fault but the removal of items, which is done by leaving them out of a run."""
