"""Drills, and ratios of two commands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.command import Command
from pytest_rollout.core.drill import Damage, Drill, Kill
from pytest_rollout.core.ratio import Measure, Ratio
from pytest_rollout.core.results import Format, Result, at_least
from pytest_rollout.core.store_check import StoreCheck
from pytest_rollout.plan import texts
from pytest_rollout.plan.commands import one_command, pattern
from pytest_rollout.plan.durations import duration
from pytest_rollout.plan.sentence import GIVEN, Place, Unfit, Written, unknown

if TYPE_CHECKING:
    from pytest_rollout.plan.drill_shape import DrillTable, RatioTable

_AT_MOST = re.compile(r"(?P<number>[0-9]{1,6}(?:\.[0-9]{1,6})?) ?(?P<unit>x|%)")
_LONGEST = timedelta(hours=1)


def drills(
    written: Written,
    stage: str,
    tables: Sequence[DrillTable],
    folder: Path,
    environment: Sequence[str],
    stores: Sequence[StoreCheck],
) -> tuple[Drill, ...]:
    """The stage's drills in the order written; ``stores`` are its store checks. Raises ``PlanError``."""
    found: dict[str, Drill] = {}
    for index, table in enumerate(tables):
        place: Place = ("stages", stage, "drills", index)
        name = _name(written, place, table.name, found, "drills")
        run = one_command(written, place, folder, environment, name, table)
        recover = None
        if table.recover is not None:
            recover = _plain(
                written, (*place, "recover"), folder, environment, f"{name}, recovering", table.recover, table
            )
        _check(written, place, table)
        found[texts.folded(name)] = Drill(
            name=name,
            run=run,
            copy=tuple(
                written.read((*place, "copies", number), each, lambda text: _inside(folder, text))
                for number, each in enumerate(table.copies)
            ),
            damage=None if table.damage is None else Damage(table.damage.how),
            file="" if table.damage is None else _damaged(written, place, table),
            times=table.times,
            at_once=table.at_once,
            kill=_kill(written, place, table),
            recover=recover,
            stores=None if table.stores is None else _stores(written, (*place, "stores"), table, stores, folder),
            grows=table.grows or 0,
            required=not table.advisory,
        )
    return tuple(found.values())


def ratios(
    written: Written, stage: str, tables: Sequence[RatioTable], folder: Path, environment: Sequence[str]
) -> tuple[Ratio, ...]:
    """The stage's ratios in the order written; raises ``PlanError``."""
    found: dict[str, Ratio] = {}
    for index, table in enumerate(tables):
        place: Place = ("stages", stage, "ratios", index)
        name = _name(written, place, table.name, found, "ratios")
        measure = Measure(table.measure)
        if (measure is Measure.REPORTED) != (table.pointer is not None):
            wrong = 'is for measure = "reported"' if table.pointer is not None else 'needs a pointer, such as "/us"'
            raise written.wrong((*place, "pointer") if table.pointer is not None else place, f"{wrong}.")
        if table.reference == table.candidate:
            raise written.wrong((*place, "candidate"), "is the reference itself, which is always as good.")
        reported = () if table.pointer is None else (_reported(written, (*place, "pointer"), table.pointer),)
        sides = [
            replace(
                _plain(written, (*place, side), folder, environment, side, getattr(table, side), table),
                results=reported,
            )
            for side in ("reference", "candidate")
        ]
        found[texts.folded(name)] = Ratio(
            name=name,
            reference=sides[0],
            candidate=sides[1],
            measure=measure,
            at_most=written.read((*place, "at_most"), table.at_most, _at_most),
            pairs=table.pairs,
            required=not table.advisory,
        )
    return tuple(found.values())


def _reported(written: Written, place: Place, pointer: str) -> Result:
    """The number that a side prints; any amount will do for itself."""
    if not pointer.startswith("/"):
        raise written.wrong(place, f"{GIVEN} is no JSON pointer to a number; write such as '/us'.")
    return Result(format=Format.JSON, pointer=pointer, bound=at_least(0))


def _name(written: Written, place: Place, text: str, found: Mapping[str, Any], what: str) -> str:
    name = written.read((*place, "name"), text, texts.item_name)
    if texts.folded(name) in found:
        raise written.wrong((*place, "name"), f"is the name of two {what} of this stage; give each its own.")
    return name


