"""Questions to a chain, asked together: one round trip for all that can be asked at once.

A reading is a generator. It yields the calls it needs answered, is sent the answers in their
order - each a value, or the error in its place - and returns what it was after:

    def owner_of(...) -> Reading[str]:
        answer = yield from ask("eth_call", [...])
        return decoded(answer)

Readings that run side by side share their round trips, however many each of them needs.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar, cast

from pytest_rollout.core.errors import RolloutError
from pytest_rollout.networks.methods import Call
from pytest_rollout.networks.port import Chain, quantity

Result = TypeVar("Result")

Answer = Any | Exception
"""What a node said to one call: a JSON value, or the error that stands for it."""

Reading = Generator[Sequence[Call], Sequence[Answer], Result]


class Asked(Protocol):
    """Whoever answers calls that only read: a ``Chain``, or its nodes."""

    def batch(self, calls: Sequence[Call]) -> list[Any | Exception]:
        """As ``Chain.batch``."""
        ...


MOST_NETWORKS = 16
"""Networks read at the same time."""


def ask(method: str, params: Sequence[Any]) -> Reading[Any]:
    """The answer to one call; its error is raised."""
    (answer,) = yield [(method, params)]
    if isinstance(answer, Exception):
        raise answer
    return answer


def side_by_side(readings: Sequence[Reading[Result]]) -> Reading[list[Result | RolloutError]]:
    """The results of several readings in the same rounds; one that fails has its error in its place."""
    results: dict[int, Result | RolloutError] = {}
    wanted: dict[int, Sequence[Call]] = {}

    def go_on(number: int, answers: Sequence[Answer] | None) -> None:
        wanted.pop(number, None)
        try:
            wanted[number] = readings[number].send(answers)  # type: ignore[arg-type] # None starts it
        except StopIteration as done:
            results[number] = done.value
        except RolloutError as error:
            results[number] = error

    for number in range(len(readings)):
        go_on(number, None)
    while wanted:
        rounds = list(wanted.items())
        answers = yield [call for _, calls in rounds for call in calls]
        at = 0
        for number, calls in rounds:
            go_on(number, answers[at : at + len(calls)])
            at += len(calls)
    return [results[number] for number in range(len(readings))]


def together(readings: Sequence[Reading[Result]]) -> Reading[list[Result]]:
    """The results of several readings in the same rounds; the first error is raised."""
    results = yield from side_by_side(readings)
    found: list[Result] = []
    for each in results:
        if isinstance(each, RolloutError):
            raise each
        found.append(each)
    return found


def read(chain: Asked, reading: Reading[Result]) -> Result:
    """What the reading is after; each of its rounds is one batch, in which no call is sent twice."""
    answers: Sequence[Answer] | None = None
    while True:
        try:
            calls = reading.send(answers)  # type: ignore[arg-type] # None starts it
        except StopIteration as done:
            result: Result = done.value
            return result
        keys = [repr(call) for call in calls]
        asked = dict(zip(keys, calls, strict=True))
        told = dict(zip(asked, chain.batch(list(asked.values())), strict=True)) if asked else {}
        answers = [told[key] for key in keys]


def read_at_head(
    chain: Chain, reading: Callable[[str], Reading[Result]], *, guess: int | None = None
) -> tuple[Result, int]:
    """What ``reading(block)`` is after at the pinned block or the newest one, and that block's number.

    With the right ``guess`` of the newest block's number, finding it costs no round trip: the
    reading is made at the guessed block while the node is asked, and made again if it was wrong.
    """
    if chain.pinned is not None:
        return read(chain, reading(hex(chain.pinned.number))), chain.pinned.number
    if guess is not None:
        guessed, number = read(chain, side_by_side([reading(hex(guess)), ask("eth_blockNumber", [])]))
        if isinstance(number, RolloutError):
            raise number
        newest = quantity(chain.name, "eth_blockNumber", number)
        if newest == guess and isinstance(guessed, RolloutError):
            raise guessed
        if newest == guess:
            return cast("Result", guessed), guess
    else:
        newest = quantity(chain.name, "eth_blockNumber", chain.request("eth_blockNumber"))
    return read(chain, reading(hex(newest))), newest


def read_networks(
    readings: Mapping[Chain, Callable[[str], Reading[Result]]],
) -> dict[Chain, tuple[Result, int] | RolloutError]:
    """What each chain says at its own block, all of them at the same time; one in trouble has its error."""

    def one(chain: Chain) -> tuple[Result, int] | RolloutError:
        try:
            return read_at_head(chain, readings[chain])
        except RolloutError as error:
            return error

    if len(readings) < 2:  # noqa: PLR2004 - nothing to do at the same time
        return {chain: one(chain) for chain in readings}
    with ThreadPoolExecutor(min(len(readings), MOST_NETWORKS)) as pool:
        return dict(zip(readings, pool.map(one, readings), strict=True))
