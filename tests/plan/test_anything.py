"""Whatever the bytes: a rollout, or one sentence."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_rollout.core.errors import PlanError
from pytest_rollout.core.rollout import Rollout
from pytest_rollout.plan import load

PLAN = b"""[rollout]
name = "t"
judgement_max_age = "1d"
[networks.local]
kind = "tester"
accounts = { admin = 0 }
[metrics.m]
unit = "ratio"
[flags.values]
f = true
[stages.beta]
network = "local"
flags = { f = true }
exposure = { users = "1..2" }
checklist = [{ text = "${WHO:-me}" }]
[[stages.beta.criteria]]
name = "c"
metric = "m"
promote = "> 99 %"
rollback = [{ when = "< 9 %" }]
[[stages.beta.known_failures]]
test = "a::b"
owner = "o"
reason = "r"
expires = 2027-01-01T00:00:00Z
"""


def outcome(content: bytes) -> Rollout | PlanError:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rollout.toml")
        path.write_bytes(content)
        try:
            return load(path, environment={"WHO": "secret-value"}, root=Path(folder))
        except PlanError as error:
            return error


def check(content: bytes) -> None:
    result = outcome(content)
    if isinstance(result, PlanError):
        text = str(result)
        assert text.startswith("rollout.toml: ")
        assert text.isprintable()
        assert "secret-value" not in text


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore")))
def test_any_bytes_are_a_rollout_or_one_printable_sentence(content: bytes) -> None:
    check(content)


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(
    start=st.integers(0, len(PLAN)),
    length=st.integers(0, 12),
    new=st.binary(max_size=6)
    | st.sampled_from([b"-1", b"0.5", b"nan", b"[]", b"{}", b"true", b'""', b'"${WHO}"', b"\n[a]\n", b"${", b"1e400"]),
)
def test_any_small_change_is_a_rollout_or_one_printable_sentence(start: int, length: int, new: bytes) -> None:
    """Near a good plan is where mistakes are made."""
    check(PLAN[:start] + new + PLAN[start + length :])


VALUES = st.recursive(
    st.sampled_from(
        [
            "1",
            "-1",
            "0.5",
            "nan",
            "true",
            '"x"',
            '"${WHO}"',
            '""',
            "2027-01-01",
            "01:02:03",
            "2027-01-01T00:00:00",
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=2).map(lambda each: "[" + ", ".join(each) + "]")
        | inner.map(lambda each: "{ a = " + each + " }")
    ),
    max_leaves=4,
)
KEYS = [line.split(b" = ")[0] for line in PLAN.splitlines() if b" = " in line]


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(key=st.sampled_from(sorted(set(KEYS))), value=VALUES)
def test_any_value_at_any_key_is_a_rollout_or_one_printable_sentence(key: bytes, value: str) -> None:
    lines = [key + b" = " + value.encode() if line.startswith(key + b" = ") else line for line in PLAN.splitlines()]

    check(b"\n".join(lines))
