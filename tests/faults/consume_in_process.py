"""The consumer of a stream as a process of its own, to be killed at a call: `python -m
tests.faults.consume_in_process '{"database": …, "buckets": …, "die_at": "module:Class.method"}'
consume_demand --stream …`.
"""

from __future__ import annotations

import json
import sys

from django.core.management import call_command

from tests.datalake.road import die_at
from tests.support.run_command import set_up


def main(asked: dict, arguments: list[str]) -> None:
    set_up(asked)
    if asked.get("die_at"):
        die_at(asked["die_at"])
    call_command(*arguments)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2:])
