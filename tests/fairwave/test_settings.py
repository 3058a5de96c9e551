"""A setting that cannot be used stops the start with a sentence that names it."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.fairwave.settings_cases import ROOT, check, manage

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


def test_a_clean_environment_has_nothing_wrong():
    assert check() == []


def test_a_command_of_ours_does_not_start_with_a_wrong_setting():
    done = manage("activate_scores", "1", "--json", SMS_URL="sms.example")
    assert done.returncode == 1
    assert "SMS_URL" in done.stderr
    assert done.stdout == ""


def test_the_web_server_does_not_start_with_a_wrong_setting():
    clean = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": "postgresql://nobody@localhost/none",
        "SECRET_KEY": "k",
        "SMS_URL": "x",
    }
    done = subprocess.run(
        [sys.executable, "-c", "import fairwave.wsgi"],
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "django.core.exceptions.ImproperlyConfigured: SMS_URL: "
    )
