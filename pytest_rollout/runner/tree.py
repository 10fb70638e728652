"""The bytes a gate is made of: which files, their digests, and whether a commit has them all.

git is asked for the commit's tree, never whether it is clean: the bytes are hashed here and
compared with the tree, so untracked and ignored files count as well.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from pytest_rollout.core.errors import RolloutError
from pytest_rollout.core.manifest import encoded
from pytest_rollout.core.rollout import Rollout, Stage

_SETTINGS = (
    "pytest.toml",
    ".pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "pyproject.toml",
    "tox.ini",
    "setup.cfg",
)
_NEVER = frozenset({"__pycache__", "node_modules"})
_PRODUCTS = frozenset({"reports", "build", "dist"})
_GIT_SECONDS = 30
_SEPARATORS = re.compile("[-_.]+")


def gate_files(rollout: Rollout, stage: Stage, root: Path) -> dict[str, str]:
    """Path relative to ``root`` -> SHA-256 of every file the gate of ``stage`` is made of.

    That is the rollout's folder without the folders of its other stages and of rollouts inside
    it, and the conftests and pytest settings above it up to ``root``.
    """
    files = {path for path in _walk(rollout.folder, rollout, stage) if path.is_file()}
    files |= {path for path in _above(rollout, root) if path.is_file()}
    return {path.relative_to(root).as_posix(): _sha256(path) for path in sorted(files)}


def passed_over(rollout: Rollout, folder: Path) -> frozenset[str]:
    """The names of folders in ``folder`` that are no part of the gate: what tools make.

    In a suite with a folder of its own only what no one writes by hand is passed over.
    """
    is_own_suite = rollout.suite != rollout.folder and folder.is_relative_to(rollout.suite)
    return _NEVER if is_own_suite else _NEVER | _PRODUCTS


def linked_folders(rollout: Rollout, stage: Stage) -> list[Path]:
    """Links to folders inside the suite: pytest goes through them, a commit does not hold what is behind."""
    within = [rollout.suite, *_walk(rollout.suite, rollout, stage)]
    return [path for path in within if path.is_symlink() and path.is_dir()]


def environments(rollout: Rollout, stage: Stage) -> list[Path]:
    """Folders of the suite that are passed over as virtual environments, although tests of one's own lie there."""
    found = []
    for place, folders, _ in os.walk(rollout.suite):
        below = [Path(place, name) for name in folders]
        found += [each for each in below if _is_environment(each) and any(_own_tests(each))]
        folders[:] = [each.name for each in below if not _is_left_out(each, rollout, stage)]
    return sorted(found)


def is_of_gate(path: Path, rollout: Rollout, stage: Stage, root: Path) -> bool:
    """Whether a file at ``path``, there or not, is one the gate of ``stage`` is made of."""
    if not path.is_relative_to(rollout.folder):
        return path in _above(rollout, root)
    if path.name.startswith(".") and path.name not in _SETTINGS:
        return False
    between = [folder for folder in path.parents if folder.is_relative_to(rollout.folder)]
    return not any(_is_left_out(folder, rollout, stage) for folder in between if folder != rollout.folder)


def is_of_any_gate(path: Path, folder: Path, root: Path) -> bool:
    """Whether a file at ``path`` is one that a gate of the rollout in ``folder`` is made of; its plan is not read."""
    bare = Rollout(name="", title="", folder=folder, plan_digest="", stages=())
    return is_of_gate(path, bare, Stage(name="", title=""), root)


def digest_of(files: Mapping[str, str]) -> str:
    """One SHA-256 over paths and digests, in hex."""
    return hashlib.sha256(b"".join(encoded(f"{p} {files[p]}") for p in sorted(files))).hexdigest()


def stamps(files: Iterable[str], root: Path) -> dict[str, tuple[int, ...]]:
    """When each file was last touched in any way; nobody can put that back as they can its bytes."""
    found = {}
    for path in files:
        with suppress(OSError):
            states = (root / path).lstat(), (root / path).stat()
            found[path] = tuple(number for each in states for number in (each.st_ino, each.st_ctime_ns))
    return found


def packages() -> dict[str, str]:
    """The installed distributions with their versions, by names as PEP 503 normalises them, sorted."""
    names = {
        entry.name
        for place in sys.path
        if os.path.isdir(place)  # noqa: PTH112 - sys.path holds strings, zips among them
        for entry in os.scandir(place)
        if entry.name.endswith((".dist-info", ".egg-info"))
    }
    found: dict[str, str] = {}
    for name in sorted(names):
        project, _, version = name.rpartition(".")[0].partition("-")
        project, version = _SEPARATORS.sub("-", project).lower(), version.partition("-py")[0]
        found[project] = f"{found[project]},{version}" if project in found else version
    return dict(sorted(found.items()))


def packages_digest(installed: Mapping[str, str]) -> str:
    """SHA-256 in hex over one line ``name==version`` a distribution, as ``LC_ALL=C sort | sha256sum`` takes it."""
    lines = sorted(f"{name}=={version}\n" for name, version in installed.items())
    return hashlib.sha256("".join(lines).encode("utf-8", "backslashreplace")).hexdigest()


