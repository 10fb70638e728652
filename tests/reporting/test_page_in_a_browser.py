"""The Allure page as a stakeholder opens it: the real renderer, a real browser, no network."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_rollout.core.judgement import Sealed
from pytest_rollout.core.rollout import Stage
from pytest_rollout.reporting import brief
from pytest_rollout.reporting.allure_page import render_page
from pytest_rollout.reporting.page import render

ROOT = Path(__file__).parents[2]
HOSTILE = "<img src=x onerror=alert(1)><script>document.title='owned'</script>"
BROWSER = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--enable-logging=stderr",
    "--virtual-time-budget=20000",
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, make_project) -> Path:
    """One held gate with hostile text in it, judged and rendered for real."""
    folder = tmp_path_factory.mktemp("page")
    project = make_project(folder)
    project.write(
        {
            "suites/test_gate.py": f'''
                def test_settlement(evidence):
                    """Escrows settle to the unit."""
                    evidence.text("note", {HOSTILE!r})
                    assert True

                def test_hostile():
                    raise AssertionError({HOSTILE!r})

                def test_huge(evidence):
                    evidence.text("huge", {HOSTILE!r} * 50_000)
                    raise AssertionError({HOSTILE!r} * 300_000)
                '''
        }
    )
    assert project.pytest("--stage=alpha").status == 10
    results = project.folder / "reports" / "toy" / "alpha" / "allure-results"
    return render_page(results, folder / "page.html", ROOT)


def opened(page: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """What a real browser makes of a page: its document afterwards, and its console."""
    browser = shutil.which("chromium") or shutil.which("google-chrome") or "chromium"
    return subprocess.run(
        [browser, *BROWSER, f"--user-data-dir={folder / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def test_a_stakeholder_sees_the_verdict_and_nothing_runs(page: Path, tmp_path: Path) -> None:
    """The page draws from one file: the verdict is readable, hostile text is inert, the console silent."""
    done = opened(page, tmp_path)

    assert "HOLD" in done.stdout
    assert "Escrows settle to the unit." in done.stdout
    assert "<title>owned" not in done.stdout
    assert "onerror=alert(1)>" not in done.stdout
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []


def test_the_brief_shows_every_hostile_text_and_runs_none(
    everything_hostile: Sealed, stage: Stage, tmp_path: Path
) -> None:
    """All of them on one page, under its content-security policy: text remains text, and the console is silent."""
    page = tmp_path / "brief.html"
    page.write_text(render(everything_hostile, "".join(brief.parts(everything_hostile, stage)), ()), encoding="utf-8")

    done = opened(page, tmp_path)

    assert "Content-Security-Policy" in done.stdout
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in done.stdout
    assert "<script" not in done.stdout
    assert "<img" not in done.stdout
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []


def test_the_page_asks_no_other_host(page: Path) -> None:
    """Offline means offline: the file names no script, style or picture of another host."""
    text = page.read_text()

    assert "googletagmanager" not in text
    assert 'src="http' not in text
    assert "Content-Security-Policy" in text
