"""Each minute, drawn score files that have no fairness report get one. [X-3]"""

from datetime import UTC, datetime

from django.db import migrations

NAME = "look_for_missing_reports"


def schedule(apps, schema_editor):
    values = {
        "func": "campaigns.tasks.look_for_missing_reports",
        "schedule_type": "I",
        "minutes": 1,
        "next_run": datetime.now(UTC),
        "repeats": -1,
    }
    apps.get_model("django_q", "Schedule").objects.update_or_create(name=NAME, defaults=values)


def unschedule(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0009_arrivals"),
        ("django_q", "0018_task_success_index"),
    ]
    operations = [migrations.RunPython(schedule, unschedule)]