def forget_bytecode(folder: Path, root: Path | None = None) -> None:
    """Remove cached bytecode below ``folder``: a planted one would run instead of its source.

    Beside the conftests above it, up to ``root``, it goes as well. Virtual environments and what
    npm installed keep theirs; they are no part of a gate.
    """
    for above in folder.parents if root is not None else ():
        if above.is_relative_to(root or above):
            shutil.rmtree(above / "__pycache__", ignore_errors=True)
    for place, folders, _ in os.walk(folder):
        if "__pycache__" in folders:
            shutil.rmtree(Path(place) / "__pycache__", ignore_errors=True)
        folders[:] = [
            name
            for name in folders
            if name not in _NEVER and not name.startswith(".") and not _is_environment(Path(place, name))
        ]


def commit_of(root: Path) -> str:
    """The commit checked out at ``root``, empty outside a repository or before the first commit."""
    if not (root / ".git").exists():
        return ""
    done = _git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    return done.stdout.decode().strip() if done.returncode == 0 else ""


def author_of(root: Path, commit: str) -> str:
    """The e-mail address of a commit's author, empty where git knows none."""
    if not commit or not (root / ".git").exists():
        return ""
    done = _git(root, "show", "--no-patch", "--format=%ae", commit)
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""


def is_committed(rollout: Rollout, stage: Stage, root: Path, commit: str, files: Mapping[str, str]) -> bool:
    """Whether the gate's files are those of ``commit``: each with exactly these bytes, and none missing."""
    if not commit:
        return False
    listing = _git(root, "ls-tree", "-r", "-z", "--full-tree", commit)
    if listing.returncode != 0:
        raise RolloutError(f"git cannot list commit {commit[:12]}; the repository is damaged. Run `git fsck`.")
    tree, submodules = {}, set()
    for line in listing.stdout.split(b"\0"):
        about, tab, path = line.partition(b"\t")
        if tab:
            _, kind, tree[os.fsdecode(path)] = about.decode().split()
            submodules |= {os.fsdecode(path)} if kind == "commit" else set()

    def is_there(path: str) -> bool:
        """As the commit has it; what a link leads to must be of the commit as well."""
        place = root / path
        if tree.get(path) != _blob(place, len(commit)):
            return False
        top, target = os.path.realpath(root), os.path.realpath(place)
        if not place.is_symlink() or not os.path.isfile(target):  # noqa: PTH113 - a real path
            return True
        return target.startswith(top + os.sep) and is_there(target.removeprefix(top + os.sep))

    absent = {each for each in tree.keys() - files.keys() - submodules if is_of_gate(root / each, rollout, stage, root)}
    setting_apart = {path.relative_to(root).as_posix() for path in _markers(rollout, root, tree)}
    return all(map(is_there, sorted({*files, *absent, *setting_apart})))


def _markers(rollout: Rollout, root: Path, tree: Iterable[str]) -> Iterator[Path]:
    """The files that take a folder with committed files out of the gate: those count only if committed as well."""
    folders = {folder for path in tree for folder in (root / path).parents}
    for folder in (each for each in folders if each.is_relative_to(rollout.folder)):
        yield from (folder / name for name in ("rollout.toml", "pyvenv.cfg") if (folder / name).exists())


def _walk(folder: Path, rollout: Rollout, stage: Stage) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            if not _is_left_out(entry, rollout, stage):
                yield from _walk(entry, rollout, stage)
        elif not entry.name.startswith(".") or entry.name in _SETTINGS:
            yield entry


def _is_left_out(folder: Path, rollout: Rollout, stage: Stage) -> bool:
    """Whether a folder below the rollout's is hidden, made by a tool, another stage's or another rollout's."""
    name = folder.name
    is_tools = name.startswith(".") or name in passed_over(rollout, folder.parent) or _is_environment(folder)
    is_others = folder.parent == rollout.suite and name != stage.name and any(name == s.name for s in rollout.stages)
    return is_tools or is_others or (folder / "rollout.toml").exists()


def _is_environment(folder: Path) -> bool:
    """A virtual environment, which pytest does not collect from either."""
    return (folder / "pyvenv.cfg").exists()


def _own_tests(environment: Path) -> Iterator[str]:
    """Python files that no installer put there, by their names."""
    for place, folders, files in os.walk(environment):
        folders[:] = [name for name in folders if name not in {"site-packages", "bin", "Scripts"}]
        yield from (os.path.join(place, name) for name in files if name.endswith(".py"))  # noqa: PTH118 - a text


def _above(rollout: Rollout, root: Path) -> set[Path]:
    """Where conftests and pytest settings above the rollout would lie, there or not."""
    folders = [folder for folder in rollout.folder.parents if folder.is_relative_to(root)]
    return {folder / name for folder in folders for name in ("conftest.py", *_SETTINGS)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _blob(path: Path, length: int) -> str:
    """Git's id of a file or link as it is now, empty for what is neither."""
    state = hashlib.sha1(usedforsecurity=False) if length == 40 else hashlib.sha256()  # noqa: PLR2004 - git's two
    if not path.is_symlink() and not path.is_file():
        return ""
    content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
    state.update(b"blob %d\0" % len(content))
    state.update(content)
    return state.hexdigest()


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    environment |= {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    environment |= {"GIT_CONFIG_KEY_1": "core.fsmonitor", "GIT_CONFIG_VALUE_1": "false"}
    try:
        return subprocess.run(
            ["git", "--no-replace-objects", "-C", str(root), *arguments],  # noqa: S607 - the user's git
            capture_output=True,
            check=False,
            env=environment,
            timeout=_GIT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RolloutError(f"git did not answer ({type(error).__name__}); it is needed to name the commit.") from None
