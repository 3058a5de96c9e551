"""A command as a process of its own that kills itself: `python -m tests.support.die_at '{"database":
…}' NAME ARGUMENT …`.

`call` is `module:Class.method` or `module:function`; its `nth` call is the last thing the process
does, or, with `before`, the first that it does not do any more. `batches` at once make a small file
of change events one of many transactions.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tests.support.run_command import set_up


def die_at(call: str, *, nth: int, before: bool) -> None:
    module, _, path = call.partition(":")
    place: Any = import_module(module)
    *owners, name = path.split(".")
    for owner in owners:
        place = getattr(place, owner)
    setattr(place, name, _deadly(getattr(place, name), nth, before=before))


def _deadly(does: Callable[..., Any], nth: int, *, before: bool) -> Callable[..., Any]:
    calls = iter(range(1, nth + 1))

    def called(*arguments: Any, **options: Any) -> Any:
        is_last = next(calls, 0) == nth
        if not (is_last and before):
            result = does(*arguments, **options)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return called


def main(asked: dict[str, Any], arguments: list[str]) -> None:
    set_up(asked)
    from django.core.management import call_command

    from demand.sources import file_pipeline

    file_pipeline.BATCHES_AT_ONCE = asked.get("batches", file_pipeline.BATCHES_AT_ONCE)
    if asked.get("call"):
        die_at(asked["call"], nth=asked.get("nth", 1), before=asked.get("before", False))
    call_command(*arguments)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2:])
