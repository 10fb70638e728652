"""A look at a real chain: who answers, which chain it is, how old its head is, which block is final."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from pytest_rollout.core.chain import Block, Sighting, faults
from pytest_rollout.core.errors import NetworkError
from pytest_rollout.core.rollout import Network
from pytest_rollout.networks.http import Refusal
from pytest_rollout.networks.nodes import Nodes
from pytest_rollout.networks.port import check_chain_id, hexadecimal, quantity

_HASH_LENGTH = 66


def look(
    network: Network,
    nodes: Nodes,
    *,
    block: int | None = None,
    again: Block | None = None,
    now: Callable[[], float] = time.time,
) -> Sighting:
    """What the nodes say now, and the block to read at: ``block``, or the newest final one.

    With ``again``, the block of an earlier look is read once more, whatever stands there now.

    The chain id is asked by itself, of every node, before anything else. Raises ``NetworkError``
    where it is another one, a node cannot be understood, nodes disagree, or no block is final.
    """
    ids = nodes.each([("eth_chainId", [])])
    for shown, (answer,) in ids.items():
        check_chain_id(network.name, network.chain_id or 0, _told(network, shown, "eth_chainId", answer), at=shown)
    tag = network.finality if isinstance(network.finality, str) else "latest"
    answers = nodes.each(
        [
            ("web3_clientVersion", []),
            ("eth_getBlockByNumber", ["0x0", False]),
            ("eth_getBlockByNumber", ["latest", False]),
            ("eth_getBlockByNumber", [tag, False]),
        ]
    )
    told = {
        shown: [
            _told(network, shown, what, answer)
            for what, answer in zip(("its name", "its first block", "its newest block", f"'{tag}'"), given, strict=True)
        ]
        for shown, given in answers.items()
    }
    heads = [_block(network, shown, given[2]) for shown, given in told.items()]
    head = sorted(heads, key=lambda each: -each.number)[nodes.quorum - 1]
    if again is None:
        final = _final(network, nodes.quorum, head, {shown: given[3] for shown, given in told.items()})
        number = _chosen(network, block, final)
    else:
        number = again.number
    return Sighting(
        at=int(now()),
        chain_id=network.chain_id or 0,
        genesis=_genesis(network, {shown: given[1] for shown, given in told.items()}),
        clients=tuple(str(given[0])[:200] for given in told.values()),
        head=head,
        pinned=_at(network, nodes, number),
        silent=tuple(each.shown for each in nodes.endpoints if each.shown not in answers or each.shown not in ids),
        rate_limited=nodes.rate_limited,
    )


def looked_at(network: Network, nodes: Nodes, pin: Block | None, *, block: int | None = None) -> Sighting:
    """A look that finds the declared chain, healthy, with ``pin`` on it; raises ``NetworkError`` otherwise."""
    seen = look(network, nodes, block=block, again=pin)
    for fault in faults(network, seen):
        raise NetworkError(f"network {network.name}: {fault}. Nothing was sent.")
    if pin is not None and seen.pinned.hash != pin.hash:
        raise NetworkError(
            f"network {network.name}: block {pin.number} is {seen.pinned.hash}, and this gate is pinned to "
            f"{pin.hash}: the chain was reorganised, or another node answers."
        )
    return seen


def _told(network: Network, shown: str, what: str, answer: Any) -> Any:
    if isinstance(answer, Refusal):
        raise NetworkError(f"network {network.name}: the node at {shown} refused {what}: {answer.message[:200]}.")
    return answer


def _chosen(network: Network, block: int | None, final: int) -> int:
    if block is not None and block > final:
        raise NetworkError(
            f"network {network.name}: block {block} is not final yet; the newest final one "
            f"({_rule(network)}) is {final}."
        )
    return final if block is None else block


def _final(network: Network, quorum: int, head: Block, tagged: Mapping[str, Any]) -> int:
    """The number of the newest block that is final by the plan's rule, and that a quorum has."""
    if isinstance(network.finality, int):
        if head.number < network.finality:
            raise NetworkError(
                f"network {network.name}: its newest block is {head.number}, "
                f"so none has {network.finality} confirmations."
            )
        return head.number - network.finality
    numbers = []
    for shown, answer in tagged.items():
        if answer is None:
            raise NetworkError(
                f"network {network.name}: the node at {shown} knows no {network.finality} block; "
                f"give a number of confirmations as networks.{network.name}.finality."
            )
        numbers.append(_block(network, shown, answer).number)
    return sorted(numbers, reverse=True)[quorum - 1]


def _genesis(network: Network, answers: Mapping[str, Any]) -> str:
    hashes = {shown: _block(network, shown, answer, number=0).hash for shown, answer in answers.items()}
    if len(set(hashes.values())) > 1:
        raise NetworkError(
            f"network {network.name}: its nodes disagree about the first block: "
            f"{', '.join(f'{shown} says {each}' for shown, each in hashes.items())}. Nothing was sent."
        )
    return next(iter(hashes.values()))


def _at(network: Network, nodes: Nodes, number: int) -> Block:
    (answer,) = nodes.ask([("eth_getBlockByNumber", [hex(number), False])])
    shown = nodes.endpoints[0].shown
    return _block(network, shown, _told(network, shown, f"block {number}", answer), number=number)


def _block(network: Network, shown: str, answer: Any, *, number: int | None = None) -> Block:
    """A block as a node told it, read strictly."""
    digest = answer.get("hash") if isinstance(answer, dict) else None
    if not isinstance(digest, str) or len(digest) != _HASH_LENGTH or hexadecimal(digest) is None:
        asked = "a block" if number is None else f"block {number}"
        raise NetworkError(f"network {network.name}: the node at {shown} answered {str(answer)[:40]!r} to {asked}.")
    found = Block(
        number=quantity(network.name, "block number", answer.get("number")),
        hash=digest.lower(),
        timestamp=quantity(network.name, "block timestamp", answer.get("timestamp")),
    )
    if number is not None and found.number != number:
        raise NetworkError(
            f"network {network.name}: the node at {shown} was asked for block {number} and answered {found.number}."
        )
    return found


def _rule(network: Network) -> str:
    rule = network.finality
    return rule if isinstance(rule, str) else f"{rule} confirmations"
