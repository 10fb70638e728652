"""Questions asked together: as few round trips as they need, and none hides another."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, cast

import pytest

from pytest_rollout.contracts.reading import Reading, ask, read, read_at_head, read_networks, side_by_side, together
from pytest_rollout.core.errors import NetworkError
from pytest_rollout.networks.methods import Call
from pytest_rollout.networks.port import Chain, Head
from pytest_rollout.testing.networks import MemoryChain


class Recited(MemoryChain):
    """A chain that answers each call with its own text, and keeps the batches it was sent."""

    def __init__(self, heads: Sequence[int] = (7,)) -> None:
        super().__init__(self._recited)
        self.sent: list[list[Call]] = []
        self._heads = list(heads)

    def batch(self, calls: Sequence[Call]) -> list[Any | Exception]:
        self.sent.append(list(calls))
        return super().batch(calls)

    def _recited(self, method: str, params: Sequence[Any]) -> Any:
        if method == "eth_blockNumber":
            return hex(self._heads.pop(0))
        return NetworkError("refused") if "bad" in params else f"{method} {' '.join(params)}"


def recited(*heads: int) -> tuple[Recited, Chain]:
    chain = Recited(heads or (7,))
    return chain, chain


def steps(*names: str) -> Reading[list[str]]:
    found = []
    for name in names:
        found.append((yield from ask("eth_call", [name])))  # noqa: PERF401 - no comprehension may yield
    return found


def test_readings_side_by_side_share_their_rounds() -> None:
    chain, asked = recited()

    found = read(asked, side_by_side([steps("a"), steps("b", "c"), steps(), steps("d", "bad", "e")]))

    assert found[:3] == [["eth_call a"], ["eth_call b", "eth_call c"], []]
    assert str(found[3]) == "refused"
    assert chain.sent == [
        [("eth_call", ["a"]), ("eth_call", ["b"]), ("eth_call", ["d"])],
        [("eth_call", ["c"]), ("eth_call", ["bad"])],
    ]


def test_nothing_is_asked_twice_in_a_round() -> None:
    chain, asked = recited()

    assert read(asked, together([steps("a", "b"), steps("a", "c"), steps("a", "b")])) == [
        ["eth_call a", "eth_call b"],
        ["eth_call a", "eth_call c"],
        ["eth_call a", "eth_call b"],
    ]
    assert [len(batch) for batch in chain.sent] == [1, 2]


def test_nothing_to_ask_sends_nothing() -> None:
    chain, asked = recited()

    assert read(asked, together([])) == []
    assert chain.sent == []


def test_an_error_of_one_is_raised_together() -> None:
    with pytest.raises(NetworkError, match="refused"):
        read(recited()[1], together([steps("a"), steps("bad")]))


def at(block: str) -> Reading[list[str]]:
    return steps(block)


@pytest.mark.parametrize(
    ("guess", "heads", "rounds"),
    [(None, (7,), 1), (7, (7,), 1), (6, (7,), 2), (8, (7,), 2)],
    ids=["no guess", "right", "too old", "reverted since"],
)
def test_a_guessed_block_is_checked(guess: int | None, heads: tuple[int, ...], rounds: int) -> None:
    chain, asked = recited(*heads)

    assert read_at_head(asked, at, guess=guess) == (["eth_call 0x7"], 7)
    assert len(chain.sent) == rounds


def test_an_error_at_a_wrong_guess_is_none() -> None:
    """A block beyond the head cannot be read; the newest one can."""
    _, asked = recited(7)

    assert read_at_head(asked, lambda block: steps("bad" if block == "0x8" else block), guess=8) == (
        ["eth_call 0x7"],
        7,
    )
    with pytest.raises(NetworkError, match="refused"):
        read_at_head(recited(7)[1], lambda _: steps("bad"), guess=7)


def test_a_pinned_chain_is_read_where_it_is_pinned() -> None:
    chain, asked = recited()
    chain.pinned = Head(number=3, hash="0x", timestamp=0, client_version="")

    assert read_at_head(asked, at, guess=7) == (["eth_call 0x3"], 3)
    assert len(chain.sent) == 1


def test_networks_are_read_at_the_same_time() -> None:
    """Each waits for the other; one after the other they would wait for ever."""
    meeting = threading.Barrier(2)

    class Waiting(Recited):
        def batch(self, calls: Sequence[Call]) -> list[Any | Exception]:
            meeting.wait(10)
            return super().batch(calls)

    one, other = cast("Chain", Waiting((1,))), cast("Chain", Waiting((2,)))

    assert read_networks({one: at, other: at}) == {one: (["eth_call 0x1"], 1), other: (["eth_call 0x2"], 2)}


def test_a_network_in_trouble_does_not_hide_the_others() -> None:
    good, bad = recited(1)[1], recited(2)[1]

    found = read_networks({good: at, bad: lambda _: steps("bad")})

    assert found[good] == (["eth_call 0x1"], 1)
    assert isinstance(found[bad], NetworkError)
