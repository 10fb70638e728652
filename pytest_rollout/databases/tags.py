"""Every row's tag held against what of the row refers to a chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.database import Tag
from pytest_rollout.core.errors import StoreError
from pytest_rollout.databases.rows import named
from pytest_rollout.sql.opening import known

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST_LISTED = 50
MOST_REFERENCES = 1_000_000
_BATCH = 200

Group = tuple[Any, Any, int]
"""A tag, a reference, and how many rows have both."""


def tagged(
    connection: Connection, table: str, schema: str | None, tag: Tag, books: Mapping[str, Any]
) -> dict[str, Any]:
    """``{rows, tags, wrong, unsure, listed}``: what ``Tag`` is judged by. Raises what a chain's node cannot answer."""
    known(connection, table, schema)
    told = _Told()
    for value, _, count in _groups(connection, table, schema, (tag.column,)):
        told.rows += count
        name = "no tag" if value is None else str(value)
        told.tags[name] = told.tags.get(name, 0) + count
        if name not in tag.networks:
            told.wrong_one(f"{count} rows say {name!r}, which stands for no network", count)
    for what, column in tag.references.items():
        for groups in _batches(_groups(connection, table, schema, (tag.column, column))):
            _look(what, column, tag, groups, books, told)
    return {"rows": told.rows, "tags": told.tags, "wrong": told.wrong, "unsure": told.unsure, "listed": told.listed}


class _Told:
    def __init__(self) -> None:
        self.rows = self.wrong = self.unsure = 0
        self.tags: dict[str, int] = {}
        self.listed: list[str] = []

    def wrong_one(self, text: str, count: int) -> None:
        self.wrong += count
        if len(self.listed) < MOST_LISTED:
            self.listed.append(text)


def _look(what: str, column: str, tag: Tag, groups: Sequence[Group], books: Mapping[str, Any], told: _Told) -> None:
    for value, network in tag.networks.items():
        mine = [(reference, count) for name, reference, count in groups if str(name) == value and name is not None]
        there = [each for each in mine if each[0] is not None]
        lacking = sum(count for reference, count in mine if reference is None)
        if lacking and not tag.optional:
            told.wrong_one(f"{lacking} rows of {value} have no {column}", lacking)
        if there:
            for reference, count, why in _WAYS[what](tag, network, there, books):
                told.wrong_one(f"{value}, and {column} {str(reference)[:80]} {why}", count)


def _by_chain_id(
    tag: Tag, network: str, there: Sequence[tuple[Any, int]], _books: Mapping[str, Any]
) -> Iterator[tuple[Any, int, str]]:
    expected = tag.chain_ids[network]
    for reference, count in there:
        if str(reference) != str(expected):
            yield reference, count, f"is not {network}'s {expected}"


def _by_contract(
    _tag: Tag, network: str, there: Sequence[tuple[Any, int]], books: Mapping[str, Any]
) -> Iterator[tuple[Any, int, str]]:
    book = books[network]
    addresses = {str(book.where(name)).lower() for name in book.names()}
    if not addresses:
        raise StoreError(f"no contract of {network} is known; record its deployments in [contracts.deployments].")
    for reference, count in there:
        if _hex(reference) not in addresses:
            yield reference, count, f"is no contract of {network}"


def _by_transaction(
    _tag: Tag, network: str, there: Sequence[tuple[Any, int]], books: Mapping[str, Any]
) -> Iterator[tuple[Any, int, str]]:
    chain = books[network].chain
    answers = chain.batch([("eth_getTransactionByHash", (_hex(reference),)) for reference, _ in there])
    for (reference, count), answer in zip(there, answers, strict=True):
        if isinstance(answer, Exception):
            raise StoreError(f"{network} did not say whether it knows {_hex(reference)[:80]}: {answer}")
        if answer is None:
            yield reference, count, f"is no transaction that {network} knows"
        elif answer.get("blockNumber") is None:
            yield reference, count, f"is not mined on {network}"


_WAYS = {"chain_id": _by_chain_id, "contract": _by_contract, "transaction": _by_transaction}


def _hex(value: Any) -> str:
    """An address or hash in lower-case hex, however the database keeps it."""
    if isinstance(value, bytes | memoryview):
        return f"0x{bytes(value).hex()}"
    text = str(value).strip().lower()
    return text if text.startswith("0x") else f"0x{text}"


def _groups(connection: Connection, table: str, schema: str | None, columns: Sequence[str]) -> Iterator[Group]:
    from sqlalchemy import func, select  # noqa: PLC0415 - loaded by now

    source = named(table, schema, columns)
    picked = [source.c[name] for name in columns]
    statement = select(*picked, func.count()).select_from(source).group_by(*picked)
    result = connection.execution_options(stream_results=True).execute(statement)
    number = 0
    for batch in result.partitions(_BATCH):
        for row in batch:
            number += 1
            if number > MOST_REFERENCES:
                raise StoreError(
                    f"more than {MOST_REFERENCES} different values in {columns[-1]}; look at a part of them."
                )
            yield row[0], row[1] if len(columns) > 1 else None, int(row[-1])


def _batches(groups: Iterator[Group]) -> Iterator[list[Group]]:
    some: list[Group] = []
    for each in groups:
        some.append(each)
        if len(some) == _BATCH:
            yield some
            some = []
    if some:
        yield some
