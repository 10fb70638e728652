"""Events of a contract since a block: expected, forbidden or counted."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_rollout.contracts.reading import Reading, ask
from pytest_rollout.contracts.states.subject import Look, Subject
from pytest_rollout.core.errors import listed, suggestion
from pytest_rollout.core.rollout import Value


def _events(subject: Subject, name: str) -> Reading[Value]:
    """How many there were, as a number where the plan expects one, else whether there were any.

    ``arguments`` hold the first block; without one it is where the record says the contract was
    deployed, else the chain's first.
    """
    declared = subject.views.interface.events
    meant = [each for events in declared.values() for each in events if name in {each.name, each.signature}]
    if len(meant) != 1:
        raise subject.wrong(
            f"the contract has {len(meant)} events {name}; there are "
            f"{listed(each.signature for events in declared.values() for each in events)}.{suggestion(name, declared)}"
        )
    since = subject.state.arguments[0] if subject.state.arguments else None
    first = since if isinstance(since, int) else subject.contracts.deployed_in(subject.state.contract) or 0
    if first > int(subject.block, 16):
        raise subject.wrong(f"block {first}, from which it looks, is after block {int(subject.block, 16)}.")
    asked = {
        "address": subject.address,
        "fromBlock": hex(first),
        "toBlock": subject.block,
        "topics": ["0x" + meant[0].topic.hex()],
    }
    logs = yield from ask("eth_getLogs", [asked])
    if not isinstance(logs, list):
        raise subject.wrong("the node answered no list of events.")
    return bool(logs) if isinstance(subject.expected, bool) else len(logs)


LOOKS: Mapping[str, Look] = {"events": _events}
