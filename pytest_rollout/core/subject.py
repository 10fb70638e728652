"""What a judgement is about, and what of it moved since (rules 22, 33 and 35)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pytest_rollout.core.records import Record

_SHOWN = 5
"""So many changes are named one by one; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """One recorded contract on a real chain: addresses in lower case, hashes of code (Keccak-256) as 0x hex.

    ``code_hash`` is empty where no code is, the other two where it is no proxy of EIP-1967 and delegates to nobody.
    """

    address: str
    code_hash: str
    implementation: str = ""
    implementation_code_hash: str = ""

    def document(self) -> dict[str, object]:
        """As it stands in ``verdict.json``."""
        return {
            "address": self.address,
            "code_hash": self.code_hash,
            "implementation": self.implementation,
            "implementation_code_hash": self.implementation_code_hash,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a judgement is about. A promotion measures it again; see ``moved``.

    ``commit`` is a git object name or empty outside a repository; ``committed`` is whether every
    byte of the gate equals that commit's. Digests are SHA-256 in hex. ``chain_id``, ``genesis``,
    ``block`` and ``block_hash`` are those of the chain that was read, 0 and empty where there was
    none; ``contracts`` are the recorded ones of the real chains that were read, at the blocks they were
    read at, those of other networks as ``network.Name``; on a chain that ends with the run, the declared ones that
    it saw there. ``artifacts`` maps declared contracts of such a chain to the hash (Keccak-256, 0x hex) of the code
    that their artifacts put on it: the chain is made anew each time, and this is what may be compared. ``flags``
    maps each flag of the provider to the digest of its definition, ``engines`` each engine to its version, or the
    digest of its file. ``packages`` are the installed distributions with their versions, of which
    ``packages_digest`` is taken.
    """

    commit: str
    committed: bool
    plan_digest: str
    suite_digest: str
    packages_digest: str
    network: str = ""
    network_kind: str = ""
    chain_id: int = 0
    genesis: str = ""
    block: int = 0
    block_hash: str = ""
    contracts: Mapping[str, Deployed] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    engines: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """As it stands in ``verdict.json``."""
        return {
            "commit": self.commit,
            "committed": self.committed,
            "plan_digest": self.plan_digest,
            "suite_digest": self.suite_digest,
            "packages_digest": self.packages_digest,
            "network": self.network,
            "network_kind": self.network_kind,
            "chain_id": str(self.chain_id),
            "genesis": self.genesis,
            "block": str(self.block),
            "block_hash": self.block_hash,
            "contracts": {name: each.document() for name, each in self.contracts.items()},
            **({"artifacts": dict(self.artifacts)} if self.artifacts else {}),
            "flags": dict(self.flags),
            "engines": dict(self.engines),
            "packages": dict(self.packages),
        }

    @classmethod
    def read(cls, record: Record) -> Subject:
        """The subject in a recorded document."""
        return cls(
            commit=record.text("commit"),
            committed=record.truth("committed"),
            plan_digest=record.text("plan_digest"),
            suite_digest=record.text("suite_digest"),
            packages_digest=record.text("packages_digest"),
            network=record.text("network"),
            network_kind=record.text("network_kind"),
            **(_world(record) if "chain_id" in record.document else {}),  # type: ignore[arg-type] # by name
        )


def _world(record: Record) -> dict[str, object]:
    """What judgements say of chain, flags and engines; the first ones that were recorded did not."""
    contracts = record.table("contracts")
    tables = {name: contracts.table(name) for name in contracts.document}
    return {
        "chain_id": record.count("chain_id"),
        "genesis": record.text("genesis"),
        "block": record.count("block"),
        "block_hash": record.text("block_hash"),
        "contracts": {
            name: Deployed(
                address=each.text("address"),
                code_hash=each.text("code_hash"),
                implementation=each.text("implementation"),
                implementation_code_hash=each.text("implementation_code_hash"),
            )
            for name, each in tables.items()
        },
        "artifacts": _texts(record.table("artifacts")) if "artifacts" in record.document else {},
        "flags": _texts(record.table("flags")),
        "engines": _texts(record.table("engines")),
        "packages": _texts(record.table("packages")),
    }


def _texts(record: Record) -> dict[str, str]:
    return {name: record.text(name) for name in record.document}


def moved(then: Subject, now: Subject) -> Iterator[str]:
    """What is another than it was, a clause each; contracts are compared apart (``moved_contracts``)."""
    if changes := list(_differences(then.artifacts, now.artifacts)):
        some = "1 contract" if len(changes) == 1 else f"{len(changes)} contracts"
        yield f"the code of {some} moved since the judgement: {_some(changes)}"
    for what, before, after in (
        ("plan", then.plan_digest, now.plan_digest),
        ("suite", then.suite_digest, now.suite_digest),
        ("installed packages", then.packages_digest, now.packages_digest),
    ):
        if before != after:
            which = _some(list(_differences(then.packages, now.packages))) if what.endswith("packages") else ""
            digests = f"{before[:12] or 'none'} to {after[:12] or 'none'}"
            yield f"the {what} changed since the judgement ({digests}){f': {which}' if which else ''}"
    if (then.network, then.network_kind) != (now.network, now.network_kind):
        yield f"judged on network {_network(then)}, the stage's is now {_network(now)}"
    for what, earlier, later in (("flag", then.flags, now.flags), ("engine", then.engines, now.engines)):
        if changes := list(_differences(earlier, later)):
            yield f"{len(changes)} {what}s moved since the judgement: {_some(changes)}"


def moved_contracts(then: Mapping[str, Deployed], now: Mapping[str, Deployed]) -> Iterator[str]:
    """Which contracts of a real chain are others than they were, a clause each."""
    for name in sorted(then.keys() | now.keys()):
        before, after = then.get(name), now.get(name)
        if before is None or after is None:
            yield f"contract {name} was {'not ' if before is None else ''}there when it was judged"
            continue
        for what, one, other in (
            ("address", before.address, after.address),
            ("code hash", before.code_hash, after.code_hash),
            ("implementation", before.implementation, after.implementation),
            (
                "code hash of the implementation",
                before.implementation_code_hash,
                after.implementation_code_hash,
            ),
        ):
            if one != other:
                yield f"contract {name}: its {what} was {one or 'none'} and is {other or 'none'} now"


def _differences(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(then.keys() | now.keys()):
        before, after = then.get(name), now.get(name)
        if before is None:
            yield f"{name} is new ({after})"
        elif after is None:
            yield f"{name} is gone (was {before})"
        elif before != after:
            yield f"{name} {before[:19]} to {after[:19]}"


def _some(changes: list[str]) -> str:
    more = len(changes) - _SHOWN
    return "; ".join(changes[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _network(subject: Subject) -> str:
    return f"'{subject.network}' ({subject.network_kind or 'no kind'})"
