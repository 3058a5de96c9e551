"""The sandbox's code service in a thread of this process: a test can look into it and give it a new
stock at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web

from sandbox.behaviour import Behaviour
from sandbox.codes import CodeService
from sandbox.server import Sandbox


@dataclass
class ServiceHere:
    """`box.codes` is what the service has done; `url` its address."""

    box: Sandbox
    url: str

    def begin_anew(self) -> None:
        """An honest service that has never been asked for anything."""
        self.box.behaviour.change({"code_faults": {}, "code_stock": 0})
        self.box.codes = CodeService(self.box.behaviour)

    def misbehave(self, **code_faults: str) -> None:
        """From now on, as sandbox/codes.py says; without faults it is honest again."""
        self.box.behaviour.change({"code_faults": code_faults})


@contextmanager
def serving() -> Iterator[ServiceHere]:
    box = Sandbox(Behaviour(latency_ms=0.0, retry_after_seconds=0.001, code_slow_seconds=0.0))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="code service here")
    thread.start()
    try:
        runner = asyncio.run_coroutine_threadsafe(_listening(box), loop).result()
        host, port = runner.addresses[0]
        yield ServiceHere(box, f"http://{host}:{port}")
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _listening(box: Sandbox) -> web.ServerRunner:
    runner = web.ServerRunner(web.Server(box.handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner
