"""Commands run for real: how they end, what they leave behind, what they print, and no report believed blindly."""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from pytest_rollout.core.command import Command
from pytest_rollout.core.errors import ServiceError
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.results import Format, Result
from pytest_rollout.services.commands import observe
from pytest_rollout.services.program import run

JUNIT = '<testsuite tests="1"><testcase name="a"/></testsuite>'
REPORT = Result(format=Format.JUNIT, file="report.xml")
PRIVATE = Result(format=Format.JUNIT, file="{results}/report.xml")


def test_a_command_that_ends_well_passes(judged) -> None:
    finding = judged("print('12 contracts verified')", must_print=("^12 contracts",), never_print=("FAILED",))

    assert (finding.outcome, finding.measured) == (Outcome.PASS, "status 0")
    assert finding.source.startswith("it, ")


ENDINGS = {
    "a status": ("raise SystemExit(3)", {}, Outcome.FAIL, "ended with status 3"),
    "a signal": ("import os; os.kill(os.getpid(), 9)", {}, Outcome.FAIL, "was ended by SIGKILL"),
    "too slow": (
        "import time; time.sleep(60)",
        {"limit": timedelta(seconds=1)},
        Outcome.FAIL,
        "did not end within 1s and was ended",
    ),
    "deaf to signals": (
        "import signal, time\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\ntime.sleep(60)",
        {"limit": timedelta(seconds=1)},
        Outcome.FAIL,
        "did not end within 1s and was ended",
    ),
    "prints FAILED and exits 0": (
        "print('3 ok'); print('\\x1b[31mFAI\\x1b[0mLED: bsc mainnet')",
        {"never_print": ("^FAILED",)},
        Outcome.FAIL,
        "printed 'FAILED: bsc mainnet', which '^FAILED' must never find",
    ),
    "complains on standard error": (
        "import sys; print('MISSING 0x1', file=sys.stderr)",
        {"never_print": ("MISSING",)},
        Outcome.FAIL,
        "printed 'MISSING 0x1'",
    ),
    "silence": ("pass", {"must_print": ("28 of 28",)}, Outcome.FAIL, "never printed '28 of 28'"),
    "a carriage return": (
        "print('50 %\\rFAILED')",
        {"never_print": ("^FAILED$",)},
        Outcome.FAIL,
        "printed 'FAILED'",
    ),
    "no report": ("pass", {"results": (PRIVATE,)}, Outcome.ERROR, "no such file was written"),
    "an empty report": (
        "import os; open(os.environ['ROLLOUT_RESULTS'] + '/report.xml', 'w')",
        {"results": (PRIVATE,)},
        Outcome.ERROR,
        "is empty",
    ),
    "a status that will do, and no report": (
        "raise SystemExit(1)",
        {"results": (PRIVATE,), "statuses": (0, 1)},
        Outcome.ERROR,
        "no such file was written",
    ),
}


@pytest.mark.parametrize(("code", "about", "outcome", "says"), ENDINGS.values(), ids=ENDINGS)
def test_a_command_that_does_not_do_as_declared_is_told(judged, code, about, outcome, says) -> None:
    finding = judged(code, **about)

    assert finding.outcome is outcome
    assert says in finding.measured


def test_a_report_in_the_results_folder_or_on_standard_output_is_read(judged) -> None:
    write = f"import os; open(os.environ['ROLLOUT_RESULTS'] + '/report.xml', 'w').write('{JUNIT}')"

    assert judged(write, results=(PRIVATE,)).measured == "status 0, 1 of 1 tests passed"
    assert judged("print('1..1\\nok 1')", results=(Result(format=Format.TAP),)).outcome is Outcome.PASS


def test_an_argument_names_the_results_folder(judged) -> None:
    code = f"import sys; open(sys.argv[1], 'w').write('{JUNIT}')"

    finding = judged(run=(sys.executable, "-c", code, "{results}/report.xml"), results=(PRIVATE,))

    assert finding.outcome is Outcome.PASS


OLD_REPORTS = {
    "untouched": "pass",
    "given an old time": f"import os; open('report.xml', 'w').write('{JUNIT}'); os.utime('report.xml', (1, 1))",
    "a copy of an old one": (
        "import shutil, os; os.utime('report.xml', (1, 1)); shutil.copy2('report.xml', 'x'); os.replace('x', 'report.xml')"
    ),
    "a link": "import os; os.rename('report.xml', 'x'); os.symlink('x', 'report.xml')",
    "a pipe": "import os; os.unlink('report.xml'); os.mkfifo('report.xml')",
}


