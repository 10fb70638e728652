"""SQL read with sqlglot: what a migration does that cannot be taken back, and conditions spelt alike."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.database import Risk
from pytest_rollout.core.errors import StoreError
from pytest_rollout.sql.opening import needs

if TYPE_CHECKING:
    from sqlglot.expressions import Expression

_DIALECTS = {"postgresql": "postgres", "sqlite": "sqlite"}
_SHOWN = 120
_DROPS = {
    "TABLE": Risk.DROP_TABLE,
    "COLUMN": Risk.DROP_COLUMN,
    "CONSTRAINT": Risk.DROP_CONSTRAINT,
    "INDEX": Risk.DROP_INDEX,
}


def risks(text: str, dialect: str) -> list[tuple[str, str]]:
    """Each risk of a migration and the statement that has it, cut where it is long. Raises ``StoreError``."""
    found: list[tuple[str, str]] = []
    for tree in _parsed(text, dialect):
        shown = " ".join(tree.sql(dialect=_DIALECTS[dialect]).split())
        shown = shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}…"
        found += [(risk.value, shown) for risk in dict.fromkeys(_risks(tree))]
    return found


def split(text: str, dialect: str) -> list[str]:
    """The statements of a migration, each as it is written; a semicolon in a text is no end. Raises ``StoreError``."""
    sqlglot = _library()
    try:
        tokens = sqlglot.tokenize(text, dialect=_DIALECTS[dialect])
    except sqlglot.errors.SqlglotError as error:
        raise StoreError(f"is no SQL that can be read ({_first(error)}).") from None
    ends = [each.start for each in tokens if each.token_type.name == "SEMICOLON"]
    starts = [0, *(end + 1 for end in ends)]
    parts = (text[start:end] for start, end in zip(starts, [*ends, len(text)], strict=True))
    return [each.strip() for each in parts if each.strip()]


def condition(text: str, dialect: str) -> str:
    """What a condition means, without the casts and brackets that databases add, so that spellings compare."""
    sqlglot = _library()
    exp = sqlglot.exp
    try:
        with _quiet():
            tree = sqlglot.parse_one(text, dialect=_DIALECTS[dialect], into=exp.Condition)
    except sqlglot.errors.SqlglotError:
        return " ".join(text.split())
    tree = exp.Tuple(expressions=[tree])
    while node := tree.find(exp.Cast, exp.Paren):
        node.replace(node.this)
    for node in list(tree.find_all(exp.EQ)):
        if isinstance(node.expression, exp.Any) and isinstance(node.expression.this, exp.Array):
            node.replace(exp.In(this=node.this, expressions=node.expression.this.expressions))
    for name in tree.find_all(exp.Identifier):
        name.replace(exp.Identifier(this=name.name if name.args.get("quoted") else name.name.casefold(), quoted=False))
    return repr(tree)  # a tree keeps what belongs together, with no brackets to compare


def _parsed(text: str, dialect: str) -> Iterator[Expression]:
    sqlglot = _library()
    try:
        with _quiet():
            trees = sqlglot.parse(text, dialect=_DIALECTS[dialect])
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise StoreError(f"is no SQL that can be read ({_first(error)}).") from None
    yield from (each for each in trees if each is not None)


def _risks(tree: Expression) -> Iterator[Risk]:
    exp = _library().exp
    if isinstance(tree, exp.Command):
        yield Risk.UNREAD
    for node in tree.find_all(
        exp.Drop, exp.Delete, exp.Update, exp.TruncateTable, exp.AlterColumn, exp.AlterRename, exp.RenameColumn
    ):
        if isinstance(node, exp.Drop):
            yield _DROPS.get(str(node.args.get("kind", "")).upper(), Risk.DROP_OTHER)
        elif isinstance(node, exp.Delete):
            yield Risk.DELETE
        elif isinstance(node, exp.Update):
            yield Risk.UPDATE
        elif isinstance(node, exp.TruncateTable):
            yield Risk.TRUNCATE
        elif isinstance(node, exp.AlterColumn):
            if node.args.get("dtype") is not None:
                yield Risk.CHANGE_TYPE
        else:
            yield Risk.RENAME
    if isinstance(tree, exp.Create) and str(tree.args.get("kind", "")).upper() in {"FUNCTION", "PROCEDURE", "TRIGGER"}:
        yield Risk.UNREAD


@contextmanager
def _quiet() -> Iterator[None]:
    """The parser warns of what it keeps as text, which is told as a risk."""
    logger = logging.getLogger("sqlglot")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _first(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:200]


def _library() -> Any:
    try:
        import sqlglot  # noqa: PLC0415 - an extra
        import sqlglot.errors  # noqa: PLC0415
    except ModuleNotFoundError:
        raise needs("sqlglot") from None
    return sqlglot
