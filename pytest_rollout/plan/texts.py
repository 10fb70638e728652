"""Short texts that become values: names, lines, addresses, head counts, shares."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from fractions import Fraction

from pytest_rollout.core.errors import suggestion
from pytest_rollout.core.rollout import NAME
from pytest_rollout.core.units import UnitError, quantity
from pytest_rollout.plan.sentence import GIVEN, Unfit, quoted, some

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
WORD = re.compile(r"0x[0-9a-fA-F]{64}")
METRIC = re.compile(r"[a-z][a-z0-9_-]{0,63}")
ROLE = re.compile(r"[A-Z][A-Z0-9_]{0,63}|0x[0-9a-fA-F]{64}")
ACCOUNT = re.compile(r"[a-z][a-z0-9_-]{0,31}")
CONTRACT = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,127}")
FLAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
LEDGER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
USERS = re.compile(r"([0-9]{1,12})(?:(\.\.)([0-9]{1,12})?)?")
SHARE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,6})? ?%")
LONGEST_LINE = 300


def line(text: str) -> str:
    """One line that can stand in a terminal, a report and a node id; raises ``Unfit``."""
    if not text.strip() or text != text.strip():
        raise Unfit(f"{GIVEN} is empty or padded; write one line of text without blanks around it.")
    if not text.isprintable():
        raise Unfit(f"{GIVEN} has a line break, tab or control character; write one line of plain text.")
    if len(text) > LONGEST_LINE:
        raise Unfit(f"{GIVEN} has {len(text)} characters; {LONGEST_LINE} are the most.")
    return text


def item_name(text: str) -> str:
    """A line that is part of a node id, so without ``::``; raises ``Unfit``."""
    if "::" in line(text):
        raise Unfit(f"{GIVEN} has '::', which separates the parts of an item's id; write it another way.")
    return text


def name(text: str, *, shown: str = GIVEN) -> str:
    """The name of a rollout, stage or network; raises ``Unfit`` with a name that would do."""
    if NAME.fullmatch(text):
        return text
    foreign = next((c for c in text if not c.isascii() and c.isprintable()), "")
    why = f" and has {unicodedata.name(foreign, 'a character')} in it" if foreign else ""
    raise Unfit(
        f"{shown} is no name{why}; a name is lower-case letters, digits and '-', begins with a letter "
        f"and has at most 32 characters.{suggestion(text, [_tidied(text)])}"
    )


def key_name(text: str) -> str:
    """As ``name``, for a key, which the sentence has to show by itself."""
    return name(text, shown=quoted(text))


def _tidied(text: str) -> str:
    plain = re.sub(r"[\s_.]+", "-", unicodedata.normalize("NFKC", text).casefold().strip())
    return plain if NAME.fullmatch(plain) else ""


def folded(text: str) -> str:
    """What two texts share that only look different: Unicode form, case, blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def key_like(form: re.Pattern[str], what: str) -> Callable[[str], str]:
    """A reader for keys of one form; ``what`` completes 'is no …'."""

    def check(text: str) -> str:
        if not form.fullmatch(text):
            raise Unfit(f"{quoted(text)} is no {what}.")
        return text

    return check


def like(form: re.Pattern[str], what: str) -> Callable[[str], str]:
    """A reader for strings of one form; ``what`` completes 'is no …'."""

    def check(text: str) -> str:
        if not form.fullmatch(text):
            raise Unfit(f"{GIVEN} is no {what}.")
        return text

    return check


word = like(WORD, "hash of 32 bytes; write 0x and 64 hexadecimal digits")


def party(accounts: Collection[str], contracts: Collection[str]) -> Callable[[str], str]:
    """A reader for who holds something: an address, an account role, or a contract's name."""

    def check(text: str) -> str:
        if ADDRESS.fullmatch(text) or text in accounts or text in contracts:
            return text
        raise Unfit(
            f"{GIVEN} is no address (0x and 40 hexadecimal digits), no account role "
            f"({some(accounts)}) and no contract.{suggestion(text, [*accounts, *contracts])}"
        )

    return check


def users(given: int | str) -> tuple[int, int | None]:
    """How many users: ``10``, ``"10..20"``, or ``"100.."`` with no upper end."""
    match = USERS.fullmatch(str(given))
    if match is None:
        raise Unfit(f"{GIVEN} is no number of users; write 10, '10..20' or '100..'.")
    least = int(match[1])
    if not match[2]:
        return least, least
    most = int(match[3]) if match[3] else None
    if most is not None and most < least:
        raise Unfit(f"{GIVEN} ends before it begins; write the smaller number first.")
    return least, most


def share(text: str) -> Fraction:
    """A share of one from ``25 %``; raises ``Unfit`` outside 0 to 100 %."""
    try:
        value = quantity(text) if len(text) <= LONGEST_LINE else None
    except UnitError:
        value = None
    if value is None or value.unit.symbol != "%":
        raise Unfit(f"{GIVEN} is no share; write per cent, such as '25 %'.")
    if not 0 <= value.base <= 1:
        raise Unfit(f"{GIVEN} is outside 0 % to 100 %.")
    return value.base


def confidence(text: str) -> Fraction:
    """A confidence of one from ``99.9 %``; raises ``Unfit`` unless from 50 % to below 100 %."""
    value = share(text)
    if not Fraction(1, 2) <= value < 1:
        raise Unfit(f"{GIVEN} is no confidence a sample can give; allowed is from 50 % to below 100 %.")
    return value
