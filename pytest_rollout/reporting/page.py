"""``brief.html``: the brief as a page with the criteria drawn, to be opened, sent or printed.

It is ``brief.md`` rendered, with pictures between: one source of words, so the two cannot
disagree. Nothing in it runs, and by its policy nothing could: no script, no address, one style.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from pytest_rollout.core.judgement import Sealed
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.reporting import phrases
from pytest_rollout.reporting.text import line

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

MOST_PICTURES = 40
"""How many criteria are drawn; the others stand in the table."""

_BEFORE_PICTURES = "## Outcomes by kind\n"
_DIGEST = re.compile(r"digest is <code>([0-9a-f]{64})</code>")
_TOTAL = re.compile(r"<td><strong>all</strong></td>\s*((?:<td[^>]*>\d+</td>\s*)+)")


def render(sealed: Sealed, markdown: str, pictures: Sequence[str] = ()) -> str:
    """The page around ``markdown``, as ``brief.parts`` wrote it; ``pictures`` are ``<svg>`` elements."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - for those who want a page
    from markupsafe import Markup  # noqa: PLC0415 - as above

    environment = Environment(
        loader=PackageLoader("pytest_rollout.reporting"), autoescape=True, undefined=StrictUndefined
    )
    above, mark, below = markdown.partition(_BEFORE_PICTURES)
    style = _style()
    return environment.get_template(
        "page.html.jinja"
    ).render(
        title=f"{sealed.judgement.verdict.value.upper()} — {line(phrases.gate(sealed.judgement))}",
        verdict=sealed.judgement.verdict.value,
        policy=f"default-src 'none'; style-src 'sha256-{_source_hash(style)}'; base-uri 'none'; form-action 'none'",
        # Escaped where they were made: Markdown by brief.py and a renderer that knows no HTML, SVG by its template.
        style=Markup(style),  # noqa: S704 - our own file
        above=Markup(_markdown().render(above)),  # noqa: S704 - see above
        pictures=[Markup(each) for each in pictures[:MOST_PICTURES]],  # noqa: S704 - see above
        undrawn=len(pictures) - MOST_PICTURES,
        below=Markup(_markdown().render(mark + below)),  # noqa: S704 - see above
    )


def differences(data: bytes, sealed: Sealed) -> str:
    """What in a page that was read back is not the judgement; empty if nothing."""
    try:
        page = data.decode()
    except UnicodeDecodeError as error:
        return f"it is not UTF-8 ({error})"
    digest, total = _DIGEST.search(page), _TOTAL.search(page)
    counts = sealed.judgement.counts()
    expected = [str(counts[outcome.value]) for outcome in Outcome]
    verdict = html.escape(sealed.judgement.verdict.value.upper())
    checks = {
        "its verdict is another one": f"<h1>{verdict} — " in page,
        "its digest is another one": digest is not None and digest[1] == sealed.digest,
        "its counts are not those of the judgement": total is not None and re.findall(r">(\d+)<", total[1]) == expected,
    }
    return "; ".join(what for what, is_right in checks.items() if not is_right)


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - for those who want a page

    # Only what brief.py writes: no HTML, no link, no picture, no address that becomes one.
    return (
        MarkdownIt("commonmark", {"html": False}).enable("table").disable(["link", "image", "autolink", "html_block"])
    )


@cache
def _style() -> str:
    return (resources.files("pytest_rollout.reporting") / "templates" / "page.css").read_text(encoding="utf-8")


def _source_hash(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
