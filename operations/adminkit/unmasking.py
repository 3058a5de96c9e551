"""For how long a person sees personal data in full: asked for with a reason, logged, and over by
itself. [O-5]
"""

from __future__ import annotations

import time

from django.http import HttpRequest

PERMISSION = "campaigns.view_personal_data"
SECONDS = 15 * 60
SESSION_KEY = "personal_data_until"


def may_show(request: HttpRequest) -> bool:
    return request.user.has_perm(PERMISSION)


def shown(request: HttpRequest) -> bool:
    """Whether this request may render personal data: the right is held now, and was used less than
    15 minutes ago.
    """
    return may_show(request) and request.session.get(SESSION_KEY, 0) > time.time()


def start(request: HttpRequest) -> None:
    request.session[SESSION_KEY] = time.time() + SECONDS


def stop(request: HttpRequest) -> None:
    request.session.pop(SESSION_KEY, None)
