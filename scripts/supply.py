"""What the package is made of: licences, a bill of materials, an audit, and a build that comes out the same twice.

``python scripts/supply.py licences | sbom [FILE] | audit | build | check``. ``licences`` and ``sbom`` read what is
installed here; ``audit`` asks pip-audit's database where it can be reached, and else holds every package against the
list in docs/licences.md; ``build`` builds the last commit twice, in two folders, at two times, and compares the bytes;
``check`` is all of them.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LIST = ROOT / "docs" / "licences.md"
OWN = "pytest-rollout"
EXTRAS = ("ape", "configuration", "dask", "exporter", "flagd", "leveldb", "notifications", "sql")
LINE = re.compile(r"^\| `(?P<name>[a-z0-9-]+)` \| (?P<licence>[^|]+) \|", re.MULTILINE)


def canonical(name: str) -> str:
    """A distribution's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def closure() -> dict[str, importlib.metadata.Distribution]:
    """Every distribution that the package with all extras brings, by name, as far as it is here."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting: list[tuple[str, Sequence[str]]] = [(OWN, EXTRAS)]
    asked: set[tuple[str, tuple[str, ...]]] = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, tuple(extras)) in asked:
            continue
        asked.add((name, tuple(extras)))
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # of another platform or version of Python
        found[canonical(name)] = distribution
        waiting += requirements(distribution, extras)
    del found[OWN]
    return dict(sorted(found.items()))


def requirements(
    distribution: importlib.metadata.Distribution, extras: Sequence[str]
) -> Iterator[tuple[str, Sequence[str]]]:
    """What a distribution requires with these extras, and the extras it requires them with."""
    for line in distribution.requires or ():
        text, _, marker = line.partition(";")
        match = re.match(r"\s*([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?", text)
        wanted = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", marker)
        if match and (wanted is None or canonical(wanted[1]) in map(canonical, extras)):
            yield match[1], [each.strip() for each in (match[2] or "").split(",") if each.strip()]


def licence(distribution: importlib.metadata.Distribution) -> str:
    """As the distribution says it: its expression, else its classifiers, else the first line of its text."""
    about = distribution.metadata
    if expression := about.get("License-Expression"):
        return str(expression)
    classifiers = [
        each.rpartition(" :: ")[2] for each in about.get_all("Classifier") or () if each.startswith("License ::")
    ]
    if classifiers:
        return " / ".join(dict.fromkeys(classifiers))
    first = (about.get("License") or "").strip().splitlines()
    return first[0][:60] if first else "not told"


def listed() -> dict[str, str]:
    """The packages that docs/licences.md lists, with their licences."""
    return {match["name"]: match["licence"].strip() for match in LINE.finditer(LIST.read_text(encoding="utf-8"))}


def licences() -> list[str]:
    """What stands in docs/licences.md otherwise than here, a sentence each."""
    here, there = {name: licence(each) for name, each in closure().items()}, listed()
    return [f"{name}: {told}; not in docs/licences.md" for name, told in here.items() if name not in there] + [
        f"{name}: {told}; docs/licences.md says {there[name]}"
        for name, told in here.items()
        if name in there and told.replace("|", "/") != there[name]
    ]


def sbom() -> dict[str, Any]:
    """A CycloneDX 1.6 bill of materials; the same packages give the same bytes."""
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{each.version}",
            "name": name,
            "version": each.version,
            "purl": f"pkg:pypi/{name}@{each.version}",
            "licenses": [{"license": {"name": licence(each)}}],
        }
        for name, each in closure().items()
    ]
    own = importlib.metadata.distribution(OWN)
    digest = hashlib.sha256(json.dumps(components, sort_keys=True).encode()).hexdigest()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.UUID(digest[:32])}",
        "version": 1,
        "metadata": {"component": {"type": "library", "name": OWN, "version": own.version, "bom-ref": OWN}},
        "components": components,
        "dependencies": [
            {
                "ref": f"pkg:pypi/{name}@{each.version}",
                "dependsOn": sorted(
                    f"pkg:pypi/{canonical(other)}@{importlib.metadata.version(other)}"
                    for other, _ in requirements(each, ())
                    if canonical(other) in closure_names(components)
                ),
            }
            for name, each in closure().items()
        ],
    }


def closure_names(components: Sequence[dict[str, Any]]) -> set[str]:
    """The names in a list of components."""
    return {each["name"] for each in components}


def audit() -> list[str]:
    """Known vulnerabilities of the pinned packages, or, where no database answers, packages that nobody looked at."""
    why = "pip-audit is not installed"
    if importlib.util.find_spec("pip_audit") is not None:
        command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "-r", "requirements-dev.txt"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            print("pip-audit: no known vulnerability")
            return []
        if "vulnerabilit" in done.stdout + done.stderr and "Found" in done.stdout + done.stderr:
            return [(done.stdout + done.stderr).strip()]
        why = "pip-audit reached no database"
    print(f"{why}: no vulnerability was looked for; the names of all packages are held against docs/licences.md")
    return [
        f"{name}: nobody allowed it; look at it, then list it in docs/licences.md"
        for name in closure()
        if name not in listed()
    ]


def build() -> list[str]:
    """What differs between two builds of the last commit."""
    when = _git("log", "-1", "--format=%ct").strip()
    digests: list[dict[str, str]] = []
    for number, mask in enumerate((0o022, 0o077)):
        with tempfile.TemporaryDirectory(prefix=f"build-{'x' * number}") as folder:
            source, out = Path(folder, "source"), Path(folder, "out")
            source.mkdir()
            archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
            old = os.umask(mask)
            try:
                subprocess.run(["tar", "x", "-m", "-C", str(source)], input=archive, check=True)
                command = [sys.executable, "-m", "hatchling", "build", "-d", str(out)]
                environment = {**os.environ, "SOURCE_DATE_EPOCH": when, "TZ": ("UTC", "Pacific/Kiritimati")[number]}
                subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True)
            finally:
                os.umask(old)
            digests.append({each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in sorted(out.iterdir())})
    for name, digest in digests[0].items():
        print(f"{digest}  {name}")
    return [
        f"{name}: built twice, two different files"
        for name, digest in digests[0].items()
        if digests[1].get(name) != digest
    ]


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def main(arguments: Sequence[str]) -> int:
    """One of the words above; 1 if there is anything to say against it."""
    what = arguments[0] if arguments else "check"
    if what == "sbom":
        text = json.dumps(sbom(), indent=1, ensure_ascii=False) + "\n"
        Path(arguments[1]).write_text(text, encoding="utf-8") if arguments[1:] else print(text, end="")
        return 0
    if what == "table":
        print("\n".join(f"| `{name}` | {licence(each).replace('|', '/')} |" for name, each in closure().items()))
        return 0
    checks = {"licences": licences, "audit": audit, "build": build}
    if what not in {*checks, "check"}:
        print(__doc__)
        return 2
    wrong = [each for name, check in checks.items() if what in {name, "check"} for each in check()]
    print("\n".join(wrong) or "nothing to say against it")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
