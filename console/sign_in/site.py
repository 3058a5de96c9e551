"""The operators' site: who may enter, and what everyone else is told. [O-5, O-7]"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import PasswordChangeView
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from unfold.sites import UnfoldAdminSite

from console.roles import ADMINISTRATOR
from console.sign_in import browsers
from console.sign_in.attempts import account_key
from console.sign_in.forms import OwnPasswordForm, SignInForm

MOST_NAMED = 5


def may_enter(user: User | AnonymousUser) -> bool:
    """A role, or any permission, opens the site. Which pages, each page decides."""
    if not (user.is_active and user.is_staff):
        return False
    return user.is_superuser or bool(user.get_all_permissions())


class FairwaveSite(UnfoldAdminSite):
    """Somebody who is signed in without a role gets a page that says so, at every address."""

    def has_permission(self, request: HttpRequest) -> bool:
        return may_enter(request.user)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        at_the_site = super().admin_view(view, cacheable)

        @wraps(at_the_site)
        def inside(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.user.is_authenticated and not self.has_permission(request):
                # Django's own would lead back to the home page instead of signing out.
                is_leaving = view == self.logout
                return view(request) if is_leaving else self.without_role(request)
            return at_the_site(request, *args, **kwargs)

        return inside

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """A browser in which somebody has signed in is remembered as theirs."""
        is_signed_in = request.method == "GET" and request.user.is_authenticated
        if is_signed_in and not self.has_permission(request):
            return self.without_role(request)
        response: HttpResponse = super().login(request, extra_context)
        form = (getattr(response, "context_data", None) or {}).get("form")
        if isinstance(form, SignInForm) and form.retry_after_seconds:
            response.status_code = 429
            response.headers["Retry-After"] = str(form.retry_after_seconds)
        elif request.method == "POST" and response.status_code == 302:
            browsers.remember(request, response, account_key(request.user.get_username()))
        return response

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponseBase:
        """One's own password, and nothing else of one's own row."""
        page = PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse("admin:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return page(request)

    def without_role(self, request: HttpRequest) -> HttpResponse:
        """The page of somebody who is signed in and may see nothing."""
        administrators = User.objects.filter(
            Q(is_superuser=True) | Q(groups__name=ADMINISTRATOR), is_active=True, is_staff=True
        )
        named = [
            one.get_full_name() or one.username
            for one in administrators.distinct().order_by("pk")[:MOST_NAMED]
        ]
        # inside the site's frame, whose menu has nothing but the home page for them
        frame = {"has_permission": True, "sidebar_navigation": self.get_sidebar_list(request)}
        context = {**self.each_context(request), **frame, "title": "No role yet"}
        context["administrators"] = named
        return TemplateResponse(request, "console/people/no_role.html", context, status=403)
