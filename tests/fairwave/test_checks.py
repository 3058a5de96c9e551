"""Settings that contradict each other fail `check` with what to do."""

from __future__ import annotations

import pytest
from django.core.checks import WARNING, CheckMessage

from tests.fairwave.settings_cases import check, manage


def said(found: list[CheckMessage]) -> str:
    return "\n".join(one.msg for one in found)


def test_a_queue_of_s3_events_needs_an_s3_bucket(tmp_path):
    queue = {
        "S3_EVENTS_QUEUE": "https://sqs.eu-west-1.amazonaws.com/123456789012/events",
        "FAIRWAVE_DATA": str(tmp_path),
    }
    (folder,) = check(**queue)
    assert (folder.is_serious(), "S3_EVENTS_QUEUE" in folder.msg) == (True, True)
    assert check(**queue, SCORING_BUCKET="s3://files/presale") == []


def test_glue_needs_a_bucket_on_s3_and_a_name_that_athena_takes_and_the_archive_a_prefix(tmp_path):
    """And none of it needs a Glue that answers."""
    glue = {"GLUE_DATABASE": "presale", "FAIRWAVE_DATA": str(tmp_path)}
    (folder,) = check(**glue)
    assert (folder.is_serious(), "GLUE_DATABASE is set" in folder.msg) == (True, True)
    s3 = {"CAMPAIGN_DATA_BUCKET": "s3://lake", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    assert check(**glue, **s3, DEMAND_PREFIX="pipelines/demand.v1") == []
    wrong = said(check(**glue | {"GLUE_DATABASE": "Pre-Sale"}, **s3, DEMAND_PREFIX="../demand"))
    assert ("GLUE_DATABASE is not a valid" in wrong, "DEMAND_PREFIX" in wrong) == (True, True)


def test_a_deployed_site_passes_the_deployment_checks(tmp_path):
    deployed = {"BEHIND_TLS": "on", "ALLOWED_HOSTS": "presale.example"}
    fail = ("check", "--deploy", "--fail-level", "WARNING")
    real = manage(*fail, **deployed, FAIRWAVE_DATA=str(tmp_path))
    assert real.returncode == 0, real.stderr


# What is unsafe, with the id of its check and words of its message.
UNSAFE = [
    ({"SECRET_KEY": ""}, "fairwave.E201", "SECRET_KEY: It is not set"),
    ({"SECRET_KEY": "Short-1"}, "fairwave.E202", "SECRET_KEY: It has 7 characters"),
    ({"SECRET_KEY": "k" * 60}, "fairwave.E202", "SECRET_KEY: It repeats"),
    ({"SECRET_KEY": "django-insecure-" + "a1b2c3" * 9}, "fairwave.E202", "is well known"),
    ({"SECRET_KEY_FALLBACKS": f"{'a1b2c3' * 9},old"}, "fairwave.E203", "It has 3 characters"),
    ({"SMS_TOKEN": ""}, "fairwave.E204", "SMS_TOKEN: Its value is well known"),
    ({"SMS_TOKEN": "Changeme"}, "fairwave.E204", "SMS_TOKEN: Its value is well known"),
    ({"RECEIPT_SECRET": ""}, "fairwave.E205", "RECEIPT_SECRET: Its value is well known"),
    ({"RECEIPT_SECRET": "zu-kurz"}, "fairwave.E205", "RECEIPT_SECRET: It has 7 characters"),
    ({"INFOBIP_SIGNATURE_SECRET": "short"}, "fairwave.E209", "SECRET: It has 5 characters"),
    ({"ANYMAIL_WEBHOOK_SECRET": "a:short"}, "fairwave.E210", "the colon: It has 5 characters"),
    ({"METRICS_TOKEN": "metrics"}, "fairwave.E206", "METRICS_TOKEN: It has 7 characters"),
    ({"DATABASE_URL": "postgresql://ann:postgres@db/x"}, "fairwave.E207", "DATABASE_URL: The pass"),
    ({"DATABASE_URL": "postgresql://ann:ann@db/x"}, "fairwave.E207", "DATABASE_URL: The password"),
    ({"SLACK_WEBHOOK_URL": "http://hooks.example/T1/B2/c3"}, "fairwave.E208", "unencrypted"),
    (
        {"SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T00000000/B00000000/XXXX"},
        "fairwave.E208",
        "SLACK_WEBHOOK_URL: It is an example",
    ),
]


@pytest.mark.parametrize(("given", "number", "words"), UNSAFE)
def test_o7_an_unsafe_secret_is_refused_by_name_with_what_to_do(given, number, words, tmp_path):
    """And never shown."""
    (refused,) = check(FAIRWAVE_DATA=str(tmp_path), **given)
    assert (refused.id, refused.is_serious(), words in refused.msg) == (number, True, True)
    assert refused.hint
    ((name, value),) = given.items()
    assert name in refused.msg
    assert not value or value not in f"{refused.msg} {refused.hint}"


OUTSIDE = [
    {"DATABASE_URL": "postgresql://ann@localhost/fairwave"},
    {"ALLOWED_HOSTS": "localhost,presale.example"},
    {"ALLOWED_HOSTS": "*"},
    {"BEHIND_TLS": "on"},
]


@pytest.mark.parametrize("given", OUTSIDE)
def test_o7_defaults_are_refused_wherever_somebody_else_can_reach_the_site(given, tmp_path):
    defaults = dict.fromkeys(("SMS_TOKEN", "RECEIPT_SECRET", "DATABASE_URL"), "")
    found = check(**{"FAIRWAVE_DATA": str(tmp_path)} | defaults | given)
    assert [one.id for one in found] == ["fairwave.E204", "fairwave.E205"]


def test_o7_the_gateways_token_is_not_asked_for_where_another_provider_sends(tmp_path):
    twilio = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t", "TWILIO_SENDER": "MG1"}
    data = {"FAIRWAVE_DATA": str(tmp_path), "SMS_PROVIDER": "twilio", "SMS_TOKEN": ""}
    assert check(**data, **twilio) == []


def test_o7_alerts_may_go_unencrypted_to_this_machine_itself(tmp_path):
    """There the sandbox plays Slack."""
    slack = "http://127.0.0.1:8099/slack/serve"
    assert check(FAIRWAVE_DATA=str(tmp_path), SLACK_WEBHOOK_URL=slack) == []


def test_o7_a_local_machine_runs_with_defaults_and_a_key_of_its_own(tmp_path):
    nothing = dict.fromkeys(("SMS_TOKEN", "RECEIPT_SECRET", "DATABASE_URL", "SECRET_KEY"), "")
    local = {"FAIRWAVE_DATA": str(tmp_path), "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]"}
    assert check(**local, **nothing) == []
    assert (tmp_path / "secret-key").stat().st_mode & 0o077 == 0


def test_o7_a_key_is_not_made_up_beside_a_database_that_other_machines_share(tmp_path):
    (refused,) = check(FAIRWAVE_DATA=str(tmp_path), SECRET_KEY="")
    assert "secrets.token_urlsafe(64)" in str(refused.hint)
    assert list(tmp_path.iterdir()) == []


def test_one_pair_of_eyes_is_warned_of(tmp_path):
    (caution,) = check(WAVES_FOUR_EYES="off", FAIRWAVE_DATA=str(tmp_path))
    assert caution.is_serious(WARNING)
    assert "WAVES_FOUR_EYES" in caution.msg


def test_o7_a_site_behind_a_proxy_names_it_and_never_trusts_everyone(tmp_path):
    proxied = {"BEHIND_TLS": "on", "FAIRWAVE_DATA": str(tmp_path)}
    assert check(**proxied, TRUSTED_PROXIES="10.0.0.7, fd00::/8") == []
    for refused in ("", "0.0.0.0/0", "::/0", "10.0.0.1/8", "proxy.example"):
        found = check(**proxied, TRUSTED_PROXIES=refused)
        assert found, refused
        assert all(one.is_serious() and "TRUSTED_PROXIES" in one.msg for one in found)


def test_o5_links_that_are_sent_to_others_lead_to_the_site_and_are_encrypted(tmp_path):
    data = {"FAIRWAVE_DATA": str(tmp_path)}
    cases = [
        ({"ALLOWED_HOSTS": "presale.example", "SITE_URL": ""}, ["fairwave.E121"]),
        ({"ALLOWED_HOSTS": "*", "SITE_URL": "http://[::1]:8000"}, ["fairwave.E121"]),
        ({"ALLOWED_HOSTS": "presale.example", "SITE_URL": "http://presale.example"}, []),
        ({"BEHIND_TLS": "on", "SITE_URL": "http://presale.example"}, ["fairwave.E122"]),
        ({"BEHIND_TLS": "on", "SITE_URL": ""}, ["fairwave.E121", "fairwave.E122"]),
        ({"BEHIND_TLS": "on"}, []),
        ({"SITE_URL": ""}, []),
    ]
    for given, wanted in cases:
        assert [one.id for one in check(**data, **given)] == wanted, given
