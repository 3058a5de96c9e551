"""Services and their heartbeats: workers, scheduler and consumers write one every 20 seconds, by
the database's clock. One that is silent for three minutes alerts, whichever service notices. [O-2]

A service that ends by request takes its row away. What is killed leaves it behind: the next process
of the same service on the same machine removes it, or it is found silent. A machine of which every
process is silent is gone, and forgotten after a while.
"""

from __future__ import annotations

import logging
import multiprocessing.util
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import DurationField, ExpressionWrapper, F, QuerySet
from django.db.models.functions import Now

from operations import alerts
from operations.models import Heartbeat

logger = logging.getLogger(__name__)

WORKERS, WAVE_WORKERS, SCHEDULER, CONSUMERS = "workers", "wave workers", "scheduler", "consumers"
EXPECTED = (WORKERS, WAVE_WORKERS, SCHEDULER, CONSUMERS)  # wherever Fairwave runs
BEAT_SECONDS = 20.0
SILENT_AFTER = timedelta(minutes=3)
FORGOTTEN_AFTER = timedelta(days=1)
LONGEST_SERVICE = Heartbeat._meta.get_field("service").max_length
# a loop that does not ask whether to stop for so long is stuck, though the process lives
STUCK_SECONDS = 600.0


class Stop(threading.Event):
    """What asks a service to stop. Its loop asks between two items: that it asks shows that it is
    not stuck.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked_at = time.monotonic()

    def is_set(self) -> bool:
        self.asked_at = time.monotonic()
        return super().is_set()

    def wait(self, timeout: float | None = None) -> bool:
        ended = super().wait(timeout)
        self.asked_at = time.monotonic()
        return ended

    @property
    def is_asked(self) -> bool:
        return time.monotonic() - self.asked_at < STUCK_SECONDS


@dataclass(frozen=True)
class ServiceState:
    """A service: how many of its processes live, and the heartbeats of those that fell silent."""

    name: str
    living: int = 0
    silent: list[Heartbeat] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        return self.living > 0 and not self.silent

    @property
    def words(self) -> str:
        """`ok`, or what is wrong and with which processes."""
        if not self.silent:
            return self.public_words
        return f"{self.public_words} ({', '.join(each.place for each in self.silent)})"

    @property
    def public_words(self) -> str:
        """The same for strangers: it names no machine."""
        if self.is_well:
            return "ok"
        return "silent for more than 3 minutes" if self.silent else "not running"


def services() -> list[ServiceState]:
    """The services that are expected, then others, by name."""
    found: dict[str, list[Any]] = {name: [] for name in EXPECTED}
    for each in with_age():
        found.setdefault(each.service, []).append(each)
    return [
        ServiceState(
            name,
            sum(each.age <= SILENT_AFTER for each in rows),
            [each for each in rows if each.age > SILENT_AFTER],
        )
        for name, rows in found.items()
    ]


def with_age() -> QuerySet[Any]:
    """The heartbeats of processes, with `age`: how long ago the last one was."""
    age = ExpressionWrapper(Now() - F("beat_at"), output_field=DurationField())
    return Heartbeat.objects.exclude(host="").annotate(age=age).order_by("service", "id")


def beat(service: str, *, host: str, pid: int) -> None:
    """The process of the service is alive now."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(service=service, host=host, pid=pid, started_at=Now(), beat_at=Now())],
        update_conflicts=True,
        unique_fields=["service", "host", "pid"],
        update_fields=["beat_at", "has_alerted"],
    )


def begin(service: str, *, host: str, pid: int) -> None:
    """The first heartbeat. It takes the place of processes of this machine that are gone."""
    for each in Heartbeat.objects.filter(service=service, host=host):
        if not _lives(each.pid):
            each.delete()
    Heartbeat.objects.filter(service=service, host="").delete()
    beat(service, host=host, pid=pid)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end(service: str, *, host: str, pid: int) -> None:
    """The process ends as it was asked to."""
    Heartbeat.objects.filter(service=service, host=host, pid=pid).delete()


def expect() -> None:
    """A service of which there is no process gets a row without a machine, which falls silent if
    none begins.
    """
    there = set(Heartbeat.objects.values_list("service", flat=True))
    missing = [Heartbeat(service=name, beat_at=Now()) for name in EXPECTED if name not in there]
    Heartbeat.objects.bulk_create(missing, ignore_conflicts=True)


def report_silent() -> int:
    """Alert for what fell silent, once, and forget hosts that are gone and what has been silent for
    a day. Returns how many alerts were written.
    """
    silent = Heartbeat.objects.filter(beat_at__lt=Now() - SILENT_AFTER)
    reported = 0
    for each in silent.filter(has_alerted=False).order_by("id"):
        with transaction.atomic():
            if silent.filter(pk=each.pk, has_alerted=False).update(has_alerted=True):
                alerts.alert(f":red_circle: {each.complaint}\n{settings.SITE_URL}/admin/")
                reported += 1
    _forget_hosts()
    Heartbeat.objects.filter(beat_at__lt=Now() - FORGOTTEN_AFTER).delete()
    return reported


def _forget_hosts() -> None:
    """A machine of which every process has been silent for HOST_FORGOTTEN_SECONDS was taken away:
    nobody can start its processes again. A service that it alone ran is expected, and alerts where
    no other machine runs it.
    """
    gone_since = Now() - timedelta(seconds=settings.HOST_FORGOTTEN_SECONDS)
    living = Heartbeat.objects.filter(beat_at__gte=gone_since)
    silent = Heartbeat.objects.exclude(host="").exclude(host__in=living.values("host"))
    silent.filter(has_alerted=True).delete()


@contextmanager
def beating(service: str, *, is_well: Callable[[], bool]) -> Iterator[None]:
    """A thread writes the service's heartbeats until the block ends, as long as it is well."""
    ended = threading.Event()
    thread = threading.Thread(
        target=keep_beating, args=(service, ended, is_well), name="heartbeat", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def beat_in_worker(**signal: object) -> None:
    """Receiver of the queue's `post_spawn`, in a worker's process. A worker that lost its cluster
    gets no tasks: it falls silent.
    """
    from django_q.conf import Conf

    service = WORKERS if Conf.CLUSTER_NAME == Conf.PREFIX else WAVE_WORKERS
    cluster = os.getppid()
    beats = beating(service, is_well=lambda: os.getppid() == cluster)
    beats.__enter__()
    multiprocessing.util.Finalize(None, beats.__exit__, (None, None, None), exitpriority=0)


def keep_beating(service: str, ended: threading.Event, is_well: Callable[[], bool]) -> None:
    """Beat, and look after the other services, until `ended` is set. A database that is away, or
    that has no table for it yet, is tried again.
    """
    service = service[:LONGEST_SERVICE]
    host, pid = socket.gethostname(), os.getpid()
    write = begin
    try:
        while True:
            try:
                if is_well():
                    write(service, host=host, pid=pid)
                    write = beat
                if report_silent():
                    alerts.deliver()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("heartbeat missed", extra={"error": type(error).__name__})
                connection.close()
            if ended.wait(BEAT_SECONDS):
                break
        with suppress(DatabaseError, InterfaceError):
            end(service, host=host, pid=pid)
    finally:
        connection.close()
