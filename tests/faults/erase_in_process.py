"""An erasure as a process of its own: `python -m tests.faults.erase_in_process '{"database": …}'
FAN`.

It works on a test's database and buckets. With `call` (`module:Class.method`) it is killed when
that is called the `nth` time.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from importlib import import_module
from typing import Any

from tests.support.run_command import set_up


def die_at(call: str, nth: int) -> None:
    module, _, path = call.partition(":")
    *owners, name = path.split(".")
    place = import_module(module)
    for owner in owners:
        place = getattr(place, owner)
    real, left = getattr(place, name), [nth]

    def counted(*arguments: Any, **options: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)

    setattr(place, name, counted)


def main(asked: dict, fan_id: str) -> None:
    set_up(asked)
    from django.core.management import call_command

    from demand.erasure import erasing

    erasing.PATIENCE_SECONDS = 0
    if call := asked.get("call"):
        die_at(call, asked["nth"])
    call_command("erase_fan", fan_id, "--by", "eraser", "--reason", "asked by letter", "--json")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2])
