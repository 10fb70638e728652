"""What a plan says against itself, though it loads: read before anything runs (rule 38)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from pytest_rollout.core.database_check import DatabaseCheck
from pytest_rollout.core.inventory import Listed
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import Exposure, Rollout, Stage
from pytest_rollout.plan.bound_order import out_of_order, thresholds_that_fall, too_few_samples
from pytest_rollout.plan.lint_nodes import advice_on_nodes, contradictions_of_nodes
from pytest_rollout.plan.lint_people import advice_on_people, contradictions_of_people
from pytest_rollout.plan.lint_time import contradictions_of_time
from pytest_rollout.plan.recorded import deployed
from pytest_rollout.plan.sentence import Place, place_name, quoted, shown, some

FAR = timedelta(days=90)
"""A known failure excused for longer is no longer an exception."""

_SUFFIXES = {
    "_seconds": "s",
    "_ms": "ms",
    "_ratio": "ratio",
    "_share": "ratio",
    "_count": "count",
    "_gas": "gas",
    "_wei": "wei",
    "_bytes": "bytes",
}


class RemarkKind(StrEnum):
    """What a remark is about: the plan against itself, a hint, or the source document."""

    CONTRADICTION = "contradiction"
    ADVICE = "advice"
    SOURCE = "source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing a reader should know about a plan, in one sentence; ``place`` is a key of it."""

    place: str
    text: str
    kind: RemarkKind

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def lint(rollout: Rollout, *, now: datetime) -> list[Remark]:
    """Everything remarkable: contradictions first, then advice, then what the source says twice; without secrets."""
    remarks = [
        *_orders(rollout),
        *_exposures(rollout),
        *_flags(rollout),
        *_known_failures(rollout, now),
        *_removed(rollout),
        *_metric_names(rollout),
        *_samples(rollout),
        *_times(rollout),
        *_nodes(rollout),
        *_people(rollout),
        *_unused(rollout),
        *_inventory(rollout),
        *_source(rollout),
    ]
    clean = Redactor(rollout.secrets).text
    told = [Remark(place=clean(each.place), text=clean(each.text), kind=each.kind) for each in remarks]
    order = list(RemarkKind)
    return sorted(told, key=lambda remark: order.index(remark.kind))


def _remark(kind: RemarkKind, place: Place, text: str) -> Remark:
    return Remark(place=place_name(place), text=text, kind=kind)


def _criterion_place(stage: Stage, name: str, *rest: str) -> str:
    place = f"{place_name(('stages', stage.name, 'criteria'))}[{quoted(name)}]"
    return ".".join((place, *rest))


def _orders(rollout: Rollout) -> Iterator[Remark]:
    for stage in rollout.stages:
        for criterion in stage.criteria:
            for text in out_of_order(criterion):
                yield Remark(place=_criterion_place(stage, criterion.name), text=text, kind=RemarkKind.CONTRADICTION)
    for earlier, later in pairwise(rollout.stages):
        for name, text in thresholds_that_fall(earlier, later):
            yield Remark(place=_criterion_place(later, name, "promote"), text=text, kind=RemarkKind.CONTRADICTION)


def _samples(rollout: Rollout) -> Iterator[Remark]:
    for stage in rollout.stages:
        for criterion in stage.criteria:
            if text := too_few_samples(criterion):
                yield Remark(
                    place=_criterion_place(stage, criterion.name, "min_samples"),
                    text=text,
                    kind=RemarkKind.ADVICE,
                )


def _times(rollout: Rollout) -> Iterator[Remark]:
    for place, text in contradictions_of_time(rollout):
        yield Remark(place=".".join(map(str, place)), text=text, kind=RemarkKind.CONTRADICTION)


def _nodes(rollout: Rollout) -> Iterator[Remark]:
    for place, text in contradictions_of_nodes(rollout):
        yield _remark(RemarkKind.CONTRADICTION, place, text)
    for place, text in advice_on_nodes(rollout):
        yield _remark(RemarkKind.ADVICE, place, text)


def _people(rollout: Rollout) -> Iterator[Remark]:
    for place, text in contradictions_of_people(rollout):
        yield _remark(RemarkKind.CONTRADICTION, place, text)
    for place, text in advice_on_people(rollout):
        yield _remark(RemarkKind.ADVICE, place, text)


def _exposures(rollout: Rollout) -> Iterator[Remark]:
    before: list[tuple[Stage, Exposure]] = []
    for stage in rollout.stages:
        if (exposure := stage.exposure) is None:
            continue
        place: Place = ("stages", stage.name, "exposure")
        for earlier, than in reversed(before):
            if exposure.users and than.users and _is_fewer(exposure.users, than.users):
                yield _remark(
                    RemarkKind.CONTRADICTION,
                    (*place, "users"),
                    f"{_range(exposure.users)} users are fewer than the {_range(than.users)} of stage "
                    f"{earlier.name} before it; a rollout grows.",
                )
                break
        for earlier, than in reversed(before):
            if exposure.share is not None and than.share is not None and exposure.share < than.share:
                yield _remark(
                    RemarkKind.CONTRADICTION,
                    (*place, "share"),
                    f"{_per_cent(exposure)} is less than the {_per_cent(than)} of stage {earlier.name} "
                    "before it; a rollout grows.",
                )
                break
        before.append((stage, exposure))


def _is_fewer(users: tuple[int, int | None], than: tuple[int, int | None]) -> bool:
    least, most = users
    if least < than[0]:
        return True
    return most is not None and (than[1] is None or most < than[1])


def _range(users: tuple[int, int | None]) -> str:
    least, most = users
    if most == least:
        return str(least)
    return f"{least}..{'' if most is None else most}"


def _per_cent(exposure: Exposure) -> str:
    value = (exposure.share or 0) * 100
    return f"{float(value):g} %"


