"""`python -m sandbox [--port N] [--latency-ms 20] …`: every option of behaviour.py as a flag."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import gc
import json
import signal
import sys

import uvloop

from sandbox.behaviour import Behaviour
from sandbox.server import serve


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="sandbox", description="The providers' contracts as one small server."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--port", type=int, default=8099, help="0 takes a free one; the address is printed"
    )
    parser.add_argument("--with-parent", action="store_true", help="end when standard input closes")
    for option in dataclasses.fields(Behaviour):
        default = getattr(Behaviour(), option.name)
        flag = "--" + option.name.replace("_", "-")
        if isinstance(default, bool):
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=default)
        elif isinstance(default, dict):
            parser.add_argument(
                flag, type=json.loads, default=default, help='JSON, e.g. {"503": 0.1}'
            )
        else:
            parser.add_argument(flag, type=type(default), default=default)
    return parser.parse_args()


async def main(options: argparse.Namespace) -> None:
    names = [option.name for option in dataclasses.fields(Behaviour)]
    behaviour = Behaviour(**{name: getattr(options, name) for name in names})
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if options.with_parent:
        loop.add_reader(sys.stdin.fileno(), stop.set)  # readable means closed: nobody writes to it
    await serve(behaviour, options.host, options.port, stop=stop)


if __name__ == "__main__":
    # a full collection over all messages received would stall requests, and spoil when they came
    gc.freeze()
    gc.set_threshold(50_000, 50, 1_000)
    uvloop.run(main(arguments()))
