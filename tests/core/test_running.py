from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pytest_rollout.core.judging import Ending
from pytest_rollout.core.manifest import Doubt, Manifest
from pytest_rollout.core.narrowing import Narrowing
from pytest_rollout.core.outcome import Kind, Outcome, Verdict
from pytest_rollout.core.running import RECORDED, TELLING_WARNINGS, is_telling

AGAIN = "run the whole gate again"
TOLD: dict[str, tuple[str, str]] = {
    "narrowed by -k good": ("tests are left out", "run without -k good"),
    "the deadline passed": ("the run was stopped from outside", "mend what hangs, or raise stages.….deadline"),
    "the recorder ended by SIGKILL": ("whatever it did not record was not seen", AGAIN),
    "the recorder ended with status 0": ("something ended it in its own way", AGAIN),
    "the recorder ended with status None": ("something ended it in its own way", AGAIN),
    "interrupted": ("somebody stopped the run", "run it again to its end"),
    "nothing was recorded": ("no process of this run ever reported", "read the output above"),
    "process main never introduced itself": ("its events cannot be placed", AGAIN),
    "process main never ended its record": ("it was lost, killed, or left by os._exit", AGAIN),
    "process gw1 never ended its record": ("it was lost, killed, or left by os._exit", AGAIN),
    "process main said 0 times what it collected": ("once is owed", AGAIN),
    "process main said 2 times what it collected": ("once is owed", AGAIN),
    "process gw1 said 0 times what it collected": ("once is owed", AGAIN),
    "process main ran with python -O": ("assertions do nothing there", AGAIN),
    "the controller was lost": ("workers reported, their controller did not", AGAIN),
    "the workers were lost": ("a controller reported, but none of its workers", AGAIN),
    "two processes led the run": ("one of them is none of this gate", AGAIN),
    "process child is none of this run": ("nobody started it", AGAIN),
    "process main has gaps in its record": ("events are missing, doubled or forged in 1 places", AGAIN),
    "pytest says that a test failed": ("no failure of a test was recorded", AGAIN),
    **{f"pytest ended with status {code}": ("it did not end in an ordinary way", AGAIN) for code in (2, 3, 4, 10)},
    "collection error in b.py": ("ImportError", "pytest --collect-only b.py"),
    "b.py was skipped whole": ("no url", AGAIN),
    "the settings of ../pytest.ini were used": (
        "they are no part of this gate",
        "write settings of the project's own, an empty pytest.ini if there are none",
    ),
    "other/conftest.py was loaded": ("it is no part of this gate", "remove it or commit it to the gate"),
    "suites/toy/test_a.py::test_a was selected twice": ("1 ids are doubled", AGAIN),
    "suites/toy/test_a.py::test_a was made twice": ("1 ids are doubled", AGAIN),
    "a debugger was entered": ("x", AGAIN),
    "exception in a thread in a.py::b": ("x", AGAIN),
    **{f"{category} in this run": ("x is always true", AGAIN) for category in TELLING_WARNINGS},
}
"""What was measured, and the remedy, by the title of the finding."""


def test_an_undisturbed_run_says_nothing_of_itself(kit: Any) -> None:
    for workers in (0, 1, 2, 4):
        judgement = kit.judge(kit.whole(kit.recorded(kit.WHOLE, workers=workers)))

        assert not [finding for finding in judgement.findings if finding.kind is Kind.RUN]
        assert judgement.verdict is Verdict.PROMOTE


@pytest.mark.parametrize(
    ("changes", "title", "outcome"),
    [
        pytest.param(
            {"narrowings": (Narrowing(what="-k good", why="tests are left out"),)},
            "narrowed by -k good",
            Outcome.NOT_RUN,
            id="-k",
        ),
        pytest.param(
            {"ending": Ending(status=None, deadline_passed=True)},
            "the deadline passed",
            Outcome.ERROR,
            id="the deadline",
        ),
        pytest.param(
            {"ending": Ending(status=-9, signal="SIGKILL")},
            "the recorder ended by SIGKILL",
            Outcome.ERROR,
            id="a signal",
        ),
        pytest.param({"ending": Ending(status=0)}, "the recorder ended with status 0", Outcome.ERROR, id="status 0"),
        pytest.param(
            {"ending": Ending(status=None)}, "the recorder ended with status None", Outcome.ERROR, id="no status"
        ),
        pytest.param(
            {"ending": Ending(status=RECORDED, interrupted=True)}, "interrupted", Outcome.NOT_RUN, id="an interrupt"
        ),
    ],
)
def test_what_the_supervisor_saw_is_named_and_holds(
    kit: Any, changes: dict[str, Any], title: str, outcome: Outcome
) -> None:
    judgement = kit.judge(kit.whole(kit.recorded(kit.WHOLE), **changes))

    assert judgement.verdict is Verdict.HOLD
    assert [(finding.title, finding.outcome) for finding in judgement.blocking] == [(title, outcome)]
    assert [(finding.measured, finding.remedy) for finding in judgement.blocking] == [TOLD[title]]