def _flags(rollout: Rollout) -> Iterator[Remark]:
    if rollout.flags.provider != "memory":
        return
    for stage in rollout.stages:
        for flag in stage.flags:
            value = rollout.flags.values.get(flag.key)
            if type(value) is not type(flag.expected) or value != flag.expected:
                yield _remark(
                    RemarkKind.CONTRADICTION,
                    ("stages", stage.name, "flags", flag.key),
                    f"{shown(flag.expected)} is expected, but the memory provider answers {shown(value)} in "
                    "every stage; a flagd file can answer by stage.",
                )
        exposure = stage.exposure
        if exposure is not None and exposure.share is not None and exposure.flag is not None:
            let_in = int(rollout.flags.values.get(exposure.flag) is True)
            if exposure.share != let_in:
                yield _remark(
                    RemarkKind.CONTRADICTION,
                    ("stages", stage.name, "exposure", "share"),
                    f"{_per_cent(exposure)} is declared, but the memory provider answers "
                    f"{shown(bool(let_in))} to everybody; a flagd file can answer by share.",
                )


def _known_failures(rollout: Rollout, now: datetime) -> Iterator[Remark]:
    for stage in rollout.stages:
        for failure in stage.known_failures:
            place = f"{place_name(('stages', stage.name, 'known_failures'))}[{quoted(failure.test)}].expires"
            date = failure.expires.isoformat()
            if failure.expires <= now:
                text = f"expired at {date}; {failure.owner} has to mend the test or give a new date."
                yield Remark(place=place, text=text, kind=RemarkKind.CONTRADICTION)
            elif failure.expires - now > FAR:
                text = f"{date} is more than {FAR.days} days away; look at a known failure again sooner."
                yield Remark(place=place, text=text, kind=RemarkKind.ADVICE)


def _removed(rollout: Rollout) -> Iterator[Remark]:
    for stage in rollout.stages:
        declared = _declared(stage)
        place: Place = ("stages", stage.name, "removed")
        for item in stage.removed:
            file, separator, rest = item.partition("::")
            if separator and file.endswith("rollout.toml") and rest in declared:
                yield _remark(
                    RemarkKind.CONTRADICTION,
                    place,
                    f"{quoted(item)} is still declared by this plan; take it out of one of the two places.",
                )
            elif not separator or not file.endswith((".py", "rollout.toml")):
                yield _remark(
                    RemarkKind.ADVICE,
                    place,
                    f"{quoted(item)} looks like no item's id, such as suites/beta/test_pause.py::test_pause "
                    "or rollout.toml::beta::flags::newCheckout; it accepts no removal.",
                )


def _declared(stage: Stage) -> set[str]:
    ids = {f"{stage.name}::flags::{flag.key}" for flag in stage.flags}
    ids |= {f"{stage.name}::contracts::{state.name}" for state in stage.contracts}
    ids |= {f"{stage.name}::criteria::{criterion.name}" for criterion in stage.criteria}
    return ids | {f"{stage.name}::checklist::{entry.number}" for entry in stage.checklist}


def _metric_names(rollout: Rollout) -> Iterator[Remark]:
    for metric in rollout.metrics.values():
        for suffix, symbol in _SUFFIXES.items():
            if metric.name.endswith(suffix) and metric.unit.symbol != symbol:
                yield _remark(
                    RemarkKind.CONTRADICTION,
                    ("metrics", metric.name, "unit"),
                    f"is {metric.unit.symbol}, but the name ends in '{suffix}'; change one of them.",
                )


def _named(rollout: Rollout) -> Iterator[str]:
    """The networks that checks are about, whatever their stage runs on."""
    for stage in rollout.stages:
        for check in stage.checks:
            if isinstance(check, Listed):
                yield check.network
            elif isinstance(check, DatabaseCheck) and check.tag is not None:
                yield from check.tag.networks.values()


def _unused(rollout: Rollout) -> Iterator[Remark]:
    used = {criterion.metric for stage in rollout.stages for criterion in stage.criteria}
    used |= {name for stage in rollout.stages if stage.soak is not None for name in stage.soak.metrics}
    for name in rollout.metrics:
        if name not in used:
            yield _remark(RemarkKind.ADVICE, ("metrics", name), "no criterion uses it, so it decides nothing.")
    networks = {stage.network for stage in rollout.stages} | set(_named(rollout))
    for name in rollout.networks:
        if name not in networks:
            yield _remark(
                RemarkKind.ADVICE,
                ("networks", name),
                f"no stage uses it, so it serves rehearsals with --network={name} only.",
            )


def _inventory(rollout: Rollout) -> Iterator[Remark]:
    """The declared list against the record; what a network without one holds, its gate will see."""
    for network, names in rollout.contracts.inventory.items():
        deployment = rollout.contracts.deployments.get(network)
        if deployment is None:
            continue
        place: Place = ("contracts", "inventory", network)
        there = deployed(deployment.path) | deployment.names.keys()
        if missing := [name for name in names if name not in there]:
            text = f"{some(missing)} is listed, and {deployment.path.name} records no such contract."
            yield _remark(RemarkKind.CONTRADICTION, place, text)
    if rollout.contracts.inventory and not any(
        isinstance(check, Listed) for stage in rollout.stages for check in stage.checks
    ):
        yield _remark(RemarkKind.ADVICE, ("contracts", "inventory"), "no stage looks for it, so it decides nothing.")


def _source(rollout: Rollout) -> Iterator[Remark]:
    for contradiction in rollout.contradictions:
        says = " and ".join(quoted(text) for text in contradiction.says)
        yield Remark(
            place=contradiction.where,
            text=f"the document says {says}; this plan's choice: {contradiction.choice}",
            kind=RemarkKind.SOURCE,
        )
