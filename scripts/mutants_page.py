"""What came of scripts/mutants.py: ``python scripts/mutants_page.py`` writes docs/mutants.md.

``--left [MODULE ...]`` prints what survived instead. Reasons why a mutant cannot or need not be noticed are in
scripts/mutants.toml, by module and function: a part of what ``--left`` prints of it, and why.
"""

from __future__ import annotations

import argparse
import ast
import sys
import textwrap
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mutants import CORE, ROOT, kept

WHY = ROOT / "scripts" / "mutants.toml"
PAGE = ROOT / "docs" / "mutants.md"
MARK = "<!-- made by scripts/mutants_page.py from here on -->"
LEFT = ("survived", "no test")
DECIDING = (
    "attestation", "baseline", "breach", "comparison", "configuration", "criterion", "database_check", "drill",
    "endpoint_rule", "evaluating", "evidence", "exposure", "history", "judgement", "judging", "merging", "moves",
    "node_check", "node_memory", "node_soak", "node_stats", "owed", "promotion", "ranks", "ratio", "redaction",
    "results", "rung", "sampled", "series", "signoff", "soak", "soaked", "store_check", "subject", "tally", "units",
    "window",
)  # fmt: skip
"""The modules that judge, compare or record; the others read, show and hold values."""


def common(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginnings."""
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other))
    )


def short(row: Mapping[str, Any]) -> str:
    """What was changed, with a little of what stands around it: ``if good [>= → >] total:``."""
    before, after = row["before"], row["after"]
    if row["operator"] == "raising":
        return "[the body → raise]"
    begin = common(before, after)
    end = common(before[begin:][::-1], after[begin:][::-1])
    around = before[max(0, begin - 30) : begin], before[len(before) - end :][:30]
    was, became = before[begin : len(before) - end], after[begin : len(after) - end]
    return f"{around[0]}[{was[:60]} → {became[:60]}]{around[1]}"


def reason(row: Mapping[str, Any], reasons: Mapping[str, Any]) -> str:
    """Why no test can or need notice it, or nothing."""
    of_function = reasons.get(row["module"], {}).get(row["function"], {})
    everywhere = reasons.get("everywhere", {})
    told = short(row)
    return next((why for part, why in (*of_function.items(), *everywhere.items()) if part in told), "")


def score(rows: Iterable[Mapping[str, Any]]) -> tuple[int, int, int, int, str]:
    """How many there were, were killed, timed out and survived, and the share that was noticed."""
    came = Counter(row["outcome"] for row in rows)
    noticed, whole = came["killed"] + came["timed out"], came.total()
    share = f"{100 * noticed / whole:.1f}" if whole else "-"
    return whole, came["killed"], came["timed out"], whole - noticed, share


def functions_of(source: str) -> Iterator[tuple[str, str]]:
    """The names of a module's functions, a method's behind its class, each with its text on one line."""
    body = ast.parse(source).body
    inside = [(f"{owner.name}.", each) for owner in body if isinstance(owner, ast.ClassDef) for each in owner.body]
    for owner, each in [*(("", each) for each in body), *inside]:
        if isinstance(each, ast.FunctionDef):
            first = min(node.lineno for node in (each, *each.decorator_list))
            lines = source.splitlines()[first - 1 : each.end_lineno]
            yield f"{owner}{each.name}", " ".join(" ".join(lines).split())


def current() -> list[dict[str, Any]]:
    """The newest outcome of each mutant whose lines are still in its function; alike ones of a function count once."""
    texts = {(path.stem, name): text for path in CORE.glob("*.py") for name, text in functions_of(path.read_text())}
    found = {
        (row["module"], row["function"], row["operator"], row["before"], row["after"]): row
        for row in kept().values()
        if " ".join(row["before"].split()) in texts.get((row["module"], row["function"]), "")
    }
    return list(found.values())


def report() -> None:
    """Writes the page: a table of modules, then what survived in those that decide."""
    rows = current()
    reasons = tomllib.loads(WHY.read_text())
    text = PAGE.read_text().partition(MARK)[0]
    lines = [MARK, ""]
    head = "| {} | mutants | killed | timed out | survived | of these explained | noticed % | without wording % |"
    rule = "|---|---|---|---|---|---|---|---|"

    def line(name: str, part: list[dict[str, Any]]) -> str:
        left = [row for row in part if row["outcome"] in LEFT]
        counts = score(part)
        explained = sum(bool(reason(row, reasons)) for row in left)
        plain = score(row for row in part if not row["wording"])[-1]
        return f"| {name} | {' | '.join(map(str, counts[:-1]))} | {explained} | {counts[-1]} | {plain} |"

    def modules(names: Iterable[str]) -> Iterator[str]:
        yield from (line(f"`{name}`", [row for row in rows if row["module"] == name]) for name in names)

    tried = {row["module"] for row in rows}
    others = sorted(tried - {*DECIDING})
    untried = sorted({path.stem for path in CORE.glob("*.py")} - tried - {"__init__"})
    deciding = [row for row in rows if row["module"] in DECIDING]
    lines += [head.format("all"), rule, line("all modules", rows), line("of those that decide", deciding)]
    lines += [
        line(
            "mutmut's operators alone, those that decide",
            [row for row in deciding if row["operator"].startswith("operator")],
        )
    ]
    lines += ["", head.format("module that decides"), rule, *modules(DECIDING)]
    lines += ["", head.format("other module"), rule, *modules(others), ""] if others else [""]
    lines += textwrap.wrap(f"Without functions: {', '.join(untried)}.", 130) if untried else []
    lines += [""]
    lines += ["## What survived in the modules that decide", ""]
    for name in DECIDING:
        left = [row for row in rows if row["module"] == name and row["outcome"] in LEFT]
        if left:
            lines += [f"### {name}", "", "```text"]
            lines += dict.fromkeys(f"{row['function']}: {short(row)}: {told(row, reasons)}" for row in left)
            lines += ["```", ""]
    PAGE.write_text(text + "\n".join(lines))


def told(row: Mapping[str, Any], reasons: Mapping[str, Any]) -> str:
    """Why a mutant survived, as far as anybody has said."""
    usual = "wording" if row["wording"] else "no test reaches it" if row["outcome"] == "no test" else "no test notices"
    return reason(row, reasons) or usual


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
            print(f"{row['module']}.{row['function']}: {short(row)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
