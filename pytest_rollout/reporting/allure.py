"""``allure-results/``: every finding one result, the verdict first.

Field names are those of ``allure_commons.model2`` (a test compares them); the values are written
as plain tables, since ten thousand of them must not cost more than the suite they describe.
Renderers order by start and take two results with one ``historyId`` for retries of each other,
hiding one: so starts follow the judgement's order and history ids are unique.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_rollout.core.evidence import Evidence, Execution, Phase
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.judgement import Sealed
from pytest_rollout.core.outcome import Kind, Outcome, Verdict
from pytest_rollout.reporting import phrases
from pytest_rollout.reporting.attachments import Gallery
from pytest_rollout.reporting.folder import Folder
from pytest_rollout.reporting.text import BODY, inert, line

STATUSES = {
    Outcome.PASS: "passed",
    Outcome.FAIL: "failed",
    Outcome.ERROR: "broken",
    Outcome.INCONCLUSIVE: "broken",
    Outcome.NOT_RUN: "broken",
    Outcome.PENDING: "broken",
}
"""Never ``skipped`` or ``unknown``: renderers leave those out of the share that passed."""

OUTCOME = "outcome"
"""The label that carries a finding's outcome exactly."""

_PHASES = {"passed": "passed", "failed": "failed", "skipped": "skipped"}
_MOST_STEPS = 60
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


