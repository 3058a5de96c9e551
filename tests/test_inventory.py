"""Everything that is wired by name is in `inventory.json`: pages, commands, kinds of jobs,
scheduled runs, consumers, providers and settings. What goes missing, or comes without being noted,
fails here; and each of its entries is used by a test.

After adding or removing one: run this file with FAIRWAVE_RECORD=1, look at the difference, commit
it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.core.management import get_commands
from django.urls import get_resolver

from datalake.streams import consumers
from operations import job_kinds, schedules
from tests.console.test_urls import addresses
from tests.test_structure import APPS
from waves.providers import registry

ROOT = Path(settings.ROOT)
RECORDED = Path(__file__).with_name("inventory.json")
# Only for people who run several suites at once.
OWN_SETTINGS = {"FAIRWAVE_TEST_DB"}
# Setting → a value that is not its default, and what the settings then hold. One process reads all.
SET = {
    "ALLOWED_HOSTS": ("presale.example,other.example", "presale.example,other.example"),
    "ANYMAIL_ESP": ("Postmark", "postmark"),
    "ANYMAIL_SETTINGS": (
        '{"POSTMARK_SERVER_TOKEN": "p"}',
        (
            "{'IGNORE_UNSUPPORTED_FEATURES': True, 'POSTMARK_SERVER_TOKEN': 'p',"
            " 'WEBHOOK_SECRET': 'events:e'}"
        ),
    ),
    "ANYMAIL_WEBHOOK_SECRET": ("events:e", "events:e"),
    "ARCHIVE_QUEUE": ("http://127.0.0.1:13", "http://127.0.0.1:13"),
    "ATHENA_OUTPUT": ("s3://results/a/", "s3://results/a/"),
    "ATHENA_WORKGROUP": ("analysts", "analysts"),
    "AWS_ENDPOINT_URL": ("http://127.0.0.1:9", "http://127.0.0.1:9"),
    "BEHIND_TLS": ("on", "True"),
    "CAMPAIGN_DATA_BUCKET": ("s3://lake/a", "lake/a"),
    "CODE_SERVICE_CONCURRENCY": ("9", "9"),
    "CODE_SERVICE_SECONDS": ("11", "11"),
    "CODE_SERVICE_TOKEN": ("c", "c"),
    "CODE_SERVICE_URL": ("http://127.0.0.1:8", "http://127.0.0.1:8"),
    "DATABASE_IDLE_SECONDS": ("21", "21"),
    "DATABASE_LOCK_SECONDS": ("22", "22"),
    "DATABASE_STATEMENT_SECONDS": ("23", "23"),
    "DATABASE_URL": ("postgresql://ann@db.example/presale", "db.example/presale"),
    "DEMAND_PREFIX": ("changes", "changes"),
    "DEMAND_TABLE": ("demand", "demand"),
    "DRAND_URLS": (
        "http://127.0.0.1:2,https://drand.example",
        "http://127.0.0.1:2,https://drand.example",
    ),
    "EMAIL_BACKEND": ("a.Backend", "a.Backend"),
    "EMAIL_CONNECTIONS": ("7", "7"),
    "EMAIL_DKIM_SELECTORS": ("pm,k1", "pm,k1"),
    "EMAIL_FROM": ("tickets@band.example", "tickets@band.example"),
    "EMAIL_PER_SECOND": ("9", "9"),
    "EMAIL_PROVIDER": ("pigeon", "pigeon"),
    "EMAIL_QUEUE": ("http://127.0.0.1:11", "http://127.0.0.1:11"),
    "EMAIL_URL": (
        "smtp+tls://ann:p%40ss@mail.example",
        "mail.example:587 ann p@ss True False",
    ),
    "FAIRWAVE_DATA": ("elsewhere", str(ROOT / "elsewhere")),
    "GLUE_DATABASE": ("presale", "presale"),
    "HOST_FORGOTTEN_SECONDS": ("600", "600"),
    "JOB_LEASE_SECONDS": ("30", "30"),
    "LAKE_QUERY_MEMORY_MB": ("600", "600"),
    "LAKE_QUERY_ROWS": ("70", "70"),
    "LAKE_QUERY_SECONDS": ("80", "80"),
    "LOG_LEVEL": ("ERROR", "ERROR"),
    "PASSWORD_LINK_HOURS": ("5", "5"),
    "PREPARATION_RETRY_SECONDS": ("60", "60"),
    "PREVIEWS_AT_ONCE": ("1", "1"),
    "RECEIPT_SECRET": ("r", "r"),
    "REQUIRE_BLACKLIST": ("on", "True"),
    "RETENTION_STREAM_DAYS": ("31", "31"),
    "RETENTION_IDENTITY_DAYS": ("121", "121"),
    "RETENTION_DEAD_LETTER_DAYS": ("91", "91"),
    "RETENTION_REPORT_DAYS": ("401", "401"),
    "RETENTION_CLAIM_DAYS": ("401", "401"),
    "RETENTION_JOB_DAYS": ("401", "401"),
    "RETENTION_ALERT_DAYS": ("91", "91"),
    "RETENTION_TASK_DAYS": ("31", "31"),
    "RETENTION_BATCH_DAYS": ("401", "401"),
    "RETENTION_SCORE_DAYS": ("1", "1"),
    "RETENTION_MEMBER_DAYS": ("401", "401"),
    "RESENDS_PER_FAN": ("2", "2"),
    "RESENDS_PER_PERSON": ("8", "8"),
    "S3_EVENTS_QUEUE": ("http://127.0.0.1:7", "http://127.0.0.1:7"),
    "SCORING_BUCKET": ("s3://files/b", "files/b"),
    "SECRET_KEY": ("k" * 50, "k" * 50),
    "SECRET_KEY_FALLBACKS": ("one,two", "one,two"),
    "SFMC_ACCOUNT_ID": ("510000", "510000"),
    "SFMC_AUTH_URL": ("http://127.0.0.1:10", "http://127.0.0.1:10"),
    "SFMC_CLIENT_ID": ("package", "package"),
    "SFMC_CLIENT_SECRET": ("s", "s"),
    "SFMC_DEFINITION_KEY": ("presale", "presale"),
    "SFMC_SIGNATURE_KEY": ("k", "k"),
    "SITE_URL": ("http://127.0.0.1:6", "http://127.0.0.1:6"),
    "SLACK_WEBHOOK_URL": ("http://127.0.0.1:5", "http://127.0.0.1:5"),
    "SMS_CONCURRENCY": ("3", "3"),
    "SMS_HONOURS_KEYS": ("off", "False"),
    "SMS_PER_SECOND": ("4", "4"),
    "SMS_PROVIDER": ("owl", "owl"),
    "SMS_FALLBACK": ("crow", "crow"),
    "SMS_CURRENCY": ("EUR", "EUR"),
    "SMS_RATES": ('{"US": "0.01"}', "{'US': Decimal('0.01')}"),
    "SMS_TOKEN": ("t", "t"),
    "SMS_URL": ("http://127.0.0.1:4", "http://127.0.0.1:4"),
    "TWILIO_URL": ("http://127.0.0.1:8", "http://127.0.0.1:8"),
    "TWILIO_ACCOUNT_SID": ("AC1", "AC1"),
    "TWILIO_AUTH_TOKEN": ("tt", "tt"),
    "TWILIO_SENDER": ("MG1", "MG1"),
    "INFOBIP_URL": ("http://127.0.0.1:9", "http://127.0.0.1:9"),
    "INFOBIP_API_KEY": ("ik", "ik"),
    "INFOBIP_SENDER": ("Tour", "Tour"),
    "INFOBIP_HONOURS_KEYS": ("off", "False"),
    "INFOBIP_SIGNATURE_SECRET": ("is", "is"),
    "INFOBIP_SIGNATURE_HEADER": ("X-Signed", "X-Signed"),
    # One choice each so far; another is refused, which test_settings shows.
    "STATISTICS_DAYS": ("14", "14"),
    "KINESIS_STREAMS": ('{"scored": "vfInputStream"}', "{'scored': 'vfInputStream'}"),
    "STREAM_ENGINE": ("kinesis", "kinesis"),
    "TASK_BROKER": ("redis", "redis"),
    "REDIS_URL": (
        "redis://127.0.0.1:3",
        "redis://127.0.0.1:3?socket_connect_timeout=3&socket_timeout=10",
    ),
    "TASK_WORKERS": ("7", "7"),
    "TEST_RECIPIENTS": ("a@b.example,+12065550100", "['a@b.example', '+12065550100']"),
    "TRUSTED_PROXIES": ("10.0.0.0/8,::1", "10.0.0.0/8,::1/128"),
    "UPLOAD_MAX_BYTES": ("1000", "1000"),
    "METRICS_TOKEN": ("m", "m"),
    "VERDICT_QUEUE": ("http://127.0.0.1:12", "http://127.0.0.1:12"),
    "WATCHDOG_URL": ("http://127.0.0.1:3", "http://127.0.0.1:3"),
    "WAVE_WORKERS": ("5", "5"),
    "WAVES_FOUR_EYES": ("off", "False"),
}
READ = """
import json
from fairwave import settings as s
database, buckets = s.DATABASES["default"], s.STORAGES
bucket = lambda name: "{bucket_name}/{location}".format(**buckets[name]["OPTIONS"])
limits = dict(each.split("=") for each in database["OPTIONS"]["options"].split() if "=" in each)
seconds = lambda name: str(int(limits[name]) // 1_000)
print(json.dumps({
    "ALLOWED_HOSTS": ",".join(s.ALLOWED_HOSTS), "CAMPAIGN_DATA_BUCKET": bucket("campaign-data"),
    "DATABASE_IDLE_SECONDS": seconds("idle_in_transaction_session_timeout"),
    "DATABASE_LOCK_SECONDS": seconds("lock_timeout"),
    "DATABASE_STATEMENT_SECONDS": seconds("statement_timeout"),
    "DATABASE_URL": database["HOST"] + "/" + database["NAME"], "EMAIL_FROM": s.DEFAULT_FROM_EMAIL,
    "EMAIL_DKIM_SELECTORS": ",".join(s.EMAIL_DKIM_SELECTORS),
    "EMAIL_URL": f"{s.EMAIL_HOST}:{s.EMAIL_PORT} {s.EMAIL_HOST_USER} {s.EMAIL_HOST_PASSWORD}"
    f" {s.EMAIL_USE_TLS} {s.EMAIL_USE_SSL}",
    "ANYMAIL_SETTINGS": str(s.ANYMAIL), "DRAND_URLS": ",".join(s.DRAND_URLS), "LOG_LEVEL": s.LOGGING["root"]["level"],
    "PASSWORD_LINK_HOURS": str(s.PASSWORD_RESET_TIMEOUT // 3600), "SCORING_BUCKET": bucket("scoring"),
    "SECRET_KEY_FALLBACKS": ",".join(s.SECRET_KEY_FALLBACKS), "TASK_WORKERS": str(s.Q_CLUSTER["workers"]),
    "TRUSTED_PROXIES": ",".join(map(str, s.TRUSTED_PROXIES)),
} | {name: str(getattr(s, name)) for name in (
    "ANYMAIL_ESP", "AWS_ENDPOINT_URL", "BEHIND_TLS", "CODE_SERVICE_CONCURRENCY", "CODE_SERVICE_SECONDS",
    "SFMC_ACCOUNT_ID", "SFMC_AUTH_URL", "SFMC_CLIENT_ID", "SFMC_CLIENT_SECRET", "SFMC_DEFINITION_KEY",
    "ANYMAIL_WEBHOOK_SECRET", "SFMC_SIGNATURE_KEY",
    "ARCHIVE_QUEUE", "CODE_SERVICE_TOKEN", "CODE_SERVICE_URL", "DEMAND_PREFIX", "DEMAND_TABLE", "EMAIL_BACKEND",
    "EMAIL_CONNECTIONS", "EMAIL_PER_SECOND", "EMAIL_PROVIDER", "EMAIL_QUEUE", "FAIRWAVE_DATA", "GLUE_DATABASE", "KINESIS_STREAMS", "HOST_FORGOTTEN_SECONDS", "JOB_LEASE_SECONDS",
    "PREPARATION_RETRY_SECONDS", "PREVIEWS_AT_ONCE", "RECEIPT_SECRET",
    "REQUIRE_BLACKLIST", "RESENDS_PER_FAN", "RESENDS_PER_PERSON", "S3_EVENTS_QUEUE", "SECRET_KEY", "SITE_URL",
    "SLACK_WEBHOOK_URL", "SMS_CONCURRENCY", "SMS_HONOURS_KEYS",
    "SMS_CURRENCY", "SMS_PER_SECOND", "SMS_PROVIDER", "SMS_FALLBACK", "SMS_RATES", "SMS_TOKEN", "SMS_URL", "ATHENA_OUTPUT", "ATHENA_WORKGROUP", "LAKE_QUERY_MEMORY_MB", "LAKE_QUERY_ROWS", "LAKE_QUERY_SECONDS", "STATISTICS_DAYS", "RETENTION_STREAM_DAYS", "RETENTION_IDENTITY_DAYS", "RETENTION_DEAD_LETTER_DAYS", "RETENTION_REPORT_DAYS", "RETENTION_CLAIM_DAYS", "RETENTION_JOB_DAYS", "RETENTION_ALERT_DAYS", "RETENTION_TASK_DAYS", "RETENTION_BATCH_DAYS", "RETENTION_SCORE_DAYS", "RETENTION_MEMBER_DAYS", "STREAM_ENGINE", "REDIS_URL", "TASK_BROKER",
    "INFOBIP_API_KEY", "INFOBIP_HONOURS_KEYS", "INFOBIP_SENDER", "INFOBIP_SIGNATURE_HEADER", "INFOBIP_SIGNATURE_SECRET", "INFOBIP_URL",
    "TEST_RECIPIENTS", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_SENDER", "TWILIO_URL",
    "UPLOAD_MAX_BYTES", "METRICS_TOKEN", "VERDICT_QUEUE", "WATCHDOG_URL", "WAVE_WORKERS", "WAVES_FOUR_EYES")}))
"""


def commands() -> list[str]:
    return sorted(name for name, app in get_commands().items() if app in APPS)


def documented_settings() -> list[str]:
    return sorted(re.findall(r"^#([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.M))


def test_what_is_wired_by_name_is_what_the_inventory_lists():
    found = {
        "commands": commands(),
        "consumers": sorted(
            f"{each.consumer} of {each.stream}" for each in consumers.registered(())
        ),
        "kinds of jobs": [kind.name for kind in job_kinds.registered()],
        "pages": sorted(
            f"{route} ({pattern.name})" for route, pattern in addresses(get_resolver().url_patterns)
        ),
        "providers": sorted(provider.name for provider in registry.ALL),
        "scheduled runs": [f"{run.name}: {run.path}" for run in schedules.registered()],
        "settings": documented_settings(),
    }
    if os.environ.get("FAIRWAVE_RECORD"):
        RECORDED.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(RECORDED.read_text())


def test_each_command_and_scheduled_run_is_called_by_a_test():
    listed = json.loads(RECORDED.read_text())
    called = "\n".join(
        path.read_text()
        for path in (ROOT / "tests").rglob("*.py")
        if path.name not in ("test_inventory.py", "test_wiring.py")
    )
    names = [f'"{name}"' for name in listed["commands"]]
    names += [each.rpartition(".")[2] for each in listed["scheduled runs"]]
    assert [name for name in names if name not in called] == []


def test_each_setting_that_is_documented_is_read_and_has_its_effect():
    assert sorted(SET) == documented_settings()
    given = {name: value for name, (value, _) in SET.items()}
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", READ],
        cwd=ROOT,
        env=clean | given,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {name: held for name, (_, held) in SET.items()}
