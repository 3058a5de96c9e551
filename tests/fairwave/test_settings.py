"""A setting that cannot be used stops the start with a sentence that names it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fairwave import env

ROOT = Path(__file__).parent.parent.parent
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


def manage(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command in a clean environment; without a server, because checking settings needs none."""
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    settings = {
        "DATABASE_URL": "postgresql://nobody@localhost/none",
        "SECRET_KEY": "k" * 60,
    } | settings
    command = [sys.executable, "-W", "error::UserWarning", "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=clean | settings, capture_output=True, text=True)


def test_every_wrong_setting_is_named_at_once_with_what_to_do():
    wrong = {name: value for name, value in WRONG.items() if value is not None}
    done = manage("check", "--tag", "fairwave", **wrong)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for name in wrong:
        assert f") {name}: " in done.stderr, name
    assert done.stderr.count("HINT: ") == len(wrong)


def test_a_queue_of_s3_events_needs_a_bucket_on_s3(tmp_path):
    queue = {
        "S3_EVENTS_QUEUE": "https://sqs.eu-west-1.amazonaws.com/123456789012/events",
        "FAIRWAVE_DATA": str(tmp_path),
    }
    folder = manage("check", "--tag", "fairwave", **queue)
    assert (folder.returncode, "S3_EVENTS_QUEUE" in folder.stderr) == (1, True)
    assert (
        manage(
            "check", "--tag", "fairwave", **queue, SCORING_BUCKET="s3://files/presale"
        ).returncode
        == 0
    )


def test_glue_needs_a_bucket_on_s3_and_a_name_that_athena_takes_and_the_archive_a_prefix(tmp_path):
    """And none of it needs a Glue that answers."""
    glue = {"GLUE_DATABASE": "presale", "FAIRWAVE_DATA": str(tmp_path)}
    folder = manage("check", "--tag", "fairwave", **glue)
    assert (folder.returncode, "GLUE_DATABASE is set" in folder.stderr) == (1, True)
    s3 = {"CAMPAIGN_DATA_BUCKET": "s3://lake", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    assert (
        manage(
            "check", "--tag", "fairwave", **glue, **s3, DEMAND_PREFIX="pipelines/demand.v1"
        ).returncode
        == 0
    )
    wrong = manage(
        "check",
        "--tag",
        "fairwave",
        **glue | {"GLUE_DATABASE": "Pre-Sale"},
        **s3,
        DEMAND_PREFIX="../demand",
    )
    assert ("GLUE_DATABASE is no name" in wrong.stderr, "DEMAND_PREFIX" in wrong.stderr) == (
        True,
        True,
    )


def test_a_clean_environment_has_nothing_wrong():
    done = manage("check", "--tag", "fairwave", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr


def test_a_deployed_site_passes_the_deployment_checks_and_a_pretend_provider_does_not(tmp_path):
    deployed = {
        "BEHIND_TLS": "on",
        "ALLOWED_HOSTS": "presale.example",
        "SECRET_KEY": "a1!" * 20 + "bcdefgh",
        "FAIRWAVE_DATA": str(tmp_path),
    }
    real = manage(
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        **deployed,
        SMS_TOKEN="deployed",
        RECEIPT_SECRET="deployed",
    )
    assert real.returncode == 0, real.stderr
    pretend = manage("check", "--deploy", "--fail-level", "WARNING", **deployed)
    assert pretend.returncode == 1
    assert "SMS_TOKEN" in pretend.stderr
    assert "RECEIPT_SECRET" in pretend.stderr


def test_one_pair_of_eyes_is_warned_of():
    done = manage("check", "--tag", "fairwave", "--fail-level", "WARNING", WAVES_FOUR_EYES="off")
    assert done.returncode == 1
    assert "WAVES_FOUR_EYES" in done.stderr


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


@pytest.fixture
def mistakes(monkeypatch: pytest.MonkeyPatch) -> list[env.Mistake]:
    found: list[env.Mistake] = []
    monkeypatch.setattr(env, "mistakes", found)
    return found


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "postgresql://",
        "postgresql://user@host",
        "postgresql://host:port/name",
        "mysql://h/n",
    ],
)
@pytest.mark.filterwarnings("ignore:Engine not recognized")
def test_an_address_that_is_no_postgresql_database_is_a_mistake_and_no_crash(
    url, mistakes, monkeypatch, tmp_path
):
    monkeypatch.setenv("DATABASE_URL", url)
    env.database(tmp_path)
    assert [mistake.name for mistake in mistakes] == ["DATABASE_URL"]


def test_a_named_database_is_used(mistakes, monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann:p%23w@db.example:5433/presale")
    found = env.database(tmp_path)
    assert (found["HOST"], found["PORT"], found["NAME"], found["PASSWORD"]) == (
        "db.example",
        5433,
        "presale",
        "p#w",
    )
    assert not mistakes


def test_an_empty_setting_is_an_absent_one(mistakes, monkeypatch):
    monkeypatch.setenv("SMS_PER_SECOND", "  ")
    assert env.whole("SMS_PER_SECOND", 200) == 200
    assert not mistakes


def test_a_bucket_is_a_folder_or_a_place_in_s3(mistakes, monkeypatch, tmp_path):
    assert env.bucket("SCORING_BUCKET", tmp_path)["OPTIONS"] == {"location": str(tmp_path)}
    monkeypatch.setenv("SCORING_BUCKET", "s3://scores/of/ours/")
    options = env.bucket("SCORING_BUCKET", tmp_path)["OPTIONS"]
    assert (options["bucket_name"], options["location"]) == ("scores", "of/ours")
    assert not mistakes


def test_the_secret_key_is_made_once_and_only_its_owner_reads_it(monkeypatch, tmp_path):
    monkeypatch.delenv("SECRET_KEY", raising=False)
    first = env.secret_key(tmp_path / "data")
    assert env.secret_key(tmp_path / "data") == first
    assert len(first) > 50
    assert (tmp_path / "data" / "secret-key").stat().st_mode & 0o077 == 0
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["secret-key"]
