"""Who runs a command, and whether they may. [O-5]

`--by USER` needs the permissions of the page that does the same. Without it a command runs for a
service account, the operating system's user, and does what services, timers and deployments do.
"""

from __future__ import annotations

import logging
import os
import pwd

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Permission, User

from operations.entry.alternatives import OR, missing_of
from operations.errors import CommandRefused

logger = logging.getLogger(__name__)

SERVICE_ACCOUNT = "os:"  # no form takes a colon in a username, so no person has such a name


def acting_user(name: str | None, command: str, permissions: tuple[str, ...]) -> User:
    """The user who runs this command: the one named, or a service account where none is. Raises
    CommandRefused; then nothing is written. [O-5]
    """
    if name is None:
        return service_account()
    user = User.objects.filter(username=name).first()
    missing = permissions
    if user is None or not user.is_active or is_service_account(user):
        problem = f"There is no active user {name!r}."
    elif not user.is_staff:
        problem = f"User {name} may not use the site."
    elif missing := missing_of(user, permissions):
        problem = f"User {name} does not have permission to run {command}."
    else:
        return user
    logger.warning(
        "command refused",
        extra={
            "command": command,
            "user": user and user.pk,
            "uid": os.getuid(),
            "missing": " ".join(missing),
        },
    )
    raise CommandRefused(
        f"{problem} {command} needs {_in_words(missing)}. An administrator gives rights on the"
        " Users page."
    )


def service_account() -> User:
    """The operating system's user, as a row that can neither sign in nor be named by `--by`: what
    a command did for it is written down as what a person did.
    """
    account, _ = User.objects.get_or_create(
        username=f"{SERVICE_ACCOUNT}{_login_name()}",
        defaults={"is_active": False, "password": make_password(None)},
    )
    return account


def is_service_account(user: User) -> bool:
    return user.username.startswith(SERVICE_ACCOUNT)


def _login_name() -> str:
    """Of the process, whatever its environment says; the number where the number has no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _in_words(permissions: tuple[str, ...]) -> str:
    """`the right “Can approve waves” (waves.approve_wave)`."""
    named = Permission.objects.values_list("content_type__app_label", "codename", "name")
    words = {f"{app}.{codename}": name for app, codename, name in named}
    rights = " and ".join(
        OR.join(f"“{words.get(one, one)}” ({one})" for one in each.split(OR))
        for each in permissions
    )
    return f"the right{'s' if len(permissions) > 1 else ''} {rights}"
