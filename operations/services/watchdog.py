"""A ping to a service outside, which notices when everything here is dead. [O-2]"""

from __future__ import annotations

import http.client
import logging
import urllib.request

from django.conf import settings

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 5.0


def ping() -> bool:
    """Call WATCHDOG_URL, where it is set. Whatever comes of it fails nothing; False if it was not
    reached.
    """
    if not settings.WATCHDOG_URL:
        return True
    try:
        with urllib.request.urlopen(settings.WATCHDOG_URL, timeout=TIMEOUT_SECONDS):  # noqa: S310 the setting is checked to be http or https
            return True
    except (OSError, http.client.HTTPException) as error:
        logger.warning("watchdog not reached", extra={"error": type(error).__name__})
        return False
