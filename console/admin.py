"""People and their rights; and away with the queue's own pages: repeating a task by hand is not how work is repeated here."""

from axes import admin as axes_admin  # noqa: F401 registers what is taken over below
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django_q import admin as queue_admin  # noqa: F401 likewise
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from console.models import PersonalDataAccess
from operations.listing import BigTableAdmin, ReadOnlyAdmin, TitledAdmin

for model in (User, Group, Failure, OrmQ, Schedule, Success, AccessAttempt, AccessFailureLog, AccessLog):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(User)
class FairwaveUserAdmin(UserAdmin, TitledAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "is_staff", "is_active", "last_login")


@admin.register(Group)
class FairwaveGroupAdmin(GroupAdmin, TitledAdmin):
    pass


@admin.register(AccessAttempt)
class AccessAttemptAdmin(TitledAdmin):
    """Failed sign-ins that lock somebody out; deleting the row lets them try again."""

    list_display = ("username", "ip_address", "failures_since_start", "attempt_time")
    fields = readonly_fields = ("username", "ip_address", "failures_since_start", "attempt_time", "user_agent")

    def has_add_permission(self, request: object) -> bool:
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False


@admin.register(PersonalDataAccess)
class PersonalDataAccessAdmin(BigTableAdmin, ReadOnlyAdmin):
    list_display = ("at", "user", "what", "subject", "reason")
    list_select_related = ("user",)
