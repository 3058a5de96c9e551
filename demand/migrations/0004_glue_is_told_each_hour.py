"""Each hour, partitions that Glue was not told of are registered. [D-8]"""

from datetime import UTC, datetime

from django.db import migrations

NAME = "tell_glue"


def schedule(apps, schema_editor):
    values = {
        "func": "demand.tasks.tell_glue",
        "schedule_type": "H",
        "next_run": datetime.now(UTC),
        "repeats": -1,
    }
    apps.get_model("django_q", "Schedule").objects.update_or_create(name=NAME, defaults=values)


def unschedule(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("demand", "0001_demand_archive"),
        ("django_q", "0018_task_success_index"),
    ]
    operations = [migrations.RunPython(schedule, unschedule)]
