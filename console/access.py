"""Access to every page and action: signed in, permitted, and a POST where something changes.
[O-7]
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
    require_safe,
)

from console.models import Access, PersonalDataAccess
from operations import correlation
from operations.entry import values
from operations.entry.alternatives import holds
from operations.errors import Refusal

LONGEST_REASON = 300  # that a person types
LONGEST_SUBJECT = 300  # in the log; an address may be longer
View = Callable[..., HttpResponseBase]


class StaffRequest(HttpRequest):
    """A request whose user is signed in."""

    user: User


def page(*permissions: str) -> Callable[[View], View]:
    """A page for staff who hold every one of these permissions; it answers GET and changes
    nothing.
    """
    return lambda view: _guarded(require_safe(view), permissions)


def form_page(*permissions: str) -> Callable[[View], View]:
    """A page with a form of its own: GET shows it, POST does it."""
    return lambda view: _guarded(require_http_methods(["GET", "HEAD", "POST"])(view), permissions)


def action(*permissions: str) -> Callable[[View], View]:
    """Something that changes: POST only."""
    return lambda view: _guarded(require_POST(view), permissions)


def live(*permissions: str) -> Callable[[View], View]:
    """A part of a page that is asked for again while work runs."""
    return lambda view: _guarded(require_GET(view), permissions)


def _guarded(view: View, permissions: tuple[str, ...]) -> View:
    """Signed in first (else the login page), then permitted (else 403), then the view. Never kept
    by a cache.
    """

    @wraps(view)
    def permitted(request: StaffRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not holds(request.user, permissions):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    at_the_site = admin.site.admin_view(never_cache(permitted))

    @wraps(view)
    def guarded(request: StaffRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "HX-Request" in request.headers and not admin.site.has_permission(request):
            # A live part of a page whose user was signed out: the login page belongs into the
            # window, not into the part.
            return HttpResponse(headers={"HX-Refresh": "true"})
        return at_the_site(request, *args, **kwargs)

    guarded.permissions = permissions  # type: ignore[attr-defined]
    return guarded


def render(request: StaffRequest, template: str, title: str, **context: Any) -> TemplateResponse:
    """A page inside the site's frame."""
    return TemplateResponse(
        request, template, {**admin.site.each_context(request), "title": title, **context}
    )


def attempt(
    request: StaffRequest,
    work: Callable[[], Any],
    done: str = "",
    *,
    back: str,
    refused: str = "",
) -> HttpResponseRedirect:
    """Call one shell and say it is `done`, or what it returns where that is known only then. A
    refusal becomes a message on the page, or on the page `refused`; then nothing was written.
    """
    try:
        found = work()
    except Refusal as refusal:
        messages.error(request, str(refusal))
        # to the top of the page, where the message is
        return HttpResponseRedirect((refused or back).partition("#")[0])
    messages.success(request, done or found)
    return HttpResponseRedirect(back)


def reason_of(request: StaffRequest, name: str = "reason") -> str:
    """What was typed. Raises BadValue for what is too long."""
    return values.text(name, request.POST.get(name, "").strip(), longest=LONGEST_REASON)


def complaint_of(form: BaseForm) -> str:
    """What is wrong with a form, in one line for a message: each box is named."""
    named = (
        (form.fields[name].label or name.replace("_", " ") if name in form.fields else "", errors)
        for name, errors in form.errors.items()
    )
    return " ".join(
        f"{label}: {error}" if label else str(error) for label, errors in named for error in errors
    )


def log_access(request: StaffRequest, what: Access, subject: str, reason: str) -> None:
    """Write down that personal data is about to be seen. Call it before the data leaves."""
    record_access(request.user, what, subject, reason)


def record_access(by: User, what: Access, subject: str, reason: str) -> None:
    """The same for who is at no page."""
    PersonalDataAccess.objects.create(
        user=by,
        what=what,
        subject=subject[:LONGEST_SUBJECT],
        reason=reason,
        correlation_id=correlation.current(),
    )
