"""What a node keeps through ``evm_revert`` although a test set it.

Measured on anvil 1.7: mining mode, block interval, coinbase, chain id, impersonated accounts and
the next base fee all outlive a revert; a test that switched mining off would leave the next one
waiting for a block that never comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Call = tuple[str, tuple[Any, ...]]

_NOWHERE = "0x" + "00" * 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """``setter`` with ``default`` brings back what a fresh node has."""

    name: str
    setter: str
    default: tuple[Any, ...]


_AUTOMINE = _Setting(name="automine", setter="evm_setAutomine", default=(True,))
_INTERVAL = _Setting(name="interval", setter="anvil_setIntervalMining", default=(0,))
_STEP = _Setting(name="step", setter="anvil_removeBlockTimestampInterval", default=())
_COINBASE = _Setting(name="coinbase", setter="anvil_setCoinbase", default=(_NOWHERE,))
_ANYONE = _Setting(name="anyone", setter="anvil_autoImpersonateAccount", default=(False,))

_METHODS: Mapping[str, _Setting] = {
    "setAutomine": _AUTOMINE,
    "setIntervalMining": _INTERVAL,
    "setBlockTimestampInterval": _STEP,
    "removeBlockTimestampInterval": _STEP,
    "setCoinbase": _COINBASE,
    "autoImpersonateAccount": _ANYONE,
}
_NAMESPACES = ("anvil", "evm", "hardhat")


class Settings:
    """Settings that differ from a fresh node's, as seen in the calls that pass by."""

    def __init__(self, chain_id: int) -> None:
        self._chain_id = _Setting(name="chain id", setter="anvil_setChainId", default=(chain_id,))
        self._methods = {**_METHODS, "setChainId": self._chain_id}
        self._changed: dict[str, Call] = {}
        self._restore: dict[str, Call] = {}

    @property
    def mines_at_once(self) -> bool:
        """Whether a sent transaction is mined before the next call."""
        return self._changed.get("automine", ("", (True,)))[1] == (True,) and "interval" not in self._changed

    def saw(self, method: str, params: Sequence[Any]) -> None:
        """Take note of a call that was answered."""
        namespace, _, verb = method.partition("_")
        if namespace not in _NAMESPACES:
            return
        call = (method, tuple(params))
        if setting := self._methods.get(verb):
            self._changed[setting.name] = call
            self._restore[setting.name] = (setting.setter, setting.default)
        elif verb in {"impersonateAccount", "stopImpersonatingAccount"} and params:
            key = f"as {str(params[0]).lower()}"
            self._changed[key] = call
            self._restore[key] = ("anvil_stopImpersonatingAccount", tuple(params))

    def copy(self) -> Mapping[str, Call]:
        """The settings as they are, to come back to."""
        return dict(self._changed)

    def back_to(self, earlier: Mapping[str, Call]) -> list[Call]:
        """The calls that bring ``earlier`` back; automatic mining last, as intervals end it."""
        changed = [name for name, call in self._changed.items() if earlier.get(name) != call]
        calls = [earlier.get(name) or self._restore[name] for name in changed]
        if "interval" in changed and "automine" not in changed:
            calls.append(earlier.get("automine") or (_AUTOMINE.setter, _AUTOMINE.default))
        self._changed = dict(earlier)
        return sorted(calls, key=lambda call: call[0].endswith("setAutomine"))
