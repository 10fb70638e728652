"""Where plans are, and which gates a name means."""

from pathlib import Path

import pytest

from pytest_rollout.core.errors import PlanError, UsageError
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.plan import check_together, discover, find_gates, project_root


def rollout(name: str, *stages: str, folder: Path = Path("/r")) -> Rollout:
    return Rollout(
        name=name,
        title=name,
        folder=folder / name,
        plan_digest="",
        stages=tuple(Stage(name=stage, title=stage) for stage in stages),
    )


TWO = [rollout("kustodia", "internal", "beta", "full"), rollout("takumi", "alpha", "beta")]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("beta", ["kustodia:beta", "takumi:beta"]),
        ("alpha", ["takumi:alpha"]),
        ("takumi:beta", ["takumi:beta"]),
    ],
)
def test_a_stage_is_judged_for_every_rollout_that_has_it(asked: str, found: list[str]) -> None:
    assert [f"{r.name}:{s.name}" for r, s in find_gates(TWO, asked)] == found


ALL = "the stages are kustodia: internal, beta, full; takumi: alpha, beta."


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("bta", f"no stage 'bta'; {ALL} Did you mean 'beta'?"),
        ("Beta", f"no stage 'Beta'; {ALL} Did you mean 'beta'?"),
        (" beta", f"no stage ' beta'; {ALL} Did you mean 'beta'?"),
        ("beta\n", f"no stage 'beta\\n'; {ALL} Did you mean 'beta'?"),
        ("b\u0435ta", f"no stage 'b\u0435ta'; {ALL} Did you mean 'beta'?"),
        ("\uff42eta", f"no stage '\uff42eta'; {ALL} Did you mean 'beta'?"),
        ("*", f"no stage '*'; {ALL}"),
        ("", f"no stage ''; {ALL}"),
        ("takumi:", "no stage ''; the stages are takumi: alpha, beta."),
        ("takumi:full", "no stage 'full'; the stages are takumi: alpha, beta."),
        ("takumi:beta:x", "no stage 'beta:x'; the stages are takumi: alpha, beta. Did you mean 'beta'?"),
        (":beta", "no rollout ''; there is kustodia, takumi."),
        ("takum:beta", "no rollout 'takum'; there is kustodia, takumi. Did you mean 'takumi'?"),
        ("Takumi:beta", "no rollout 'Takumi'; there is kustodia, takumi. Did you mean 'takumi'?"),
    ],
)
def test_a_stage_that_nobody_has_is_a_usage_error(asked: str, sentence: str) -> None:
    """A near miss must not judge another gate, nor none with exit status 0."""
    with pytest.raises(UsageError) as caught:
        find_gates(TWO, asked)

    assert str(caught.value) == sentence


def test_a_project_without_plan_is_told_how_to_begin() -> None:
    with pytest.raises(UsageError) as caught:
        find_gates([], "beta")

    assert str(caught.value) == "no stage 'beta'; there is no rollout.toml here, `rollout init` writes a first one."


def test_two_rollouts_of_one_name_are_refused() -> None:
    """Their records would be taken for one another's."""
    both = [rollout("takumi", folder=Path("/r/a")), rollout("takumi", folder=Path("/r/b"))]

    with pytest.raises(PlanError) as caught:
        check_together(both, root=Path("/r"))

    assert str(caught.value) == (
        "b/takumi/rollout.toml: rollout.name: 'takumi' is the name of a/takumi/rollout.toml already; "
        "give each rollout of a repository its own."
    )


def test_rollouts_of_different_names_go_together() -> None:
    check_together(TWO)


def test_every_plan_is_found_and_what_tools_make_is_not(tmp_path: Path) -> None:
    kept = ["rollout.toml", "suites/b/rollout.toml", "suites/a/rollout.toml", "env/rollout.toml"]
    skipped = [
        ".git",
        ".hidden",
        "node_modules/x",
        "reports/x",
        "__pycache__",
        "build",
        "dist",
        "venv",
        "mine",
    ]
    for name in (*kept, *(f"{folder}/rollout.toml" for folder in skipped)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "mine" / "pyvenv.cfg").touch()

    assert discover(tmp_path) == sorted(tmp_path / name for name in kept)


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    """A link to a folder above it would be walked for ever."""
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "rollout.toml").touch()
    (tmp_path / "suites" / "again").symlink_to(tmp_path)

    assert discover(tmp_path) == [tmp_path / "suites" / "rollout.toml"]


def test_a_plan_that_is_a_link_is_found_so_that_loading_refuses_it(tmp_path: Path) -> None:
    """Left out in silence, its gates would not be judged and nobody would know."""
    (tmp_path / "rollout.toml").symlink_to("elsewhere.toml")

    assert discover(tmp_path) == [tmp_path / "rollout.toml"]


ROOTS = {
    "repository": ([".git/", "suites/takumi/rollout.toml"], "."),
    "worktree": ([".git", "suites/takumi/rollout.toml"], "."),
    "repository around a project": ([".git/", "suites/takumi/pyproject.toml"], "."),
    "plan without repository": (["suites/takumi/rollout.toml", "pytest.ini"], "suites/takumi"),
    "pytest.ini": (["pytest.ini"], "."),
    "pyproject.toml": (["suites/pyproject.toml"], "suites"),
    "ledger": ([".rollout/"], "."),
    "nothing": ([], "suites/takumi"),
}


@pytest.mark.parametrize(("there", "root"), ROOTS.values(), ids=ROOTS)
def test_the_root_is_the_repository_or_else_the_nearest_project(tmp_path: Path, there: list[str], root: str) -> None:
    start = tmp_path / "suites" / "takumi"
    start.mkdir(parents=True)
    for name in there:
        path = tmp_path / name
        path.mkdir() if name.endswith("/") else path.touch()

    assert project_root(start) == tmp_path / root


def test_a_file_has_the_root_of_its_folder(tmp_path: Path) -> None:
    plan = tmp_path / "rollout.toml"
    plan.touch()

    assert project_root(plan) == tmp_path
