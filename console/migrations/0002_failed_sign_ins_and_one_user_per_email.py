from __future__ import annotations

from django.conf import settings
from django.db import migrations, models

ONE_USER_PER_EMAIL = "CREATE UNIQUE INDEX user_email_once ON auth_user (lower(email)) WHERE email <> ''"
# Staff status follows from the role.
STAFF = "UPDATE auth_user SET is_staff = true WHERE id IN (SELECT user_id FROM auth_user_groups)"
# What django-axes kept of failed sign-ins: user names and addresses.
OLD_TABLES = "DROP TABLE IF EXISTS axes_accessattemptexpiration, axes_accessattempt, axes_accessfailurelog, axes_accesslog"


class Migration(migrations.Migration):
    dependencies = [
        ("console", "0001_initial"),
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
        migrations.RunSQL(ONE_USER_PER_EMAIL, "DROP INDEX user_email_once"),
        migrations.RunSQL(STAFF, migrations.RunSQL.noop),
        migrations.RunSQL(OLD_TABLES, migrations.RunSQL.noop),
    ]
