"""Nodes of real chains that are asked as ever, and whose answers are altered on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from pytest_rollout.core.rollout import Network, Url
from pytest_rollout.faults.standin import Said, StandIn

Otherwise = Callable[[str, Sequence[Any], Any], Any]
"""A method, its parameters and the real result, to the result that is given."""


def misled(network: Network, stack: ExitStack, otherwise: Otherwise) -> Network:
    """The network with nodes whose results are altered; what it is forked from, where it is a fork."""
    if network.of is not None:
        return replace(network, of=misled(network.of, stack, otherwise))

    def alters(asked: bytes, said: Said) -> Said:
        try:
            questions, answered = json.loads(asked), json.loads(said.body)
        except ValueError:
            return said  # the real one did not answer what can be altered
        about = {each["id"]: (str(each.get("method")), each.get("params") or []) for each in _list(questions)}
        for each in _list(answered):
            if "result" in each and each.get("id") in about:
                each["result"] = otherwise(*about[each["id"]], each["result"])
        return replace(said, body=json.dumps(answered).encode())

    urls = tuple(
        Url(value=stack.enter_context(StandIn(url.value, alters=alters)).url, shown=url.shown) for url in network.urls
    )
    return replace(network, urls=urls)


def _list(value: Any) -> list[dict[str, Any]]:
    return value if isinstance(value, list) else [value]
