"""What was hunted without workers, tried with two: many attacks in one gate, each in a folder of its own."""

from __future__ import annotations

import re
import textwrap

import pytest

from tests.attacks.test_hunt import CRITERION, FORGED, PLAN_OF_A_NETWORK, REPLACED, SWALLOWED, Attack, staged

ALONE = {
    name: attack
    for name, attack in (SWALLOWED | REPLACED).items()
    if attack.workers == ("0",) and "test_bad" in attack.says
}
"""Those whose finding is a test's own, so that each shows beside all others."""

KNOWN = (
    '\nknown_failures = [{ test = "suites/known/test_known.py::test_bad", owner = "x", reason = "y", '
    "expires = 2999-01-01T00:00:00Z }]"
)
EDITS_THE_PLAN = """
    from pathlib import Path

    PLAN = Path(__file__).parents[2] / "rollout.toml"

    def test_edits():
        before = PLAN.read_bytes()
        PLAN.write_bytes(before.replace(b"Alpha", b"Omega"))
        PLAN.write_bytes(before)
    """


def folder(name: str) -> str:
    return re.sub(r"\W+", "_", name)


def inside(name: str, attack: Attack) -> dict[str, str]:
    """The attack's files in a package ``suites/NAME``, its conftest for that alone."""
    place = f"suites/{folder(name)}/"
    return {f"{place}__init__.py": ""} | {
        f"{place}{path.removeprefix('suites/')}": text for path, text in attack.files.items()
    }


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory, make_project) -> str:
    project = make_project(tmp_path_factory.mktemp("workers"))
    for name, attack in ALONE.items():
        project.write(inside(name, attack))

    ran = project.pytest("--stage=alpha", "-n", "2", "--rollout-formats=")

    assert ran.judgement["verdict"] == "hold", ran.out
    assert ran.status == 10
    return ran.says


@pytest.mark.parametrize("name", ALONE)
def test_what_a_folder_does_to_its_own_tests_is_found_in_every_worker(said: str, name: str) -> None:
    """A worker proves the frame as the only process does."""
    test, _, why = ALONE[name].says.rpartition("test_bad")
    mine = [line for line in said.splitlines() if f"suites/{folder(name)}/" in line]

    assert any(f"{test}test_bad{why}" in line for line in mine), said


def test_what_reaches_over_its_folder_is_found_in_every_worker(project) -> None:
    """Patched looks, a network of the suite's own, measurements that are none, a plan that is edited and put back."""
    for name in ("the looks of declared checks patched", "the looks of declared checks patched by name"):
        project.write(inside(name, FORGED[name]))
    project.write(
        {
            "conftest.py": FORGED["a hook hands out another network"].files["conftest.py"],
            "suites/advised/test_advised.py": FORGED["measured by an advisory test that failed"].files[
                "suites/test_gate.py"
            ],
            "suites/known/test_known.py": FORGED["measured by a known failure"].files["suites/test_gate.py"],
            "suites/edited/test_edited.py": textwrap.dedent(EDITS_THE_PLAN),
        }
    )
    staged(project, CRITERION + KNOWN + PLAN_OF_A_NETWORK)

    ran = project.pytest("--stage=alpha", "-n", "2", "--rollout-formats=")

    assert ran.judgement["verdict"] == "hold", ran.out
    for says in (
        "reaches into the recorder (pytest_rollout.contracts.checks)",
        "reaches into the recorder (pytest_rollout.flags.checks.observe_flag)",
        "a fixture of this check gave something else than the gate opened",
        "error: settles: 2 unusable measurements",
        "touched during the run and put back, such as rollout.toml",
    ):
        assert says in ran.says
