"""What came of scripts/mutants.py: ``python scripts/mutants_page.py`` writes docs/mutants.md.

``--left [MODULE ...]`` prints what survived instead. Reasons why a mutant cannot or need not be noticed are in
scripts/mutants.toml, by module and function: a part of what ``--left`` prints of it, which has or touches what is in
brackets, and why.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import textwrap
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mutants import CORE, ROOT, digests_of, kept
from mutants_classes import CLASSES, class_of

WHY = ROOT / "scripts" / "mutants.toml"
PAGE = ROOT / "docs" / "mutants.md"
MARK = "<!-- made by scripts/mutants_page.py from here on -->"
LEFT = ("survived", "no test")
DECIDING = (
    "answer", "attestation", "baseline", "breach", "chain", "checklist", "collected", "columns", "command",
    "comparison", "configuration", "criterion", "database_check", "drill", "drilled", "endpoint_rule",
    "engine_check", "entries", "evaluating", "evidence", "exposure", "flag_rule", "glance", "histogram", "history",
    "inventory", "items", "judgement", "judging", "latency", "meaning", "merging", "moves", "node_check",
    "node_memory", "node_soak", "node_stats", "override", "owed", "promotion", "ranks", "ratio", "record",
    "redaction", "results", "rung", "running", "sampled", "series", "signoff", "soak", "soaked", "spelling",
    "sql_words", "state", "store_check", "store_tally", "subject", "tally", "things", "units", "valuing",
    "watching", "window",
)  # fmt: skip
"""The modules that judge, compare or record; the others read, show and hold values."""


def common(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginnings."""
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other))
    )


