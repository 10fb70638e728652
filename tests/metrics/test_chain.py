"""What became of submitted transactions, how old the head is, and which events there were."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.errors import MetricError, NetworkError
from pytest_rollout.core.rollout import Metric, SourceKind, SourceSettings
from pytest_rollout.core.series import SECOND, Series, nanoseconds
from pytest_rollout.core.units import UNITS
from pytest_rollout.metrics.chain import EVENTS
from pytest_rollout.metrics.opening import Sources
from tests.metrics.conftest import START

BEGIN = int(START.timestamp())
BLOCK_SECONDS = 12
HEAD = 300


def tx(number: int) -> str:
    return f"0x{number:064x}"


class Node:
    """A chain of a block every 12 s from the start on; the first 280 blocks are final."""

    def __init__(self) -> None:
        self.receipts: dict[str, dict[str, Any]] = {}
        self.pending: set[str] = set()
        self.nonces: dict[str, int] = {}
        self.logs: list[dict[str, Any]] = []
        self.head = HEAD
        self.asked: list[tuple[str, Sequence[Any]]] = []

    def include(self, hash_: str, number: int, *, status: int = 1, gas: int = 21000, block: str = "") -> None:
        self.receipts[hash_] = {
            "blockNumber": hex(number), "blockHash": block or tx(number), "status": hex(status), "gasUsed": hex(gas),
        }  # fmt: skip

    def emit(self, name: str, number: int, **changes: Any) -> None:
        log = {"topics": [EVENTS[name]], "blockHash": tx(number), "logIndex": hex(len(self.logs)), "number": number}
        self.logs.append(log | changes)

    def __call__(self, method: str, parameters: Sequence[Any]) -> Any:
        self.asked.append((method, parameters))
        answers = {
            "eth_getBlockByNumber": self.get_block_by_number,
            "eth_getTransactionReceipt": self.get_transaction_receipt,
            "eth_getTransactionByHash": self.get_transaction_by_hash,
            "eth_getTransactionCount": self.get_transaction_count,
            "eth_getLogs": self.get_logs,
        }
        return answers[method](*parameters)

    def get_block_by_number(self, tag: str, _: bool) -> Any:
        number = {"latest": self.head, "finalized": self.head - 20}.get(tag)
        number = int(tag, 16) if number is None else number
        if number > self.head:
            return None
        return {"number": hex(number), "hash": tx(number), "timestamp": hex(BEGIN + number * BLOCK_SECONDS)}

    def get_transaction_receipt(self, hash_: str) -> Any:
        return self.receipts.get(hash_)

    def get_transaction_by_hash(self, hash_: str) -> Any:
        return {"hash": hash_} if hash_ in self.pending or hash_ in self.receipts else None

    def get_transaction_count(self, sender: str, _: str) -> str:
        return hex(self.nonces.get(sender, 0))

    def get_logs(self, wanted: dict[str, Any]) -> list[Any]:
        low, high = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
        return [each for each in self.logs if low <= each["number"] <= high]


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def asked(node: Node, tmp_path: Path) -> Callable[..., Series]:
    def ask(query: str, *, minutes: float = 60, unit: str = "count", **given: Any) -> Series:
        settings = SourceSettings(kind=SourceKind.CHAIN, query=query, **given)
        metric = Metric(name="probe", unit=UNITS[unit], source=settings)
        with Sources(tmp_path, rpc=lambda _: node) as sources:
            source = sources.open(settings)
            (series,) = source.samples(metric, START, START + timedelta(minutes=minutes)).series
            return series

    return ask


def submit(folder: Path, *rows: dict[str, Any]) -> None:
    written = [{"hash": tx(n), "time": BEGIN + 60 + n, **row} for n, row in enumerate(rows, start=1)]
    (folder / "sent.ndjson").write_text("".join(json.dumps(row) + "\n" for row in written))


FATES: dict[str, tuple[Callable[[Node], None], int | None]] = {
    "included with status 1 and final": (lambda node: node.include(tx(1), 100), 1),
    "reverted": (lambda node: node.include(tx(1), 100, status=0), 0),
    "reorged out": (lambda node: node.include(tx(1), 100, block=tx(999)), 0),
    "dropped": (lambda _: None, 0),
    "replaced": (lambda node: node.nonces.update({"0xaa": 8}), 0),
    "still pending past its deadline": (lambda node: node.pending.add(tx(1)), 0),
    "included but not final past its deadline": (lambda node: node.include(tx(1), 299), 0),
}


@pytest.mark.parametrize("fate", FATES)
def test_a_transaction_succeeded_when_it_is_included_with_status_1_and_final(
    node: Node, asked: Callable[..., Series], tmp_path: Path, fate: str
) -> None:
    """The other outcomes are five, and all of them count in what was submitted."""
    happen, good = FATES[fate]
    submit(tmp_path, {"from": "0xaa", "nonce": 7})
    happen(node)

    series = asked("transactions", unit="ratio", path="sent.ndjson")

    assert (list(series.good), list(series.total)) == ([good], [1])


@pytest.mark.parametrize(
    "fate", ["dropped", "still pending past its deadline", "included but not final past its deadline"]
)
def test_what_is_not_decided_yet_is_missing_until_its_deadline(
    node: Node, asked: Callable[..., Series], tmp_path: Path, fate: str
) -> None:
    submit(tmp_path, {})
    FATES[fate][0](node)

    series = asked("transactions", unit="ratio", path="sent.ndjson", minutes=5)

    assert (len(series), len(series.missing)) == (0, 1)


def test_confirmations_instead_of_the_finalized_tag(node: Node, asked: Callable[..., Series], tmp_path: Path) -> None:
    submit(tmp_path, {}, {})
    node.include(tx(1), HEAD - 4)
    node.include(tx(2), HEAD - 3)

    series = asked("transactions", unit="ratio", path="sent.ndjson", options={"finality": "5"})

    assert list(series.good) == [1, 0]


def test_gas_of_what_was_included_and_of_nothing_else(node: Node, asked: Callable[..., Series], tmp_path: Path) -> None:
    submit(tmp_path, {}, {}, {})
    node.include(tx(1), 100, gas=50_000)
    node.include(tx(2), 100, gas=90_000, status=0)

    series = asked("gas", unit="gas", path="sent.ndjson")

    assert list(series.column) == [50_000, 90_000]
    assert len(series.missing) == 1


def test_what_never_came_stays_in_the_confirmation_times(
    node: Node, asked: Callable[..., Series], tmp_path: Path
) -> None:
    """The slowest cannot leave the sample by never arriving (rule 12)."""
    submit(tmp_path, {}, {})
    node.include(tx(1), 10)

    series = asked("confirmation time", unit="s", path="sent.ndjson")

    assert list(series.column) == [10 * BLOCK_SECONDS - 61, 3600 - 62]


@pytest.mark.parametrize(("minutes", "age"), [(60, 0), (61, 60), (75, 900)])
def test_the_age_of_the_head(asked: Callable[..., Series], minutes: int, age: int) -> None:
    """A stalled node answers quickly with old truth (rule 14)."""
    assert list(asked("head age", unit="s", minutes=minutes).column) == [age]


def test_a_head_in_the_future_is_refused(asked: Callable[..., Series]) -> None:
    with pytest.raises(MetricError, match="in the future; look at the clocks"):
        asked("head age", unit="s", minutes=50)


def test_events_are_counted_in_the_blocks_of_the_window(node: Node, asked: Callable[..., Series]) -> None:
    for number in (0, 1, 99, 150, 151):
        node.emit("paused", number)
    node.emit("paused", 50, removed=True)
    node.emit("unpaused", 51)

    series = asked("paused", minutes=30)

    assert list(series.column) == [3]
    assert list(series.times) == [nanoseconds(START) + 1800 * SECOND]


def test_no_event_is_zero_as_of_the_newest_final_block(asked: Callable[..., Series]) -> None:
    """Zero is evidence only as far as the chain was seen: its newest block is the sample's time."""
    series = asked("role granted")

    assert list(series.column) == [0]
    assert list(series.times) == [nanoseconds(START) + 280 * BLOCK_SECONDS * SECOND]


