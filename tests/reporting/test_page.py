"""brief.html: the words of brief.md as a page that runs nothing and loads nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from pytest_rollout.core.judgement import Sealed
from pytest_rollout.core.rollout import Stage
from pytest_rollout.reporting import brief
from pytest_rollout.reporting.chart import Chart, draw
from pytest_rollout.reporting.page import MOST_PICTURES, differences, render

ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "strong", "em", "code", "pre", "br", "hr"),
    *("table", "thead", "tbody", "tr", "th", "td", "figure", "ul", "ol", "li", "blockquote", "h3"),
    *("svg", "desc", "defs", "pattern", "path", "circle", "rect", "text", "polyline"),
}


class Elements(HTMLParser):
    """The names of all elements and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


def page_of(sealed: Sealed, stage: Stage, *pictures: str) -> str:
    page = render(sealed, "".join(brief.parts(sealed, stage)), pictures)
    assert differences(page.encode(), sealed) == ""
    return page


def test_it_says_what_the_brief_says(seal, findings, stage: Stage) -> None:
    """One source of words: every cell of the Markdown is a cell of the page."""
    page = page_of(seal(findings), stage)

    assert '<body class="hold">' in page
    assert "<h1>HOLD — Takumi on mainnet · Alpha launch</h1>" in page
    for name in ("In the way (5)", "Outcomes by kind", "Criteria", "How to verify"):
        assert f"<h2>{name}</h2>" in page


def test_pictures_stand_between_what_is_in_the_way_and_the_totals(seal, findings, stage: Stage) -> None:
    picture = draw(Chart(title="rate", unit="%", times=[0.0, 60.0], values=[99.0, 98.0]))
    page = page_of(seal(findings), stage, picture)

    assert page.index("In the way") < page.index("<svg") < page.index("Outcomes by kind")


def test_pictures_are_bounded_and_the_rest_is_told(seal, findings, stage: Stage) -> None:
    page = page_of(seal(findings), stage, *["<svg></svg>"] * (MOST_PICTURES + 3))

    assert page.count("<svg>") == MOST_PICTURES
    assert "and 3 more criteria that are not drawn" in page


def test_hostile_text_becomes_nothing_but_text(hostile_sealed: Sealed, stage: Stage) -> None:
    """No element, attribute or address that the page's own author did not write."""
    page = page_of(hostile_sealed, stage)
    elements = Elements(page)

    assert elements.names <= ALLOWED
    assert not {name for name in elements.attributes if name.startswith("on")} | (
        elements.attributes & {"href", "src", "srcset", "data", "action", "style"}
    )


def test_its_policy_allows_its_own_style_and_nothing_else(seal, findings, stage: Stage) -> None:
    page = page_of(seal(findings), stage)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)

    assert policy is not None
    assert policy[1].startswith("default-src &#39;none&#39;; style-src &#39;sha256-")
    assert "unsafe" not in policy[1]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("<h1>HOLD", "<h1>PROMOTE", "its verdict is another one"),
        ("digest is <code>", "digest is <code>0", "its digest is another one"),
        ("<strong>all</strong></td>", "<strong>none</strong></td>", "its counts are not those of the judgement"),
    ],
    ids=["verdict", "digest", "counts"],
)
def test_a_page_that_reads_back_otherwise_is_told(seal, findings, stage: Stage, old, new, problem) -> None:
    sealed = seal(findings)
    page = page_of(sealed, stage)

    assert old in page
    assert problem in differences(page.replace(old, new).encode(), sealed)
