"""What may be said beside ``--stage``, option by option."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_rollout.core.errors import UsageError
from pytest_rollout.runner.arguments import parse, selects

FORWARDED = {
    "combined": (["-xvs"], ["-v", "-s", "-x"]),
    "repeated": (["-vv"], ["-v", "-v"]),
    "quiet": (["-qq"], ["-q", "-q"]),
    "attached number": (["-n2"], ["-n2"]),
    "separate number": (["-n", "2"], ["-n2"]),
    "long number": (["--numprocesses=2"], ["-n2"]),
    "automatic": (["-n", "auto"], ["-nauto"]),
    "attached expression": (["-kgood"], ["-kgood"]),
    "expression with blanks": (["-k", "good and not bad"], ["-kgood and not bad"]),
    "equals": (["--tb=short"], ["--tb=short"]),
    "separate": (["--tb", "short"], ["--tb=short"]),
    "report characters": (["-rA"], ["-rA"]),
    "dropped": (["-l", "--showlocals", "--cache-clear", "--alluredir=x", "--clean-alluredir"], []),
    "dropped among others": (["-lv"], ["-v"]),
    "a warning is an error": (["-W", "error::DeprecationWarning"], ["-Werror::DeprecationWarning"]),
    "xdist by name": (["-p", "xdist", "-n", "2"], ["-n2"]),
    "a value like an option": (["-k", "x", "--durations", "5"], ["--durations=5", "-kx"]),
    "a lone dash": (["--log-format=%(message)s - x"], ["--log-format=%(message)s - x"]),
}


@pytest.mark.parametrize(("given", "forwarded"), [pytest.param(*case, id=name) for name, case in FORWARDED.items()])
def test_options_reach_the_recorder_as_they_were_meant(given, forwarded) -> None:
    """Looks first, then what narrows; abbreviated and combined spellings mean what pytest means by them."""
    assert list(parse(["--stage=alpha", *given]).forwarded) == forwarded


NARROWED = {
    "-k": (["-kgood"], "-k good"),
    "combined -x": (["-xv"], "-x"),
    "--maxfail": (["--maxfail", "1"], "--maxfail 1"),
    "--last-failed": (["--last-failed"], "--lf"),
    "--collect-only": (["--collect-only"], "--co"),
    "a stranger's plugin": (["-p", "dropper"], "-p dropper"),
    "a plugin left out": (["-pno:terminal"], "-p no:terminal"),
    "--assert=plain": (["--assert=plain"], "--assert plain"),
    "--dist=each": (["--dist", "each"], "--dist each"),
    "ignored warnings": (["-Wignore::UserWarning"], "-W ignore::UserWarning"),
    "another setting": (["-o", "addopts=-k x"], "-o addopts=-k x"),
    "tries": (["--reruns", "3"], "--reruns 3"),
}


@pytest.mark.parametrize(("given", "what"), [pytest.param(*case, id=name) for name, case in NARROWED.items()])
def test_options_that_look_at_less_are_named(given, what: str) -> None:
    """Each of them makes the gate hold."""
    assert [each.what for each in parse(["--stage=alpha", *given]).narrowings] == [what]


HARMLESS = [
    ["--maxfail=0"],
    ["--assert=rewrite"],
    ["-p", "no:cacheprovider"],
    ["-p", "no:randomly"],
    ["--dist=loadscope"],
    ["-W", "default"],
    ["--junitxml=/nowhere/x.xml"],
    ["-s", "--color=yes", "-ra", "--strict-markers"],
]


@pytest.mark.parametrize("given", HARMLESS, ids=" ".join)
def test_options_that_only_change_how_a_run_looks_narrow_nothing(given) -> None:
    """C01: the options people have in addopts do not keep a gate from being promoted."""
    assert parse(["--stage=alpha", *given]).narrowings == ()


def test_a_plugin_of_the_plan_narrows_nothing() -> None:
    """What ``rollout.plugins`` lists is part of the gate."""
    assert parse(["--stage=alpha", "-p", "pytest_asyncio"]).allowing(["pytest_asyncio"]).narrowings == ()


REFUSED = {
    "help": (["--help"], "-h and --stage do not go together"),
    "short help": (["-h"], "do not go together"),
    "version": (["-VV"], "do not go together"),
    "fixtures": (["--funcargs"], "--fixtures and --stage do not go together"),
    "looping": (["-f"], "do not go together"),
    "unknown": (["--gatling"], "a gate does not know the option '--gatling'"),
    "misspelt": (["--tbb=short"], "Did you mean '--tb'?"),
    "unknown short": (["-z"], "a gate does not know the option '-z'"),
    "unknown among combined": (["-vz"], "ignored explicit argument 'z'"),
    "abbreviated": (["--collect"], "a gate does not know the option '--collect'"),
    "without its value": (["-k"], "-k: expected one argument"),
    "a flag with a value": (["--lf=1"], "--lf/--last-failed: ignored explicit argument '1'"),
    "a second network": (["--network=a", "--network=b"], "--network is given more than once"),
    "a second ledger": (["--rollout-ledger=a", "--rollout-ledger=b"], "--rollout-ledger is given more than once"),
    "an unknown report": (["--rollout-formats=alure"], "Did you mean 'allure'?"),
    "a missing file of arguments": (["@nowhere.txt"], "nowhere.txt"),
}


@pytest.mark.parametrize(("given", "says"), [pytest.param(*case, id=name) for name, case in REFUSED.items()])
def test_everything_else_is_refused_with_a_sentence(given, says: str) -> None:
    """An allow-list; what is not known could change what runs."""
    with pytest.raises(UsageError) as refused:
        parse(["--stage=alpha", *given])

    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("given", [[], ["--stage=a", "--stage=b"], ["--stage", "a", "--stage=a"]])
def test_a_stage_is_given_once(given) -> None:
    """argparse would keep the last one without a word."""
    with pytest.raises(UsageError, match="give it once"):
        parse(given)


def test_a_file_of_arguments_counts_as_typed(tmp_path: Path) -> None:
    """S09: what ``@file`` holds is read here too, nested files included."""
    inner = tmp_path / "inner.txt"
    inner.write_text("-k\ngood\n")
    outer = tmp_path / "outer.txt"
    outer.write_text(f"-v\n@{inner}\n")

    request = parse(["--stage=alpha", f"@{outer}"])

    assert request.forwarded == ("-v", "-kgood")
    assert [each.what for each in request.narrowings] == ["-k good"]


def test_paths_and_options_may_be_mixed() -> None:
    """What follows ``--`` is read as strictly as what stands before."""
    request = parse(["suites/a", "--stage", "alpha", "suites/b", "-v", "--", "suites/c::test_x[a b]"])

    assert request.paths == ("suites/a", "suites/b", "suites/c::test_x[a b]")


@pytest.mark.parametrize("given", [["-n2"], ["--dist=loadfile"], ["--maxprocesses=3"], ["--max-worker-restart=0"]])
def test_xdist_is_there_for_every_option_of_its_own(given) -> None:
    """Plugins are not loaded automatically, and ``--dist`` in addopts is honest without ``-n``."""
    assert parse(["--stage=alpha", *given]).uses_workers


@pytest.mark.parametrize("given", [["--no-header"], ["--no-summary"], ["-v"]])
def test_an_option_with_an_n_in_it_is_none_of_xdist(given) -> None:
    assert not parse(["--stage=alpha", *given]).uses_workers


def test_output_is_written_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorder runs at the project's root, wherever the command was typed."""
    monkeypatch.chdir(tmp_path)

    request = parse(["--stage=alpha", "--junitxml=x.xml", "--rollout-reports=out"])

    assert request.forwarded == (f"--junitxml={tmp_path}/x.xml",)
    assert [path for _, path in request.outputs(Path("/project"))] == [
        tmp_path / "x.xml",
        Path("/project/out/verdict.json"),
    ]


