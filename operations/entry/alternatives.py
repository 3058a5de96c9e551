"""Rights of which one of several is enough, written `app.one or app.other`. [O-5]"""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import AnonymousUser, User

OR = " or "


def holds(user: User | AnonymousUser, permissions: Iterable[str]) -> bool:
    """Whether somebody has each of these rights, or one of its alternatives."""
    return not missing_of(user, permissions)


def missing_of(user: User | AnonymousUser, permissions: Iterable[str]) -> tuple[str, ...]:
    """Those of the rights that somebody has no alternative of."""
    return tuple(
        each for each in permissions if not any(user.has_perm(one) for one in each.split(OR))
    )
