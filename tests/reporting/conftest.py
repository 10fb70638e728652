"""Judgements as the judge hands them over, sealed as the ledger seals them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, Protocol

import pytest
import rfc8785

from pytest_rollout.core.criterion import Bound, Criterion, Relation, Trigger
from pytest_rollout.core.evidence import Attachment, Described, Evidence, Execution, Phase
from pytest_rollout.core.finding import Finding, gravest_first
from pytest_rollout.core.judgement import Judgement, Run, Sealed, Subject, exact
from pytest_rollout.core.outcome import Kind, Outcome, Verdict
from pytest_rollout.core.rollout import ChecklistEntry, Stage
from pytest_rollout.core.units import UNITS

STARTED = datetime(2031, 5, 4, 2, 0, 0, tzinfo=UTC)
CLEAN = (Phase("setup", "passed"), Phase("call", "passed"), Phase("teardown", "passed"))


HOSTILE = {
    "html": "<img src=x onerror=alert(1)><script>alert(1)</script>",
    "attribute": "\" onmouseover='alert(1)' x=\"",
    "cdata": "]]></system-out><testcase name='planted'/><![CDATA[",
    "markdown": "# **b** ![i](//evil/x.png) [l](javascript:alert(1)) `c` | cell\n\n- item\n```",
    "backslash-pipe": "a\\| <b>x</b> \\",
    "address": "https://evil.example/x?y www.evil.example @everyone",
    "ansi": "\x1b[2J\x1b[31m12 passed\x1b[0m \x9b31m \x07",
    "bidi": "\u202egnp.exe \u2066x\u2069 \u061c",
    "invisible": "a\u200bb\u2060c\ufeff\u00ad\u3164",
    "nul": "a\x00b",
    "surrogates": "\ud800 \udfff",
    "noncharacters": "\ufffe\uffff\U0001ffff",
    "lines": "one\r\ntwo\rthree\u2028four\x85five\x0bsix",
    "formula": '=HYPERLINK("//evil","x")',
    "percent": "%s %n {0} ${HOME} $(id)",
    "long": "x" * 1_000_000,
    "long-wide": "\u202e\U0001f4a9" * 100_000,
    "uint256": str(2**256 - 1),
    "empty": "",
}
"""Text that tests have printed, or may print to be taken for something else."""


@pytest.fixture(params=HOSTILE.values(), ids=HOSTILE.keys())
def hostile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def hostile_sealed(hostile: str) -> Sealed:
    """A judgement full of one hostile text; the ledger itself refuses what no encoding takes."""
    text = hostile.encode("utf-8", "backslashreplace").decode()
    finding = make_finding(
        text or "empty",
        Outcome.FAIL,
        item=f"suites/alpha/test_x.py::test_x[{text}]",
        measured=text,
        needed=text,
        source=text,
        remedy=text,
        detail=f"E   {text}",
    )
    return make_sealed(
        [finding, make_finding()],
        rollout_title=text,
        stage_title=text,
        facts={"client": text, text: "x"},
        arguments=("--stage=alpha", text),
    )


@pytest.fixture
def everything_hostile() -> Sealed:
    """One judgement with a finding for each hostile text, in every field."""
    texts = [each.encode("utf-8", "backslashreplace").decode() or "empty" for each in HOSTILE.values()]
    every = [
        make_finding(
            text, Outcome.FAIL, item=f"t.py::test[{text}]", measured=text, needed=text, remedy=text, detail=text
        )
        for text in texts
    ]
    return make_sealed(every, rollout_title=texts[0], stage_title=texts[1], facts={text: text for text in texts})


@pytest.fixture
def hostile_evidence(hostile: str, hostile_sealed: Sealed) -> Evidence:
    item = hostile_sealed.judgement.findings[0].item
    return Evidence(
        executions={item: [Execution(process=hostile, phases=(Phase(hostile, hostile), *CLEAN), text=hostile)]},
        described={item: Described(title=hostile, file=hostile, line=1)},
        attachments=[
            Attachment(item=item, name=hostile, media_type=media_type, content=hostile)
            for media_type in ("text/plain", "text/html", "application/json", "text/csv", hostile)
        ],
    )


class Seal(Protocol):
    """Builds a sealed judgement; anything not given is what a quiet gate has."""

    def __call__(self, findings: Iterable[Finding] = ..., verdict: Verdict | None = None, **changes: Any) -> Sealed: ...


@pytest.fixture
def seal() -> Seal:
    return make_sealed


def make_sealed(findings: Iterable[Finding] = (), verdict: Verdict | None = None, **changes: Any) -> Sealed:
    ordered = tuple(gravest_first(list(findings)))
    if verdict is None:
        blocked = any(finding.stands_in_the_way for finding in ordered) or not ordered
        verdict = Verdict.HOLD if blocked else Verdict.PROMOTE
    run = {
        "id": "run-7",
        "rollout": "takumi",
        "stage": "alpha",
        "entry": 0,
        "attempt": 1,
        "started_at": STARTED,
        "network": "local",
        "rehearsal": False,
        "ledger_id": "11111111-2222-4333-8444-555555555555",
        "arguments": (),
    }
    run |= {key: changes.pop(key) for key in list(changes) if key in run}
    judgement = Judgement(
        verdict=verdict,
        findings=ordered,
        run=Run(**run),
        subject=changes.pop("subject", None)
        or Subject(
            commit="ab" * 20,
            committed=True,
            plan_digest="1" * 64,
            suite_digest="2" * 64,
            packages_digest="3" * 64,
            network="local",
            network_kind="tester",
        ),
        judged_at=changes.pop("judged_at", STARTED + timedelta(seconds=42)),
        rollout_title=changes.pop("rollout_title", "Takumi on mainnet"),
        stage_title=changes.pop("stage_title", "Alpha launch"),
        facts=changes.pop("facts", {"block": "12", "chain id": "1337"}),
        **changes,
    )
    payload = rfc8785.dumps(exact(judgement.document()))
    return Sealed(judgement=judgement, payload=payload, digest=hashlib.sha256(payload).hexdigest())


def make_finding(name: str = "test_pay", outcome: Outcome = Outcome.PASS, **changes: Any) -> Finding:
    values: dict[str, Any] = {
        "item": f"suites/alpha/test_pay.py::{name}",
        "kind": Kind.TEST,
        "title": name,
        "outcome": outcome,
        "measured": "passed" if outcome is Outcome.PASS else "failed in call",
        "needed": "one clean pass",
        "seconds": 0.25,
    }
    return Finding(**(values | changes))


@pytest.fixture
def finding() -> Callable[..., Finding]:
    return make_finding


@pytest.fixture
def findings() -> list[Finding]:
    """One finding of every outcome, one advisory, of several kinds."""
    plan = "suites/takumi/rollout.toml::alpha"
    return [
        make_finding("test_pay"),
        make_finding("test_fee[1::2]", Outcome.FAIL, detail="E   assert 3 == 4", remedy="pytest 'test_fee'"),
        make_finding("test_gone", Outcome.NOT_RUN, measured="never ran"),
        make_finding("test_node", Outcome.ERROR, measured="could not look: setup failed (NetworkError)"),
        make_finding("test_slow", Outcome.FAIL, required=False),
        Finding(
            item=f"{plan}::criteria::transaction success rate",
            kind=Kind.CRITERION,
            title="transaction success rate",
            outcome=Outcome.INCONCLUSIVE,
            measured="99.31 % of 152",
            needed="> 99 %, 299 samples",
            detail="147 more samples are needed",
            remedy="measure more",
        ),
        Finding(
            item=f"{plan}::checklist::audit letter",
            kind=Kind.CHECKLIST,
            title="checklist 3: audit letter",
            outcome=Outcome.PENDING,
            measured="not ticked",
            needed="ticked",
            remedy="rollout check takumi:alpha 3",
        ),
        Finding(
            item=f"{plan}::contracts::SkillProfile.paused",
            kind=Kind.CONTRACT,
            title="SkillProfile paused",
            outcome=Outcome.PASS,
            measured="false",
            needed="false",
        ),
    ]


@pytest.fixture
def stage() -> Stage:
    ratio = UNITS["%"]
    return Stage(
        name="alpha",
        title="Alpha launch",
        network="local",
        criteria=(
            Criterion(
                name="transaction success rate",
                metric="tx_success",
                unit=UNITS["ratio"],
                promote=Bound(relation=Relation.MORE, limit=Fraction(99, 100), unit=ratio),
                rollback=(Trigger(when=Bound(relation=Relation.LESS, limit=Fraction(9, 10), unit=ratio)),),
                min_samples=299,
            ),
        ),
        checklist=(ChecklistEntry(number=3, text="audit letter"),),
    )


@pytest.fixture
def evidence() -> Evidence:
    item = "suites/alpha/test_pay.py::test_pay"
    failed = "suites/alpha/test_pay.py::test_fee[1::2]"
    return Evidence(
        executions={
            item: [Execution(process="gw0", phases=CLEAN, seconds=0.25)],
            failed: [
                Execution(
                    process="gw1",
                    phases=(Phase("setup", "passed"), Phase("call", "failed"), Phase("teardown", "passed")),
                    text="def test_fee():\n>   assert 3 == 4\nE   assert 3 == 4",
                    assertion=True,
                )
            ],
        },
        described={item: Described(title="test_pay", file="suites/alpha/test_pay.py", line=12)},
        attachments=[Attachment(item=item, name="receipt", media_type="application/json", content='{"status": 1}')],
    )
