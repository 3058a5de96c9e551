"""What a query may be, which tables it asks, and of these which days. [L-4, L-8]

The engine's own parser and planner decide, not a second reading of the text: statements that are
not queries are refused by its options, and of the plan every node has to be one that is known, and
every table one of the lake's. There are no table functions, no file names, no catalogue of tables
and no recursion to be asked for.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
from datafusion import (
    DataFrame,
    Expr,
    LogicalPlan,
    RuntimeEnvBuilder,
    SessionConfig,
    SessionContext,
    SQLOptions,
)
from datafusion.expr import TableScan

from datalake.query.engine import shapes

THREADS: Final = 2
TABLE_FUNCTIONS: Final = ("generate_series", "range")
KNOWN_NODES: Final = frozenset(
    {"Aggregate", "Distinct", "EmptyRelation", "Filter", "Join", "Limit", "Projection"}
    | {"Repartition", "Sort", "Subquery", "SubqueryAlias", "TableScan", "Union", "Unnest"}
    | {"Values", "Window", "WindowExpr"}
)
QUERIES_ONLY: Final = (
    SQLOptions().with_allow_ddl(False).with_allow_dml(False).with_allow_statements(False)
)
_SETTINGS: Final = {
    "datafusion.catalog.information_schema": "false",
    "datafusion.execution.enable_recursive_ctes": "false",
    # a subquery is then a node of the plan, where its tables and days are seen
    "datafusion.optimizer.enable_physical_uncorrelated_scalar_subquery": "false",
}


class NotAllowed(ValueError):
    """The query asks for what no query may do."""


def session(memory_bytes: int) -> SessionContext:
    """An engine that spills nothing to disk and has no functions that make tables."""
    config = SessionConfig(dict(_SETTINGS)).with_target_partitions(THREADS)
    runtime = RuntimeEnvBuilder().with_disk_manager_disabled()
    made = SessionContext(config, runtime.with_greedy_memory_pool(memory_bytes))
    for name in TABLE_FUNCTIONS:
        made.deregister_udtf(name)
    return made


def register_empty(context: SessionContext, folder: str, tables: Mapping[str, Any]) -> None:
    """The tables without a file, to plan a query: the day is a column that conditions can be
    pushed down to.
    """
    for name, avro in tables.items():
        context.register_avro(
            name.lower(),
            folder,
            schema=shapes.arrow_schema(avro, lowered=True),
            table_partition_cols=[(shapes.DAY, pa.string())],
        )


def checked(context: SessionContext, sql: str, tables: Iterable[str]) -> DataFrame:
    """The query, planned. Raises NotAllowed, and whatever the engine raises for what is no query at
    all.
    """
    planned = context.sql(sql, QUERIES_ONLY)
    known = {name.lower() for name in tables}
    for node in _nodes(planned.logical_plan()):
        _require_known(node, known)
    return planned


def _require_known(node: Any, tables: set[str]) -> None:
    kind = type(node).__name__
    if isinstance(node, TableScan):
        if node.table_name() not in tables:
            raise NotAllowed(f"There is no table {node.table_name()}.")
    elif kind not in KNOWN_NODES:
        raise NotAllowed(f"Only SELECT is allowed; {kind} is not.")


def _nodes(plan: LogicalPlan) -> Iterator[Any]:
    yield plan.to_variant()
    for below in plan.inputs():
        yield from _nodes(below)


def periods_read(planned: DataFrame, periods: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Of each table that the query reads, by the name it has in `periods`: the periods in which
    records can be that its conditions on the day let through.
    """
    names = {name.lower(): name for name in periods}
    read: dict[str, set[str]] = {}
    for node in _nodes(planned.optimized_logical_plan()):
        if isinstance(node, TableScan):
            name = names[node.table_name()]
            found = _matching(node.table_name(), node.filters(), periods[name])
            read.setdefault(name, set()).update(found)
    return {name: sorted(found) for name, found in read.items()}


def _matching(table: str, filters: Iterable[Any], periods: list[str]) -> set[str]:
    """The engine itself says which days its conditions let through."""
    pairs = [(period, day) for period in periods for day in _days(period)]
    if not pairs:
        return set()
    of_days = SessionContext().from_pydict(
        {"period": [each[0] for each in pairs], shapes.DAY: [each[1] for each in pairs]}, name=table
    )
    for each in map(Expr, filters):
        if _asks_for_day_alone(each, table):
            of_days = of_days.filter(each)
    return set(of_days.to_pydict()["period"])


def _asks_for_day_alone(condition: Expr, table: str) -> bool:
    """A condition at a table names no column but the table's own, each with the table's name."""
    text = condition.canonical_name()
    days = text.count(f"{table}.{shapes.DAY}")
    return 0 < days == text.count(f"{table}.")


def _days(period: str) -> list[str]:
    """The days of `2026-01-20` or `2026-01`."""
    if len(period) > len("2026-01"):
        return [period]
    year, _, month = period.partition("-")
    return [f"{period}-{day:02}" for day in range(1, monthrange(int(year), int(month))[1] + 1)]
