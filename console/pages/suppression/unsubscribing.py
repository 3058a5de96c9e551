"""The page behind List-Unsubscribe: for whoever has the link, without signing in, without cookies
and without scripts. [N-8]

Looking at it changes nothing: mail programs and virus scanners open every link. A POST
unsubscribes, also the one that a mail program sends for its own button (RFC 8058), which carries no
token against forged requests; nobody can forge one who does not have the link.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from csp.decorators import csp_replace
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from waves.suppression.unsubscribe import message_of, unsubscribe

View = Callable[..., HttpResponseBase]
THIS_CAMPAIGN: Final = "campaign"
TEMPLATE: Final = "draws/unsubscribe.html"


def _for_anybody(view: View) -> View:
    """Without scripts and tokens, and kept by no cache."""
    asked = require_http_methods(["GET", "HEAD", "POST"])(never_cache(view))
    return csp_replace(settings.PUBLIC_CONTENT_SECURITY_POLICY)(csrf_exempt(asked))


@_for_anybody
def page(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks; POST unsubscribes from every campaign, or with `from=campaign` from one."""
    message = message_of(token)
    if message is None:
        return render(request, TEMPLATE, {"unknown": True}, status=404)
    campaign = message.wave.campaign
    is_one = request.POST.get("from") == THIS_CAMPAIGN
    if request.method == "POST":
        unsubscribe(message, campaign if is_one else None)
    context = {"campaign": campaign, "done": request.method == "POST", "is_one": is_one}
    return render(request, TEMPLATE, context)
