"""Keeps secrets out of what pytest itself shows and writes: the terminal, its reports, its JUnit file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.inert import inert_body
from pytest_rollout.core.redaction import Redactor

Clean = Callable[[str], str]

LONGEST_SHOWN = 256 * 1024
"""How many characters of one failure, or of what one test printed, pytest shows in a gate."""


class Redaction:
    """Hooks through which everything passes that pytest says of a test."""

    def __init__(self, redactor: Redactor, config: pytest.Config, *, has_secrets: bool) -> None:
        self._clean = redactor.text
        self._bounded = redactor.bounded
        self._config = config
        self._has_secrets = has_secrets

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self) -> None:
        """The terminal, with and without capturing."""
        if self._has_secrets:
            sys.stdout = CleanStream(sys.stdout, self._clean)
            sys.stderr = CleanStream(sys.stderr, self._clean)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """What could not be collected."""
        report = yield
        report.longrepr = self._presentable(report.longrepr)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """What a test came to and what it printed."""
        report = yield
        report.longrepr = self._presentable(report.longrepr)
        report.sections = [(self._shown(name), self._shown(text)) for name, text in report.sections]
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any) -> None:
        """What pytest repeats below its summary."""
        text = str(warning_message.message)
        shown = self._shown(text)
        if shown != text:
            warning_message.message = shown

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        """What was written for ``--junitxml``: ids and properties come there without passing a hook."""
        try:
            return (yield)
        finally:
            given = self._config.getoption("xmlpath", None)
            is_worker = hasattr(self._config, "workerinput")
            if given and self._has_secrets and not is_worker and Path(given).is_file():
                clean_xml(Path(given), self._clean)

    def _presentable(self, longrepr: Any) -> Any:
        """What a report says, as it is if there is nothing to hide; a skip stays what pytest expects of one."""
        if longrepr is None:
            return None
        if isinstance(longrepr, tuple):
            path, line, reason = longrepr
            return path, line, self._shown(reason)
        text = str(longrepr)
        shown = self._shown(text)
        return longrepr if shown == text else shown

    def _shown(self, text: str) -> str:
        """Without secrets, of bounded length, and nothing that a terminal would obey."""
        return inert_body(self._bounded(text, LONGEST_SHOWN))


class CleanStream:
    """A text stream that shows ``<NAME>`` for each secret written to it in one piece."""

    def __init__(self, stream: Any, clean: Clean) -> None:
        self._stream = stream
        self._clean = clean

    def write(self, text: str) -> int:
        """Write it without its secrets."""
        self._stream.write(self._clean(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def encodable(text: str) -> str:
    """Halves of surrogate pairs spelt out: xdist, terminals and reports cannot take them."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def clean_xml(path: Path, clean: Clean) -> None:
    """Take the secrets out of an XML file that pytest wrote."""
    from xml.etree import ElementTree as ET  # noqa: PLC0415 - only where a file was asked for and there are secrets

    tree = ET.parse(path)  # noqa: S314 - pytest's own file
    for element in tree.iter():
        element.text = element.text and clean(element.text)
        for name, value in element.attrib.items():
            element.set(name, clean(value))
    tree.write(path, encoding="utf-8", xml_declaration=True)
