"""Code on the chain against the project's own artifacts: equal, linked to these, with these immutables."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_rollout.contracts.artifacts import Artifact
from pytest_rollout.contracts.code import Template, Uncomparable
from pytest_rollout.contracts.reading import Reading
from pytest_rollout.contracts.states.proxies import code_behind
from pytest_rollout.contracts.states.subject import Look, Subject
from pytest_rollout.core.errors import ContractError
from pytest_rollout.core.rollout import Value


def template_of(subject: Subject, artifact: Artifact) -> Template:
    """The compiled code of an artifact; raises ``ContractError``."""
    if artifact.runtime is None:
        raise subject.wrong(f"{artifact.path} has no deployedBytecode; compile with it, or declare code_hash instead.")
    return artifact.runtime


def libraries_of(subject: Subject, template: Template) -> dict[str, str]:
    """Where the libraries that a template needs are, as far as the book knows."""
    names = {name: name.rpartition(":")[2] for name in template.libraries}
    return {name: subject.contracts.where(short) for name, short in names.items() if short in subject.contracts}


def _compared(subject: Subject, name: str, address: str, code: bytes) -> Value:
    """The artifact's name where the code is its own, else how it differs."""
    template = template_of(subject, subject.contracts.artifact(name))
    try:
        difference = template.difference(code, address=address, libraries=libraries_of(subject, template))
    except Uncomparable as reason:
        raise subject.wrong(f"cannot be compared with {name}: {reason}; deploy it first, or record it.") from reason
    return difference or name


def _artifact(subject: Subject, rest: str) -> Reading[Value]:  # noqa: ARG001 - one look like another
    code = yield from subject.code()
    return _compared(subject, str(subject.expected), subject.address, code)


def _behind(subject: Subject, rest: str) -> Reading[Value]:  # noqa: ARG001
    address, code = yield from code_behind(subject)
    return _compared(subject, str(subject.expected), address, code)


def _own(subject: Subject) -> Reading[tuple[Template, bytes]]:
    """The compiled code of the contract's own name, and the code that must be it: its own, or behind its proxy."""
    artifact = subject.contracts.made_of(subject.state.contract)
    name, template = artifact.name, template_of(subject, artifact)
    code = yield from subject.code()
    problem = _difference(template, subject.address, code)
    if not problem:
        return template, code
    try:
        address, behind = yield from code_behind(subject)
    except ContractError:
        raise subject.wrong(f"the code is not that of {name}: {problem}.") from None
    if problem := _difference(template, address, behind):
        raise subject.wrong(f"the code behind its proxy is not that of {name}: {problem}.")
    return template, behind


def _difference(template: Template, address: str, code: bytes) -> str:
    """How code differs, whatever libraries it is linked to."""
    try:
        libraries = {name: template.linked(code, name) for name in template.libraries}
        return template.difference(code, address=address, libraries=libraries)
    except Uncomparable as reason:
        return str(reason)


def _library(subject: Subject, name: str) -> Reading[Value]:
    template, code = yield from _own(subject)
    try:
        return subject.spelled(template.linked(code, name))
    except Uncomparable as reason:
        raise subject.wrong(f"{reason}.") from reason


def _immutable(subject: Subject, name: str) -> Reading[Value]:
    """An immutable's word, read as what the plan expects: a boolean, an integer, an address or bytes."""
    template, code = yield from _own(subject)
    try:
        word = template.immutable(code, name)
    except Uncomparable as reason:
        raise subject.wrong(f"{reason}.") from reason
    expected = subject.expected
    number = int.from_bytes(word, "big")
    if isinstance(expected, bool) and number in {0, 1}:
        return bool(number)
    if isinstance(expected, int) and not isinstance(expected, bool):
        return number - 2**256 if expected < 0 and word[0] & 0x80 else number
    if isinstance(expected, str) and not any(word[:12]) and subject.speller.named(expected) is not None:
        return subject.spelled("0x" + word[12:].hex())
    return subject.speller.spelled({"type": "bytes32"}, word, expected)


LOOKS: Mapping[str, Look] = {
    "artifact": _artifact,
    "implementation_artifact": _behind,
    "libraries": _library,
    "immutables": _immutable,
}
