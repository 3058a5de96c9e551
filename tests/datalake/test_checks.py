"""Queues whose region nobody knows fail `manage.py check`. [N-5]"""

from __future__ import annotations

import pytest
from django.core.checks import run_checks


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
