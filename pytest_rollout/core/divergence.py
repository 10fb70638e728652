"""A divergence, kept whole: the input, both answers, the first differing field, the versions (rule 25)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pytest_rollout.core.answer import Relation
from pytest_rollout.core.comparison import Difference
from pytest_rollout.core.errors import EvidenceError

SCHEMA = "pytest-rollout/divergence/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """One block about which two engines did not say the same.

    ``block`` is its name for people (its height or hash where it has one), ``mode`` the mode the
    call read, ``reference`` and ``candidate`` the answers in canonical form, ``first`` the first
    differing field, None where one of them raised. ``versions`` are those of the two engines.
    """

    block: str
    mode: str
    relation: Relation
    text: str
    reference: Mapping[str, Any]
    candidate: Mapping[str, Any]
    versions: Mapping[str, str]
    at: str
    differences: tuple[Difference, ...] = ()
    ignore: tuple[str, ...] = ()
    reasons: Mapping[str, str] | None = None
    transactions: tuple[int, int] | None = None

    @property
    def first(self) -> Difference | None:
        """The first differing field."""
        return self.differences[0] if self.differences else None

    def document(self) -> dict[str, Any]:
        """The divergence as it is kept beside its input."""
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "block": self.block,
            "mode": self.mode,
            "relation": self.relation.value,
            "text": self.text,
            "first": None if self.first is None else self.first.path,
            "differences": [each.document() for each in self.differences],
            "reference": dict(self.reference),
            "candidate": dict(self.candidate),
            "versions": dict(self.versions),
            "ignore": list(self.ignore),
            "reasons": dict(self.reasons or {}),
            "at": self.at,
        }
        if self.transactions is not None:
            document["transactions"] = {"shrunk_to": self.transactions[0], "of": self.transactions[1]}
        return document

    @classmethod
    def read(cls, document: Any, where: str) -> Self:
        """A divergence from what ``document`` wrote; raises ``EvidenceError`` where it is none."""
        try:
            if document["schema"] != SCHEMA:
                raise EvidenceError(f"{where}: schema {document['schema']!r:.60} is not {SCHEMA}.")
            return cls(
                block=str(document["block"]),
                mode=str(document["mode"]),
                relation=Relation(document["relation"]),
                text=str(document["text"]),
                reference=dict(document["reference"]),
                candidate=dict(document["candidate"]),
                versions=dict(document["versions"]),
                ignore=tuple(map(str, document["ignore"])),
                reasons=dict(document["reasons"]),
                at=str(document["at"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise EvidenceError(f"{where}: no kept divergence ({type(error).__name__}: {error}).") from error
