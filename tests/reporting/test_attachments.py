"""Evidence handed over by tests is shown, bounded, and never obeyed."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from pytest_rollout.core.evidence import Attachment
from pytest_rollout.reporting import attachments
from pytest_rollout.reporting.attachments import LARGEST, MOST, Gallery, show

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


def attachment(content: str, media_type: str = "text/plain", *, binary: bool = False) -> Attachment:
    return Attachment(item="a.py::t", name="n", media_type=media_type, content=content, binary=binary)


def picture(data: bytes, media_type: str = "image/png") -> Attachment:
    return attachment(base64.b64encode(data).decode(), media_type, binary=True)


@pytest.mark.parametrize(
    ("given", "kept", "extension"),
    [
        ("text/plain", "text/plain", "txt"),
        ("text/plain; charset=utf-8", "text/plain", "txt"),
        ("Application/JSON", "application/json", "json"),
        ("text/csv", "text/csv", "csv"),
        ("text/html", "text/plain", "txt"),
        ("text/markdown", "text/plain", "txt"),
        ("image/svg+xml", "text/plain", "txt"),
        ("application/xhtml+xml", "text/plain", "txt"),
        ("", "text/plain", "txt"),
        ("../../x", "text/plain", "txt"),
    ],
)
def test_only_kinds_that_cannot_act_keep_their_kind(given: str, kept: str, extension: str) -> None:
    shown = show(attachment("1", given))

    assert (shown.media_type, shown.extension) == (kept, extension)


def test_a_picture_stays_a_picture() -> None:
    assert show(picture(PNG)).content == PNG


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(picture(b"<html><script>1</script>"), id="page said to be a picture"),
        pytest.param(picture(PNG, "text/html"), id="bytes said to be a page"),
        pytest.param(picture(b"PK\x03\x04", "application/zip"), id="archive"),
        pytest.param(picture(PNG + bytes(LARGEST)), id="too large"),
        pytest.param(attachment("no base64!", "image/png", binary=True), id="no base64"),
    ],
)
def test_other_bytes_become_a_note_with_their_digest(given: Attachment) -> None:
    shown = show(given)

    assert shown.media_type == "text/plain"
    assert shown.content.startswith(b"Not shown: ")
    assert b"sha256 " in shown.content


def test_json_carries_256_bits_as_text() -> None:
    """Viewers read numbers as doubles: 2**256-1 would be shown as another number."""
    shown = show(attachment(json.dumps({"wei": 2**256 - 1, "n": 7, "share": 0.5}), "application/json"))

    told = json.loads(shown.content)
    assert told["wei"] == str(2**256 - 1)
    assert told["n"] == 7


def test_json_that_is_none_is_shown_as_text() -> None:
    shown = show(attachment('{"a": 12345678901234567890', "application/json"))

    assert shown.media_type == "text/plain"


def test_a_spreadsheet_computes_nothing() -> None:
    shown = show(attachment('a,b\n=1+1,"@x"\n', "text/csv"))

    assert shown.content.decode() == "a,b\n'=1+1,\"'@x\"\n"


def test_a_long_text_is_cut_with_the_digest_of_the_whole() -> None:
    whole = "x" * (LARGEST + 5)

    shown = show(attachment(whole))

    assert len(shown.content) < LARGEST + 200
    assert f"… 5 characters cut, sha256 {hashlib.sha256(whole.encode()).hexdigest()}".encode() in shown.content


def test_thousands_of_attachments_are_counted_not_kept() -> None:
    names = [name for name, _ in Gallery([attachment("x")] * 1000).take("a.py::t")]

    assert len(names) == MOST + 1


def test_a_run_has_room_for_so_much() -> None:
    shown = [each for _, each in Gallery([attachment("x" * 600)] * 3, room=1500).take("a.py::t")]

    assert [len(each.content) == 600 for each in shown] == [True, True, False]
    assert f"{attachments.ALTOGETHER:,} bytes".encode() in shown[2].content
