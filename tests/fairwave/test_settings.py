"""A setting that cannot be used stops the start with a sentence that names it."""

from __future__ import annotations

import subprocess
import sys

from django.core.management import get_commands, load_command_class

from tests.fairwave.settings_cases import ROOT, check, environment, manage
from tests.test_wiring import OURS

WRONG = {
    "ALLOWED_HOSTS": None,
    "BEHIND_TLS": "perhaps",
    "TASK_BROKER": "rabbit",
    "TASK_WORKERS": "0",
    "SMS_PROVIDER": "pigeon",
    "SMS_URL": "sms.example",
    "SMS_CONCURRENCY": "many",
    "SMS_PER_SECOND": "-1",
    "SMS_HONOURS_KEYS": "2",
    "EMAIL_PROVIDER": "owl",
    "CODE_SERVICE_URL": "ftp://codes.example",
    "SLACK_WEBHOOK_URL": "https://",
    "STREAM_ENGINE": "river",
    "REDIS_URL": "https://cache.example",
    "KINESIS_STREAMS": "[]",
    "WAVES_FOUR_EYES": "six",
    "SITE_URL": "localhost:8000",
    "LOG_LEVEL": "LOUD",
    "SCORING_BUCKET": "s3:///prefix",
    "UPLOAD_MAX_BYTES": "1e9",
    "S3_EVENTS_QUEUE": "events",
    "AWS_ENDPOINT_URL": "localhost:9000",
    "DATABASE_URL": "mysql://user@localhost/fairwave",
}


def test_every_wrong_setting_is_named_at_once_with_what_to_do():
    wrong = {name: value for name, value in WRONG.items() if value is not None}
    done = manage("check", "--tag", "fairwave", **wrong)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for name in wrong:
        assert f") {name}: " in done.stderr, name
    assert done.stderr.count("HINT: ") == len(wrong)


def test_o6_tasks_on_redis_need_its_address():
    assert [found.id for found in check(TASK_BROKER="redis")] == ["fairwave.E102"]
    assert check(TASK_BROKER="redis", REDIS_URL="rediss://:secret@cache.example:6379/1") == []


def test_a_clean_environment_has_nothing_wrong():
    assert check() == []


UNSAFE = {"SMS_URL": "sms.example", "SECRET_KEY": ""}


def test_o7_a_command_of_ours_does_not_start_with_a_wrong_setting_or_without_a_key():
    done = manage("activate_scores", "1", "--by", "ann", "--json", **UNSAFE)
    assert done.returncode == 1
    assert all(f"{name}: " in done.stderr for name in UNSAFE)
    assert done.stdout == ""


def test_o7_the_web_server_does_not_start_with_a_wrong_setting_or_without_a_key():
    done = subprocess.run(
        [sys.executable, "-c", "import fairwave.wsgi"],
        cwd=ROOT,
        env=environment(UNSAFE),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("django.core.exceptions.ImproperlyConfigured: ")
    assert all(f"{name}: " in last for name in UNSAFE)


def test_o7_workers_services_and_commands_check_the_settings_before_they_start():
    for name, app in get_commands().items():
        if app in {"django_q", *OURS}:
            checked = load_command_class(app, name).requires_system_checks
            assert checked == "__all__" or "fairwave" in checked, name
