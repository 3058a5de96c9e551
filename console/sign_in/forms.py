"""What people type to sign in. [O-7]"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import UsernameField
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm

from console.sign_in import attempts, browsers
from operations.entry.requests import client_address

LONGEST_USERNAME = 254


class SignInForm(AuthenticationForm):
    """User name or e-mail address, and password. Who has no role may sign in too: the site then
    says what is missing.
    """

    username = UsernameField(label="User name or e-mail address", max_length=LONGEST_USERNAME)
    error_messages = {"invalid_login": "The user name or the password is incorrect."}
    retry_after_seconds = 0

    def clean(self) -> dict[str, Any]:
        typed = self.cleaned_data.get("username")
        if not typed or not self.cleaned_data.get("password"):
            return self.cleaned_data
        name = self.cleaned_data["username"] = username_of(typed)
        account = attempts.account_key(name)
        browser = browsers.browser_of(self.request, account)
        if browser is None:
            account = attempts.account_key(typed)
        attempt = attempts.attempt_at(
            account, address=client_address(self.request), browser=browser
        )
        try:
            attempts.begin(attempt, account=account)
        except attempts.TooManyAttempts as refusal:
            self.retry_after_seconds = round(refusal.seconds)
            raise ValidationError(str(refusal)) from refusal
        cleaned: dict[str, Any] = super().clean()
        attempts.forgive(attempt)
        return cleaned

    def confirm_login_allowed(self, user: User) -> None:
        """Django's own lets in staff alone. Who is deactivated was not found at all."""


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """Writes the password alone: Django's own writes the whole row back, and with it what an
    administrator has changed meanwhile.
    """

    def set_password_and_save(
        self,
        user: User,
        password_field_name: str = "new_password1",  # noqa: S107 the field's name
        commit: bool = True,
    ) -> User:
        user.set_password(self.cleaned_data[password_field_name])
        user.save(update_fields=["password"])
        return user


def username_of(typed: str) -> str:
    """Whose user name was typed, else whose e-mail address; what was typed if nobody's. The user
    name first: no e-mail address that somebody is given takes it from its user.
    """
    if "@" not in typed or User.objects.filter(username=typed).exists():
        return typed
    by_email = User.objects.filter(email__iexact=typed)
    return by_email.values_list("username", flat=True).first() or typed
