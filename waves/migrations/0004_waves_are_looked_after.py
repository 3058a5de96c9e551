"""Each minute, what should be on its way and has no worker gets one. [O-6, N-5]"""

from datetime import UTC, datetime

from django.db import migrations

NAME = "look_after_waves"


def schedule(apps, schema_editor):
    values = {
        "func": "waves.tasks.look_after",
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
        ("waves", "0003_sending_seats"),
        ("django_q", "0018_task_success_index"),
    ]
    operations = [migrations.RunPython(schedule, unschedule)]
