"""How log lines look: one `key=value` line each, with the correlation id; ids and counts, never
personal data. [O-4]
"""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

from operations import correlation

# What a caller passes in `extra=` besides what every record has.
STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def with_extra(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    record = event["_record"]
    event.update(
        {
            key: value
            for key, value in vars(record).items()
            if key not in STANDARD and not key.startswith("_")
        }
    )
    event.pop("request", None)
    if correlation.current():
        event["correlation_id"] = correlation.current()
    return event


def formatter() -> structlog.stdlib.ProcessorFormatter:
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        with_extra,
    ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(
                key_order=["timestamp", "level", "logger", "event"]
            ),
        ],
    )