@pytest.mark.parametrize("code", OLD_REPORTS.values(), ids=OLD_REPORTS)
def test_a_report_that_the_command_did_not_write_is_an_error(judged, tmp_path, code) -> None:
    """Yesterday's green report beside today's broken runner."""
    (tmp_path / "report.xml").write_text(JUNIT)

    finding = judged(code, results=(REPORT,))

    assert finding.outcome is Outcome.ERROR
    assert "junit report.xml: is" in finding.measured


def test_a_report_written_again_is_new(judged, tmp_path) -> None:
    (tmp_path / "report.xml").write_text(JUNIT)

    assert judged(f"open('report.xml', 'w').write('{JUNIT}')", results=(REPORT,)).outcome is Outcome.PASS


FORK = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open(sys.argv[1], "w").write(str(os.getpid()))
        {streams}
        time.sleep(60)
    os._exit(0)
while not os.path.exists(sys.argv[1]) or not open(sys.argv[1]).read(): time.sleep(0.01)
"""
STREAMS = {
    "holding the output": "pass",
    "with streams of its own": "for n in (0, 1, 2): os.close(n)",
    "without the environment": "os.execve('/bin/sleep', ['sleep', '60'], {})",
}


@pytest.mark.parametrize("streams", STREAMS.values(), ids=STREAMS)
def test_a_process_that_outlives_its_parent_is_ended_and_told(judged, tmp_path, streams) -> None:
    """Forked twice, in a session of its own, as daemons are; the gate neither waits for it nor leaves it."""
    started = time.monotonic()
    finding = judged(run=(sys.executable, "-c", FORK.replace("{streams}", streams), str(tmp_path / "pid")))

    assert time.monotonic() - started < 30
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.measured == "left a process running, which nobody waited for and which was ended"


def test_the_limit_ends_all_that_a_command_started(judged, tmp_path) -> None:
    code = FORK.replace("{streams}", "pass") + "time.sleep(60)"

    finding = judged(run=(sys.executable, "-c", code, str(tmp_path / "pid")), limit=timedelta(seconds=2))

    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))
    assert finding.measured == "did not end within 2s and was ended"


def test_an_interrupted_recorder_leaves_nothing_running(tmp_path) -> None:
    """What is raised while a command runs ends the command."""

    def stop(_text: str) -> None:
        raise KeyboardInterrupt

    code = "import os, time; print(os.getpid(), flush=True); open('pid', 'w').write(str(os.getpid())); time.sleep(60)"
    with pytest.raises(KeyboardInterrupt):
        run(
            [sys.executable, "-c", code],
            folder=tmp_path,
            environment=dict(os.environ),
            limit_seconds=30,
            listen=stop,
        )

    pid = (tmp_path / "pid").read_text() if (tmp_path / "pid").exists() else ""
    assert not pid or not psutil.pid_exists(int(pid))


def test_what_ends_by_itself_at_once_was_not_left_running(judged) -> None:
    """The other end of a pipe often ends a moment later."""
    finding = judged(run=("sleep 0.1 & echo done",), shell=True)

    assert finding.outcome is Outcome.PASS


def test_a_flood_is_read_to_its_end_in_little_memory(judged, tmp_path) -> None:
    """200 MB: the failing line in its midst is found, and what is kept has a beginning and an end."""
    code = (
        "import os\n"
        "def write(data):\n while data: data = data[os.write(1, data):]\n"
        "block = b'all is well\\n' * 100_000\n"
        "for number in range(160): write(b'FAILED here\\n' if number == 80 else block)\n"
    )
    before = psutil.Process().memory_info().rss
    finding = judged(code, never_print=("^FAILED",), limit=timedelta(seconds=100))

    assert finding.measured.startswith("printed 'FAILED here'")
    note, _, kept = finding.detail.partition(" characters cut …\n")
    assert note.startswith("… ")
    assert 0 < len(kept) <= 2000
    assert psutil.Process().memory_info().rss - before < 100 * 1024**2


@pytest.mark.parametrize("before", [4090, 80_000 - 16 * 1024 - 6], ids=["its beginning", "its end"])
@pytest.mark.parametrize("ending", ["\n", "\r"], ids=["lines", "a bar of progress"])
def test_no_secret_is_kept_by_half_where_a_flood_is_cut(tmp_path, before: int, ending: str) -> None:
    """Whoever looks for secrets in what was kept looks for whole ones."""
    secret = "k3y-of-the-house"
    text = "good" + ending + "x" * (before - 6) + ending + secret + ending
    text += "x" * (80_000 - len(text) - 5) + ending + "last"

    ended = run(
        [sys.executable, "-c", f"import sys; sys.stdout.write({text!r})"],
        folder=tmp_path,
        environment={},
        limit_seconds=30,
    )

    assert ended.size == 80_000
    assert ended.output.startswith("good")
    assert ended.output.endswith("last")
    assert " bytes left out …" in ended.output
    assert not any(part in ended.output for part in (secret[:4], secret[-4:]))


def test_a_line_without_an_end_is_looked_through(judged) -> None:
    code = "import sys; sys.stdout.write('x' * 3_000_000 + ' FAILED ' + 'x' * 3_000_000)"

    found = judged(code, never_print=("FAILED",))
    assert found.outcome is Outcome.FAIL
    assert found.measured.startswith("printed 'a line of ")
    assert judged(code, must_print=("^x* *FAILED",)).outcome is Outcome.FAIL  # no line begins in its midst


def test_a_report_on_standard_output_is_bounded(judged, monkeypatch) -> None:
    monkeypatch.setattr("pytest_rollout.services.program.MOST_REPORTED", 1000)

    with pytest.raises(ServiceError, match="prints a report of more than"):
        judged("print('ok 1\\n' * 1000)", results=(Result(format=Format.TAP),))


def test_a_command_gets_only_the_environment_it_lists(judged) -> None:
    code = "import os; print('has', *sorted(os.environ))"
    given = {"ROLLOUT_KEY": "k3y-of-the-house", "OTHER_KEY": "other"}

    without = judged(code, given=given, never_print=("KEY",))
    listed = judged(
        code, given=given, environment=("ROLLOUT_KEY",), must_print=("ROLLOUT_KEY",), never_print=("OTHER",)
    )

    assert (without.outcome, listed.outcome) == (Outcome.PASS, Outcome.PASS)


def test_a_listed_variable_stands_nowhere_in_what_is_told(tmp_path) -> None:
    code = "import os; print('token', os.environ['TOKEN'])"
    command = Command(
        name="it", run=(sys.executable, "-c", code), folder=tmp_path, environment=("TOKEN",), never_print=("token",)
    )

    value, source = observe(command, dict(os.environ) | {"TOKEN": "s3cret-of-mine"})

    assert "s3cret-of-mine" not in repr((value, source))
    assert "token <TOKEN>" in value["output"]


def test_a_listed_variable_that_is_missing_is_told(tmp_path) -> None:
    command = Command(name="it", run=("true",), folder=tmp_path, environment=("NOT_THERE",))

    with pytest.raises(ServiceError, match="it: the environment has no NOT_THERE; set it, or take it off."):
        observe(command, {"PATH": os.environ["PATH"]})


@pytest.mark.parametrize("program", ["no-such-program", "./also-missing", "/etc/hostname"])
def test_a_program_that_cannot_be_started_is_told(judged, program) -> None:
    with pytest.raises(ServiceError, match=f"could not start '{program}' in .*; install it, or correct run or cwd."):
        judged(run=(program,))


SHELL_LINES = {
    "a pipeline": ("false | cat", Outcome.FAIL),
    "a sequence": ("false; echo done", Outcome.FAIL),
    "a good line": ("echo done | grep done", Outcome.PASS),
}


@pytest.mark.parametrize(("line", "outcome"), SHELL_LINES.values(), ids=SHELL_LINES)
def test_a_shell_line_fails_with_its_first_failure(judged, line, outcome) -> None:
    """The shell alone would end with the status of the last part."""
    assert judged(run=(line,), shell=True).outcome is outcome


def test_without_a_shell_an_argument_is_an_argument(judged, tmp_path: Path) -> None:
    judged(run=("echo", "$(touch made)", ";", "touch", "made"))

    assert not (tmp_path / "made").exists()
