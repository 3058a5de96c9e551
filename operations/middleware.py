"""Gives every request a correlation id and sends it back, so that a screenshot leads to the log.
[O-4]
"""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from operations import correlation

HEADER = "X-Correlation-ID"
WELL_FORMED = re.compile(r"[A-Za-z0-9-]{8,64}")


class CorrelationMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        with correlation.correlated(
            given if WELL_FORMED.fullmatch(given) else correlation.new_id()
        ) as correlation_id:
            response = self.get_response(request)
        response.headers[HEADER] = correlation_id
        return response
