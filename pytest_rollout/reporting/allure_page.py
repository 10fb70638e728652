"""One Allure page that needs nothing else: a file to send to whoever decides.

Allure 3 renders it; Node must be there. What it renders asks a tracker for a script each time
it is opened, so that is taken out and a policy put in: the page can load nothing from anywhere.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from pytest_rollout.core.errors import ReportError
from pytest_rollout.reporting.text import line

MAJOR = 3
INSTALL = "npm install --no-save allure@3"
"""How to get the renderer into a project."""

PATIENCE_SECONDS = 600

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "style-src 'unsafe-inline' data:; img-src data: blob:; font-src data:; media-src data: blob:; "
    "frame-src blob: data:; worker-src blob: data:; connect-src data: blob:; "
    "form-action 'none'; base-uri 'self'"
)
"""What the page may load: what it carries."""

_TRACKER = re.compile(
    r"<script async src=\"https://www\.googletagmanager\.com[^>]*></script>\s*<script>(?:(?!</script>).)*</script>",
    re.DOTALL,
)
_FOREIGN = re.compile(r"<(?:script|link|img|iframe)\b[^>]{0,500}?\b(?:src|href)=[\"']?(?:https?:)?//", re.IGNORECASE)


def render_page(results: Path, out: Path, root: Path) -> Path:
    """Render ``results`` into the one HTML file ``out`` and return it; it works offline.

    ``results`` is an ``allure-results`` folder; the renderer is looked for in ``root``'s
    ``node_modules``, then on PATH. Raises ``ReportError``: no results, no renderer or another
    version of it (with the line that installs it), a renderer that failed, a page that would load.
    """
    if not any(results.glob("*-result.json")):
        raise ReportError(f"{results}: no Allure results; judge the gate first with `pytest --stage=…`.")
    command = find_renderer(root)
    with tempfile.TemporaryDirectory(prefix="rollout-page-") as folder:
        work = Path(folder)
        # The renderer takes a pattern where we have a path, and leaves things where it runs: it gets a copy.
        shutil.copytree(results, work / "allure-results")
        config = work / "allurerc.json"
        config.write_text(json.dumps(settings(results)), encoding="utf-8")
        _run([command, "generate", "--config", str(config), "--output", "page", "./allure-results"], work)
        page = work / "page" / "index.html"
        if not page.is_file():
            page = work / "page" / "awesome" / "index.html"
        if not page.is_file():
            raise ReportError(f"{command}: ended well and left no page; try another version: {INSTALL}.")
        text = offline(page.read_text(encoding="utf-8"))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part = out.with_name(f".{out.name}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(out)
    except OSError as error:
        raise ReportError(f"{out}: the page could not be written ({error.strerror}). Choose another place.") from error
    return out


def find_renderer(root: Path) -> str:
    """The path of Allure 3's command; ``ReportError`` with the line that installs it."""
    local = root / "node_modules" / ".bin" / "allure"
    command = str(local) if local.exists() else shutil.which("allure")
    if command is None:
        raise ReportError(
            f"allure: not found in {local.parent} nor on PATH; it renders the page. Install it: {INSTALL}."
        )
    version = _run([command, "--version"], root).strip()
    if not version.startswith(f"{MAJOR}."):
        raise ReportError(f"{command}: version '{line(version, 40)}', {MAJOR} is needed. Install it: {INSTALL}.")
    return command


def settings(results: Path) -> dict[str, Any]:
    """How the page is laid out: rollout, stage and kind as the tree, our own categories."""
    executor = _read(results / "executor.json")
    categories = _read(results / "categories.json")
    return {
        "name": executor.get("reportName", "Rollout") if isinstance(executor, dict) else "Rollout",
        "appendHistory": False,
        "plugins": {
            "awesome": {
                "options": {
                    "singleFile": True,
                    "reportLanguage": "en",
                    "groupBy": ["epic", "feature", "story"],
                }
            }
        },
        "categories": {"rules": categories if isinstance(categories, list) else []},
    }


def offline(page: str) -> str:
    """The page without its tracker and with a policy; ``ReportError`` if it still names another host."""
    page = _TRACKER.sub("", page)
    meta = f'<meta http-equiv="Content-Security-Policy" content="{html.escape(POLICY)}">'
    head, found, rest = page.partition("<head>")
    if not found or _FOREIGN.search(page):
        raise ReportError(f"allure: its page is not one this version can make safe; install another: {INSTALL}.")
    return f"{head}<head>\n    {meta}{rest}"


def _run(command: list[str], folder: Path) -> str:
    environment = os.environ | {"ALLURE_NO_ANALYTICS": "1", "NO_COLOR": "1"}
    try:
        ended = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ReportError(
            f"{command[0]}: did not end within {PATIENCE_SECONDS} seconds; render fewer results."
        ) from None
    except OSError as error:
        raise ReportError(f"{command[0]}: could not be started ({error.strerror}). Install it: {INSTALL}.") from error
    if ended.returncode != 0:
        told = (ended.stderr or ended.stdout).decode("utf-8", "backslashreplace").strip().splitlines()
        why = line(told[-1]) if told else f"exit status {ended.returncode}"
        raise ReportError(f"{command[0]}: failed ({why}). Is Node 20 or newer installed?")
    return ended.stdout.decode("utf-8", "backslashreplace")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
