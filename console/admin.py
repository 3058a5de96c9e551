"""People and their rights; and away with the queue's own pages: repeating a task by hand is not how
work is repeated here.
"""

from __future__ import annotations

from typing import Any

from axes import admin as axes_admin  # noqa: F401 registers what is taken over below
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django_q import admin as queue_admin  # noqa: F401 likewise
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.admin import TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from console.models import ErasedPlace, Erasure, PersonalDataAccess
from operations.adminkit.editing import LockedEditing, VersionedForm
from operations.adminkit.listing import (
    BigTableAdmin,
    ReadOnlyAdmin,
    TitledAdmin,
    counted,
    shortened,
)

for model in (
    User,
    Group,
    Failure,
    OrmQ,
    Schedule,
    Success,
    AccessAttempt,
    AccessFailureLog,
    AccessLog,
):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


# Groups are the roles, on the menu and everywhere else.
Group._meta.verbose_name, Group._meta.verbose_name_plural = "role", "roles"


class UserForm(VersionedForm, UserChangeForm):
    pass


@admin.register(User)
class FairwaveUserAdmin(LockedEditing, UserAdmin, TitledAdmin):
    form = UserForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "is_staff", "is_active", "last_login")

    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Under the user's lock, as every other change."""
        with transaction.atomic():
            return super().user_change_password(request, *args, **kwargs)


@admin.register(Group)
class FairwaveGroupAdmin(LockedEditing, GroupAdmin, TitledAdmin):
    pass


@admin.register(AccessAttempt)
class AccessAttemptAdmin(TitledAdmin):
    """Failed sign-ins that lock a user out; deleting the row lets them try again."""

    list_display = ("username", "ip_address", "failures_since_start", "attempt_time")
    fields = readonly_fields = (
        "username",
        "ip_address",
        "failures_since_start",
        "attempt_time",
        "user_agent",
    )

    def has_add_permission(self, request: object) -> bool:
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False


@admin.register(PersonalDataAccess)
class PersonalDataAccessAdmin(BigTableAdmin, ReadOnlyAdmin):
    list_display = ("at", "user", "what", "subject", "reason")
    list_select_related = ("user",)


class ErasedPlaces(TabularInline):
    """What a receipt lists; whoever may see the receipt may see it."""

    model = ErasedPlace
    fields = readonly_fields = ("area", "what", "name", counted("count"), "at")
    extra = 0
    hide_title = True

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("console.view_erasure")

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Erasure)
class ErasureAdmin(BigTableAdmin, ReadOnlyAdmin):
    """Receipts of erasures; the command `erase_fan` writes them. [X-11]"""

    list_display = ("begun_at", "by", "reason", shortened("fan_sha256"), "until", "finished_at")
    list_select_related = ("by",)
    inlines = (ErasedPlaces,)
    fields = (
        "fan_sha256",
        "by",
        "reason",
        "begun_at",
        "until",
        "finished_at",
        "not_reached_in_words",
        "correlation_id",
    )
    readonly_fields = ("not_reached_in_words",)

    @admin.display(description="not reached")
    def not_reached_in_words(self, erasure: Erasure) -> str:
        parts = (
            (left["place"], "" if left["count"] is None else f": {left['count']:,}", left["why"])
            for left in erasure.not_reached
        )
        return format_html_join("", "<div>{}{} ({})</div>", parts)
