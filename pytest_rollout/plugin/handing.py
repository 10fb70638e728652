"""What tests hand over: measurements and attachments, checked here and recorded as events."""

from __future__ import annotations

import base64
import json
import mimetypes
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from pytest_rollout.core import measuring
from pytest_rollout.core.errors import EvidenceError, listed, suggestion
from pytest_rollout.core.judgement import exact
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import Metric
from pytest_rollout.plugin.context import Context

LARGEST_ATTACHMENT = 5 * 1024 * 1024
LONGEST_NAME = 1000
_TEXT_TYPES = ("text/", "application/json", "application/xml")


class Measure:
    """Callable that records measurements of one test."""

    def __init__(self, item: str, context: Context) -> None:
        self._item = item
        self._context = context

    def __call__(
        self,
        metric: str,
        value: float | Decimal | Fraction | None = None,
        *,
        unit: str | None = None,
        good: int | None = None,
        total: int | None = None,
    ) -> None:
        """Record ``value`` in ``unit``, or a ratio as two counts.

        Raises ``EvidenceError`` for a metric the plan does not declare, another unit, NaN,
        booleans, negative numbers, and ratios outside 0..1.
        """
        declared = self._declared(metric)
        event: dict[str, Any] = {"e": "measure", "id": self._item, "metric": metric}
        if good is not None or total is not None:
            if value is not None:
                raise EvidenceError(f'measure("{metric}"): give a value, or good= and total=; not both.')
            event["good"], event["total"] = measuring.ratio(declared, good=good, total=total)
        else:
            event["value"] = str(measuring.value(declared, value, unit=unit))
        if self._context.record is not None:
            self._context.record(event)

    def _declared(self, metric: str) -> Metric:
        metrics = self._context.rollout.metrics
        if metric not in metrics:
            raise EvidenceError(
                f'measure("{metric}"): the plan declares no such metric; it has {listed(metrics)}.'
                f"{suggestion(metric, metrics)}"
            )
        return metrics[metric]


class Evidence:
    """Attaches what a reader of the judgement should be able to look at."""

    def __init__(self, item: str, context: Context) -> None:
        self._item = item
        self._context = context
        self._redactor = Redactor(context.rollout.secrets)

    def text(self, name: str, content: str) -> None:
        """Attach text."""
        if not isinstance(content, str):
            raise EvidenceError(f"evidence.text: '{name}' is {type(content).__name__}, not text; use evidence.json.")
        self._attach(name, "text/plain", content)

    def json(self, name: str, content: object) -> None:
        """Attach a JSON document; integers past 2**53, and what JSON does not know, are written as strings."""
        try:
            text = json.dumps(exact(content), indent=1, ensure_ascii=False)
        except RecursionError:
            raise EvidenceError(f"evidence.json: '{name}' holds itself or is nested too deeply.") from None
        self._attach(name, "application/json", text)

    def file(self, path: str | Path, name: str | None = None) -> None:
        """Attach a file of at most 5 MiB, as text where its type is text."""
        path = Path(path)
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        content = self._read(path)
        if media_type.startswith(_TEXT_TYPES):
            self._attach(name or path.name, media_type, content.decode("utf-8", "backslashreplace"))
        elif not self._redactor.is_clean(content):
            raise EvidenceError(f"evidence: {path.name} holds a secret of the plan; attach a file without it.")
        else:
            self._attach(name or path.name, media_type, base64.b64encode(content).decode(), binary=True)

    def picture(self, path: str | Path, name: str | None = None) -> None:
        """Attach a PNG or JPEG file."""
        if Path(path).suffix.lower() not in {".png", ".jpg", ".jpeg"}:
            raise EvidenceError(f"evidence.picture: {Path(path).name} is no .png, .jpg or .jpeg; use evidence.file.")
        self.file(path, name)

    def _read(self, path: Path) -> bytes:
        try:
            size = path.stat().st_size
            if size > LARGEST_ATTACHMENT:
                raise EvidenceError(
                    f"evidence: {path.name} has {size} bytes; at most {LARGEST_ATTACHMENT} are kept. "
                    "Attach a part of it."
                )
            return path.read_bytes()
        except OSError as error:
            raise EvidenceError(f"evidence: {path.name} cannot be read ({error.strerror}).") from None

    def _attach(self, name: str, media_type: str, content: str, *, binary: bool = False) -> None:
        if not binary and len(content.encode("utf-8", "surrogatepass")) > LARGEST_ATTACHMENT:
            raise EvidenceError(f"evidence: '{name}' is larger than {LARGEST_ATTACHMENT} bytes; attach a part of it.")
        if self._context.record is not None:
            self._context.record(
                {
                    "e": "attach",
                    "id": self._item,
                    "name": self._redactor.bounded(name, LONGEST_NAME),
                    "type": media_type,
                    "content": content if binary else self._redactor.text(content),
                    "binary": binary,
                }
            )
