"""What every process made and left out, put together: no one of them decides for the others."""

from __future__ import annotations

from typing import Any

from pytest_rollout.core.collected import Collected
from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.manifest import Manifest


def test_what_several_processes_tell_is_put_together(kit: Any) -> None:
    """What one leaves out is aside only where no other made it."""
    said = kit.Recording()
    said.collected("gw0", [kit.A, kit.X1], excluded=[kit.X1])
    said.collected("gw1", [kit.X2, kit.X1], excluded=[kit.X2])
    said.collected("gw2", [kit.A])
    manifest = Manifest(functions=kit.functions(kit.A, kit.X1))

    found = Collected.of(manifest, Evidence.of(said.events))

    assert (list(found.ids), list(found.aside)) == ([kit.A, kit.X1], [kit.X2])


def test_what_only_an_earlier_process_left_out_stays_aside(kit: Any) -> None:
    said = kit.Recording().collected("gw0", [kit.X1], excluded=[kit.X1]).collected("gw1", [kit.A])

    found = Collected.of(Manifest(functions=kit.functions(kit.A, kit.X1)), Evidence.of(said.events))

    assert (list(found.ids), list(found.aside)) == ([kit.A], [kit.X1])


def test_what_only_an_earlier_process_made_is_made(kit: Any) -> None:
    said = kit.Recording().collected("gw0", [kit.A]).collected("gw1", [kit.X1])

    assert list(Collected.of(Manifest(), Evidence.of(said.events)).ids) == [kit.A, kit.X1]
