"""Every line of the log has one shape, and says what it belongs to. [O-2]"""

from __future__ import annotations

import logging

from fairwave.logs import formatter
from operations import correlation


def line_of(message: str, **extra: object) -> str:
    record = logging.LogRecord("campaigns.tasks", logging.WARNING, "tasks.py", 1, message, (), None)
    vars(record).update(extra)
    return formatter().format(record)


def test_a_line_has_time_level_logger_and_event_first_and_then_what_the_caller_gave():
    line = line_of("job refused", job=7, why="no such file")
    assert line.startswith("timestamp=")
    assert ' level=warning logger=campaigns.tasks event="job refused"' in line
    assert line.endswith(' job=7 why="no such file"')


def test_a_line_carries_the_correlation_id_of_what_runs_and_never_the_request():
    with correlation.correlated("one-id"):
        line = line_of("page failed", request=object())
    assert "correlation_id=one-id" in line
    assert "request=" not in line
    assert "correlation_id" not in line_of("idle")