class Results:
    """Writes one run's results into a folder, one finding at a time."""

    def __init__(
        self, sealed: Sealed, evidence: Evidence, folder: Folder, pictures: Mapping[str, str] | None = None
    ) -> None:
        self._sealed = sealed
        self._evidence = evidence
        self._folder = folder
        self._gallery = Gallery(evidence.attachments)
        self._pictures = pictures or {}
        self._items: Counter[tuple[str, str]] = Counter()
        self._digests = hashlib.sha256()
        self._files = self._size = 0
        run = sealed.judgement.run
        self._began = int(run.started_at.timestamp() * 1000)
        self._ended = max(self._began, int(sealed.judgement.judged_at.timestamp() * 1000))
        # The same for every result, so that Allure can tell two rollouts and two networks apart.
        self._place = f"{run.rollout}\0{run.stage}\0{run.network}"
        self._labels = self._common_labels()
        self._known_labels: dict[tuple[object, ...], list[dict[str, str]]] = {}

    @property
    def files(self) -> int:
        """How many files were written."""
        return self._files

    @property
    def size(self) -> int:
        """How many bytes were written."""
        return self._size

    @property
    def digest(self) -> str:
        """SHA-256 over a line ``<SHA-256> <name>`` for every file, in the order they were written."""
        return self._digests.hexdigest()

    def write(self, name: str, data: bytes) -> None:
        """Write one file and count it."""
        self._folder.drop(name, data)
        self._files += 1
        self._size += len(data)
        self._digests.update(f"{hashlib.sha256(data).hexdigest()} {name}\n".encode())

    def write_verdict(self, brief: str) -> None:
        """Write the verdict as the first result, with the brief as its description."""
        judgement = self._sealed.judgement
        is_promoted = judgement.verdict is Verdict.PROMOTE
        shown = f"{judgement.verdict.value.upper()} — {judgement.run.rollout} {judgement.run.stage}"
        around = phrases.circumstances(judgement)
        ways = len(judgement.blocking)
        message = f"verdict {judgement.verdict.value}: {ways:,} finding{'' if ways == 1 else 's'} in the way"
        self._result(
            identity=("", "verdict"),
            start=self._began,
            stop=self._ended,
            fields={
                "name": line(f"{shown} ({around})" if around else shown),
                "fullName": f"{phrases.gate(judgement)} verdict",
                "status": "passed" if is_promoted else "failed",
                "statusDetails": {"message": message},
                "description": brief,
                "labels": [
                    *self._labels,
                    _label("story", "verdict"),
                    _label("subSuite", "verdict"),
                    _label("severity", "blocker"),
                    _label("host", "supervisor"),
                    _label("thread", "judge"),
                ],
                "parameters": _parameters(
                    network=phrases.place(judgement),
                    attempt=str(judgement.run.attempt),
                    judgement=self._sealed.digest,
                    next=phrases.next_command(judgement),
                ),
            },
        )

    def write_finding(self, place: int, finding: Finding) -> None:
        """Write one finding; ``place`` is its place in the judgement, from 1."""
        executions = self._evidence.executions.get(finding.item, ())
        fields: dict[str, Any] = {
            "name": line(finding.title or finding.item),
            "fullName": line(finding.item, BODY),
            "status": STATUSES[finding.outcome],
            "labels": self._labels_of(finding, executions[-1].process if executions else ""),
        }
        details = {}
        text = "\n".join(execution.text for execution in executions if execution.text)
        if finding.outcome is not Outcome.PASS or phrases.reason(finding):
            details["message"] = inert(phrases.message(finding, text))
        if text:
            details["trace"] = inert(text)
        if details:
            fields["statusDetails"] = details
        if parameters := _parameters(
            measured=finding.measured, needed=finding.needed, source=finding.source, next=finding.remedy
        ):
            fields["parameters"] = parameters
        if steps := _steps(executions):
            fields["steps"] = steps
        if attachments := [*self._picture(finding), *self._attachments(finding.item)]:
            fields["attachments"] = attachments
        start = self._began + place
        stop = start + max(0, round((finding.seconds or 0.0) * 1000))
        self._result(identity=(finding.kind.value, finding.item), start=start, stop=stop, fields=fields)

    def write_homeless(self) -> None:
        """Write what was attached to items without a finding as attachments of the run."""
        entries = [
            {**attachment, "name": line(f"{item}: {attachment['name']}"), "timestamp": self._ended}
            for item in self._gallery.homeless
            for attachment in self._attachments(item)
        ]
        if entries:
            self.write("run-globals.json", _json({"attachments": entries, "errors": []}))

    def _attachments(self, item: str) -> list[dict[str, Any]]:
        written = []
        for name, shown in self._gallery.take(item):
            source = f"{self._files:08x}-{self._sealed.digest[:16]}-attachment.{shown.extension}"
            self.write(source, shown.content)
            written.append({"name": line(name) or "attachment", "source": source, "type": shown.media_type})
        return written

    def _picture(self, finding: Finding) -> Iterator[dict[str, Any]]:
        """The drawn criterion, of our own making: unlike what tests hand over, it needs no disarming."""
        if finding.kind is Kind.CRITERION and (picture := self._pictures.get(finding.title)):
            source = f"{self._files:08x}-{self._sealed.digest[:16]}-attachment.svg"
            self.write(source, picture.encode())
            yield {"name": "over time", "source": source, "type": "image/svg+xml"}

    def _result(self, *, identity: tuple[str, str], start: int, stop: int, fields: dict[str, Any]) -> None:
        self._items[identity] += 1
        occurrence = self._items[identity]
        kind, item = identity
        of_case = _hash(f"{self._place}\0{kind}\0{item}\0{occurrence}")
        uuid = _uuid(_hash(f"{self._sealed.digest}\0{of_case}"))
        fields |= {
            "uuid": uuid,
            "historyId": of_case,
            "testCaseId": of_case,
            "stage": "finished",
            "start": start,
            "stop": stop,
        }
        self.write(f"{uuid}-result.json", _json(fields))

    def _labels_of(self, finding: Finding, worker: str) -> list[dict[str, str]]:
        """The labels of a finding; thousands share one list, which nobody changes."""
        key = (finding.kind, finding.outcome, finding.required, worker)
        if key not in self._known_labels:
            kind = finding.kind.value
            labels = [
                *self._labels,
                _label("story", kind),
                _label("subSuite", kind),
                _label("severity", "critical" if finding.required else "minor"),
                _label("host", "recorder" if worker else "supervisor"),
                _label("thread", line(worker) if worker else "judge"),
                _label(OUTCOME, finding.outcome.value),
            ]
            if finding.outcome is not Outcome.PASS:
                labels.append(_label("tag", phrases.OUTCOMES[finding.outcome]))
            if not finding.required:
                labels.append(_label("tag", "advisory"))
            self._known_labels[key] = labels
        return self._known_labels[key]

    def _common_labels(self) -> list[dict[str, str]]:
        judgement = self._sealed.judgement
        rollout, stage = line(judgement.rollout_title), line(judgement.stage_title)
        labels = [
            _label("epic", rollout),
            _label("feature", stage),
            _label("parentSuite", rollout),
            _label("suite", stage),
            _label("framework", "pytest-rollout"),
            _label("language", "python"),
        ]
        if judgement.run.rehearsal:
            labels.append(_label("tag", "rehearsal"))
        return labels


def _steps(executions: list[Execution] | tuple[()]) -> list[dict[str, Any]]:
    if not executions:
        return []
    if len(executions) == 1:
        return [_step(phase) for phase in executions[0].phases[:_MOST_STEPS]]
    return [
        {
            "name": line(f"run {number} in {execution.process}"),
            "status": "passed" if all(p.outcome == "passed" for p in execution.phases) else "failed",
            "steps": [_step(phase) for phase in execution.phases[:_MOST_STEPS]],
        }
        for number, execution in enumerate(executions[:_MOST_STEPS], 1)
    ]


def _step(phase: Phase) -> dict[str, Any]:
    name = f"{phase.when} (expected to fail)" if phase.xfail else phase.when
    return {"name": line(name), "status": _PHASES.get(phase.outcome, "broken")}


def _label(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


def _parameters(**values: str) -> list[dict[str, Any]]:
    """Shown beside the result; excluded from its identity, which they must not change."""
    return [{"name": name, "value": line(value, 1000), "excluded": True} for name, value in values.items() if value]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _json(value: object) -> bytes:
    return _ENCODE(value).encode()