def test_a_remedy_says_how_to_run_the_whole_gate(kit: Any) -> None:
    narrowing = Narrowing(what="-x", why="it stops early")

    (finding,) = kit.judge(kit.whole(kit.recorded(kit.WHOLE), narrowings=(narrowing,))).blocking

    assert (finding.remedy, finding.measured, finding.needed) == (
        "run without -x",
        "it stops early",
        "a complete, undisturbed run",
    )


def _nothing(kit: Any) -> Any:
    return kit.Recording()


def _no_hello(kit: Any) -> Any:
    return kit.Recording().collected("main", [kit.A]).run("main", kit.A).end("main")


def _no_end(kit: Any) -> Any:
    return kit.Recording().hello("main").collected("main", [kit.A]).run("main", kit.A)


def _no_collection(kit: Any) -> Any:
    return kit.Recording().hello("main").run("main", kit.A).end("main")


def _two_collections(kit: Any) -> Any:
    return (
        kit.Recording()
        .hello("main")
        .collected("main", [kit.A])
        .collected("main", [kit.A])
        .run("main", kit.A)
        .end("main")
    )


def _optimized(kit: Any) -> Any:
    return kit.Recording().hello("main", optimize=1).collected("main", [kit.A]).run("main", kit.A).end("main")


def _no_controller(kit: Any) -> Any:
    said = kit.Recording().hello("gw0").collected("gw0", [kit.A]).run("gw0", kit.A)
    return said.end("gw0")


def _no_workers(kit: Any) -> Any:
    return kit.recorded([kit.A]).hello("controller").end("controller")


def _a_worker_without_end(kit: Any) -> Any:
    return kit.recorded([kit.A], workers=1).hello("gw1").collected("gw1", [kit.A])


def _a_worker_without_collection(kit: Any) -> Any:
    return kit.recorded([kit.A], workers=1).hello("gw1").end("gw1")


def _a_stranger(kit: Any) -> Any:
    return kit.recorded([kit.A]).hello("child").collected("child", [kit.A]).end("child")


def _a_gap(kit: Any) -> Any:
    said = kit.recorded([kit.A])
    said.events[2]["n"] = 7
    return said


def _status(number: int) -> Callable[[Any], Any]:
    def build(kit: Any) -> Any:
        return kit.Recording().hello("main").collected("main", [kit.A]).run("main", kit.A).end("main", number)

    return build


def _told(**about: Any) -> Callable[[Any], Any]:
    def build(kit: Any) -> Any:
        return (
            kit.Recording().hello("main").collected("main", **{"made": [kit.A]} | about).run("main", kit.A).end("main")
        )

    return build


def _said(word: str, **about: Any) -> Callable[[Any], Any]:
    def build(kit: Any) -> Any:
        said = kit.Recording().hello("main").collected("main", [kit.A]).run("main", kit.A)
        return said.say("main", word, **about).end("main")

    return build


@pytest.mark.parametrize(
    ("build", "title"),
    [
        pytest.param(_nothing, "nothing was recorded", id="nothing"),
        pytest.param(_no_hello, "process main never introduced itself", id="no hello"),
        pytest.param(_no_end, "process main never ended its record", id="no end"),
        pytest.param(_no_collection, "process main said 0 times what it collected", id="no collection"),
        pytest.param(_two_collections, "process main said 2 times what it collected", id="two collections"),
        pytest.param(_optimized, "process main ran with python -O", id="python -O"),
        pytest.param(_no_controller, "the controller was lost", id="no controller"),
        pytest.param(_no_workers, "the workers were lost", id="no workers"),
        pytest.param(_no_workers, "two processes led the run", id="two leaders"),
        pytest.param(_a_worker_without_end, "process gw1 never ended its record", id="a worker lost"),
        pytest.param(
            _a_worker_without_collection, "process gw1 said 0 times what it collected", id="a worker lost early"
        ),
        pytest.param(_a_stranger, "process child is none of this run", id="a child process speaks up"),
        pytest.param(_a_gap, "process main has gaps in its record", id="gaps"),
        pytest.param(_status(1), "pytest says that a test failed", id="status 1, nothing failed"),
        pytest.param(_status(2), "pytest ended with status 2", id="status 2"),
        pytest.param(_status(3), "pytest ended with status 3", id="status 3"),
        pytest.param(_status(4), "pytest ended with status 4", id="status 4"),
        pytest.param(_status(10), "pytest ended with status 10", id="no sessionfinish"),
        pytest.param(_told(errors={"b.py": "ImportError"}), "collection error in b.py", id="a collection error"),
        pytest.param(_told(skipped={"b.py": "no url"}), "b.py was skipped whole", id="a module skip"),
        pytest.param(
            _told(settings="../pytest.ini"), "the settings of ../pytest.ini were used", id="settings from above"
        ),
        pytest.param(_told(conftests=["other/conftest.py"]), "other/conftest.py was loaded", id="an extra conftest"),
        pytest.param(
            _told(selected=["suites/toy/test_a.py::test_a"] * 2),
            "suites/toy/test_a.py::test_a was selected twice",
            id="selected twice",
        ),
        pytest.param(
            _told(made=["suites/toy/test_a.py::test_a"] * 2, selected=["suites/toy/test_a.py::test_a"]),
            "suites/toy/test_a.py::test_a was made twice",
            id="made twice, selected once",
        ),
        pytest.param(
            _said("trouble", what="a debugger was entered", text="x"), "a debugger was entered", id="a debugger"
        ),
        pytest.param(
            _said("trouble", what="exception in a thread", text="x", id="a.py::b"),
            "exception in a thread in a.py::b",
            id="a thread",
        ),
        *(
            pytest.param(_said("warning", category=name, text="x is always true"), f"{name} in this run", id=name)
            for name in sorted(TELLING_WARNINGS)
        ),
    ],
)
def test_whatever_disturbed_the_run_is_named_and_holds(kit: Any, build: Callable[[Any], Any], title: str) -> None:
    judgement = kit.judge(kit.question(build(kit)))

    assert judgement.verdict is Verdict.HOLD
    (told,) = [finding for finding in judgement.blocking if finding.title == title]
    assert (told.measured, told.remedy) == TOLD[title]


