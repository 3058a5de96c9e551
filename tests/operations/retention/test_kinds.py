"""Each app registers what it keeps for a time. [O-10]"""

from __future__ import annotations

from django.conf import settings

from operations.retention.kinds import registered


def test_o10_each_kind_has_a_setting_of_its_days():
    kinds = {kind.rows: kind.setting for kind in registered()}
    assert kinds == {
        "stream batches": "RETENTION_STREAM_DAYS",
        "identities of records": "RETENTION_IDENTITY_DAYS",
        "settled dead letters": "RETENTION_DEAD_LETTER_DAYS",
        "messages of queues": "RETENTION_STREAM_DAYS",
        "texts and objections": "RETENTION_REPORT_DAYS",
    }
    assert all(getattr(settings, name) > 0 for name in kinds.values())
