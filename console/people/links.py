"""One-time links with which a person chooses a password: for new people, and for those who forgot
theirs. [O-5]

A link ends when it is used, when the password changes, when its user is deactivated, and after
PASSWORD_LINK_HOURS. A new link for somebody who has no password yet ends the ones before.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from console.people.accounts import (
    DEACTIVATED,
    Details,
    NotAllowedNow,
    has_password,
    invite,
    locked,
    one_change_at_a_time,
    role_of,
    subject_of,
)
from operations.jobs import record_move
from operations.models import StatusChange

logger = logging.getLogger(__name__)
# What is written there reaches nobody's mailbox.
NO_MAIL: Final = tuple(
    f"django.core.mail.backends.{name}.EmailBackend" for name in ("filebased", "console", "dummy")
)
SMTP_SECONDS: Final = 10
INVITATION: Final = """Hello {name},

{by} has invited you to Fairwave at {site}

Your user name is {username}, and your role is {role}. Choose a password here:

{url}

The link works once and expires in {hours} hours. After that, ask an administrator for a new one.
"""
FORGOTTEN: Final = """Hello {name},

{by} has sent you this link to choose a new password for Fairwave at {site}

{url}

Your user name is {username}. The link works once and expires in {hours} hours. Your old password
works until then. If you did not ask for this, tell an administrator.
"""


class Tokens(PasswordResetTokenGenerator):
    """Those of a user end when the user is deactivated, and do not come back."""

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        moves = StatusChange.objects.about(subject_of(user)).filter(to_state=DEACTIVATED)
        return f"{super()._make_hash_value(user, timestamp)}{moves.count()}"


TOKENS: Final = Tokens()


@dataclass(frozen=True)
class Link:
    """A link that was made for a user, to be handed over once."""

    user: User
    url: str
    is_invitation: bool


def create_for_new(details: Details, *, username: str, by: User) -> Link:
    """Make a user and the link to invite them with: both or neither. Raises NotAllowedNow."""
    with transaction.atomic():
        return create(invite(details, username=username, by=by).pk, by=by)


def create(pk: int, *, by: User) -> Link:
    """A new link. Raises NotAllowedNow for somebody who may not sign in."""
    with one_change_at_a_time(by):
        user = locked(pk)
        if not user.is_active:
            raise NotAllowedNow("This user is deactivated. Reactivate the user first.")
        is_invitation = not has_password(user)
        if is_invitation:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        record_move(subject_of(user), "", "link created", by=by)
    number = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("set-password", args=[number, TOKENS.make_token(user)])
    return Link(user, f"{settings.SITE_URL.rstrip('/')}{path}", is_invitation)


def hours() -> int:
    """How long a link works."""
    return int(settings.PASSWORD_RESET_TIMEOUT) // 3600


def is_mail_configured() -> bool:
    return settings.EMAIL_BACKEND not in NO_MAIL


def mail(link: Link, *, by: User) -> bool:
    """Send the link to its user. False if the e-mail was not accepted. Call it outside of a
    transaction.
    """
    user = link.user
    text = (INVITATION if link.is_invitation else FORGOTTEN).format(
        name=user.get_full_name() or user.username,
        by=by.get_full_name() or by.username,
        site=settings.SITE_URL,
        username=user.username,
        role=role_of(user),
        url=link.url,
        hours=hours(),
    )
    subject = "Your invitation to Fairwave" if link.is_invitation else "Choose a new password"
    try:
        connection = get_connection(timeout=SMTP_SECONDS)
        return bool(EmailMessage(subject, text, to=[user.email], connection=connection).send())
    except Exception as error:  # noqa: BLE001 whatever a backend raises: the link is shown instead
        logger.warning(
            "a link could not be e-mailed", extra={"user": user.pk, "error": type(error).__name__}
        )
        return False


def use(pk: int, token: str, password: str) -> User | None:
    """Set the password that a link's bearer has chosen. None if the link has ended meanwhile."""
    with transaction.atomic():
        user = locked(pk)
        if not (user.is_active and TOKENS.check_token(user, token)):
            return None
        user.set_password(password)
        user.save(update_fields=["password"])
        record_move(subject_of(user), "", "password chosen", by=user)
    return user
