"""A slow service over TLS, in a drill: it is slow, and nothing else is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.faults import Fault
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.faults.place import Place
from pytest_rollout.faults.services import service
from pytest_rollout.faults.standin import StandIn
from pytest_rollout.plan import load
from pytest_rollout.services.endpoints import observe
from tests.services.conftest import serving

PLAN = """
[rollout]
name = "toy"

[services.gateway]
url = "{url}"
ca = "ca.pem"

[stages.alpha]

[[stages.alpha.endpoints]]
name = "blind"
service = "gateway"
path = "/health"
certificate = "1d"

[[stages.alpha.endpoints]]
name = "timed"
service = "gateway"
path = "/health"
certificate = "1d"
p95 = "< 100 ms"
"""


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Any]:
    """A server whose certificate ca.pem vouches for."""
    import trustme  # as long to import as the tests take

    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    with serving(tmp_path / "server.pem") as server:
        yield server


def test_a_stand_in_trusts_whom_the_service_trusts(gateway: Any, tmp_path: Path) -> None:
    """Else every gateway is one that cannot be asked, and who is blind to slowness seems to notice it."""
    with (
        StandIn(gateway.url, alters=lambda _, said: said, ca=tmp_path / "ca.pem") as trusting,
        StandIn(gateway.url, alters=lambda _, said: said) as wary,
    ):
        with urlopen(f"{trusting.url}/health") as answer:
            assert answer.status == 200
        with pytest.raises(HTTPError, match="502"):
            urlopen(f"{wary.url}/health")


def test_only_what_is_timed_notices_that_it_is_slow(gateway: Any, tmp_path: Path) -> None:
    """The stand-in has no certificate, and that must not pass for slowness."""
    (tmp_path / "rollout.toml").write_text(PLAN.format(url=gateway.url))
    rollout = load(tmp_path / "rollout.toml", environment={}, root=tmp_path)
    place = Place(rollout=rollout, stage=rollout.stages[0], network=None, prefix="rollout.toml", folder=tmp_path)

    outcomes = {}
    with service(Fault.SERVICE_SLOW)(place) as staged:
        assert staged is not None
        for each in staged.rollout.stages[0].checks:
            value, source = observe(each, {})
            finding = each.judge("it", Observation(item="it", value=value, source=source))
            outcomes[each.name] = finding.outcome, finding.measured

    assert outcomes["blind"][0] is Outcome.PASS, outcomes
    assert outcomes["timed"][0] is Outcome.FAIL
    assert "100 ms" in outcomes["timed"][1]
