"""The bytes a gate is made of, and whether a commit has them all."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from pytest_rollout.core.errors import RolloutError
from pytest_rollout.runner import pinning, tree

INNER = '[rollout]\nname = "inner"\ntitle = "Inner"\n[stages.alpha]\ntitle = "Alpha"\n'
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}


def git(root: Path, *arguments: str) -> None:
    about = ("-c", "user.name=A Tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *about, *arguments], cwd=root, check=True, capture_output=True, env=ENVIRONMENT)


def commit(root: Path, *init: str) -> None:
    if not (root / ".git").exists():
        git(root, "init", "-q", *init)
    git(root, "add", "-A", "-f")
    git(root, "commit", "-q", "-m", "state")


@pytest.fixture
def gate_of(planned):
    """``gate_of({...})``: the rollout, its stage alpha, and its root."""

    def make(files):
        rollout = planned(files)
        return rollout, rollout.stage("alpha"), rollout.folder

    return make


def is_committed(gate) -> bool:
    rollout, stage, root = gate
    return tree.is_committed(rollout, stage, root, tree.commit_of(root), tree.gate_files(*gate))


def test_a_gate_is_its_folder_without_what_is_not_its_own(gate_of) -> None:
    """Left out: other stages, rollouts inside, hidden folders, environments, what tools make."""
    inside = ["suites/test_a.py", "suites/alpha/test_b.py", "suites/data/beta/x.json", "conftest.py", "lib/helper.py"]
    inside += ["suites/build/test_c.py", "suites/reports/test_d.py", "pyproject.toml", ".pytest.ini"]
    outside = ["suites/beta/test_e.py", "inner/suites/test_f.py", "suites/deep/inner/x.py", ".venv/lib/x.py"]
    outside += ["build/lib/test_g.py", "dist/x.py", "reports/toy/x.json", "node_modules/a/test_h.py", ".env"]
    outside += ["suites/__pycache__/x.pyc", "suites/node_modules/x.py", "env/lib/site.py", "suites/.hidden/test_i.py"]
    more = {"inner/rollout.toml": INNER, "suites/deep/inner/rollout.toml": INNER, "env/pyvenv.cfg": ""}

    gate = gate_of(dict.fromkeys([*inside, *outside], "") | more)

    assert set(tree.gate_files(*gate)) == {*inside, "rollout.toml"}
    rollout, stage, root = gate
    assert {path for path in [*inside, *outside] if tree.is_of_gate(root / path, rollout, stage, root)} == set(inside)


def test_conftests_and_settings_above_the_rollout_are_part_of_its_gate(planned, tmp_path: Path) -> None:
    """They decide what runs; other files above do not."""
    rollout = planned({"suites/test_a.py": ""})
    for name in ("conftest.py", "pytest.ini", "setup.py", "README.md"):
        (tmp_path / name).write_text("")

    assert set(tree.gate_files(rollout, rollout.stage("alpha"), tmp_path)) == {
        *("conftest.py", "pytest.ini"),
        *("project/rollout.toml", "project/suites/test_a.py"),
    }


def test_beside_the_plan_products_of_tools_are_passed_over_and_a_stage_of_that_name_is_doubted(planned) -> None:
    """Without ``suites/`` pytest would collect from ``build/``; a stage called so would lose its tests."""
    plan = '[rollout]\nname = "toy"\ntitle = "Toy"\n[stages.build]\ntitle = "Build"\n'
    rollout = planned(
        {"test_a.py": "def test_a(): assert True", "build/test_b.py": "def test_b(): assert True"}, plan=plan
    )

    manifest = pinning.pin(rollout, rollout.stage("build"), rollout.folder, network=None, baseline=())

    assert "build/test_b.py" not in manifest.files
    assert [f"{doubt.place}: {doubt.text}" for doubt in manifest.doubts] == [
        "build: a folder of this name is passed over beside the plan; put the tests into suites/"
    ]


def test_a_link_to_a_folder_in_the_suite_is_doubted(gate_of, tmp_path: Path) -> None:
    """pytest goes through it, and no commit holds what is behind it."""
    rollout, stage, root = gate_of({"suites/test_a.py": "def test_a(): assert True"})
    (tmp_path / "elsewhere").mkdir()
    (root / "suites/linked").symlink_to(tmp_path / "elsewhere")
    (root / "suites/broken").symlink_to(tmp_path / "nowhere")
    (root / "suites/loop").symlink_to(root / "suites/loop")

    manifest = pinning.pin(rollout, stage, root, network=None, baseline=())

    assert set(manifest.files) == {"rollout.toml", "suites/test_a.py"}
    assert [doubt.place for doubt in manifest.doubts] == ["suites/linked"]


def test_a_suite_that_is_a_link_is_doubted(gate_of, tmp_path: Path) -> None:
    """Nothing behind it would be pinned or compared with the commit, and all of it would run."""
    rollout, stage, root = gate_of({"suites/test_a.py": ""})
    (root / "suites").rename(tmp_path / "elsewhere")
    (root / "suites").symlink_to(tmp_path / "elsewhere")

    manifest = pinning.pin(rollout, stage, root, network=None, baseline=())

    assert [doubt.place for doubt in manifest.doubts] == ["suites"]


def test_a_linked_file_counts_with_what_is_behind_it(gate_of, tmp_path: Path) -> None:
    """Its content is what runs, so its content is hashed and must be committed; git holds the link alone."""
    rollout, stage, root = gate_of({"suites/test_a.py": "", "library/shared.py": "1"})
    (root / "suites/shared.py").symlink_to("../library/shared.py")
    commit(root)
    before = tree.gate_files(rollout, stage, root)
    was_committed = is_committed((rollout, stage, root))
    (root / "library/shared.py").write_text("2")

    assert was_committed
    assert not is_committed((rollout, stage, root))
    assert tree.gate_files(rollout, stage, root) != before


def test_a_link_out_of_the_project_is_in_no_commit(gate_of, tmp_path: Path) -> None:
    """What runs through it could be changed behind every commit's back."""
    rollout, stage, root = gate_of({"suites/test_a.py": ""})
    (tmp_path / "shared.py").write_text("1")
    (root / "suites/shared.py").symlink_to(tmp_path / "shared.py")
    commit(root)

    assert not is_committed((rollout, stage, root))


