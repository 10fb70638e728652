"""The networks of a plan: which keys go with which kind, what is forked from what, and where nodes answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from pytest_rollout.core.errors import listed, suggestion
from pytest_rollout.core.rollout import Network, NetworkKind, Url
from pytest_rollout.plan import texts
from pytest_rollout.plan.durations import duration
from pytest_rollout.plan.sentence import GIVEN, Place, Unfit, Written, some
from pytest_rollout.plan.settings import existing

if TYPE_CHECKING:
    from pytest_rollout.plan.network_shape import NetworkTable

_KINDS_OF: Mapping[str, tuple[str, ...]] = {
    "chain_id": ("tester", "anvil", "rpc"),
    "binary": ("anvil", "fork"),
    "hardfork": ("tester", "anvil", "fork"),
    "state": ("anvil",),
    "of": ("fork",),
    "block": ("fork",),
    **dict.fromkeys(
        ("url", "finality", "genesis", "client", "max_head_age", "quorum", "writes"),
        ("rpc",),
    ),
}
_INSTEAD = {
    ("tester", "binary"): "a network of kind tester runs no program; leave binary out.",
    ("fork", "chain_id"): "a fork has the chain id of the network it is forked from; leave chain_id out.",
    ("tester", "state"): "a network of kind tester cannot load a state; use kind anvil.",
}
_FORKED = (NetworkKind.RPC, NetworkKind.ANVIL)
_NOT_FORKED = {
    NetworkKind.TESTER: ", whose state no other program can take over",
    NetworkKind.FORK: ", a fork itself; fork what it is forked from",
}
_SHOWN = re.compile(r"(?P<scheme>https?)://(?:[^/?#@]*@)?(?P<host>[^/?#\s]+)")
_WHOLE = re.compile(r"<[A-Za-z_][A-Za-z0-9_]*>")
_LONGEST_PLAIN_SEGMENT = 12
_MAX_HEAD_AGE = timedelta(minutes=10)
_SCHEMES = ("http", "https")


def read_networks(written: Written, folder: Path, tables: Mapping[str, NetworkTable]) -> dict[str, Network]:
    """The declared networks by name, in the order written; a fork holds what it is forked from."""
    for name in tables:
        written.read(("networks",), name, texts.key_name)
    reader = _Reader(written, folder, tables)
    return {name: reader.network(name) for name in tables}


def secrets_in(networks: Mapping[str, Network]) -> dict[str, str]:
    """URLs that hold a key, by their place: one written into the plan is kept out of texts like one of ``${NAME}``."""
    return {
        f"networks.{name}.url{number or ''}": url.value
        for name, network in networks.items()
        for number, url in enumerate(network.urls)
        if _holds_key(url.value)
    }


class _Reader:
    def __init__(self, written: Written, folder: Path, tables: Mapping[str, NetworkTable]) -> None:
        self._written = written
        self._folder = folder
        self._tables = tables
        self._found: dict[str, Network] = {}

    def network(self, name: str) -> Network:
        if name not in self._found:
            self._found[name] = self._network(name, self._tables[name], ("networks", name))
        return self._found[name]

    def _network(self, name: str, table: NetworkTable, place: Place) -> Network:
        written, kind = self._written, NetworkKind(table.kind)
        self._check_keys(table, kind, place)
        role = texts.key_like(
            texts.ACCOUNT, "account role; write lower-case letters, digits, '-' or '_', such as 'pauser'"
        )
        for account in table.accounts:
            written.read((*place, "accounts"), account, role)
        for key in ("binary", "client"):
            if (text := getattr(table, key)) is not None:
                written.read((*place, key), text, texts.line)
        urls = self._urls(table, place) if kind is NetworkKind.RPC else ()
        age = table.max_head_age
        return Network(
            name=name,
            kind=kind,
            chain_id=table.chain_id,
            accounts=dict(table.accounts),
            binary=table.binary,
            hardfork=table.hardfork,
            state=None if table.state is None else self._state(table.state, place),
            of=self._of(table, place) if kind is NetworkKind.FORK else None,
            block=table.block,
            urls=urls,
            finality=table.finality,
            genesis=None if table.genesis is None else self._genesis(table.genesis, place),
            client=table.client,
            max_head_age=_MAX_HEAD_AGE if age is None else written.read((*place, "max_head_age"), age, duration),
            quorum=self._quorum(table, len(urls), place),
            writes=table.writes,
        )

    def _check_keys(self, table: NetworkTable, kind: NetworkKind, place: Place) -> None:
        for key in sorted(table.model_fields_set & _KINDS_OF.keys(), key=list(_KINDS_OF).index):
            kinds = _KINDS_OF[key]
            if kind.value not in kinds:
                text = _INSTEAD.get((kind.value, key)) or (
                    f"a network of kind {kind.value} has no {key}; that is for kind {' or '.join(kinds)}, leave it out."
                )
                raise self._written.wrong((*place, key), text)
        for key, needed, example in (
            ("url", NetworkKind.RPC, 'url = "${MAINNET_RPC_URL}"'),
            ("chain_id", NetworkKind.RPC, "chain_id = 1"),
            ("of", NetworkKind.FORK, 'of = "mainnet"'),
        ):
            if kind is needed and getattr(table, key) is None:
                raise self._written.wrong(
                    place, f"a network of kind {kind.value} needs '{key}'; write for example {example}."
                )

    def _of(self, table: NetworkTable, place: Place) -> Network:
        forked = [name for name, each in self._tables.items() if each.kind in _FORKED]
        upstream = self._tables.get(str(table.of))
        if upstream is None:
            near = suggestion(str(table.of), forked)
            raise self._written.wrong(
                (*place, "of"), f"no network {GIVEN}; those of kind rpc and anvil are {some(forked)}.{near}"
            )
        if upstream.kind not in _FORKED:
            why = _NOT_FORKED[NetworkKind(upstream.kind)]
            raise self._written.wrong(
                (*place, "of"),
                f"{GIVEN} is of kind {upstream.kind}{why}; those of kind rpc and anvil are forked: {some(forked)}.",
            )
        if upstream.kind == NetworkKind.ANVIL and table.block is not None:
            raise self._written.wrong(
                (*place, "block"), f"an anvil is forked as it stands, and {table.of} is one; leave block out."
            )
        return self.network(str(table.of))

    def _state(self, text: str, place: Place) -> Path:
        return self._written.read((*place, "state"), text, existing(self._folder, Path.is_file, "file"))

    def _genesis(self, text: str, place: Place) -> str:
        form = texts.like(texts.WORD, "block hash; it is 0x and 64 hexadecimal digits")
        return self._written.read((*place, "genesis"), text, form).lower()

    def _quorum(self, table: NetworkTable, count: int, place: Place) -> int:
        if table.quorum is not None and table.quorum > count:
            raise self._written.wrong((*place, "quorum"), f"{GIVEN} URLs cannot agree where there are {count}.")
        return table.quorum or count // 2 + 1

    def _urls(self, table: NetworkTable, place: Place) -> tuple[Url, ...]:
        given = table.url or []
        is_list = isinstance(self._written.at((*place, "url")), list)
        found: list[Url] = []
        for index, value in enumerate(given):
            where: Place = (*place, "url", index) if is_list else (*place, "url")
            display = self._written.fills.get(where)
            self._written.read(where, value, _checked)
            if value in given[:index]:
                raise self._written.wrong(where, "is listed twice; a quorum needs different nodes.")
            found.append(Url(value=value, shown=_shown(display or value)))
        shown = [each.shown for each in found]
        return tuple(
            Url(value=each.value, shown=f"{each.shown} (#{number})") if shown.count(each.shown) > 1 else each
            for number, each in enumerate(found, 1)
        )


def _checked(text: str) -> str:
    """A URL a node may answer at; what is wrong is told without showing it."""
    if not text.isprintable() or " " in text:
        raise Unfit("has a blank or a control character in it; write one URL.")
    try:
        url = urlsplit(text)
        has_host = bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        raise Unfit("is no URL; write for example https://node.example/v1.") from None
    if url.scheme not in _SCHEMES:
        raise Unfit(f"does not begin with {listed(f'{each}://' for each in _SCHEMES)}; nodes are spoken to over HTTP.")
    if not has_host:
        raise Unfit("is a URL without a host; write for example https://node.example/v1.")
    return text


def _shown(display: str) -> str:
    """The scheme and host of a URL, or ``<NAME>`` where all of it came from the environment."""
    if _WHOLE.fullmatch(display):
        return display
    match = _SHOWN.match(display)
    return f"{match['scheme']}://{match['host']}" if match else "<url>"


def _holds_key(value: str) -> bool:
    """Whether a URL looks as if it opened a door: credentials, a query, or a long part of the path."""
    url = urlsplit(value)
    long = any(len(part) > _LONGEST_PLAIN_SEGMENT for part in url.path.split("/"))
    return bool(url.username or url.password or parse_qsl(url.query) or long)
