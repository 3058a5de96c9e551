"""Users: made with a role, changed, deactivated. Staff status follows from the role. [O-5]

One change at a time, under one lock: so two administrators who remove each other at once cannot
both succeed, and who lost the right while waiting changes nothing. There is always an administrator
who can sign in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Final

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from console.roles import ADMINISTRATOR, ROLES
from operations.database.locks import lock_in_transaction
from operations.entry.command_rights import SERVICE_ACCOUNT
from operations.errors import Refusal
from operations.jobs import record_move
from operations.subjects import Subject

RIGHT: Final = "auth.change_user"
ROLE_NAMES: Final = (*ROLES, ADMINISTRATOR)
NO_ROLE: Final = "no role"
ACTIVE: Final = "active"
DEACTIVATED: Final = "deactivated"
LONGEST_NAME: Final = 150
LONGEST_USERNAME: Final = 150
WORDS: Final = {"name": "the name", "email": "the e-mail address", "role": "the role"}


class NotAllowedNow(Refusal):
    """A change of people that cannot be made as things are now."""


@dataclass(frozen=True)
class Details:
    """What is known of a user; `role` is empty for nobody's."""

    name: str
    email: str
    role: str


def people() -> QuerySet[User]:
    """All users but service accounts, which never sign in."""
    return User.objects.exclude(username__startswith=SERVICE_ACCOUNT)


def details_of(user: User) -> Details:
    return Details(user.get_full_name(), user.email, role_of(user))


def role_of(user: User) -> str:
    """The user's role, empty if there is none."""
    held = {group.name for group in user.groups.all()}
    return next((role for role in ROLE_NAMES if role in held), "")


def has_password(user: User) -> bool:
    """Whether the user can sign in without a link."""
    return bool(user.password) and not user.password.startswith(UNUSABLE_PASSWORD_PREFIX)


def subject_of(user: User) -> Subject:
    return Subject("user", user.username)


def invite(details: Details, *, username: str, by: User) -> User:
    """Make a user with a role and without a password. An empty `username` is made from the e-mail
    address. Raises NotAllowedNow.
    """
    with one_change_at_a_time(by):
        user = User(
            username=username or _free_username(details.email),
            email=details.email,
            **_names(details.name),
        )
        user.set_unusable_password()
        with _refused_if_taken():
            user.save(force_insert=True)
        _give(user, details.role)
        record_move(subject_of(user), "", details.role, by=by, reason="Invited")
    return user


def change(pk: int, *, read: Details, wanted: Details, by: User) -> None:
    """Change what differs between what was `read` and what is `wanted`. Raises NotAllowedNow, also
    if somebody else has changed the same meanwhile.
    """
    with one_change_at_a_time(by):
        user = locked(pk)
        now = details_of(user)
        changed = {f.name for f in fields(Details)}
        changed = {name for name in changed if getattr(read, name) != getattr(wanted, name)}
        if lost := sorted(n for n in changed if getattr(now, n) != getattr(read, n)):
            what = " and ".join(WORDS[name] for name in lost)
            raise NotAllowedNow(
                f"Another administrator changed {what} while you were editing. Nothing was saved."
                " Open this page again."
            )
        if "role" in changed:
            if now.role == ADMINISTRATOR and not user.is_superuser:
                _require_another_administrator(user)
            _give(user, wanted.role)
            record_move(subject_of(user), now.role or NO_ROLE, wanted.role or NO_ROLE, by=by)
        if other := changed - {"role"}:
            with _refused_if_taken():
                _write(user, {"email": wanted.email, **_names(wanted.name)})
            what = " and ".join(WORDS[name] for name in sorted(other))
            record_move(subject_of(user), "", "details changed", by=by, reason=f"Changed {what}")


def deactivate(pk: int, *, by: User, reason: str) -> None:
    """Sign the user out everywhere and let them in no more; their links end too (links.py). Raises
    NotAllowedNow.
    """
    with one_change_at_a_time(by):
        user = locked(pk)
        if not user.is_active:
            raise NotAllowedNow("This user is deactivated already.")
        _require_another_administrator(user)
        _write(user, {"is_active": False})
        _end_sessions(user)
        record_move(subject_of(user), ACTIVE, DEACTIVATED, by=by, reason=reason)


def reactivate(pk: int, *, by: User) -> None:
    """Let a deactivated user in again, with the role and the password of before."""
    with one_change_at_a_time(by):
        user = locked(pk)
        if user.is_active:
            raise NotAllowedNow("This user is active already.")
        _end_sessions(user)  # of a sign-in that was under way when the user was deactivated
        _write(user, {"is_active": True})
        record_move(subject_of(user), DEACTIVATED, ACTIVE, by=by)


def administrators() -> QuerySet[User]:
    """Those who can enter the site and change users now."""
    found = User.objects.filter(Q(is_superuser=True) | Q(groups__name=ADMINISTRATOR))
    can_sign_in = found.filter(is_active=True, is_staff=True).exclude(password="")
    return can_sign_in.exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX).distinct()


@contextmanager
def one_change_at_a_time(by: User) -> Iterator[None]:
    """A transaction that waits for every other change of people. Raises NotAllowedNow if `by` has
    lost the right meanwhile.
    """
    with transaction.atomic():
        lock_in_transaction("people")
        actor = User.objects.get(pk=by.pk)
        if not (actor.is_active and actor.has_perm(RIGHT)):
            raise NotAllowedNow("You are not an administrator any more. Nothing was changed.")
        yield


def _require_another_administrator(user: User) -> None:
    found = set(administrators().values_list("pk", flat=True))
    if user.pk in found and found == {user.pk}:
        raise NotAllowedNow(
            "This is the only administrator who can sign in. First make another user an"
            " administrator, and wait until they have chosen a password."
        )


def locked(pk: int) -> User:
    """Somebody's row, until the transaction ends."""
    return people().select_for_update(no_key=True).get(pk=pk)


@contextmanager
def _refused_if_taken() -> Iterator[None]:
    """Also where a command or another version of Fairwave took it, which wait for no lock."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise NotAllowedNow(
            "This user name or e-mail address was taken a moment ago. Choose another one."
        ) from error


def _end_sessions(user: User) -> None:
    """A session names its user in what is signed only, so all that have not ended are read."""
    for session in Session.objects.iterator():
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()


def _give(user: User, role: str) -> None:
    """This role and no other; with the last one the staff status goes."""
    user.groups.set(Group.objects.filter(name=role) if role else [])
    if not role:
        user.user_permissions.clear()
    _write(user, {"is_staff": bool(role) or user.is_superuser})


def _write(user: User, values: dict[str, object]) -> None:
    for name, value in values.items():
        setattr(user, name, value)
    user.save(update_fields=list(values))


def _names(name: str) -> dict[str, str]:
    first, _, last = name.rpartition(" ")
    return {"first_name": first or last, "last_name": last if first else ""}


def _free_username(email: str) -> str:
    """The part before the @, with a number if somebody has it."""
    wanted = re.sub(r"[^\w.+-]", "", email.partition("@")[0])[: LONGEST_USERNAME - 6] or "user"
    number, free = 1, wanted
    while User.objects.filter(username__iexact=free).exists():
        number += 1
        free = f"{wanted}{number}"
    return free
