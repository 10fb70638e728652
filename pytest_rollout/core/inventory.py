"""One contract of the declared inventory: where its record says, on that chain, with its own code (rules 21, 22)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome

Problem = tuple[Outcome, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A contract that must be on a network; ``chain_id`` is the network's as declared, if it is.

    What is seen is a table: ``known`` says whether anybody knows where it is, ``chain_id`` is the
    node's and ``recorded_chain_id`` the record's. Then, for the address and for the implementation
    behind it, a table each: ``address``, ``size`` and ``hash`` of the code, and ``compared``, a
    list of what the code was held against and how it differs.
    """

    network: str
    contract: str
    chain_id: int | None = None

    @property
    def kind(self) -> Kind:
        """The inventory."""
        return Kind.INVENTORY

    @property
    def name(self) -> str:
        """``bsc-mainnet.LookCoin``."""
        return f"{self.network}.{self.contract}"

    @property
    def required(self) -> bool:
        """Always: a list with entries that do not count is a shorter list."""
        return True

    def redacted(self, clean: Callable[[Any], Any]) -> Self:  # noqa: ARG002 - names hold no secret
        """Itself."""
        return self

    def judge(self, item: str, seen: Observation) -> Finding:
        """Everything that is wrong with it; what nobody can compare is inconclusive, never right."""
        value = seen.value if isinstance(seen.value, Mapping) else {}
        try:
            problems = list(self._problems(value))
            measured = _measured(value)
        except (KeyError, TypeError) as error:
            problems = [(Outcome.ERROR, f"not understood ({type(error).__name__}: {error})")]
            measured = ""
        outcome = min((each for each, _ in problems), key=lambda each: each.gravity, default=Outcome.PASS)
        return Finding(
            item=item,
            kind=self.kind,
            title=f"{self.contract} on {self.network}",
            outcome=outcome,
            measured="; ".join(why for _, why in problems) or measured,
            needed="its own code at its recorded address" + (f", chain id {self.chain_id}" if self.chain_id else ""),
            source=seen.source,
            remedy=""
            if outcome is Outcome.PASS
            else f"correct the chain, the record or contracts.inventory.{self.network}",
        )

    def _problems(self, value: Mapping[str, Any]) -> Iterator[Problem]:
        if _is(bool, value["known"]) is False:
            yield Outcome.NOT_RUN, f"nobody knows where it is: no record of {self.network} names {self.contract}"
            return
        told = _is(int, value["chain_id"])
        if self.chain_id not in {None, told}:
            yield Outcome.FAIL, f"the node's chain id is {told}, the plan's {self.chain_id}"
        recorded = value.get("recorded_chain_id", told)
        if _is(int, recorded) != told:
            yield Outcome.FAIL, f"the node's chain id is {told}, the record's {recorded}"
        own, behind = value["own"], value.get("behind")
        yield from _coded(own, "")
        if behind is not None:
            yield from _coded(behind, "behind its proxy ")
        compared = [each for place in (own, behind) if place is not None for each in place["compared"]]
        wanted = behind if behind is not None else own
        if _is(int, own["size"]) and not wanted["compared"]:
            yield (
                Outcome.INCONCLUSIVE,
                "which code it must have, neither an artifact nor its record says",
            )
        if behind is not None and not own["compared"]:
            yield (
                Outcome.INCONCLUSIVE,
                "which code the proxy itself must have, nothing says; name its artifact in contracts.proxies",
            )
        for each in compared:
            difference = _is(str, each["difference"])
            if difference:
                yield Outcome.FAIL, f"{_is(str, each['with'])}: {difference}"


def _coded(place: Mapping[str, Any], where: str) -> Iterator[Problem]:
    if _is(int, place["size"]) <= 0:
        yield Outcome.FAIL, f"{where}no code at {_is(str, place['address'])}"


def _measured(value: Mapping[str, Any]) -> str:
    own, behind = value.get("own"), value.get("behind")
    if own is None:
        return ""
    shown = f"{own['address']}, {own['size']} bytes"
    if behind is not None:
        shown += f", behind it {behind['address']}, {behind['size']} bytes"
    held = [each["with"] for place in (own, behind) if place is not None for each in place["compared"]]
    return f"{shown}; compared with {', '.join(held)}"


def _is(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
