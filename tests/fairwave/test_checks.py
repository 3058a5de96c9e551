"""Settings that contradict each other fail `check` with what to do."""

from __future__ import annotations

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
    pretend = check(deploy=True, **deployed)
    assert all(one.is_serious() for one in pretend)
    assert "SMS_TOKEN" in said(pretend)
    assert "RECEIPT_SECRET" in said(pretend)


def test_one_pair_of_eyes_is_warned_of(tmp_path):
    (caution,) = check(WAVES_FOUR_EYES="off", FAIRWAVE_DATA=str(tmp_path))
    assert caution.is_serious(WARNING)
    assert "WAVES_FOUR_EYES" in caution.msg
