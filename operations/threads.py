"""One thread beside the caller's, for work that waits on PostgreSQL while Python computes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.db import connection


@contextmanager
def helper_thread(name: str) -> Iterator[ThreadPoolExecutor]:
    """An executor of one thread; at the end its work is waited for and its database connection closed."""
    with ThreadPoolExecutor(1, thread_name_prefix=name) as executor:
        try:
            yield executor
        finally:
            executor.submit(lambda: connection.close())
