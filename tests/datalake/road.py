"""Stream → lake → merge → archive in a process of its own, killed at a call: `python -m
tests.datalake.road DATABASE [CALL]`.

CALL is `module:Class.method` or `module:function`. The bucket comes from the environment, as in
production.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from typing import Any

import django


def kill_me(*args: Any, **kwargs: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(call: str) -> None:
    module, _, path = call.partition(":")
    place = import_module(module)
    *owners, name = path.split(".")
    for owner in owners:
        place = getattr(place, owner)
    setattr(place, name, kill_me)


def main(database: str, call: str = "") -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fairwave.settings")
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    connection.settings_dict["NAME"] = database
    if call:
        die_at(call)
    call_command("consume", "lake", "--once")
    call_command("merge_avro", "--prefix", "avro/scoring/2026/01/20")


if __name__ == "__main__":
    main(*sys.argv[1:])
