"""Who signs in on the tests' pages."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q
from django.test import Client

from campaigns.late_changes import is_late
from campaigns.models import Campaign
from operations.entry.alternatives import OR


def staff(name: str, *permissions: str) -> User:
    """Somebody of the staff with just these permissions, written app.codename; of alternatives the
    first.
    """
    user = User.objects.create_user(name, is_staff=True)
    wanted = [
        Q(content_type__app_label=name.split(".")[0], codename=name.split(".")[1])
        for name in (each.split(OR)[0] for each in permissions)
    ]
    for one in wanted:
        user.user_permissions.add(Permission.objects.get(one))
    return user


def keeper() -> User:
    """Who may do everything, also what is late. [S-8]"""
    found, _ = User.objects.get_or_create(
        username="keeper", defaults={"is_superuser": True, "is_staff": True}
    )
    return found


def why_late(campaign: Campaign) -> dict[str, Any]:
    """`by` and `reason` for what may be late: nobody and none where it is not. [S-8]"""
    late = is_late(Campaign.objects.get(pk=campaign.pk))
    return {"by": keeper(), "reason": "a test"} if late else {"by": None, "reason": ""}


def late_arguments() -> list[str]:
    """Of a command whose work is late."""
    return ["--by", keeper().username, "--reason", "a test"]


def member_of(*roles: str, name: str = "") -> User:
    """Somebody of these roles. The roles are there before the first test."""
    user = staff(name or f"{'-'.join(roles)}-person")
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


def client_of(user: User) -> Client:
    """A browser in which this person is signed in."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client
