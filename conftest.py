"""Values of this repository alone; the plugin itself arrives by its entry point."""

from importlib.metadata import version


def pytest_report_header() -> str:
    """Which pytest-rollout the suites and tests of this repository run on."""
    return f"pytest-rollout: {version('pytest-rollout')}"
