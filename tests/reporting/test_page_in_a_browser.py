"""The Allure page as a stakeholder opens it: the real renderer, a real browser, no network."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_rollout.reporting.allure_page import render_page

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
                '''
        }
    )
    assert project.pytest("--stage=alpha").status == 10
    results = project.folder / "reports" / "toy" / "alpha" / "allure-results"
    return render_page(results, folder / "page.html", ROOT)


def test_a_stakeholder_sees_the_verdict_and_nothing_runs(page: Path, tmp_path: Path) -> None:
    """The page draws from one file: the verdict is readable, hostile text is inert, the console silent."""
    browser = shutil.which("chromium") or shutil.which("google-chrome") or "chromium"
    done = subprocess.run(
        [browser, *BROWSER, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert "HOLD" in done.stdout
    assert "Escrows settle to the unit." in done.stdout
    assert "<title>owned" not in done.stdout
    assert "onerror=alert(1)>" not in done.stdout
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []


def test_the_page_asks_no_other_host(page: Path) -> None:
    """Offline means offline: the file names no script, style or picture of another host."""
    text = page.read_text()

    assert "googletagmanager" not in text
    assert 'src="http' not in text
    assert "Content-Security-Policy" in text
