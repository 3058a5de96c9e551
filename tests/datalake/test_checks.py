"""Queues and streams that nobody could find fail `manage.py check`. [N-5, T-1]"""

from __future__ import annotations

import pytest
from django.core.checks import run_checks

from datalake import checks


def found() -> list[tuple[str, str]]:
    """Id and setting of each finding about regions."""
    every = run_checks(tags=["fairwave"])
    return [(str(one.id), one.msg.split(":")[0]) for one in every if "region" in one.msg]


@pytest.mark.parametrize(
    "setting", ["EMAIL_QUEUE", "S3_EVENTS_QUEUE", "VERDICT_QUEUE", "ARCHIVE_QUEUE"]
)
def test_n5_a_queue_without_a_region_fails_the_check(settings, monkeypatch, tmp_path, setting):
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "absent"))
    setattr(settings, setting, "https://queues.example/123456789012/emails")
    assert found() == [("datalake.E001", setting)]
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert found() == []
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    setattr(settings, setting, "https://sqs.eu-west-1.amazonaws.com/123456789012/emails")
    assert found() == []


@pytest.mark.parametrize(
    ("names", "number"),
    [
        ({"inputs": "vfInputStream"}, "2"),
        ({"scored": "vf input"}, "3"),
        ({"scored": "fairwave-input"}, "4"),
        ({"scored": "vfInputStream"}, None),
    ],
)
def test_t1_streams_that_could_not_be_found_on_kinesis_fail_the_check(settings, names, number):
    settings.KINESIS_STREAMS = names
    every = [str(one.id) for one in run_checks(tags=["fairwave"]) if "KINESIS" in one.msg]
    assert every == ([f"datalake.E00{number}"] if number else [])


def test_t1_streams_on_kinesis_need_a_region(settings, monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "absent"))
    settings.STREAM_ENGINE = "kinesis"
    assert [number for number, _ in found()] == ["datalake.E005"]
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert found() == []


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ({"ATHENA_WORKGROUP": "analysts", "GLUE_DATABASE": "fairwave"}, ""),
        ({"ATHENA_WORKGROUP": "analysts"}, "010"),
        ({"ATHENA_WORKGROUP": "an analyst", "GLUE_DATABASE": "fairwave"}, "012"),
        ({"ATHENA_OUTPUT": "s3://results/"}, "013"),
        ({"ATHENA_OUTPUT": "/results"}, "014"),
        ({"ATHENA_OUTPUT": "s3://results/a b/"}, "014"),
        ({"ATHENA_OUTPUT": "s3://lake/presale/avro/results/"}, "015"),
        ({"ATHENA_OUTPUT": "s3://lake/presale/demand/"}, "015"),
        ({"ATHENA_OUTPUT": "s3://lake/presale-results/"}, ""),
    ],
)
def test_l8_settings_of_athena_that_contradict_each_other_fail_the_check(
    settings, monkeypatch, given, number
):
    """[L-8]"""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    options = {"bucket_name": "lake", "location": "presale"}
    s3 = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"campaign-data": s3}
    if number in ("", "014", "015") and "ATHENA_OUTPUT" in given:
        given = given | {"ATHENA_WORKGROUP": "analysts", "GLUE_DATABASE": "fairwave"}
    for name, value in given.items():
        setattr(settings, name, value)
    every = [str(one.id) for one in run_checks(tags=["fairwave"]) if "ATHENA" in one.msg]
    assert every == ([f"datalake.E{number}"] if number else [])


def test_l8_athena_needs_a_region(settings, monkeypatch, tmp_path):
    """[L-8]"""
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "absent"))
    settings.ATHENA_WORKGROUP, settings.GLUE_DATABASE = "analysts", "fairwave"
    assert [number for number, _ in found()] == ["datalake.E011"]


def test_o6_queues_of_tasks_on_sqs_need_a_region(settings, monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "absent"))
    settings.TASK_BROKER = "sqs"
    assert [number for number, _ in found()] == ["datalake.E006"]
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert found() == []


@pytest.mark.parametrize("name", ["RETENTION_STREAM_DAYS", "RETENTION_DEAD_LETTER_DAYS"])
def test_o10_identities_are_kept_longer_than_what_they_identify(settings, name):
    assert checks.identities_are_kept_longer_than_records(None) == []
    setattr(settings, name, settings.RETENTION_IDENTITY_DAYS)
    (error,) = checks.identities_are_kept_longer_than_records(None)
    assert error.id == "datalake.E020"


def test_o10_claims_go_no_sooner_than_the_identities_that_name_them(settings):
    settings.RETENTION_CLAIM_DAYS = settings.RETENTION_IDENTITY_DAYS
    assert checks.claims_are_kept_as_long_as_identities(None) == []
    settings.RETENTION_CLAIM_DAYS -= 1
    (error,) = checks.claims_are_kept_as_long_as_identities(None)
    assert error.id == "datalake.E021"
