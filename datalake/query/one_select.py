"""What may be sent to Athena, which itself would also drop tables and write files: one SELECT over
the lake's tables. Pure. [L-8]

The text is read by sqlglot in Athena's dialect, judged, and written anew from what was read: what
runs is what was judged, whatever the two readers make of a comment.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from itertools import takewhile
from operator import is_not
from typing import Any, Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from datalake.errors import QueryRefused

DIALECT: Final = "athena"
_WRITES: Final = (exp.DDL, exp.DML, exp.Command, exp.Into, exp.Set, exp.Describe, exp.Show)
_TABLES_MADE: Final = "Table functions are not allowed. Select from the lake's tables."
# it would repeat the text, which may name fans
logging.getLogger("sqlglot").addFilter(lambda record: False)


def checked(sql: str, *, tables: Collection[str], database: str) -> str:
    """The query as it may run. `tables` in lower case. Raises QueryRefused."""
    statement = _only_statement(sql)
    ours = {name.lower() for name in tables}
    for node in statement.walk():
        if isinstance(node, _WRITES):
            raise QueryRefused("Only SELECT is allowed.")
        if isinstance(node, exp.Table):
            _require_ours(node, ours, database)
        if isinstance(node, exp.With) and node.args.get("recursive"):
            raise QueryRefused("Recursive queries are not allowed.")
    return str(statement.sql(dialect=DIALECT, comments=False))


def _only_statement(sql: str) -> Any:
    try:
        found = [each for each in sqlglot.parse(sql, dialect=DIALECT) if each is not None]
    except RecursionError:
        raise QueryRefused("The query is nested too deeply.") from None
    except SqlglotError as error:
        raise QueryRefused(_reason(error)) from error
    if len(found) != 1 or not isinstance(found[0], exp.Query):
        raise QueryRefused("Only SELECT is allowed, one statement at a time.")
    return found[0]


def _reason(error: SqlglotError) -> str:
    """Where the text cannot be read; not the text itself, which it underlines for a terminal."""
    for each in getattr(error, "errors", []):
        return f"{each['description']} Line {each['line']}, column {each['col']}."
    return "The query cannot be read."


def _require_ours(table: Any, ours: set[str], database: str) -> None:
    if not isinstance(table.this, exp.Identifier):
        raise QueryRefused(_TABLES_MADE)
    name, place = table.name.lower(), table.db.lower()
    if table.catalog or place not in ("", database.lower()):
        raise QueryRefused(f"There is no database {table.catalog or table.db}.")
    if name not in ours and (place or name not in _given(table)):
        raise QueryRefused(f"There is no table {table.name}.")


def _given(table: Any) -> Iterator[str]:
    """The names that WITH gives where this table stands: those of the queries around it, and within
    a WITH only the earlier ones. Anywhere else, Athena reads a table of that name.
    """
    inner, outer = table, table.parent
    while outer is not None:
        if isinstance(outer, exp.With):
            yield from _names(takewhile(partial(is_not, inner), outer.expressions))
        elif (given := outer.args.get("with_")) and given is not inner:
            yield from _names(given.expressions)
        inner, outer = outer, outer.parent


def _names(given: Iterable[Any]) -> Iterator[str]:
    return (each.alias_or_name.lower() for each in given)