CHANGES = {
    "nothing": (lambda _: None, True),
    "a changed test": (lambda root: (root / "suites/test_a.py").write_text("2"), False),
    "the same bytes again": (lambda root: (root / "suites/test_a.py").write_text("1\r\n"), True),
    "an untracked file": (lambda root: (root / "suites/test_b.py").write_text(""), False),
    "an ignored file": (
        lambda root: ((root / ".gitignore").write_text("*.json\n"), (root / "suites/x.json").write_text("")),
        False,
    ),
    "a deleted test": (lambda root: (root / "suites/test_a.py").unlink(), False),
    "a deleted conftest": (lambda root: (root / "conftest.py").unlink(), False),
    "a test made a link": (
        lambda root: ((root / "suites/test_a.py").unlink(), (root / "suites/test_a.py").symlink_to("x.txt")),
        False,
    ),
    "a deleted test with a broken link in its place": (
        lambda root: ((root / "suites/test_a.py").unlink(), (root / "suites/test_a.py").symlink_to("nowhere")),
        False,
    ),
    "a deleted test with a folder in its place": (
        lambda root: ((root / "suites/test_a.py").unlink(), (root / "suites/test_a.py").mkdir()),
        False,
    ),
    "an untracked mark that hides committed tests": (
        lambda root: (root / "suites/more/pyvenv.cfg").write_text(""),
        False,
    ),
    "a file of another stage": (lambda root: (root / "suites/beta/test_c.py").write_text("2"), True),
    "a deleted file of another stage": (lambda root: (root / "suites/beta/test_c.py").unlink(), True),
    "a hidden file": (lambda root: (root / ".env").write_text("2"), True),
    "a report": (lambda root: ((root / "reports").mkdir(), (root / "reports/x.json").write_text("")), True),
}


@pytest.mark.parametrize(("change", "is_still"), [pytest.param(*case, id=name) for name, case in CHANGES.items()])
@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_a_gate_is_committed_where_bytes_and_names_are_those_of_the_commit(
    gate_of, change, is_still, object_format
) -> None:
    """Git's own opinion, its index and its ignore files are not asked."""
    gate = gate_of(
        dict.fromkeys(
            ("suites/test_a.py", "suites/beta/test_c.py", "suites/more/test_d.py", "conftest.py", "suites/x.txt"), ""
        )
    )
    root = gate[2]
    (root / "suites/test_a.py").write_bytes(b"1\r\n")
    (root / ".gitattributes").write_text("*.py -text\n")
    commit(root, f"--object-format={object_format}")
    git(root, "update-index", "--assume-unchanged", "suites/test_a.py")

    if change is CHANGES["the same bytes again"][0]:
        (root / "suites/test_a.py").write_bytes(b"1\r\n")
    else:
        change(root)

    assert is_committed(gate) is is_still


def _replaced(root: Path) -> None:
    (root / "suites/test_a.py").write_text("2")
    commit(root)
    git(root, "replace", "HEAD~1", "HEAD")
    git(root, "reset", "-q", "--soft", "HEAD~1")


def _left_out(root: Path) -> None:
    git(root, "sparse-checkout", "set", "--no-cone", "/*", "!/suites/more/")
    (root / "suites/more/test_d.py").unlink(missing_ok=True)


def _filtered(root: Path) -> None:
    (root / ".git/info/attributes").write_text("*.py filter=good\n")
    git(root, "config", "filter.good.clean", "printf ''")
    (root / "suites/test_a.py").write_text("2")


def _in_a_submodule(root: Path) -> None:
    (inner := root / "suites/inner").mkdir()
    (inner / "test_e.py").write_text("")
    commit(inner)
    git(root, "-c", "advice.addEmbeddedRepo=false", "add", "suites/inner")
    git(root, "commit", "-q", "-m", "a submodule")


