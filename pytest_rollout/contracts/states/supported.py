"""Interfaces a contract says it has.

Source: EIP-165, whose own answers are asked first: a contract that says yes to everything supports nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_rollout.contracts.reading import Reading, ask, together
from pytest_rollout.contracts.states.subject import Look, Subject
from pytest_rollout.core.errors import Reverted
from pytest_rollout.core.interfaces import INTERFACES
from pytest_rollout.core.rollout import Value

_SUPPORTS = "0x01ffc9a7"
_NONE = "0xffffffff"
_TRUE, _FALSE = (bytes(31) + bytes([each]) for each in (1, 0))


def _supports(subject: Subject, name: str) -> Reading[Value]:
    asked = INTERFACES.get(name, name)
    itself, invalid, wanted = yield from together([_said(subject, each) for each in (_SUPPORTS, _NONE, asked)])
    return itself and not invalid and wanted


def _said(subject: Subject, interface: str) -> Reading[bool]:
    """What ``supportsInterface`` answers; anything but true and false, and a refusal, is false."""
    data = f"{_SUPPORTS}{interface.removeprefix('0x')}{'00' * 28}"
    try:
        answer = yield from ask("eth_call", [{"to": subject.address, "data": data}, subject.block])
    except Reverted:
        return interface == _NONE
    word = bytes.fromhex(str(answer).removeprefix("0x"))
    if word not in {_TRUE, _FALSE}:
        return interface == _NONE
    return word == _TRUE


LOOKS: Mapping[str, Look] = {"interfaces": _supports}
