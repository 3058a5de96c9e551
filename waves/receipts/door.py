"""What providers post to `POST /receipts/{provider}`, signed as each signs: delivery receipts,
which settle what was sent and what is unknown, and texts from fans. Every event is taken or refused
by itself. Repeats change nothing. [N-3, N-4, N-8]
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from operations.errors import BadValue
from waves.choices import ReceiptResult
from waves.providers import registry
from waves.providers.posted import Posted
from waves.receipts import counts, taking

logger = logging.getLogger(__name__)


@csrf_exempt
@require_http_methods(["HEAD", "POST"])
def receive(request: HttpRequest, provider: str) -> HttpResponse:
    """Take what a provider posts; HEAD asks only whether it could (Mandrill does). 404 for one that
    posts nothing, 403 for a signature that is wrong or old, 400 for what cannot be read; otherwise
    200, and the report says of each event what became of it: a repeat of any would change nothing.
    """
    reader = registry.receipt_reader(provider)
    if reader is None:
        return JsonResponse({"error": "unknown provider"}, status=404)
    if request.method == "HEAD":
        return HttpResponse()
    try:
        posted = Posted(request.headers, request.body, public_address(request))
    except (RequestDataTooBig, UnreadablePostError):
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return _unreadable(provider, f"body: it is incomplete, or larger than {most:,} bytes.")
    if (confirm := registry.address_check(provider)) and confirm(posted):
        return HttpResponse()
    if not reader.is_genuine(posted, now=time.time()):
        logger.warning("receipts refused", extra={"provider": provider})
        counts.add(provider, {ReceiptResult.FORGED: 1})
        return JsonResponse({"error": "bad signature"}, status=403)
    try:
        events = reader.read(posted)
    except BadValue as refusal:
        counts.add(provider, {ReceiptResult.REFUSED: 1})
        return _unreadable(provider, str(refusal))
    return _answer(provider, taking.take(provider, events), reader.ANSWER)


def public_address(request: HttpRequest) -> str:
    """The address as providers know it, which some of them sign: behind a proxy, the request itself
    does not say it.
    """
    return f"{settings.SITE_URL.rstrip('/')}{request.get_full_path()}"


def _unreadable(provider: str, why: str) -> JsonResponse:
    logger.warning("receipts unreadable", extra={"provider": provider})
    return JsonResponse({"error": why}, status=400)


def _answer(
    provider: str, taken: Sequence[taking.Taken], answer: tuple[str, str] | None
) -> HttpResponse:
    """400 where nothing could be read, with the first reason; what was taken is not posted again
    for the sake of another event.
    """
    results = Counter(each.result.value for each in taken)
    logger.info("receipts", extra={"provider": provider, "in": len(taken), **results})
    report: dict[str, Any] = {"in": len(taken), **results}
    report["events"] = [each.as_json() for each in taken]
    if taken and results[ReceiptResult.REFUSED] == len(taken):
        return JsonResponse({"error": taken[0].error, **report}, status=400)
    if answer:
        return HttpResponse(answer[1], content_type=answer[0])
    return JsonResponse(report)