@pytest.mark.parametrize("category", ["DeprecationWarning", "UserWarning", "ResourceWarning"])
def test_a_warning_that_hides_no_result_does_not_hold(kit: Any, category: str) -> None:
    build = _said("warning", category=category, text="x", id=kit.A)

    assert kit.judge(kit.question(build(kit))).verdict is Verdict.PROMOTE


@pytest.mark.parametrize(
    ("category", "text", "telling"),
    [
        ("PytestAssertRewriteWarning", "assertion is always true, perhaps remove parentheses?", True),
        ("PytestAssertRewriteWarning", "Module already imported", False),
        ("RuntimeWarning", "coroutine 'x' was never awaited", True),
        ("RuntimeWarning", "overflow", False),
        ("UserWarning", "it was never awaited and is always true", False),
    ],
)
def test_a_warning_tells_by_its_category_and_its_text(category: str, text: str, telling: bool) -> None:
    assert is_telling(category, text) is telling


def test_a_gate_without_tests_may_end_with_nothing_collected(kit: Any) -> None:
    """A gate of criteria and checklists alone ends in pytest's status 5."""
    said = kit.Recording().hello("main").collected("main", []).end("main", 5)
    judgement = kit.judge(kit.whole(said, manifest=Manifest(), stage=kit.stage(checklist=kit.WHOLE_STAGE.checklist)))

    assert judgement.verdict is Verdict.PROMOTE


def test_a_conftest_that_belongs_to_the_gate_must_be_loaded(kit: Any) -> None:
    manifest = Manifest(functions=kit.functions(kit.A), files={"suites/toy/conftest.py": "0" * 64})

    others = {"suites/toy/test_a.py": "0" * 64, "suites/toy/my_conftest.py": "0" * 64}

    missing = kit.judge(kit.question(kit.recorded([kit.A]), manifest=manifest))
    loaded = kit.judge(kit.question(_told(conftests=["suites/toy/conftest.py"])(kit), manifest=manifest))

    (finding,) = missing.blocking
    assert (finding.title, finding.measured, finding.remedy) == (
        "suites/toy/conftest.py was not loaded",
        "checks that it sets up are missing",
        AGAIN,
    )
    assert loaded.verdict is Verdict.PROMOTE
    beside = replace(manifest, files=others)
    assert kit.judge(kit.question(kit.recorded([kit.A]), manifest=beside)).verdict is Verdict.PROMOTE


def test_a_process_without_a_good_bye_has_no_status_to_tell(kit: Any) -> None:
    said = kit.Recording().hello("main").collected("main", [kit.A]).run("main", kit.A)

    assert kit.titles(kit.judge(kit.question(said))) == ["process main never ended its record"]


def test_a_doubt_about_a_file_holds(kit: Any) -> None:
    doubt = Doubt(place="a.py:3", text="assert of a tuple is always true")
    manifest = Manifest(functions=kit.functions(kit.A), doubts=(doubt,))

    (finding,) = kit.judge(kit.question(kit.recorded([kit.A]), manifest=manifest)).blocking

    assert (finding.title, finding.measured, finding.remedy) == ("a.py:3", doubt.text, "correct a.py:3")


def test_what_each_worker_tells_is_told_once(kit: Any) -> None:
    """The verdict and its findings are the same with any number of workers."""
    told = []
    for workers in (1, 4):
        said = kit.Recording().hello("controller")
        for number in range(workers):
            said.hello(f"gw{number}").collected(f"gw{number}", [kit.A], errors={"b.py": "ImportError"})
        said.run("gw0", kit.A).seen(kit.A).end("controller")
        for number in range(workers):
            said.end(f"gw{number}")
        told.append([finding.document() for finding in kit.judge(kit.question(said)).findings])

    assert told[0] == told[1]
