"""Loops that serve many: the error of one item ends nothing else. [T-1, O-2]

The one place beside `leases.working` where any error ends. It is logged and alerts once, however
often the item fails until it works again; meanwhile the item is tried again, less and less often.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import InterfaceError, OperationalError, connection

from operations import alerts
from operations.errors import Refusal, error_text
from operations.job_kinds import is_transient

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
FAULTS_A_PAUSE = 6  # a consumer that halves its batch fails often, and comes further each time
ALERT_AFTER_SECONDS = 30.0  # what is away for a moment only is not worth an alert


class Trouble:
    """What goes wrong with one item; `kind` and `subject` name it in alerts, `page` is where to
    look.
    """

    def __init__(self, kind: str, subject: str, *, page: str) -> None:
        self.kind, self.subject, self.page = kind, subject, page
        self.over()

    def over(self) -> None:
        """The item works, or is not tried at all."""
        self.error: Exception | None = None
        self.failures = 0
        self.since = self.not_before = 0.0
        self.has_alerted = False

    @property
    def may_try(self) -> bool:
        return time.monotonic() >= self.not_before

    @contextmanager
    def fenced(self, *, but: tuple[type[Exception], ...] = ()) -> Iterator[None]:
        """Whatever the block raises ends here, `but` what says nothing of this item; call `over` in
        it once the item works.
        """
        try:
            yield
        except but:
            raise
        except Exception as error:  # noqa: BLE001 see above
            self.note(error)

    def note(self, error: Exception) -> None:
        """The item failed."""
        now = time.monotonic()
        self.since = self.since or now
        self.error = error
        away = is_transient(error)
        waits = self.failures // (1 if away or isinstance(error, Refusal) else FAULTS_A_PAUSE)
        self.failures += 1
        self.not_before = now + min(FIRST_PAUSE * 2 ** min(waits, 10), LONGEST_PAUSE)
        logger.warning(
            "failed, will be tried again",
            extra={"kind": self.kind, "subject": self.subject, "why": error_text(error)},
            exc_info=None if away or isinstance(error, Refusal) else error,
        )
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        if not self.has_alerted and (not away or now - self.since >= ALERT_AFTER_SECONDS):
            self._alert(error)

    def _alert(self, error: Exception) -> None:
        try:
            alerts.alert_failure(self.kind, self.subject, error, page=self.page)
            self.has_alerted = True
        except (OperationalError, InterfaceError) as away:
            logger.warning("alert not written", extra={"error": type(away).__name__})
