"""`plan`: which periods of which tables a query reads. `run`: its rows, from files that are open
already. [L-8]
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from datafusion import DataFrame, SessionContext

from datalake.query.engine import planning, rows, shapes

# of the memory; the rest is for decoding, and for what the engine does not count
SHARE_OF_ENGINE: Final = 0.5
LONGEST_REASON: Final = 500
_PREFIXES: Final = re.compile(
    r"^(DataFusion error|Execution error|Error during planning|Schema error|SQL error"
    r"|Arrow error|Optimizer rule '\w+' failed|External error|This feature is not implemented"
    r"|Internal error|type_coercion|caused by)[:\s]*"
)
_PARSING: Final = re.compile(r'(?:Parser|Tokenizer)Error\("(.*)"\)', re.DOTALL)
_EXHAUSTED: Final = re.compile("Resources exhausted|memory allocation failed")


def answer(asked: Mapping[str, Any]) -> None:
    """Answer, or say in a line why not: the one place that catches whatever an engine raises."""
    try:
        _plan(asked) if asked["step"] == "plan" else _run(asked)
    except MemoryError:
        _say({"exhausted": True})
    except Exception as error:  # noqa: BLE001 a binding raises what it likes; nothing is hidden
        _say({"exhausted": True} if _EXHAUSTED.search(str(error)) else {"refused": _reason(error)})


def _session(asked: Mapping[str, Any]) -> SessionContext:
    return planning.session(int(asked["memory_bytes"] * SHARE_OF_ENGINE))


def _plan(asked: Mapping[str, Any]) -> None:
    context = _session(asked)
    planning.register_empty(context, asked["folder"], asked["tables"])
    planned = planning.checked(context, asked["sql"], asked["tables"])
    _say({"reads": planning.periods_read(planned, asked["periods"])})


def _run(asked: Mapping[str, Any]) -> None:
    context = _session(asked)
    sources = [
        source
        for name, avro in asked["tables"].items()
        for source in _register(context, Path(asked["folder"]), name, avro)
    ]
    planned = planning.checked(context, asked["sql"], [*asked["tables"], *sources])
    _say({"columns": [[field.name, str(field.type)] for field in planned.schema()]})
    cut = _write_rows(planned, asked["most_rows"], asked["most_bytes"])
    _say({"done": True, "cut": cut})


def _register(
    context: SessionContext, folder: Path, name: str, avro: Mapping[str, Any]
) -> list[str]:
    """A table of the files below `folder/name/days` and `folder/name/months`, where there are any.
    Returns what it reads from.
    """
    sources, parts = [], []
    for kind, select in (("days", shapes.select_days), ("months", shapes.select_months)):
        there = folder / name / kind
        if not there.is_dir():
            continue
        source = f"{name} {kind}"
        context.register_avro(
            source,
            str(there),
            schema=shapes.arrow_schema(avro),
            table_partition_cols=[(shapes.DAY, pa.string())] if kind == "days" else [],
        )
        sources.append(source)
        parts.append(select(avro, source))
    context.register_view(name.lower(), context.sql(" UNION ALL ".join(parts)))
    return sources


def _write_rows(planned: DataFrame, most_rows: int, most_bytes: int) -> bool:
    """Write rows up to the limits; whether there were more."""
    for batch in planned.limit(most_rows + 1).execute_stream():
        for line in rows.lines(batch.to_pyarrow()):
            most_rows, most_bytes = most_rows - 1, most_bytes - len(line.encode()) - 1
            if most_rows < 0 or most_bytes < 0:
                return True
            sys.stdout.write(f"{line}\n")
    return False


def _reason(error: Exception) -> str:
    """What the engine says, without the names of its parts; its first line says it."""
    text = str(error).strip()
    while (shorter := _PREFIXES.sub("", text)) != text:
        text = shorter
    if parsing := _PARSING.match(text):
        text = parsing[1].replace('\\"', '"')
    return (text.partition("\n")[0] or type(error).__name__)[:LONGEST_REASON]


def _say(what: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()