def pieces(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """A little of what stands before a change, the change, and a little of what follows."""
    before, after = row["before"], row["after"]
    if row["operator"] == "raising":
        return "", "[the body → raise]", ""
    begin = common(before, after)
    end = common(before[begin:][::-1], after[begin:][::-1])
    was, became = before[begin : len(before) - end], after[begin : len(after) - end]
    change = f"[{was[:60]} → {became[:60]}]"
    return before[max(0, begin - 30) : begin], change, before[len(before) - end :][:30]


def short(row: Mapping[str, Any]) -> str:
    """What was changed, with a little of what stands around it: ``if good [>= → >] total:``."""
    return "".join(pieces(row))


def touches(part: str, row: Mapping[str, Any]) -> bool:
    """Whether a part of a line has something of what was changed, or ends or begins there: else it tells of others."""
    before, change, _ = pieces(row)
    places = (match.start() for match in re.finditer(re.escape(part), short(row)))
    return any(at <= len(before + change) and at + len(part) >= len(before) for at in places)


def reason(row: Mapping[str, Any], reasons: Mapping[str, Any]) -> str:
    """Why no test can or need notice it, or nothing."""
    of_function = reasons.get(row["module"], {}).get(row["function"], {})
    everywhere = reasons.get("everywhere", {})
    return next((why for part, why in (*of_function.items(), *everywhere.items()) if touches(part, row)), "")


def idle(rows: Iterable[Mapping[str, Any]], reasons: Mapping[str, Any]) -> Iterator[str]:
    """The reasons that no survivor has, each as it stands in the file: a test has come since, or the code went."""
    left: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["outcome"] in LEFT:
            left.setdefault((row["module"], row["function"]), []).append(row)
    for module, functions in reasons.items():
        if module == "everywhere":
            whole = [each for several in left.values() for each in several]
            yield from (f"everywhere: {part}" for part in functions if not any(touches(part, each) for each in whole))
            continue
        for function, parts in functions.items():
            own = left.get((module, function), [])
            yield from (
                f"{module}.{function}: {part}" for part in parts if not any(touches(part, each) for each in own)
            )


def score(rows: Iterable[Mapping[str, Any]]) -> tuple[int, int, int, int, str]:
    """How many there were, were killed, timed out and survived, and the share that was noticed."""
    came = Counter(row["outcome"] for row in rows)
    noticed, whole = came["killed"] + came["timed out"], came.total()
    share = f"{100 * noticed / whole:.1f}" if whole else "-"
    return whole, came["killed"], came["timed out"], whole - noticed, share


def functions_of(source: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    """A module's functions by name, a method's behind its class."""
    body = ast.parse(source).body
    inside = [(f"{owner.name}.", each) for owner in body if isinstance(owner, ast.ClassDef) for each in owner.body]
    for owner, each in [*(("", each) for each in body), *inside]:
        if isinstance(each, ast.FunctionDef):
            yield f"{owner}{each.name}", each


def current() -> list[dict[str, Any]]:
    """The newest outcome of each mutant of a function as it is now.

    ``why`` says of one that survived why it may, empty where nobody has said so yet.
    """
    sources = {path.stem: path.read_text() for path in CORE.glob("*.py")}
    functions = {(module, name): each for module, text in sources.items() for name, each in functions_of(text)}
    there = {(module, *each) for module, text in sources.items() for each in digests_of(text)}
    found = [row for row in kept().values() if (row["module"], row["function"], row["unchanged"]) in there]
    reasons = tomllib.loads(WHY.read_text())
    for row in found:
        if row["outcome"] in LEFT:
            row["reason"] = reason(row, reasons)
            row["class"] = "" if row["reason"] else class_of(row, functions[row["module"], row["function"]])
            row["why"] = row["reason"] or row["class"]
    return found


HEAD = "| {} | mutants | killed | timed out | survived | with a reason | of a class | with neither | noticed % |"
RULE = "|---|---|---|---|---|---|---|---|---|"


def line(name: str, part: list[dict[str, Any]]) -> str:
    """A row of a table."""
    left = [row for row in part if row["outcome"] in LEFT]
    *counts, share = score(part)
    explained = sum(bool(row["reason"]) for row in left), sum(bool(row["class"]) for row in left)
    return f"| {name} | {' | '.join(map(str, (*counts, *explained, len(left) - sum(explained))))} | {share} |"


def report() -> None:
    """Writes the page: a table of modules, one of classes, and all that survived."""
    rows = current()
    of_module: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        of_module.setdefault(row["module"], []).append(row)
    others = sorted(of_module.keys() - {*DECIDING})
    untried = sorted({path.stem for path in CORE.glob("*.py")} - of_module.keys() - {"__init__"})
    deciding = [row for row in rows if row["module"] in DECIDING]
    by_mutmut = [row for row in deciding if row["operator"].startswith("operator")]
    text = PAGE.read_text().partition(MARK)[0]
    lines = [MARK, "", HEAD.format("all"), RULE, line("all modules", rows), line("of those that decide", deciding)]
    lines += [line("mutmut's operators alone, those that decide", by_mutmut)]
    lines += ["", HEAD.format("module that decides"), RULE]
    lines += [line(f"`{name}`", of_module[name]) for name in DECIDING if name in of_module]
    lines += ["", HEAD.format("other module"), RULE, *(line(f"`{name}`", of_module[name]) for name in others), ""]
    lines += textwrap.wrap(f"Without functions: {', '.join(untried)}.", 130) if untried else []
    classes = Counter(row["class"] for row in rows if row.get("class"))
    lines += ["", "| class of survivors | how many |", "|---|---|"]
    lines += [f"| {name} | {classes[name]} |" for name in CLASSES if classes[name]]
    lines += ["", "## What survived", ""]
    for name in (*DECIDING, *others):
        left = [row for row in of_module.get(name, ()) if row["outcome"] in LEFT]
        if left:
            lines += [f"### {name}", "", "```text"]
            lines += dict.fromkeys(f"{row['function']}: {short(row)}: {told(row)}" for row in left)
            lines += ["```", ""]
    PAGE.write_text(text + "\n".join(lines))
    for each in idle(rows, tomllib.loads(WHY.read_text())):
        print(f"no survivor has this reason: {each}")


def told(row: Mapping[str, Any]) -> str:
    """Why a mutant survived, as far as anybody has said."""
    return row["why"] or ("no test reaches it" if row["outcome"] == "no test" else "no test notices")


def main() -> int:
    """Write the page, or print what survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--left", nargs="*")
    asked = parser.parse_args()
    if asked.left is None:
        report()
        return 0
    for row in current():
        if row["outcome"] in LEFT and (not asked.left or row["module"] in asked.left):
            print(": ".join(filter(None, (f"{row['module']}.{row['function']}", short(row), row["why"]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