def test_a_chain_that_stalled_before_the_window_saw_nothing(node: Node, asked: Callable[..., Series]) -> None:
    node.head = 20

    assert len(asked("paused")) == 0


def test_many_blocks_are_asked_for_in_parts(
    node: Node, asked: Callable[..., Series], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_rollout.metrics.chain.MOST_BLOCKS", 100)
    node.emit("paused", 100)
    node.emit("paused", 200)

    assert list(asked("paused").column) == [2]
    assert sum(method == "eth_getLogs" for method, _ in node.asked) == 3


@pytest.mark.parametrize(
    ("query", "rows", "says"),
    [
        ("pausd", "", "a chain knows no 'pausd'; it knows transactions, gas,"),
        ("gas", '{"hash": "0x1", "time": 1767571201}\n', "line 1: '0x1' is no transaction's hash"),
        ("gas", f'{{"hash": "{tx(1)}", "time": 1767571201}}\n' * 2, f"line 2: '{tx(1)}' is there twice"),
        ("gas", f'{{"hash": "{tx(1)}"}}\n', "line 1 is no submitted transaction"),
        ("gas", f'{{"hash": "{tx(1)}", "time": 1767571201000}}\n', "is in milliseconds"),
        ("gas", "nonsense\n", "line 1 is no submitted transaction (is no JSON document)"),
    ],
)
def test_what_cannot_be_asked(asked: Callable[..., Series], tmp_path: Path, query: str, rows: str, says: str) -> None:
    (tmp_path / "sent.ndjson").write_text(rows)

    with pytest.raises(MetricError) as caught:
        asked(query, path="sent.ndjson")

    assert says in str(caught.value)


@pytest.mark.parametrize("answer", [{}, [], "0x", {"number": "300", "timestamp": None}])
def test_answers_of_another_form_are_errors(asked: Callable[..., Series], node: Node, answer: Any) -> None:
    node.get_block_by_number = lambda *_: answer  # type: ignore[method-assign]

    with pytest.raises(MetricError, match="has not the form"):
        asked("head age", unit="s")


def test_a_node_that_does_not_answer_is_a_source_error(asked: Callable[..., Series], node: Node) -> None:
    def fail(*_: Any) -> None:
        raise NetworkError("network mainnet: too many requests.")

    node.get_block_by_number = fail  # type: ignore[method-assign]

    with pytest.raises(MetricError, match="network mainnet: too many requests"):
        asked("head age", unit="s")
