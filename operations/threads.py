"""One thread beside the caller's, for work that waits on PostgreSQL while Python computes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.db import connection

from operations import correlation


@contextmanager
def helper_thread(name: str) -> Iterator[ThreadPoolExecutor]:
    """An executor of one thread that carries the caller's correlation id. [O-4]

    At the end its work is waited for and its database connection closed.
    """
    carry_on = correlation.carry_on
    with ThreadPoolExecutor(1, thread_name_prefix=name, initializer=carry_on, initargs=(correlation.current(),)) as executor:
        try:
            yield executor
        finally:
            executor.submit(lambda: connection.close())
