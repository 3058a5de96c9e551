"""A page that cannot do without the bucket says so while the bucket is away, instead of failing as
a fault of ours would. [S-1]
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from datalake.storage.objects import BucketUnreachable

logger = logging.getLogger(__name__)
RETRY_AFTER_SECONDS = 60


class BucketOutOfReachMiddleware:
    """BucketUnreachable becomes 503 with a page that says what to do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, BucketUnreachable):
            return None
        logger.warning("bucket out of reach for a page", extra={"path": request.path})
        response = render(request, "503.html", status=503)
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
