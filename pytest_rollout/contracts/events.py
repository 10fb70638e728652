"""What a contract announced: its events, read from receipts and from the chain's logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_rollout.contracts.arguments import Misfit, giver, taker
from pytest_rollout.contracts.attributes import Attributes, attributes
from pytest_rollout.contracts.digest import keccak
from pytest_rollout.contracts.interface import Codec, Event, Undecodable
from pytest_rollout.contracts.parameters import Parameter
from pytest_rollout.contracts.transaction_fields import block
from pytest_rollout.core.errors import ContractError, listed, suggestion
from pytest_rollout.networks.port import Chain

_KEPT = ("logIndex", "transactionIndex", "transactionHash", "address", "blockHash", "blockNumber")


class EventReader:
    """One event of one contract: ``.args`` of what was announced are attributes and keys.

    Only logs of this contract's address are its events; another contract may announce the same.
    """

    def __init__(self, chain: Chain, address: str, place: str, event: Event) -> None:
        self._chain = chain
        self._place = f"{place}: event {event.name}"
        self.address = address
        self.event = event

    def __call__(self) -> EventReader:
        """Itself, as ``events.Stored()`` is written."""
        return self

    @property
    def name(self) -> str:
        """``Stored``."""
        return self.event.name

    event_name = name

    @property
    def abi(self) -> Mapping[str, Any]:
        """The event as the ABI declares it."""
        return self.event.entry

    @property
    def signature(self) -> str:
        """``Stored(address,uint256)``."""
        return self.event.signature

    @property
    def topic(self) -> str:
        """The first topic of its logs, as 0x hex."""
        return "0x" + self.event.topic.hex()

    def process_receipt(self, receipt: Mapping[str, Any], errors: Any = None) -> tuple[Attributes, ...]:  # noqa: ARG002
        """Every time it was announced in a transaction; other logs are passed over, whatever ``errors`` says."""
        found = (self._decoded(each) for each in _logs(receipt) if self._is_ours(each))
        return tuple(each for each in found if each is not None)

    def process_log(self, log: Mapping[str, Any]) -> Attributes:
        """What one log announced, whoever it is from; raises ``ContractError`` if it is another event."""
        decoded = self._decoded(_plain(log))
        if decoded is None:
            raise ContractError(f"{self._place}: the log is not one of {self.event.signature}.")
        return decoded

    def get_logs(
        self,
        argument_filters: Mapping[str, Any] | None = None,
        from_block: Any = None,
        to_block: Any = None,
        block_hash: Any = None,
    ) -> list[Attributes]:
        """Every time it was announced between two blocks, by default in the newest.

        ``argument_filters`` maps arguments to the value they must have, or to a list of values.
        """
        wanted = self._wanted(argument_filters or {})
        asked: dict[str, Any] = {"address": self.address, "topics": self._topics(wanted)}
        if block_hash is not None:
            asked["blockHash"] = block_hash if isinstance(block_hash, str) else "0x" + bytes(block_hash).hex()
        else:
            asked["fromBlock"] = block(self._place, from_block)
            asked["toBlock"] = block(self._place, to_block)
        logs = self._chain.request("eth_getLogs", [asked])
        found = (self._decoded(each) for each in logs if self._is_ours(each))
        return [each for each in found if each is not None and _fits(each["args"], wanted)]

    def _is_ours(self, log: Mapping[str, Any]) -> bool:
        return str(log.get("address", "")).lower() == self.address.lower()

    def _decoded(self, log: Mapping[str, Any]) -> Attributes | None:
        """What a log announced; None if it is none of this event."""
        event, topics = self.event, [bytes.fromhex(str(each)[2:]) for each in log.get("topics", ())]
        if not event.is_anonymous:
            if not topics or topics[0] != event.topic:
                return None
            topics = topics[1:]
        if len(topics) != len(event.topics):
            return None
        try:
            indexed = [codec.decode(topic)[0] for codec, topic in zip(event.topics, topics, strict=True)]
            others = event.data.decode(bytes.fromhex(str(log.get("data") or "0x")[2:]))
        except Undecodable:
            return None
        told = attributes({key: log[key] for key in _KEPT if key in log})
        return Attributes(args=self._args(indexed, others), event=event.name, **told)

    def _args(self, indexed: Sequence[Any], others: Sequence[Any]) -> Attributes:
        first = iter(zip(self.event.indexed, indexed, strict=True))
        second = iter(zip(self.event.data.parameters, others, strict=True))
        args = Attributes()
        for number, each in enumerate(self.event.inputs):
            parameter, value = next(first if each.get("indexed") else second)
            args[str(each.get("name") or number)] = giver(parameter)(value)
        return args

    def _wanted(self, filters: Mapping[str, Any]) -> dict[str, list[Any]]:
        """The values each argument may have, as they come out of a log; raises ``ContractError``."""
        parameters = {str(each.get("name", "")): each for each in self.event.inputs}
        wanted: dict[str, list[Any]] = {}
        for name, given in filters.items():
            if name not in parameters:
                raise ContractError(
                    f"{self._place}: has no argument '{name}'; there are {listed(parameters)}."
                    f"{suggestion(name, parameters)}"
                )
            choices = given if isinstance(given, list | set | tuple | frozenset) else [given]
            try:
                wanted[name] = [self._as_logged(parameters[name], each, name) for each in choices]
            except Misfit as reason:
                raise ContractError(f"{self._place}: {reason}") from None
        return wanted

    def _as_logged(self, parameter: Parameter, given: Any, name: str) -> Any:
        """A value as it comes out of a log: of an indexed text, a topic holds only the hash."""
        value = taker(parameter)(given, name)
        if not parameter.get("indexed") or parameter in self.event.indexed:
            return giver(parameter)(value)
        if parameter["type"] in {"string", "bytes"}:
            return keccak(value.encode() if isinstance(value, str) else value)
        raise Misfit(f"{name}: a log holds only the hash of it; filter what get_logs() gives.")

    def _topics(self, wanted: Mapping[str, Sequence[Any]]) -> list[Any]:
        topics: list[Any] = [] if self.event.is_anonymous else [self.topic]
        given = [each for each in self.event.inputs if each.get("indexed")]
        for parameter, held in zip(given, self.event.indexed, strict=True):
            name = str(parameter.get("name", ""))
            if name in wanted:
                codec = Codec((held,))
                topics.append(["0x" + codec.encode([value]).hex() for value in wanted[name]])
            else:
                topics.append(None)
        while topics and topics[-1] is None:
            topics.pop()
        return topics


def _fits(args: Mapping[str, Any], wanted: Mapping[str, Sequence[Any]]) -> bool:
    return all(args[name] in values for name, values in wanted.items())


def _logs(receipt: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (_plain(each) for each in receipt["logs"])


def _plain(log: Mapping[str, Any]) -> dict[str, Any]:
    """A log with bytes as 0x hex, whoever made it a Python value."""
    return {key: [_hex(each) for each in value] if key == "topics" else _hex(value) for key, value in dict(log).items()}


def _hex(value: Any) -> Any:
    return "0x" + value.hex().removeprefix("0x") if isinstance(value, bytes) else value