def _elsewhere(root: Path) -> None:
    git(root, "config", "core.worktree", str(root / "suites"))
    (root / "suites/test_a.py").write_text("2")


def _borrowed(root: Path) -> None:
    (root / ".git/objects").rename(root.parent / "objects")
    (root / ".git/objects/info").mkdir(parents=True)
    (root / ".git/objects/info/alternates").write_text(f"{root.parent / 'objects'}\n")


@pytest.mark.parametrize(
    ("trick", "is_still"),
    [
        pytest.param(_replaced, False, id="an object replaced by another"),
        pytest.param(_left_out, False, id="a test left out of a sparse checkout"),
        pytest.param(
            lambda root: (
                git(root, "update-index", "--skip-worktree", "suites/test_a.py"),
                (root / "suites/test_a.py").write_text("2"),
            ),
            False,
            id="a change that the index does not look at",
        ),
        pytest.param(_filtered, False, id="a filter that cleans a change away"),
        pytest.param(_in_a_submodule, False, id="tests in a submodule"),
        pytest.param(_elsewhere, False, id="a work tree elsewhere"),
        pytest.param(_borrowed, True, id="the same objects, borrowed from another repository"),
    ],
)
def test_no_trick_of_git_s_hides_a_change(gate_of, trick, is_still: bool) -> None:
    """The bytes on disk are hashed here, and the commit's own tree is read, whatever else the repository says."""
    gate = gate_of(dict.fromkeys(("suites/test_a.py", "suites/more/test_d.py"), ""))
    commit(gate[2])

    trick(gate[2])

    assert is_committed(gate) is is_still


def test_line_ends_that_git_would_change_are_a_change(gate_of) -> None:
    """What ran are the bytes on disk; a commit with other ones does not have them."""
    gate = gate_of({"suites/test_a.py": ""})
    root = gate[2]
    (root / "suites/test_a.py").write_bytes(b"1\r\n")
    (root / ".gitattributes").write_text("*.py text eol=crlf\n")
    commit(root)

    assert not is_committed(gate)


def test_names_that_are_no_text_are_compared_as_bytes(gate_of) -> None:
    """Linux allows any byte in a name; a gate with such a file is hashed and committed like any other."""
    gate = gate_of({"suites/test_a.py": ""})
    root = gate[2]
    with open(os.fsencode(root) + b"/suites/data-\xff.bin", "wb") as file:  # noqa: PTH123 - no text names it
        file.write(b"x")
    commit(root)

    assert is_committed(gate)
    assert len(tree.digest_of(tree.gate_files(*gate))) == 64


@pytest.mark.parametrize("make", [lambda _: None, lambda root: git(root, "init", "-q")], ids=["no git", "no commit"])
def test_without_a_commit_nothing_is_committed(gate_of, make) -> None:
    gate = gate_of({"suites/test_a.py": ""})
    make(gate[2])

    assert tree.commit_of(gate[2]) == ""
    assert not is_committed(gate)


def test_without_git_the_sentence_says_what_it_is_needed_for(gate_of, monkeypatch) -> None:
    gate = gate_of({"suites/test_a.py": ""})
    (gate[2] / ".git").mkdir()
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(
        RolloutError, match=r"git did not answer \(FileNotFoundError\); it is needed to name the commit"
    ):
        tree.commit_of(gate[2])


def test_the_environment_cannot_point_git_elsewhere(gate_of, monkeypatch, tmp_path) -> None:
    """A hook or a script leaves ``GIT_DIR`` behind; the commit is that of the project."""
    gate = gate_of({"suites/test_a.py": ""})
    commit(gate[2])
    real = tree.commit_of(gate[2])
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))

    assert tree.commit_of(gate[2]) == real != ""


def test_planted_bytecode_goes_and_that_of_an_environment_stays(gate_of) -> None:
    """A planted .pyc runs instead of its source; a virtual environment without its own imports for seconds."""
    _, _, root = gate_of(
        {
            "suites/test_a.py": "",
            "suites/__pycache__/test_a.pyc": "",
            "__pycache__/conftest.pyc": "",
            ".venv/lib/__pycache__/x.pyc": "",
            "env/pyvenv.cfg": "",
            "env/lib/__pycache__/x.pyc": "",
            "node_modules/x/__pycache__/x.pyc": "",
        }
    )

    tree.forget_bytecode(root)

    assert sorted(path.relative_to(root).as_posix() for path in root.rglob("*.pyc")) == [
        ".venv/lib/__pycache__/x.pyc",
        "env/lib/__pycache__/x.pyc",
        "node_modules/x/__pycache__/x.pyc",
    ]


def test_the_digest_of_packages_can_be_taken_by_anybody() -> None:
    """One line ``name==version`` a distribution, sorted: two common tools give the same."""
    installed = tree.packages()
    lines = "".join(sorted(f"{name}=={version}\n" for name, version in installed.items()))

    assert installed["pytest"] == pytest.__version__
    assert installed["pytest-rollout"]
    assert tree.packages_digest(installed) == hashlib.sha256(lines.encode()).hexdigest()
