"""The chain: what it finds, and the one thing it cannot."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_rollout.core.entries import (
    ZERO,
    Entry,
    EntryKind,
    digest_of,
    last_of_chain,
    next_entry,
    verify_entries,
    verify_follows,
)
from pytest_rollout.core.errors import LedgerError

HOME = "a" * 32
ELSEWHERE = "b" * 32


def chain(count: int, *, ledger_id: str = HOME, mark: str = "") -> list[Entry]:
    entries: list[Entry] = []
    for number in range(count):
        kind = EntryKind.TICK if number else EntryKind.LEDGER_CREATED
        payload = f'{{"n":{number}{mark}}}'.encode()
        entries.append(next_entry(entries[-1] if entries else None, ledger_id=ledger_id, kind=kind, payload=payload))
    return entries


def test_an_untouched_chain_verifies_to_its_head() -> None:
    entries = chain(6)

    assert verify_entries(entries, ledger_id=HOME) == entries[-1]


def test_the_first_entry_follows_zero_and_each_other_the_one_before() -> None:
    entries = chain(3)

    assert [e.sequence for e in entries] == [0, 1, 2]
    assert [e.previous for e in entries] == [ZERO, entries[0].digest, entries[1].digest]


def test_the_digest_is_pinned() -> None:
    """A stranger with another language must be able to compute it from the documentation."""
    parts = (b"ab", (7).to_bytes(8, "big"), bytes(32), b"tick", b"{}")
    encoded = b"pytest-rollout ledger entry v1" + b"".join(len(p).to_bytes(8, "big") + p for p in parts)

    digest = digest_of(ledger_id="ab", sequence=7, previous=ZERO, kind="tick", payload=b"{}")

    assert digest == hashlib.sha256(encoded).hexdigest()


def edited(entries: list[Entry]) -> list[Entry]:
    return [replace(e, payload=b'{"n":9}') if e.sequence == 3 else e for e in entries]


def edited_and_rehashed(entries: list[Entry]) -> list[Entry]:
    forged = next_entry(entries[2], ledger_id=HOME, kind=EntryKind.TICK, payload=b'{"n":9}')
    return [*entries[:3], forged, *entries[4:]]


def renamed_kind(entries: list[Entry]) -> list[Entry]:
    return [replace(e, kind=EntryKind.PROMOTION) if e.sequence == 3 else e for e in entries]


def without_middle(entries: list[Entry]) -> list[Entry]:
    return [e for e in entries if e.sequence != 3]


def without_middle_renumbered(entries: list[Entry]) -> list[Entry]:
    rest = [e for e in entries if e.sequence != 3]
    return [replace(e, sequence=number) for number, e in enumerate(rest)]


def without_first(entries: list[Entry]) -> list[Entry]:
    return entries[1:]


def swapped(entries: list[Entry]) -> list[Entry]:
    return [*entries[:3], entries[4], entries[3], *entries[5:]]


def swapped_and_renumbered(entries: list[Entry]) -> list[Entry]:
    return [*entries[:3], replace(entries[4], sequence=3), replace(entries[3], sequence=4), *entries[5:]]


def doubled(entries: list[Entry]) -> list[Entry]:
    return [*entries[:4], entries[3], *entries[4:]]


def inserted(entries: list[Entry]) -> list[Entry]:
    stranger = next_entry(entries[2], ledger_id=HOME, kind=EntryKind.PROMOTION, payload=b"{}")
    return [*entries[:3], stranger, *(replace(e, sequence=e.sequence + 1) for e in entries[3:])]


def from_elsewhere(entries: list[Entry]) -> list[Entry]:
    return [*entries[:3], chain(6, ledger_id=ELSEWHERE)[3], *entries[4:]]


def from_elsewhere_relabelled(entries: list[Entry]) -> list[Entry]:
    moved = replace(chain(6, ledger_id=ELSEWHERE)[3], ledger_id=HOME, previous=entries[2].digest)
    return [*entries[:3], moved, *entries[4:]]


def from_a_sister(entries: list[Entry]) -> list[Entry]:
    return [*entries[:3], *chain(6, mark=',"x":1')[3:]]


TAMPERED = [
    (edited, "ledger entry 3: digest does not match its content; entries 0-2 verify."),
    (edited_and_rehashed, "ledger entry 4: does not follow the entry before it; entries 0-3 verify."),
    (renamed_kind, "ledger entry 3: digest does not match its content; entries 0-2 verify."),
    (without_middle, "ledger entry 3: is missing; the next one stored is 4; entries 0-2 verify."),
    (without_middle_renumbered, "ledger entry 3: does not follow the entry before it; entries 0-2 verify."),
    (without_first, "ledger entry 0: is missing; the next one stored is 1; nothing before it."),
    (swapped, "ledger entry 3: is missing; the next one stored is 4; entries 0-2 verify."),
    (swapped_and_renumbered, "ledger entry 3: does not follow the entry before it; entries 0-2 verify."),
    (doubled, "ledger entry 4: is missing; the next one stored is 3; entries 0-3 verify."),
    (inserted, "ledger entry 4: does not follow the entry before it; entries 0-3 verify."),
    (from_elsewhere, f"ledger entry 3: belongs to ledger {ELSEWHERE}, not {HOME}; entries 0-2 verify."),
    (from_elsewhere_relabelled, "ledger entry 3: digest does not match its content; entries 0-2 verify."),
    (from_a_sister, "ledger entry 3: does not follow the entry before it; entries 0-2 verify."),
]


@pytest.mark.parametrize(("tamper", "sentence"), TAMPERED, ids=[tamper.__name__ for tamper, _ in TAMPERED])
def test_tampering_is_found_and_placed(tamper: Callable[[list[Entry]], list[Entry]], sentence: str) -> None:
    with pytest.raises(LedgerError) as caught:
        verify_entries(tamper(chain(6)), ledger_id=HOME)

    assert str(caught.value).startswith(sentence)
    assert "Restore the ledger from a backup" in str(caught.value)


def test_an_empty_ledger_is_no_ledger() -> None:
    with pytest.raises(LedgerError, match=r"has no entries; create one with `rollout init`"):
        verify_entries([], ledger_id=HOME)


def test_a_cut_tail_verifies() -> None:
    """No chain can show this from inside: compare the head with one that was noted elsewhere."""
    entries = chain(6)

    assert verify_entries(entries[:4], ledger_id=HOME).digest != entries[-1].digest


def test_a_whole_chain_rewritten_verifies_to_another_head() -> None:
    """An unkeyed chain orders and binds; it does not say who wrote it. The head tells them apart."""
    rewritten = chain(6, mark=',"x":1')

    assert verify_entries(rewritten, ledger_id=HOME).digest != chain(6)[-1].digest


PAYLOADS = st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=12)


def built(payloads: list[bytes]) -> list[Entry]:
    entries: list[Entry] = []
    for payload in payloads:
        head = entries[-1] if entries else None
        entries.append(next_entry(head, ledger_id=HOME, kind=EntryKind.TICK, payload=payload))
    return entries


@settings(deadline=None)
@given(payloads=PAYLOADS, data=st.data())
def test_any_changed_byte_of_any_payload_is_found(payloads: list[bytes], data: st.DataObject) -> None:
    entries = built(payloads)
    which = data.draw(st.integers(0, len(entries) - 1))
    at = data.draw(st.integers(0, len(payloads[which]) - 1))
    bent = bytearray(payloads[which])
    bent[at] ^= data.draw(st.integers(1, 255))
    entries[which] = replace(entries[which], payload=bytes(bent))

    with pytest.raises(LedgerError, match=rf"^ledger entry {which}: digest does not match"):
        verify_entries(entries, ledger_id=HOME)


@settings(deadline=None)
@given(payloads=PAYLOADS.filter(lambda p: len(p) > 1), data=st.data())
def test_any_other_order_of_entries_is_found(payloads: list[bytes], data: st.DataObject) -> None:
    entries = built(payloads)
    order = data.draw(st.permutations(range(len(entries))).filter(lambda p: list(p) != sorted(p)))

    with pytest.raises(LedgerError):
        verify_entries([entries[at] for at in order], ledger_id=HOME)


@settings(deadline=None)
@given(payloads=PAYLOADS.filter(lambda p: len(p) > 1), data=st.data())
def test_any_entry_missing_before_the_last_is_found(payloads: list[bytes], data: st.DataObject) -> None:
    entries = built(payloads)
    del entries[data.draw(st.integers(0, len(entries) - 2))]

    with pytest.raises(LedgerError, match="is missing"):
        verify_entries(entries, ledger_id=HOME)


FIELDS = st.tuples(
    st.text(max_size=8),
    st.integers(0, 300),
    st.binary(min_size=32, max_size=32),
    st.text(max_size=8),
    st.binary(max_size=8),
)


@settings(deadline=None)
@given(one=FIELDS, other=FIELDS)
def test_different_contents_never_share_an_encoding(
    one: tuple[str, int, bytes, str, bytes], other: tuple[str, int, bytes, str, bytes]
) -> None:
    """Length prefixes: moving a byte from one field into its neighbour changes the digest."""
    digests = {
        digest_of(ledger_id=i, sequence=s, previous=p.hex(), kind=k, payload=b) for i, s, p, k, b in (one, other)
    }

    assert len(digests) == len({one, other})


def test_a_byte_moved_between_kind_and_payload_changes_the_digest() -> None:
    one = digest_of(ledger_id="a", sequence=0, previous=ZERO, kind="tick", payload=b"s{}")
    other = digest_of(ledger_id="a", sequence=0, previous=ZERO, kind="ticks", payload=b"{}")

    assert one != other


def _row(entry: Entry) -> tuple[str, int, str, str, bytes, str]:
    return entry.ledger_id, entry.sequence, entry.previous, entry.kind.value, entry.payload, entry.digest


def _asked(rows: Iterable[Any], *, mark: bytes = b"evidence") -> tuple[Any, list[int]]:
    noted: list[Any] = []
    kinds = [kind.value for kind in EntryKind]
    last = last_of_chain(rows, ledger_id=HOME, kinds=kinds, notes=[(mark, noted.append)])
    return last, [row[1] for row in noted]


def test_the_sooner_answer_is_the_head_and_notes_what_is_marked() -> None:
    rows = [_row(entry) for entry in chain(7, mark=',"evidence"')]

    assert _asked(rows) == (rows[-1], list(range(7)))
    assert _asked(rows, mark=b"nowhere") == (rows[-1], [0])
    assert _asked([]) == (None, [])


@given(st.data())
def test_the_sooner_answer_is_that_of_the_whole_verification(choices: st.DataObject) -> None:
    """Whatever is changed, left out, doubled or swapped: where one says no, the other has the sentence."""
    entries = chain(6)
    at, other = (choices.draw(st.integers(0, 5)) for _ in range(2))
    change = choices.draw(
        st.sampled_from(["none", "cut", "drop", "double", "swap", "payload", "digest", "previous", "id", "kind"])
    )
    if change == "cut":
        entries = entries[:at]
    elif change == "drop":
        del entries[at]
    elif change == "double":
        entries.insert(at, entries[at])
    elif change == "swap":
        entries[at], entries[other] = entries[other], entries[at]
    elif change != "none":
        changed: dict[str, Any] = {
            "payload": {"payload": entries[at].payload + b" "},
            "digest": {"digest": "0" * 64},
            "previous": {"previous": "1" * 64},
            "id": {"ledger_id": ELSEWHERE},
            "kind": {"kind": EntryKind.PROMOTION},
        }[change]
        entries[at] = replace(entries[at], **changed)
    try:
        head = _row(verify_entries(entries, ledger_id=HOME))
    except LedgerError:
        head = None

    assert _asked(map(_row, entries))[0] == head


def test_a_mark_at_the_very_beginning_is_one() -> None:
    rows = [_row(entry) for entry in chain(3)]

    assert _asked(rows, mark=b'{"n":2') == (rows[-1], [0, 2])


@pytest.mark.parametrize(
    "wrong", [{"sequence": 7}, {"previous": "ab" * 32}], ids=["a number skipped", "another before"]
)
def test_the_sooner_answer_believes_no_number_and_no_link(wrong: dict[str, Any]) -> None:
    """Its digest may be that of its contents all the same: whoever wrote it can reckon."""
    entries = chain(3)
    about = {"ledger_id": HOME, "sequence": 2, "previous": entries[1].digest, "kind": "tick", "payload": b"{}"} | wrong
    digest = digest_of(**about | ({"previous": entries[1].digest} if "previous" in wrong else {}))
    rows = [(e.ledger_id, e.sequence, e.previous, e.kind.value, e.payload, e.digest) for e in entries[:2]]
    rows.append((*(about[key] for key in ("ledger_id", "sequence", "previous", "kind", "payload")), digest))

    assert last_of_chain(rows, ledger_id=HOME, kinds=list(EntryKind), notes=[]) is None
    assert last_of_chain(rows[:2], ledger_id=HOME, kinds=list(EntryKind), notes=[]) == rows[1]


def test_only_what_follows_follows() -> None:
    one, two, three = chain(3)

    verify_follows(one, two)
    for entry in (one, three, replace(two, payload=b"{}"), replace(two, ledger_id=ELSEWHERE)):
        with pytest.raises(LedgerError, match=f"^ledger entry {entry.sequence}: does not follow the entry before it"):
            verify_follows(one, entry)