ROOT = Path("/project")
SELECTED = {
    "nothing": ([], True, ()),
    "the root": (["."], True, ()),
    "above the root": ([".."], True, ()),
    "the rollout": (["suites/takumi"], True, ()),
    "its suite": (["suites/takumi/suites"], True, ()),
    "another rollout": (["suites/kustodia"], False, ()),
    "a neighbour with the same beginning": (["suites/takumi2"], False, ()),
    "a folder in the suite": (["suites/takumi/suites/alpha"], True, ("/project/suites/takumi/suites/alpha",)),
    "a test": (
        ["suites/takumi/suites/t.py::test_x[a::b]"],
        True,
        ("/project/suites/takumi/suites/t.py::test_x[a::b]",),
    ),
    "a declared item": (["suites/takumi/rollout.toml::alpha"], True, ("/project/suites/takumi/rollout.toml::alpha",)),
    "a part and the whole": (["suites/takumi/suites/alpha", "suites"], True, ()),
    "dots": (["suites/kustodia/../takumi"], True, ()),
    "a rollout inside this one": (["suites/takumi/inner"], False, ()),
    "a test of a rollout inside": (["suites/takumi/inner/suites/test_x.py"], False, ()),
}


@pytest.mark.parametrize(("paths", "is_selected", "below"), [pytest.param(*c, id=n) for n, c in SELECTED.items()])
def test_a_path_selects_a_rollout_or_a_part_of_its_gate(paths, is_selected, below) -> None:
    """A path at or above a rollout narrows to it; one inside narrows its gate."""
    folder = ROOT / "suites" / "takumi"

    assert selects(paths, folder, folder / "suites", ROOT, [folder / "inner"]) == (is_selected, below)
