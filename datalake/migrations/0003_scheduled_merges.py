"""The merges' times: daily at 10:00 UTC, monthly on day 2 at 09:00 UTC. [L-3]"""

from datetime import UTC, datetime, timedelta

from django.db import migrations


def schedule(apps, schema_editor):
    Schedule = apps.get_model("django_q", "Schedule")
    now = datetime.now(UTC)
    ten = now.replace(hour=10, minute=0, second=0, microsecond=0)
    second = now.replace(day=2, hour=9, minute=0, second=0, microsecond=0)
    next_month = (now.replace(day=1) + timedelta(days=32)).replace(day=2, hour=9, minute=0, second=0, microsecond=0)
    times = {
        "merge_daily": ("D", ten if ten > now else ten + timedelta(days=1)),
        "merge_monthly": ("M", second if second > now else next_month),
    }
    for name, (kind, next_run) in times.items():
        values = {"func": f"datalake.tasks.{name}", "schedule_type": kind, "next_run": next_run, "repeats": -1}
        Schedule.objects.update_or_create(name=name, defaults=values)


def unschedule(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name__in=["merge_daily", "merge_monthly"]).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("datalake", "0002_payloads_are_compressed"),
        ("django_q", "0018_task_success_index"),
    ]
    operations = [migrations.RunPython(schedule, unschedule)]
