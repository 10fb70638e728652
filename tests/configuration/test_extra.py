"""Without the extra, a check of files is one sentence that says what to install."""

from __future__ import annotations

import sys

import pytest

from pytest_rollout.core.configuration import DashboardCheck, ManifestCheck
from pytest_rollout.core.outcome import Outcome


@pytest.mark.parametrize(
    ("library", "rooms", "check"),
    [
        ("kubernetes_validate", ("manifests",), lambda **more: ManifestCheck(version="1.31", **more)),
        ("promql_parser", ("promql", "exposition", "rules", "dashboards"), DashboardCheck),
    ],
)
def test_a_missing_library_is_named_with_its_extra(monkeypatch, tmp_path, look, library, rooms, check):
    for room in rooms:
        monkeypatch.delitem(sys.modules, f"pytest_rollout.configuration.{room}", raising=False)
        monkeypatch.delattr(f"pytest_rollout.configuration.{room}", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    (tmp_path / "a.yaml").write_text("a: 1")

    finding = look(check(name="files", folder=tmp_path, files=("a.yaml",)))

    assert finding.outcome is Outcome.ERROR
    assert (
        f"need {library}, which comes with the extra: pip install 'pytest-rollout[configuration]'" in finding.measured
    )
