"""The page for whoever decides: one file that loads nothing, or one sentence that says what is missing.

The renderer here is a stand-in that behaves and misbehaves as Allure 3 does, so that these tests
need no Node; the tracker it prints is a copy of Allure 3.18's own.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import textwrap
from pathlib import Path

import pytest

from pytest_rollout.core.errors import ReportError
from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.rollout import Stage
from pytest_rollout.reporting import Format, write
from pytest_rollout.reporting.allure_page import INSTALL, offline, render_page

TRACKER = """
    <script async src="https://www.googletagmanager.com/gtag/js?id=G-LNDJ3J7WT0"></script>
    <script>
        window.dataLayer = window.dataLayer || [];
        function gtag(){dataLayer.push(arguments);}
        gtag('config', 'G-LNDJ3J7WT0', { "report": "awesome" });
    </script>
    <script>window.kept = "https://in.text.example";</script>
"""
PAGE = f"<!DOCTYPE html>\n<html>\n<head>\n    <title>x</title></head><body>{TRACKER}</body></html>"

RENDERER = """
    #!{python}
    import json, pathlib, sys
    if sys.argv[1:] == ["--version"]:
        print({version!r})
        sys.exit(0)
    if {problem!r}:
        print({problem!r}, file=sys.stderr)
        sys.exit(3)
    arguments = sys.argv[1:]
    config = pathlib.Path(arguments[arguments.index("--config") + 1])
    out = pathlib.Path(arguments[arguments.index("--output") + 1])
    results = sorted(each.name for each in pathlib.Path(arguments[-1]).glob("*-result.json"))
    out.mkdir()
    if {page!r}:
        told = json.dumps([results, json.loads(config.read_text())])
        (out / "index.html").write_text({page!r} + "<!--" + told + "-->")
"""


@pytest.fixture
def install(tmp_path: Path):
    def installed(*, version: str = "3.18.0", problem: str = "", page: str = PAGE) -> Path:
        command = tmp_path / "root" / "node_modules" / ".bin" / "allure"
        command.parent.mkdir(parents=True)
        script = RENDERER.format(python=sys.executable, version=version, problem=problem, page=page)
        command.write_text(textwrap.dedent(script).lstrip())
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
        return tmp_path / "root"

    return installed


@pytest.fixture
def results(seal, findings, stage: Stage, tmp_path: Path) -> Path:
    folder = tmp_path / "reports [1]" / "takumi" / "alpha"
    path = write(seal(findings), Evidence(), stage, folder, {Format.ALLURE}).path(Format.ALLURE)
    assert path is not None
    return path


def test_the_page_is_one_file_with_our_layout(install, results: Path, tmp_path: Path) -> None:
    """The folder has brackets in its name: the renderer takes patterns, and must see no pattern."""
    page = render_page(results, tmp_path / "pages" / "alpha.html", install())

    assert page == tmp_path / "pages" / "alpha.html"
    seen, config = json.loads(page.read_text().partition("<!--")[2].removesuffix("-->"))
    assert seen == sorted(each.name for each in results.glob("*-result.json"))
    assert config["name"] == "Takumi on mainnet: Alpha launch"
    options = config["plugins"]["awesome"]["options"]
    assert options["singleFile"] is True
    assert options["groupBy"] == ["epic", "feature", "story"]
    assert config["categories"]["rules"][0]["name"] == "Not promoted"
    assert [each.name for each in page.parent.iterdir()] == ["alpha.html"]


def test_the_page_loads_nothing(install, results: Path, tmp_path: Path) -> None:
    text = render_page(results, tmp_path / "page.html", install()).read_text()

    assert "googletagmanager" not in text
    assert "gtag" not in text
    assert 'http-equiv="Content-Security-Policy" content="default-src &#x27;none&#x27;' in text
    assert "window.kept" in text


@pytest.mark.parametrize(
    "page",
    [
        pytest.param("<p>no head</p>", id="no head"),
        pytest.param('<head></head><script src="https://elsewhere.example/x.js"></script>', id="script"),
        pytest.param("<head></head><script defer src=//elsewhere.example/x.js></script>", id="without scheme"),
        pytest.param('<head><link rel="stylesheet" href="http://elsewhere.example/x.css"></head>', id="style"),
    ],
)
def test_a_page_that_would_still_load_something_is_refused(page: str) -> None:
    with pytest.raises(ReportError, match="not one this version can make safe"):
        offline(page)


def test_without_results_there_is_nothing_to_render(install, tmp_path: Path) -> None:
    """Allure itself renders an empty folder and calls it a success."""
    (tmp_path / "allure-results").mkdir()

    with pytest.raises(ReportError, match="no Allure results; judge the gate first"):
        render_page(tmp_path / "allure-results", tmp_path / "page.html", install())


def test_a_missing_renderer_comes_with_the_line_that_installs_it(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ReportError) as raised:
        render_page(results, tmp_path / "page.html", tmp_path)

    assert str(raised.value) == (
        f"allure: not found in {tmp_path / 'node_modules' / '.bin'} nor on PATH; "
        f"it renders the page. Install it: {INSTALL}."
    )


def test_the_renderer_may_be_on_the_path(
    install, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(install() / "node_modules" / ".bin"), prepend=os.pathsep)

    assert render_page(results, tmp_path / "page.html", tmp_path).is_file()


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"version": "2.30.0"}, r"version '2\.30\.0', 3 is needed\. Install it: npm install"),
        ({"problem": "Error: \x1b[31mboom"}, r"failed \(Error: \\x1b\[31mboom\)\. Is Node 20 or newer installed\?"),
        ({"page": ""}, "ended well and left no page"),
    ],
    ids=["another version", "a failure", "no page"],
)
def test_a_renderer_that_will_not_do_is_told(
    install, results: Path, tmp_path: Path, broken: dict[str, str], told: str
) -> None:
    with pytest.raises(ReportError, match=told):
        render_page(results, tmp_path / "page.html", install(**broken))

    assert not (tmp_path / "page.html").exists()


def test_a_page_that_cannot_be_written_is_told(install, results: Path, tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()

    with pytest.raises(ReportError, match=r"page\.html: the page could not be written .* Choose another place"):
        render_page(results, tmp_path / "page.html", install())

    assert list((tmp_path / "page.html").iterdir()) == []
