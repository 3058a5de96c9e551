from __future__ import annotations

from django.apps.registry import Apps
from django.conf import settings
from django.core.management.base import CommandError
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models.functions import Lower

ONE_USER_PER_EMAIL = (
    "CREATE UNIQUE INDEX user_email_once ON auth_user (lower(email)) WHERE email <> ''"
)
NOT_ONE_USER = """These users have the same e-mail address, and an address can have one user only:
{users}
Nothing was changed. Empty the address of all but one of each, then migrate again:
    UPDATE auth_user SET email = '' WHERE username = '...';
"""
TAKEN_AWAY = "Access to the site had been taken away, but this role was left: {roles}"
# What django-axes kept of failed sign-ins: user names and addresses.
OLD_TABLES = "DROP TABLE IF EXISTS axes_accessattemptexpiration, axes_accessattempt, axes_accessfailurelog, axes_accesslog"


def refuse_an_email_of_several(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Names the users, and not the address: what stops a deployment is read in logs. [O-5]"""
    users: dict[str, list[str]] = {}
    rows = apps.get_model("auth", "User").objects.exclude(email="").order_by("pk")
    for username, email in rows.values_list("username", Lower("email")):
        users.setdefault(email, []).append(username)
    if several := [" and ".join(names) for names in users.values() if len(names) > 1]:
        raise CommandError(NOT_ONE_USER.format(users="\n".join(several)))


def take_roles_left_without_access(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Staff status follows from the role now: a role that was left with somebody who is no staff
    any more would let them in again. [O-5]
    """
    history = apps.get_model("operations", "StatusChange")
    found = apps.get_model("auth", "User").objects.filter(is_staff=False, groups__isnull=False)
    for user in found.distinct().order_by("pk"):
        roles = ", ".join(user.groups.order_by("name").values_list("name", flat=True))
        history.objects.create(
            subject_kind="user",
            subject_id=user.username,
            to_state="no role",
            reason=TAKEN_AWAY.format(roles=roles),
        )
        user.groups.clear()
        user.user_permissions.clear()


class Migration(migrations.Migration):
    dependencies = [
        ("console", "0001_initial"),
        ("operations", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="SignInCounter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=80, unique=True)),
                ("account", models.CharField(blank=True, db_index=True, max_length=80)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("since", models.DateTimeField(null=True)),
                ("last_at", models.DateTimeField(db_index=True, null=True)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.RunPython(refuse_an_email_of_several, migrations.RunPython.noop),
        migrations.RunSQL(ONE_USER_PER_EMAIL, "DROP INDEX user_email_once"),
        migrations.RunPython(take_roles_left_without_access, migrations.RunPython.noop),
        migrations.RunSQL(OLD_TABLES, migrations.RunSQL.noop),
    ]
