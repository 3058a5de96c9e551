"""A thread with its own database connection, for work that an event loop must not wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from django.db import connections

T = TypeVar("T")


class DatabaseThread:
    """Runs one piece of work after the other, in the order in which they were asked for."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, name)

    async def run(self, work: Callable[..., T], *values: Any, **options: Any) -> T:
        """The result of `work(*values, **options)`."""
        return await self.start(work, *values, **options)

    def start(self, work: Callable[..., T], *values: Any, **options: Any) -> asyncio.Future[T]:
        """Have the work done; await the result at some time, which raises what the work raised."""
        return asyncio.get_running_loop().run_in_executor(
            self._executor, partial(work, *values, **options)
        )

    async def close(self) -> None:
        """Wait for all work, and close the connection."""
        await self.run(connections.close_all)
        self._executor.shutdown()
