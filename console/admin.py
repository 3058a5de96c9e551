"""People and their rights; and away with the queue's own pages: repeating a task by hand is not how
work is repeated here.
"""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import admin as auth_admin  # noqa: F401 registers what is taken over below
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django_q import admin as queue_admin  # noqa: F401 likewise
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.admin import TabularInline
from unfold.decorators import display

from console.erasure.receipts import subject_of
from console.models import ErasedPlace, Erasure, PersonalDataAccess
from console.people import accounts
from operations import instants
from operations.adminkit.listing import (
    BigTableAdmin,
    PageAdmin,
    ReadOnlyAdmin,
    counted,
    shortened,
)
from operations.models import Job

for model in (User, Group, Failure, OrmQ, Schedule, Success):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class RoleFilter(admin.SimpleListFilter):
    title = "role"
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(role, role) for role in (*accounts.ROLE_NAMES, accounts.NO_ROLE)]

    def queryset(self, request: HttpRequest, users: QuerySet[User]) -> QuerySet[User]:
        if self.value() == accounts.NO_ROLE:
            return users.filter(groups=None, is_superuser=False)
        return users.filter(groups__name=self.value()) if self.value() else users


@admin.register(User)
class UserList(PageAdmin):
    """Who can sign in. Users are invited and changed on pages of their own. [O-5]"""

    page = "user"
    list_before_template = "console/people/users.html"
    list_display = ("username", "full_name", "email", "role", "state", "last_login")
    list_filter = (RoleFilter, "is_active")
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return accounts.people().prefetch_related("groups")

    @admin.display(description="name", ordering="first_name")
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @admin.display(description="role")
    def role(self, user: User) -> str:
        return "superuser" if user.is_superuser else accounts.role_of(user) or accounts.NO_ROLE

    @display(description="state", label={"active": "success", "invited": "info"})
    def state(self, user: User) -> str:
        if not user.is_active:
            return "deactivated"
        return "active" if accounts.has_password(user) else "invited"


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

    list_display = ("begun_at", "by", "reason", shortened("fan_digest"), "until", "finished_at")
    list_select_related = ("by",)
    inlines = (ErasedPlaces,)
    fieldsets = (
        (
            None,
            {
                "description": "Registrations, scores and waves that came after the erasure began"
                " are new and stay. Change events are erased up to the time under Until.",
                "fields": (
                    *("fan_digest", "by", "reason", "begun_at", "waits_for", "until"),
                    *("finished_at", "not_reached_in_words", "correlation_id"),
                ),
            },
        ),
    )
    readonly_fields = ("waits_for", "not_reached_in_words")

    @admin.display(description="waits for", empty_value="–")
    def waits_for(self, erasure: Erasure) -> str | None:
        job = Job.objects.about(subject_of(erasure)).order_by("-id").first()
        if job is None or job.waits_since is None or not job.is_waiting:
            return None
        return f"{job.error} Waiting since {instants.in_words(job.waits_since)}."

    @admin.display(description="not reached")
    def not_reached_in_words(self, erasure: Erasure) -> str:
        parts = (
            (left["place"], "" if left["count"] is None else f": {left['count']:,}", left["why"])
            for left in erasure.not_reached
        )
        return format_html_join("", "<div>{}{} ({})</div>", parts)
