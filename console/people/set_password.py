"""The page behind a one-time link: its bearer chooses a password and is signed in. [O-5, O-7]"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import login
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN, PasswordResetConfirmView
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.widgets import BASE_INPUT_CLASSES

from console.people import links
from console.sign_in import attempts, browsers

BACKEND = "django.contrib.auth.backends.ModelBackend"


class NewPasswordForm(SetPasswordForm):
    def __init__(self, user: User | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)


class SetPassword(PasswordResetConfirmView):
    form_class = NewPasswordForm
    token_generator = links.TOKENS
    template_name = "console/people/set_password.html"
    title = "Choose a password"

    def get_user(self, uidb64: str) -> User | None:
        """Nobody who is deactivated."""
        found = super().get_user(uidb64)
        return found if found is not None and found.is_active else None

    def form_valid(self, form: Any) -> HttpResponse:
        token = self.request.session.pop(INTERNAL_RESET_SESSION_TOKEN, "")
        chosen = form.cleaned_data["new_password1"]
        user = links.use(self.user.pk, token, chosen) if self.user else None
        if user is None:  # the same link was used a moment ago
            self.validlink = False
            return self.render_to_response(self.get_context_data(form=form))
        login(self.request, user, BACKEND)
        attempts.forget(user.username, user.email)
        response = HttpResponseRedirect(reverse("admin:index"))
        browsers.remember(self.request, response, attempts.account_key(user.username))
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        title = self.title if self.validlink else "This link does not work any more"
        site = admin.site.each_context(self.request)
        return {**site, **super().get_context_data(**kwargs), "title": title}