def _plain(
    written: Written,
    place: Place,
    folder: Path,
    environment: Sequence[str],
    name: str,
    run: list[str],
    table: DrillTable | RatioTable,
) -> Command:
    """A command with the folder, the variables and the time of its table, and nothing else asked of it."""
    from pytest_rollout.plan.command_shape import CommandTable  # noqa: PLC0415 - pydantic, loaded by now

    made = CommandTable.model_validate(
        {
            "name": name,
            "run": run,
            "cwd": table.cwd,
            "environment": list(table.environment),
            "timeout": table.timeout,
        }
    )
    return one_command(written, place[:-1], folder, environment, name, made, run_at=place)


def _check(written: Written, place: Place, table: DrillTable) -> None:
    """What goes together, and what would be no drill."""
    if table.damage is None and table.kill is None and table.at_once == 1 and table.times == 1 and not table.grows:
        raise written.wrong(place, "drills nothing; write such as damage, kill, at_once, or times and grows.")
    if (table.damage or table.kill) and not table.copies:
        raise written.wrong(place, 'is done on copies; write what they are of, such as copies = ["state"].')
    uses = any("{copy}" in each or "ROLLOUT_COPY" in each for each in (*table.run, *(table.recover or ())))
    if table.copies and not uses:
        raise written.wrong((*place, "run"), "has no {copy} in it, so it would work on the original.")
    if table.kill and (table.times > 1 or table.at_once > 1 or table.damage or table.grows):
        raise written.wrong(
            (*place, "kill"), "goes with none of times, at_once, damage and grows; write a drill for each."
        )
    if table.at_once > table.times:
        raise written.wrong((*place, "at_once"), f"{GIVEN} are more than times, {table.times}.")
    if table.grows and table.stores is None:
        raise written.wrong((*place, "grows"), "says of which stores? Write stores.")
    if table.stores and not (table.damage or table.kill or table.grows):
        raise written.wrong(
            (*place, "stores"), "hold already if nothing is written; write grows: how many records one run writes."
        )


def _kill(written: Written, place: Place, table: DrillTable) -> Kill | None:
    if table.kill is None:
        return None
    where = (*place, "kill")
    if (table.kill.when is None) == (table.kill.within is None):
        raise written.wrong(where, 'needs when or within, one of the two, such as when = "first written".')
    within = None
    if table.kill.within is not None:
        within = written.read((*where, "within"), table.kill.within, duration)
        if within > _LONGEST:
            raise written.wrong((*where, "within"), f"{GIVEN} is longer than 1h.")
    when = "" if table.kill.when is None else written.read((*where, "when"), table.kill.when, pattern)
    return Kill(times=table.kill.times, when=when, within=within)


def _damaged(written: Written, place: Place, table: DrillTable) -> str:
    assert table.damage is not None  # noqa: S101 - asked only where there is some
    file = PurePosixPath(table.damage.file)
    if not any(file == PurePosixPath(each) or file.is_relative_to(each) for each in table.copies):
        raise written.wrong((*place, "damage", "file"), f"{GIVEN} is not in what is copied, {', '.join(table.copies)}.")
    return file.as_posix()


def _stores(
    written: Written, place: Place, table: DrillTable, checks: Sequence[StoreCheck], folder: Path
) -> StoreCheck:
    name = str(table.stores)
    found = next((check for check in checks if check.name == name), None)
    if found is None:
        raise written.wrong(place, unknown("store check", name, [each.name for each in checks], where="this stage has"))
    for store in (found.left, found.right):
        if (
            store is not None
            and table.copies
            and not any(store.path.is_relative_to(folder / each) for each in table.copies)
        ):
            raise written.wrong(
                place, f"store {store.name} is not in what is copied, {', '.join(table.copies)}; copy it too."
            )
    return found


def _inside(folder: Path, text: str) -> str:
    path = PurePosixPath(texts.line(text))
    if path.is_absolute() or ".." in path.parts or path.as_posix() == ".":
        raise Unfit(f"{GIVEN} is no file or folder below the plan's; write its path from there.")
    if not (folder / path).exists():
        raise Unfit(f"no file or folder {GIVEN}; it is looked for relative to the plan.")
    return path.as_posix()


def _at_most(text: str) -> Fraction:
    match = _AT_MOST.fullmatch(text)
    if match is None or not Fraction(match["number"]):
        raise Unfit(f"{GIVEN} is no ratio; write such as '2x', or '150 %'.")
    return Fraction(match["number"]) / (100 if match["unit"] == "%" else 1)
