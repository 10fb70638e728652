"""The services fixture's sessions: the declared host, whole answers, and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from pytest_rollout.core.endpoint import Service
from pytest_rollout.core.errors import ServiceError
from pytest_rollout.services.session import Services


@pytest.fixture
def opened() -> Iterator[Callable[..., Services]]:
    """Opens the fixture's sessions for one service."""
    resources = contextlib.ExitStack()

    def open_them(url: str, seconds: float = 5.0) -> Services:
        declared = {"api": Service(name="api", url=url, limit=timedelta(seconds=seconds))}
        return resources.enter_context(contextlib.closing(Services(declared)))

    with resources:
        yield open_them


def test_a_path_is_one_of_the_service(server, opened) -> None:
    services = opened(server.url + "/")

    answer = services.api.post("/health", params={"a": 1}, json={"b": 2})

    assert (answer.status_code, answer.json()["status"]) == (200, "healthy")
    assert [path for _, path, _ in server.seen] == ["/health?a=1"]
    assert answer.elapsed < timedelta(seconds=5)


def test_a_redirect_is_not_followed(server, opened) -> None:
    assert opened(server.url).api.get("/moved", allow_redirects=True).status_code == 302


@pytest.mark.parametrize("url", ["http://evil.example.org/x", "https://127.0.0.1/x", "http://127.0.0.1:1/x"])
def test_another_host_is_not_asked(server, opened, url) -> None:
    with pytest.raises(ServiceError, match="is another host than the plan names; declare it as well."):
        opened(server.url).api.get(url)


@pytest.mark.parametrize("path", ["/drip-body", "/drip-head", "/flood"])
def test_what_never_ends_is_left(server, opened, path, monkeypatch) -> None:
    monkeypatch.setattr("pytest_rollout.services.session.LARGEST", 10**6)

    with pytest.raises(ServiceError, match="service api: GET /.*: (no whole answer within 0.5 s|answers more than)"):
        opened(server.url, 0.5).api.get(path)


def test_nobody_there_is_told_in_a_sentence(opened) -> None:
    with pytest.raises(ServiceError, match=r"service api: GET /x: does not answer \(Connection refused\)."):
        opened("http://127.0.0.1:9").api.get("/x")


def test_an_unknown_service_is_told_with_the_nearest(server, opened) -> None:
    with pytest.raises(ServiceError, match=r"no service 'apl'; the plan has api. Did you mean 'api'\?"):
        opened(server.url)["apl"]
